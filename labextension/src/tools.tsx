import * as React from 'react';
import { wordsOf } from './api';
import { replicasFor, sameAnswer } from './arithmetic';
import type { IContext } from './panel';
import { seconds, thousands } from './wording';

/** How many replicas a load needs. */
export function ReplicasTool({ context: { trans } }: { context: IContext }): JSX.Element {
  const [load, write] = React.useState({ rps: '20', seconds: '0.5', percent: '70', concurrent: '1' });
  const needed = replicasFor(load.rps, load.seconds, load.percent, load.concurrent);
  const line = (field: keyof typeof load, text: string): JSX.Element => (
    <div className="jp-MLDeploy-field">
      <label htmlFor={`jp-MLDeploy-calc-${field}`}>{text}</label>
      <input
        id={`jp-MLDeploy-calc-${field}`}
        className="jp-MLDeploy-input"
        inputMode="decimal"
        value={load[field]}
        onChange={event => write({ ...load, [field]: event.target.value })}
      />
    </div>
  );
  return (
    <details className="jp-MLDeploy-part">
      <summary>{trans.__('How many replicas?')}</summary>
      <div className="jp-MLDeploy-section">
        <div className="jp-MLDeploy-pair">
          {line('rps', trans.__('Requests per second'))}
          {line('seconds', trans.__('Seconds of one request'))}
          {line('percent', trans.__('Utilisation, %'))}
          {line('concurrent', trans.__('Concurrent requests of a replica'))}
        </div>
        <p role="status" className="jp-MLDeploy-result">
          {needed === null
            ? trans.__('Write numbers above 0; utilisation is at most 100 %.')
            : trans.__('Replicas: %1', thousands(needed))}
        </p>
        <p className="jp-MLDeploy-dim">
          ⌈ {load.rps || '–'} × {load.seconds || '–'} s ∕ ({load.percent || '–'} % × {load.concurrent || '–'}) ⌉
        </p>
      </div>
    </details>
  );
}

interface IAnswer {
  status: number;
  text: string;
  seconds: number;
}

type Told = IAnswer | string;

/** Whether two services answer the same: before one takes over from the other. */
export function ParityTool({ context: { trans, api, model } }: { context: IContext }): JSX.Element | null {
  const running = model.services.filter(one => one.state === 'running' || one.state === 'degraded');
  const names = running.map(one => one.name);
  const [picked, pick] = React.useState<[string, string]>(['', '']);
  const chosen = [0, 1].map(i => (names.includes(picked[i]!) ? picked[i]! : (names[i] ?? ''))) as [string, string];
  const usual = running.find(one => one.name === chosen[0])?.sample ?? '{"data": [[1, 2]]}';
  const [written, write] = React.useState<string | null>(null);
  const text = written ?? usual;
  const [told, tell] = React.useState<{ names: [string, string]; answers: [Told, Told] } | null>(null);
  const [waits, wait] = React.useState(false);
  if (names.length < 2) {
    return null;
  }
  const ask = (name: string): Promise<Told> =>
    api.call<IAnswer>('POST', ['services', name, 'score'], { text }).catch(error => wordsOf(error, trans));
  const send = async (): Promise<void> => {
    wait(true);
    const answers = await Promise.all([ask(chosen[0]), ask(chosen[1])]);
    tell({ names: chosen, answers });
    wait(false);
  };
  return (
    <details className="jp-MLDeploy-part">
      <summary>{trans.__('Compare two services')}</summary>
      <div className="jp-MLDeploy-section">
        <div className="jp-MLDeploy-pair">
          {[0, 1].map(i => (
            <select
              key={i}
              className="jp-MLDeploy-input"
              aria-label={trans.__('Service %1 of the comparison', i + 1)}
              value={chosen[i]}
              onChange={event => pick(i ? [chosen[0], event.target.value] : [event.target.value, chosen[1]])}
            >
              {running.map(one => (
                <option key={one.name} value={one.name}>{`${one.name} · ${one.target}`}</option>
              ))}
            </select>
          ))}
        </div>
        <textarea
          className="jp-MLDeploy-sample"
          rows={2}
          value={text}
          aria-label={trans.__('Sample for both')}
          onChange={event => write(event.target.value)}
        />
        <button type="button" className="jp-MLDeploy-button" disabled={waits} onClick={() => void send()}>
          {trans.__('Compare')}
        </button>
        <div role="status">{told ? <Verdict {...told} __={text => trans.__(text)} /> : null}</div>
      </div>
    </details>
  );
}

function Verdict(props: { names: [string, string]; answers: [Told, Told]; __: (text: string) => string }): JSX.Element {
  const [one, other] = props.answers;
  const same =
    typeof one === 'object' && typeof other === 'object' && one.status === other.status && sameAnswer(one.text, other.text);
  return (
    <>
      <p className={same ? 'jp-MLDeploy-result' : 'jp-MLDeploy-wrong'}>
        {same ? props.__('The answers are the same.') : props.__('The answers differ.')}
      </p>
      {props.answers.map((answer, i) => (
        <pre key={i} className="jp-MLDeploy-answer">
          {typeof answer === 'string'
            ? `${props.names[i]}: ${answer}`
            : `${props.names[i]} · ${answer.status} · ${seconds(answer.seconds)}\n${answer.text}`}
        </pre>
      ))}
    </>
  );
}

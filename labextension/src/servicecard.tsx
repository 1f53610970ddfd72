import * as React from 'react';
import { told, wordsOf } from './api';
import type { ICatalogue } from './catalogue';
import { diagnosisParts, element, type IButton, rail } from './drawing';
import type { IContext } from './panel';
import { readDiagnosis } from './reading';
import { remedyOf } from './remedies';
import { CommandIDs, type IDiagnosis, type IOperation, type IService } from './tokens';
import { bytes, capitalised, milliseconds, seconds, shortHash, thousands } from './wording';

/** Says what the state beside the name says already. */
const STOPPED = 'It was stopped.';

type Shown = 'score' | 'diagnosis' | null;

/** One service: how it is, and what can be done with it. */
export function Service({ service, context }: { service: IService; context: IContext }): JSX.Element {
  const { trans, run, model } = context;
  const [shown, show] = React.useState<Shown>(null);
  const { name } = service;
  const runs = service.state === 'running' || service.state === 'degraded';
  const operation = currentOperation(model.operation(name), service);
  const busy = service.busy || operation?.state === 'running';
  const wanted = Math.max(service.minimum, service.replicas.length);
  const about = [
    service.target,
    trans.__(service.state),
    runs ? trans.__('replicas: %1 of %2', service.ready, wanted) : ''
  ].filter(Boolean);
  const toggle = (what: Shown): void => show(shown === what ? null : what);
  const act = (label: string, command: string, more?: { primary?: boolean; off?: boolean }): JSX.Element => (
    <button
      type="button"
      className={`jp-MLDeploy-button${more?.primary ? ' jp-mod-primary' : ''}`}
      disabled={model.isAway || (more?.off ?? false)}
      aria-label={`${label} ${name}`}
      onClick={() => run(command, { name })}
    >
      {label}
    </button>
  );
  return (
    <li className="jp-MLDeploy-card" aria-label={name} data-service={name}>
      <div className="jp-MLDeploy-head">
        <span className="jp-MLDeploy-name">
          <span className="jp-MLDeploy-dot" data-state={service.state} aria-hidden="true" />
          <b>{name}</b>
        </span>
        <span className="jp-MLDeploy-dim" role="status">
          {about.join(' · ')}
        </span>
        {service.edited && runs ? <span className="jp-MLDeploy-tag">{trans.__('edited, not reloaded')}</span> : null}
      </div>
      {service.message && service.state !== 'running' && service.message !== STOPPED ? (
        <p className="jp-MLDeploy-message">
          <Prose text={trans.told(service.message)} />
        </p>
      ) : null}
      {operation ? <Operation operation={operation} context={context} /> : null}
      {service.uri ? (
        <div className="jp-MLDeploy-section">
          <code>{service.uri}</code>
          <div className="jp-MLDeploy-dim">
            {[
              service.models.join(', '),
              trans.__('script %1', shortHash(service.script)),
              trans.__('requests: %1', thousands(service.requests)),
              service.errors ? trans.__('errors: %1', thousands(service.errors)) : ''
            ]
              .filter(Boolean)
              .join(' · ')}
          </div>
        </div>
      ) : null}
      <div className="jp-MLDeploy-buttons">
        {runs ? act(trans.__('Reload'), CommandIDs.reload, { primary: service.edited, off: busy }) : null}
        {runs ? (
          <Toggle label={trans.__('Score')} name={name} on={shown === 'score'} act={() => toggle('score')} />
        ) : null}
        {act(trans.__('Logs'), CommandIDs.openLog)}
        {service.state === 'failed' || service.state === 'degraded' || service.errors ? (
          <Toggle label={trans.__('Why?')} name={name} on={shown === 'diagnosis'} act={() => toggle('diagnosis')} />
        ) : null}
        {runs ? act(trans.__('Scale…'), CommandIDs.scale, { off: busy }) : null}
        {runs
          ? act(trans.__('Stop'), CommandIDs.stop, { off: busy })
          : act(trans.__('Start'), CommandIDs.start, { off: busy })}
        {act(trans.__('Update…'), CommandIDs.update, { off: busy })}
        {act(trans.__('Delete…'), CommandIDs.remove, { off: busy })}
      </div>
      {shown === 'score' ? <Score service={service} context={context} /> : null}
      {shown === 'diagnosis' ? <Diagnosis service={service} context={context} /> : null}
      {service.replicas.length ? <Replicas service={service} context={context} /> : null}
    </li>
  );
}

/** What stands between backticks is code. */
export function Prose({ text }: { text: string }): JSX.Element {
  return <>{text.split('`').map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

function Toggle(props: { label: string; name: string; on: boolean; act: () => void }): JSX.Element {
  return (
    <button
      type="button"
      className="jp-MLDeploy-button"
      aria-expanded={props.on}
      aria-label={`${props.label} ${props.name}`}
      onClick={props.act}
    >
      {props.label}
    </button>
  );
}

/** What is of interest still: one that runs, or whose failure nothing has come after. */
function currentOperation(operation: IOperation | undefined, service: IService): IOperation | null {
  if (!operation || operation.state === 'done' || operation.state === 'cancelled') {
    return null;
  }
  const ended = operation.began + (operation.seconds ?? 0);
  return operation.state === 'running' || service.updated <= ended + 1 ? operation : null;
}

/** The stages of what the server does, its time, a way to interrupt it. */
export function Operation({ operation, context }: { operation: IOperation; context: IContext }): JSX.Element {
  const { trans, run } = context;
  const runs = operation.state === 'running';
  const [now, tick] = React.useState(Date.now() / 1000);
  React.useEffect(() => {
    if (!runs) {
      return;
    }
    const timer = setInterval(() => tick(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, [runs]);
  const failed = readFailure(operation, trans);
  return (
    <div className="jp-MLDeploy-operation">
      <Drawn draw={() => [rail(operation.stages, trans)]} key={JSON.stringify(operation.stages)} />
      {runs ? (
        <div className="jp-MLDeploy-buttons">
          <span role="status" className="jp-MLDeploy-dim">
            {trans.__(operation.verb)} · {seconds(Math.floor(Math.max(now - operation.began, 0)))}
          </span>
          <button
            type="button"
            className="jp-MLDeploy-button"
            aria-label={`${trans.__('Cancel')} ${operation.service}`}
            onClick={() => run(CommandIDs.cancel, { name: operation.service })}
          >
            {trans.__('Cancel')}
          </button>
        </div>
      ) : (
        <p className="jp-MLDeploy-message" role="alert">
          <Prose text={operation.error ? told(operation.error, trans) : ''} />
        </p>
      )}
      {runs && operation.log.length ? <pre className="jp-MLDeploy-proof">{operation.log.join('\n')}</pre> : null}
      {failed ? <Drawn draw={() => drawDiagnosis(failed, context)} /> : null}
    </div>
  );
}

function readFailure(operation: IOperation, trans: ICatalogue): IDiagnosis | null {
  const found = (operation.error as { diagnosis?: unknown } | null)?.diagnosis;
  return found ? trans.diagnosis(readDiagnosis(found, operation.service)) : null;
}

function drawDiagnosis(diagnosis: IDiagnosis, { trans, run }: IContext): HTMLElement[] {
  const buttons = diagnosis.actions.flatMap((action): IButton[] => {
    const remedy = remedyOf(action, diagnosis.service);
    if (remedy?.kind === 'update') {
      const args = { name: remedy.service, changes: remedy.changes as any };
      return [{ label: remedy.label, primary: true, act: () => run(CommandIDs.update, args) }];
    }
    return [];
  });
  return diagnosisParts(diagnosis, trans, buttons);
}

/** A place for what is drawn as DOM. */
function Drawn({ draw }: { draw: () => HTMLElement[] }): JSX.Element {
  const place = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => place.current?.replaceChildren(...draw()), []);
  return <div ref={place} />;
}

function Score({ service, context: { api, trans } }: { service: IService; context: IContext }): JSX.Element {
  const [text, write] = React.useState(service.sample ?? '{"data": [[1, 2]]}');
  const [answer, tell] = React.useState('');
  const [waits, wait] = React.useState(false);
  const send = async (): Promise<void> => {
    wait(true);
    try {
      const found = await api.call<IAnswer>('POST', ['services', service.name, 'score'], { text });
      const about = `${found.status} · ${seconds(found.seconds)} · ${trans.__('script %1', shortHash(found.script))}`;
      tell(`${found.text}\n${about}`);
    } catch (error) {
      tell(wordsOf(error, trans));
    } finally {
      wait(false);
    }
  };
  return (
    <div className="jp-MLDeploy-section">
      <textarea
        className="jp-MLDeploy-sample"
        rows={3}
        value={text}
        aria-label={trans.__('Sample for %1', service.name)}
        onChange={event => write(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            void send();
          }
        }}
      />
      <button type="button" className="jp-MLDeploy-button jp-mod-primary" disabled={waits} onClick={() => void send()}>
        {trans.__('Send')}
      </button>
      <pre className="jp-MLDeploy-answer" role="status">
        {answer}
      </pre>
    </div>
  );
}

interface IAnswer {
  status: number;
  text: string;
  seconds: number;
  script: string;
}

function Diagnosis({ service, context }: { service: IService; context: IContext }): JSX.Element {
  const { api, trans } = context;
  const [found, tell] = React.useState<IDiagnosis | string | null>(null);
  React.useEffect(() => {
    let gone = false;
    const say = (what: IDiagnosis | string): void => void (gone || tell(what));
    api.call('GET', ['services', service.name, 'diagnosis']).then(
      data => say(trans.diagnosis(readDiagnosis(data, service.name))),
      error => say(wordsOf(error, trans))
    );
    return () => {
      gone = true;
    };
  }, [service.revision, service.state, service.errors]);
  if (found === null) {
    return <p className="jp-MLDeploy-message">{trans.__('Looking…')}</p>;
  }
  if (typeof found === 'string') {
    return <p className="jp-MLDeploy-message">{found}</p>;
  }
  const title = element('b', 'jp-MLDeploy-title', capitalised(found.title));
  return <Drawn key={JSON.stringify(found)} draw={() => [title, ...drawDiagnosis(found, context)]} />;
}

function Replicas({ service, context: { trans } }: { service: IService; context: IContext }): JSX.Element {
  return (
    <details className="jp-MLDeploy-replicas">
      <summary>{trans.__('Replicas')}</summary>
      <div className="jp-MLDeploy-scroll" tabIndex={0} role="group" aria-label={trans.__('Replicas')}>
        <table>
          <thead>
            <tr>
              {['replica', 'state', 'script', 'requests', 'p50', 'p99', 'errors', 'memory'].map(title => (
                <th key={title} scope="col">
                  {trans.__(title)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {service.replicas.map(replica => (
              <tr key={replica.name}>
                <td>{replica.name}</td>
                <td>{trans.__(replica.state)}</td>
                <td>
                  <code>{shortHash(replica.script)}</code>
                </td>
                <td>{thousands(replica.requests)}</td>
                <td>{milliseconds(replica.p50_ms)}</td>
                <td>{milliseconds(replica.p99_ms)}</td>
                <td>{thousands(replica.errors)}</td>
                <td>{bytes(replica.memory_bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

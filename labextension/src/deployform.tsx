import { Clipboard } from '@jupyterlab/apputils';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import { ServerError, wordsOf } from './api';
import type { IContext } from './panel';
import { Prose } from './servicecard';
import { bodyOf, EMPTY, type Field, fieldOf, type IWish, magicOf, nameFor, problems, sentenceOf } from './wish';

type Problems = Partial<Record<Field, string>>;

/** Deploy a script of the file browser: what is asked for, what is not right about it, and the magic that does the same. */
export function DeployForm({ context, path, done }: { context: IContext; path: string; done: () => void }): JSX.Element {
  const { api, trans, preferences } = context;
  const [wish, write] = React.useState<IWish>(() => ({ ...EMPTY, script: path, name: path ? nameFor(path) : '' }));
  const [wrong, tell] = React.useState<Problems>({});
  const [trouble, say] = React.useState('');
  const [waits, wait] = React.useState(false);
  const [models, offer] = React.useState<string[]>([]);
  const [goal, lead] = React.useState('');
  const form = React.useRef<HTMLFormElement>(null);
  React.useEffect(() => {
    // While the server works nothing can have the focus.
    if (goal && !waits) {
      (form.current?.elements.namedItem(goal) as HTMLElement | null)?.focus();
      lead('');
    }
  }, [goal, waits]);
  React.useEffect(() => {
    (form.current?.elements.namedItem(path ? 'name' : 'script') as HTMLElement | null)?.focus();
    api.call<{ models: { name: string }[] }>('GET', ['models']).then(
      found => offer([...new Set(found.models.map(model => model.name))]),
      () => undefined // only suggestions
    );
  }, []);

  const set = (change: Partial<IWish>): void => {
    write(former => ({ ...former, ...change }));
    tell(former => Object.fromEntries(Object.entries(former).filter(([field]) => !(field in change))));
  };
  const show = (found: Problems): void => {
    tell(found);
    lead(Object.keys(EMPTY).find(field => field in found) ?? '');
  };
  const send = async (): Promise<void> => {
    say('');
    const seen = problems(wish, text => trans.__(text));
    show(seen);
    if (Object.keys(seen).length) {
      return;
    }
    wait(true);
    try {
      await api.call('POST', ['services', wish.name.trim(), 'deploy'], bodyOf(wish));
      done();
    } catch (error) {
      const field = error instanceof ServerError ? fieldOf(error.about.field) : null;
      const more = error instanceof ServerError && (error.about.problems?.length ?? 0) > 1 ? error.about.problems! : [];
      const text = [wordsOf(error, trans), ...more].join('\n');
      if (field) {
        show({ [field]: sentenceOf(text) });
      } else {
        say(text); // a failure of the deployment: the service's card has the diagnosis
      }
    } finally {
      wait(false);
    }
  };

  const label = (field: Field, text: string, input: JSX.Element, hint = ''): JSX.Element => (
    <div className="jp-MLDeploy-field">
      <label htmlFor={`jp-MLDeploy-${field}`}>{text}</label>
      {React.cloneElement(input, {
        id: `jp-MLDeploy-${field}`,
        name: field,
        disabled: waits,
        'aria-invalid': field in wrong,
        'aria-describedby': `jp-MLDeploy-${field}-about`
      })}
      <div id={`jp-MLDeploy-${field}-about`}>
        {wrong[field] ? (
          <span className="jp-MLDeploy-wrong" role="alert">
            <Prose text={wrong[field] ?? ''} />
          </span>
        ) : hint ? (
          <span className="jp-MLDeploy-dim">{hint}</span>
        ) : null}
      </div>
    </div>
  );
  const line = (field: Exclude<Field, 'folder'>, list?: string): JSX.Element => (
    <input
      className="jp-MLDeploy-input"
      value={wish[field]}
      spellCheck={false}
      autoComplete="off"
      list={list}
      onChange={event => set({ [field]: event.target.value })}
    />
  );
  return (
    <form
      ref={form}
      className="jp-MLDeploy-form"
      aria-label={trans.__('Deploy a script')}
      noValidate
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      {label('script', trans.__('Script'), line('script'), trans.__('A Python file, as the file browser names it.'))}
      {label('name', trans.__('Name'), line('name'))}
      {label(
        'target',
        trans.__('Target'),
        <select
          className="jp-MLDeploy-input"
          value={wish.target}
          onChange={event => set({ target: event.target.value })}
        >
          <UseSignal signal={preferences.changed}>
            {() => (
              <option value="">
                {preferences.said.target
                  ? trans.__('as in the settings: %1', preferences.said.target)
                  : trans.__('the usual one')}
              </option>
            )}
          </UseSignal>
          <option value="local">local</option>
          <option value="container">container</option>
          <option value="kubernetes">kubernetes</option>
        </select>
      )}
      {label('models', trans.__('Models'), line('models', 'jp-MLDeploy-known'), trans.__('Registered names, or files.'))}
      <datalist id="jp-MLDeploy-known">
        {models.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {label(
        'environment',
        trans.__('Environment'),
        line('environment', 'jp-MLDeploy-environments'),
        trans.__('current, auto, or a requirements or conda file.')
      )}
      <datalist id="jp-MLDeploy-environments">
        <option value="current" />
        <option value="auto" />
      </datalist>
      {label(
        'sample',
        trans.__('Sample'),
        <textarea
          className="jp-MLDeploy-sample"
          rows={2}
          value={wish.sample}
          spellCheck={false}
          onChange={event => set({ sample: event.target.value })}
        />,
        trans.__('JSON that run() must answer before the service counts as ready.')
      )}
      <div className="jp-MLDeploy-pair">
        {label('replicas', trans.__('Replicas'), line('replicas'))}
        {label('memory', trans.__('Memory'), line('memory'))}
      </div>
      <label className="jp-MLDeploy-check">
        <input
          type="checkbox"
          name="folder"
          checked={wish.folder}
          disabled={waits}
          onChange={event => set({ folder: event.target.checked })}
        />
        {trans.__('The files beside the script go along')}
      </label>
      {wrong.folder ? (
        <span className="jp-MLDeploy-wrong" role="alert">
          <Prose text={wrong.folder} />
        </span>
      ) : null}
      <p className="jp-MLDeploy-dim">{trans.__('The same in a notebook:')}</p>
      <pre className="jp-MLDeploy-magic" tabIndex={0} aria-label={trans.__('The same in a notebook:')}>
        <UseSignal signal={preferences.changed}>{() => <>{magicOf(wish, preferences.said)}</>}</UseSignal>
      </pre>
      {trouble ? (
        <p className="jp-MLDeploy-wrong" role="alert">
          <Prose text={trouble} />
        </p>
      ) : null}
      <div className="jp-MLDeploy-formButtons">
        <button type="submit" className="jp-MLDeploy-button jp-mod-primary" disabled={waits}>
          {waits ? trans.__('deploying') : trans.__('Deploy')}
        </button>
        <button type="button" className="jp-MLDeploy-button" onClick={done}>
          {trans.__('Close')}
        </button>
        <button type="button" className="jp-MLDeploy-button" onClick={() => Clipboard.copyToSystem(magicOf(wish, preferences.said))}>
          {trans.__('Copy')}
        </button>
      </div>
    </form>
  );
}

import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { wordsOf } from './api';
import type { ICatalogue } from './catalogue';
import { confirmed } from './commands';
import type { IContext } from './panel';
import { Prose } from './servicecard';
import { bytes, moment, seconds } from './wording';

interface IModel {
  name: string;
  version: number;
  kind: string;
  size: number;
  services: string[];
}

interface IImage {
  reference: string;
  service: string;
  state: string;
  built: number;
  seconds: number;
  cached: number;
  steps: number;
}

interface IOrphan {
  service: string;
  container: string;
  image: string;
  status: string;
  /** Its service has a record, which names another container. */
  leftover: boolean;
}

/** What is kept besides services. Each part is asked for when it is opened. */
export function Stock({ context }: { context: IContext }): JSX.Element {
  const { trans, api } = context;
  return (
    <>
      <Part<{ models: IModel[] }>
        title={trans.__('Models')}
        path="models"
        context={context}
        draw={({ models }, again) =>
          models.map(model => (
            <li key={`${model.name}:${model.version}`}>
              <b>
                {model.name}:{model.version}
              </b>{' '}
              <span className="jp-MLDeploy-dim">
                {[model.kind, bytes(model.size), ...model.services].join(' · ')}
              </span>
              {model.services.length ? null : (
                <Delete what={`${model.name}:${model.version}`} trans={trans} act={() => deleteModel(model, again)} />
              )}
            </li>
          ))
        }
      />
      <Part<{ images: IImage[] }>
        title={trans.__('Images')}
        path="images"
        context={context}
        draw={({ images }) =>
          images.map(image => (
            <li key={image.reference}>
              <b>{image.reference}</b>{' '}
              <span className="jp-MLDeploy-dim">
                {[trans.__(image.state), moment(image.built), image.seconds ? seconds(image.seconds) : '']
                  .filter(Boolean)
                  .join(' · ')}
              </span>
              <button
                type="button"
                className="jp-MLDeploy-button"
                aria-label={`${trans.__('Build log')} ${image.reference}`}
                onClick={() => void showBuildLog(context, image.reference)}
              >
                {trans.__('Build log')}
              </button>
            </li>
          ))
        }
      />
      <Part<{ orphans: IOrphan[] }>
        title={trans.__('Orphans')}
        about={trans.__('Containers that no service owns. `mldeploy prune` removes all of them, and images that nothing needs.')}
        path="orphans"
        context={context}
        draw={({ orphans }, again) =>
          orphans.map(orphan => (
            <li key={orphan.container}>
              <b>{orphan.service}</b>{' '}
              <span className="jp-MLDeploy-dim">{[orphan.container, orphan.image, orphan.status].join(' · ')}</span>
              <Delete what={`${orphan.service} ${orphan.container}`} trans={trans} act={() => deleteOrphan(orphan, again)} />
            </li>
          ))
        }
      />
    </>
  );

  function deleteModel({ name, version }: IModel, again: () => void): Promise<void> {
    return remove(`${name}:${version}`, '', ['models', name, String(version)], again);
  }

  function deleteOrphan({ service, container, leftover }: IOrphan, again: () => void): Promise<void> {
    const about = leftover
      ? trans.__('An operation on %1 that was killed has left it; the service itself stays.', service)
      : trans.__('It is of a service %1 that has no record here.', service);
    const body = `${about} ${trans.__('It ends, and what it keeps is removed. This cannot be taken back.')}`;
    return remove(container, body, ['orphans', container], again);
  }

  /** Ask, remove it, and look again. */
  async function remove(what: string, body: string, path: string[], again: () => void): Promise<void> {
    if (await confirmed(trans.__('Delete %1?', what), body, trans.__('Delete'), trans)) {
      try {
        await api.call('DELETE', path);
      } catch (error) {
        Notification.error(wordsOf(error, trans), { autoClose: 8000 });
      }
      again();
    }
  }

  async function showBuildLog(_context: IContext, reference: string): Promise<void> {
    let text: string;
    try {
      ({ text } = await api.call<{ text: string }>('GET', ['images', 'log'], undefined, { reference }));
    } catch (error) {
      Notification.error(wordsOf(error, trans), { autoClose: 8000 });
      return;
    }
    const asked = await showDialog({
      title: reference,
      body: (<pre className="jp-MLDeploy-buildLog">{text}</pre>) as any,
      buttons: [Dialog.okButton({ label: trans.__('Copy') }), Dialog.cancelButton({ label: trans.__('Close') })]
    });
    if (asked.button.accept) {
      Clipboard.copyToSystem(text);
    }
  }
}

function Delete({ what, trans, act }: { what: string; trans: ICatalogue; act: () => Promise<void> }): JSX.Element {
  const label = trans.__('Delete…');
  return (
    <button type="button" className="jp-MLDeploy-button" aria-label={`${label} ${what}`} onClick={() => void act()}>
      {label}
    </button>
  );
}

function Part<T extends object>(props: {
  title: string;
  about?: string;
  path: string;
  context: IContext;
  draw: (data: T, again: () => void) => JSX.Element[];
}): JSX.Element {
  const { trans, api, model } = props.context;
  const [data, tell] = React.useState<T | string | null>(null);
  const [isOpen, open] = React.useState(false);
  const ask = (): void => void api.call<T>('GET', [props.path]).then(tell, error => tell(wordsOf(error, trans)));
  // What a deployment registers and builds is here when it is done.
  const deployed = model.services.map(service => `${service.name} ${service.revision} ${service.busy}`).join();
  React.useEffect(() => {
    if (isOpen) {
      ask();
    }
  }, [isOpen, deployed]);
  // The button that was pressed goes with what it has deleted: the keyboard goes on from the part's title.
  const title = React.useRef<HTMLElement>(null);
  const again = (): void => {
    title.current?.focus();
    ask();
  };
  const items = data && typeof data === 'object' ? props.draw(data, again) : [];
  return (
    <details
      className="jp-MLDeploy-part"
      onToggle={event => open((event.target as HTMLDetailsElement).open)}
    >
      <summary ref={title}>{props.title}</summary>
      {data === null ? <p className="jp-MLDeploy-message">{trans.__('Looking…')}</p> : null}
      {typeof data === 'string' ? (
        <p className="jp-MLDeploy-message">
          <Prose text={data} />
        </p>
      ) : null}
      {data && typeof data === 'object' && !items.length ? (
        <p className="jp-MLDeploy-message">{trans.__('There are none.')}</p>
      ) : null}
      <ul>{items}</ul>
      {props.about && items.length ? (
        <p className="jp-MLDeploy-message">
          <Prose text={props.about} />
        </p>
      ) : null}
    </details>
  );
}

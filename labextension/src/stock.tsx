import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { wordsOf } from './api';
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
                <button
                  type="button"
                  className="jp-MLDeploy-button"
                  aria-label={`${trans.__('Delete…')} ${model.name}:${model.version}`}
                  onClick={() => void deleteModel(context, model, again)}
                >
                  {trans.__('Delete…')}
                </button>
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
        about={trans.__('Containers that no service owns. `mldeploy prune` removes them.')}
        path="orphans"
        context={context}
        draw={({ orphans }) =>
          orphans.map(orphan => (
            <li key={orphan.container}>
              <b>{orphan.service}</b>{' '}
              <span className="jp-MLDeploy-dim">{[orphan.container, orphan.image, orphan.status].join(' · ')}</span>
            </li>
          ))
        }
      />
    </>
  );

  async function deleteModel({ api }: IContext, model: IModel, again: () => void): Promise<void> {
    const asked = await showDialog({
      title: trans.__('Delete %1?', `${model.name}:${model.version}`),
      buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label: trans.__('Delete') })]
    });
    if (asked.button.accept) {
      try {
        await api.call('DELETE', ['models', model.name, String(model.version)]);
      } catch (error) {
        Notification.error(wordsOf(error), { autoClose: 8000 });
      }
      again();
    }
  }

  async function showBuildLog(_context: IContext, reference: string): Promise<void> {
    let text: string;
    try {
      ({ text } = await api.call<{ text: string }>('GET', ['images', 'log'], undefined, { reference }));
    } catch (error) {
      Notification.error(wordsOf(error), { autoClose: 8000 });
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
  const ask = (): void => void api.call<T>('GET', [props.path]).then(tell, error => tell(wordsOf(error)));
  // What a deployment registers and builds is here when it is done.
  const deployed = model.services.map(service => `${service.name} ${service.revision} ${service.busy}`).join();
  React.useEffect(() => {
    if (isOpen) {
      ask();
    }
  }, [isOpen, deployed]);
  const items = data && typeof data === 'object' ? props.draw(data, ask) : [];
  return (
    <details
      className="jp-MLDeploy-part"
      onToggle={event => open((event.target as HTMLDetailsElement).open)}
    >
      <summary>{props.title}</summary>
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

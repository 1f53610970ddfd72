import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { type Api, ServerError, wordsOf } from './api';
import type { Catalogue, ICatalogue } from './catalogue';
import { optionsOf } from './remedies';
import { CommandIDs, type IDeployedServices } from './tokens';

type Args = ReadonlyPartialJSONObject;

const NAME_ONLY = {
  args: { type: 'object', properties: { name: { type: 'string', description: 'Name of the service' } } }
} as const;

/** The commands on services. Whatever changes a service asks first, except what takes an edit or can be taken back. */
export function addServiceCommands(app: JupyterFrontEnd, api: Api, model: IDeployedServices, trans: Catalogue): void {
  const add = (id: string, label: () => string, act: (name: string, args: Args) => Promise<void>): void => {
    app.commands.addCommand(id, {
      label: args => (args.name && args.isMenu ? `${label()} ${args.name}` : label()),
      caption: trans.__('Deployed models'),
      describedBy: NAME_ONLY,
      execute: async args => {
        await trans.ready;
        const name = typeof args.name === 'string' ? args.name : await askForService(model, trans, label());
        if (!name) {
          return;
        }
        try {
          await act(name, args);
        } catch (error) {
          // A failed operation is shown in the panel, with its diagnosis; being told of it is enough here.
          if (!(error instanceof ServerError && error.about.code === 'cancelled')) {
            Notification.error(wordsOf(error, trans).slice(0, 140), { autoClose: 8000 });
          }
        }
      }
    });
  };
  const post = (name: string, verb: string, body: object = {}): Promise<unknown> =>
    api.call('POST', ['services', name, verb], body);

  add(
    CommandIDs.reload,
    () => trans.__('Reload'),
    async name => void (await post(name, 'reload'))
  );
  add(
    CommandIDs.start,
    () => trans.__('Start'),
    async name => void (await post(name, 'start'))
  );
  add(
    CommandIDs.stop,
    () => trans.__('Stop'),
    async name => {
      const body = trans.__('Its processes end. It can be started again.');
      if (await confirmed(trans.__('Stop %1?', name), body, trans.__('Stop'), trans)) {
        await post(name, 'stop');
      }
    }
  );
  add(
    CommandIDs.remove,
    () => trans.__('Delete…'),
    async name => {
      const body = trans.__('Its processes end, and what is kept of it is removed. This cannot be taken back.');
      if (await confirmed(trans.__('Delete %1?', name), body, trans.__('Delete'), trans)) {
        await api.call('DELETE', ['services', name]);
      }
    }
  );
  add(
    CommandIDs.cancel,
    () => trans.__('Cancel'),
    async name => void (await api.call('DELETE', ['services', name, 'operation']))
  );
  add(
    CommandIDs.scale,
    () => trans.__('Scale…'),
    async name => {
      const { askForChanges } = await import('./asking');
      const question = { title: trans.__('Scale %1', name), label: trans.__('Scale'), fields: ['replicas' as const] };
      await askForChanges(question, model.get(name), trans, changes => post(name, 'scale', changes));
    }
  );
  add(
    CommandIDs.update,
    () => trans.__('Update…'),
    async (name, args) => {
      const given = args.changes as Record<string, unknown> | undefined;
      const service = model.get(name);
      const serves = service?.state === 'running' || service?.state === 'degraded';
      const after = serves
        ? trans.__('The old version serves until the new one is ready.')
        : trans.__('It does not serve now; it is started with that.');
      if (!given) {
        const { askForChanges } = await import('./asking');
        const question = {
          title: trans.__('Update %1', name),
          label: trans.__('Update'),
          fields: ['memory' as const, 'cpu' as const, 'replicas' as const, 'pip' as const],
          about: after
        };
        await askForChanges(question, service, trans, changes => post(name, 'update', changes));
        return;
      }
      const body = `${trans.__('The service gets %1.', optionsOf(given))} ${after}`;
      if (await confirmed(trans.__('Update %1?', name), body, trans.__('Update'), trans)) {
        await post(name, 'update', given);
      }
    }
  );
}

/** Ask before something is changed. */
export async function confirmed(title: string, body: string, label: string, trans: ICatalogue): Promise<boolean> {
  const asked = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label })]
  });
  return asked.button.accept;
}

/** From the palette a command has no service. */
export async function askForService(model: IDeployedServices, trans: Catalogue, title: string): Promise<string | null> {
  const held = model.hold();
  try {
    if (!model.isKnown) {
      await new Promise<void>(resolve => {
        const known = (): void => {
          if (model.isKnown || model.trouble) {
            model.changed.disconnect(known);
            resolve();
          }
        };
        model.changed.connect(known);
      });
    }
    const names = model.services.map(service => service.name);
    if (!names.length) {
      Notification.info(trans.__('Nothing is deployed yet.'));
      return null;
    }
    const asked = await InputDialog.getItem({
      title,
      items: names,
      label: trans.__('Service'),
      okLabel: trans.__('Choose'),
      cancelLabel: trans.__('Cancel')
    });
    return asked.button.accept ? asked.value : null;
  } finally {
    held.dispose();
  }
}

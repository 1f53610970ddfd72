import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Notification } from '@jupyterlab/apputils';
import { type ISignal, Signal } from '@lumino/signaling';
import { type Api, ServerError, wordsOf } from './api';
import type { Catalogue } from './catalogue';
import { type ISaid, NOTHING, offered, readSaid } from './said';
import { NAMESPACE } from './tokens';

export const SETTINGS = `${NAMESPACE}:plugin`;

/** The user's settings: read by the panel, handed to the server for what it does. */
export class Preferences {
  constructor(
    private readonly _api: Api,
    private readonly _trans: Catalogue
  ) {}

  /** What they say; empty where they say nothing. */
  get said(): Readonly<ISaid> {
    return this._said;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Titles in the user's language, then read and followed. */
  async follow(registry: ISettingRegistry): Promise<void> {
    const trans = this._trans;
    await trans.ready;
    registry.transform(SETTINGS, { fetch: plugin => ({ ...plugin, schema: translated(plugin.schema, plugin.raw, trans) }) });
    const settings = await registry.load(SETTINGS);
    const take = (): void => {
      this._said = readSaid(settings.composite);
      this._changed.emit();
    };
    take();
    await this._handOver(false);
    settings.changed.connect(() => {
      take();
      void this._handOver(true);
    });
  }

  /** The server keeps them until it ends, so it is told also of empty ones. */
  private async _handOver(isAsked: boolean): Promise<void> {
    try {
      await this._api.call('PUT', ['settings'], this._said);
    } catch (error) {
      // At the start nobody has asked: whoever may not change the server, or has a server without our part, works on.
      if (isAsked || (error instanceof ServerError && error.status === 400)) {
        Notification.error(wordsOf(error), { autoClose: 8000 });
      }
    }
  }

  private _said: ISaid = NOTHING;
  private _changed = new Signal<this, void>(this);
}

/** The settings editor shows what the schema says. */
function translated(schema: ISettingRegistry.ISchema, raw: string, trans: Catalogue): ISettingRegistry.ISchema {
  const properties = Object.entries(offered(schema.properties ?? {}, raw)).map(([name, property]) => [
    name,
    { ...property, title: trans.__(property.title ?? name), description: trans.__(property.description ?? '') }
  ]);
  return {
    ...schema,
    title: trans.__(schema.title ?? ''),
    description: trans.__(schema.description ?? ''),
    properties: Object.fromEntries(properties)
  };
}

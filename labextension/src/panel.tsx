import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';
import { type Api, UNREACHABLE } from './api';
import { isMeant } from './filtering';
import type { ICatalogue } from './catalogue';
import { DeployForm } from './deployform';
import { Operation, Service } from './servicecard';
import type { Preferences } from './settings';
import { Stock } from './stock';
import { CommandIDs, type IDeployedServices } from './tokens';
import { ParityTool, ReplicasTool } from './tools';

/** From so many services on one wants to look for them. */
const MANY = 8;

export interface IContext {
  api: Api;
  model: IDeployedServices;
  trans: ICatalogue;
  preferences: Preferences;
  run: (command: string, args?: ReadonlyJSONObject) => void;
}

/** What the side panel shows: the form, services, models, images, orphans, what helps to decide. */
export class ServicesPanel extends ReactWidget {
  constructor(
    api: Api,
    model: IDeployedServices,
    trans: ICatalogue,
    preferences: Preferences,
    commands: CommandRegistry
  ) {
    super();
    this.addClass('jp-MLDeploy-panel');
    this.node.tabIndex = -1; // whoever asks for the panel by a command goes on from here with the keyboard
    const run = (command: string, args?: ReadonlyJSONObject): void => void commands.execute(command, args);
    this._context = { api, model, trans, preferences, run };
  }

  /** Open the form for a script; with `null` it is closed. */
  openForm(path: string | null): void {
    this._form = path === null ? null : { path, number: (this._form?.number ?? 0) + 1 };
    this._formChanged.emit();
  }

  protected render(): JSX.Element {
    const context = this._context;
    return (
      <UseSignal signal={this._formChanged as ISignal<this, void>}>
        {() => (
          <>
            {this._form ? (
              <DeployForm
                key={this._form.number}
                context={context}
                path={this._form.path}
                done={() => this.openForm(null)}
              />
            ) : (
              <div className="jp-MLDeploy-top">
                <button type="button" className="jp-MLDeploy-button" onClick={() => this.openForm('')}>
                  {context.trans.__('Deploy a script…')}
                </button>
              </div>
            )}
            <UseSignal signal={context.model.changed}>{() => <Contents context={context} />}</UseSignal>
          </>
        )}
      </UseSignal>
    );
  }

  private readonly _context: IContext;
  private readonly _formChanged = new Signal<this, void>(this);
  private _form: { path: string; number: number } | null = null;
}

function Contents({ context }: { context: IContext }): JSX.Element {
  const { model, trans } = context;
  const [wanted, want] = React.useState('');
  const every = model.services;
  const isMany = every.length >= MANY;
  const services = isMany ? every.filter(service => isMeant(service, wanted, text => trans.__(text))) : every;
  const coming = model.coming;
  return (
    <>
      {model.isAway ? (
        <p className="jp-MLDeploy-trouble" role="alert">
          {model.trouble === UNREACHABLE
            ? trans.__('The server does not answer.')
            : trans.__('The server does not answer: %1', model.trouble)}
        </p>
      ) : null}
      {!model.isKnown && !model.trouble ? <p className="jp-MLDeploy-dim">{trans.__('Looking…')}</p> : null}
      {model.isKnown && every.length + coming.length === 0 ? <Empty context={context} /> : null}
      {isMany ? (
        <div className="jp-MLDeploy-filter">
          <input
            type="search"
            className="jp-MLDeploy-input"
            placeholder={trans.__('Name, target or state')}
            aria-label={trans.__('Show only services that have')}
            value={wanted}
            onChange={event => want(event.target.value)}
          />
          <span className="jp-MLDeploy-dim" role="status">
            {trans.__('services: %1 of %2', services.length, every.length)}
          </span>
        </div>
      ) : null}
      <ul className="jp-MLDeploy-services" aria-label={trans.__('Services')}>
        {coming.map(operation => (
          <li key={operation.service} className="jp-MLDeploy-card" aria-label={operation.service}>
            <div className="jp-MLDeploy-head">
              <span className="jp-MLDeploy-name">
                <span className="jp-MLDeploy-dot" data-state="deploying" aria-hidden="true" />
                <b>{operation.service}</b>
              </span>
            </div>
            <Operation operation={operation} context={context} />
          </li>
        ))}
        {services.map(service => (
          <Service key={service.name} service={service} context={context} />
        ))}
      </ul>
      <Stock context={context} />
      <ParityTool context={context} />
      <ReplicasTool context={context} />
    </>
  );
}

/** Says how to begin. */
function Empty({ context: { trans, run } }: { context: IContext }): JSX.Element {
  return (
    <div className="jp-MLDeploy-empty">
      <p>{trans.__('Nothing is deployed yet. Put this above a cell that defines init() and run(data), and run it:')}</p>
      <pre>{'%load_ext jupyter_mldeploy\n\n%%deploy iris --model clf'}</pre>
      <button type="button" className="jp-MLDeploy-button jp-mod-primary" onClick={() => run(CommandIDs.openExample)}>
        {trans.__('Open an example')}
      </button>
    </div>
  );
}

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import * as React from 'react';
import type { Api } from './api';
import type { ICatalogue } from './catalogue';
import { Service } from './servicecard';
import { Stock } from './stock';
import { CommandIDs, type IDeployedServices } from './tokens';

export interface IContext {
  api: Api;
  model: IDeployedServices;
  trans: ICatalogue;
  run: (command: string, args?: ReadonlyJSONObject) => void;
}

/** What the side panel shows: services, models, images, orphans. */
export class ServicesPanel extends ReactWidget {
  constructor(api: Api, model: IDeployedServices, trans: ICatalogue, commands: CommandRegistry) {
    super();
    this.addClass('jp-MLDeploy-panel');
    this._context = { api, model, trans, run: (command, args) => void commands.execute(command, args) };
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._context.model.changed}>{() => <Contents context={this._context} />}</UseSignal>
    );
  }

  private readonly _context: IContext;
}

function Contents({ context }: { context: IContext }): JSX.Element {
  const { model, trans } = context;
  const services = model.services;
  return (
    <>
      {model.trouble && !model.isConnected ? (
        <p className="jp-MLDeploy-trouble" role="alert">
          {trans.__('The server does not answer: %1', model.trouble)}
        </p>
      ) : null}
      {!model.isKnown && !model.trouble ? <p className="jp-MLDeploy-dim">{trans.__('Looking…')}</p> : null}
      {model.isKnown && services.length === 0 ? <Empty context={context} /> : null}
      <ul className="jp-MLDeploy-services" aria-label={trans.__('Services')}>
        {services.map(service => (
          <Service key={service.name} service={service} context={context} />
        ))}
      </ul>
      <Stock context={context} />
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

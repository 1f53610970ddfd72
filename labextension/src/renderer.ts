import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import { Widget } from '@lumino/widgets';
import type { Catalogue } from './catalogue';
import type { IButton } from './drawing';
import { remedyOf } from './remedies';
import { CommandIDs, DEPLOYMENT_MIME, DIAGNOSIS_MIME, type IDeployedServices, type IDiagnosis } from './tokens';

/** What stays of a deployment in a saved notebook, with the actions that the server can carry out now. */
class BundleRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(
    private readonly _mimeType: string,
    private readonly _trans: Catalogue,
    private readonly _commands: CommandRegistry,
    private readonly _services: IDeployedServices
  ) {
    super();
    this.addClass('jp-MLDeploy-bundle');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._data = model.data[this._mimeType];
    await this._draw();
  }

  override dispose(): void {
    this._services.changed.disconnect(this._refresh, this);
    this._held?.dispose();
    super.dispose();
  }

  private async _draw(): Promise<void> {
    const [{ deploymentCard, diagnosisCard }, { readDeployment, readDiagnosis }] = await Promise.all([
      import('./drawing'),
      import('./reading'),
      this._trans.ready
    ]);
    if (this.isDisposed) {
      return;
    }
    if (this._mimeType === DEPLOYMENT_MIME) {
      const told = readDeployment(this._data);
      const deployment = { ...told, failure: told.failure && this._trans.diagnosis(told.failure) };
      this._show(deploymentCard(deployment, this._trans, this._buttons(deployment.failure)));
    } else {
      const diagnosis = this._trans.diagnosis(readDiagnosis(this._data));
      this._show(diagnosisCard(diagnosis, this._trans, this._buttons(diagnosis)));
    }
  }

  private _show(card: HTMLElement): void {
    this.node.replaceChildren(card);
  }

  /** Only for a service that the server knows: a notebook may come from anywhere. Commands ask before they change anything. */
  private _buttons(diagnosis: IDiagnosis | null): IButton[] {
    if (!diagnosis?.service) {
      return [];
    }
    if (!this._held) {
      this._held = this._services.hold();
      this._services.changed.connect(this._refresh, this);
    }
    this._known = this._canActOn(diagnosis.service);
    this._service = diagnosis.service;
    if (!this._known) {
      return [];
    }
    return diagnosis.actions.flatMap(action => {
      const remedy = remedyOf(action, diagnosis.service);
      if (remedy?.kind === 'update') {
        const args = { name: remedy.service, changes: remedy.changes as any };
        return [{ label: remedy.label, primary: true, act: () => void this._commands.execute(CommandIDs.update, args) }];
      }
      if (remedy?.kind === 'log') {
        const args = { name: remedy.service, build: remedy.build };
        return [{ label: remedy.label, act: () => void this._commands.execute(CommandIDs.openLog, args) }];
      }
      return [];
    });
  }

  private _refresh(): void {
    if (this._canActOn(this._service) !== this._known) {
      void this._draw();
    }
  }

  private _canActOn(service: string): boolean {
    return !this._services.isAway && !!this._services.get(service);
  }

  private _data: unknown = null;
  private _held: IDisposable | null = null;
  private _known = false;
  private _service = '';
}

/** Before `text/html`, which is what front ends without this extension show. */
export function rendererFactory(
  trans: Catalogue,
  commands: CommandRegistry,
  services: IDeployedServices
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [DEPLOYMENT_MIME, DIAGNOSIS_MIME],
    defaultRank: 10,
    createRenderer: options => new BundleRenderer(options.mimeType, trans, commands, services)
  };
}

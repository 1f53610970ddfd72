import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  InputDialog,
  IToolbarWidgetRegistry,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IMainMenu } from '@jupyterlab/mainmenu';
import type { Kernel } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Panel } from '@lumino/widgets';
import { Api, wordsOf } from './api';
import { Catalogue } from './catalogue';
import { CellButton, lineMark, markAfterRun } from './cells';
import { deployedBy } from './cellscript';
import { addServiceCommands, askForService } from './commands';
import { deployIcon } from './icon';
import { addMenus } from './menus';
import { DeployedServices } from './model';
import type { ServicesPanel } from './panel';
import { rendererFactory } from './renderer';
import { Preferences } from './settings';
import { CommandIDs, IDeployedServices, NAMESPACE } from './tokens';

export { IDeployedServices } from './tokens';

const services: JupyterFrontEndPlugin<IDeployedServices> = {
  id: `${NAMESPACE}:services`,
  description: 'What is deployed, live.',
  autoStart: true,
  provides: IDeployedServices,
  activate: (app: JupyterFrontEnd) => new DeployedServices(new Api(app.serviceManager.serverSettings))
};

const renderer: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:renderer`,
  description: 'Deployments and diagnoses in saved notebooks.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IDeployedServices],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    model: IDeployedServices,
    translator: ITranslator | null
  ) => {
    registry.addFactory(rendererFactory(new Catalogue(translator), app.commands, model));
  }
};

/** The place in the side bar; what is in it is fetched when it is first looked at, and followed while it is. */
class LazyPanel extends Panel {
  constructor(
    private readonly _make: () => Promise<ServicesPanel>,
    private readonly _model: IDeployedServices
  ) {
    super();
  }

  /** What is in it, once it is there. */
  get contents(): Promise<ServicesPanel> {
    if (!this._contents) {
      this._contents = this._make();
      void this._contents.then(widget => this.addWidget(widget));
    }
    return this._contents;
  }

  protected override onActivateRequest(): void {
    void this.contents.then(widget => {
      if (!widget.node.contains(document.activeElement)) {
        widget.node.focus();
      }
    });
  }

  protected override onAfterShow(): void {
    this._held ??= this._model.hold();
    void this.contents;
  }

  protected override onBeforeHide(): void {
    this._held?.dispose();
    this._held = null;
  }

  private _contents: Promise<ServicesPanel> | null = null;
  private _held: IDisposable | null = null;
}

const panel: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:plugin`,
  description: 'The side panel of deployed services, logs, commands, the launcher entry.',
  autoStart: true,
  requires: [IDeployedServices],
  optional: [
    ITranslator,
    ILayoutRestorer,
    ICommandPalette,
    ILauncher,
    IDefaultFileBrowser,
    IMainMenu,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IDeployedServices,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    files: IDefaultFileBrowser | null,
    menu: IMainMenu | null,
    registry: ISettingRegistry | null
  ) => {
    const api = new Api(app.serviceManager.serverSettings);
    const trans = new Catalogue(translator);
    const { commands, shell } = app;
    const preferences = new Preferences(api, trans);
    if (registry) {
      void app.restored.then(() => preferences.follow(registry)).catch(error => console.warn('jupyter-mldeploy:', error));
    }

    const side = new LazyPanel(async () => {
      const [{ ServicesPanel }] = await Promise.all([import('./panel'), trans.ready]);
      return new ServicesPanel(api, model, trans, preferences, commands);
    }, model);
    side.id = 'jp-mldeploy-panel';
    side.title.icon = deployIcon;
    side.addClass('jp-MLDeploy-side');
    void trans.ready.then(() => {
      side.title.caption = trans.__('Deployed models');
      side.node.setAttribute('aria-label', trans.__('Deployed models'));
      side.node.setAttribute('role', 'region');
    });
    shell.add(side, 'left', { rank: 450, type: 'Deployed models' });
    restorer?.add(side, side.id);

    commands.addCommand(CommandIDs.showPanel, {
      label: () => trans.__('Show deployed models'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(side.id)
    });
    addServiceCommands(app, api, model, trans);
    commands.addCommand(CommandIDs.deployFile, {
      label: () => trans.__('Deploy a script…'),
      icon: args => (args.isPalette ? undefined : deployIcon) as any,
      describedBy: { args: { type: 'object', properties: { path: { type: 'string', description: 'Of the script' } } } },
      execute: async args => {
        shell.activateById(side.id);
        (await side.contents).openForm(typeof args.path === 'string' ? args.path : chosenScript(files));
      }
    });
    commands.addCommand(CommandIDs.openSettings, {
      label: () => trans.__('Settings of deployed models'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => commands.hasCommand('settingeditor:open'),
      execute: () => commands.execute('settingeditor:open', { query: trans.__('Deployed models') })
    });

    const logs = new WidgetTracker<MainAreaWidget>({ namespace: 'mldeploy-log' });
    commands.addCommand(CommandIDs.openLog, {
      label: () => trans.__('Logs'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            name: { type: 'string', description: 'Name of the service' },
            build: { type: 'boolean', description: 'Of its build' }
          }
        }
      },
      execute: async args => {
        await trans.ready;
        const name = typeof args.name === 'string' ? args.name : await askForService(model, trans, trans.__('Logs'));
        const build = args.build === true;
        const id = `mldeploy-log-${name}${build ? '-build' : ''}`;
        const open = logs.find(widget => widget.id === id);
        if (open) {
          shell.activateById(id);
          return;
        }
        if (!name) {
          return;
        }
        const [{ LogView }] = await Promise.all([import('./logview'), trans.ready]);
        const content = new LogView(api, name, build, trans);
        const widget = new MainAreaWidget({ content });
        widget.toolbar.hide(); // the log has its own
        widget.id = id;
        widget.title.label = build ? trans.__('Build log of %1', name) : trans.__('Log of %1', name);
        widget.title.icon = deployIcon;
        widget.title.closable = true;
        // Beside the log that is open; the first one takes its place below.
        const other = logs.find(log => log.isAttached);
        shell.add(widget, 'main', other ? { ref: other.id, mode: 'tab-after' } : { mode: 'split-bottom' });
        await logs.add(widget);
        shell.activateById(id);
      }
    });
    if (restorer) {
      void restorer.restore(logs, {
        command: CommandIDs.openLog,
        args: widget => ({ name: (widget.content as any).service, build: widget.id.endsWith('-build') }),
        name: widget => widget.id
      });
    }

    commands.addCommand(CommandIDs.openExample, {
      label: args => (args.isLauncher ? trans.__('Deploy a model: examples') : trans.__('Open an example of deploying')),
      icon: args => (args.isPalette ? undefined : deployIcon) as any,
      describedBy: { args: { type: 'object', properties: { cwd: { type: 'string', description: 'Folder of the copy' } } } },
      execute: async args => {
        try {
          await trans.ready;
          const { examples } = await api.call<{ examples: string[] }>('GET', ['examples']);
          const name = examples.length > 1 ? await chooseExample(examples, trans) : examples[0];
          if (name) {
            const folder = typeof args.cwd === 'string' ? args.cwd : (files?.model.path ?? '');
            const copy = await api.call<{ path: string }>('POST', ['examples'], { name, folder });
            await commands.execute('docmanager:open', { path: copy.path });
          }
        } catch (error) {
          Notification.error(wordsOf(error, trans));
        }
      }
    });
    void trans.ready.then(() => addMenus(commands, trans, palette, menu, launcher));
  }
};

/** The Python file that is selected in the file browser. */
function chosenScript(files: IDefaultFileBrowser | null): string {
  const chosen = files ? [...files.selectedItems()] : [];
  return chosen.length === 1 && chosen[0]!.path.endsWith('.py') ? chosen[0]!.path : '';
}

async function chooseExample(examples: string[], trans: Catalogue): Promise<string | null> {
  const asked = await InputDialog.getItem({
    title: trans.__('Open an example'),
    items: examples,
    okLabel: trans.__('Choose'),
    cancelLabel: trans.__('Cancel')
  });
  return asked.button.accept ? asked.value : null;
}

const cells: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:cells`,
  description: 'The button on %%deploy cells, and the mark on the line that a diagnosis names.',
  autoStart: true,
  requires: [INotebookTracker, IDeployedServices],
  optional: [ITranslator, IToolbarWidgetRegistry, IEditorExtensionRegistry],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    model: IDeployedServices,
    translator: ITranslator | null,
    toolbars: IToolbarWidgetRegistry | null,
    editors: IEditorExtensionRegistry | null
  ) => {
    const trans = new Catalogue(translator);
    const isDeployCell = (): boolean => {
      const cell = tracker.activeCell;
      return cell?.model.type === 'code' && deployedBy(cell.model.sharedModel.getSource()) !== null;
    };
    app.commands.addCommand(CommandIDs.deployCell, {
      label: () => trans.__('Deploy this cell'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: isDeployCell,
      execute: () => {
        loadMagics(tracker.currentWidget?.sessionContext.session?.kernel ?? null);
        return app.commands.execute('notebook:run-cell');
      }
    });
    toolbars?.addFactory<Cell>('Cell', 'mldeploy-deploy', cell => new CellButton(cell, model, trans, app.commands));
    editors?.addExtension({
      name: 'mldeploy-mark',
      factory: () => EditorExtensionRegistry.createImmutableExtension(lineMark)
    });
    NotebookActions.executed.connect((_, { cell }) => markAfterRun(cell, trans));
  }
};

/** A kernel that has just started knows no `%%deploy`: told before the cell is, and in vain where the package is missing. */
function loadMagics(kernel: Kernel.IKernelConnection | null): void {
  const code =
    "try:\n    get_ipython().extension_manager.load_extension('jupyter_mldeploy')\nexcept Exception:\n    pass";
  kernel?.requestExecute({ code, silent: true, store_history: false, stop_on_error: false }).done.catch(() => undefined);
}

export default [services, renderer, panel, cells];

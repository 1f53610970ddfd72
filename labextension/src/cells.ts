import { type StateEffectType, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view';
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import { type CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import { Widget } from '@lumino/widgets';
import type { Catalogue } from './catalogue';
import { deployedBy, hashOf, linesOf, scriptOf } from './cellscript';
import { readDiagnosis } from './reading';
import { CommandIDs, DEPLOYMENT_MIME, type IDeployedServices } from './tokens';

const setMarks: StateEffectType<{ line: number; title: string }[]> = StateEffect.define();

/** The marks on the lines that a diagnosis names; they move with the text. */
export const lineMark = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) {
        const { doc } = transaction.state;
        const ranges = effect.value
          .filter(({ line }) => line <= doc.lines)
          .map(({ line, title }) => {
            const attributes = { title, 'aria-description': title };
            return Decoration.line({ class: 'jp-MLDeploy-markedLine', attributes }).range(doc.line(line).from);
          });
        next = Decoration.set(ranges, true);
      }
    }
    return next;
  },
  provide: field => EditorView.decorations.from(field)
});

/** After a run: mark the lines that the output's diagnosis names, or clear the marks. */
export function markAfterRun(cell: Cell, trans: Catalogue): void {
  if (cell.model.type !== 'code' || deployedBy(cell.model.sharedModel.getSource()) === null) {
    return;
  }
  const outputs = (cell.model as ICodeCellModel).outputs;
  const marks: { line: number; title: string }[] = [];
  for (let i = 0; i < outputs.length; i++) {
    const data = outputs.get(i).data[DEPLOYMENT_MIME] as any;
    const failure = data?.state === 'failed' ? data.failure : null;
    if (failure) {
      marks.push(...linesOf(failure, trans.diagnosis(readDiagnosis(failure)).title));
    }
  }
  (cell.editor as CodeMirrorEditor | null)?.editor.dispatch({ effects: setMarks.of(marks) });
}

/** The button in the toolbar of a `%%deploy` cell; on other cells it is not there. */
export class CellButton extends Widget {
  constructor(
    private readonly _cell: Cell,
    private readonly _services: IDeployedServices,
    private readonly _trans: Catalogue,
    commands: CommandRegistry
  ) {
    super();
    this.addClass('jp-MLDeploy-cellButton');
    this._button = document.createElement('button');
    this._button.type = 'button';
    this._button.className = 'jp-MLDeploy-button jp-mod-primary';
    this._button.addEventListener('click', () => void commands.execute(CommandIDs.deployCell));
    this.node.append(this._button);
    this.hide();
    _cell.model.sharedModel.changed.connect(this._update, this);
    void _trans.ready.then(() => this._update());
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._cell.model?.sharedModel?.changed.disconnect(this._update, this);
      this._services.changed.disconnect(this._update, this);
      this._held?.dispose();
      super.dispose();
    }
  }

  private _update(): void {
    if (this.isDisposed || this._cell.isDisposed) {
      return;
    }
    const source = this._cell.model.sharedModel.getSource();
    const name = this._cell.model.type === 'code' ? deployedBy(source) : null;
    this.setHidden(name === null);
    if (name === null) {
      return;
    }
    if (!this._held) {
      this._held = this._services.hold();
      this._services.changed.connect(this._update, this);
    }
    const service = this._services.get(name);
    const runs = service?.state === 'running' || service?.state === 'degraded';
    const trans = this._trans;
    this._button.textContent = runs ? trans.__('Reload') : trans.__('Deploy');
    this._button.title = runs
      ? trans.__('%1 runs: let it take this cell', name)
      : trans.__('Deploy this cell as %1', name || '…');
    void this._markEdited(runs && service.origin.startsWith('cell') ? service.script : '', source);
  }

  private async _markEdited(running: string, source: string): Promise<void> {
    const script = running ? await hashOf(scriptOf(source)) : '';
    if (!this.isDisposed) {
      const edited = !!script && script !== running;
      this._button.classList.toggle('jp-mod-edited', edited);
      if (edited) {
        this._button.title = this._trans.__('edited, not reloaded');
      }
    }
  }

  private readonly _button: HTMLButtonElement;
  private _held: IDisposable | null = null;
}

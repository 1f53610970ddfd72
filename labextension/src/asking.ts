/** The dialogs that ask what a service is to have; they come again with a sentence at each field that is not right. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { ServerError } from './api';
import type { ICatalogue } from './catalogue';
import { type ChangeField, changeField, changesOf, type Written, wrongIn, writtenOf } from './changes';
import { element } from './drawing';
import type { IService } from './tokens';
import { sentenceOf } from './wish';

interface IQuestion {
  title: string;
  label: string;
  fields: ChangeField[];
  about?: string;
}

/** Ask until what is written is right and `send` has taken it, or the user has had enough. */
export async function askForChanges(
  question: IQuestion,
  service: IService | undefined,
  trans: ICatalogue,
  send: (changes: Record<string, unknown>) => Promise<unknown>
): Promise<void> {
  const before = writtenOf(service);
  let now: Written = before;
  let wrong: Written = {};
  for (;;) {
    const body = new ChangeForm(question, now, wrong, trans);
    const asked = await showDialog({
      title: question.title,
      body,
      focusNodeSelector: Object.keys(wrong).length ? '[aria-invalid=true]' : 'input',
      buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton({ label: question.label })]
    });
    if (!asked.button.accept || !asked.value) {
      return;
    }
    now = asked.value;
    wrong = wrongIn(now, text => trans.__(text));
    if (Object.keys(wrong).length) {
      continue;
    }
    const changes = changesOf(before, now);
    if (!changes) {
      return;
    }
    try {
      await send(changes);
      return;
    } catch (error) {
      const field = error instanceof ServerError && error.about.code === 'invalid-value' ? changeField(error.about.field) : null;
      if (!field || !question.fields.includes(field)) {
        throw error;
      }
      wrong = { [field]: sentenceOf((error as ServerError).message) };
    }
  }
}

class ChangeForm extends Widget implements Dialog.IBodyWidget<Written> {
  constructor(question: IQuestion, now: Written, wrong: Written, trans: ICatalogue) {
    super();
    this.addClass('jp-MLDeploy-change');
    const labels: Record<ChangeField, [string, string]> = {
      replicas: [trans.__('Replicas'), trans.__('A number, or MIN:MAX.')],
      memory: [trans.__('Memory'), trans.__('Of each replica, such as 512Mi or 2Gi.')],
      cpu: [trans.__('CPU'), trans.__('Cores of each replica, such as 0.5 or 2.')],
      pip: [trans.__('Add packages'), trans.__('Names with or without a version, with commas between them.')]
    };
    for (const field of question.fields) {
      const [label, hint] = labels[field];
      const input = element('input', 'jp-MLDeploy-input');
      input.type = 'text';
      input.id = `jp-MLDeploy-change-${field}`;
      input.value = now[field] ?? '';
      input.spellcheck = false;
      const about = element('span', wrong[field] ? 'jp-MLDeploy-wrong' : 'jp-MLDeploy-dim', wrong[field] ?? hint);
      about.id = `${input.id}-about`;
      input.setAttribute('aria-describedby', about.id);
      if (wrong[field]) {
        input.setAttribute('aria-invalid', 'true');
        about.setAttribute('role', 'alert');
      }
      const title = element('label', '', label);
      title.htmlFor = input.id;
      this.node.append(element('div', 'jp-MLDeploy-field', title, input, about));
      this._inputs[field] = input;
    }
    if (question.about) {
      this.node.append(element('p', 'jp-MLDeploy-dim', question.about));
    }
  }

  getValue(): Written {
    return Object.fromEntries(Object.entries(this._inputs).map(([field, input]) => [field, input.value]));
  }

  private readonly _inputs: Partial<Record<ChangeField, HTMLInputElement>> = {};
}

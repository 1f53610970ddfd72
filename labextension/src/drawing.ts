/** Cards of deployments and diagnoses, as DOM. Only text is put in, never markup. */
import type { ICatalogue } from './catalogue';
import type { IDeployment, IDiagnosis, IStage } from './tokens';
import { capitalised, moment, seconds } from './wording';

export type Child = Node | string | null | false;

export interface IButton {
  label: string;
  primary?: boolean;
  act: () => void;
}

/** An element with a class and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.append(...children.filter((child): child is Node | string => !!child));
  return made;
}

export function button({ label, primary, act }: IButton): HTMLButtonElement {
  const made = element('button', `jp-MLDeploy-button${primary ? ' jp-mod-primary' : ''}`, label);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}

/** `code` between backticks, the rest as it is. */
function prose(text: string): (Node | string)[] {
  return text.split('`').map((part, index) => (index % 2 ? element('code', '', part) : part));
}

function head(state: string, name: string, about: string, right: string): HTMLElement {
  const dot = element('span', 'jp-MLDeploy-dot');
  dot.dataset.state = state;
  dot.setAttribute('aria-hidden', 'true');
  return element(
    'div',
    'jp-MLDeploy-head',
    element('span', 'jp-MLDeploy-name', dot, element('b', '', name)),
    about && element('span', 'jp-MLDeploy-dim', about),
    right && element('span', 'jp-MLDeploy-right', right)
  );
}

const MARKS: Record<string, string> = { done: '✓ ', failed: '✕ ', cancelled: '■ ' };

/** The stages in order, each with its state, time and note. */
export function rail(stages: readonly IStage[], trans: ICatalogue): HTMLElement {
  const items = stages.map(stage => {
    const took = stage.seconds !== null && !(stage.seconds < 0.001 && stage.note) ? seconds(stage.seconds) : '';
    const note = [took, trans.told(stage.note)].filter(Boolean).join(' · ');
    const small = element('small', '', note);
    small.title = note;
    const item = element('li', '', `${MARKS[stage.state] ?? ''}${trans.stage(stage.stage)}`, small);
    item.dataset.state = stage.state;
    if (stage.state === 'running') {
      item.setAttribute('aria-current', 'step');
    }
    return item;
  });
  const list = element('ol', 'jp-MLDeploy-rail', ...items);
  list.setAttribute('aria-label', trans.__('Stages'));
  return list;
}

/** Everything of a diagnosis below its title. */
export function diagnosisParts(diagnosis: IDiagnosis, trans: ICatalogue, buttons: readonly IButton[]): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (diagnosis.proof.length || diagnosis.where) {
    const lines = diagnosis.proof.map(line => {
      const hit = element('div', 'jp-MLDeploy-hit', line.text);
      hit.title = line.from;
      return hit;
    });
    if (diagnosis.where) {
      lines.push(element('div', 'jp-MLDeploy-dim', [diagnosis.where, diagnosis.line].filter(Boolean).join('   ')));
    }
    const proof = element('pre', 'jp-MLDeploy-proof', ...lines);
    proof.setAttribute('role', 'group');
    proof.setAttribute('aria-label', trans.__('The lines that prove it'));
    proof.tabIndex = 0;
    parts.push(proof);
  }
  if (diagnosis.what || diagnosis.steps.length) {
    const steps = diagnosis.steps.map(step => element('li', '', ...prose(step)));
    parts.push(
      element(
        'div',
        'jp-MLDeploy-section',
        diagnosis.what ? element('p', 'jp-MLDeploy-dim', ...prose(diagnosis.what)) : null,
        steps.length ? element('ol', 'jp-MLDeploy-steps', ...steps) : null
      )
    );
  }
  if (buttons.length) {
    parts.push(element('div', 'jp-MLDeploy-buttons', ...buttons.map(button)));
  }
  const foot = [
    diagnosis.cause && trans.__('cause: %1', diagnosis.cause),
    diagnosis.certainty && trans.__(diagnosis.certainty),
    diagnosis.sources[0] && trans.__('source: “%1”', diagnosis.sources[0])
  ].filter(Boolean);
  if (foot.length) {
    parts.push(element('div', 'jp-MLDeploy-foot', foot.join(' · ')));
  }
  return parts;
}

function card(label: string, ...children: Child[]): HTMLElement {
  const made = element('div', 'jp-MLDeploy-card', ...children);
  made.setAttribute('role', 'group');
  made.setAttribute('aria-label', label);
  return made;
}

export function diagnosisCard(diagnosis: IDiagnosis, trans: ICatalogue, buttons: readonly IButton[]): HTMLElement {
  const title = capitalised(diagnosis.title || trans.__('Diagnosis'));
  const about = [diagnosis.service, diagnosis.target].filter(Boolean).join(' · ');
  const well = !diagnosis.cause && !diagnosis.stage;
  return card(title, head(well ? 'running' : 'failed', title, '', about), ...diagnosisParts(diagnosis, trans, buttons));
}

export function deploymentCard(deployment: IDeployment, trans: ICatalogue, buttons: readonly IButton[]): HTMLElement {
  const { service, target, failure } = deployment;
  const when = deployment.began ? moment(deployment.began) : '';
  const stages = deployment.stages.length ? rail(deployment.stages, trans) : null;
  if (deployment.state === 'failed') {
    const title = capitalised(failure?.title || trans.told(deployment.headline));
    return card(
      title,
      head('failed', title, '', [service, target, when].filter(Boolean).join(' · ')),
      stages,
      ...(failure ? diagnosisParts(failure, trans, buttons) : [])
    );
  }
  const about =
    deployment.state === 'cancelled'
      ? trans.__('interrupted; what was begun has been cleaned up')
      : trans.told(deployment.headline) || trans.__('deploying to %1', target);
  const notes = [deployment.uri && element('code', '', deployment.uri), ...deployment.notes.map(note => trans.told(note))];
  const state = { done: 'running', cancelled: 'degraded' }[deployment.state] ?? 'deploying';
  return card(
    `${service}: ${about}`,
    head(state, service, about, when),
    stages,
    notes.some(Boolean) && element('div', 'jp-MLDeploy-foot', ...notes.map(note => note && element('span', '', note)))
  );
}

/** The pages of the diagnosis catalogue in other languages, and how their slots are filled. Pure. */
import type { IDiagnosis } from './tokens';

/** What is translated of a page; the rest stays as it was written. */
export interface IPage {
  title: string;
  what?: string;
  steps?: string[];
}

/** By cause; and `action:KIND`, whose title is the label of a button. */
export type Pages = Record<string, IPage>;

const CHOICE = /\{\?([a-z_]+)(?:=([a-z]+))?:(.*?)(?:\|\|(.*?))?\?\}/gs;
const SLOT = /\{([a-z_]+)\|([^{}]*)\}/g;

/** Put facts into the slots of a text: `{package|the package}`, `{?line:, line {line|}||somewhere?}`. */
export function fillSlots(text: string, facts: Record<string, string>): string {
  return text
    .replace(CHOICE, (_, fact: string, value: string | undefined, then: string, otherwise: string | undefined) => {
      const found = facts[fact] ?? '';
      return found && (value === undefined || value === found) ? then : (otherwise ?? '');
    })
    .replace(SLOT, (_, fact: string, otherwise: string) => facts[fact] || otherwise);
}

/** A diagnosis in the language of the pages, as far as they have it. */
export function inLanguage(diagnosis: IDiagnosis, pages: Pages): IDiagnosis {
  const facts = { ...diagnosis.facts, target: diagnosis.target, service: diagnosis.service };
  const actions = diagnosis.actions.map(action => {
    const label = pages[`action:${action.kind}`]?.title;
    return label ? { ...action, label: fillSlots(label, { ...facts, ...action.parameters }) } : action;
  });
  const page = pages[diagnosis.cause || (diagnosis.isWell ? 'none' : '')];
  if (!page) {
    return { ...diagnosis, actions };
  }
  const steps = page.steps?.map(step => fillSlots(step, facts).trim()).filter(Boolean);
  return {
    ...diagnosis,
    actions,
    title: fillSlots(page.title, facts),
    what: page.what ? fillSlots(page.what, facts) : diagnosis.what,
    steps: steps ?? diagnosis.steps
  };
}

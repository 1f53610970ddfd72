/** What is written in the dialogs that change a service: as the server takes it, and what is not right in it. Pure. */
import type { IService } from './tokens';

export type ChangeField = 'replicas' | 'memory' | 'cpu' | 'pip';
export type Written = Partial<Record<ChangeField, string>>;

const MIB = 1024 ** 2;

/** How it is now, as one would write it. */
export function writtenOf(service: IService | undefined): Required<Written> {
  const { minimum = 1, maximum = 1, memory = null, cpu = null } = service ?? {};
  return {
    replicas: minimum === maximum ? `${minimum}` : `${minimum}:${maximum ?? ''}`.replace(/:$/, ''),
    memory: memory ? `${Math.round(memory / MIB)}Mi` : '',
    cpu: cpu ? `${cpu}` : '',
    pip: ''
  };
}

function packages(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map(one => one.trim())
    .filter(Boolean);
}

/** The body of the request: what is written otherwise than it is. Null where nothing is. */
export function changesOf(before: Written, now: Written): Record<string, unknown> | null {
  const changes: Record<string, unknown> = {};
  for (const field of ['memory', 'cpu'] as const) {
    const text = now[field]?.trim() ?? '';
    if (text && text !== before[field]) {
      changes[field] = text;
    }
  }
  const replicas = now.replicas?.trim() ?? '';
  if (replicas && replicas !== before.replicas) {
    Object.assign(changes, replicas.includes(':') ? { autoscale: replicas } : { replicas: Number(replicas) });
  }
  const wanted = packages(now.pip ?? '');
  if (wanted.length) {
    changes.pip = wanted;
  }
  return Object.keys(changes).length ? changes : null;
}

const REPLICAS = /^[1-9]\d{0,3}(:[1-9]\d{0,3})?$/;

/** A sentence for each field that can be seen not to be right. */
export function wrongIn(now: Written, __: (text: string) => string): Written {
  const wrong: Written = {};
  const judge = (field: ChangeField, isRight: (text: string) => boolean, sentence: string): void => {
    const text = now[field]?.trim() ?? '';
    if (text && !isRight(text)) {
      wrong[field] = sentence;
    }
  };
  judge('replicas', isReplicas, __('Write a whole number from 1, or MIN:MAX.'));
  judge('memory', text => /^\d+([.]\d+)? ?([KkMGT]i?)?B?$/.test(text) && parseFloat(text) > 0, __('Write a size, such as 512Mi or 2Gi.'));
  judge('cpu', text => /^\d+([.]\d+)?m?$/.test(text) && parseFloat(text) > 0, __('Write a number of cores, such as 0.5 or 2.'));
  judge('pip', text => packages(text).every(one => /^[A-Za-z0-9]/.test(one)), __('Write names of packages, such as numpy==2.1.'));
  return wrong;
}

export function isReplicas(text: string): boolean {
  return REPLICAS.test(text);
}

const FIELDS: Record<string, ChangeField> = { autoscale: 'replicas', replicas: 'replicas', memory: 'memory', cpu: 'cpu', pip: 'pip' };

/** The field that the server found not to be right. */
export function changeField(told: unknown): ChangeField | null {
  return typeof told === 'string' ? (FIELDS[told.split('.')[0]!] ?? null) : null;
}

/** What is written in the deploy form: as the server takes it, and as the magic that does the same. Pure. */

import { isReplicas } from './changes';
import { type ISaid, placeOf } from './said';

export interface IWish {
  script: string;
  name: string;
  target: string;
  models: string;
  environment: string;
  sample: string;
  replicas: string;
  memory: string;
  folder: boolean;
}

export const EMPTY: IWish = {
  script: '',
  name: '',
  target: '',
  models: '',
  environment: '',
  sample: '',
  replicas: '',
  memory: '',
  folder: false
};

export type Field = keyof IWish;

/** A name that a service may have, from that of a file. */
export function nameFor(path: string): string {
  const stem = path.split('/').pop()!.replace(/\.py$/, '');
  const name = stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+|-+$/g, '');
  return name.slice(0, 63).replace(/-+$/, '') || 'service';
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** The body of the request; what is empty is not said. */
export function bodyOf(wish: IWish): Record<string, unknown> {
  const body: Record<string, unknown> = { script: wish.script.trim() };
  const say = (key: string, value: unknown): void => {
    if (value) {
      body[key] = value;
    }
  };
  say('target', wish.target);
  say('environment', wish.environment.trim());
  say('sample', wish.sample.trim());
  say('memory', wish.memory.trim());
  say('folder', wish.folder);
  const models = words(wish.models);
  say('models', models.length ? models : null);
  const replicas = wish.replicas.trim();
  say(replicas.includes(':') ? 'autoscale' : 'replicas', /^\d+$/.test(replicas) ? Number(replicas) : replicas);
  return body;
}

/** What the user can see is not right without asking: by field. */
export function problems(wish: IWish, __: (text: string) => string): Partial<Record<Field, string>> {
  const found: Partial<Record<Field, string>> = {};
  if (!wish.script.trim()) {
    found.script = __('Name a Python file with init() and run(data).');
  }
  if (!wish.name.trim()) {
    found.name = __('Give the service a name.');
  }
  if (wish.replicas.trim() && !isReplicas(wish.replicas.trim())) {
    found.replicas = __('Write a whole number from 1, or MIN:MAX.');
  }
  if (wish.sample.trim()) {
    try {
      JSON.parse(wish.sample);
    } catch {
      found.sample = __('This is not JSON.');
    }
  }
  return found;
}

function quoted(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** The line that does the same in a notebook, whose kernel does not know these settings, so that it is learnt by the way. */
export function magicOf(wish: IWish, said: ISaid): string {
  const parts = ['%deploy', wish.name.trim() || 'NAME', '--script', quoted(wish.script.trim() || 'score.py')];
  const option = (name: string, value: string): void => void (value && parts.push(`--${name}`, quoted(value)));
  placeOf(wish.target, said).forEach(([name, value]) => option(name, value));
  words(wish.models).forEach(model => option('model', model));
  option('environment', wish.environment.trim());
  option(wish.replicas.includes(':') ? 'autoscale' : 'replicas', wish.replicas.trim());
  option('memory', wish.memory.trim());
  const slash = wish.script.lastIndexOf('/');
  option('source-directory', wish.folder ? (slash > 0 ? wish.script.slice(0, slash) : '.') : '');
  option('sample', compact(wish.sample.trim()));
  return parts.join(' ');
}

/** JSON in one line, as a magic wants it. */
function compact(text: string): string {
  try {
    return text && JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

const FIELDS: Record<string, Field> = {
  script: 'script',
  source_directory: 'folder',
  name: 'name',
  target: 'target',
  context: 'target',
  namespace: 'target',
  model: 'models',
  models: 'models',
  environment: 'environment',
  requirement: 'environment',
  dependencies: 'environment',
  python: 'environment',
  apt: 'environment',
  conda: 'environment',
  pip: 'environment',
  sample: 'sample',
  replicas: 'replicas',
  autoscale: 'replicas',
  memory: 'memory'
};

/** `memory='x' is not valid: write …` below the field of that name need not say it again. */
export function sentenceOf(summary: string): string {
  const [, rest] = /^[\w.]+=.*? is not valid: (.+)$/s.exec(summary) ?? [];
  return rest ? rest.charAt(0).toUpperCase() + rest.slice(1) : summary;
}

/** Where the form shows an error that the server tells of. */
export function fieldOf(told: unknown): Field | null {
  return typeof told === 'string' ? (FIELDS[told.split('.')[0]!] ?? null) : null;
}

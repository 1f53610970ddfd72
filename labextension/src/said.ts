/** What the user's settings say, as the server takes it. Pure. */

export interface ISaid {
  target: string;
  registry: string;
  docker_context: string;
  kube_context: string;
  namespace: string;
}

export const NOTHING: ISaid = { target: '', registry: '', docker_context: '', kube_context: '', namespace: '' };

/** The one setting that stood for both contexts once: still read where neither of the two is set. */
const FORMER = 'context';

export function readSaid(composite: Readonly<Record<string, unknown>>): ISaid {
  const value = (name: string): string => (typeof composite[name] === 'string' ? composite[name].trim() : '');
  const [docker, kube] = [value('dockerContext'), value('kubeContext')];
  const former = docker || kube ? '' : value(FORMER);
  return {
    target: value('target'),
    registry: value('registry'),
    docker_context: docker || former,
    kube_context: kube || former,
    namespace: value('namespace')
  };
}

type Properties = Record<string, { default?: unknown }>;

/** The settings that are offered: the former one only to whom has it. */
export function offered<T extends Properties>(properties: T, raw: string): T {
  const isUsed = /\bcontext["']?\s*:/.test(raw) || !!properties[FORMER]?.default;
  return isUsed ? properties : (Object.fromEntries(Object.entries(properties).filter(([name]) => name !== FORMER)) as T);
}

/** Where a target's services go, as options of the magic. */
export function placeOf(target: string, said: ISaid): [string, string][] {
  const kind = target || said.target;
  switch (kind) {
    case 'container':
      return [['target', kind], ['context', said.docker_context]];
    case 'kubernetes':
      return [['target', kind], ['context', said.kube_context], ['namespace', said.namespace]];
    default:
      return [['target', kind]];
  }
}

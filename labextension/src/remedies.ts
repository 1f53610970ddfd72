/** Which actions of a diagnosis the server can carry out. Pure. */
import type { IAction } from './tokens';

export type Remedy =
  | { kind: 'update'; label: string; service: string; changes: Record<string, unknown> }
  | { kind: 'log'; label: string; service: string; build: boolean };

const NUMBERS = new Set(['replicas']);
const TEXTS = new Set(['memory', 'cpu', 'autoscale', 'timeout']);

/** Null where the action needs more than the server does, such as another script. */
export function remedyOf(action: IAction, service: string): Remedy | null {
  if (action.kind === 'logs' || action.kind === 'build-log') {
    return { kind: 'log', label: action.label, service, build: action.kind === 'build-log' };
  }
  const words = action.command.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  if (words[0] !== '%service_update' && words[0] !== '%%deploy' && words[0] !== '%deploy') {
    return null;
  }
  // Deploying under another name, or something not known: not ours to guess.
  if (words[1] !== service || /\b(NAME|PACKAGE|VERSION)\b/.test(action.command)) {
    return null;
  }
  const changes: Record<string, unknown> = {};
  for (let i = 2; i < words.length; i += 2) {
    const option = (words[i] ?? '').replace(/^--/, '');
    const value = (words[i + 1] ?? '').replace(/^["']|["']$/g, '');
    if (!value) {
      return null;
    }
    if (option === 'pip') {
      changes.pip = [...((changes.pip as string[]) ?? []), value];
    } else if (NUMBERS.has(option)) {
      changes[option] = Number(value);
    } else if (TEXTS.has(option)) {
      changes[option] = value;
    } else {
      return null;
    }
  }
  return Object.keys(changes).length ? { kind: 'update', label: action.label, service, changes } : null;
}

/** `{memory: "2Gi"}` as `--memory 2Gi`, for the question that is asked first. */
export function optionsOf(changes: Record<string, unknown>): string {
  return Object.entries(changes)
    .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map(one => `--${key} ${one}`))
    .join(' ');
}

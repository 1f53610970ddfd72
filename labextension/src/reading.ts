/** From JSON of a saved notebook or the server to what is drawn. Nothing in it is trusted to be there. Pure. */
import type { IAction, IDeployment, IDiagnosis, IStage } from './tokens';

type Json = Record<string, unknown>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsByName(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(object(value)).map(([name, one]) => [name, text(one)]));
}

function texts(value: unknown): string[] {
  return list(value).map(text).filter(Boolean);
}

/** The bundle's form, and that of the server's `Diagnosis`. */
export function readDiagnosis(value: unknown, service = '', target = ''): IDiagnosis {
  const data = object(value);
  const confidence = number(data.confidence) ?? 0;
  const lines = list(data.proof ?? data.evidence).map(object);
  return {
    title: text(data.title),
    service: text(data.service) || service,
    target: text(data.target) || target,
    stage: text(data.stage),
    cause: text(data.cause),
    certainty: text(data.certainty) || (confidence >= 0.85 ? 'certain' : confidence >= 0.6 ? 'likely' : ''),
    proof: toldOnce(lines.map(line => ({ text: text(line.text) || text(line.line), from: text(line.from) }))),
    where: text(data.where),
    line: text(data.line),
    what: text(data.what),
    steps: texts(data.steps),
    actions: list(data.actions).map(readAction).filter(action => action.label && action.command),
    sources: texts(data.sources),
    facts: textsByName(data.facts),
    isWell: data.cause === '' && (data.confidence !== undefined || !text(data.stage))
  };
}

/** Without lines that say what one before them has said: runtime, traceback and log often tell the same thing. */
function toldOnce(lines: { text: string; from: string }[]): { text: string; from: string }[] {
  const said: string[] = [];
  return lines.filter(line => {
    const its = line.text.trim().replace(/^runtime: /, '').replace(/\.$/, '');
    const isNews = !said.some(other => other.includes(its) || its.includes(other));
    said.push(its);
    return isNews;
  });
}

function readAction(value: unknown): IAction {
  const data = object(value);
  return {
    kind: text(data.kind),
    label: text(data.label),
    command: text(data.command),
    changes: data.changes === true,
    parameters: textsByName(data.parameters)
  };
}

export function readDeployment(value: unknown): IDeployment {
  const data = object(value);
  const service = text(data.service);
  const target = text(data.target);
  return {
    service,
    target,
    state: text(data.state),
    headline: text(data.headline),
    began: number(data.began) ?? 0,
    seconds: number(data.seconds),
    uri: text(data.uri),
    notes: texts(data.notes),
    stages: list(data.stages).map(readStage),
    failure: data.failure ? readDiagnosis(data.failure, service, target) : null
  };
}

function readStage(value: unknown): IStage {
  const data = object(value);
  return { stage: text(data.stage), state: text(data.state), note: text(data.note), seconds: number(data.seconds) };
}

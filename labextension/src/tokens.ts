// Importing this file has no side effects.
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

/** Prefix of plugin ids, and of the addresses on the server. */
export const NAMESPACE = 'jupyter-mldeploy';
export const SERVER_PATH = 'mldeploy';

export const DEPLOYMENT_MIME = 'application/vnd.mldeploy.deployment.v1+json';
export const DIAGNOSIS_MIME = 'application/vnd.mldeploy.diagnosis.v1+json';

export namespace CommandIDs {
  export const showPanel = 'mldeploy:show-panel';
  export const openLog = 'mldeploy:open-log';
  export const reload = 'mldeploy:reload';
  export const start = 'mldeploy:start';
  export const stop = 'mldeploy:stop';
  export const scale = 'mldeploy:scale';
  export const update = 'mldeploy:update';
  export const remove = 'mldeploy:delete';
  export const cancel = 'mldeploy:cancel';
  export const deployCell = 'mldeploy:deploy-cell';
  export const deployFile = 'mldeploy:deploy-file';
  export const openSettings = 'mldeploy:open-settings';
  export const openExample = 'mldeploy:open-example';
}

export interface IReplica {
  name: string;
  state: string;
  script: string;
  requests: number;
  errors: number;
  p50_ms: number | null;
  p99_ms: number | null;
  memory_bytes: number | null;
}

/** `components/schemas/Service` of the server's description. */
export interface IService {
  name: string;
  target: string;
  kind: string;
  state: 'deploying' | 'running' | 'degraded' | 'failed' | 'stopped' | 'unknown';
  busy: boolean;
  message: string;
  hint: string;
  uri: string;
  script: string;
  origin: string;
  path: string | null;
  edited: boolean;
  models: string[];
  sample: string | null;
  minimum: number;
  maximum: number | null;
  ready: number;
  replicas: IReplica[];
  utilization: number;
  requests: number;
  errors: number;
  revision: number;
  updated: number;
  memory: number | null;
  cpu: number | null;
  failure: string;
}

export interface IStage {
  stage: string;
  state: string;
  note: string;
  seconds: number | null;
}

/** `components/schemas/Operation`. */
export interface IOperation {
  service: string;
  verb: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  began: number;
  seconds: number | null;
  stages: IStage[];
  log: string[];
  error: IServerError | null;
}

export interface IServerError {
  code: string;
  summary: string;
  hint: string;
  field?: string;
  problems?: string[];
}

export interface IAction {
  kind: string;
  label: string;
  command: string;
  changes?: boolean;
  /** The facts that its label was made from. */
  parameters?: Record<string, string>;
}

/** What a bundle, a refused operation and the server tell of a failure, in one form. */
export interface IDiagnosis {
  title: string;
  service: string;
  target: string;
  stage: string;
  cause: string;
  certainty: string;
  proof: { text: string; from: string }[];
  where: string;
  line: string;
  what: string;
  steps: string[];
  actions: IAction[];
  sources: string[];
  /** What was read from the evidence; the texts of other languages are filled with it. */
  facts: Record<string, string>;
  /** The answer is that nothing is wrong. */
  isWell: boolean;
}

/** What a bundle tells of a deployment. */
export interface IDeployment {
  service: string;
  target: string;
  state: string;
  headline: string;
  began: number;
  seconds: number | null;
  uri: string;
  notes: string[];
  stages: IStage[];
  failure: IDiagnosis | null;
}

/** The services of the user, as they are now. Others may read them and be told of changes. */
export interface IDeployedServices {
  readonly services: readonly IService[];
  /** What the server begins to deploy and what is no service yet. */
  readonly coming: readonly IOperation[];
  /** False until the server has told which there are. */
  readonly isKnown: boolean;
  /** Whether nothing can be done, because the server is away; `trouble` says so. Between two connections that end well it is there. */
  readonly isAway: boolean;
  readonly trouble: string;
  readonly changed: ISignal<IDeployedServices, void>;
  get(name: string): IService | undefined;
  operation(name: string): IOperation | undefined;
  /** Stay connected until disposed: nothing is followed while nobody looks. */
  hold(): IDisposable;
}

export const IDeployedServices = new Token<IDeployedServices>(
  'jupyter-mldeploy:IDeployedServices',
  'The deployed services of the user, live.'
);

import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { type Api, ServerError, wordsOf } from './api';
import type { IServerEvent } from './sse';
import type { IDeployedServices, IOperation, IService } from './tokens';

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;

/** What is known of the services; follows the server's events while somebody holds it. */
export class DeployedServices implements IDeployedServices {
  constructor(private readonly _api: Api) {}

  get services(): readonly IService[] {
    return this._names.map(name => this._services.get(name)).filter((view): view is IService => !!view);
  }

  get coming(): readonly IOperation[] {
    return [...this._operations.values()].filter(one => one.state === 'running' && !this._services.has(one.service));
  }

  get isKnown(): boolean {
    return this._isKnown;
  }

  get isAway(): boolean {
    return !this._isConnected && !!this._trouble;
  }

  get trouble(): string {
    return this._trouble;
  }

  get changed(): ISignal<IDeployedServices, void> {
    return this._changed;
  }

  get(name: string): IService | undefined {
    return this._services.get(name);
  }

  operation(name: string): IOperation | undefined {
    return this._operations.get(name);
  }

  hold(): IDisposable {
    this._holders += 1;
    if (this._holders === 1) {
      this._stop = new AbortController();
      void this._follow(this._stop);
    }
    return new DisposableDelegate(() => {
      this._holders -= 1;
      if (this._holders === 0) {
        this._stop?.abort();
      }
    });
  }

  /** Take one event in; what the server tells of one thing replaces what it told before. */
  hear(event: IServerEvent): void {
    this._last = event.id || this._last;
    switch (event.kind) {
      case 'hello':
        this._isConnected = true;
        this._trouble = '';
        if (!(event.data as { resumed: boolean }).resumed) {
          this._services.clear();
          this._operations.clear();
        }
        break;
      case 'services':
        this._names = (event.data as { names: string[] }).names;
        this._isKnown = true;
        for (const name of [...this._services.keys()].filter(known => !this._names.includes(known))) {
          this._services.delete(name);
        }
        break;
      case 'service': {
        const view = event.data as IService;
        this._services.set(view.name, view);
        break;
      }
      case 'operation': {
        const operation = event.data as IOperation;
        this._operations.set(operation.service, operation);
        break;
      }
    }
    this._announce();
  }

  private async _follow(stop: AbortController): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!stop.signal.aborted) {
      try {
        await this._api.listen(['events'], '', this._last, stop.signal, event => {
          pause = FIRST_PAUSE;
          this.hear(event);
        });
        this._trouble = '';
      } catch (error) {
        if (stop.signal.aborted) {
          return;
        }
        this._trouble = wordsOf(error);
        if (error instanceof ServerError && error.status === 404) {
          pause = LONGEST_PAUSE; // the server's part is not there
        }
      }
      this._isConnected = false;
      this._announce();
      await waitOrAbort(pause, stop.signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  /** Many events in one go are one change to whoever draws. */
  private _announce(): void {
    if (!this._announced) {
      this._announced = true;
      queueMicrotask(() => {
        this._announced = false;
        this._changed.emit();
      });
    }
  }

  private _names: string[] = [];
  private _services = new Map<string, IService>();
  private _operations = new Map<string, IOperation>();
  private _isKnown = false;
  private _isConnected = false;
  private _trouble = '';
  private _last = '';
  private _holders = 0;
  private _announced = false;
  private _stop: AbortController | null = null;
  private _changed = new Signal<this, void>(this);
}

function waitOrAbort(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    addEventListener('online', done);
  });
}

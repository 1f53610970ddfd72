import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { ICatalogue } from './catalogue';
import { EventParser, type IServerEvent } from './sse';
import { type IServerError, SERVER_PATH } from './tokens';

/** An error of the server, in the form of the package's error tree. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly about: IServerError & { diagnosis?: unknown; stage?: string }
  ) {
    super([about.summary, about.hint].filter(Boolean).join(' '));
  }
}

export const UNREACHABLE = 'The server does not answer.';

/** No answer came. */
export class Unreachable extends Error {
  constructor() {
    super(UNREACHABLE);
  }
}

/** The server extension's interface. */
export class Api {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  async call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string[], body?: object, query: Record<string, string> = {}): Promise<T> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    const response = await this._request(path, URLExt.objectToQueryString(query), init);
    const text = await response.text();
    return (text ? JSON.parse(text) : null) as T;
  }

  /** Hear a stream from where it was left; ends when the server ends it or `signal` aborts. */
  async listen(
    path: string[],
    query: string,
    last: string,
    signal: AbortSignal,
    hear: (event: IServerEvent) => void
  ): Promise<void> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (last) {
      headers['Last-Event-ID'] = last;
    }
    const response = await this._request(path, query, { method: 'GET', headers, signal, cache: 'no-store' });
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    let began = performance.now();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      parser.push(decoder.decode(value, { stream: true })).forEach(hear);
      if (performance.now() - began > SLICE) {
        await breathe(); // what is there already would be read in one go, and the page stand still
        began = performance.now();
      }
    }
  }

  private async _request(path: string[], query: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this._settings.baseUrl, SERVER_PATH, ...path.map(encodeURIComponent)) + query;
    const response = await ServerConnection.makeRequest(url, init, this._settings).catch(error => {
      // "Failed to fetch" is the browser's word; whoever asked to stop is told that.
      throw error instanceof ServerConnection.NetworkError && !init.signal?.aborted ? new Unreachable() : error;
    });
    if (!response.ok) {
      throw new ServerError(response.status, readError(response.status, await response.text()));
    }
    return response;
  }
}

/** Milliseconds of work between which the page may draw and hear its user. */
const SLICE = 8;

/** Until the page has done what waits. Not by a timer, which the browser slows down in pages that are not in sight. */
function breathe(): Promise<void> {
  return new Promise(resolve => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}

function readError(status: number, text: string): IServerError {
  try {
    const error = JSON.parse(text);
    if (typeof error.summary === 'string') {
      return error;
    }
  } catch {
    // Not ours: a proxy's page.
  }
  return { code: `http-${status}`, summary: `HTTP ${status}`, hint: '' };
}

/** What is wrong, and what to do about it, in the language of the page. */
export function told({ summary, hint }: IServerError, trans: ICatalogue): string {
  return [trans.told(summary), trans.told(hint)].filter(Boolean).join(' ');
}

/** Words of any error, for a person. */
export function wordsOf(error: unknown, trans?: ICatalogue): string {
  if (trans && error instanceof ServerError) {
    return told(error.about, trans);
  }
  if (trans && error instanceof Unreachable) {
    return trans.__('The server does not answer.');
  }
  return error instanceof Error ? error.message : String(error);
}

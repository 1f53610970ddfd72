/** Server-sent events, read from the chunks of a response. */
export interface IServerEvent {
  kind: string;
  id: string;
  data: unknown;
}

/** Keeps what is not a whole event yet. */
export class EventParser {
  push(chunk: string): IServerEvent[] {
    this._rest += chunk;
    const blocks = this._rest.split('\n\n');
    this._rest = blocks.pop() ?? '';
    return blocks.map(parse).filter((event): event is IServerEvent => event !== null);
  }

  private _rest = '';
}

function parse(block: string): IServerEvent | null {
  const event: IServerEvent = { kind: 'message', id: '', data: null };
  let text = '';
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) {
      continue; // a comment: the server shows that it is still there
    }
    const value = line.slice(colon + 1).replace(/^ /, '');
    switch (line.slice(0, colon)) {
      case 'event':
        event.kind = value;
        break;
      case 'id':
        event.id = value;
        break;
      case 'data':
        text += value;
        break;
    }
  }
  if (!text) {
    return null;
  }
  event.data = JSON.parse(text);
  return event;
}

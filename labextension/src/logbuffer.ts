/** The lines of a log, and which of them are shown. Pure. */

export type Level = 'all' | 'warning' | 'error';

export interface ILine {
  number: number;
  replica: string;
  text: string;
}

export interface IFilter {
  text: string;
  level: Level;
  replica: string;
}

const ERROR = /\b(error|exception|traceback|critical|fatal)\b|^\S*Error:| E /i;
const WARNING = /\bwarn(ing)?\b| W /i;

export function levelOf(text: string): 'error' | 'warning' | 'info' {
  return ERROR.test(text) ? 'error' : WARNING.test(text) ? 'warning' : 'info';
}

/** Keeps the newest `most` lines. Work for a batch of new lines does not depend on how many there are. */
export class LogBuffer {
  constructor(readonly most = 500_000) {}

  append(lines: readonly (readonly [string, string])[]): void {
    for (const [replica, text] of lines) {
      const line = { number: ++this._count, replica, text };
      this._lines.push(line);
      if (replica) {
        this._replicas.add(replica);
      }
      if (this._shown && this._matches(line)) {
        this._shown.push(line);
      }
    }
    // A tenth more than wanted is kept, so that the beginning is cut off seldom.
    if (this._lines.length > this.most * 1.1) {
      this._lines = this._lines.slice(-this.most);
      const first = this._lines[0]?.number ?? 0;
      this._shown = this._shown && this._shown.filter(line => line.number >= first);
    }
  }

  clear(): void {
    this._lines = [];
    this._count = 0;
    this._replicas.clear();
    this._shown = this._shown && [];
  }

  set filter(filter: IFilter) {
    this._filter = { ...filter, text: filter.text.toLowerCase() };
    const needed = filter.text !== '' || filter.level !== 'all' || filter.replica !== '';
    this._shown = needed ? this._lines.filter(line => this._matches(line)) : null;
  }

  /** The lines that are shown. */
  get shown(): readonly ILine[] {
    return this._shown ?? this._lines;
  }

  get total(): number {
    return this._lines.length;
  }

  get replicas(): string[] {
    return [...this._replicas].sort();
  }

  private _matches(line: ILine): boolean {
    const { text, level, replica } = this._filter;
    if (replica && line.replica !== replica) {
      return false;
    }
    if (text && !line.text.toLowerCase().includes(text)) {
      return false;
    }
    if (level === 'all') {
      return true;
    }
    const its = levelOf(line.text);
    return its === 'error' || (level === 'warning' && its === 'warning');
  }

  private _lines: ILine[] = [];
  private _shown: ILine[] | null = null;
  private _filter: IFilter = { text: '', level: 'all', replica: '' };
  private _replicas = new Set<string>();
  private _count = 0;
}

import { Clipboard } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { type Api, ServerError, wordsOf } from './api';
import type { ICatalogue } from './catalogue';
import { button, element } from './drawing';
import { type Level, levelOf, LogBuffer } from './logbuffer';
import type { IServerEvent } from './sse';
import { thousands } from './wording';

const LINE_HEIGHT = 18;
const MARGIN_LINES = 20;
const PAUSE = 1000;

/** The log of a service as a tab: only the lines in sight are in the page. */
export class LogView extends Widget {
  constructor(
    private readonly _api: Api,
    readonly service: string,
    private readonly _build: boolean,
    private readonly _trans: ICatalogue
  ) {
    super();
    this.addClass('jp-MLDeploy-log');
    this._list = element('div', 'jp-MLDeploy-logLines');
    this._spacer = element('div', 'jp-MLDeploy-logSpacer', this._list);
    this._scroller = element('div', 'jp-MLDeploy-logScroller', this._spacer);
    this._scroller.tabIndex = 0;
    this._scroller.setAttribute('role', 'log');
    // What is in the page changes while one scrolls: that is nothing to be read out.
    this._scroller.setAttribute('aria-live', 'off');
    this._scroller.setAttribute('aria-label', _trans.__('Log of %1', service));
    this._scroller.addEventListener('scroll', () => this._scrolled(), { passive: true });
    this._count = element('span', 'jp-MLDeploy-dim');
    this._count.setAttribute('role', 'status');
    this.node.append(this._makeToolbar(), this._scroller);
    this._resizes = new ResizeObserver(() => this._schedule());
  }

  override dispose(): void {
    this._stop?.abort();
    this._resizes.disconnect();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._resizes.observe(this._scroller);
    if (!this._stop) {
      this._begin();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._schedule();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this._scroller.focus();
  }

  private _makeToolbar(): HTMLElement {
    const trans = this._trans;
    this._search = element('input', 'jp-MLDeploy-input');
    this._search.type = 'search';
    this._search.placeholder = trans.__('Search');
    this._search.setAttribute('aria-label', trans.__('Show only lines that contain'));
    this._search.addEventListener('input', () => this._filter());
    this._level = element('select', 'jp-MLDeploy-input');
    this._level.setAttribute('aria-label', trans.__('Level'));
    this._level.append(
      new Option(trans.__('All levels'), 'all'),
      new Option(trans.__('Warnings and errors'), 'warning'),
      new Option(trans.__('Errors'), 'error')
    );
    this._level.addEventListener('change', () => this._filter());
    this._replica = element('select', 'jp-MLDeploy-input', new Option(trans.__('All replicas'), ''));
    this._replica.setAttribute('aria-label', trans.__('Replica'));
    this._replica.addEventListener('change', () => this._filter());
    this._follow = this._checkbox(trans.__('Follow'), true, () => this._schedule());
    this._previous = this._checkbox(trans.__('Previous life'), false, () => this._begin());
    const copy = button({ label: trans.__('Copy'), act: () => this._copy() });
    const bar = element(
      'div',
      'jp-MLDeploy-logBar',
      this._search,
      this._level,
      this._replica,
      this._follow.parentElement,
      this._build ? null : this._previous.parentElement,
      copy,
      this._count
    );
    bar.setAttribute('role', 'toolbar');
    bar.setAttribute('aria-label', trans.__('Log'));
    return bar;
  }

  private _checkbox(label: string, checked: boolean, changed: () => void): HTMLInputElement {
    const box = element('input', '');
    box.type = 'checkbox';
    box.checked = checked;
    box.addEventListener('change', changed);
    element('label', 'jp-MLDeploy-check', box, label);
    return box;
  }

  private _begin(): void {
    this._stop?.abort();
    this._stop = new AbortController();
    this._last = '';
    this._buffer.clear();
    this._schedule();
    void this._read(this._stop.signal);
  }

  /** Read until there is no more to come; taken up where it was left when the connection is lost. */
  private async _read(signal: AbortSignal): Promise<void> {
    const still = !this._previous.checked && !this._build;
    const query = `?follow=${still}&previous=${this._previous.checked}&build=${this._build}`;
    while (!signal.aborted) {
      let ended = false;
      try {
        await this._api.listen(['services', this.service, 'log'], query, this._last, signal, event => {
          ended = this._hear(event) || ended;
        });
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this._told = wordsOf(error, this._trans);
        ended = error instanceof ServerError;
      }
      this._schedule();
      if (ended) {
        return;
      }
      await new Promise(resolve => setTimeout(resolve, PAUSE));
    }
  }

  private _hear(event: IServerEvent): boolean {
    if (event.kind === 'life') {
      this._told = '';
      if (!(event.data as { resumed: boolean }).resumed) {
        this._buffer.clear();
      }
    } else if (event.kind === 'lines') {
      this._last = event.id;
      this._buffer.append((event.data as { lines: [string, string][] }).lines);
    } else if (event.kind === 'end') {
      const error = (event.data as { error: { summary: string } | null }).error;
      this._told = error ? this._trans.told(error.summary) : this._trans.__('end of the log');
    }
    this._schedule();
    return event.kind === 'end';
  }

  private _filter(): void {
    this._buffer.filter = {
      text: this._search.value,
      level: this._level.value as Level,
      replica: this._replica.value
    };
    this._schedule();
  }

  private _copy(): void {
    const chosen = document.getSelection();
    const text =
      chosen && !chosen.isCollapsed && this._list.contains(chosen.anchorNode)
        ? chosen.toString()
        : this._buffer.shown.map(line => line.text).join('\n');
    Clipboard.copyToSystem(text);
  }

  private _scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this._scroller;
    // Whoever comes to the end wants to follow, whoever scrolls up to read there. The end is asked for first: what becomes
    // shorter, or its frame higher, moves the place up without anybody's scrolling, but to the end.
    if (scrollTop + clientHeight >= scrollHeight - 1) {
      this._follow.checked = true;
    } else if (scrollTop < this._seen - 1) {
      this._follow.checked = false;
    }
    this._seen = scrollTop;
    this._schedule();
  }

  /** Draw with the next frame, once. */
  private _schedule(): void {
    if (!this._scheduled) {
      this._scheduled = true;
      requestAnimationFrame(() => {
        this._scheduled = false;
        if (!this.isDisposed && this.isVisible) {
          this._draw();
        }
      });
    }
  }

  private _draw(): void {
    const lines = this._buffer.shown;
    this._spacer.style.height = `${lines.length * LINE_HEIGHT}px`;
    if (this._follow.checked) {
      this._scroller.scrollTop = this._scroller.scrollHeight;
    }
    // Fewer lines than before move the place too, but nobody has scrolled.
    this._seen = this._scroller.scrollTop;
    const first = Math.max(Math.floor(this._scroller.scrollTop / LINE_HEIGHT) - MARGIN_LINES, 0);
    const last = first + Math.ceil(this._scroller.clientHeight / LINE_HEIGHT) + 2 * MARGIN_LINES;
    const text = this._search.value.toLowerCase();
    const rows = lines.slice(first, last).map(line => {
      const row = element('div', 'jp-MLDeploy-logLine', ...marked(line.text, text));
      row.dataset.level = levelOf(line.text);
      row.title = line.replica;
      return row;
    });
    this._list.style.transform = `translateY(${first * LINE_HEIGHT}px)`;
    this._list.replaceChildren(...rows);
    const total = this._buffer.total;
    const shown = lines.length === total ? '' : `${thousands(lines.length)} / `;
    this._count.textContent = [this._trans.__('%1 lines', shown + thousands(total)), this._told]
      .filter(Boolean)
      .join(' · ');
    this._offerReplicas();
  }

  private _offerReplicas(): void {
    const names = this._buffer.replicas;
    if (names.length !== this._replica.options.length - 1) {
      const chosen = this._replica.value;
      this._replica.replaceChildren(
        new Option(this._trans.__('All replicas'), ''),
        ...names.map(name => new Option(name, name))
      );
      this._replica.value = names.includes(chosen) ? chosen : '';
    }
  }

  private readonly _buffer = new LogBuffer();
  private readonly _scroller: HTMLElement;
  private readonly _spacer: HTMLElement;
  private readonly _list: HTMLElement;
  private readonly _count: HTMLElement;
  private readonly _resizes: ResizeObserver;
  private _search!: HTMLInputElement;
  private _level!: HTMLSelectElement;
  private _replica!: HTMLSelectElement;
  private _follow!: HTMLInputElement;
  private _previous!: HTMLInputElement;
  private _stop: AbortController | null = null;
  private _last = '';
  private _told = '';
  private _seen = 0;
  private _scheduled = false;
}

/** A line with what was searched for marked in it. */
function marked(line: string, text: string): (Node | string)[] {
  if (!text) {
    return [line || '\u00a0'];
  }
  const parts: (Node | string)[] = [];
  const lower = line.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(text); at >= 0; at = lower.indexOf(text, from)) {
    parts.push(line.slice(from, at), element('mark', '', line.slice(at, at + text.length)));
    from = at + text.length;
  }
  return [...parts, line.slice(from)];
}

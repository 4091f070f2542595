// What was generated before: searched among what is loaded, restored, deleted with a way back.

import { $, debounced, make } from './dom.js';
import { locale, say } from './messages.js';
import { offerUndo, settleNow } from './notices.js';

const PAGE = 50;

export class History extends EventTarget {
  /**
   * Events: `restore` (detail: the item), `problem` (detail: Problem).
   * @param {{api: import('./api.js').Api, languageName: (code: string) => string}} parts
   */
  constructor({ api, languageName }) {
    super();
    Object.assign(this, { api, languageName });
    this.forget();
    $('history-open').addEventListener('click', () => this.open());
    $('history-more').addEventListener('click', () => this.load());
    $('history-search').addEventListener('input', debounced(120, () => this.show()));
    $('history').addEventListener('close', settleNow);
  }

  /** Drops what is loaded: another user, or something new. */
  forget() {
    this.items = [];
    this.next = null;
    this.unreadable = 0;
    this.loaded = false;
    this.loading = null;
    this.round = (this.round ?? 0) + 1;
  }

  async open() {
    $('history').showModal();
    if (this.loaded) this.show();
    else await this.load();
  }

  async load() {
    if (this.loading !== null) return;
    const { round } = this;
    const path = this.loaded && this.next !== null ? this.next : `/api/history?limit=${PAGE}`;
    this.loading = path;
    this.show();
    try {
      const { response, body } = await this.api.json('GET', path);
      // An answer for a user who signed out meanwhile is nobody's.
      if (round !== this.round) return;
      this.items.push(...body);
      this.next = nextPage(response.headers.get('Link'));
      this.unreadable += (response.headers.get('X-Unreadable-Items') ?? '').split(',').filter(Boolean).length;
      this.loaded = true;
    } catch (error) {
      $('history').close();
      this.dispatchEvent(new CustomEvent('problem', { detail: error }));
    } finally {
      if (round === this.round) this.loading = null;
    }
    this.show();
  }

  /** Hides an item at once; it is deleted when nobody wants it back. */
  remove(item) {
    const at = this.items.indexOf(item);
    const row = $('history-list').querySelector(`[data-id="${CSS.escape(item.id)}"]`);
    const neighbour = row?.nextElementSibling ?? row?.previousElementSibling;
    this.items.splice(at, 1);
    this.show();
    offerUndo(say('deleted'), () => {
      this.items.splice(at, 0, item);
      this.show();
      this.rowButton(item.id, '.delete')?.focus();
    }, () => this.delete(item, at));
    (this.rowButton(neighbour?.dataset.id, '.delete') ?? $('history-search')).focus();
  }

  async delete(item, at) {
    try {
      await this.api.call('DELETE', `/api/history/${encodeURIComponent(item.id)}`, { keepalive: true });
    } catch (error) {
      if (error.code === 'NOT_FOUND') return;
      this.items.splice(at, 0, item);
      this.show();
      this.dispatchEvent(new CustomEvent('problem', { detail: error }));
    }
  }

  show() {
    const wanted = $('history-search').value.trim().toLowerCase();
    const found = this.items.filter(item => wanted === '' || textOf(item, this.languageName).includes(wanted));
    $('history-list').replaceChildren(...found.map(item => this.row(item)));
    $('history-empty').hidden = !(this.loaded && this.items.length === 0 && this.next === null);
    $('history-more').hidden = this.next === null;
    $('history-more').disabled = this.loading !== null;
    const count = this.items.length;
    const state =
      this.loading !== null ? say('history_loading')
      : count === 0 ? ''
      : wanted === '' ? say('history_count', { count })
      : found.length === 0 ? say('history_none')
      : say('history_found', { found: found.length, count });
    const lost = this.unreadable > 0 ? ` · ${say('history_unreadable', { count: this.unreadable })}` : '';
    $('history-state').textContent = state + lost;
  }

  row(item) {
    const restore = make('button', { type: 'button', className: 'restore', onclick: () => {
      // Once the list is closed: what was deleted in it is settled before something else can be undone.
      $('history').addEventListener('close', () => this.dispatchEvent(new CustomEvent('restore', { detail: item })), { once: true });
      $('history').close();
    } }, say('restore'));
    const remove = make('button', { type: 'button', className: 'delete', onclick: () => this.remove(item) }, say('delete'));
    const title = titleOf(item.input_code);
    for (const button of [restore, remove]) button.setAttribute('aria-label', `${button.textContent}: ${title}`);
    const when = new Date(item.created_at);
    return make('li', { dataset: { id: item.id } },
      make('div', { className: 'entry' },
        make('code', {}, title),
        make('p', { className: 'detail' },
          `${this.languageName(item.language)} · ${item.model} · `,
          make('time', { dateTime: item.created_at }, when.toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' })))),
      restore, remove);
  }

  rowButton(id, kind) {
    return id === undefined ? null : $('history-list').querySelector(`[data-id="${CSS.escape(id)}"] ${kind}`);
  }
}

/** The line that tells most of a program: its first definition, else its first line. */
function titleOf(code) {
  const lines = code.slice(0, 4_000).split('\n').map(line => line.trim());
  const definition = lines.find(line => /^(export\s+)?(default\s+)?(public\s+)?(abstract\s+|final\s+)?(async\s+)?(def|class|function|const|interface|enum|record)\s+\w/.test(line));
  return (definition ?? lines.find(line => line !== '') ?? '').slice(0, 120);
}

const textOf = (item, languageName) =>
  `${item.input_code}\n${item.generated_code}\n${languageName(item.language)}\n${item.model}`.toLowerCase();

/** The path of `<…>; rel="next"`, of this server only. */
function nextPage(link) {
  const path = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1] ?? null;
  return path !== null && path.startsWith('/') && !path.startsWith('//') ? path : null;
}

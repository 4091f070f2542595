// Running the tests: each appears as it finishes, and the verdict at the end says what counts.

import { Problem, asProblem } from './api.js';
import { $, make } from './dom.js';
import { number, say } from './messages.js';
import { ConnectionLost } from './sse.js';

const STOPPED = Symbol('stopped');

/** More results than these are counted and not listed; a run may have thousands. */
const LISTED_MAX = 1_000;

export class Run extends EventTarget {
  /**
   * Events: `begin`, `end`, `problem` (detail: Problem).
   * @param {{api: import('./api.js').Api, editor: import('./editor.js').Editor, languageName: (code: string) => string}} parts
   */
  constructor({ api, editor, languageName }) {
    super();
    Object.assign(this, { api, editor, languageName });
    this.running = null;
    this.verdict = null;
    this.state = null;
    this.items = new Map();
  }

  get isRunning() {
    return this.running !== null;
  }

  stop() {
    this.running?.abort(STOPPED);
  }

  /** Runs a program's tests. Comes back when it is over; never throws. */
  async run(program) {
    if (this.isRunning) return;
    const control = new AbortController();
    this.running = control;
    this.clear();
    this.dispatchEvent(new Event('begin'));
    try {
      this.enter('queueing');
      await this.follow(program, control.signal);
    } catch (error) {
      if (error === STOPPED) this.enter('run_stopped');
      else {
        this.enter(null);
        this.dispatchEvent(new CustomEvent('problem', { detail: asProblem(error) }));
      }
    } finally {
      this.running = null;
      this.dispatchEvent(new Event('end'));
    }
  }

  async follow(program, signal) {
    const frames = await this.api.stream('/api/execution/stream', program, signal);
    this.enter('running');
    for await (const { data } of frames) {
      if (data.type === 'test') this.list(data);
      else if (data.type === 'result') {
        this.conclude(data);
        return;
      } else if (data.type === 'error') throw new Problem(data.code, { message: data.message, status: 200 });
    }
    throw new ConnectionLost();
  }

  /** Forgets a run: another text is there now. */
  clear() {
    this.verdict = null;
    this.items.clear();
    this.state = null;
    $('results').replaceChildren();
    this.editor.mark([]);
    this.show();
  }

  enter(state) {
    this.state = state;
    this.show();
  }

  list(test) {
    const old = this.items.get(test.id);
    if (old === undefined && this.items.size >= LISTED_MAX) return;
    const element = resultOf(test, line => this.editor.goTo(line));
    this.items.set(test.id, { test, element });
    if (old === undefined) $('results').append(element);
    else old.element.replaceWith(element);
    $('results').hidden = false;
    if (test.line !== null && isBad(test)) this.mark();
  }

  conclude(verdict) {
    this.verdict = verdict;
    this.state = null;
    for (const test of verdict.tests) this.list(test);
    this.mark();
    this.show();
  }

  mark() {
    const bad = [...this.items.values()].map(({ test }) => test).filter(test => isBad(test) && test.line !== null);
    this.editor.mark(bad.map(test => ({ line: test.line, message: test.message ?? say(`status_${test.status}`) })));
  }

  show() {
    const { verdict } = this;
    $('verdict').dataset.status = verdict?.status ?? this.state ?? 'none';
    $('verdict').textContent = verdict === null ? this.state === null ? '' : say(this.state) : this.sentence(verdict);
    // That tests failed is said already, and where stands beside each.
    const error = verdict?.status === 'failed' ? '' : verdict?.error;
    const details = verdict === null ? [] : [error, verdict.isolation === 'reduced' ? say('reduced') : ''].filter(text => text !== '');
    $('verdict-detail').textContent = details.join('\n');
    $('verdict-detail').hidden = details.length === 0;
    $('results').hidden = this.items.size === 0;
    $('report').hidden = verdict === null || verdict.output === '';
    $('report-text').textContent = verdict?.output ?? '';
  }

  /** Writes everything anew, in the page's language. */
  translate() {
    for (const [id, { test, element }] of this.items) {
      const fresh = resultOf(test, line => this.editor.goTo(line));
      element.replaceWith(fresh);
      this.items.set(id, { test, element: fresh });
    }
    this.show();
  }

  sentence(verdict) {
    const { tests: counts, wall_ms } = verdict.stats;
    const reached = verdict.limits_reached.map(({ limit, value }) => ` (${limitText(limit, value)})`).join('');
    const bad = counts.failed + counts.errors + counts.unfinished;
    const words = say(`verdict_${verdict.status}`, {
      total: number(counts.total),
      failed: number(bad),
      limit: reached,
      language: this.languageName(verdict.language),
    });
    return counts.total === 0 && verdict.stats.wall_ms === 0 ? words : `${words} · ${say('verdict_stats', { ms: number(wall_ms) })}`;
  }
}

const isBad = test => test.status !== 'passed' && test.status !== 'skipped';

function limitText(limit, value) {
  if (limit === 'wall') return say('seconds', { seconds: number(value / 1_000) });
  if (limit === 'processes') return number(value);
  return `${number(value / 1_048_576)} MiB`;
}

function resultOf(test, goTo) {
  const { id, name, status, duration_ms, message, line, output } = test;
  const head = make('div', { className: 'result-head' },
    make('span', { className: 'badge' }, say(`status_${status}`)),
    make('span', { className: 'name' }, name),
    make('span', { className: 'duration' }, say('verdict_stats', { ms: duration_ms < 10 ? duration_ms.toFixed(1) : number(Math.round(duration_ms)) })));
  const item = make('li', { className: 'result', dataset: { status, id } }, head);
  if (line !== null) {
    const button = make('button', { type: 'button', className: 'line-link', onclick: () => goTo(line) }, say('line', { line }));
    button.setAttribute('aria-label', say('go_to_line', { line }));
    head.append(button);
  }
  if (message) item.append(make('p', { className: 'message' }, message));
  if (output !== '') item.append(make('details', { className: 'output' }, make('summary', {}, say('output')), make('pre', { tabIndex: 0 }, output)));
  return item;
}

// Watching tests being written: from the order to the last frame, whatever the way there does.

import { Problem, asProblem } from './api.js';
import { $ } from './dom.js';
import { number, say } from './messages.js';
import { GENERATE_KEYS } from './preferences.js';
import { ConnectionLost } from './sse.js';

/** Why a generation ends early: the person pressed Stop, or put another program in its place. */
const STOPPED = Symbol('stopped');
const REPLACED = Symbol('replaced');

export class Generation extends EventTarget {
  /**
   * Events: `begin`; `stream` when the tests that are there make place for those that come; `end` (detail: done, stopped, replaced or failed); `problem` (detail: Problem).
   * @param {{api: import('./api.js').Api, editor: import('./editor.js').Editor, botCheck: import('./turnstile.js').BotCheck}} parts
   */
  constructor({ api, editor, botCheck }) {
    super();
    Object.assign(this, { api, editor, botCheck });
    this.running = null;
    this.step = { name: 'idle', text: null };
    this.clock = 0;
    /** How long it takes, or took; null before the first. */
    this.seconds = null;
    this.receipt = null;
  }

  get isRunning() {
    return this.running !== null;
  }

  stop() {
    this.running?.abort(STOPPED);
  }

  /** Forgets everything: another program is there now. */
  reset() {
    this.running?.abort(REPLACED);
    this.receipt = null;
    this.seconds = null;
    this.enter('idle');
  }

  /** Fills an order. Comes back when it is over; never throws. */
  async run(order) {
    if (this.isRunning) return;
    const control = new AbortController();
    this.running = control;
    this.receipt = null;
    this.dispatchEvent(new Event('begin'));
    this.startClock();
    let how = 'failed';
    try {
      await this.follow(order, control.signal);
      how = 'done';
    } catch (error) {
      how = error === STOPPED ? 'stopped' : error === REPLACED ? 'replaced' : 'failed';
      if (how === 'failed') this.report(error);
      if (how !== 'replaced') this.enter(how);
    } finally {
      clearInterval(this.clock);
      this.editor.endStream();
      this.running = null;
      this.dispatchEvent(new CustomEvent('end', { detail: how }));
    }
  }

  async follow(order, signal) {
    this.enter('human');
    const turnstile_token = await this.botCheck.take(signal);
    if (turnstile_token === null) throw new Problem('TURNSTILE');
    this.enter('checking');
    let frames;
    try {
      frames = await this.api.stream('/api/generate', { ...order, turnstile_token }, signal);
    } finally {
      if (turnstile_token !== undefined) this.botCheck.renew();
    }
    // Only now: a refused order leaves the tests that are there.
    this.dispatchEvent(new Event('stream'));
    this.editor.beginStream();
    this.enter('waiting');
    for await (const { event, data } of frames) {
      if (data.type === 'chunk') {
        if (this.step.name !== 'writing') this.enter('writing');
        this.editor.append(data.content);
      } else if (data.type === 'done') {
        this.receipt = data;
        this.enter(data.cached ? 'cached' : 'done');
        return;
      } else if (data.type === 'error') throw new Problem(data.code, { message: data.message, status: 200 });
      else if (event === 'warning') this.report(new Problem('NOT_SAVED', { message: data.message }));
      else if (event === 'status') this.enter(data.step === 'saving_history' ? 'saving' : data.step, data.message);
    }
    throw new ConnectionLost();
  }

  report(error) {
    this.dispatchEvent(new CustomEvent('problem', { detail: asProblem(error) }));
  }

  /** Shows a step: in the server's words where it sent some, else in ours. */
  enter(name, text = null) {
    this.step = { name, text };
    this.show();
  }

  show() {
    const { name, text } = this.step;
    $('progress').dataset.step = name === 'cached' ? 'done' : name;
    $('progress').textContent = text ?? say(`step_${name}`, { shortcut: GENERATE_KEYS });
    this.showClock();
    $('usage').textContent = usageOf(this.receipt);
    $('usage').title = this.receipt === null || this.receipt.usage.total_tokens === 0 ? '' : detailOf(this.receipt.usage);
  }

  startClock() {
    const begun = performance.now();
    const tick = () => {
      this.seconds = (performance.now() - begun) / 1_000;
      this.showClock();
    };
    tick();
    this.clock = setInterval(tick, 100);
  }

  showClock() {
    $('elapsed').textContent = this.seconds === null ? '' : say('seconds', { seconds: this.seconds.toFixed(1) });
  }
}

function usageOf(receipt) {
  if (receipt === null) return '';
  if (receipt.suite) {
    const { rows, branches, mutants } = receipt.suite;
    return say('suite', { rows: number(rows), branches: `${branches.covered}/${branches.total}`, mutants: `${mutants.killed}/${mutants.total}` });
  }
  return receipt.usage.total_tokens > 0 ? say('tokens_used', { total: number(receipt.usage.total_tokens) }) : '';
}

const detailOf = usage =>
  say('tokens_detail', { prompt: number(usage.prompt_tokens), output: number(usage.output_tokens), thinking: number(usage.thinking_tokens) });

'use strict';
// The harness: Jest's runner (jest-circus) and `expect`, driven for one file.
/* global $private */
const channel = require('./channel.js');
const { Output, writeAll } = require('./output.js');
const { makeRealm } = require('./realm.js');
const { Code } = require('./transform.js');
const { Failures, cut, summary } = require('./failure.js');
const { Modules } = require('./modules.js');
const { Integrity } = require('./integrity.js');
// Jest's modules come after the realm, whose constructors they take: see Harness.
const { isProxy } = require('util').types;
const { setImmediate } = globalThis;
const now = process.hrtime.bigint;
const exit = process.reallyExit.bind(process);

const MAX_TESTS = 5000;
const MAX_FRAME = 180 * 1024;
const MAX_NAME = 500;
const MAX_MESSAGE = 500;
const MAX_DETAIL = 16_384;

const HARNESS_FRAMES = /\n +at [^\n]*[\\/]dist[\\/]bundle\.js:\d+:\d+\)?/g;

const turn = () => new Promise(resolve => setImmediate(resolve));
const wellFormed = text => channel.wellFormed(text);

class Harness {
  constructor({ send, write }) {
    this.emit = send;
    this.code = null;
    // Stacks that user code prints: its own places by name, nothing of the harness.
    this.output = new Output(write, text => (this.code ? this.code.mapText(text.replace(HARNESS_FRAMES, '')) : text));
    this.realm = makeRealm(this.output, name => this.getBuiltin(name));
    const circus = require('jest-circus');
    const { jestExpect } = require('@jest/expect');
    const { SnapshotState } = require('jest-snapshot');
    this.circus = circus;
    this.expect = jestExpect;
    this.snapshotState = () =>
      new SnapshotState('/nonexistent/test_code.snap', {
        updateSnapshot: 'none',
        rootDir: '/nonexistent',
        prettierPath: null,
        snapshotFormat: { escapeString: false, printBasicPrototype: false },
      });
    const { describe, test, it, beforeAll, beforeEach, afterAll, afterEach } = circus;
    this.globals = {
      afterAll, afterEach, beforeAll, beforeEach, describe, expect: jestExpect, it, test,
      fdescribe: describe.only, fit: it.only, xdescribe: describe.skip, xit: it.skip, xtest: it.skip,
    };
    // In front of Jest's own handlers, which read properties of whatever was thrown.
    $private[Symbol.for('EVENT_HANDLERS')].unshift(event => {
      if (event.name === 'test_done') tame(event.test.errors);
      if (event.name === 'error') [event.error] = tame([event.error]);
    });
    circus.addEventHandler((event, state) => this.onEvent(event, state));
    this.integrity = new Integrity(this.realm);
    this.integrity.install(this.globals);
    this.renew();
  }

  // For a further job; only training in prepare.js has one.
  renew() {
    this.circus.resetState();
    this.tests = new Map();
    this.scope = null;
    this.integrity.used = undefined;
    this.finished = null;
    this.expect.setState({
      assertionCalls: 0, expectedAssertionsNumber: null, isExpectingAssertions: false, numPassingAsserts: 0, suppressedErrors: [],
      snapshotState: this.snapshotState(), testPath: '/work/test_code.js',
    });
  }

  getBuiltin(name) {
    try {
      return this.modules.builtin(this.modules.resolve(name, '/') ?? name);
    } catch {
      return undefined;
    }
  }

  broken(phase, part, line, message, detail) {
    this.emit({
      kind: 'broken', phase, part, line,
      message: cut(wellFormed(message), MAX_MESSAGE),
      detail: cut(wellFormed(detail), MAX_DETAIL),
    });
  }

  async run({ source, tests, language }) {
    const code = new Code(source, tests, language === 'typescript', process.cwd());
    this.code = code;
    this.failures = new Failures(code);
    const compileFile = (file, text) => {
      const other = new Code('', text, /\.[cm]?ts$/.test(file), '/');
      other.filename = file;
      try {
        return other.compile(this.realm.context);
      } catch (error) {
        if (!error.broken) throw error;
        throw new this.realm.global.SyntaxError(`${file}: ${error.broken.message}`);
      }
    };
    compileFile.filename = code.filename;
    this.modules = new Modules(this.realm, this.globals, compileFile);
    const done = new Promise(resolve => {
      this.finished = resolve;
    });

    let fn;
    try {
      fn = code.compile(this.realm.context);
    } catch (error) {
      if (!error.broken) throw error;
      const { part, line, message, detail } = error.broken;
      this.broken('compile', part, line, message, detail);
      return this.end();
    }
    await this.circus.dispatch({ name: 'setup', parentProcess: process });
    const module = this.makeModule();
    try {
      const scope = look => {
        this.scope ??= look;
      };
      fn.call(module.exports, module, module.exports, this.modules.requireFor(code.filename), process.cwd(), code.filename, this.modules.jest, scope);
    } catch (error) {
      const { message, detail, at } = this.failures.describeAll([[error, undefined]]);
      const inDescribe = this.circus.getState().currentDescribeBlock !== this.circus.getState().rootDescribeBlock;
      this.broken(inDescribe ? 'collect' : 'import', at.part, at.line, message, detail);
      return this.end();
    }
    // The rest happens in onEvent, which never returns from run_finish.
    this.circus.run().catch(error => {
      this.broken('collect', null, null, 'Jest failed while it ran the tests', summary(`${error?.message}`));
      this.end();
    });
    return done;
  }

  makeModule() {
    const { filename } = this.code;
    const exports = new this.realm.global.Object();
    return { children: [], exports, filename, id: filename, loaded: false, path: process.cwd(), paths: [], require: this.modules.requireFor(filename) };
  }

  end() {
    this.integrity.checkEnd(this.scope, this.code.tests);
    if (this.integrity.reasons.length > 0) {
      this.emit({ kind: 'tampered', reason: cut(wellFormed(this.integrity.reasons.join('; ')), MAX_MESSAGE) });
    }
    this.emit({ kind: 'done' });
    this.finished();
  }

  async onEvent(event, state) {
    switch (event.name) {
      case 'run_start':
        return this.onCollected(state);
      case 'test_start':
        return this.onTestStart(event.test);
      case 'test_skip':
        return this.onTestEnd(event.test, 'skipped', null);
      case 'test_todo':
        return this.onTestEnd(event.test, 'skipped', 'todo');
      case 'hook_success':
      case 'hook_failure':
        return this.onHookEnd(event, state);
      case 'test_fn_start':
        return this.integrity.checkScope(this.scope, this.code.tests);
      case 'test_fn_success':
      case 'test_fn_failure':
        if (event.name === 'test_fn_failure') this.bodyFailed(event.test);
        this.integrity.checkScope(this.scope, this.code.tests);
        await turn();
        return takeRejections(event.test.unhandledRejectionErrorByPromise, state, error => event.test.errors.push([error, event.test.asyncError]));
      case 'test_done':
        return this.onTestDone(event.test);
      case 'run_finish':
        return this.onRunFinish(state);
      default:
        return undefined;
    }
  }

  onCollected({ rootDescribeBlock }) {
    const seen = new Map();
    const list = [];
    const walk = (block, titles) => {
      for (const child of block.children) {
        const path = [...titles, `${child.name}`];
        if (child.type === 'describeBlock') {
          walk(child, path);
          continue;
        }
        const base = cut(wellFormed(path.join(' > ')), MAX_NAME - 8);
        const count = (seen.get(base) ?? 0) + 1;
        seen.set(base, count);
        let id = count === 1 ? base : `${base} #${count}`;
        while (count > 1 && seen.has(id)) id += '*';
        if (count > 1) seen.set(id, 1);
        const line = this.failures.lineOf(child.asyncError.stack);
        this.tests.set(child, { id, line, started: false, ended: false, bodyFailed: false, hookFailed: false, since: 0n, errors: 0 });
        list.push({ id, name: cut(wellFormed(`${child.name}`), MAX_NAME), line });
      }
    };
    walk(rootDescribeBlock, []);
    if (list.length > MAX_TESTS) {
      this.broken('collect', 'tests', null, `${list.length} tests are more than the ${MAX_TESTS} that one file may have`, '');
      this.end();
      return new Promise(() => {});
    }
    let frame = [];
    let size = 0;
    for (const one of list) {
      const bytes = 4 * (one.id.length + one.name.length) + 60;
      if (frame.length >= 2000 || size + bytes > MAX_FRAME) {
        this.emit({ kind: 'collected', tests: frame });
        frame = [];
        size = 0;
      }
      frame.push(one);
      size += bytes;
    }
    this.emit({ kind: 'collected', tests: frame });
    return undefined;
  }

  onTestStart(test) {
    this.expect.setState({ currentTestName: titlesOf(test).join(' '), testFailing: test.failing });
    const known = this.tests.get(test);
    if (known && !known.started) {
      known.started = true;
      known.since = now();
      this.emit({ kind: 'started', id: known.id });
    }
  }

  async onHookEnd({ hook, test, describeBlock }, state) {
    const failed = arguments[0].name === 'hook_failure';
    await turn();
    const pending = state.unhandledRejectionErrorByPromiseByHook.get(hook);
    state.unhandledRejectionErrorByPromiseByHook.delete(hook);
    let rejected = false;
    const add = error => {
      rejected = true;
      if (hook.type === 'beforeAll') for (const one of testsBelow(describeBlock)) one.errors.push([error, hook.asyncError]);
      else if (hook.type === 'afterAll') state.unhandledErrors.push([error, hook.asyncError]);
      else test.errors.push([error, hook.asyncError]);
    };
    if (pending) takeRejections(pending, state, add);
    if (test && hook.type.endsWith('Each')) takeRejections(test.unhandledRejectionErrorByPromise, state, add);
    if (!failed && !rejected) return;
    if (hook.type === 'beforeAll') {
      for (const one of testsBelow(describeBlock)) this.hookFailed(one);
    } else if (test) {
      this.hookFailed(test);
    }
  }

  bodyFailed(test) {
    const known = this.tests.get(test);
    if (known) known.bodyFailed = true;
  }

  // `error` instead of `failed`, unless the test's own body had failed before.
  hookFailed(test) {
    const known = this.tests.get(test);
    if (known && !known.bodyFailed) known.hookFailed = true;
  }

  onTestDone(test) {
    const { suppressedErrors, isExpectingAssertions } = this.expect.getState();
    this.expect.setState({ suppressedErrors: [] });
    test.errors.push(...suppressedErrors);
    const missing = this.expect.extractExpectedAssertionsErrors();
    if (!(isExpectingAssertions && test.errors.length > 0)) test.errors.push(...missing.map(one => one.error));
    this.integrity.check();
    // A retry may still come.
    const known = this.tests.get(test);
    if (known) known.deferred = this.modules.usesRetries && test.errors.length > 0;
    if (!known?.deferred) this.onTestEnd(test);
  }

  onTestEnd(test, status, message = null) {
    const known = this.tests.get(test);
    if (!known || known.ended) return;
    known.ended = true;
    known.errors = test.errors.length;
    let detail = null;
    let line = null;
    if (!status) {
      status = 'passed';
      if (test.errors.length > 0) {
        status = known.hookFailed ? 'error' : 'failed';
        ({ message, detail, line } = this.failures.describeAll(test.errors));
        line ??= known.line;
        message = cut(wellFormed(message), MAX_MESSAGE);
        detail = cut(wellFormed(detail), MAX_DETAIL);
      }
    }
    const duration = Number(now() - known.since) / 1e6;
    this.emit({ kind: 'finished', id: known.id, status, duration_ms: Math.round(duration * 1000) / 1000, message, detail, line });
  }

  async onRunFinish(state) {
    await turn();
    takeRejections(state.unhandledRejectionErrorByPromise, state, error => state.unhandledErrors.push(error));
    for (const [test, known] of this.tests) {
      takeRejections(test.unhandledRejectionErrorByPromise, state, error => test.errors.push([error, test.asyncError]));
      // One that never got to its end stays unreported: the host calls the run incomplete.
      if (!known.ended && known.deferred) this.onTestEnd(test);
      if (test.errors.length > known.errors) {
        this.late(test.errors.slice(known.errors), `after the test "${cut(known.id, 200)}" had finished: `);
      }
    }
    this.late(state.unhandledErrors, 'outside of any test: ');
    this.end();
    return new Promise(() => {});
  }

  // What fails the whole file in Jest: errors of afterAll, and what is thrown when no test can be blamed any more.
  late(errors, prefix) {
    for (const error of errors.slice(0, 5)) {
      const { message, detail, at } = this.failures.describeAll([error]);
      this.broken('collect', at.part, at.line, prefix + message, detail);
    }
  }
}

// Replaces in place what can't be read without running code of the user that throws.
function tame(errors) {
  for (let i = 0; i < errors.length; i += 1) {
    const entry = errors[i];
    const pair = Array.isArray(entry) && !isProxy(entry);
    const error = pair ? entry[0] : entry;
    if ((typeof error !== 'object' && typeof error !== 'function') || error === null) continue;
    try {
      if (!isProxy(error)) {
        for (const key of ['stack', 'message', 'name', 'code', 'cause']) void error[key];
        continue;
      }
    } catch {
      // Replaced below.
    }
    const substitute = new Error('thrown: an object that cannot be read');
    substitute.stack = (pair && entry[1]?.stack?.replace(/^[^\n]*/, `Error: ${substitute.message}`)) || substitute.message;
    errors[i] = pair ? [substitute, entry[1]] : substitute;
  }
  return errors;
}

function takeRejections(errors, state, use) {
  for (const [promise, error] of [...errors]) {
    state.unhandledRejectionErrorByPromiseTarget.delete(promise);
    errors.delete(promise);
    use(error);
  }
}

function titlesOf(test) {
  const titles = [];
  for (let one = test; one.parent; one = one.parent) titles.unshift(one.name);
  return titles;
}

function testsBelow(block) {
  return block.children.flatMap(child => (child.type === 'describeBlock' ? testsBelow(child) : [child]));
}

async function main() {
  let token = null;
  let seq = 0;
  let leave = () => {};
  const harness = new Harness({
    send(event) {
      channel.write({ type: 'event', token, seq, event });
      seq += 1;
      if (event.kind === 'done') leave();
    },
    write: writeAll,
  });
  leave = () => exit(0);
  channel.closeStdin();
  channel.write({ type: 'ready', versions: { node: process.versions.node, jest: require('jest-circus/package.json').version } });
  const job = channel.read();
  if (job === null) exit(0);
  ({ token } = job);
  try {
    await harness.run(job);
  } catch {
    // No `done`: the host says that the run is incomplete.
    exit(70);
  }
}

module.exports = { Harness, main, summary };

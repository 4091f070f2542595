// Running calls and telling what came of them.

const ENOUGH_ITEMS = 60;
const ENDLESS_ITEMS = 8;
// Of a task without end: far more than any step-counted call takes.
const GUARD_MS = 800;
// After so many of them a target is left as it is.
const HANGS_MAX = 3;
const BATCH_MS = 150;

// An argument left out is the same as an undefined one, and reads better.
function withoutTail(args) {
  let { length } = args;
  while (length > 0 && args[length - 1] === undefined) length -= 1;
  return args.slice(0, length);
}

// A call of a function: its arguments are data of the explorer.
class Call {
  constructor(target, args, origin) {
    this.target = target;
    this.args = withoutTail(args);
    this.origin = origin;
    this.texts = this.args.map(textOf);
    this.text = this.texts.join(', ');
  }

  begin(module, build) {
    const args = listOf(build(this.args, module.scope), this.args.length);
    return { args, result: module.calls[this.target.name](...args) };
  }
}

// The life of an object: it is made, and its methods are called one after the other.
class Life {
  constructor(target, args, steps, origin) {
    this.target = target;
    this.args = withoutTail(args);
    this.steps = steps.map(({ member, args: given }) => ({ member, args: withoutTail(given) }));
    this.origin = origin;
    this.texts = this.args.map(textOf);
    this.text = [this.texts.join(', '), ...steps.map(step => `${step.member.name} ${step.args.map(textOf).join(', ')}`)].join(' | ');
  }
}

class Runner {
  constructor(realm, budget) {
    this.realm = realm;
    this.budget = budget;
    this.calls = 0;
  }

  build(data, scope) {
    return this.realm.tools.build(data, special => this.realm.special(special, scope));
  }

  // Starts a job on a module (a new one unless one is given): an outcome, or what has to be awaited for it.
  start(job, mutant, limit, shared) {
    const { realm } = this;
    const { probe } = realm;
    this.calls += 1;
    realm.exited = false;
    probe.m = mutant;
    probe.steps = 0;
    probe.limit = limit;
    probe.stopped = false;
    probe.intendedPrimitive = false;
    realm.tools.forget();
    const run = { job, args: undefined, result: undefined };
    try {
      const module = shared ?? realm.load();
      if (job instanceof Life) {
        run.module = module;
        run.object = module.calls[job.target.name](...listOf(this.build(job.args, module.scope), job.args.length));
        run.notes = [];
        return this.advance(run, 0);
      }
      Object.assign(run, job.begin(module, (data, scope) => this.build(data, scope)));
    } catch (error) {
      return this.failed(run, error, 'plain');
    }
    if (types.isPromise(run.result)) return { awaited: run, promise: run.result };
    return this.finished(run, run.result, 'plain');
  }

  // The next steps in the life of an object.
  advance(run, first) {
    const { job, object, module } = run;
    for (let i = first; i < job.steps.length; i += 1) {
      const { member, args } = job.steps[i];
      let value;
      try {
        const built = listOf(this.build(args, module.scope), args.length);
        if (member.kind === 'call') value = object(...built);
        else if (member.kind === 'get') value = object[member.name];
        else if (member.kind === 'set') object[member.name] = built[0];
        else value = object[member.name](...built);
      } catch (error) {
        run.notes.push(this.failed(run, error, 'plain'));
        if (this.realm.probe.stopped || this.realm.exited) break;
        continue;
      }
      if (types.isPromise(value)) return { awaited: run, promise: value, next: i + 1 };
      run.notes.push(value === object ? { status: 'self', key: 'self', text: 'this' } : this.finished({ job }, value, 'plain'));
      if (this.realm.probe.stopped) break;
    }
    const stopped = run.notes.find(note => note.status === 'hang' || note.status === 'exit');
    if (stopped) return stopped;
    if (this.realm.probe.stopped) return this.outcome({ status: 'hang', text: '' }, run);
    const state = write(visibleState(object));
    return {
      status: 'life', notes: run.notes, state, steps: this.realm.probe.steps, elapsed: this.realm.tools.elapsed(), changed: false,
      key: `${run.notes.map(note => note.key).join('\n')}\n${state.text}`, text: state.text, opaque: false,
    };
  }

  failed(run, error, form) {
    const { realm } = this;
    if (realm.exited) return this.outcome({ status: 'exit', text: '' }, run);
    if (realm.probe.stopped || error === realm.probe.STOP) return this.outcome({ status: 'hang', text: '' }, run);
    const isObject = typeof error === 'object' && error !== null;
    let name = '';
    let message = '';
    const native = types.isNativeError(error);
    try {
      if (isObject) {
        name = String(error.constructor?.name ?? error.name ?? 'Error');
        message = String(error.message);
      }
    } catch {
      // An error that can't be read has neither.
    }
    const intended = isObject || typeof error === 'function' ? realm.probe.intended.has(error) : realm.probe.intendedPrimitive;
    const tooDeep = native && !intended && /call stack/.test(message);
    if (tooDeep) return this.outcome({ status: 'hang', text: '' }, run);
    const shape = isObject && 'message' in error ? `${name}: ${message}` : textOf(error);
    return this.outcome({ status: 'error', form, name, message, intended, native: native || (isObject && typeof error.message === 'string'), text: shape, thrown: native ? null : write(error) }, run);
  }

  finished(run, value, form) {
    if (this.realm.probe.stopped) return this.outcome({ status: 'hang', text: '' }, run);
    if (this.realm.exited) return this.outcome({ status: 'exit', text: '' }, run);
    let shown = value;
    let kind = form;
    if (typeof value === 'object' && value !== null && typeof value.next === 'function' && typeof value[Symbol.iterator] === 'function') {
      kind = 'iterator';
      shown = [];
      try {
        for (const item of value) {
          shown.push(item);
          if (shown.length > ENOUGH_ITEMS) break;
        }
      } catch (error) {
        return this.failed(run, error, 'iterator');
      }
      if (shown.length > ENOUGH_ITEMS) {
        kind = 'endless';
        shown.length = ENDLESS_ITEMS;
      }
    }
    const { text, opaque, loose } = write(shown);
    return this.outcome({ status: 'value', form: kind, text, opaque, loose, value: shown, members: opaque && kind === 'plain' ? shapeOfResult(shown) : [] }, run);
  }

  outcome(made, run) {
    made.steps = this.realm.probe.steps;
    made.elapsed = this.realm.tools.elapsed();
    made.changed = false;
    made.after = null;
    if (run.args && made.status !== 'hang' && made.status !== 'exit') {
      // By index: the methods of the code's own arrays may be patched.
      const after = run.job.args.map((given, i) => (typeof given === 'object' && given !== null && !(given instanceof Special) ? write(run.args[i]) : null));
      made.changed = after.some((one, i) => one !== null && one.text !== run.job.texts[i]);
      if (made.changed) made.after = after;
    }
    made.key = `${made.status} ${made.form ?? ''} ${made.text}${made.changed ? ` | ${made.after.map(one => one?.text ?? '').join(' | ')}` : ''}`;
    return made;
  }

  // Waits for a promise of the code under test in virtual time.
  async settle({ awaited, promise, next }) {
    let state = null;
    Promise.prototype.then.call(promise, value => { state = { value }; }, error => { state = { error }; });
    let idle = 0;
    for (let turns = 0; state === null && turns < 400; turns += 1) {
      await new Promise(resolve => setImmediate(resolve));
      if (state !== null || this.realm.probe.stopped) break;
      let fired = false;
      const ended = this.realm.guarded(GUARD_MS, () => {
        try {
          fired = this.realm.tools.fire();
        } catch {
          fired = true;
        }
      });
      idle = fired ? 0 : idle + 1;
      if (!ended || idle > 5) break;
    }
    if (state === null) return this.outcome({ status: 'hang', text: '' }, awaited);
    if (next !== undefined) {
      awaited.notes.push('error' in state ? this.failed({ job: awaited.job }, state.error, 'promise') : this.finished({ job: awaited.job }, state.value, 'promise'));
      return this.advance(awaited, next);
    }
    return 'error' in state ? this.failed(awaited, state.error, 'promise') : this.finished(awaited, state.value, 'promise');
  }

  // Runs jobs in order; `done` gets each outcome, and stops by giving false.
  async all(jobs, mutant, limitOf, done, shared) {
    let i = 0;
    let goOn = this.budget.hangs < HANGS_MAX;
    while (goOn && i < jobs.length) {
      let waiting = null;
      const ended = this.realm.guarded(GUARD_MS, () => {
        const since = Date.now();
        while (goOn && i < jobs.length) {
          const outcome = this.start(jobs[i], mutant, limitOf(jobs[i]), shared);
          if (outcome.awaited) {
            waiting = outcome;
            return;
          }
          goOn = done(jobs[i], outcome) !== false;
          i += 1;
          if (Date.now() - since > BATCH_MS) return;
        }
      });
      if (!ended && i < jobs.length) {
        this.budget.hangs += 1;
        goOn = done(jobs[i], { status: 'hang', text: '', key: 'hang', steps: 0, elapsed: 0, changed: false, native: true }) !== false && this.budget.hangs < HANGS_MAX;
        i += 1;
      }
      while (waiting?.awaited) waiting = await this.settle(waiting);
      if (waiting) {
        goOn = done(jobs[i], waiting) !== false;
        i += 1;
      }
      if (this.budget.over()) return false;
    }
    return goOn;
  }
}

// An array of the code's realm as one of this realm.
const listOf = (items, count) => Array.from({ length: count }, (_, i) => items[i]);

// What can be done with what a function gave, where that is no plain data: called, or its methods called.
function shapeOfResult(value) {
  const parameters = count => Array.from({ length: count }, (_, i) => ({ name: `value${i + 1}`, rest: false, default: null, shape: { votes: {} } }));
  const own = (name, kind, count) => ({ name, kind, parameters: parameters(count) });
  if (typeof value === 'function') return [own('', 'call', Math.max(1, value.length))];
  const members = [];
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return members;
  for (const key of Object.keys(value).slice(0, 20)) {
    const { value: held, get } = Object.getOwnPropertyDescriptor(value, key);
    if (typeof held === 'function' && NAME.test(key)) members.push(own(key, 'method', held.length));
    else if (get && NAME.test(key)) members.push(own(key, 'get', 0));
  }
  return members.some(member => member.kind === 'method') ? members : [];
}

// What of an object everybody can see.
function visibleState(object) {
  const state = {};
  if (typeof object !== 'object' || object === null) return state;
  for (const key of Object.keys(object)) if (!key.startsWith('_') && typeof object[key] !== 'function') state[key] = object[key];
  return state;
}

// Running calls and telling what came of them.

const ENOUGH_ITEMS = 60;
const ENDLESS_ITEMS = 8;
// Of a task without end: far more than any step-counted call takes.
const GUARD_MS = 900;
const BATCH_MS = 150;

// A call of a function: its arguments are data of the explorer.
class Call {
  constructor(target, args, origin) {
    this.target = target;
    this.args = args;
    this.origin = origin;
    this.texts = args.map(textOf);
    this.text = this.texts.join(', ');
  }

  begin(module, build) {
    const args = build(this.args, module.scope);
    return { args, result: module.calls[this.target.name](...args) };
  }
}

// The life of an object: it is made, and its methods are called one after the other.
class Life {
  constructor(target, args, steps, origin) {
    this.target = target;
    this.args = args;
    this.steps = steps;
    this.origin = origin;
    this.texts = args.map(textOf);
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
        run.object = module.calls[job.target.name](...this.build(job.args, module.scope));
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
        const on = member.is_static ? module.scope[job.target.name] : object;
        const built = this.build(args, module.scope);
        if (member.kind === 'get') value = on[member.name];
        else if (member.kind === 'set') on[member.name] = built[0];
        else value = on[member.name](...built);
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
    return this.outcome({ status: 'value', form: kind, text, opaque, loose, value: shown }, run);
  }

  outcome(made, run) {
    made.steps = this.realm.probe.steps;
    made.elapsed = this.realm.tools.elapsed();
    made.changed = false;
    made.after = null;
    if (run.args && made.status !== 'hang' && made.status !== 'exit') {
      const after = run.args.map((arg, i) => (typeof arg === 'object' && arg !== null && !(run.job.args[i] instanceof Special) ? write(arg) : null));
      made.changed = after.some((one, i) => one !== null && one.text !== run.job.texts[i]);
      if (made.changed) made.after = after;
    }
    made.key = `${made.status} ${made.form ?? ''} ${made.text}${made.changed ? ` | ${made.after.map(one => one?.text ?? '').join(' | ')}` : ''}`;
    return made;
  }

  // Waits for a promise of the code under test in virtual time.
  async settle({ awaited, promise, next }) {
    let state = null;
    promise.then(value => { state = { value }; }, error => { state = { error }; });
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
    let goOn = true;
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
      if (!ended) {
        this.budget.hangs += 1;
        goOn = done(jobs[i], { status: 'hang', text: '', key: 'hang', steps: 0, elapsed: 0, changed: false, native: true }) !== false && this.budget.hangs < 6;
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

// What of an object everybody can see.
function visibleState(object) {
  if (typeof object !== 'object' || object === null) return object;
  const state = {};
  for (const key of Object.keys(object)) if (!key.startsWith('_')) state[key] = object[key];
  return state;
}

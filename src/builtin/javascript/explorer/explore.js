// The search itself: what a plan asks for, in records on standard output.

const SEARCH = {
  trials: 6, inputs: 260, mutations: 160, poolForMutants: 150, killsWanted: 4, targeted: 24, survivors: 60,
  lives: 160,
  // Steps (statements and turns of loops) bound the work, so that it is the same on any machine: of one call, more
  // when most calls need more; of all calls of a target, and of all calls with mutants.
  steps: [20_000, 200_000, 2_000_000], stepsInAll: 4_000_000, mutantSteps: 12_000_000,
};

class Budget {
  constructor(milliseconds) {
    this.end = Date.now() + milliseconds;
    this.hangs = 0;
  }

  over() {
    return Date.now() > this.end;
  }
}

class Explorer {
  constructor(plan, emit) {
    this.plan = plan;
    this.emit = emit;
    this.started = Date.now();
    this.budget = new Budget(plan.budget_ms ?? 6000);
    this.random = randomFrom(plan.seed ?? 1);
    this.inputs = new Inputs(plan, this.random);
    this.writer = new TestWriter(plan);
    this.skipped = [];
    this.killed = new Set();
    this.dropped = 0;
    this.covered = { points: new Set(), sides: new Set() };
  }

  async run() {
    const { plan } = this;
    this.emit({ kind: 'entering', target: '<module>' });
    try {
      this.realm = new Realm(plan, 1);
      this.runner = new Runner(this.realm, this.budget);
      this.load(this.realm);
    } catch (error) {
      this.emit({ kind: 'broken', error: this.brokenText(error) });
      return;
    }
    this.emit({ kind: 'header', text: this.writer.header() });
    this.onLoad = new Set([...this.realm.probe.points.keys()].filter(i => this.realm.probe.points[i]));
    const blocks = [];
    let rows = 0;
    let tests = 0;
    const targets = plan.targets.filter(target => {
      const skip = (plan.skip ?? []).includes(target.name);
      if (skip) this.skipped.push(`${target.name}: it did not end, or ended the process`);
      return !skip;
    });
    for (const [i, target] of targets.entries()) {
      if (this.budget.over()) {
        this.skipped.push(`${target.name}: no time left`);
        continue;
      }
      this.emit({ kind: 'entering', target: target.name });
      this.budget.hangs = 0;
      // What is left is shared by what is left.
      const whole = this.budget.end;
      this.budget.end = Date.now() + (whole - Date.now()) / (targets.length - i) * 1.6;
      if (this.budget.end > whole) this.budget.end = whole;
      const made = await this.target(target);
      this.budget.end = whole;
      for (const block of made) {
        blocks.push(block);
        tests += Math.max(1, block.rows.length);
        rows += block.rows.length;
        this.emit({ kind: 'draft', test: block });
      }
      if (made.length === 0) this.skipped.push(`${target.name}: no call gave a result that a test can state`);
    }
    this.emit({ kind: 'header', text: this.writer.header() });
    const order = ['example', 'behaviour', 'property', 'error', 'unexpected'];
    const names = targets.map(target => target.name);
    blocks.sort((a, b) => names.indexOf(a.target) - names.indexOf(b.target) || order.indexOf(a.section) - order.indexOf(b.section));
    for (const block of blocks) this.emit({ kind: 'test', test: block });
    this.emit(this.summary(targets.length, tests, rows));
  }

  load(realm) {
    let failure = null;
    const ended = realm.guarded(2000, () => {
      realm.probe.limit = 5_000_000;
      realm.probe.steps = 0;
      realm.probe.m = 0;
      try {
        realm.load();
      } catch (error) {
        failure = { error };
      }
    });
    if (!ended || realm.probe.stopped) throw new Error('it does not end when it is loaded');
    if (realm.exited) throw new Error('it ends the process when it is loaded');
    if (failure) throw failure.error;
  }

  brokenText(error) {
    try {
      return `${error?.name ?? 'Error'}: ${error?.message ?? error}`.slice(0, 300);
    } catch {
      return 'it can not be loaded';
    }
  }

  summary(targets, tests, rows) {
    const { plan } = this;
    const lines = new Set(plan.points.map(point => point.line));
    const reached = new Set([...this.covered.points, ...this.onLoad].map(point => plan.points[point].line));
    return {
      kind: 'summary', targets, tests, rows,
      lines: { covered: reached.size, total: lines.size },
      branches: { covered: this.covered.sides.size, total: plan.branches * 2 },
      mutants: { killed: this.killed.size, total: plan.mutants.length },
      calls: this.runner.calls, seconds: (Date.now() - this.started) / 1000, dropped: this.dropped, skipped: this.skipped,
    };
  }

  async target(target) {
    const pool = new Pool();
    this.stepsLeft = SEARCH.stepsInAll;
    this.limit = SEARCH.steps[0];
    if (target.kind === 'function') await this.searchCalls(target, pool);
    else await this.searchLives(target, pool);
    await this.tellMutants(target, pool);
    const chosen = choose(pool.found, this.plan.max_rows ?? 40);
    const stable = await this.confirmed(chosen);
    for (const entry of stable) {
      for (const point of entry.points) this.covered.points.add(point);
      for (const side of entry.sides) this.covered.sides.add(side);
      for (const kill of entry.kills) this.killed.add(kill);
    }
    if (stable.length === 0) return [];
    const [lives, calls] = [true, false].map(isLife => stable.filter(entry => entry.job instanceof Life === isLife));
    if (target.kind === 'class') return this.writer.ofLives(target, stable);
    return [...this.writer.ofCalls(target, calls), ...this.writer.ofLives(target, lives)];
  }

  // Runs jobs that are new to the pool.
  async explore(pool, jobs) {
    const { probe } = this.realm;
    const fresh = [];
    const texts = new Set();
    for (const job of jobs) {
      if (job.text.length > 600 || pool.has(job) || texts.has(job.text)) continue;
      texts.add(job.text);
      fresh.push(job);
    }
    const entries = [];
    probe.recording = true;
    const clear = () => {
      probe.points.fill(0);
      probe.sides.fill(0);
      probe.distances.fill(0);
      probe.operands = [];
    };
    clear();
    await this.runner.all(fresh, 0, () => this.limit, (job, outcome) => {
      entries.push(pool.add(job, outcome, probe));
      this.stepsLeft -= outcome.steps;
      clear();
      return this.stepsLeft > 0;
    });
    probe.recording = false;
    return entries;
  }

  // More steps a call, where too many calls did not come to their end.
  async allowMore(pool) {
    for (const limit of SEARCH.steps.slice(1)) {
      const stopped = pool.found.filter(entry => entry.outcome.status === 'hang');
      if (stopped.length < pool.found.length * 0.3) return;
      this.limit = limit;
      pool.forget(stopped);
      await this.explore(pool, stopped.slice(0, 12).map(entry => entry.job));
    }
  }

  examplesFor(target) {
    const width = target.parameters.length;
    const jobs = [];
    const own = target.name.split('.').pop();
    for (const { callee, arguments: text } of this.plan.examples) {
      const args = readData(`[${text}]`);
      if (!Array.isArray(args) || args.length > width + 3) continue;
      if (callee.split('.').pop() === own) jobs.push(new Call(target, padded(args, width), 'example'));
      else if (args.length === width && width > 0) jobs.push(new Call(target, args, 'mentioned'));
    }
    return jobs;
  }

  async searchCalls(target, pool) {
    const { parameters } = target;
    if (parameters.length === 0) {
      await this.explore(pool, [new Call(target, [], 'first')]);
      return;
    }
    const examples = this.examplesFor(target);
    for (const job of examples) {
      const weight = job.origin === 'example' ? 40 : 4;
      job.args.forEach((arg, i) => parameters[i] && learn(parameters[i].shape, arg, weight));
    }
    await this.explore(pool, examples);
    const signatures = await this.signatures(target, pool);
    await this.explore(pool, this.firstInputs(target, signatures).slice(0, 10));
    await this.allowMore(pool);
    await this.explore(pool, this.firstInputs(target, signatures));
    let count = SEARCH.inputs;
    while (count > 0 && !this.budget.over() && this.stepsLeft > 0) {
      const jobs = [];
      for (let i = 0; i < 40; i += 1) jobs.push(new Call(target, this.arguments(target, this.inputs.weighted(signatures)), 'random'));
      await this.explore(pool, jobs);
      count -= 40;
    }
    await this.mutateInputs(target, pool, SEARCH.mutations);
    await this.followResults(target, pool);
  }

  // What a function makes that can only be used: it is, as an object of a class would be.
  async followResults(target, pool) {
    const makers = pool.found.filter(entry => entry.outcome.members?.length > 0);
    if (makers.length < pool.found.length * 0.3) return;
    const chosen = [...makers].sort((a, b) => b.novelty - a.novelty || a.job.text.length - b.job.text.length || a.order - b.order).slice(0, 12);
    for (let left = SEARCH.lives; left > 0 && !this.budget.over() && this.stepsLeft > 0; left -= 20) {
      await this.explore(pool, this.inputs.some(20, () => {
        const { job, outcome: { members } } = this.inputs.pick(chosen);
        const used = [];
        const steps = this.inputs.some(this.inputs.int(1, members.length === 1 ? 3 : 6), () => this.step(this.inputs.pick(members), used));
        return new Life({ ...target, members }, job.args, steps, 'random');
      }));
    }
  }

  arguments(target, kinds) {
    const args = target.parameters.map((parameter, i) => (parameter.rest ? undefined : this.inputs.argument(parameter, this.inputs.chance(0.9) ? kinds[i] : undefined)));
    const last = target.parameters.at(-1);
    if (last?.rest) {
      args.pop();
      const many = this.inputs.array(last.shape, 0);
      args.push(...many.slice(0, 6));
    }
    return this.related(args, target);
  }

  // Arguments that have something to do with each other: a part of the other, an element, its length.
  related(args, target) {
    const { inputs } = this;
    if (args.length < 2 || !inputs.chance(0.4)) return args;
    const i = inputs.int(0, args.length - 1);
    const j = inputs.int(0, args.length - 1);
    if (i === j || target.parameters[j]?.rest) return args;
    const [from, to] = [args[i], args[j]];
    if (typeof from === 'string' && typeof to === 'string' && from.length > 0) {
      const at = inputs.int(0, from.length - 1);
      args[j] = inputs.pick([from, from.slice(at, at + inputs.int(1, 3)), [...from].reverse().join(''), from.toUpperCase(), from.slice(0, at), [...from].sort().join(''), inputs.nearby(from)]);
    } else if (Array.isArray(from) && typeof to === 'number') {
      args[j] = inputs.pick([from.length, from.length - 1, 1, ...from.filter(one => typeof one === 'number'), ...from.flat().filter(one => typeof one === 'number').slice(0, 4), sum(from), sum(from) - 1]);
    } else if (Array.isArray(from) && Array.isArray(to)) {
      args[j] = inputs.pick([[...from], [...from].reverse(), from.slice(1), from.slice(0, -1), inputs.mutated(from, target.parameters[j]?.shape ?? { votes: {} }, [])]);
    } else if (Array.isArray(from) && typeof to === 'string' && typeof from[0] === 'string') {
      args[j] = inputs.pick(from);
    } else if (typeof from === 'number' && typeof to === 'number') {
      args[j] = inputs.pick([from, from + 1, from - 1, from * 2, tidy(from / 2)]);
    } else if (typeof from === 'string' && typeof to === 'number') {
      args[j] = inputs.pick([from.length, from.length - 1, 1, 0]);
    } else if (isPlain(from) && typeof to === 'string') {
      args[j] = inputs.pick([...Object.keys(from), to]);
    }
    return args;
  }

  // Which kinds of arguments go together, found by trying: those that give results.
  async signatures(target, pool) {
    let combinations = [[[], 1]];
    for (const parameter of target.parameters) {
      const kinds = parameter.rest ? [['rest', 1]] : this.inputs.kinds(parameter.shape);
      const best = kinds[0][1];
      combinations = combinations.flatMap(([list, weight]) => kinds.map(([kind, own]) => [[...list, kind], weight * (own / best)]));
      combinations = combinations.sort((a, b) => b[1] - a[1]).slice(0, 16);
    }
    if (combinations.length === 1) return combinations;
    const scored = [];
    for (const [kinds, weight] of combinations) {
      const jobs = [];
      for (let i = 0; i < SEARCH.trials; i += 1) {
        jobs.push(new Call(target, target.parameters.map((parameter, at) => (parameter.rest ? undefined : this.inputs.value(parameter.shape, kinds[at]))), 'trial'));
      }
      const entries = await this.explore(pool, jobs);
      if (entries.length === 0) {
        scored.push([kinds, weight * 0.3]);
        continue;
      }
      const results = new Set(entries.map(entry => entry.outcome.key)).size;
      const good = entries.reduce((total, entry) => total + goodness(entry), 0) / entries.length;
      const reach = new Set(entries.flatMap(entry => entry.sides)).size;
      scored.push([kinds, (good + 0.15 * (results / entries.length) + 0.02 * Math.min(reach, 10)) * (0.5 + 0.5 * weight)]);
    }
    const most = Math.max(...scored.map(([, score]) => score));
    return scored.filter(([, score]) => score >= most * 0.6).sort((a, b) => b[1] - a[1]).slice(0, 4).map(([kinds, score], i) => [kinds, score / (i + 1)]);
  }

  // One argument after the other through what its type is tried with first.
  firstInputs(target, signatures) {
    const jobs = [];
    for (const [kinds] of signatures.slice(0, 2)) {
      target.parameters.forEach((parameter, i) => {
        if (parameter.rest) return;
        for (const value of this.inputs.first(parameter.shape, kinds[i])) {
          const args = this.arguments(target, kinds);
          args[i] = value;
          jobs.push(new Call(target, args, 'first'));
        }
      });
    }
    return jobs;
  }

  mutatedJob(target, entry) {
    const { inputs } = this;
    const operands = entry.operands.filter(one => typeof one !== 'string' || one.length <= 40);
    if (entry.job instanceof Life) return this.mutatedLife(entry.job.target, entry.job, operands);
    const args = padded(entry.job.args, target.parameters.filter(parameter => !parameter.rest).length);
    if (args.length === 0) return entry.job;
    for (let i = inputs.chance(0.3) ? 2 : 1; i > 0; i -= 1) {
      const at = inputs.int(0, args.length - 1);
      const parameter = target.parameters[Math.min(at, target.parameters.length - 1)];
      const shape = parameter.rest ? parameter.shape.element ?? { votes: {} } : parameter.shape;
      args[at] = args[at] === undefined ? inputs.value(shape) : inputs.mutated(args[at], shape, operands);
    }
    return new Call(target, inputs.chance(0.15) ? this.related(args, target) : args, 'mutation');
  }

  async mutateInputs(target, pool, count) {
    for (let left = count; left > 0 && !this.budget.over() && this.stepsLeft > 0; left -= 20) {
      const parents = pool.found.filter(entry => entry.novelty > 0 && entry.outcome.status !== 'hang' && entry.outcome.status !== 'exit').slice(-80);
      if (parents.length === 0) return;
      const jobs = [];
      for (let i = 0; i < 20; i += 1) jobs.push(this.mutatedJob(target, this.inputs.pick(parents)));
      await this.explore(pool, jobs);
    }
  }

  // Which calls tell which mutants; for those that none tells, more calls near the ones that pass by.
  async tellMutants(target, pool) {
    const usable = pool.found.filter(entry => isKept(entry.outcome));
    const cost = entry => entry.outcome.steps;
    const seen = new Map();
    const ordered = [...usable].sort((a, b) => Number(b.novelty > 0) - Number(a.novelty > 0) || Number(a.noise) - Number(b.noise) || cost(a) - cost(b) || a.order - b.order);
    const candidates = [];
    for (const entry of ordered) {
      const times = seen.get(entry.classes) ?? 0;
      if (times < 2 || entry.novelty > 0) candidates.push(entry);
      seen.set(entry.classes, times + 1);
      if (candidates.length >= SEARCH.poolForMutants) break;
    }
    candidates.sort((a, b) => cost(a) - cost(b) || a.order - b.order);
    let steps = SEARCH.mutantSteps;
    const survivors = [];
    const { mutants } = this.plan;
    const share = mutants.length > 0 ? (steps * 2) / mutants.length : 0;
    for (const { id, point } of mutants) {
      if (this.budget.over() || steps <= 0) return;
      const passing = candidates.filter(entry => point === null || entry.points.includes(point) || this.onLoad.has(point));
      if (passing.length === 0) continue;
      let kills = 0;
      let own = share;
      const byJob = new Map(passing.map(entry => [entry.job, entry]));
      await this.runner.all([...byJob.keys()], id, job => byJob.get(job).outcome.steps * 4 + 3000, (job, outcome) => {
        steps -= outcome.steps;
        own -= outcome.steps;
        const entry = byJob.get(job);
        if (outcome.key !== entry.outcome.key && !(outcome.status === 'error' && entry.outcome.status === 'error' && outcome.name === entry.outcome.name && !outcome.intended)) {
          entry.kills.add(id);
          kills += 1;
        }
        return kills < SEARCH.killsWanted && steps > 0 && own > 0;
      });
      if (kills === 0) survivors.push({ id, point });
    }
    const tried = new Set(candidates);
    for (const { id, point } of survivors.slice(0, SEARCH.survivors)) {
      if (this.budget.over() || steps <= 0) return;
      const passing = ordered.filter(entry => point === null || entry.points.includes(point) || this.onLoad.has(point));
      let killed = false;
      const others = new Map(passing.filter(entry => !tried.has(entry)).map(entry => [entry.job, entry]));
      await this.runner.all([...others.keys()], id, job => others.get(job).outcome.steps * 4 + 3000, (job, outcome) => {
        steps -= outcome.steps;
        const entry = others.get(job);
        if (outcome.key === entry.outcome.key) return steps > 0;
        entry.kills.add(id);
        killed = true;
        return false;
      });
      for (let round = 0; round < 2 && !killed; round += 1) {
        const jobs = [];
        for (let i = 0; i < SEARCH.targeted / 2; i += 1) jobs.push(this.mutatedJob(target, this.inputs.pick(passing)));
        const entries = (await this.explore(pool, jobs)).filter(entry => isKept(entry.outcome));
        const byJob = new Map(entries.map(entry => [entry.job, entry]));
        await this.runner.all([...byJob.keys()], id, job => byJob.get(job).outcome.steps * 4 + 3000, (job, outcome) => {
          steps -= outcome.steps;
          const entry = byJob.get(job);
          if (outcome.key !== entry.outcome.key) {
            entry.kills.add(id);
            killed = true;
          }
          return !killed && steps > 0;
        });
      }
    }
  }

  // Runs the chosen calls again as the tests will: one module for all, in their order; and with other
  // random numbers at another time. What differs is left out.
  async confirmed(chosen) {
    this.second ??= new Runner(new Realm(this.plan, 77), this.budget);
    const { realm } = this.second;
    const same = new Set();
    const compare = (job, outcome) => {
      const entry = chosen.find(one => one.job === job);
      if (outcome.key === entry.outcome.key) same.add(entry);
    };
    const whole = this.budget.end;
    this.budget.end = Infinity;
    this.budget.hangs = 0;
    const jobs = chosen.map(entry => entry.job);
    let shared = null;
    realm.probe.limit = 5_000_000;
    realm.probe.m = 0;
    realm.probe.steps = 0;
    try {
      shared = realm.load();
    } catch {
      return [];
    }
    await this.second.all(jobs, 0, () => this.limit * 2, compare, shared);
    this.budget.end = whole;
    this.dropped += chosen.length - same.size;
    return chosen.filter(entry => same.has(entry));
  }

  async searchLives(target, pool) {
    const { inputs } = this;
    const members = target.members;
    const make = count => {
      const args = target.parameters.filter(parameter => !parameter.rest).map(parameter => {
        const value = inputs.argument(parameter);
        // Sizes and limits show what they do when they are small.
        return typeof value === 'number' && inputs.chance(0.5) ? inputs.int(0, 4) : value;
      });
      const used = [];
      return new Life(target, args, inputs.some(count, () => this.step(inputs.pick(members), used)), 'random');
    };
    await this.explore(pool, inputs.some(12, () => make(0)));
    if (members.length === 0) return;
    for (const member of members) await this.explore(pool, inputs.some(4, () => new Life(target, make(0).args, [this.step(member)], 'first')));
    for (let left = SEARCH.lives; left > 0 && !this.budget.over() && this.stepsLeft > 0; left -= 20) {
      await this.explore(pool, inputs.some(20, () => make(inputs.int(2, Math.min(10, members.length + 5)))));
    }
    await this.mutateInputs(target, pool, SEARCH.mutations / 2);
  }

  // A call of a method, often with what was used before: what was put in is what can be found.
  step(member, used = []) {
    const args = member.parameters.filter(parameter => !parameter.rest).map(parameter => {
      const value = this.inputs.argument(parameter);
      const known = used.filter(one => typeof one === typeof value);
      return known.length > 0 && this.inputs.chance(0.5) ? this.inputs.pick(known) : value;
    });
    used.push(...args);
    return { member, args };
  }

  mutatedLife(target, life, operands) {
    const { inputs } = this;
    const steps = [...life.steps];
    const args = padded(life.args, target.parameters.filter(parameter => !parameter.rest).length);
    const at = inputs.int(0, Math.max(0, steps.length - 1));
    const roll = inputs.int(0, 4);
    if (roll === 0 && args.length > 0) {
      const i = inputs.int(0, args.length - 1);
      args[i] = args[i] === undefined ? inputs.argument(target.parameters[i]) : inputs.mutated(args[i], target.parameters[i]?.shape ?? { votes: {} }, operands);
    } else if (roll === 1 && steps.length > 0) {
      const { member, args: own } = steps[at];
      steps[at] = { member, args: own.map((arg, i) => (arg === undefined ? arg : inputs.mutated(arg, member.parameters[i]?.shape ?? { votes: {} }, operands))) };
    } else if (roll === 2 && steps.length > 1) {
      steps.splice(at, 1);
    } else if (target.members.length > 0 && steps.length < 10) {
      steps.splice(inputs.int(0, steps.length), 0, inputs.chance(0.4) && steps.length > 0 ? steps[at] : this.step(inputs.pick(target.members)));
    }
    return new Life(target, args, steps, 'mutation');
  }
}

const sum = list => list.reduce((total, one) => (typeof one === 'number' ? total + one : total), 0);
const padded = (args, width) => (args.length >= width ? [...args] : [...args, ...Array(width - args.length).fill(undefined)]);

function goodness({ outcome, noise }) {
  if (outcome.status === 'error') return outcome.intended ? 0.4 : 0;
  if (outcome.status !== 'value' || outcome.opaque) return 0.1;
  if (outcome.text === 'undefined') return outcome.changed ? 0.8 : 0.3;
  return noise ? 0.15 : 1;
}

// What an example says about a parameter.
function learn(shape, value, weight) {
  const kind = value === null || value === undefined ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  if (kind === 'null') return;
  shape.votes[kind] = (shape.votes[kind] ?? 0) + weight;
  if (Array.isArray(value) && value.length > 0) {
    shape.element ??= { votes: {} };
    for (const one of value.slice(0, 5)) learn(shape.element, one, Math.ceil(weight / 3));
  } else if (kind === 'object' && shape.properties) {
    for (const key of Object.keys(value)) if (shape.properties[key]) learn(shape.properties[key], value[key], weight);
  }
}

// Explores what the plan (JSON) holds.
async function explore(text) {
  const plan = JSON.parse(text);
  const print = console.log.bind(console);
  const emit = record => print(`${plan.nonce} ${JSON.stringify(record)}`);
  await new Explorer(plan, emit).run();
}

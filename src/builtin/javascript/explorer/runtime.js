// Where the code under test runs: a realm (vm context) of its own, so that whatever it does to builtins,
// timers or globals stays there, and a probe that the instrumented code reports to.
const vm = require('vm');
const { types } = require('util');

// Numbers from a seed (mulberry32).
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

// Made inside of the realm, from its text: V8 does not inline functions across realms. What it keeps is of
// the explorer's realm, whose methods nobody patches.
function makeProbe(operators, { points, sides, distances, intended }) {
  const { names, replacements } = operators;
  // A look-up of a global is slow in a vm context.
  const { abs, clz32, floor, min } = Math;
  const { isArray } = Array;
  const PromiseOfRealm = Promise;
  const comparisons = names.indexOf('+');
  const STOP = { stop: true };
  const probe = {
    m: 0, p: undefined, steps: 0, limit: 0, stopped: false, recording: false, operands: [], intendedPrimitive: false,
    points, sides, distances, intended, STOP,
    stop() {
      probe.stopped = true;
      throw STOP;
    },
    // A statement, or the start of a function.
    l(point) {
      points[point] = 1;
      if ((probe.steps += 1) > probe.limit) probe.stop();
    },
    // A turn of a loop.
    s() {
      if ((probe.steps += 1) > probe.limit) probe.stop();
    },
    b(branch, id, constants, value) {
      sides[branch] |= value ? 1 : 2;
      if (id !== 0 && probe.m >= id && probe.m < id + constants) return probe.m !== id;
      return value;
    },
    A(branch, id, value) {
      sides[branch] |= value ? 1 : 2;
      let goOn = !!value;
      if (id !== 0 && probe.m >= id && probe.m < id + 3) goOn = probe.m === id ? !value : probe.m === id + 2;
      if (!goOn) probe.p = value;
      return goOn;
    },
    O(branch, id, value) {
      sides[branch] |= value ? 1 : 2;
      let goOn = !value;
      if (id !== 0 && probe.m >= id && probe.m < id + 3) goOn = probe.m === id ? !!value : probe.m === id + 2;
      if (!goOn) probe.p = value;
      return goOn;
    },
    N(branch, id, value) {
      const missing = value === null || value === undefined;
      sides[branch] |= missing ? 2 : 1;
      let goOn = missing;
      if (id !== 0 && probe.m >= id && probe.m < id + 3) goOn = probe.m === id ? !value : probe.m === id + 2;
      if (!goOn) probe.p = value;
      return goOn;
    },
    n(id, value) {
      return probe.m === id ? !!value : !value;
    },
    g(id, value) {
      return probe.m === id ? value : -value;
    },
    // A value that a function gives.
    r(id, value) {
      return probe.m === id ? other(value) : value;
    },
    // A value that is thrown on purpose.
    t(value) {
      if ((typeof value === 'object' && value !== null) || typeof value === 'function') intended.add(value);
      else probe.intendedPrimitive = true;
      return value;
    },
  };

  function note(site, a, b) {
    if (typeof a === 'number' && typeof b === 'number') {
      const far = abs(a - b);
      const bucket = far === 0 ? 0 : far < 1 ? 1 : min(14, 33 - clz32(far));
      distances[site] |= 1 << (a < b ? bucket + 16 : bucket);
    } else {
      distances[site] |= a === b ? 1 : 2;
    }
    if (a !== b && probe.operands.length < 60) probe.operands.push(a, b);
  }

  // A function an operator, so that V8 sees the types that each one gets.
  const texts = {
    left: 'a', right: 'b', '-right': '-b', 'floor/': 'floor(a / b)', '<-1': 'a < b - 1', '>+1': 'a > b + 1',
    'not in': '!(a in b)', 'not instanceof': '!(a instanceof b)',
  };
  const calculations = names.map(name => new Function('floor', `return (a, b) => ${texts[name] ?? `a ${name} b`};`)(floor));
  replacements.forEach((numbers, i) => {
    const record = i < comparisons ? 'if (probe.recording) note(id, a, b);' : '';
    const body = `return (id, a, b) => {
      ${record}
      if (id === 0 || probe.m < id || probe.m >= id + ${numbers.length}) return a ${names[i]} b;
      return others[probe.m - id](a, b);
    };`;
    probe[`o${i}`] = new Function('probe', 'note', 'others', body)(probe, note, numbers.map(number => calculations[number]));
  });

  function other(value) {
    if (typeof value === 'number') return value === value ? value + 1 : 0;
    if (typeof value === 'string') return `${value}x`;
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'bigint') return value + 1n;
    if (value === null) return undefined;
    if (isArray(value)) return value.length > 0 ? value.slice(0, -1) : [0];
    if (value instanceof PromiseOfRealm) return value.then(other);
    return null;
  }
  return probe;
}

// What a realm of the code under test starts with; runs inside of it.
function prepareRealm(outer, { clock, random, exit }) {
  const RealDate = Date;
  const real = { clock };
  // `Date` keeps its name and gives the virtual time.
  const VirtualDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [real.clock] : args, newTarget === VirtualDate ? target : newTarget),
    apply: () => new RealDate(real.clock).toString(),
    get: (target, key) => (key === 'now' ? () => real.clock : target[key]),
  });
  RealDate.prototype.constructor = VirtualDate;
  globalThis.Date = VirtualDate;
  Math.random = random;
  let timers = [];
  let serial = 0;
  const schedule = (callback, delay, args, every) => {
    serial += 1;
    const wait = Math.max(every ? 1 : 0, Number(delay) || 0);
    timers.push({ id: serial, at: real.clock + wait, callback, args, every: every ? wait : 0 });
    return serial;
  };
  const cancel = id => {
    timers = timers.filter(timer => timer.id !== id);
  };
  const define = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  define('setTimeout', (callback, delay, ...args) => schedule(callback, delay, args, false));
  define('setInterval', (callback, delay, ...args) => schedule(callback, delay, args, true));
  define('setImmediate', (callback, ...args) => schedule(callback, 0, args, false));
  define('clearTimeout', cancel);
  define('clearInterval', cancel);
  define('clearImmediate', cancel);
  const silent = () => {};
  const console = {};
  for (const name of ['log', 'error', 'warn', 'info', 'debug', 'trace', 'table', 'dir', 'group', 'groupEnd', 'groupCollapsed', 'time', 'timeEnd', 'timeLog', 'assert', 'count', 'countReset', 'clear']) console[name] = silent;
  define('console', console);
  const process = outer.process;
  define('process', process);
  for (const name of ['exit', 'reallyExit', 'abort', 'kill']) process[name] = exit;
  process.nextTick = (callback, ...args) => outer.queueMicrotask(() => callback(...args));
  define('global', globalThis);
  for (const name of Object.keys(outer.globals)) define(name, outer.globals[name]);
  const { kindOf } = outer;
  // Arguments are data of the explorer's realm; the code gets its own copy, of its own realm.
  const build = (value, special) => {
    if (typeof value !== 'object' || value === null) return value;
    const kind = kindOf(value);
    if (kind === 'array') {
      const copy = [];
      for (let i = 0; i < value.length; i += 1) copy[i] = build(value[i], special);
      return copy;
    }
    if (kind === 'special') return special(value);
    if (kind === 'date') return new RealDate(value.getTime());
    if (kind === 'regexp') return new RegExp(value.source, value.flags);
    if (kind === 'map') return new Map(build([...value], special));
    if (kind === 'set') return new Set(build([...value], special));
    const copy = {};
    for (const key in value) copy[key] = build(value[key], special);
    return copy;
  };
  return {
    build,
    forget() {
      timers = [];
      real.clock = clock;
    },
    elapsed: () => real.clock - clock,
    // Runs the timer that is due next; false when there is none.
    fire() {
      if (timers.length === 0) return false;
      let next = timers[0];
      for (const timer of timers) if (timer.at < next.at) next = timer;
      real.clock = Math.max(real.clock, next.at);
      if (next.every > 0) next.at += next.every;
      else cancel(next.id);
      if (typeof next.callback === 'function') next.callback(...next.args);
      return true;
    },
  };
}

// The modules that can do more than compute: what they would do has no place in a search.
const REFUSED_MODULES = new Set([
  'child_process', 'cluster', 'worker_threads', 'net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises', 'repl', 'inspector', 'vm', 'timers/promises',
]);
const GLOBALS = [
  'Buffer', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'AbortController', 'AbortSignal', 'Event', 'EventTarget',
  'structuredClone', 'queueMicrotask', 'performance', 'crypto', 'atob', 'btoa', 'Blob',
];

const NEAR_GLOBALS = (
  'Array BigInt Boolean Date Error Infinity JSON Map Math NaN Number Object Promise RangeError RegExp Set String Symbol TypeError ' +
  'WeakMap WeakSet clearTimeout console isFinite isNaN parseFloat parseInt setTimeout'
).split(' ');

const EXIT = { exit: true };
const STOPPED = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

// A realm with the instrumented source compiled in it.
class Realm {
  constructor(plan, seed) {
    const globals = {};
    for (const name of GLOBALS) if (name in globalThis) globals[name] = globalThis[name];
    this.context = vm.createContext();
    const random = { next: randomFrom(seed) };
    this.seed = seed;
    this.random = random;
    const process = Object.create(globalThis.process);
    const outer = { globals, kindOf: kindOfInput, queueMicrotask, process };
    for (const name of ['stdout', 'stderr']) {
      Object.defineProperty(process, name, { value: { write: () => true, isTTY: false, columns: 80, on() {}, once() {}, end() {} } });
    }
    Object.defineProperty(process, 'env', { value: { ...globalThis.process.env }, writable: true });
    Object.defineProperty(process, 'exitCode', { value: undefined, writable: true });
    const options = {
      // Some date, and another one where the seed is another.
      clock: 1_700_000_000_000 + seed * 86_461_357,
      random: () => random.next(),
      exit: () => {
        this.exited = true;
        throw EXIT;
      },
    };
    this.tools = this.evaluate(`(${prepareRealm})`)(outer, options);
    this.probe = this.evaluate(`(${makeProbe})`)(plan.operators, {
      points: new Uint8Array(plan.points.length), sides: new Uint8Array(plan.branches),
      distances: new Uint32Array(plan.mutants.length + 1), intended: new WeakSet(),
    });
    // The globals are given to the code as variables: a look-up of a global is slow in a vm context.
    this.factory = this.evaluate(
      `(({ ${NEAR_GLOBALS.join(', ')} }) => function (${plan.probe}, module, exports, require, __dirname, __filename) {${plan.instrumented}\n})(globalThis)`,
      'source.js',
    );
    this.guard = new vm.Script('$guarded()');
    this.context.$guarded = () => this.task();
    this.functions = new Map();
    this.exited = false;
  }

  evaluate(text, filename = 'explorer.js') {
    return vm.runInContext(text, this.context, { filename });
  }

  // Runs a task that may not end. Whether it did.
  guarded(milliseconds, task) {
    this.task = task;
    try {
      this.guard.runInContext(this.context, { timeout: milliseconds });
      return true;
    } catch (error) {
      if (error?.code === STOPPED) return false;
      throw error;
    }
  }

  require(name) {
    const bare = String(name).replace(/^node:/, '');
    if (bare === 'process') return this.context.process;
    return REFUSED_MODULES.has(bare) ? this.refused() : require(name);
  }

  // Can be loaded; a call that uses it counts like one that ends the process.
  refused() {
    const leave = () => {
      this.exited = true;
      throw EXIT;
    };
    return new Proxy(leave, { get: (target, key) => (typeof key === 'symbol' ? undefined : this.refused()), apply: leave, construct: leave });
  }

  // A new instance of the module: what it gives by name.
  load() {
    const { probe, tools } = this;
    this.random.next = randomFrom(this.seed);
    tools.forget();
    const module = this.evaluate('({exports: {}})');
    return this.factory.call(module.exports, probe, module, module.exports, name => this.require(name), '/work', '/work/test_code.js');
  }

  // A function or an object of the code under test that an input is made from.
  special(value, scope) {
    let make = this.functions.get(value.text);
    if (make === undefined) {
      make = this.evaluate(`(function ($scope) { with ($scope) { return (${value.text}); } })`);
      this.functions.set(value.text, make);
    }
    return make(scope);
  }
}

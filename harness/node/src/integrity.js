'use strict';
// Notices when the code under test lays hands on what decides verdicts. Jest itself
// lives in the outer realm, so most tricks never reach it (see prepare.js); what is
// left to watch are the names the user's file sees, Jest's table of matchers, and
// the outer realm's intrinsics, which a trespasser reaches through any of its functions.
//
// Not watched, on purpose: everything that honest tests spy on and forget to restore
// (console, Math.random, Date.now, fetch, process, fs, timers).
/* global $inner, $private, $outer */
const NAMES = [
  'expect', 'test', 'it', 'describe', 'fit', 'xit', 'xtest', 'fdescribe', 'xdescribe', 'beforeAll', 'beforeEach', 'afterAll', 'afterEach',
];
const MATCHERS = Symbol.for('$$jest-matchers-object');
const OUTER = [
  'Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet',
  'RegExp', 'Error', 'JSON', 'Reflect',
];
const POISON = ['asymmetricMatch', '$$typeof', 'toJSON'];
const ownKeys = Reflect.ownKeys;
const descriptorOf = Object.getOwnPropertyDescriptor;
const { is } = Object;

// Whether the tests mean Jest's function by a name. Code under test may well have a function `test` of its own:
// it is in the way only where tests are defined with it.
function usesJests(name, tests) {
  const head = `(?<![.\\w$])${name}\\s*`;
  if (name === 'expect') return new RegExp(`${head}[.(]`).test(tests);
  const variant = `${head}\\.\\s*(?:each|only|skip|todo|failing|concurrent)\\b`;
  const definition = `${head}\\(\\s*(["'\`])(?:\\\\[^]|(?!\\1)[^\\\\])*\\1\\s*,\\s*(?:async\\b|function\\b|\\(|[\\w$]+\\s*(?:=>|[,)]))`;
  return new RegExp(definition).test(tests) || new RegExp(variant).test(tests);
}

class Integrity {
  constructor(realm) {
    this.realm = realm;
    this.reasons = [];
    const objects = [];
    for (const name of OUTER) {
      const value = $outer[name];
      objects.push([name, value]);
      if (typeof value === 'function' && value.prototype) objects.push([`${name}.prototype`, value.prototype]);
    }
    objects.push(['the array iterator', Object.getPrototypeOf([][Symbol.iterator]())]);
    objects.push(['the map iterator', Object.getPrototypeOf(new Map()[Symbol.iterator]())]);
    objects.push(['the set iterator', Object.getPrototypeOf(new Set()[Symbol.iterator]())]);
    this.outer = objects.map(([name, object]) => {
      const keys = ownKeys(object);
      return { name, object, keys, values: keys.map(key => descriptorOf(object, key)) };
    });
    this.used = undefined;
    this.innerThen = ['then', 'catch', 'finally'].map(key => [key, $inner.Promise.prototype[key]]);
  }

  note(reason) {
    if (this.reasons.length < 10 && !this.reasons.includes(reason)) this.reasons.push(reason);
  }

  // Gives the user's realm Jest's globals such that an assignment is noticed and has no effect.
  install(globals) {
    this.globals = globals;
    for (const name of NAMES) {
      const value = globals[name];
      Object.defineProperty(this.realm.global, name, {
        configurable: false,
        enumerable: true,
        get: () => value,
        set: other => {
          if (other !== value) this.note(`the global \`${name}\` was replaced`);
        },
      });
    }
    const { expect } = globals;
    const pin = (object, what, key) => {
      const value = object[key];
      Object.defineProperty(object, key, {
        configurable: false,
        enumerable: true,
        get: () => value,
        set: other => {
          if (other !== value) this.note(`${what}${key} was replaced`);
        },
      });
    };
    // expect.extend puts its additions beside these.
    for (const key of Object.keys(expect)) pin(expect, 'expect.', key);
    for (const key of Object.keys(expect.not)) pin(expect.not, 'expect.not.', key);
    const { matchers } = $private[MATCHERS];
    for (const key of Object.keys(matchers)) pin(matchers, 'the matcher ', key);
    for (const name of NAMES) {
      for (const key of Object.keys(globals[name])) {
        if (name !== 'expect' && typeof globals[name][key] === 'function') Object.freeze(globals[name][key]);
      }
      if (name !== 'expect') Object.freeze(globals[name]);
    }
  }

  // Cheap enough to be done after each test.
  check() {
    for (const { name, object, keys, values } of this.outer) {
      const now = ownKeys(object);
      if (now.length !== keys.length) {
        this.note(`Jest's own ${name} was changed`);
        continue;
      }
      for (let i = 0; i < keys.length; i += 1) {
        const key = keys[i];
        if (key === 'stackTraceLimit') continue;
        const was = values[i];
        const is_ = descriptorOf(object, key);
        if (!is_ || !is(was.value, is_.value) || was.get !== is_.get || was.set !== is_.set) {
          this.note(`Jest's own ${name}.${String(key)} was changed`);
        }
      }
    }
    // A prototype that makes every value an asymmetric matcher makes everything equal.
    for (const name of ['Object', 'Array', 'Function', 'String', 'Number', 'Boolean', 'Date', 'Map', 'Set', 'Error']) {
      for (const key of POISON) {
        if (key === 'toJSON' && name === 'Date') continue;
        if (key === 'toJSON') continue;
        if (descriptorOf($inner[name].prototype, key)) this.note(`${name}.prototype.${key} was defined`);
      }
    }
    for (const [key, value] of this.innerThen) {
      if (descriptorOf($inner.Promise.prototype, key)?.value !== value) this.note(`Promise.prototype.${key} was replaced`);
    }
    for (const name of ['Error', 'String', 'Number', 'Function', 'Boolean', 'RegExp', 'Date', 'Map', 'Set', 'Array', 'Object']) {
      if (descriptorOf($inner[name], Symbol.hasInstance)) this.note(`${name}[Symbol.hasInstance] was defined`);
    }
  }

  // Does the file's own scope still mean Jest's functions, where the tests use them?
  checkScope(scope, tests) {
    if (!scope) return;
    this.used ??= ['expect', 'test', 'it', 'describe'].filter(name => usesJests(name, tests));
    for (const name of this.used) {
      let value;
      try {
        value = scope(name);
      } catch {
        // Declared by the file and never reached: its tests can't have used it either.
        continue;
      }
      if (typeof value === 'function' && value !== this.globals[name]) {
        this.note(`the code declares its own \`${name}\`, which hides Jest's`);
      }
    }
  }

  checkEnd(scope, tests) {
    this.check();
    this.checkScope(scope, tests);
    for (const tester of $private[MATCHERS].customEqualityTesters) {
      try {
        const context = { equals: (a, b) => is(a, b) };
        if ([[1, 2], ['a', 'b'], [{ a: 1 }, { a: 2 }], [[1], [2]]].every(([a, b]) => Reflect.apply(tester, context, [a, b, []]) === true)) {
          this.note('a custom equality tester takes everything for equal');
        }
      } catch {
        // It expects something else: an honest one.
      }
    }
  }
}

module.exports = { Integrity };

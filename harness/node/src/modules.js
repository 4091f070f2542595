'use strict';
// `require` and `jest` of the user's file: the parts of jest-runtime that a single file
// with Node's own modules needs. No packages are installed in a sandbox; files that
// the code itself wrote can be required.
/* global $inner, $private */
const fs = require('fs');
const path = require('path');
const vm = require('vm');
const { builtinModules, isBuiltin } = require('module');

const realRequire = require;
const { existsSync, statSync, readFileSync } = fs;
const EXTENSIONS = ['', '.js', '.json', '.ts', '.cjs', '.mjs', '/index.js', '/index.ts'];
// A debugger attached to its own process would see the harness from inside.
const REFUSED = new Set(['inspector', 'inspector/promises']);

const isBuiltinName = isBuiltin ?? (name => builtinModules.includes(name.replace(/^node:/, '')));
const bare = name => (name.startsWith('node:') && builtinModules.includes(name.slice(5)) ? name.slice(5) : name);

class Modules {
  constructor(realm, globals, compileFile) {
    this.realm = realm;
    this.globals = globals;
    this.compileFile = compileFile;
    this.factories = new Map();
    this.mocked = new Set();
    this.mockCache = new Map();
    this.cache = new Map();
    this.actual = new Map();
    this.onGenerate = [];
    this.automock = false;
    this.jest = this.makeJest();
  }

  notFound(name, from) {
    const error = new $inner.Error(`Cannot find module '${name}' from '${path.basename(from)}'`);
    error.code = 'MODULE_NOT_FOUND';
    return error;
  }

  resolve(name, from) {
    if (name.startsWith('.') || path.isAbsolute(name)) {
      const base = path.resolve(path.dirname(from), name);
      for (const extension of EXTENSIONS) {
        const file = base + extension;
        if (existsSync(file) && statSync(file).isFile()) return file;
      }
      return null;
    }
    return name === '@jest/globals' || isBuiltinName(name) ? bare(name) : null;
  }

  // What a mock is registered under; modules that don't exist can be mocked too ({virtual: true}).
  key(name, from) {
    return this.resolve(name, from) ?? (name.startsWith('.') ? path.resolve(path.dirname(from), name) : name);
  }

  require(name, from) {
    if (typeof name !== 'string') {
      const error = new $inner.TypeError(`The "id" argument must be of type string. Received ${name === null ? 'null' : typeof name}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    const key = this.key(name, from);
    if (this.factories.has(key) || this.mocked.has(key)) return this.requireMock(name, from);
    return this.requireActual(name, from);
  }

  requireActual(name, from) {
    const key = this.resolve(name, from);
    if (key === null) throw this.notFound(name, from);
    if (key === '@jest/globals') return { ...this.globals, jest: this.jest };
    if (path.isAbsolute(key)) return this.load(key);
    return this.builtin(key);
  }

  requireMock(name, from) {
    const key = this.key(name, from);
    if (this.mockCache.has(key)) return this.mockCache.get(key);
    const factory = this.factories.get(key);
    const made = factory ? factory() : this.generate(name, from);
    this.mockCache.set(key, made);
    return made;
  }

  generate(name, from) {
    const { moduleMocker } = this.realm;
    const key = this.key(name, from);
    const metadata = moduleMocker.getMetadata(this.requireActual(name, from));
    if (metadata === null) throw new $inner.Error(`Failed to get mock metadata: ${key}`);
    return this.onGenerate.reduce((mock, change) => change(key, mock), moduleMocker.generateFromMetadata(metadata));
  }

  builtin(name) {
    const { global } = this.realm;
    if (name === 'process') return global.process;
    if (name === 'console') return global.console;
    if (name === 'module') return this.moduleModule();
    if (REFUSED.has(name)) throw this.notFound(name, 'test_code.js');
    return realRequire(name);
  }

  moduleModule() {
    const modules = this;
    function Module() {}
    Module.Module = Module;
    Module.builtinModules = [...builtinModules];
    Module.isBuiltin = isBuiltinName;
    Module.createRequire = from => modules.requireFor(`${from}`.replace(/^file:\/\//, ''));
    return Module;
  }

  requireFor(from) {
    const require = name => this.require(name, from);
    require.resolve = name => {
      const key = this.resolve(name, from);
      if (key === null) throw this.notFound(name, from);
      return key;
    };
    require.cache = Object.create(null);
    require.extensions = Object.create(null);
    require.requireActual = name => this.requireActual(name, from);
    require.requireMock = name => this.requireMock(name, from);
    require.main = undefined;
    return require;
  }

  load(file) {
    const seen = this.cache.get(file);
    if (seen) return seen.exports;
    const module = { id: file, filename: file, path: path.dirname(file), exports: new $inner.Object(), loaded: false, children: [], paths: [] };
    this.cache.set(file, module);
    try {
      const text = readFileSync(file, 'utf8');
      if (file.endsWith('.json')) {
        module.exports = vm.runInContext('JSON.parse', this.realm.context)(text);
      } else {
        this.compileFile(file, text).call(module.exports, module, module.exports, this.requireFor(file), path.dirname(file), file, this.jest, () => {});
      }
    } catch (error) {
      this.cache.delete(file);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  makeJest() {
    const { realm } = this;
    const mocker = realm.moduleMocker;
    const { filename } = this.compileFile;
    let legacy = false;
    const timers = () => (legacy ? realm.fakeTimers : realm.fakeTimersModern);
    const modern = name => {
      if (legacy) throw new $inner.TypeError(`\`jest.${name}()\` is not available when using legacy fake timers.`);
      return realm.fakeTimersModern;
    };
    const chain = run => (...args) => {
      run(...args);
      return jest;
    };
    const setMock = (name, factory) => {
      const key = this.key(name, filename);
      this.mockCache.delete(key);
      this.mocked.add(key);
      if (factory === undefined) this.factories.delete(key);
      else this.factories.set(key, factory);
    };
    const mock = chain((name, factory, options) => {
      if (factory === undefined || !options?.virtual) {
        const key = this.resolve(name, filename);
        if (key === null) throw this.notFound(name, filename);
      }
      setMock(name, factory);
    });
    const unmock = chain(name => {
      const key = this.key(name, filename);
      this.mocked.delete(key);
      this.factories.delete(key);
      this.mockCache.delete(key);
    });
    const resetModules = chain(() => {
      this.cache.clear();
      this.mockCache.clear();
    });
    const isolate = () => {
      const saved = [this.cache, this.mockCache];
      this.cache = new Map();
      this.mockCache = new Map();
      return () => {
        [this.cache, this.mockCache] = saved;
      };
    };
    const generate = name => this.generate(name, filename);
    const setting = name => Symbol.for(name);
    const jest = {
      advanceTimersByTime: ms => timers().advanceTimersByTime(ms),
      advanceTimersByTimeAsync: async ms => { await modern('advanceTimersByTimeAsync').advanceTimersByTimeAsync(ms); },
      advanceTimersToNextFrame: () => modern('advanceTimersToNextFrame').advanceTimersToNextFrame(),
      advanceTimersToNextTimer: steps => timers().advanceTimersToNextTimer(steps),
      advanceTimersToNextTimerAsync: async steps => { await modern('advanceTimersToNextTimerAsync').advanceTimersToNextTimerAsync(steps); },
      autoMockOff: chain(() => {}),
      autoMockOn: chain(() => {}),
      clearAllMocks: chain(() => mocker.clearAllMocks()),
      clearAllTimers: () => timers().clearAllTimers(),
      createMockFromModule: generate,
      deepUnmock: unmock,
      disableAutomock: chain(() => {}),
      doMock: mock,
      dontMock: unmock,
      enableAutomock: chain(() => {}),
      fn: mocker.fn.bind(mocker),
      getRealSystemTime: () => modern('getRealSystemTime').getRealSystemTime(),
      getSeed: () => 0,
      getTimerCount: () => timers().getTimerCount(),
      isEnvironmentTornDown: () => false,
      isMockFunction: mocker.isMockFunction,
      isolateModules: chain(run => {
        const restore = isolate();
        try {
          run();
        } finally {
          restore();
        }
      }),
      isolateModulesAsync: async run => {
        const restore = isolate();
        try {
          await run();
        } finally {
          restore();
        }
      },
      mock,
      mocked: mocker.mocked.bind(mocker),
      now: () => timers().now(),
      onGenerateMock: chain(change => this.onGenerate.push(change)),
      replaceProperty: mocker.replaceProperty.bind(mocker),
      requireActual: name => this.requireActual(name, filename),
      requireMock: name => this.requireMock(name, filename),
      resetAllMocks: chain(() => mocker.resetAllMocks()),
      resetModules,
      restoreAllMocks: chain(() => mocker.restoreAllMocks()),
      retryTimes: chain((times, options) => {
        this.usesRetries = true;
        if (options?.entireDescribe) throw new $inner.Error('jest.retryTimes: entireDescribe is not supported here');
        $private[setting('RETRY_TIMES')] = times;
        $private[setting('LOG_ERRORS_BEFORE_RETRY')] = options?.logErrorsBeforeRetry;
        $private[setting('WAIT_BEFORE_RETRY')] = options?.waitBeforeRetry;
        $private[setting('RETRY_IMMEDIATELY')] = options?.retryImmediately;
      }),
      runAllImmediates: () => {
        if (!legacy) throw new $inner.TypeError('`jest.runAllImmediates()` is only available when using legacy fake timers.');
        realm.fakeTimers.runAllImmediates();
      },
      runAllTicks: () => timers().runAllTicks(),
      runAllTimers: () => timers().runAllTimers(),
      runAllTimersAsync: async () => { await modern('runAllTimersAsync').runAllTimersAsync(); },
      runOnlyPendingTimers: () => timers().runOnlyPendingTimers(),
      runOnlyPendingTimersAsync: async () => { await modern('runOnlyPendingTimersAsync').runOnlyPendingTimersAsync(); },
      setMock: chain((name, value) => setMock(name, () => value)),
      setSystemTime: now => modern('setSystemTime').setSystemTime(now),
      setTimeout: chain(ms => { $private[setting('TEST_TIMEOUT_SYMBOL')] = ms; }),
      setTimerTickMode: chain(mode => modern('setTimerTickMode').setTimerTickMode(mode)),
      spyOn: mocker.spyOn.bind(mocker),
      unmock,
      unstable_mockModule: mock,
      unstable_unmockModule: unmock,
      useFakeTimers: chain(config => {
        legacy = Boolean(config?.legacyFakeTimers);
        timers().useFakeTimers(config ?? {});
      }),
      useRealTimers: chain(() => timers().useRealTimers()),
    };
    return jest;
  }
}

module.exports = { Modules };

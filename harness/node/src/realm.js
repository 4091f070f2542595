'use strict';
// The realm (vm context) that the user's code runs in: what jest-environment-node
// makes, for one use, without its clean-up machinery.
/* global $inner, $outer */
const vm = require('vm');
const { ModuleMocker } = require('jest-mock');
const { ModernFakeTimers, LegacyFakeTimers } = require('@jest/fake-timers');

const CONSTRUCTORS = [
  'AggregateError', 'Array', 'ArrayBuffer', 'BigInt', 'Boolean', 'DataView', 'Date', 'Error', 'Float32Array',
  'Float64Array', 'Function', 'Int16Array', 'Int32Array', 'Int8Array', 'Map', 'Number', 'Object', 'Promise',
  'RangeError', 'RegExp', 'Set', 'String', 'Symbol', 'SyntaxError', 'TypeError', 'Uint16Array', 'Uint32Array',
  'Uint8Array', 'Uint8ClampedArray', 'WeakMap',
];

const NOT_COPIED = new Set(['GLOBAL', 'root', 'global', 'globalThis', 'process', 'console', 'Buffer', 'ArrayBuffer', 'Uint8Array']);
const HIDDEN_FROM_PROCESS = new Set([
  'mainModule', '_events', '_eventsCount', 'env', 'stdin', 'stdout', 'stderr', 'binding', '_linkedBinding', 'exit',
  'reallyExit', 'abort', 'getBuiltinModule', 'dlopen', '_debugProcess', '_debugEnd', '_startProfilerIdleNotifier',
  '_getActiveHandles', '_getActiveRequests',
]);

// A copy of `process`: listeners put on it stay on it, changes to it stay in the realm.
function makeProcess(global, output, getBuiltin) {
  const real = process;
  const copy = Object.create(Object.getPrototypeOf(real));
  for (const key of Reflect.ownKeys(real)) {
    if (HIDDEN_FROM_PROCESS.has(key)) continue;
    const descriptor = Object.getOwnPropertyDescriptor(real, key);
    if (descriptor.get) {
      const { get } = descriptor;
      descriptor.get = () => get.call(real);
      if (descriptor.set) descriptor.set = value => Object.defineProperty(copy, key, { value, writable: true, configurable: true, enumerable: true });
      descriptor.configurable = true;
    }
    Object.defineProperty(copy, key, descriptor);
  }
  const reallyExit = real.reallyExit.bind(real);
  const exit = code => {
    const status = code ?? copy.exitCode ?? 0;
    output.flush();
    reallyExit(Number.isInteger(Number(status)) ? Number(status) : 1);
  };
  const hidden = (key, value) => Object.defineProperty(copy, key, { value, writable: true, configurable: true, enumerable: true });
  hidden('exit', exit);
  hidden('reallyExit', exit);
  hidden('abort', () => real.abort());
  hidden('getBuiltinModule', getBuiltin);
  Object.defineProperty(copy, 'exitCode', { value: undefined, writable: true, configurable: true, enumerable: true });
  hidden('env', Object.assign(Object.create(global.Object.prototype), real.env));
  const lazy = (key, make) => {
    let stream;
    Object.defineProperty(copy, key, {
      configurable: true,
      enumerable: true,
      get: () => (stream ??= make()),
      set: value => {
        stream = value;
      },
    });
  };
  // The real fd 0 is the channel to the supervisor; to the user's code stdin is at its end.
  lazy('stdin', () => {
    const { Readable } = require('stream');
    const stdin = new Readable({ read() { this.push(null); } });
    stdin.fd = 0;
    stdin.isTTY = false;
    return stdin;
  });
  lazy('stdout', () => output.stream(1));
  lazy('stderr', () => output.stream(2));
  return copy;
}

function makeRealm(output, getBuiltin) {
  const context = vm.createContext(Object.create(Object.getPrototypeOf($outer)));
  const global = vm.runInContext('this', context);
  const own = new Set(Object.getOwnPropertyNames(global));
  for (const key of Object.getOwnPropertyNames($outer)) {
    if (NOT_COPIED.has(key) || own.has(key)) continue;
    const descriptor = Object.getOwnPropertyDescriptor($outer, key);
    if ('value' in descriptor) {
      Object.defineProperty(global, key, descriptor);
      continue;
    }
    // Many are lazy (fetch, WebAssembly helpers): read them when they are used.
    const set = value =>
      Object.defineProperty(global, key, { configurable: true, enumerable: descriptor.enumerable, value, writable: true });
    Object.defineProperty(global, key, {
      configurable: true,
      enumerable: descriptor.enumerable,
      get() {
        const value = $outer[key];
        set(value);
        return value;
      },
      set,
    });
  }
  Object.assign($inner, vm.runInContext(`({${CONSTRUCTORS.join(',')}})`, context));
  const define = (key, value) => Object.defineProperty(global, key, { value, writable: true, configurable: true, enumerable: false });
  define('global', global);
  // Node's own modules hand these out: one identity for both realms, as in Jest.
  define('Buffer', Buffer);
  define('ArrayBuffer', ArrayBuffer);
  define('Uint8Array', Uint8Array);
  $inner.ArrayBuffer = ArrayBuffer;
  $inner.Uint8Array = Uint8Array;
  define('console', output.console);
  define('process', makeProcess(global, output, getBuiltin));
  if (Symbol.asyncDispose && !global.Symbol.asyncDispose) {
    Object.defineProperty(global.Symbol, 'asyncDispose', { value: Symbol.asyncDispose });
    Object.defineProperty(global.Symbol, 'dispose', { value: Symbol.dispose });
  }
  global.Error.stackTraceLimit = 100;

  const moduleMocker = new ModuleMocker(global);
  const config = { fakeTimers: {}, rootDir: process.cwd() };
  let modern;
  let legacy;
  return {
    context,
    global,
    moduleMocker,
    get fakeTimersModern() {
      return (modern ??= new ModernFakeTimers({ config, global }));
    },
    get fakeTimers() {
      return (legacy ??= new LegacyFakeTimers({
        config,
        global,
        moduleMocker,
        timerConfig: {
          idToRef: id => ({ id, ref() { return this; }, unref() { return this; } }),
          refToId: timer => timer?.id,
        },
      }));
    },
  };
}

module.exports = { makeRealm };

(function ($require, $root, $find) {
'use strict';
// The head of dist/bundle.js: the module loader and what the rewritten parts of Jest refer to.
const $path = $require('path');
const $vm = $require('vm');
const $modules = Object.create(null);
const $loaded = Object.create(null);
const $outer = globalThis;
// Constructors of the realm of the user's code; src/realm.js fills it in.
const $inner = Object.create(null);
// What Jest's modules see as `globalThis`: they leave their state on it.
const $private = Object.create($outer);
const $nativeThen = Promise.prototype.then;
const $isPromise = $require('util').types.isPromise;
// `then` of a real promise, whatever the user's code made of Promise.prototype.
const $then = (promise, ...callbacks) =>
  $isPromise(promise) ? Reflect.apply($nativeThen, promise, callbacks) : promise.then(...callbacks);
const $define = (id, deps, body) => {
  $modules[id] = { deps, body };
};
const $load = id => {
  const seen = $loaded[id];
  if (seen) return seen.exports;
  let definition = $modules[id];
  const filename = $path.join($root, id);
  if (!definition) {
    if (!$find) {
      // Not met in training: take it from the disk, as it is.
      return $require(filename);
    }
    const { body, deps } = $find(id);
    const wrapper = new $vm.Script(
      `(function ($root, $load, $outer, $inner, $private, $then, globalThis, global) { return function (module, exports, require, __filename, __dirname) {${body}\n} })`,
      { filename },
    ).runInThisContext();
    definition = { deps, body: wrapper($root, $load, $outer, $inner, $private, $then, $private, $private) };
  }
  const module = { id, exports: {}, filename, loaded: false };
  $loaded[id] = module;
  const { deps, body } = definition;
  const require = spec => (spec in deps ? $load(deps[spec]) : $require(spec));
  require.resolve = spec => (spec in deps ? $path.join($root, deps[spec]) : $require.resolve(spec));
  body.call(module.exports, module, module.exports, require, filename, $path.dirname(filename));
  module.loaded = true;
  return module.exports;
};

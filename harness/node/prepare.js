'use strict';
// Run once after `npm ci`, with the node that will run the harness:
//
//   node prepare.js [--prune]
//
// It writes dist/{bundle.js,bundle.cache,swc.node}; afterwards the folder may be
// read-only. A run needs harness.js and dist/; --prune deletes the packages
// (90 MB become 32). What it does, and why:
//
// 1. Finds the modules that a training run really uses (Jest's packages bring
//    Babel and more, of which a one-file run needs nothing) and puts them and
//    src/ into one file. One file with a V8 code cache loads several times
//    faster than a hundred through `require`.
// 2. Rewrites a few expressions of Jest on the way (REWRITES below). In Jest
//    itself `expect` lives in the same realm (vm context) as the code under
//    test, so `Array.prototype.every = () => true` or `Object.is = () => true`
//    there changes verdicts. Here Jest lives in the outer realm, out of reach;
//    only where it compares constructors by identity (`instanceof Error`,
//    `expect.any(String)`) it must use those of the inner realm: `$inner`.
//    `globalThis` is a private object, so that Jest's state, which it keeps
//    there, can't be found from outside.
// 3. Trains once more from the bundle and stores the code cache, which then holds
//    the functions that were compiled on the way.
const fs = require('fs');
const os = require('os');
const path = require('path');
const vm = require('vm');
const { spawnSync } = require('child_process');
const { builtinModules, createRequire } = require('module');

const root = __dirname;
const dist = path.join(root, 'dist');
const bundleFile = path.join(dist, 'bundle.js');
const cacheFile = path.join(dist, 'bundle.cache');

// V8 rejects a code cache made with other flags: keep in step with how the host starts harness.js.
const FLAGS = fs
  .readFileSync(path.join(root, 'flags'), 'utf8')
  .split(/\s+/)
  .filter(Boolean);

const CONSTRUCTORS =
  'AggregateError|Array|ArrayBuffer|BigInt|Boolean|DataView|Date|Error|Function|Map|Number|Object|Promise|RangeError|RegExp|Set|String|Symbol|TypeError';
const REALM_OF_USER = [
  'expect',
  '@jest/expect',
  '@jest/expect-utils',
  '@jest/get-type',
  'jest-each',
  'jest-matcher-utils',
  'jest-snapshot',
  'pretty-format',
];

// [package, pattern, replacement, how often it must match (0: any)].
const REWRITES = [
  ['*', new RegExp(`\\binstanceof (${CONSTRUCTORS})\\b`, 'g'), 'instanceof $inner.$1', 0],
  ['*', new RegExp(`([!=]==) (${CONSTRUCTORS})\\b(?![.(])`, 'g'), '$1 $inner.$2', 0],
  ['*', /=== Object\.prototype\b(?!\.)/g, '=== $inner.Object.prototype', 0],
  ['*', /\bnew (Error|TypeError|RangeError)\(/g, 'new $inner.$1(', 0],
  ['jest-matcher-utils', /obj !== Object\.getPrototypeOf\(\{\}\)/, 'obj !== $inner.Object.prototype', 1],
  ['jest-matcher-utils', /const builtInObject = \[(.*?)\];/, 'const builtInObject = [$1].flatMap(c => [c, $inner[c.name] || c]);', 1],
  ['expect', /class JestAssertionError extends Error/, 'class JestAssertionError extends $inner.Error', 1],
  ['expect', /return actualWrapper\.then\(/g, 'return $then(actualWrapper, ', 2],
  ['jest-util', /class ErrorWithStack extends Error/, 'class ErrorWithStack extends $inner.Error', 1],
  ['jest-circus', /returnedValue\.then\(\(\) => resolve\(\), reject\)/, '$then(returnedValue, () => resolve(), reject)', 1],
  // The state machine's own entrance, which jestAdapterInit (not used: it brings Babel) reaches from inside.
  ['jest-circus', /\nexports\.it = void 0;/, '\nexports.it = void 0;\nexports.dispatch = event => _state.dispatch(event);', 1],
];

function rewrite(name, code) {
  for (const [pkg, pattern, replacement, times] of REWRITES) {
    if (pkg === '*' ? !REALM_OF_USER.includes(name) : pkg !== name) continue;
    let seen = 0;
    const out = code.replace(pattern, (...args) => {
      seen += 1;
      return args[0].replace(new RegExp(pattern.source), replacement);
    });
    if (pkg !== '*' && seen !== times) {
      throw new Error(`prepare: ${name}: ${pattern} matched ${seen} times instead of ${times}; was the version changed?`);
    }
    code = out;
  }
  return code;
}

const packageOf = file => {
  const rest = file.slice(file.lastIndexOf('node_modules/') + 'node_modules/'.length).split('/');
  return rest[0].startsWith('@') ? `${rest[0]}/${rest[1]}` : rest[0];
};

// Every id is a path below this folder.
function define(id) {
  const file = path.join(root, id);
  let code = fs.readFileSync(file, 'utf8');
  if (id.endsWith('.json')) return { body: `module.exports = ${code.trim()};`, deps: {} };
  const inPackage = id.startsWith('node_modules/');
  // Two entries of jest-circus exist; only index.js is rewritten.
  if (inPackage) code = rewrite(packageOf(id), code);
  const deps = {};
  const resolve = createRequire(file).resolve;
  for (const [, spec] of code.matchAll(/\brequire(?:\.resolve)?\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    const bare = spec.replace(/^node:/, '');
    if (spec.startsWith('node:') || builtinModules.includes(bare)) continue;
    try {
      deps[spec] = path.relative(root, resolve(spec));
    } catch {
      // Optional, or not installed because nobody needs it.
    }
  }
  return { body: code, deps };
}

function bundle(ids) {
  const parts = [fs.readFileSync(path.join(root, 'src', 'prelude.js'), 'utf8').trimEnd()];
  parts.push('(function (globalThis, global) {');
  for (const id of ids) {
    const { body, deps } = define(id);
    parts.push(
      `$define(${JSON.stringify(id)}, ${JSON.stringify(deps)}, function (module, exports, require, __filename, __dirname) {${body}\n});`,
    );
  }
  parts.push('})($private, $private);\nreturn $load;\n})\n');
  return parts.join('\n');
}

// The package's addon is a loader that unpacks the real one, 30 MB, into a cache of its user at
// every first use: 100 ms, and no place in a sandbox to put it. So it is unpacked here, once.
function unpackAddon() {
  const { platform, arch } = process;
  const abis = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[platform] ?? [''];
  const [packed] = abis
    .map(abi => path.join(root, 'node_modules', '@swc', `core-${platform}-${arch}${abi}`))
    .filter(folder => fs.existsSync(folder));
  if (!packed) throw new Error(`prepare: @swc/core has no addon for ${platform} ${arch}`);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'swc-'));
  const run = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', packed], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home },
  });
  if (run.status !== 0) throw new Error(`prepare: @swc/core does not load: ${run.stderr}`);
  const addons = folder =>
    fs.readdirSync(folder, { recursive: true }).filter(name => name.endsWith('.node')).map(name => path.join(folder, name));
  // A version that is not packed leaves nothing there.
  const [addon] = [...addons(home), ...addons(packed)];
  fs.copyFileSync(addon, path.join(dist, 'swc.node'));
  fs.chmodSync(path.join(dist, 'swc.node'), 0o644);
  fs.rmSync(home, { recursive: true, force: true });
}

function train(mode) {
  const run = spawnSync(process.execPath, [...FLAGS, __filename, mode], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    // HOME and TMPDIR too: @swc/core keeps a cache of its addon there, and other places may be out of reach.
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TMPDIR: process.env.TMPDIR,
      TZ: 'UTC',
      LANG: 'C.UTF-8',
    },
  });
  if (run.status !== 0) {
    throw new Error(`prepare: training (${mode}) ended with ${run.status ?? run.signal}\n${run.stdout}\n${run.stderr}`);
  }
  return run.stdout;
}

function sources() {
  return fs
    .readdirSync(path.join(root, 'src'))
    .filter(name => name.endsWith('.js') && name !== 'prelude.js' && name !== 'training.js')
    .sort()
    .map(name => `src/${name}`);
}

async function runTraining(file, define, cached) {
  const source = fs.readFileSync(file, 'utf8');
  const script = new vm.Script(source, { filename: file });
  const load = script.runInThisContext()(require, root, define);
  const { jobs, check } = require('./src/training.js');
  const { Harness } = load('src/main.js');
  const events = [];
  const harness = new Harness({ send: event => events.push(event), write() {} });
  for (const job of jobs) {
    events.length = 0;
    harness.renew();
    await harness.run(job);
    check(job, events);
  }
  if (cached) fs.writeFileSync(cacheFile, script.createCachedData());
  return load;
}

async function main() {
  const mode = process.argv[2];
  if (mode === '--find') {
    const found = [];
    await runTraining(bundleFile, id => {
      found.push(id);
      return define(id);
    });
    process.stdout.write(JSON.stringify(found));
    process.exit(0);
  }
  if (mode === '--cache') {
    await runTraining(bundleFile, undefined, true);
    process.exit(0);
  }
  fs.mkdirSync(dist, { recursive: true });
  unpackAddon();
  fs.rmSync(cacheFile, { force: true });
  fs.writeFileSync(bundleFile, bundle([]));
  const found = JSON.parse(train('--find'));
  const ids = [...new Set([...sources(), 'node_modules/jest-circus/package.json', ...found])].sort();
  fs.writeFileSync(bundleFile, bundle(ids));
  train('--cache');
  const size = file => `${(fs.statSync(file).size / 1024).toFixed(0)} KiB`;
  if (mode === '--prune') {
    fs.rmSync(path.join(root, 'node_modules'), { recursive: true, force: true });
  }
  console.log(`${ids.length} modules, bundle ${size(bundleFile)}, code cache ${size(cacheFile)}`);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});

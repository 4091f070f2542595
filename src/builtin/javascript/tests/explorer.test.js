'use strict';
// The explorer against plans that the reader made: golden.json, which a test in tests.rs keeps up to date.
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const vm = require('node:vm');

const root = path.join(__dirname, '..');
const files = [...readFileSync(path.join(root, 'mod.rs'), 'utf8').matchAll(/include_str!\("(explorer\/\w+\.js)"\)/g)].map(([, file]) => file);
const text = files.map(file => readFileSync(path.join(root, file), 'utf8')).join('');
const golden = JSON.parse(readFileSync(path.join(__dirname, 'golden.json'), 'utf8'));

// The explorer's definitions in a scope of their own; what it prints goes to `lines`.
function loaded(lines) {
  const print = { log: line => lines.push(line) };
  const wrapper = vm.runInThisContext(`(function (require, console) {${text}\nreturn { explore, write, quote, readData, classOf };\n})`);
  return wrapper(require, print);
}

async function explored(name, changes = {}) {
  const { source, additions } = golden.find(one => one.name === name);
  const lines = [];
  const plan = { nonce: 'n0', source, seed: 1, budget_ms: 8000, skip: [], max_rows: 40, ...additions, ...changes };
  await loaded(lines).explore(JSON.stringify(plan));
  const records = lines.map(line => {
    assert.ok(line.startsWith('n0 '), line);
    return JSON.parse(line.slice(3));
  });
  const blocks = records.filter(record => record.kind === 'test').map(record => record.test);
  const suite = blocks.map(block => block.before + block.rows.map(row => row.text).join('') + block.after).join('');
  return { records, blocks, suite, source };
}

// Runs the source as it is or instrumented, and gives what `observe` reports.
function observed(name, kind) {
  const { source, additions } = golden.find(one => one.name === name);
  const seen = [];
  const observe = value => seen.push(value);
  if (kind === 'plain') {
    vm.runInThisContext(`(function (observe) {${source}\n})`)(observe);
    return seen;
  }
  const { prepareProbe } = { prepareProbe: vm.runInThisContext(`(function (require, console) {${text}\nreturn makeProbe;\n})`)(require, console) };
  const probe = prepareProbe(additions.operators, {
    points: new Uint8Array(additions.points.length), sides: new Uint8Array(additions.branches),
    distances: new Uint32Array(additions.mutants.length + 1), intended: new WeakSet(),
  });
  probe.limit = Infinity;
  vm.runInThisContext(`(function (observe, ${additions.probe}) {${additions.instrumented}\n})`)(observe, probe);
  return seen;
}

test('an instrumented source means what the source means', async () => {
  const plain = await Promise.all(observed('tricky', 'plain'));
  const instrumented = await Promise.all(observed('tricky', 'instrumented'));
  assert.ok(plain.length > 30);
  assert.deepEqual(instrumented, plain);
});

test('a function gets a table of its results', async () => {
  const { records, suite, blocks } = await explored('clamp');
  assert.match(suite, /describe\('clamp'/);
  assert.match(suite, /it\.each\(\[/);
  assert.ok(blocks.flatMap(block => block.rows).length > 10);
  const summary = records.at(-1);
  assert.equal(summary.kind, 'summary');
  assert.equal(summary.branches.covered, summary.branches.total);
});

test('what the code throws on purpose is asserted with its message', async () => {
  const { blocks } = await explored('clamp');
  const thrown = blocks.find(block => block.section === 'error');
  assert.match(thrown.before + thrown.rows.map(row => row.text).join(''), /RangeError/);
});

test('a search gives the same twice', async () => {
  assert.equal((await explored('clamp')).suite, (await explored('clamp')).suite);
});

test('a class gets tests of the lives of its objects', async () => {
  const { suite } = await explored('stack');
  assert.match(suite, /const stack = new Stack\(/);
  assert.match(suite, /expect\(stack\.pop\(\)\)\.toBe\(/);
  assert.match(suite, /toThrow\(new Error\('empty'\)\)/);
});

test('a promise is awaited', async () => {
  const { suite } = await explored('asynchronous');
  assert.match(suite, /await expect\(double\(n\)\)\.resolves\.toBe\(expected\);/);
});

test('a function without end, an exit and patched builtins leave the rest a suite', async () => {
  const { records, blocks } = await explored('hostile');
  assert.deepEqual([...new Set(blocks.map(block => block.target))].sort(), ['leave', 'patch', 'sane']);
  const { skipped } = records.at(-1);
  assert.ok(skipped.some(text => text.startsWith('spin')), String(skipped));
});

test('what depends on chance is left out', async () => {
  const { blocks } = await explored('hostile');
  assert.ok(!blocks.some(block => block.target === 'chance'));
});

test('a target to skip is not run', async () => {
  const { records } = await explored('hostile', { skip: ['spin'] });
  assert.ok(!records.some(record => record.kind === 'entering' && record.target === 'spin'));
});

test('a source that ends the process is broken', async () => {
  const { records } = await explored('leaving');
  assert.equal(records.at(-1).kind, 'broken');
});

test('every row has an id of its own', async () => {
  for (const { name } of golden) {
    const { blocks } = await explored(name);
    const ids = blocks.flatMap(block => (block.rows.length > 0 ? block.rows.map(row => row.test_id) : [block.test_id]));
    assert.equal(new Set(ids).size, ids.length, name);
  }
});

test('values are written as source that gives them back', () => {
  const { write } = loaded([]);
  const values = ["it's", 'a\nb\\', '\u0000\u2028', 'café 😀', -0, NaN, 1e21, [1, [undefined]], { 'a-b': 1, c: { d: null } }, new Map([[1, 'x']]), new Set([1]), new Date(0), /a\/b/g, 10n];
  for (const value of values) {
    const { text: written, opaque } = write(value);
    assert.ok(!opaque, written);
    assert.deepEqual(vm.runInThisContext(`(${written})`), value);
  }
});

test('what has no text is told apart', () => {
  const { write } = loaded([]);
  const circle = [];
  circle.push(circle);
  for (const value of [() => 1, Symbol('s'), circle, new Proxy({}, {}), 'x'.repeat(5000).split('')]) assert.ok(write(value).opaque);
});

test('data in comments is read without being run', () => {
  const { readData } = loaded([]);
  assert.deepEqual(readData("[1, -2.5, 'a', {b: [true, null]}]"), [1, -2.5, 'a', { b: [true, null] }]);
  for (const one of ['[process]', 'f()', '[1', '{a: x}']) assert.equal(readData(one), undefined);
});

'use strict';
// What prepare.js runs so that the bundle has all the modules a job needs, and its
// code cache the functions.
const assert = require('assert');

const plain = {
  language: 'javascript',
  source: `
function add(a, b) { return a + b; }
class Stack { constructor() { this.items = []; } push(x) { this.items.push(x); } pop() { if (!this.items.length) throw new Error('empty'); return this.items.pop(); } }
async function later(x) { await null; if (x < 0) throw new RangeError('negative'); return x * 2; }
module.exports = { add };`,
  tests: `
describe('add', () => {
  test.each([[1, 2, 3], [0, 0, 0]])('%d + %d = %d', (a, b, sum) => { expect(add(a, b)).toBe(sum); });
  test.each\`
  a | b | sum
  \${1}|\${1}|\${2}\`('$a + $b', ({ a, b, sum }) => { expect(add(a, b)).toEqual(sum); });
  it.skip('skipped', () => {});
  it.todo('later');
});
describe('Stack', () => {
  let stack;
  beforeEach(() => { stack = new Stack(); });
  afterEach(() => { jest.restoreAllMocks(); });
  it('pops', () => { stack.push({ a: [1] }); expect(stack.pop()).toEqual({ a: [1] }); expect(stack.items).toHaveLength(0); expect(stack).toMatchObject({ items: [] }); });
  it('throws', () => { expect(() => stack.pop()).toThrow('empty'); expect(() => stack.pop()).toThrow(Error); });
  it('mocks', () => { const f = jest.fn(x => x).mockReturnValueOnce(3); f(1); expect(f).toHaveBeenCalledWith(1); expect(f).toHaveBeenCalledTimes(1); jest.spyOn(Math, 'random').mockReturnValue(0.5); expect(Math.random()).toBeCloseTo(0.5); });
  it('is async', async () => { await expect(later(2)).resolves.toBe(4); await expect(later(-1)).rejects.toThrow(RangeError); });
  it('matches', () => { expect({ a: 'x', b: 1 }).toStrictEqual({ a: expect.any(String), b: expect.anything() }); expect([1, 2]).toContain(2); expect('abc').toMatch(/b/); expect(null).toBeNull(); expect(1).toBeGreaterThan(0); expect(undefined).toBeUndefined(); expect(1).toBeTruthy(); expect(new Map([[1, 2]])).toEqual(new Map([[1, 2]])); expect({a:{b:1}}).toHaveProperty('a.b', 1); expect('x').not.toBe('y'); });
});
`,
};

const failing = {
  language: 'javascript',
  source: plain.source,
  tests: `
test('toBe', () => { expect(add(1, 2)).toBe(4); });
test('strings', () => { expect('one two').toBe('one three'); });
test('equal', () => { expect({ a: 1, b: [1, 2, { c: 3 }] }).toEqual({ a: 1, b: [1, 2, { c: 4 }] }); });
test('throws', () => { expect(() => add()).toThrow('x'); });
test('thrown', () => { expect(() => { throw new TypeError('a'); }).toThrow('b'); });
test('called', () => { const f = jest.fn(); f(1); expect(f).toHaveBeenCalledWith(2); });
test('raises', () => { null.x; });
test('rejects', async () => { await expect(Promise.resolve(1)).rejects.toThrow(); });
test('length', () => { expect([1]).toHaveLength(2); });
test('assertions', () => { expect.assertions(1); });
test('inline', () => { expect(1).toMatchInlineSnapshot('2'); });
test('match object', () => { expect({ a: 1 }).toMatchObject({ a: 2 }); });
test('timers', () => { jest.useFakeTimers(); const f = jest.fn(); setTimeout(f, 10); jest.advanceTimersByTime(10); expect(f).toHaveBeenCalledTimes(1); jest.useRealTimers(); });
`,
};

const module_ = {
  language: 'javascript',
  source: `import path from 'node:path';\nexport default class A { x = 1; }\nexport const join = (...p) => path.join(...p);`,
  tests: `import { jest as j } from '@jest/globals';\ntest('esm', () => { expect(new A().x).toBe(1); expect(join('a', 'b')).toBe('a/b'); });\ntest('fails', () => {\n  expect(1).toBe(2);\n});`,
};

const typed = {
  language: 'typescript',
  source: `enum Color { Red = 1 }\nexport class Box<T> { constructor(private readonly value: T) {} get(): T { return this.value; } }\nnamespace N { export const z: number = 3; }`,
  tests: `describe('Box', () => { it('holds', () => { const b = new Box<number>(Color.Red); expect(b.get() as number).toBe(1); expect(N.z).toBe(3); });\n it('fails', () => { expect(1 as number).toBe(2); }); });`,
};

const broken = { language: 'javascript', source: 'const x = ;', tests: '' };

const jobs = [plain, plain, failing, module_, typed, broken];

function check(job, events) {
  assert.deepStrictEqual(events.at(-1), { kind: 'done' }, JSON.stringify(events));
  const statuses = events.filter(e => e.kind === 'finished').map(e => e.status);
  const count = status => statuses.filter(one => one === status).length;
  const say = JSON.stringify(events, null, 1);
  if (job === plain) assert.deepStrictEqual([count('passed'), count('skipped'), statuses.length], [8, 2, 10], say);
  if (job === failing) assert.deepStrictEqual([count('failed'), count('passed')], [12, 1], say);
  if (job === module_ || job === typed) assert.deepStrictEqual([count('passed'), count('failed')], [1, 1], say);
  if (job === broken) assert.strictEqual(events[0].kind, 'broken', say);
}

module.exports = { jobs, check };

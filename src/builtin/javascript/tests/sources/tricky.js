"use strict"
// Reports through `observe` what instrumentation could change.
function f(a, b) {
  let x = a
  ;[a, b] = [b, a]
  x = a && b
  const y = `n${a + b}`
  outer: for (let i = 0; i < 3; i++) {
    for (const j of [1, 2]) { if (j == 2) continue outer; x += i * j }
  }
  do x++; while (x < 3)
  if (a) return { x, y }
  else if (b) { return [x] } else throw "neither"
}
const named = function () {}, arrow = () => ({}), or = null || function () {}
const object = { m(a) { return this.z + a }, z: 3, get q() { return 1 }, 'a-b': 2, [`c${1 + 1}`]: 4, 5: 6 }
class Base { static x = 1; static { Base.y = Base.x + 1 } constructor(a = 1 + 1) { this.a = a } who() { return 'base' } }
class Derived extends Base {
  #p = 3
  field = this.#p + 1
  constructor(a) { if (a > 1) super(a); else super() }
  has(o) { return #p in o }
  who() { return super.who() + '!' }
  count() { this.#p++; this.#p += 2; return -this.#p }
  ['comp' + 1]() { return 2 }
}
function kinds(kind, n) { switch (kind) { case 'a': return n + 1; case 'b': n *= 2; default: return n; case 'c': { let t = n; return t - 1 } } }
function tag(s, ...v) { return s.raw.join('|') + v.join(',') }
function* counted(n) { for (let i = 0; i < n; i++) { const got = yield i + (yield -i); if (got) return got } }
async function later(x) { for await (const v of [x, 1]) { if (v === 1) return v + await x } return await x || await 7 }
function optional(o) { return [o?.a?.b ?? 'none', o?.['a'], o?.f?.(1 + 1), delete o?.a, typeof missing === 'undefined' && !('a' in o), void 0] }
function defaults({ a = 1 + 1, b: { c = a * 2 } = {} } = {}, [d = 3 - 1, ...rest] = [], ...more) { return [a, c, d, rest, more] }
function order(log) { const at = n => { log.push(n); return n }; const r = at(1) + at(2) * at(3) - at(4) ** at(2); const list = [0, 0]; let i = 0; list[i++] += at(5); list[i] += i++; return [r, log, list, i] }
function strict() { return this === undefined }
function args() { return arguments.length > 1 && arguments[0] + arguments[1] }
function guarded(n) { try { if (n > 1) throw new TypeError('big'); return 'small' } catch ({ message }) { return message } finally { n-- } }
function labels() { a: { if (1 < 2) break a; return 'never' } let n = 0; b: while (true) { while (true) { if (n++ > 3) break b; else continue b } } return n }
function bits(a, b) { return [a & b, a | b, a ^ b, a << b, a >> b, a >>> b, ~a, a % b, a ** b, a / b] }
function sequence(i, j) { for (i = 0, j = 5; i++, j--, j > 2;) { } return i, j }
function empty() { for (const _ of []) ; if (0); else ; return }
const comma = (a, b) => (a++, b--, a - b)
const curried = a => b => c => a + b + c
const instance = (a) => a instanceof Array || a instanceof Object && !(a instanceof Map)
const big = n => BigInt(n) ** 2n - 1n
const long = (a, b) => a // the first
  && b /* the second */ || 'neither'
const chain = list => list.filter(x => x > 1).map(x => x * 2).sort((a, b) => b - a).slice(0, 2)
  .join('-')
observe(f(1, 2)); observe(f(0, 1))
try { f(0, 0) } catch (error) { observe(error) }
observe([named.name, arrow.name, or.name, object.m.name, Derived.name, curried.name])
observe([object.m(1), object.q, object['a-b'], object.c2, object[5]])
observe([Base.y, new Base().a, new Derived(5).a, new Derived(0).a, new Derived(1).field])
observe([new Derived(2).has(new Derived(2)), new Derived(2).has({}), new Derived(2).who(), new Derived(2).count(), new Derived(2).comp1()])
observe(['a', 'b', 'c', 'd'].map(kind => kinds(kind, 5)))
observe(tag`a${1 + 1}b\n${'x' + 'y'}`)
const iterator = counted(3)
observe([iterator.next().value, iterator.next(4).value, iterator.next(0).value, [...counted(2)]])
observe(later(1)); observe(later(0)); observe(later(Promise.resolve(0)))
observe(optional({ a: { b: 1 }, f: x => x + 1 })); observe(optional({}))
observe(defaults()); observe(defaults({ a: 5, b: {} }, [undefined, 2, 3], 4, 5))
observe(order([])); observe(strict()); observe(args(1, 2)); observe(args(1))
observe([guarded(1), guarded(2)]); observe(labels()); observe(bits(13, 3)); observe(sequence()); observe(empty())
observe(comma(1, 2)); observe(curried(1)(2)(3)); observe([instance([]), instance({}), instance(new Map()), instance(1)])
observe(big(3)); observe([long(0, 1), long(1, 1), long(1, 0)]); observe(chain([3, 1, 2, 5]))
observe([null ?? 1, 0 ?? 1, 0 || 1, 1 && 0, '' && 1, !1, !!'a', -'3', +'4', 1 - -1])
observe([0.1 + 0.2, 1e3, 0x1f, 1_000, .5, 5..toString(), 0b11, -0])
observe(((a, b = a + 1, c = b > a ? 'more' : 'less') => [a, b, c])(1))
observe([1, 2, 3].reduce((sum, one) => sum + one, 0)); observe('abc'.split('').reverse().join(''))
observe((function () { 'use strict'; return typeof this })()); observe((() => { return { a: 1, b: [2] } })())
observe(eval('1 + 1')); observe(new (class { constructor() { return { made: true } } })())
observe([..."ab"].map((c, i) => c + i)); observe(`${1 > 0 ? `${2 - 1}` : 'no'}`)
var hoisted = hoist(); function hoist() { return 'hoisted' }
observe(hoisted)
observe([NaN === NaN, NaN != NaN, null == undefined, null === undefined, '2' > '12', 2 > '12', [] + [], [] + {}])

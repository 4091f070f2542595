// Which calls are kept: those that reach what no other does, that tell a mutant from the code as it is,
// and then some of every class of input and result.

const bucket = size => (size < 4 ? size : size < 8 ? 4 : size < 20 ? 5 : 6);

// What kind of an input or a result a value is.
function classOf(value, depth = 0) {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return String(value);
    const size = Math.abs(value);
    const scale = size === 0 ? '0' : size < 1 ? 'f' : size < 2 ? '1' : size < 10 ? 's' : size < 100 ? 'm' : 'l';
    return `${value < 0 || Object.is(value, -0) ? '-' : ''}${scale}${Number.isInteger(value) ? (size % 2 ? 'o' : 'e') : '.'}`;
  }
  if (typeof value === 'string') {
    const has = pattern => (pattern.test(value) ? 1 : 0);
    const twice = new Set(value).size < value.length ? 1 : 0;
    const same = value.length > 1 && value === [...value].reverse().join('') ? 1 : 0;
    return `"${bucket(value.length)}${has(/[a-z]/)}${has(/[A-Z]/)}${has(/\d/)}${has(/\s/)}${has(/[^\w\s]/)}${twice}${same}`;
  }
  if (Array.isArray(value)) {
    if (depth > 1) return `[${bucket(value.length)}]`;
    const numbers = value.every(one => typeof one === 'number');
    const flags = numbers && value.length > 1
      ? [value.every((one, i) => i === 0 || value[i - 1] <= one), value.every((one, i) => i === 0 || value[i - 1] >= one), new Set(value).size < value.length, value.some(one => one < 0), value.some(one => !Number.isInteger(one))].map(Number).join('')
      : value.length > 0 ? classOf(value[0], depth + 1) : '';
    return `[${bucket(value.length)}${flags}]`;
  }
  if (value instanceof Special) return value.text.slice(0, 24);
  if (value === null || typeof value !== 'object') return String(value);
  if (types.isMap(value) || types.isSet(value)) return `(${bucket(value.size)})`;
  if (types.isDate(value)) return 'date';
  const keys = Object.keys(value);
  return depth > 1 ? '{}' : `{${bucket(keys.length)}${unique(keys.map(key => classOf(value[key], depth + 1))).sort().slice(0, 4).join()}}`;
}

const sorted = list => [...list].sort().join('\u0000');

// How two arguments stand to each other: much of what code does depends on it.
function relation(a, b) {
  const isList = value => typeof value === 'string' || Array.isArray(value);
  if (typeof a === 'number' && typeof b === 'number') return a === b ? '=' : a < b ? '<' : '>';
  if (isList(a) && isList(b) && typeof a === typeof b) {
    const [left, right] = [sorted(a), sorted(b)];
    if (left === right) return String(a) === String(b) ? '=' : '~';
    if (sorted(new Set(a)) === sorted(new Set(b))) return 'u';
    if (typeof a === 'string') return a.includes(b) ? '⊃' : b.includes(a) ? '⊂' : '';
    return a.length === b.length ? 'l' : '';
  }
  if (isList(a) && typeof b === 'number') {
    const holds = Array.isArray(a) && a.includes(b) ? '∋' : '';
    return `${holds}${b < 0 ? '-' : b < a.length ? '<' : b === a.length ? '=' : '>'}`;
  }
  if (Array.isArray(a) && typeof b === 'string') return a.includes(b) ? '∋' : '';
  return isList(b) && typeof a === 'number' ? relation(b, a) : '';
}

function classOfJob(job) {
  if (job instanceof Life) return job.steps.map(step => step.member.name).join();
  const relations = job.args.slice(1, 4).map((arg, i) => relation(job.args[i], arg));
  return `${job.args.map(arg => classOf(arg)).join(' ')} ${relations.join()}`;
}

// A coarser class: how arguments stand to each other, and what comes of it.
const kindOfCase = (job, outcome) => (job instanceof Life ? '' : `${job.args.slice(1, 4).map((arg, i) => relation(job.args[i], arg)).join()} ${classOfOutcome(outcome)}`);

const classOfOutcome = outcome => (outcome.status === 'value' ? classOf(outcome.value) : `${outcome.status} ${outcome.name ?? ''}`);

// A result nobody would want: mostly that of an input of a wrong type.
const isNoise = outcome => outcome.status === 'value' && /\bNaN\b|\bundefined\b|\[object |Infinity/.test(outcome.text);

// The calls of one target that were run, what they reached, and which mutants they tell.
class Pool {
  constructor() {
    this.found = [];
    this.byText = new Map();
    this.points = new Set();
    this.sides = new Set();
    this.near = new Set();
    this.results = new Set();
  }

  has(job) {
    return this.byText.has(job.text);
  }

  forget(entries) {
    for (const entry of entries) this.byText.delete(entry.job.text);
    const gone = new Set(entries);
    this.found = this.found.filter(entry => !gone.has(entry));
  }

  // Takes a call with its outcome; its novelty, 0 for none.
  add(job, outcome, probe) {
    const entry = {
      job, outcome, points: [], sides: [], operands: probe.operands, kills: new Set(), novelty: 0, order: this.found.length,
      classes: `${classOfJob(job)} → ${classOfOutcome(outcome)}`, relations: kindOfCase(job, outcome), noise: isNoise(outcome), length: job.text.length + outcome.text.length,
    };
    for (let i = 0; i < probe.points.length; i += 1) if (probe.points[i]) entry.points.push(i);
    for (let i = 0; i < probe.sides.length; i += 1) {
      if (probe.sides[i] & 1) entry.sides.push(i * 2);
      if (probe.sides[i] & 2) entry.sides.push(i * 2 + 1);
    }
    this.byText.set(job.text, entry);
    this.found.push(entry);
    const isNew = (set, key) => {
      const before = set.size;
      set.add(key);
      return set.size > before;
    };
    for (const point of entry.points) if (isNew(this.points, point)) entry.novelty += 8;
    for (const side of entry.sides) if (isNew(this.sides, side)) entry.novelty += 8;
    for (let i = 0; i < probe.distances.length; i += 1) {
      if (probe.distances[i] !== 0 && isNew(this.near, i * 4294967296 + probe.distances[i])) entry.novelty += 1;
    }
    if (this.results.size < 200 && isNew(this.results, outcome.key)) entry.novelty += 2;
    return entry;
  }
}

const isKept = outcome => (outcome.status === 'value' && !outcome.opaque && !(outcome.after?.some(one => one?.opaque)) || outcome.status === 'error' || outcome.status === 'life') && outcome.elapsed <= 300;

// Tests of whole lives are long: these are enough, where more tell nothing new.
const LIVES_ENOUGH = 12;

// The best of the entries, in the order they are to be written.
function choose(entries, maxRows) {
  const usable = entries.filter(entry => isKept(entry.outcome) && entry.job.text.length <= 400 && entry.outcome.text.length <= 500);
  const chosen = new Set();
  const reached = new Set();
  const told = new Map();
  const classes = new Map();
  const values = new Map();
  const counts = { unexpected: 0, noise: 0 };
  const allowed = entry => {
    if (entry.outcome.status === 'error' && !entry.outcome.intended && counts.unexpected >= 3) return false;
    return !(entry.noise && counts.noise >= 3);
  };
  const take = entry => {
    chosen.add(entry);
    if (entry.outcome.status === 'error' && !entry.outcome.intended) counts.unexpected += 1;
    if (entry.noise) counts.noise += 1;
    for (const side of entry.sides) reached.add(`b${side}`);
    for (const point of entry.points) reached.add(`p${point}`);
    for (const kill of entry.kills) told.set(kill, (told.get(kill) ?? 0) + 1);
    classes.set(entry.classes, (classes.get(entry.classes) ?? 0) + 1);
    for (const value of valuesOf(entry)) values.set(value, (values.get(value) ?? 0) + 1);
  };
  const cost = entry => 1 + entry.length / 120 + (entry.noise ? 2 : 0) + (entry.outcome.status === 'error' && !entry.outcome.intended ? 3 : 0);
  for (const entry of usable) {
    if (entry.job.origin === 'example' && chosen.size < 10 && !entry.noise && entry.outcome.status !== 'error') take(entry);
  }
  // What covers most for its length, as long as any covers something new. A mutant is worth two rows.
  const gain = entry => {
    let sum = 0;
    for (const side of entry.sides) if (!reached.has(`b${side}`)) sum += 4;
    for (const point of entry.points) if (!reached.has(`p${point}`)) sum += 3;
    for (const kill of entry.kills) {
      const times = told.get(kill) ?? 0;
      if (times === 0) sum += 2;
      else if (times === 1) sum += 0.5;
    }
    return sum;
  };
  while (chosen.size < maxRows) {
    let best = null;
    let most = 0;
    for (const entry of usable) {
      if (chosen.has(entry) || !allowed(entry)) continue;
      const worth = gain(entry) / cost(entry);
      if (worth > most) [best, most] = [entry, worth];
    }
    if (best === null) break;
    take(best);
  }
  // A single value in ever new company soon says nothing new.
  const isStale = entry => entry.job.args.length > 1 && valuesOf(entry).some(value => (values.get(value) ?? 0) >= 4);
  // Then distinct classes, and of those first what tells most mutants.
  const rest = usable.filter(entry => !chosen.has(entry) && entry.outcome.status !== 'error' && !entry.noise);
  const byWorth = [...rest].sort((a, b) => b.kills.size - a.kills.size || a.order - b.order);
  const relations = new Map();
  for (const entry of chosen) relations.set(entry.relations, (relations.get(entry.relations) ?? 0) + 1);
  for (const entry of byWorth) {
    if (chosen.size >= maxRows || entry.job.args.length < 2 || entry.job instanceof Life) break;
    const times = relations.get(entry.relations) ?? 0;
    if (chosen.has(entry) || times >= 2 || entry.length >= 160) continue;
    relations.set(entry.relations, times + 1);
    take(entry);
  }
  for (let round = 0; round < 3 && chosen.size < maxRows; round += 1) {
    for (const entry of byWorth) {
      if (chosen.size >= maxRows || (entry.job instanceof Life && chosen.size >= LIVES_ENOUGH)) break;
      if (!chosen.has(entry) && (classes.get(entry.classes) ?? 0) <= round && entry.length < 160 && !isStale(entry)) take(entry);
    }
  }
  const rank = entry => (entry.job.origin === 'example' ? 0 : 1);
  return [...chosen].sort((a, b) => rank(a) - rank(b) || (rank(a) === 0 ? a.order - b.order : a.job.text.length - b.job.text.length || a.order - b.order));
}

// The arguments that are texts or structures, with their places.
const valuesOf = entry => (entry.job instanceof Life ? [] : entry.job.texts.flatMap((text, i) => (typeof entry.job.args[i] === 'number' || typeof entry.job.args[i] === 'boolean' ? [] : [`${i} ${text}`])));

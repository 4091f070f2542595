// Inputs shaped like real use: pools by type, made from what the source and its comments mention.

const WORDS = ['hello', 'world', 'abc', 'test', 'apple', 'banana', 'Cat', 'dog', 'level', 'xyz'];
const TEXTS = [
  '', 'a', 'abc', 'hello', 'Hello World', 'racecar', 'aaa', 'AbC', 'a b c', '123', 'abcabc', 'The quick brown fox jumps over the lazy dog',
  'HELLO', ' ', 'aAbBcC', 'a1b2c3', 'hello world', '  padded  ', 'x', 'Z', 'one, two; three', 'zyx', 'A', '42', 'abba', "it's", 'line one\nline two',
  'mississippi', 'The Cat sat', 'café', 'user@example.com', 'snake_case_name', 'camelCaseName', 'kebab-case', '[1, 2]', '2024-02-29',
];
const INTEGERS = [0, 1, 2, 3, 5, 10, -1, 4, 7, 6, 8, 9, 12, 15, 20, -5, 100, 11, 13, 16, 25, 30, 50, 99, -10, 101, 1000, 17, 27, 64, 123, 255, 1024, 12345];
const FRACTIONS = [0.5, 1.5, 2.5, -0.5, 3.14, -2.5, 0.1, 10.25, 99.99];

// The inputs one source suggests.
class Inputs {
  constructor(plan, random) {
    this.random = random;
    this.plan = plan;
    const { literals } = plan;
    this.numbers = literals.numbers.filter(Number.isFinite);
    this.strings = literals.strings;
    const tokens = new Set();
    for (const text of this.strings) if (text.length > 0 && text.length <= 20) tokens.add(text);
    for (const pattern of literals.patterns) {
      for (const [, escaped, plain] of pattern.matchAll(/\\([^\w\s])|([^\\\w\s()[\]{}*+?.|^$])/g)) tokens.add(escaped ?? plain);
      if (/\\s/.test(pattern)) tokens.add(' ');
    }
    this.tokens = [...tokens];
    this.letters = this.tokens.filter(token => [...token].length === 1);
    // Texts of the realm of the explorer: data spelled out in comments.
    this.documented = literals.documented.map(text => readData(text)).filter(data => data !== undefined);
    this.words = this.tokens.filter(token => token.length > 1 && /^[\w-]+$/.test(token));
    this.classes = plan.targets.filter(target => target.kind === 'class');
  }

  int(low, high) {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  chance(share) {
    return this.random() < share;
  }

  some(count, make) {
    const list = [];
    for (let i = 0; i < count; i += 1) list.push(make(i));
    return list;
  }

  // The kinds of values a shape may stand for, the likeliest first, with their weight.
  kinds(shape) {
    const scores = new Map();
    const add = (kind, weight) => scores.set(kind, (scores.get(kind) ?? 0) + weight);
    for (const [vote, weight] of Object.entries(shape.votes)) {
      if (vote === 'sequence') {
        add('string', weight);
        add('array', weight);
      } else if (vote === 'plus') {
        add('number', weight);
        add('string', weight * 0.5);
      } else if (vote === 'numeric') {
        add('digits', weight);
        add('number', weight * 0.7);
      } else if (vote !== 'any') {
        add(vote, weight);
      }
    }
    const element = shape.element && Object.values(shape.element.votes).reduce((sum, weight) => sum + weight, 0);
    if (element > 0 && (scores.has('array') || scores.has('string'))) {
      const inner = this.kinds(shape.element).map(([kind]) => kind)[0];
      const isOneLetter = !shape.element.element && !shape.element.votes.sequence;
      const isText = isOneLetter && (shape.element.strings?.some(text => text.length === 1) || (inner === 'string' && !shape.element.strings?.some(text => text.length > 1)));
      if (inner !== 'string') add('array', 4);
      else if (isText) add('string', 3);
      else add('array', 3);
    }
    const nullable = scores.get('null');
    scores.delete('null');
    if (scores.size === 0) {
      add('number', 1);
      add('string', 1);
      add('array', 1);
      if (Object.keys(shape.properties ?? {}).length > 0) add('object', 3);
    }
    const sorted = [...scores].sort((a, b) => b[1] - a[1]);
    const best = sorted[0][1];
    const kept = sorted.filter(([, weight]) => weight >= best * 0.3).slice(0, 4);
    if (nullable && !kept.some(([kind]) => kind === 'null')) kept.push(['null', best * 0.1]);
    return kept;
  }

  // A value for a shape; `simple` ones come first in a search.
  value(shape, kind, depth = 0) {
    const chosen = kind ?? this.weighted(this.kinds(shape));
    switch (chosen) {
      case 'number': return this.number(shape);
      case 'string': return this.string(shape);
      case 'digits': return this.digits();
      case 'boolean': return this.chance(0.5);
      case 'array': return this.array(shape, depth);
      case 'object': return this.object(shape, depth);
      case 'function': return this.callback(shape);
      case 'map': return new Map(this.some(this.int(0, 3), i => [this.pick(WORDS.slice(0, 4 + i)), this.small()]));
      case 'set': return new Set(this.array(shape, depth));
      case 'date': return new Date(this.pick([0, 951782400000, 1704067200000, 1709164800000, 1719792000000 + this.int(0, 400) * 86400000]));
      case 'regexp': return this.pick([/a/, /\d+/g, /^[a-z]+$/i]);
      case 'promise': return new Special(`Promise.resolve(${textOf(this.small())})`, 'promise');
      case 'json': return this.pick(['{}', '[]', '{"a":1}', '[1,2,3]', '"text"', 'null', '{"a":{"b":[1,"x"]}}', 'not json', '']);
      case 'null': return this.chance(0.5) ? null : undefined;
      default: return chosen.startsWith('class:') ? this.instance(chosen.slice(6), depth) : this.small();
    }
  }

  weighted(kinds) {
    const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);
    let at = this.random() * total;
    for (const [kind, weight] of kinds) {
      at -= weight;
      if (at <= 0) return kind;
    }
    return kinds[0][0];
  }

  small() {
    return this.int(0, 9);
  }

  number(shape) {
    const near = shape.numbers ?? [];
    const roll = this.random();
    if (near.length > 0 && roll < 0.35) return this.around(this.pick(near));
    if (this.numbers.length > 0 && roll < 0.5) return this.around(this.pick(this.numbers));
    if (roll < 0.6) return this.pick(INTEGERS);
    if (roll < 0.7) return this.pick(FRACTIONS);
    if (roll < 0.9) return this.int(-3, 20);
    return this.int(-50, 200);
  }

  around(number) {
    const step = Number.isInteger(number) ? this.pick([0, 0, 1, -1]) : this.pick([0, 0, 0.1, -0.1]);
    return tidy(number + step);
  }

  digits() {
    return this.pick([
      () => String(this.int(0, 200)), () => String(this.int(-50, 50)), () => `${this.int(-20, 20)}.${this.pick(['5', '25', '49', '51', '0', '75'])}`,
      () => '0', () => this.pick(['', 'abc', '12abc', ' 7 ', '1e3']),
    ])();
  }

  string(shape) {
    const strings = shape.strings ?? [];
    const letters = (shape.element?.strings ?? []).filter(text => text.length === 1);
    const roll = this.random();
    if (strings.length > 0 && roll < 0.35) return this.chance(0.6) ? this.pick(strings) : this.nearby(this.pick(strings));
    const documented = this.documentedOf('string');
    if (documented.length > 0 && roll < 0.5) return this.chance(0.5) ? this.pick(documented) : this.nearby(this.pick(documented));
    if (letters.length > 0 && roll < 0.75) {
      const alphabet = this.chance(0.5) ? letters : [...letters, ...this.letters, 'a', 'b'];
      return this.some(this.int(1, 10), () => this.pick(alphabet)).join('');
    }
    if (this.tokens.length > 0 && this.chance(0.2)) return this.pick(this.tokens);
    if (this.letters.length > 0 && roll < 0.6) return this.some(this.int(1, 8), () => this.pick(this.chance(0.7) ? this.letters : [...'abXY1'])).join('');
    if (this.tokens.length > 0 && roll < 0.8) return this.phrase();
    if (roll < 0.9) return this.pick(TEXTS);
    return this.some(this.int(1, 9), () => this.pick([...'aabbccdeinotxyzABCDEXYZ0123459 _-.,!'])).join('');
  }

  // Words and numbers with the source's own separators and words between them.
  phrase() {
    const part = () => {
      const roll = this.random();
      if (roll < 0.3 && this.words.length > 0) return this.pick(this.words);
      if (roll < 0.55) return String(this.int(0, 20));
      if (roll < 0.7) return `${this.pick([...'abcXYZ'])}${this.pick(['', '1', '12', '123', '1234'])}`;
      return this.pick(WORDS);
    };
    const separators = this.tokens.filter(token => token.length <= 2);
    const separator = separators.length > 0 ? this.pick(separators) : this.pick([' ', ',', '.', '-']);
    return this.some(this.int(1, 4), part).join(this.chance(0.85) ? separator : this.pick(['', ' ', separator + separator]));
  }

  // A text that differs a little.
  nearby(text) {
    const letters = [...text];
    const at = this.int(0, Math.max(0, letters.length - 1));
    switch (this.int(0, 7)) {
      case 0: letters.splice(at, 1); break;
      case 1: letters.splice(at, 0, letters[this.int(0, letters.length - 1)] ?? 'a'); break;
      case 2: letters.splice(at, 0, this.tokens.length > 0 ? this.pick(this.tokens) : this.pick([...'aZ 0-'])); break;
      case 3: letters[at] = this.letters.length > 0 ? this.pick(this.letters) : this.pick([...'abcXYZ019 .']); break;
      case 4: return text.toUpperCase() === text ? text.toLowerCase() : text.toUpperCase();
      case 5: return letters.reverse().join('');
      case 6: return text + text;
      default: {
        const other = this.int(0, Math.max(0, letters.length - 1));
        [letters[at], letters[other]] = [letters[other] ?? '', letters[at] ?? ''];
      }
    }
    return letters.join('');
  }

  array(shape, depth) {
    const element = shape.element ?? { votes: {} };
    const kinds = depth > 2 ? [['number', 1]] : this.kinds(element);
    const kind = this.weighted(kinds);
    if (kind === 'array') return this.grid(element, depth);
    const size = this.pick([0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10]);
    let list;
    if (kind === 'number' && this.chance(0.75)) {
      const [low, high] = this.pick([[0, 9], [1, 5], [-9, 9], [0, 3], [1, 20], [-5, 5], [0, 100], [-100, 100], [1, 3]]);
      const fractions = this.chance(0.15);
      list = this.some(size, () => (fractions ? this.int(low * 10, high * 10) / 10 : this.int(low, high)));
    } else if (kind === 'string' && this.chance(0.3)) {
      const letters = element.strings?.length > 0 ? element.strings : [...'abcd'];
      list = this.some(size, () => this.pick(letters));
    } else if (kind === 'object' || kind.startsWith('class:')) {
      list = this.some(Math.min(size, 4), () => this.value(element, kind, depth + 1));
    } else {
      list = this.some(size, () => this.value(element, kind, depth + 1));
    }
    return this.arranged(list);
  }

  // Some orders that code tends to tell apart.
  arranged(list) {
    if (list.length < 2) return list;
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const roll = this.random();
    if (roll < 0.5 || typeof list[0] === 'object') return list;
    if (roll < 0.63) return list.sort(order);
    if (roll < 0.72) return list.sort(order).reverse();
    if (roll < 0.8) return list.map(() => list[0]);
    if (roll < 0.92) {
      list[this.int(0, list.length - 1)] = list[this.int(0, list.length - 1)];
      list[this.int(0, list.length - 1)] = list[0];
      return list;
    }
    return [...list, ...list.slice(0, -1).reverse()];
  }

  grid(element, depth) {
    const inner = element.element ?? { votes: {} };
    const innerKind = this.kinds(inner)[0][0];
    const rows = this.int(0, 4);
    const columns = this.chance(0.7) ? Math.max(rows, 1) : this.int(1, 4);
    if (innerKind !== 'number' || this.chance(0.2)) return this.some(rows, () => this.array(element, depth + 1));
    if (this.chance(0.4)) {
      // All different, as in a numbered grid.
      const numbers = this.some(rows * columns, i => i + 1);
      for (let i = numbers.length - 1; i > 0; i -= 1) {
        const j = this.int(0, i);
        [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
      }
      return this.some(rows, row => numbers.slice(row * columns, (row + 1) * columns));
    }
    const high = this.pick([1, 1, 3, 9]);
    return this.some(rows, () => this.some(this.chance(0.85) ? columns : this.int(0, 4), () => this.int(0, high)));
  }

  object(shape, depth) {
    const names = Object.keys(shape.properties ?? {});
    if (names.length > 0) {
      const made = {};
      for (const name of names) {
        if (this.chance(0.08)) continue;
        made[name] = depth > 3 ? null : this.property(name, shape.properties[name], depth);
      }
      return made;
    }
    const documented = this.documentedOf('object');
    if (documented.length > 0 && this.chance(0.3)) return this.pick(documented);
    const made = {};
    const keys = this.words.length > 0 && this.chance(0.4) ? this.words : ['a', 'b', 'c', 'name', 'id'];
    const element = shape.element ?? { votes: {} };
    const known = Object.keys(element.votes).length > 0;
    for (let i = this.int(0, 4); i > 0; i -= 1) {
      made[this.pick(keys)] = known && depth < 3 ? this.value(element, undefined, depth + 1) : this.chance(0.15) && depth < 2 ? this.object(shape, depth + 1) : this.chance(0.7) ? this.small() : this.pick(WORDS);
    }
    return made;
  }

  property(name, shape, depth) {
    if (Object.keys(shape.votes).length > 0 || shape.properties || shape.element) return this.value(shape, undefined, depth + 1);
    // Its name is all there is to go by.
    if (/^(?:is|has|can|active|enabled|done|completed)/.test(name)) return this.chance(0.5);
    if (/(?:count|price|age|amount|total|id|qty|quantity|size|width|height|score|weight|value|x|y|level|rate|index|year|month|day)$/i.test(name)) return this.int(0, 30);
    if (/(?:next|prev|previous|left|right|parent|child)$/.test(name)) return null;
    if (/(?:items|list|children|tags|values|entries|data)$/.test(name)) return this.some(this.int(0, 3), () => this.small());
    return this.pick(WORDS);
  }

  callback() {
    return new Special(
      this.pick(['x => x', 'x => x * 2', 'x => x > 2', '(a, b) => a + b', '() => true', '() => 1', 'x => x % 2 === 0', '(a, b) => a - b', "x => String(x)", '() => {}', "() => { throw new Error('failed'); }", 'x => x.length']),
      'callback',
    );
  }

  instance(name, depth) {
    const target = this.classes.find(one => one.access === name || one.name === name);
    if (!target || depth > 2) return null;
    const args = target.parameters.map(parameter => textOf(this.argument(parameter, undefined, depth + 1)));
    return new Special(`new ${target.access}(${args.join(', ')})`, 'instance');
  }

  argument(parameter, kind, depth = 0) {
    if (parameter.default !== null && kind === undefined && this.chance(0.2)) return undefined;
    return this.value(parameter.shape, kind, depth);
  }

  documentedOf(kind) {
    return this.documented.filter(data => (kind === 'object' ? isPlain(data) : typeof data === kind));
  }

  // Something close to a value that was worth keeping.
  mutated(value, shape, operands) {
    const fed = operands.filter(one => typeof one === typeof value);
    if (typeof value === 'number') {
      if (fed.length > 0 && this.chance(0.4)) return this.around(this.pick(fed));
      return tidy(this.pick([value + 1, value - 1, value * 2, -value, Math.floor(value / 2), value + 10, value + 0.5]));
    }
    if (typeof value === 'string') {
      if (fed.length > 0 && this.chance(0.4)) {
        const word = this.pick(fed);
        const at = this.int(0, value.length);
        return this.pick([word, value.slice(0, at) + word + value.slice(at), value.slice(0, at) + word + value.slice(at + word.length)]).slice(0, 60);
      }
      return this.nearby(value).slice(0, 60);
    }
    if (typeof value === 'boolean') return !value;
    if (Array.isArray(value)) {
      const copy = value.slice(0, 12);
      const at = this.int(0, Math.max(0, copy.length - 1));
      const element = shape.element ?? { votes: {} };
      const inner = copy.length > 0 ? typeof copy[0] : 'number';
      const fitting = operands.filter(one => typeof one === inner);
      switch (this.int(0, 6)) {
        case 0: copy.splice(at, 1); break;
        case 1: copy.splice(at, 0, copy[this.int(0, copy.length - 1)] ?? this.value(element)); break;
        case 2: copy.push(fitting.length > 0 ? this.pick(fitting) : copy[0] ?? this.value(element)); break;
        case 3: copy.reverse(); break;
        case 4: {
          const other = this.int(0, Math.max(0, copy.length - 1));
          if (copy.length > 0) [copy[at], copy[other]] = [copy[other], copy[at]];
          break;
        }
        default: if (copy.length > 0) copy[at] = this.mutated(copy[at], element, operands);
      }
      return copy;
    }
    if (isPlain(value)) {
      const copy = { ...value };
      const keys = Object.keys(copy);
      if (keys.length === 0) return this.value(shape);
      const key = this.pick(keys);
      if (this.chance(0.15)) delete copy[key];
      else copy[key] = this.mutated(copy[key], shape.properties?.[key] ?? { votes: {} }, operands);
      return copy;
    }
    return this.value(shape);
  }

  // The values every type is tried with first.
  first(shape, kind) {
    switch (kind) {
      case 'number': return unique([...(shape.numbers ?? []).flatMap(n => [n, tidy(n - 1), tidy(n + 1)]), ...INTEGERS.slice(0, 12), ...FRACTIONS.slice(0, 3)]).slice(0, 40);
      case 'string': return unique([...(shape.strings ?? []), ...TEXTS.slice(0, 24)]).slice(0, 36);
      case 'boolean': return [true, false];
      case 'array': return [[]];
      case 'object': return [{}];
      case 'null': return [null, undefined];
      default: return [];
    }
  }
}

const unique = list => [...new Set(list)];
const isPlain = value => typeof value === 'object' && value !== null && kindOfInput(value) === 'object';
// Without the dust of binary fractions.
const tidy = number => (Number.isInteger(number) ? number : Number(number.toPrecision(12)));

// Data from text, without running anything: JSON, and what people write for it.
function readData(text) {
  let at = 0;
  const space = () => {
    while (at < text.length && /[\s*]/.test(text[at])) at += 1;
  };
  const fail = () => {
    throw new Error('not data');
  };
  const sequence = (end, item) => {
    at += 1;
    space();
    while (text[at] !== end) {
      item();
      space();
      if (text[at] === ',') at += 1;
      else if (text[at] !== end) fail();
      space();
    }
    at += 1;
  };
  const key = () => {
    const match = /[A-Za-z_$][\w$]*/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (!found) return value();
    at += found[0].length;
    return found[0];
  };
  const value = () => {
    space();
    const one = text[at];
    if (one === '[') {
      const list = [];
      sequence(']', () => list.push(value()));
      return list;
    }
    if (one === '{') {
      const made = {};
      sequence('}', () => {
        const name = key();
        space();
        if (text[at] !== ':') fail();
        at += 1;
        made[name] = value();
      });
      return made;
    }
    if (one === '"' || one === "'" || one === '`') {
      let content = '';
      for (at += 1; text[at] !== one; at += 1) {
        if (at >= text.length) fail();
        if (text[at] === '\\') {
          at += 1;
          content += { n: '\n', t: '\t', r: '\r' }[text[at]] ?? text[at];
        } else {
          content += text[at];
        }
      }
      at += 1;
      return content;
    }
    const match = /[-+]?(?:\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+|Infinity)|NaN|true|false|null|undefined|True|False|None/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (!found) fail();
    at += found[0].length;
    const words = { true: true, false: false, null: null, undefined, NaN, True: true, False: false, None: null };
    return found[0] in words ? words[found[0]] : Number(found[0].replace(/_/g, ''));
  };
  try {
    const data = value();
    space();
    return at === text.length ? data : undefined;
  } catch {
    return undefined;
  }
}

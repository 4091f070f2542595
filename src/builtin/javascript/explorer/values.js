// Values as source text: to tell results apart, and to write them into tests.

// An input that is no plain data: an expression, evaluated in the scope of the code under test.
class Special {
  constructor(text, kind) {
    this.text = text;
    this.kind = kind;
  }
}

function kindOfInput(value) {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Special) return 'special';
  if (types.isDate(value)) return 'date';
  if (types.isRegExp(value)) return 'regexp';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  return 'object';
}

const TEXT_LIMIT = 1500;
const NAME = /^[A-Za-z_$][\w$]*$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff\ufeff]/g;
const PAIRED = /[\ud800-\udbff][\udc00-\udfff]/g;

function quote(text) {
  const escaped = text.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r');
  const pairs = escaped.match(PAIRED) ?? [];
  const plain = escaped.split(PAIRED).map(part => part.replace(CONTROL, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`));
  return `'${plain.map((part, i) => part + (pairs[i] ?? '')).join('')}'`;
}

function numberText(value) {
  if (Object.is(value, -0)) return '-0';
  return String(value);
}

// Text of a value, and what has to be known to assert it:
// opaque: it holds what no text stands for; loose: it equals its text only by content; numbers: all numbers in it.
class Writing {
  constructor() {
    this.opaque = false;
    this.loose = false;
    this.size = 0;
    this.seen = [];
  }

  text(value) {
    if (this.size > TEXT_LIMIT) {
      this.opaque = true;
      return '…';
    }
    const text = this.of(value);
    if (typeof value !== 'object') this.size += text.length + 2;
    return text;
  }

  none(text) {
    this.opaque = true;
    return text;
  }

  of(value) {
    switch (typeof value) {
      case 'string': return quote(value);
      case 'number': return numberText(value);
      case 'bigint': return `${value}n`;
      case 'boolean':
      case 'undefined': return String(value);
      case 'symbol': return this.none('[symbol]');
      case 'function': return this.none('[function]');
      default: return value === null ? 'null' : this.object(value);
    }
  }

  object(value) {
    if (value instanceof Special) return value.text;
    if (this.seen.includes(value) || this.seen.length > 12) return this.none('[circular]');
    this.seen.push(value);
    this.size += 2;
    let text;
    try {
      text = this.structure(value);
    } catch {
      text = this.none('[unreadable]');
    }
    this.seen.pop();
    return text;
  }

  structure(value) {
    if (types.isProxy(value)) return this.none('[proxy]');
    if (Array.isArray(value)) {
      const items = [];
      for (let i = 0; i < value.length; i += 1) {
        if (!(i in value)) this.loose = true;
        items.push(this.text(value[i]));
        if (this.opaque && this.size > TEXT_LIMIT) break;
      }
      if (Object.keys(value).length > value.length) return this.none(`[${items.join(', ')}]`);
      return `[${items.join(', ')}]`;
    }
    if (types.isDate(value)) {
      const time = Date.prototype.getTime.call(value);
      return Number.isNaN(time) ? 'new Date(NaN)' : `new Date('${new Date(time).toISOString()}')`;
    }
    if (types.isRegExp(value)) return `/${value.source}/${value.flags}`;
    if (types.isMap(value)) {
      const entries = [...Map.prototype.entries.call(value)].map(([key, one]) => `[${this.text(key)}, ${this.text(one)}]`);
      return `new Map([${entries.join(', ')}])`;
    }
    if (types.isSet(value)) return `new Set([${[...Set.prototype.values.call(value)].map(one => this.text(one)).join(', ')}])`;
    if (types.isTypedArray(value)) {
      const name = Object.prototype.toString.call(value).slice(8, -1);
      const items = Array.from(value, one => this.text(one)).join(', ');
      return Buffer.isBuffer(value) ? `Buffer.from([${items}])` : `new ${name}([${items}])`;
    }
    if (types.isNativeError(value)) return `new ${errorName(value)}(${this.text(value.message)})`;
    if (types.isBoxedPrimitive(value) || types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value)) {
      return this.none('[object]');
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || Object.getPrototypeOf(prototype) !== null) this.loose = true;
    if (Object.getOwnPropertySymbols(value).length > 0) this.opaque = true;
    const parts = [];
    for (const key of Object.keys(value)) {
      const name = NAME.test(key) || /^(?:0|[1-9]\d{0,8})$/.test(key) ? key : quote(key);
      parts.push(`${key === '__proto__' ? "['__proto__']" : name}: ${this.text(value[key])}`);
      if (this.opaque && this.size > TEXT_LIMIT) break;
    }
    return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
  }
}

function errorName(error) {
  for (const name of ['TypeError', 'RangeError', 'SyntaxError', 'ReferenceError', 'EvalError', 'URIError']) {
    if (error.name === name) return name;
  }
  return 'Error';
}

function write(value) {
  const writing = new Writing();
  const text = writing.text(value);
  return { text, opaque: writing.opaque, loose: writing.loose };
}

const textOf = value => write(value).text;

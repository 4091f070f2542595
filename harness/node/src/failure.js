'use strict';
// Turns what a test threw into the texts of an event. Everything here may be a trap
// (getters that throw, proxies, endless strings): read guardedly, cut early.
const { format } = require('pretty-format');
const { isProxy, isNativeError } = require('util').types;

const ANSI = /[\u001B\u009B][[\]()#;?]*(?:(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-ORZcf-nqry=><~]|[^\u0007\u001B]{0,1000}\u0007)/g;
const MAX_READ = 100_000;

const cut = (text, limit) => {
  if (text.length <= limit) return text;
  const end = text.charCodeAt(limit - 2) >= 0xd800 && text.charCodeAt(limit - 2) < 0xdc00 ? limit - 2 : limit - 1;
  return `${text.slice(0, end)}…`;
};

function read(object, key) {
  try {
    const value = object[key];
    return typeof value === 'string' ? value.slice(0, MAX_READ) : undefined;
  } catch {
    return undefined;
  }
}

function print(value) {
  try {
    return format(value, { maxDepth: 3, maxWidth: 50 });
  } catch {
    return '[a value that cannot be printed]';
  }
}

const isObject = value => (typeof value === 'object' && value !== null) || typeof value === 'function';

// Splits a stack into its message and its frames.
function split(stack) {
  const lines = stack.split('\n');
  let first = lines.findIndex(line => /^\s+at .*(?::\d+(?::\d+)?|<anonymous>|native)\)?$/.test(line));
  if (first < 0) first = lines.length;
  return { head: lines.slice(0, first).join('\n'), frames: lines.slice(first) };
}

class Failures {
  constructor(code) {
    this.code = code;
  }

  framesOf(frames) {
    const { filename, tailLine } = this.code;
    return frames.filter(frame => frame.includes(filename) && !frame.includes(`${filename}:${tailLine}:`)).slice(0, 12);
  }

  // The line in the tests of the innermost frame there.
  lineOf(text, part = 'tests') {
    for (const [, line, column] of `${text}`.matchAll(this.code.place)) {
      if (Number(line) >= this.code.tailLine) continue;
      const [row] = this.code.original(Number(line), Number(column ?? 1));
      const place = this.code.locate(row);
      if (place.part === part) return place.line;
    }
    return null;
  }

  partOf(text) {
    for (const [, line, column] of `${text}`.matchAll(this.code.place)) {
      return this.code.locate(this.code.original(Number(line), Number(column ?? 1))[0]);
    }
    return { part: null, line: null };
  }

  // One error of circus: the thrown value, or [thrown value, error made where the test was defined].
  describe(entry, depth = 0) {
    const [error, where] = Array.isArray(entry) && !isProxy(entry) ? entry : [entry, undefined];
    let stack = isObject(error) ? read(error, 'stack') : undefined;
    let message = isObject(error) ? read(error, 'message') : undefined;
    let text;
    if (stack === undefined && message === undefined) {
      if (error === undefined && where) {
        message = read(where, 'message') || 'thrown: undefined';
      } else {
        message = `thrown: ${print(error)}`;
      }
      stack = isObject(where) ? read(where, 'stack') ?? '' : '';
      text = message;
    }
    const { head, frames } = split(stack ?? message ?? '');
    if (text === undefined) {
      // `message` may have been changed after the stack was taken (as circus and expect do).
      const name = /^(?:\w*Error)\b/.exec(head)?.[0] ?? (isNativeError(error) ? read(error, 'name') : undefined);
      const own = message ?? head.replace(/^Error: /, '');
      const matcher = isObject(error) && !isProxy(error) && Object.prototype.hasOwnProperty.call(error, 'matcherResult');
      text = matcher || !name || name === 'Error' || own.startsWith(name) ? own : `${name}: ${own}`;
      if (text === '') text = name ?? 'Error';
    }
    text = text.replace(ANSI, '').replace(/\u001B/g, '');
    const shown = this.framesOf(frames);
    let detail = shown.length > 0 && !text.includes(shown[0]) ? `${text}\n\n${shown.join('\n')}` : text;
    if (depth < 3 && isObject(error) && !isProxy(error)) {
      const cause = Object.getOwnPropertyDescriptor(error, 'cause')?.value;
      if (cause !== undefined && cause !== null) detail += `\n\nCause:\n${this.describe(cause, depth + 1).detail}`;
      const errors = Object.getOwnPropertyDescriptor(error, 'errors')?.value;
      if (isNativeError(error) && Array.isArray(errors) && !isProxy(errors)) {
        detail += `\n\nErrors contained in AggregateError:\n${errors.slice(0, 5).map(e => this.describe(e, depth + 1).detail).join('\n')}`;
      }
    }
    const frameText = frames.join('\n');
    const line =
      this.lineOf(frameText) ?? this.lineOf(text) ?? (isObject(where) ? this.lineOf(read(where, 'stack')) : null);
    const at = this.partOf(frames.length > 0 ? frameText : text);
    return { text: this.code.mapText(text), detail: this.code.mapText(detail), line, at };
  }

  describeAll(entries) {
    const all = entries.slice(0, 10).map(entry => {
      try {
        return this.describe(entry);
      } catch {
        return { text: 'an error that cannot be printed', detail: 'an error that cannot be printed', line: null, at: { part: null, line: null } };
      }
    });
    const first = all[0];
    return {
      message: summary(first.text),
      detail: all.map(one => one.detail).join('\n\n'),
      line: all.find(one => one.line !== null)?.line ?? null,
      at: first.at,
    };
  }
}

// One short line: the first of the text; of a matcher's failure also what was expected and received.
function summary(text) {
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
  if (lines[0]?.startsWith('thrown: ')) {
    const whole = lines.join(' ');
    return /^thrown: "(Exceeded timeout[^"]*?)\.? Add a timeout value/.exec(whole)?.[1] ?? whole;
  }
  const parts = [lines[0] ?? ''];
  if (/^expect\(/.test(parts[0])) {
    for (const line of lines.slice(1, 20)) {
      if (parts.length < 3 && /^(?:Expected|Received)\b[^:]*:/.test(line)) parts.push(cut(line.replace(/\s+/g, ' '), 120));
    }
    // The head of a diff ("- Expected  - 1") says nothing by itself.
    if (parts.length === 1 && lines[1] && lines[1].length < 160 && !/^[-+] /.test(lines[1])) parts.push(lines[1]);
  }
  return parts.join(' | ');
}

module.exports = { Failures, cut, print, summary };

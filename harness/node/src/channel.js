'use strict';
// The one descriptor to the supervisor: fd 0, a unix stream socket used both ways.
// Node can't duplicate a descriptor, so it stays fd 0; the fs functions that honest
// code reads stdin with are told that it is at its end (closeStdin).
//
// A frame is a 4-byte big-endian length and as many bytes of JSON. Reads and writes
// are synchronous; on a socket that was left non-blocking they are repeated.
const fs = require('fs');
const { writeAll } = require('./output.js');

const { readSync, writeSync } = fs;
const { byteLength, from } = Buffer;
const { fromCharCode } = String;
const { stringify, parse } = JSON;
const { wait } = Atomics;
const nap = new Int32Array(new SharedArrayBuffer(4));
const SURROGATES = /\p{Surrogate}/gu;
const { replace } = String.prototype;

function readExactly(length) {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  let pause = 1;
  while (done < length) {
    let count;
    try {
      count = readSync(0, buffer, done, length - done, null);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      wait(nap, 0, 0, pause);
      pause = Math.min(pause * 2, 16);
      continue;
    }
    if (count === 0) return null;
    done += count;
  }
  return buffer;
}

function read() {
  const head = readExactly(4);
  const body = head && readExactly(head.readUInt32BE(0));
  return body && parse(body.toString('utf8'));
}

// Any frame is one: nothing else is said after the job. Its bytes are not looked at, for a buffer's
// methods are shared with the user's realm.
function waitForAck() {
  const head = readExactly(4);
  if (head === null) throw new Error('the supervisor hung up');
  readExactly((head[2] << 8) | head[3]);
}

// As strings, because a buffer's methods and getters are shared with the user's realm and
// would hand the token to whoever patched them.
function write(message) {
  const text = stringify(message);
  const length = byteLength(text);
  writeString(fromCharCode(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255), 4, 'latin1');
  writeString(text, length, 'utf8');
}

function writeString(text, length, encoding) {
  let done;
  for (;;) {
    try {
      done = writeSync(0, text, null, encoding);
      break;
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      wait(nap, 0, 0, 1);
    }
  }
  // Cut short, which only a non-blocking socket does.
  if (done < length) writeAll(0, from(text, encoding), done);
}

// Half a surrogate pair is not UTF-8; JSON.stringify would write an escape that strict parsers refuse.
const wellFormed = text => Reflect.apply(replace, text, [SURROGATES, '\uFFFD']);

function closeStdin() {
  const { readFileSync, read: readAsync, readSync: readSyncOf } = fs;
  const isStdin = path => path === 0 || path === '/dev/stdin' || path === '/proc/self/fd/0';
  fs.readFileSync = function (path, options) {
    if (!isStdin(path)) return Reflect.apply(readFileSync, this, arguments);
    const encoding = typeof options === 'string' ? options : options?.encoding;
    return encoding && encoding !== 'buffer' ? '' : Buffer.alloc(0);
  };
  fs.readSync = function (fd) {
    return fd === 0 ? 0 : Reflect.apply(readSyncOf, this, arguments);
  };
  fs.read = function (fd, ...rest) {
    const callback = rest[rest.length - 1];
    if (fd !== 0 || typeof callback !== 'function') return Reflect.apply(readAsync, this, arguments);
    return process.nextTick(callback, null, 0, ArrayBuffer.isView(rest[0]) ? rest[0] : Buffer.alloc(0));
  };
}

module.exports = { read, write, waitForAck, wellFormed, closeStdin };

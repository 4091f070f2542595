'use strict';
// What user code prints: to fd 1 and 2, at once (no buffer to flush before an event).
const fs = require('fs');
const { Console } = require('console');

const { writeSync } = fs;
const { from } = Buffer;
const nap = new Int32Array(new SharedArrayBuffer(4));
const { wait } = Atomics;

// Writes everything, also to a descriptor that is non-blocking and full.
function writeAll(fd, buffer, start = 0) {
  let done = start;
  while (done < buffer.length) {
    try {
      done += writeSync(fd, buffer, done, buffer.length - done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      wait(nap, 0, 0, 1);
    }
  }
}

class Output {
  constructor(write, mapText) {
    this.write = (fd, chunk, encoding) => {
      const buffer = typeof chunk === 'string' ? from(mapText(chunk), encoding) : chunk;
      try {
        write(fd, buffer);
      } catch {
        // Closed by the user's code, or nobody reads any more: its loss.
      }
    };
    const sink = fd => ({ write: text => this.write(fd, text), on() {}, once() {}, removeListener() {}, listenerCount: () => 0 });
    this.console = new Console({ stdout: sink(1), stderr: sink(2), colorMode: false });
    this.streams = [];
  }

  stream(fd) {
    if (!this.streams[fd]) {
      const { Writable } = require('stream');
      const write = (chunk, encoding, done) => {
        this.write(fd, chunk);
        done();
      };
      const stream = new Writable({ decodeStrings: false, write });
      stream.fd = fd;
      stream._type = 'pipe';
      this.streams[fd] = stream;
    }
    return this.streams[fd];
  }

  flush() {}
}

module.exports = { Output, writeAll };

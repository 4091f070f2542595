'use strict';
// Entry point: node [flags] harness.js. It only loads what prepare.js made:
// dist/bundle.js (Jest's parts and src/, in one file) and V8's code cache for it.
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const dist = path.join(__dirname, 'dist');
const filename = path.join(dist, 'bundle.js');
let cachedData;
try {
  cachedData = fs.readFileSync(path.join(dist, 'bundle.cache'));
} catch {
  // Without the cache it is only slower.
}
const script = new vm.Script(fs.readFileSync(filename, 'utf8'), { filename, cachedData });
script.runInThisContext()(require, __dirname)('src/main.js').main();

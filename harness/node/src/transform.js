'use strict';
// One script out of source and tests: joined, transpiled if need be, compiled.
//
// Plain JavaScript runs as it is. ES-module syntax, `import()` and `jest.mock` calls
// (which must be hoisted above the imports, as babel-plugin-jest-hoist does) and all
// TypeScript go through swc to a CommonJS script. swc transpiles only: like ts-jest with
// isolatedModules it reports syntax errors and no type errors.
/* global $root */
const vm = require('vm');
const path = require('path');

// swc's own binding as prepare.js unpacked it, without the wrapper that would look for
// configuration files.
let binding;
function swc() {
  if (!binding) {
    // A backtrace in each syntax error costs 40 ms.
    process.env.RUST_BACKTRACE = '0';
    process.env.RUST_LIB_BACKTRACE = '0';
    binding = require(path.join($root, 'dist', 'swc.node'));
    delete process.env.RUST_BACKTRACE;
    delete process.env.RUST_LIB_BACKTRACE;
  }
  return binding;
}

// TypeScript before 5 knew one kind of decorators, whose signature most pasted code still has;
// the standard ones are taken when the code names what only they have.
const STANDARD_DECORATORS = /\b(?:Class(?:Method|Getter|Setter|Field|Accessor)?DecoratorContext|DecoratorContext|addInitializer)\b|\b(?:ctx|context)\.(?:kind|name|access|metadata)\b/;

// swc hoists calls of the global `jest` only; the imported one is the same, so it is taken out of the import.
const GLOBALS_IMPORT = /\bimport\s*\{[^{}]*\}\s*from\s*(['"])@jest\/globals\1/g;
const withoutJest = text =>
  text.replace(GLOBALS_IMPORT, all => all.replace(/(?<=[{,]\s*)jest\s*(?:,|(?=\}))/, found => found.replace(/\S/g, ' ')));

function transpile(code, filename, typescript) {
  const standard = typescript && STANDARD_DECORATORS.test(code);
  // swc leaves import() alone in what it takes for a script.
  const dynamicImport = !typescript && DYNAMIC_IMPORT.test(code) && !MODULE_SYNTAX.test(code);
  const options = {
    filename,
    swcrc: false,
    configFile: false,
    isModule: typescript || dynamicImport ? true : 'unknown',
    sourceMaps: true,
    module: { type: 'commonjs', strictMode: !dynamicImport, allowTopLevelThis: true },
    jsc: {
      target: 'es2022',
      externalHelpers: false,
      parser: typescript ? { syntax: 'typescript', decorators: true } : { syntax: 'ecmascript', importAttributes: true },
      transform: {
        hidden: { jest: true },
        // As tsc does for its default target: a field without a value is a declaration only.
        ...(typescript && { useDefineForClassFields: standard }),
        ...(typescript && (standard ? { decoratorVersion: '2022-03' } : { legacyDecorator: true })),
      },
    },
  };
  const out = swc().transformSync(withoutJest(code), false, Buffer.from(JSON.stringify(options)));
  return { code: out.code, map: JSON.parse(out.map).mappings };
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGITS = new Map([...BASE64].map((char, i) => [char, i]));

// For each generated line its segments [generated column, original line, original column], 0-based.
function decodeMappings(text) {
  let line = 0;
  let column = 0;
  return text.split(';').map(group => {
    let generated = 0;
    const segments = [];
    for (const segment of group.split(',')) {
      const numbers = [];
      let value = 0;
      let shift = 0;
      for (const char of segment) {
        const digit = DIGITS.get(char);
        value += (digit & 31) << shift;
        shift += 5;
        if (!(digit & 32)) {
          numbers.push(value & 1 ? -(value >> 1) : value >> 1);
          value = 0;
          shift = 0;
        }
      }
      if (numbers.length === 0) continue;
      generated += numbers[0];
      if (numbers.length < 4) continue;
      line += numbers[2];
      column += numbers[3];
      segments.push([generated, line, column]);
    }
    return segments;
  });
}

const NEEDS_MODULES = /import statement outside a module|Unexpected token 'export'|'import\.meta'|await is only valid/;
const DYNAMIC_IMPORT = /\bimport\s*\(/;
const MODULE_SYNTAX = /^\s*(?:import\b(?!\s*\()|export\b)/m;
const NEEDS_HOISTING = /\bimport\s*\(|\bjest\s*\.\s*(?:mock|unmock|deepUnmock|enableAutomock|disableAutomock)\b/;
const LEADING = /(?:\s+|\/\*[^]*?\*\/|\/\/.*)/y;
const STRICT = /(['"])use strict\1/y;

// Is there a "use strict" behind white space and comments? (The wrapper would take its effect away.)
function usesStrict(code) {
  let at = 0;
  for (;;) {
    LEADING.lastIndex = at;
    if (!LEADING.test(code)) break;
    at = LEADING.lastIndex;
  }
  STRICT.lastIndex = at;
  return STRICT.test(code);
}

// The user's names are in a function of their own, so that they may reuse those of the wrapper.
const HEAD = '(function(module,exports,require,__dirname,__filename,jest,$scope){return(function(){';
const TAIL = '\n}).call(exports)})';

class Code {
  constructor(source, tests, typescript, directory) {
    this.extension = typescript ? 'ts' : 'js';
    this.filename = path.join(directory, `test_code.${this.extension}`);
    this.typescript = typescript;
    this.text = `${source}\n${tests}`;
    this.tests = tests;
    this.sourceLines = source.split('\n').length;
    this.totalLines = this.sourceLines + tests.split('\n').length;
    const escaped = this.filename.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    this.place = new RegExp(`(?:file://)?${escaped}:(\\d+)(?::(\\d+))?`, 'g');
    this.mappings = null;
    this.tailLine = Infinity;
  }

  // Position in the joined file of one in the script that runs.
  original(line, column) {
    if (this.mappings === null) return [line, column];
    if (typeof this.mappings === 'string') this.mappings = decodeMappings(this.mappings);
    for (let row = line - 1; row >= 0; row -= 1) {
      const segments = this.mappings[row] ?? [];
      let best;
      for (const segment of segments) {
        if (row === line - 1 && best && segment[0] > column - 1) break;
        best = segment;
      }
      if (best) return [best[1] + 1, best[2] + 1];
    }
    return [line, column];
  }

  // Which part a line of the joined file is in, and its line there.
  locate(line) {
    const capped = Math.min(Math.max(line, 1), this.totalLines);
    return capped > this.sourceLines
      ? { part: 'tests', line: capped - this.sourceLines }
      : { part: 'source', line: capped };
  }

  // Rewrites places of the script in a text to what the user calls them.
  mapText(text) {
    if (!text.includes(this.filename)) return text;
    return text.replace(this.place, (_, line, column) => {
      const [row, col] = this.original(Number(line), Number(column ?? 1));
      const place = this.locate(row);
      const name = place.part === 'tests' ? 'test_code' : 'source';
      return `${name}.${this.extension}:${place.line}${column ? `:${col}` : ''}`;
    });
  }

  // The function to call, or throws { broken } for code that does not compile.
  compile(context) {
    let code = this.text;
    let fn;
    let failure;
    if (!this.typescript && !NEEDS_HOISTING.test(code)) {
      try {
        return this.build(code, context);
      } catch (error) {
        failure = error;
      }
      if (!NEEDS_MODULES.test(failure.message)) throw { broken: this.syntaxError(failure) };
    }
    try {
      const out = transpile(code, this.filename, this.typescript);
      code = out.code;
      this.mappings = out.map;
    } catch (error) {
      throw { broken: this.swcError(error) };
    }
    try {
      fn = this.build(code, context);
    } catch (error) {
      throw { broken: this.syntaxError(error) };
    }
    return fn;
  }

  build(code, context) {
    const strict = usesStrict(code) ? '"use strict";' : '';
    // $scope gets a function that sees the names of the file: src/integrity.js asks it at the end
    // whether `expect` and the like still meant Jest's.
    const head = `${HEAD}${strict}$scope(n=>{switch(n){case"expect":return expect;case"test":return test;case"it":return it;case"describe":return describe}});`;
    this.tailLine = code.split('\n').length + 1;
    const hashbang = code.startsWith('#!') ? `//${code}` : code;
    return new vm.Script(`${head}${hashbang}${TAIL}`, {
      filename: this.filename,
      columnOffset: -head.length,
    }).runInContext(context);
  }

  syntaxError(error) {
    const [, line, column] = /:(\d+)(?::(\d+))?\n/.exec(`${error.stack}`) ?? [];
    const place = line ? this.locate(this.original(Number(line), Number(column ?? 1))[0]) : { part: null, line: null };
    const message = `${error.name}: ${error.message}`;
    const [, excerpt = ''] = /^[^\n]*\n([^]*?)\n\n/.exec(`${error.stack}`) ?? [];
    const name = place.part && `${place.part === 'tests' ? 'test_code' : 'source'}.${this.extension}:${place.line}`;
    return { ...place, message, detail: [name, excerpt, message].filter(Boolean).join('\n') };
  }

  swcError(error) {
    const text = `${error.message}`.replace(/\n+\s*(?:Caused by:|Stack backtrace:)[^]*$/, '');
    const [, line] = /,-\[[^\]]*?:(\d+):\d+\]/.exec(text) ?? [];
    const place = line ? this.locate(Number(line)) : { part: null, line: null };
    const [, first = 'syntax error'] = /^\s*(?:x|×|!)?\s*(.+)/.exec(text) ?? [];
    // The excerpts number the lines of the joined file.
    const detail = text
      .replace(/^ *(\d+) \|.*\n/gm, (all, row) => (this.locate(Number(row)).part === place.part ? all : ''))
      .replace(/,-\[[^\]]*?:(\d+):(\d+)\]/g, (_, row, col) => `,-[${this.mapPlain(Number(row))}:${col}]`)
      .replace(/^( *)(\d+)( \|)/gm, (all, pad, row, bar) => {
        const shown = `${this.locate(Number(row)).line}`;
        return `${' '.repeat(Math.max(0, pad.length + row.length - shown.length))}${shown}${bar}`;
      });
    return { ...place, message: `SyntaxError: ${first.trim()}`, detail };
  }

  mapPlain(line) {
    const place = this.locate(line);
    return `${place.part === 'tests' ? 'test_code' : 'source'}.${this.extension}:${place.line}`;
  }
}

module.exports = { Code, transpile, swc };

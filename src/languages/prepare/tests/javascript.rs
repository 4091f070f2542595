use super::*;

fn prepared(source: &str, tests: &str) -> String {
    tests_of(&prepare(LanguageCode::TypeScript, source, tests)).join("\n")
}

#[test]
fn imports_of_the_code_under_test_go() {
    let source = "import fs from 'fs';\nexport function add(a, b) { return a + b; }\nexport const LIMIT = 3;\n\
                  interface Shape { x: number }\nexport default class Calc {}\n";
    for (tests, expected) in [
        ("import { add, LIMIT } from './calc';", ";"),
        ("import { add,\n  LIMIT }\n  from '../calc'\n[1].map(x => x)", ";\n\n\n[1].map(x => x)"),
        ("import { add as plus } from './calc';", "const plus=add;"),
        ("import Calc from './calc'", ";"),
        ("import Sums, { add } from './calc'", "const Sums=Calc;"),
        ("import * as c from './calc';", "const c={LIMIT,add,default:Calc};"),
        ("import type { Shape } from './calc';", ";"),
        ("import './calc';", ";"),
        ("require('./calc');", ";"),
        ("const { add } = require('./calc');", ";"),
        (
            "const { add: plus, LIMIT } = require('./calc'), c = require('./c').add",
            "const plus=add;const c=add;",
        ),
        ("import { add } from 'calc';", ";"),
        ("import { add } from '@/lib/calc';", ";"),
    ] {
        assert_eq!(prepared(source, tests), expected, "{tests}");
    }
}

#[test]
fn what_commonjs_exports_is_found() {
    for (source, tests, expected) in [
        ("class Stack {}\nmodule.exports = Stack;", "const Stack = require('./stack');", ";"),
        (
            "class Stack {}\nmodule.exports = Stack;",
            "const S = require('./stack');",
            "const S=Stack;",
        ),
        ("function add() {}\nmodule.exports = { add };", "const { add } = require('./m');", ";"),
        (
            "function add() {}\nmodule.exports = { add };",
            "const m = require('./m');",
            "const m=module.exports;",
        ),
        (
            "exports.add = () => 1;",
            "const { add } = require('./m');",
            "const add=module.exports.add;",
        ),
        ("function add() {}\nconst x = 1;", "import * as m from './m';", "const m={add,x};"),
    ] {
        assert_eq!(prepared(source, tests), expected, "{source}\n{tests}");
    }
}

#[test]
fn globals_and_what_the_source_has_imported_go() {
    let source = "import fs, { readFileSync } from 'fs';\nconst path = require('node:path');\nconst a = 1;\n";
    for (tests, expected) in [
        ("import { describe, expect, jest } from '@jest/globals';", ";"),
        ("const { test } = require('vitest');", ";"),
        ("import { test as t } from 'vitest';", "const t=test;"),
        ("import { readFileSync } from 'fs';", ";"),
        ("import { readFileSync, existsSync } from 'fs';", "import{existsSync}from'fs';"),
        ("const fs = require('fs');", ";"),
        ("import path from 'path';", ";"),
    ] {
        assert_eq!(prepared(source, tests), expected, "{tests}");
    }
}

#[test]
fn other_imports_stay() {
    let source = "export function add(a, b) { return a + b; }\nfunction join() {}\n";
    for tests in [
        "import { vi } from 'vitest';",
        "import { join } from 'path';",
        "import { join } from 'node:path';",
        "import { something } from './unknown';",
        "import _ from 'lodash';",
        "import 'reflect-metadata';",
        "const x = require('./m')(1);",
        "const { add = 1 } = require('./m');",
        "import * as m from './m'; const addition = m.add;\nm.add(1, 2);",
        "'use strict';\ntest('a', () => {});",
    ] {
        if tests.starts_with("import * as m") {
            // `const m={add,join};` fits here.
            assert!(prepared(source, tests).starts_with("const m={add};"));
        } else {
            assert_eq!(prepared(source, tests), tests);
        }
    }
    let long = "import*as m from'./m';m.a()";
    let source = "export const aVeryLongName = 1, anotherVeryLongName = 2;";
    assert_eq!(prepared(source, long), long);
}

#[test]
fn a_hashbang_goes() {
    let prepared =
        prepare(LanguageCode::JavaScript, "#!/usr/bin/env node\nlet a = 1;", "#!/x\ntest('a', f);");
    assert_eq!(prepared.source.trim_start(), "let a = 1;");
    assert_eq!(prepared.tests, "    \ntest('a', f);");
}

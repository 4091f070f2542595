use super::*;

fn read(tests: &str) -> Manifest {
    manifest(LanguageCode::JavaScript, "function add(a, b) { return a + b; }", tests)
}

#[test]
fn titles_are_joined_and_literal_ones_required() {
    let manifest = read(
        "test('top', () => {});\ndescribe('add', () => {\n  it(\"adds\", () => {});\n  \
         describe(`deep`, function () {\n    it.todo('later');\n    xit('off', () => {});\n  });\n  \
         test.concurrent('fast', async () => {});\n  describe('short', () => test('x', () => {}));\n});\n",
    );
    assert_eq!(
        required(&manifest),
        [
            "top",
            "add > adds",
            "add > deep > later",
            "add > deep > off",
            "add > fast",
            "add > short > x"
        ]
    );
    assert_eq!(manifest.expected[1].line, 3);
    assert_eq!(optional(&manifest), [""; 0]);
}

#[test]
fn titles_are_read_as_the_engine_reads_them() {
    let manifest = read(concat!(
        r"test('it\'s \x41\u0042\u{43} \uD83D\uDE00\ttab', f);",
        "\n",
        r"test('half \uD83D pair', f);",
        "\ntest(`line\r\nend`, f);\ntest('conti\\\nnued', f);\n",
        r"test(`one ${x} two`, f);",
        "\ntest('a' + b, f);\ntest(name, f);\ntest('', f);\ndescribe(Klass, () => { test('x', f); });\n",
    ));
    assert_eq!(
        required(&manifest),
        ["it's ABC 😀\ttab", "half …", "line\nend", "continued", "one …", "…", "…", "…", "…"]
    );
}

#[test]
fn tables_are_prefixes_up_to_their_first_placeholder() {
    let manifest = read(
        "test.each([[1, 2]])('adds %i', f);\nit.each`a | b\n${1} | ${2}`('takes $a', f);\n\
         describe.each([1])('of %s', () => { test('x', f); test.each([1])('y', f); });\n\
         test.skip.each([1])('plain', f);\ndescribe('in', () => { test.each(t)('t', f); });\n",
    );
    assert_eq!(required(&manifest), ["adds …", "takes …", "of …", "of …", "plain…", "in > t…"]);
}

#[test]
fn repeated_titles_are_numbered() {
    let manifest = read("test('a', f);\ntest('a', f);\ntest('a', f);\ntest('b', f);\n");
    assert_eq!(required(&manifest), ["a", "a #2", "a #3", "b"]);
    let manifest = read("test('a', f);\ntest('a #2', f);\ntest('a', f);\n");
    assert_eq!(required(&manifest), ["a"]);
}

#[test]
fn what_may_not_be_run_is_not_required() {
    let manifest = read(
        "if (x) test('a', f);\nfor (const c of cases) test(c, f);\ncases.forEach(c => test('b', f));\n\
         try { test('c', f); } catch {}\nfunction make() { test('d', f); }\n\
         describe('early', () => { test('e', f); if (x) return; test('g', f); });\n\
         describe('helper', make);\ndescribe('async', async () => { test('h', f); });\ntest.custom('i', f);\n",
    );
    assert_eq!(required(&manifest), ["early > e"]);
    assert_eq!(optional(&manifest), ["early > g"]);
}

#[test]
fn beside_the_only_ones_the_others_report_as_skipped() {
    let manifest =
        read("test('a', f);\ndescribe('d', () => { test.only('b', f); });\nfit('c', f);\n");
    assert_eq!(required(&manifest), ["a", "d > b", "c"]);
}

#[test]
fn tests_by_names_that_the_tests_bind_are_not_required() {
    for own in [
        "const test = (n, f) => {};",
        "function test() {}",
        "import { test } from 'node:test';",
        "const { test } = require('node:test');",
    ] {
        let manifest = read(&format!("{own}\ntest('a', f);\nit('b', f);\n"));
        assert_eq!(required(&manifest), ["b"], "{own}");
        assert_eq!(shadows(&manifest), ["test"], "{own}");
    }
    let manifest =
        read("describe('d', (it) => { it('a', f); });\nxs.map(it => it + 1);\ntest('b', f);");
    assert_eq!(required(&manifest), ["b"]);
    for honest in [
        "import { test, expect as is } from '@jest/globals';",
        "const { test, expect } = require('vitest');",
    ] {
        let manifest = read(&format!("{honest}\ntest('a', f);"));
        assert_eq!(required(&manifest), ["a"]);
        assert_eq!(shadows(&manifest), [""; 0]);
    }
}

#[test]
fn who_takes_expect_is_told() {
    let tests = "test('a', () => { expect(1).toBe(1); });";
    for source in [
        "function expect() {}",
        "const { expect } = { expect: () => ({}) };",
        "if (true) { globalThis.expect = () => {}; }",
        "(function () { expect = () => {}; })();",
        "class expect {}",
        "import { expect } from 'chai';",
    ] {
        let manifest = manifest(LanguageCode::JavaScript, source, tests);
        assert_eq!(shadows(&manifest), ["expect"], "{source}");
        assert_eq!(
            (manifest.shadows[0].role, manifest.shadows[0].side),
            (Role::Judge, Side::Source)
        );
    }
    for source in [
        "class Parser { expect(token) { return token; } }",
        "function f(expect) { expect = 1; }",
        "function f() { const expect = 1; }",
        "parser.expect = 1;",
    ] {
        assert_eq!(
            shadows(&manifest(LanguageCode::JavaScript, source, tests)),
            [""; 0],
            "{source}"
        );
    }
}

#[test]
fn a_source_that_takes_test_leaves_the_tests_required() {
    let manifest =
        manifest(LanguageCode::JavaScript, "function test(pattern) {}", "test('a', () => {});");
    assert_eq!(required(&manifest), ["a"]);
    assert_eq!(manifest.shadows[0].role, Role::Runner);
}

#[test]
fn typescript_is_read_like_javascript() {
    let manifest = manifest(
        LanguageCode::TypeScript,
        "export const add = (a: number, b: number): number => a + b;",
        "describe('add', (): void => {\n  test.each<[number, number]>([[1, 2]])('of %i', (a: number) => {});\n  \
         it('adds', async (): Promise<void> => { expect(<number>1).toBe(1); });\n});\n",
    );
    assert_eq!(required(&manifest), ["add > of …", "add > adds"]);
}

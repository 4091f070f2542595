use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::domain::SOURCE_MAX_CHARS;

#[test]
fn texts_that_do_not_parse_are_left_as_they_are() {
    for language in LanguageCode::ALL {
        let (source, tests) = ("package a;\nimport { x } from './x'; (", "from m import a\n((");
        let prepared = prepare(language, source, tests);
        assert_eq!((prepared.source.as_str(), prepared.tests.as_str()), (source, tests));
    }
}

#[test]
fn hostile_text_of_the_largest_size_is_prepared_in_time() {
    for (language, open, close) in [
        (LanguageCode::Python, "from m import a\n", ""),
        (LanguageCode::Python, "(", ")"),
        (LanguageCode::JavaScript, "import {a} from './a';", ""),
        (LanguageCode::JavaScript, "import * as m from './a';const a=1;", ""),
        (LanguageCode::JavaScript, "x=>{", "}"),
        (LanguageCode::TypeScript, "import * as m from './a';export const a=1;", ""),
        (LanguageCode::Java, "import a.B;", ""),
        (LanguageCode::Java, "public class A{", "}"),
    ] {
        let times = SOURCE_MAX_CHARS / (open.len() + close.len());
        let text = open.repeat(times) + &close.repeat(times);
        let begun = Instant::now();
        let _ = prepare(language, &text, &text);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(6), "{language} {open:?} took {took:?}");
    }
    // Many imports of all of a source that has many names.
    let names: Vec<_> = (0..5_000).map(|n| format!("export const n{n}=1;")).collect();
    let source = names.concat();
    let tests = "import * as m from './a';\n".repeat(3_000);
    let begun = Instant::now();
    let prepared = prepare(LanguageCode::JavaScript, &source, &tests);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(prepared.tests.len() < 200_000, "{}", prepared.tests.len());
}

/// A text without line ends at its places, which must all be the same in both.
fn line_ends(text: &str) -> Vec<char> {
    text.chars().filter(|c| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_line_ever_moves(
        source in prop::collection::vec(prop::sample::select(SOURCE_LINES), 0..6),
        tests in prop::collection::vec(prop::sample::select(TEST_LINES), 0..8),
        junk in "\\PC{0,20}",
        end in prop::sample::select(&["\n", "\r\n"][..]),
    ) {
        for junk in ["", &junk] {
            let source = source.join(end) + end + junk;
            let tests = tests.join(end) + end + junk;
            for language in LanguageCode::ALL {
                let prepared = prepare(language, &source, &tests);
                prop_assert_eq!(line_ends(&prepared.source), line_ends(&source));
                prop_assert_eq!(line_ends(&prepared.tests), line_ends(&tests));
                prop_assert_eq!(prepared.source.chars().count(), source.chars().count());
                prop_assert!(prepared.tests.chars().count() >= tests.chars().count());
            }
        }
    }
}

const SOURCE_LINES: &[&str] = &[
    "package a.b;",
    "public class Foo { }",
    "import os",
    "add = 1",
    "function add() {}",
    "export const 한글 = 1;",
    "export default add;",
    "module.exports = { add };",
];

const TEST_LINES: &[&str] = &[
    "package a.b;",
    "import a.b.Foo;",
    "import static a.b.Foo.한글;",
    "public class FooTest { }",
    "from m import add",
    "from m import (add as 한글,",
    ")",
    "import m",
    "import { add, 한글 } from './m';",
    "import { add as 더하기,",
    "} from './m';",
    "import * as m from './m'; test('a', f);",
    "const { add } = require('./m'); x();",
    "test('a', () => {});",
];

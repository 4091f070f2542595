use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::domain::SOURCE_MAX_CHARS;

/// What is repeated to the largest size, and what closes it.
const UNITS: [(LanguageCode, &str, &str); 14] = [
    (LanguageCode::Python, "(", ")"),
    (LanguageCode::Python, "def test_a(): pass\n", ""),
    (LanguageCode::Python, "class TestA(TestA):\n  pass\n", ""),
    (LanguageCode::Python, "[x for x in ", "]"),
    (LanguageCode::JavaScript, "describe('a',()=>{test('b',f);", "});"),
    (LanguageCode::JavaScript, "describe('a',()=>", ")"),
    (LanguageCode::JavaScript, "{", "}"),
    (LanguageCode::JavaScript, "test('a',f);", ""),
    (LanguageCode::JavaScript, "a.", "b"),
    (LanguageCode::JavaScript, "test.each(", ")"),
    (LanguageCode::TypeScript, "(x=>{", "})"),
    (LanguageCode::TypeScript, "const {a:", "}=1"),
    (LanguageCode::Java, "class A{@Test void a(){}", "}"),
    (LanguageCode::Java, "@Nested class A{", "}"),
];

#[test]
fn hostile_text_of_the_largest_size_is_read_in_time() {
    for (language, open, close) in UNITS {
        let times = SOURCE_MAX_CHARS / (open.len() + close.len());
        let text = open.repeat(times) + &close.repeat(times);
        let begun = Instant::now();
        let _ = manifest(language, &text, &text);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(6), "{language} {open:?} took {took:?}");
    }
}

#[test]
fn text_that_is_not_of_the_language_requires_nothing_and_says_so() {
    for language in LanguageCode::ALL {
        let manifest = manifest(language, "", "test('a', () => {");
        assert_eq!((manifest.reading, manifest.expected.len()), (Reading::Unsound, 0));
    }
}

#[test]
fn long_ids_are_known_by_their_beginning() {
    let title = "가".repeat(600);
    let manifest = manifest(LanguageCode::JavaScript, "", &format!("test('{title}', f);"));
    assert_eq!(required(&manifest), ["가".repeat(200) + "…"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_reading_panic(
        text in "\\PC{0,200}|[a-z(){}\\[\\]<>:;=\"'`#/*\\\\ \n\t]{0,300}|(test|it|describe|\\('a\\\\|',|\\(|\\)|=>|\\{|\\}|def test_a\\(\\):|class T|@Test|void a\\(\\)|x|1|`|\\$\\{|;|\n| |\\.each|\\.only){0,60}",
    ) {
        for language in LanguageCode::ALL {
            let _ = manifest(language, &text, &text);
        }
    }
}

use proptest::prelude::*;

use super::{CLOSING_MAX_BYTES, FenceStripper, OPENING_MAX_BYTES};

fn strip<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut fences = FenceStripper::new();
    let mut out: String = pieces.into_iter().map(|piece| fences.push(piece)).collect();
    out += &fences.finish();
    out
}

/// Answers and what is left of them.
const CORPUS: [(&str, &str); 30] = [
    ("", ""),
    ("\n \n", "\n \n"),
    ("x = 1\n", "x = 1\n"),
    ("x = 1", "x = 1"),
    ("\n\n  x = 1\n\n", "\n\n  x = 1\n\n"),
    ("```python\nx = 1\n```\n", "x = 1\n"),
    ("```\nx = 1\n```", "x = 1\n"),
    ("```python\r\nx = 1\r\n```\r\n", "x = 1\r\n"),
    ("~~~py\nx = 1\n~~~\n\n", "x = 1\n"),
    ("\n\n```java\nclass A {}\n```\n", "class A {}\n"),
    ("````\n```\nx\n```\n````\n", "```\nx\n```\n"),
    ("  ```js title=\"a\"\nf();\n  ```  \n \n", "f();\n"),
    ("```python\nx = 1\n", "x = 1\n"),
    ("x = 1\n```\n", "x = 1\n"),
    ("```", ""),
    ("```python", ""),
    ("```\n```", ""),
    ("```python\n```\n\n", ""),
    ("``", "``"),
    ("``\nx", "``\nx"),
    ("`x` = 1\n``", "`x` = 1\n``"),
    ("```inline``` + 1\n", "```inline``` + 1\n"),
    ("    ```\nx\n", "    ```\nx\n"),
    ("\"\"\"\n```\nx\n```\n\"\"\"\n", "\"\"\"\n```\nx\n```\n\"\"\"\n"),
    ("```python\nd = '''\n```\na\n```\n'''\n```\n", "d = '''\n```\na\n```\n'''\n"),
    ("const t = `\n```\n`;\n", "const t = `\n```\n`;\n"),
    ("x = 1\n```\n\ny = 2\n", "x = 1\n```\n\ny = 2\n"),
    ("x = 1 ```", "x = 1 ```"),
    ("a\n   ```\n   \n\t\n", "a\n"),
    ("한글\n```파이썬\n한글\n```\n", "한글\n```파이썬\n한글\n"),
];

#[test]
fn fences_around_the_answer_go_and_code_stays() {
    for (answer, code) in CORPUS {
        assert_eq!(strip([answer]), code, "{answer:?}");
    }
}

#[test]
fn one_or_two_cuts_anywhere_change_nothing() {
    for (answer, code) in CORPUS {
        let ends: Vec<usize> =
            (0..=answer.len()).filter(|end| answer.is_char_boundary(*end)).collect();
        for &first in &ends {
            for &second in ends.iter().filter(|second| **second >= first) {
                let pieces = [&answer[..first], &answer[first..second], &answer[second..]];
                assert_eq!(strip(pieces), code, "{pieces:?}");
            }
        }
    }
}

#[test]
fn code_without_fences_passes_at_once() {
    let mut fences = FenceStripper::new();
    for piece in ["import pytest\n", "\n", "def test", "_x():\n", "    assert `", "x`\n"] {
        assert_eq!(fences.push(piece), piece);
    }
}

#[test]
fn what_may_be_a_fence_waits_and_nothing_else_does() {
    let mut fences = FenceStripper::new();
    assert_eq!(fences.push("``"), "");
    assert_eq!(fences.push("`py"), "");
    assert_eq!(fences.push("\nx = 1\n``"), "x = 1\n");
    assert_eq!(fences.push("`\n"), "");
    assert_eq!(fences.push("y"), "```\ny");
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut fences = FenceStripper::new();
    let blank = " ".repeat(OPENING_MAX_BYTES + 1);
    assert_eq!(fences.push(&blank), blank);
    assert_eq!(fences.push("\nx\n"), "\nx\n");
    assert_eq!(fences.push("```"), "");
    let blank = "\n".repeat(CLOSING_MAX_BYTES);
    assert_eq!(fences.push(&blank), format!("```{blank}"));
    assert_eq!(fences.finish(), "");
}

proptest! {
    #[test]
    fn the_cut_into_pieces_changes_nothing(
        parts in prop::collection::vec(
            prop_oneof![
                "[`~]{1,4}", " {0,5}", "\n{1,3}", "\r\n", "[a-z(){}=]{1,6}", "```python\n", "\t",
                Just(" ".repeat(200)), Just("\n".repeat(700)), Just("한".to_owned()),
            ],
            0..16,
        ),
        cut in 1_usize..9,
    ) {
        let answer = parts.concat();
        let whole = strip([answer.as_str()]);
        let chars: Vec<String> =
            answer.chars().collect::<Vec<_>>().chunks(cut).map(|chunk| chunk.iter().collect()).collect();
        prop_assert_eq!(&strip(chars.iter().map(String::as_str)), &whole);
        prop_assert!(answer.contains(&whole), "only the ends are cut off");
    }

    #[test]
    fn text_without_fence_characters_is_untouched(answer in "[^`~]{0,400}") {
        prop_assert_eq!(strip([answer.as_str()]), answer);
    }
}

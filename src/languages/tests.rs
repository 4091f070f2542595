use proptest::prelude::*;

use super::problem::SyntaxKind;
use super::{SourceProblem, check, facts};
use crate::domain::{LanguageCode, Locale, SOURCE_MAX_CHARS, SourceCode};

fn checked(language: LanguageCode, text: &str) -> Result<(), SourceProblem> {
    check(&SourceCode::parse(text).expect("a source of sane length"), language)
}

fn place(language: LanguageCode, text: &str) -> (usize, usize, SyntaxKind) {
    match checked(language, text) {
        Err(SourceProblem::Syntax { problem, .. }) => (problem.line, problem.column, problem.kind),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn every_placeholder_passes() {
    for language in LanguageCode::ALL {
        assert_eq!(checked(language, facts(language).placeholder), Ok(()), "{language}");
    }
}

#[test]
fn sound_code_of_every_style_passes() {
    for (language, text) in [
        (
            LanguageCode::Python,
            "async def f(x, /, *, y: int = 0) -> list[int]:\n    return [await z async for z in x]",
        ),
        (
            LanguageCode::Python,
            "match x:\n    case {'a': 1, **rest} if rest:\n        pass\n    case _:\n        print(f'{x!r:>{10}}')",
        ),
        (LanguageCode::Python, "print('a script')\nx = [i for i in range(3)]"),
        (LanguageCode::Python, "class A[T]:\n    @property\n    def x(self) -> T: ..."),
        (
            LanguageCode::JavaScript,
            "export default class A { #x = 1; static { A.y = 2; } get x() { return this.#x ?? 0; } }",
        ),
        (
            LanguageCode::JavaScript,
            "const f = async ({a, ...b}, [c] = []) => { for await (const x of a) yield_(x); };",
        ),
        (LanguageCode::JavaScript, "module.exports = function add(a, b) { return a + b; };"),
        (
            LanguageCode::JavaScript,
            "const App = () => <div className=\"a\">{[1].map(x => <b key={x}/>)}</div>;",
        ),
        (
            LanguageCode::TypeScript,
            "export function f<T extends object>(x: T, k: keyof T): T[typeof k] { return x[k]!; }",
        ),
        (
            LanguageCode::TypeScript,
            "const x = <number>(<unknown>'1'); enum E { A = 1 } type P = Partial<Record<string, E>>;",
        ),
        (
            LanguageCode::TypeScript,
            "const App = (p: {a: string}): JSX.Element => <div>{p.a}</div>;",
        ),
        (LanguageCode::TypeScript, "function add(a, b) { return a + b; }"),
        (
            LanguageCode::Java,
            "package a.b;\nimport java.util.*;\npublic record P(int x, int y) { P { if (x < 0) throw new IllegalArgumentException(); } }",
        ),
        (
            LanguageCode::Java,
            "sealed interface S permits A, B {}\nfinal class A implements S {}\nnon-sealed class B implements S {}",
        ),
        (
            LanguageCode::Java,
            "class A { String f(Object o) { return switch (o) { case Integer i when i > 0 -> \"+\"; default -> \"\"\"\n  x\"\"\"; }; } }",
        ),
    ] {
        assert_eq!(checked(language, text), Ok(()), "{language}: {text}");
    }
}

#[test]
fn half_a_function_is_refused_with_its_place() {
    assert_eq!(place(LanguageCode::Python, "def f(a):\n    return (a +\n").0, 2);
    assert_eq!(place(LanguageCode::Python, "x = 1\ndef f(:\n    return 1").0, 2);
    assert_eq!(place(LanguageCode::JavaScript, "let a = 1;\nfunction f( {\n  return 1;").0, 3);
    assert!(place(LanguageCode::Java, "class A {\n  int f() {\n    return 1;\n").0 >= 1);
    let (line, column, kind) = place(LanguageCode::Java, "class A {\n  int x = 1\n}");
    assert_eq!((line, column, kind), (2, 12, SyntaxKind::Missing(";".to_owned())));
}

#[test]
fn columns_count_characters() {
    let (line, column, _) = place(LanguageCode::Java, "class A {\n  String 한글 = \"한\"\n}");
    assert_eq!((line, column), (2, 18));
}

#[test]
fn what_a_lenient_grammar_takes_and_the_language_does_not_is_refused() {
    let (line, _, kind) = place(LanguageCode::Python, "def f():\n    print \"x\"\n");
    assert_eq!((line, kind), (2, SyntaxKind::Python2));
    for text in ["int add(int a, int b) { return a + b; }", "int x = 1; x += 2; foo(x);"] {
        assert_eq!(place(LanguageCode::Java, text).2, SyntaxKind::OutsideOfType, "{text}");
    }
}

#[test]
fn comments_imports_and_docstrings_are_nothing_to_test() {
    for (language, text) in [
        (LanguageCode::Python, "# a comment\n# another"),
        (LanguageCode::Python, "\"\"\"Only a docstring.\"\"\""),
        (LanguageCode::Python, "import os\nfrom sys import path\npass"),
        (LanguageCode::JavaScript, "// a comment\n/* another */"),
        (LanguageCode::JavaScript, "import x from 'x';;;"),
        (LanguageCode::TypeScript, "// a comment\n'use strict';"),
        (LanguageCode::Java, "// a comment\n/** another */"),
        (LanguageCode::Java, "package a.b;\nimport java.util.List;"),
    ] {
        assert_eq!(checked(language, text), Err(SourceProblem::NothingToTest), "{text}");
    }
}

#[test]
fn another_language_is_named() {
    for actual in LanguageCode::ALL {
        let text = facts(actual).placeholder;
        for chosen in LanguageCode::ALL {
            let accepted = chosen == actual
                || (chosen, actual) == (LanguageCode::TypeScript, LanguageCode::JavaScript);
            let expected = if accepted {
                Ok(())
            } else {
                Err(SourceProblem::OtherLanguage { chosen, actual })
            };
            assert_eq!(checked(chosen, text), expected, "{actual} as {chosen}");
        }
    }
}

#[test]
fn garbage_is_no_language() {
    for text in [
        "Dear Sir or Madam, please write tests.",
        "}{)(][ <> ::: ???",
        "SELECT * FROM users WHERE 1;",
    ] {
        for language in LanguageCode::ALL {
            let problem = checked(language, text).expect_err("garbage");
            assert!(matches!(problem, SourceProblem::Syntax { .. }), "{language}: {problem:?}");
        }
    }
}

#[test]
fn messages_say_what_and_where_in_both_languages() {
    let problem =
        checked(LanguageCode::Java, "class A {\n  int x = 1\n}").expect_err("no semicolon");
    assert_eq!(
        problem.message(Locale::English),
        "This is not valid Java: line 2, column 12: ; is missing."
    );
    assert!(problem.message(Locale::Korean).contains("2행 12열"));
    let problem = SourceProblem::OtherLanguage {
        chosen: LanguageCode::Python,
        actual: LanguageCode::TypeScript,
    };
    for locale in [Locale::Korean, Locale::English] {
        let message = problem.message(locale);
        assert!(message.contains("Python") && message.contains("TypeScript"), "{message}");
    }
}

#[test]
fn hostile_text_of_the_largest_size_gets_a_verdict() {
    for language in LanguageCode::ALL {
        for unit in ["(", "{[", "a(", "<", "class A{", "`${", "\"", "if a:\n "] {
            let text: String = unit.chars().cycle().take(SOURCE_MAX_CHARS).collect();
            // Whatever the verdict is: it comes, and the stack holds.
            let _ = checked(language, &text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_check_panic(text in "\\PC{10,200}|[a-z(){}\\[\\]<>:;=\"'`#/*\\\\ \n\t]{10,300}") {
        if let Ok(source) = SourceCode::parse(&text) {
            for language in LanguageCode::ALL {
                if let Err(problem) = check(&source, language) {
                    prop_assert!(!problem.message(Locale::English).is_empty());
                }
            }
        }
    }
}

use serde_json::{Value, json};

use crate::domain::{LanguageCode, Locale};

/// Why no tests can be written for a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceProblem {
    /// It does not parse.
    Syntax {
        /// The chosen language.
        language: LanguageCode,
        /// What is wrong, and where.
        problem: SyntaxProblem,
    },
    /// It does not parse in the chosen language, and does in another.
    OtherLanguage {
        /// The chosen language.
        chosen: LanguageCode,
        /// The language to choose.
        actual: LanguageCode,
    },
    /// It has comments, imports or nothing at all.
    NothingToTest,
    /// It is nested or broken in a way that takes too long to parse.
    TooComplex,
}

/// What is wrong with a source's syntax, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: SyntaxKind,
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxKind {
    /// Something that can't stand here.
    Unexpected,
    /// A token that must stand here; its text.
    Missing(String),
    /// A statement of Python 2.
    Python2,
    /// Java outside of a type.
    OutsideOfType,
}

impl SourceProblem {
    /// What is wrong and what to do about it, for the person who pasted the source.
    #[must_use]
    pub fn message(&self, locale: Locale) -> String {
        match (self, locale) {
            (Self::Syntax { language, problem }, _) => problem.message(*language, locale),
            (Self::OtherLanguage { chosen, actual }, Locale::Korean) => {
                let (chosen, actual) = (chosen.display_name(), actual.display_name());
                format!(
                    "이 코드는 {chosen}이(가) 아니라 {actual} 코드로 보입니다. 언어를 {actual}(으)로 선택해 주세요."
                )
            }
            (Self::OtherLanguage { chosen, actual }, Locale::English) => {
                let (chosen, actual) = (chosen.display_name(), actual.display_name());
                format!(
                    "This is not {chosen} but looks like {actual}. Choose {actual} as the language."
                )
            }
            (Self::NothingToTest, _) => locale
                .pick(
                    "테스트할 코드가 없습니다. 주석이나 import만 있는 코드는 테스트할 수 없습니다.",
                    "There is nothing to test: the source has only comments or imports.",
                )
                .to_owned(),
            (Self::TooComplex, _) => locale
                .pick(
                    "코드가 너무 복잡해서 분석할 수 없습니다. 나누어서 시도해 주세요.",
                    "The source is too complex to be parsed. Split it and try again.",
                )
                .to_owned(),
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn detail(&self) -> Value {
        match self {
            Self::Syntax { problem, .. } => {
                json!({ "line": problem.line, "column": problem.column })
            }
            Self::OtherLanguage { actual, .. } => json!({ "language": actual }),
            Self::NothingToTest | Self::TooComplex => json!({}),
        }
    }
}

impl SyntaxProblem {
    fn message(&self, language: LanguageCode, locale: Locale) -> String {
        let Self { line, column, kind } = self;
        let name = language.display_name();
        match locale {
            Locale::Korean => {
                let what = match kind {
                    SyntaxKind::Unexpected => "구문 오류가 있습니다".to_owned(),
                    SyntaxKind::Missing(token) => format!("{token} 이(가) 빠졌습니다"),
                    SyntaxKind::Python2 => {
                        "Python 2 구문이 있습니다. Python 3로 바꿔 주세요".to_owned()
                    }
                    SyntaxKind::OutsideOfType => {
                        "클래스 밖에 코드가 있습니다. class 안에 넣어 주세요".to_owned()
                    }
                };
                format!("올바른 {name} 코드가 아닙니다: {line}행 {column}열에 {what}.")
            }
            Locale::English => {
                let what = match kind {
                    SyntaxKind::Unexpected => "syntax error".to_owned(),
                    SyntaxKind::Missing(token) => format!("{token} is missing"),
                    SyntaxKind::Python2 => "a statement of Python 2; write Python 3".to_owned(),
                    SyntaxKind::OutsideOfType => {
                        "code outside of a type; put it into a class".to_owned()
                    }
                };
                format!("This is not valid {name}: line {line}, column {column}: {what}.")
            }
        }
    }
}

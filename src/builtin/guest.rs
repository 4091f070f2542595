use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};

use super::javascript::{self, Unreadable};
use super::python;
use crate::domain::{LanguageCode, SourceCode};
use crate::gateways::ExplorationError;

/// A language that is explored by a program in that language: it knows its own values best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guest {
    Python,
    JavaScript,
}

impl Guest {
    const ALL: [Self; 2] = [Self::Python, Self::JavaScript];

    pub(super) const fn of(language: LanguageCode) -> Option<Self> {
        match language {
            LanguageCode::Python => Some(Self::Python),
            LanguageCode::JavaScript => Some(Self::JavaScript),
            LanguageCode::TypeScript | LanguageCode::Java => None,
        }
    }

    /// The program that explores.
    pub(super) fn explorer(self) -> &'static str {
        match self {
            Self::Python => python::explorer(),
            Self::JavaScript => javascript::explorer(),
        }
    }

    /// What the host reads in a source, where the language has nothing to read itself with: further
    /// members of the plan. Takes milliseconds for an honest source.
    pub(super) fn reading(
        self,
        source: &SourceCode,
    ) -> Result<Map<String, Value>, ExplorationError> {
        match self {
            Self::Python => Ok(Map::new()),
            Self::JavaScript => {
                let additions = javascript::plan_additions(source.as_str())?;
                match serde_json::to_value(additions) {
                    Ok(Value::Object(members)) => Ok(members),
                    other => unreachable!("a struct is an object: {other:?}"),
                }
            }
        }
    }

    /// The test that hands the plan, a JSON text, to the explorer.
    pub(super) fn test(self, plan: &str) -> String {
        let plan = literal(plan);
        match self {
            Self::Python => format!("def test_explore():\n    explore({plan})\n"),
            // Jest's own limit of five seconds is not this test's.
            Self::JavaScript => format!("test('explore', () => explore({plan}), 3600000);\n"),
        }
    }
}

impl From<Unreadable> for ExplorationError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::TooComplex | Unreadable::Syntax => {
                Self::Unloadable { reason: unreadable.to_string() }
            }
            Unreadable::NothingToTest => Self::NothingTestable,
        }
    }
}

/// What changes whenever any of the explorers does. Made when it is first asked for: packing the
/// explorers is no work for a start.
pub(super) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut context = Context::new(&SHA256);
        for guest in Guest::ALL {
            context.update(guest.explorer().as_bytes());
        }
        URL_SAFE_NO_PAD.encode(context.finish())
    });
    &VERSION
}

/// A string literal, in either language. In single quotes, for JSON is full of double ones. JSON has
/// no line ends or other control characters.
fn literal(json: &str) -> String {
    format!("'{}'", json.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_as_a_literal_in_either_language() {
        let json = r#"{"source":"a = 'x' + \"\\n\"\n"}"#;
        assert_eq!(literal(json), r#"'{"source":"a = \'x\' + \\"\\\\n\\"\\n"}'"#);
    }

    #[test]
    fn there_is_a_guest_for_what_is_said_to_be_written_and_for_nothing_else() {
        for language in LanguageCode::ALL {
            let is_written = crate::builtin::WRITES.contains(&language);
            assert_eq!(Guest::of(language).is_some(), is_written, "{language}");
        }
    }

    #[test]
    fn an_explorer_is_a_program_that_a_job_can_hold() {
        for guest in Guest::ALL {
            let explorer = guest.explorer().to_owned();
            assert!(crate::domain::ProgramText::parse(explorer).is_ok(), "{guest:?}");
        }
    }
}

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A programming language TESTER writes tests for, as clients spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LanguageCode {
    /// Python, tested with pytest.
    Python,
    /// JavaScript, tested with Jest.
    JavaScript,
    /// TypeScript, tested with Jest.
    TypeScript,
    /// Java, tested with `JUnit` 5 and Mockito.
    Java,
}

impl LanguageCode {
    /// Every language, in the order clients list them.
    pub const ALL: [Self; 4] = [Self::Python, Self::JavaScript, Self::TypeScript, Self::Java];

    /// The code on the wire: lower case, as stored in the history.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Java => "java",
        }
    }

    /// The name a person reads.
    #[must_use]
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Java => "Java",
        }
    }
}

impl fmt::Display for LanguageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no language TESTER knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the language must be one of python, javascript, typescript, java")]
pub struct UnknownLanguage;

impl FromStr for LanguageCode {
    type Err = UnknownLanguage;

    /// Accepts the codes in any letter case, and nothing else: no aliases, no white space.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownLanguage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_any_case() {
        for (text, expected) in [
            ("python", LanguageCode::Python),
            ("PyThOn", LanguageCode::Python),
            ("JAVASCRIPT", LanguageCode::JavaScript),
            ("TypeScript", LanguageCode::TypeScript),
            ("jAVA", LanguageCode::Java),
        ] {
            assert_eq!(text.parse(), Ok(expected));
        }
    }

    #[test]
    fn aliases_and_padding_are_refused() {
        for text in ["", "py", "js", " python", "python\n", "pythоn", "c++"] {
            assert_eq!(text.parse::<LanguageCode>(), Err(UnknownLanguage), "{text:?}");
        }
    }
}

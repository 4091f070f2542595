//! The languages TESTER writes tests for: syntax check, detection, prompt, test framework. One file a
//! language, and no I/O in any.
//!
//! The syntax check is tree-sitter's: it knows the grammar of each language and nothing of its
//! compiler, so what it passes may still not compile (unknown names, wrong types), and a few words
//! of plain text may pass for an expression. It is there to catch what is certain to be useless,
//! before tokens are spent on it.

mod java;
mod javascript;
mod manifest;
mod names;
mod prepare;
mod problem;
mod prompt;
mod python;
pub(crate) mod syntax;
mod typescript;

pub use self::manifest::{
    Certainty, ExpectedTest, Manifest, Pattern, Reading, Role, Shadow, Side, manifest,
};
pub use self::prepare::{Prepared, prepare};
pub use self::problem::{SourceProblem, SyntaxProblem};
pub use self::prompt::{PROMPT_VERSION, prompt};
use self::syntax::{Grammar, Parsed};
use crate::domain::{LanguageCode, SourceCode};

/// What a client and a prompt need to know of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageFacts {
    /// The test framework, as people call it.
    pub framework: &'static str,
    /// What a downloaded test file is called.
    pub file_name: &'static str,
    /// A small source to try TESTER with.
    pub placeholder: &'static str,
}

/// The facts of a language.
#[must_use]
pub const fn facts(language: LanguageCode) -> &'static LanguageFacts {
    match language {
        LanguageCode::Python => &python::FACTS,
        LanguageCode::JavaScript => &javascript::FACTS,
        LanguageCode::TypeScript => &typescript::FACTS,
        LanguageCode::Java => &java::FACTS,
    }
}

/// Whether tests can be written for this source: it parses in its language and has something to
/// test. Takes about a millisecond for 10 000 characters, and
/// some two seconds for text made to be slow.
///
/// # Errors
///
/// [`SourceProblem`] says what is wrong and what to do.
pub fn check(source: &SourceCode, language: LanguageCode) -> Result<(), SourceProblem> {
    let text = source.as_str();
    match grammar(language).parse(text) {
        Parsed::Good => Ok(()),
        Parsed::Empty => Err(SourceProblem::NothingToTest),
        Parsed::TooComplex => Err(SourceProblem::TooComplex),
        Parsed::Bad(problem) => match detect(text, language) {
            Some(actual) => Err(SourceProblem::OtherLanguage { chosen: language, actual }),
            None => Err(SourceProblem::Syntax { language, problem }),
        },
    }
}

/// The first language besides the chosen one in which the text is sound and not just a few words.
/// JavaScript comes before TypeScript, whose grammar takes most of it.
fn detect(text: &str, chosen: LanguageCode) -> Option<LanguageCode> {
    LanguageCode::ALL
        .into_iter()
        .filter(|language| *language != chosen)
        .find(|language| grammar(*language).is_certainly(text))
}

const fn grammar(language: LanguageCode) -> &'static Grammar {
    match language {
        LanguageCode::Python => &python::GRAMMAR,
        LanguageCode::JavaScript => &javascript::GRAMMAR,
        LanguageCode::TypeScript => &typescript::GRAMMAR,
        LanguageCode::Java => &java::GRAMMAR,
    }
}

#[cfg(test)]
mod tests;

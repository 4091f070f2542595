//! Which tests a test code certainly has, read from its text alone.
//!
//! The host compares what a sandbox reports with this. A test that is required and never reports
//! makes a run incomplete, so only what no honest run can leave out is required: definitions that
//! are run without a condition, by their literal names. What stands under a condition, in a loop or
//! in a helper, what a decorator may replace, what is inherited, is optional or left out.

mod id_path;
mod java;
mod javascript;
mod javascript_shadows;
mod matching;
mod python;
mod python_classes;
mod title;

use self::id_path::IdPath;
use super::grammar;
use super::syntax::NoTree;
use crate::domain::LanguageCode;

/// What the host expects of a run, before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whether the test code could be read; if not, nothing is expected.
    pub reading: Reading,
    /// The tests, in the order of the text.
    pub expected: Vec<ExpectedTest>,
    /// Names of the test framework that the texts take for themselves.
    pub shadows: Vec<Shadow>,
}

/// How far a test code could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    Complete,
    /// Something in it is not of the language, as far as the grammar knows: any of the tests may be
    /// misread.
    Unsound,
    /// Not in time.
    TooSlow,
}

/// A test that the text defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTest {
    /// Which ids it can have.
    pub pattern: Pattern,
    /// The line of the test code that defines it, counted from 1.
    pub line: u32,
    /// Whether it must report.
    pub certainty: Certainty,
}

/// Which ids a test can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This one.
    Exact(String),
    /// This one, or several that begin with it and `[`.
    Parametrised(String),
    /// Any that begins with this; empty where nothing of the name is known.
    Prefix(String),
}

impl Pattern {
    /// The id, or what it begins with.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Exact(id) | Self::Parametrised(id) | Self::Prefix(id) => id,
        }
    }
}

/// Whether a test must report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It may.
    Optional,
    /// It must: no honest run leaves it out.
    Required,
}

/// A name of the test framework that a text takes for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The name.
    pub name: String,
    /// Which text takes it.
    pub side: Side,
    /// The line of that text, counted from 1.
    pub line: u32,
    /// What it is for in the framework.
    pub role: Role,
}

/// One of the two texts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The code under test.
    Source,
    /// The tests.
    Tests,
}

/// What a name is for in a test framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It judges (`expect`, `pytest`, `Assertions`): who takes it decides what passes, so a pass
    /// proves nothing.
    Judge,
    /// It finds and runs tests (`test`, `describe`): honest code may be called so, and its tests
    /// then don't run. Told apart because it explains tests that are missing.
    Runner,
}

/// Reads which tests the test code certainly has. Both texts are those that
/// [`prepare`](super::prepare()) gave. The source tells what names it takes. Takes about as long as
/// [`check`](super::check()) for both texts.
#[must_use]
pub fn manifest(language: LanguageCode, source: &str, tests: &str) -> Manifest {
    let grammar = grammar(language);
    let reading = match grammar.tree(tests) {
        Ok(tree) => {
            let source_tree = grammar.tree(source).ok();
            let tests = Text { root: tree.root_node(), text: tests };
            let source =
                source_tree.as_ref().map(|tree| Text { root: tree.root_node(), text: source });
            return match language {
                LanguageCode::Python => python::manifest(source, tests),
                LanguageCode::JavaScript | LanguageCode::TypeScript => {
                    javascript::manifest(source, tests)
                }
                LanguageCode::Java => java::manifest(source, tests),
            };
        }
        Err(NoTree::TooSlow) => Reading::TooSlow,
        Err(NoTree::Unsound) => Reading::Unsound,
    };
    Manifest { reading, expected: Vec::new(), shadows: Vec::new() }
}

/// A text and the tree of it.
#[derive(Clone, Copy)]
struct Text<'t> {
    root: tree_sitter::Node<'t>,
    text: &'t str,
}

impl Certainty {
    /// Required only where both are.
    fn and(self, other: bool) -> Self {
        if other { self } else { Self::Optional }
    }
}

#[cfg(test)]
mod tests;

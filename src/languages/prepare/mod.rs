//! Making source and tests fit together as the prompts promise: the tests find the code under test
//! without importing it, and no package or module name stands between them.
//!
//! Models write such imports in spite of their orders, and people paste files that have them; failing
//! on them helps nobody. Whatever is changed, every line stays where it is, and so does every column
//! but those behind a replaced import, so that places in messages are places in the user's text.

mod edits;
mod java;
mod javascript;
mod python;
mod stdlib;

use self::edits::Edits;
use super::grammar;
use crate::domain::LanguageCode;

/// Two texts that fit together.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The code under test.
    pub source: String,
    /// The tests.
    pub tests: String,
}

/// Never the texts: they are the user's property and have no place in a log.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({} + {} bytes)", self.source.len(), self.tests.len())
    }
}

/// Makes source and tests fit together. What can't be parsed (in time) is left as it is: its compiler
/// says best what is wrong with it.
///
/// - Java: packages go, with the imports of types of the source, and top-level types lose their
///   `public`, so that any of them can stand in one file. A static import of the source's members goes
///   too, though nothing can stand in for it: the default package has no name to import from.
/// - JavaScript, TypeScript: imports of the code under test and of Jest's globals go, or become
///   a `const` where they rename; so do those that the source has made already.
/// - Python: imports of the code under test become `pass`, or an assignment where they rename. A
///   module that Python has itself (`queue`) is never taken for it.
#[must_use]
pub fn prepare(language: LanguageCode, source: &str, tests: &str) -> Prepared {
    let grammar = grammar(language);
    let (Ok(source_tree), Ok(tests_tree)) = (grammar.tree(source), grammar.tree(tests)) else {
        return Prepared { source: source.to_owned(), tests: tests.to_owned() };
    };
    let of_source = Text { root: source_tree.root_node(), text: source };
    let of_tests = Text { root: tests_tree.root_node(), text: tests };
    let (in_source, in_tests) = match language {
        LanguageCode::Python => (Edits::default(), python::edits(of_source, of_tests)),
        LanguageCode::JavaScript | LanguageCode::TypeScript => {
            (javascript::edits_of_source(of_source), javascript::edits(of_source, of_tests))
        }
        LanguageCode::Java => {
            let names = java::Names::of(of_source, of_tests);
            (names.edits(of_source), names.edits(of_tests))
        }
    };
    Prepared { source: in_source.apply(source), tests: in_tests.apply(tests) }
}

/// A text and the tree of it.
#[derive(Clone, Copy)]
struct Text<'t> {
    root: tree_sitter::Node<'t>,
    text: &'t str,
}

#[cfg(test)]
mod tests;

//! The JavaScript half of the built-in engine.
//!
//! What can be known without running the code is found here, with tree-sitter: what there is to test,
//! which inputs it seems to take ([`reading`]), and an instrumented form of the source that reports what
//! a call reaches and that can turn into each of its mutants ([`instrument`], [`mutants`]). The rest is
//! up to the explorer, which runs in the sandbox: [`EXPLORER`].

mod instrument;
mod mutants;
mod reading;
mod shapes;

use serde::Serialize;
use thiserror::Error;

use self::instrument::{Alternatives, Instrumented, Point};
use self::mutants::Mutant;
use self::reading::{Example, Literals, Target};
use crate::languages::syntax::parse;

/// The explorer: a script that defines `explore(plan)`. It has to be called inside of a test, and its
/// promise awaited, with more time than Jest gives a test by default:
/// `test('explore', () => explore("…"), 60000)`.
pub(super) const EXPLORER: &str = match str::from_utf8(&STRIPPED) {
    Ok(text) => text,
    Err(_) => panic!("whole lines and blanks were left out"),
};

const SCRIPT: &str = concat!(
    include_str!("explorer/runtime.js"),
    include_str!("explorer/values.js"),
    include_str!("explorer/inputs.js"),
    include_str!("explorer/run.js"),
    include_str!("explorer/select.js"),
    include_str!("explorer/write.js"),
    include_str!("explorer/explore.js"),
);
static STRIPPED: [u8; strip::<0>(SCRIPT).1] = strip(SCRIPT).0;

/// A script without indentation and lines of comment, which a job has no room for, and its length. No
/// string of the explorer goes over a line end.
const fn strip<const N: usize>(script: &str) -> ([u8; N], usize) {
    let text = script.as_bytes();
    let mut stripped = [0; N];
    let mut length = 0;
    let mut at = 0;
    while at < text.len() {
        while at < text.len() && text[at] == b' ' {
            at += 1;
        }
        let is_comment = at + 1 < text.len() && text[at] == b'/' && text[at + 1] == b'/';
        while at < text.len() {
            let byte = text[at];
            at += 1;
            if !is_comment {
                if length < N {
                    stripped[length] = byte;
                }
                length += 1;
            }
            if byte == b'\n' {
                break;
            }
        }
    }
    (stripped, length)
}

/// The deepest nesting that is read; deeper code is left as it is. A tree may be as deep as the text is
/// long, and the instrumentation recurses.
const DEPTH_MAX: usize = 200;

/// What a plan for JavaScript has beside what all plans have.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Additions {
    /// The source with probes and mutants in it: the body of a function of the probe, `module`,
    /// `exports`, `require`, `__dirname` and `__filename`. It returns what the targets are found by.
    instrumented: String,
    /// What the instrumented source calls its probe.
    probe: String,
    /// The name of each operator by its number, and the numbers of those that replace it.
    operators: Alternatives,
    points: Vec<Point>,
    branches: usize,
    mutants: Vec<Mutant>,
    targets: Vec<Target>,
    literals: Literals,
    examples: Vec<Example>,
}

/// Why a source can't be explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Unreadable {
    /// It takes too long to parse.
    #[error("the code is nested in a way that takes too long to read")]
    TooComplex,
    /// It does not parse.
    #[error("the code is not sound JavaScript")]
    Syntax,
    /// It has neither a function nor a class that tests could reach.
    #[error("the code has no function or class to test at its top level")]
    NothingToTest,
}

/// Reads a source for the explorer.
///
/// # Errors
///
/// [`Unreadable`] says why there is nothing to explore.
pub(super) fn plan_additions(source: &str) -> Result<Additions, Unreadable> {
    let tree = parse(tree_sitter_javascript::LANGUAGE, source).ok_or(Unreadable::TooComplex)?;
    let root = tree.root_node();
    if root.has_error() {
        return Err(Unreadable::Syntax);
    }
    let targets = reading::targets(root, source);
    if targets.is_empty() {
        return Err(Unreadable::NothingToTest);
    }
    let Instrumented { text, probe, points, branches, mutants } =
        instrument::instrument(root, source, &targets);
    Ok(Additions {
        instrumented: text,
        probe,
        operators: instrument::alternatives(),
        points,
        branches,
        mutants,
        literals: reading::literals(root, source),
        examples: reading::examples(root, source),
        targets,
    })
}

#[cfg(test)]
mod tests;

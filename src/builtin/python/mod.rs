//! The Python half of the built-in engine: all of it is in the explorer, which runs in the sandbox
//! and reads the source with Python's own parser.

/// The explorer: a program that defines `explore(plan)`.
pub(super) const EXPLORER: &str = concat!(
    include_str!("explorer/ground.py"),
);

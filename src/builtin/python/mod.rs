//! The Python half of the built-in engine: all of it is in the explorer, which runs in the sandbox
//! and reads the source with Python's own parser.

/// The explorer: a program that defines `explore(plan)`. In the order of `order.txt`.
pub(super) const EXPLORER: &str = concat!(
    include_str!("explorer/ground.py"),
    include_str!("explorer/values.py"),
    include_str!("explorer/reading.py"),
    include_str!("explorer/kinds.py"),
    include_str!("explorer/inputs.py"),
    include_str!("explorer/instrument.py"),
    include_str!("explorer/mutants.py"),
    include_str!("explorer/cases.py"),
    include_str!("explorer/search.py"),
    include_str!("explorer/objects.py"),
    include_str!("explorer/keeping.py"),
    include_str!("explorer/writing.py"),
    include_str!("explorer/explore.py"),
);

use super::{Manifest, Reading, Text};

pub(super) fn manifest(_source: Option<Text<'_>>, _tests: Text<'_>) -> Manifest {
    Manifest { reading: Reading::Complete, expected: Vec::new(), shadows: Vec::new() }
}

use super::{Certainty, Manifest, Pattern, Reading, Role, Side, manifest};
use crate::domain::LanguageCode;

mod hostile;
mod java;
mod javascript;
mod matching;
mod python;

/// The required ids: exact as they are, parametrised with `[`, prefixes with `…`.
fn required(manifest: &Manifest) -> Vec<String> {
    of_certainty(manifest, Certainty::Required)
}

fn optional(manifest: &Manifest) -> Vec<String> {
    of_certainty(manifest, Certainty::Optional)
}

fn of_certainty(manifest: &Manifest, certainty: Certainty) -> Vec<String> {
    assert_eq!(manifest.reading, Reading::Complete);
    let expected = manifest.expected.iter().filter(|expected| expected.certainty == certainty);
    expected
        .map(|expected| match &expected.pattern {
            Pattern::Exact(id) => id.clone(),
            Pattern::Parametrised(id) => format!("{id}["),
            Pattern::Prefix(prefix) => format!("{prefix}…"),
        })
        .collect()
}

fn shadows(manifest: &Manifest) -> Vec<&str> {
    manifest.shadows.iter().map(|shadow| shadow.name.as_str()).collect()
}

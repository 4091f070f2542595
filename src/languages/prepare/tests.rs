mod hostile;
mod java;
mod javascript;
mod python;

use super::{Prepared, prepare};
use crate::domain::LanguageCode;

/// The tests as prepared, without the spaces at the ends of lines.
fn tests_of(prepared: &Prepared) -> Vec<&str> {
    prepared.tests.lines().map(str::trim_end).collect()
}

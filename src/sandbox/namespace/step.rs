//! Errors of a stage: what was being done, and what the kernel said.

use std::fmt::Display;
use std::io;

/// A step that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {source}")]
pub(super) struct StepError {
    pub(super) step: String,
    pub(super) source: io::Error,
}

/// Names the step in which something failed.
pub(super) trait During<T> {
    fn during(self, step: impl Display) -> Result<T, StepError>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, step: impl Display) -> Result<T, StepError> {
        self.map_err(|error| StepError { step: step.to_string(), source: error.into() })
    }
}

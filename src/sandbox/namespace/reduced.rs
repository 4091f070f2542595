//! The mode for hosts that refuse namespaces.

use std::io;
use std::process::ExitCode;

use super::step::{During as _, StepError};

/// Becomes the planned program, held by Landlock instead of namespaces.
pub(super) fn enter() -> Result<ExitCode, StepError> {
    Err(io::Error::from(io::ErrorKind::Unsupported)).during("enter the reduced mode")
}

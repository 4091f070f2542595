//! `tester supervise`: the inside of a sandbox. Engines start it; people never do.

use std::ffi::OsString;

use super::Outcome;
use crate::sandbox::supervisor;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The program that runs the tests, and its arguments.
    #[arg(last = true, required = true, value_name = "HARNESS")]
    harness: Vec<OsString>,
}

/// Before anything else: no settings, no logs, no runtime. A sandbox starts in milliseconds.
pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    supervisor::run(&args.harness)?;
    Ok(Outcome::Good)
}

//! Command line entry: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use tester::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}

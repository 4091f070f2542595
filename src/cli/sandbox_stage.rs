//! `tester sandbox-stage`: what the namespace engine starts for each sandbox. Not for people.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::sandbox::namespace::{Part, run_stage};

/// Options of `tester sandbox-stage`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which part of the work.
    part: StagePart,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StagePart {
    Outside,
    Inside,
    Reduced,
    ReducedInside,
}

/// Does the stage's work in this process, which must have one thread.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    run_stage(match args.part {
        StagePart::Outside => Part::Outside,
        StagePart::Inside => Part::Inside,
        StagePart::Reduced => Part::Reduced,
        StagePart::ReducedInside => Part::ReducedInside,
    })
}

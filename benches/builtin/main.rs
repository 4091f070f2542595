//! What the built-in engine is worth: suites for programs that have a correct and a buggy version,
//! written from the correct one and run on both, in real sandboxes of this process.
//!
//! Run it with `scripts/eval builtin`; docs/builtin.md says what each figure means.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program: its product is what it prints"
)]

#[path = "../shared/command_line.rs"]
#[expect(dead_code, reason = "shared with the benchmarks, which use more of it")]
mod command_line;
mod options;
#[path = "../shared/page.rs"]
#[expect(dead_code, reason = "shared with the benchmarks, which use more of it")]
mod page;
mod program;
mod report;
mod sandboxes;
#[path = "../shared/statistics.rs"]
mod statistics;
mod trial;

use std::process::ExitCode;

use anyhow::bail;

use crate::options::Options;
use crate::program::{Program, Variant};
use crate::report::Report;
use crate::sandboxes::Sandboxes;
use crate::trial::Trial;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let options = command_line::parse();
        runtime.block_on(run(&options))
    });
    command_line::end("builtin", outcome)
}

async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let programs = Program::read(options)?;
    if programs.is_empty() {
        bail!("there is no program to write tests for");
    }
    let sandboxes = Sandboxes::start(&programs).await?;
    let mut trials = Vec::new();
    for program in &programs {
        for variant in Variant::ALL {
            let Some(pair) = program.pair(variant) else { continue };
            let trial = Trial::run(&sandboxes, options, program, variant, pair).await?;
            eprintln!("{}", trial.line());
            trials.push(trial);
        }
    }
    sandboxes.stop().await;
    let report = Report::new(&trials);
    page::show(&report.text(options.verbose), &report.json(), options.json.as_deref())?;
    if options.smoke {
        let wrong = report.misses_of_smoke();
        if !wrong.is_empty() {
            bail!("{}", wrong.join("; "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

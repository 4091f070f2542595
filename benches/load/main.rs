//! What becomes of TESTER under load: the shipped executable as `tester serve` and `tester worker`,
//! between a real Redis, a real PostgreSQL behind Supabase Lite, and stand-ins for the model and the
//! bot check.
//!
//! Run it with `scripts/bench load`; docs/benchmarks.md says what each figure means. It fails where
//! anything was answered wrongly, lost, or charged or refunded other than once, and never for a time.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program: its product is what it prints"
)]
#![expect(unreachable_pub, reason = "a benchmark exports nothing; the stores it shares say pub")]

mod audit;
mod client;
#[path = "../shared/command_line.rs"]
mod command_line;
#[path = "../shared/folder.rs"]
mod folder;
#[path = "../shared/machine.rs"]
mod machine;
mod memory;
mod mistakes;
mod model;
mod options;
#[path = "../shared/page.rs"]
mod page;
#[path = "../shared/ready.rs"]
mod ready;
mod report;
mod server;
mod soak;
#[path = "../../tests/data/stack/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of the stores, which use more of it")]
mod stack;
mod stage;
mod streams;
mod support;
mod tally;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::machine::Machine;
use crate::options::Options;
use crate::report::Report;
use crate::stage::Stage;

fn main() -> ExitCode {
    command_line::end("load", run(&command_line::parse()))
}

fn run(options: &Options) -> anyhow::Result<ExitCode> {
    // Nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let machine = Machine::describe();
    let effort = options.effort();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(machine::cores())
        .enable_all()
        .build()?;
    let (report, right) = runtime.block_on(async {
        let stage = Stage::set_up(effort).await.context("starting what is under load")?;
        let streams = streams::run(&stage).await.context("streams")?;
        let soak = soak::run(&stage).await.context("soak")?;
        let audit = audit::run(&stage).await.context("audit")?;
        let right = stage.mistakes.none();
        let mistakes = stage.mistakes.told();
        anyhow::Ok((Report { machine, effort, streams, soak, audit, mistakes }, right))
    })?;
    page::show(&report.text(), &report.json(), options.json.as_deref())?;
    println!("\n{}", report.verdict());
    if options.write && right {
        report.write_to_docs()?;
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

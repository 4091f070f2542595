//! `generate` from the outside: the shipped executable under load, beside nginx as plain reverse
//! proxy and beside the model's stand-in itself.
//!
//! Run it with `scripts/bench generate`; docs/benchmarks.md says what each figure means. The peer
//! and the load client live in this process, each on a thread of its own, so that one clock stamps
//! a chunk when it leaves the peer and when it reaches the client. The servers under test are
//! processes of their own.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program: its product is what it prints"
)]

mod answer;
#[path = "../shared/command_line.rs"]
mod command_line;
#[path = "../shared/connection.rs"]
mod connection;
mod contender;
#[path = "../shared/crew.rs"]
mod crew;
mod figure;
#[path = "../shared/folder.rs"]
mod folder;
mod load;
#[path = "../shared/machine.rs"]
mod machine;
mod measure;
mod memory;
mod options;
#[path = "../shared/page.rs"]
mod page;
#[path = "../shared/peer_thread.rs"]
mod peer_thread;
#[path = "../shared/process.rs"]
mod process;
mod report;
#[path = "../shared/statistics.rs"]
mod statistics;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::contender::ContenderKind;
use crate::figure::Readings;
use crate::machine::Machine;
use crate::measure::Bench;
use crate::options::Options;
use crate::report::Report;

fn main() -> ExitCode {
    command_line::end("generate", run(&command_line::parse()))
}

fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let contenders = options.contenders();
    if contenders.contains(&ContenderKind::Nginx) && contender::nginx_version().is_none() {
        eprintln!(
            "bench generate: nginx is the yardstick and is not installed: `apt-get install nginx` \
             (or leave it out with --only peer,tester)"
        );
        return Ok(ExitCode::from(2));
    }
    let machine = Machine::describe();
    let effort = options.effort();
    let bench = Bench::start(effort)?;
    let mut readings = Readings::default();
    for round in 1..=effort.rounds {
        for &kind in &contenders {
            eprintln!("round {round} of {}: {kind}", effort.rounds);
            bench.measure(kind, &mut readings).with_context(|| format!("measuring {kind}"))?;
        }
    }
    let report = Report::new(machine, effort, &readings);
    page::show(&report.table(), &report.json(), options.json.as_deref())?;
    if options.write {
        report.write_to_docs()?;
    }
    if options.check && report.misses_an_aim() {
        eprintln!("bench generate: an aim is missed");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

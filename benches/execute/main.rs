//! `POST /execute` from the outside: the shipped executable as `tester worker`, on each engine,
//! beside the bare test frameworks and beside `docker run` of them.
//!
//! Run it with `scripts/bench execute`; docs/benchmarks.md says what each figure means. Workers and
//! frameworks are processes of their own; what this process does meanwhile is little enough to
//! share two cores with them: a blocking socket a run in flight.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program: its product is what it prints"
)]

#[path = "../shared/command_line.rs"]
mod command_line;
mod floor;
#[path = "../shared/folder.rs"]
mod folder;
mod http;
mod kernel;
#[path = "../shared/machine.rs"]
mod machine;
mod measure;
mod options;
#[path = "../shared/page.rs"]
mod page;
mod program;
mod readings;
#[path = "../shared/ready.rs"]
mod ready;
mod report;
mod sandboxes;
#[path = "../shared/statistics.rs"]
mod statistics;
mod tables;
mod throughput;
mod worker;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::floor::Floor;
use crate::machine::Machine;
use crate::measure::Bench;
use crate::options::Options;
use crate::readings::Readings;
use crate::report::Report;
use crate::worker::Images;

fn main() -> ExitCode {
    command_line::end("execute", run(&command_line::parse()))
}

fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let machine = Machine::describe();
    let effort = options.effort();
    let images = options.needs_docker().then(Images::build).transpose()?;
    let floor = Floor::find(images)?;
    let bench = Bench::new(effort, floor, options.engines());
    let mut readings = Readings::default();
    for round in 1..=effort.rounds {
        eprintln!("round {round} of {}", effort.rounds);
        bench.measure(round, &mut readings).with_context(|| format!("round {round}"))?;
    }
    let report = Report::new(machine, effort, bench.floor().versions(), &readings);
    page::show(&report.text(), &report.json(), options.json.as_deref())?;
    if options.write {
        report.write_to_docs()?;
    }
    if options.check && report.misses_an_aim() {
        eprintln!("bench execute: an aim is missed");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

//! What a user's data costs from the outside: the shipped executable as `tester serve` between a
//! real Redis and stand-ins for everything else.
//!
//! Run it with `scripts/bench data`; docs/benchmarks.md says what each figure means. The peers and
//! the load live in this process, on threads of their own; TESTER and Redis are processes of their
//! own.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program: its product is what it prints"
)]

mod cipher;
#[path = "../shared/command_line.rs"]
mod command_line;
#[path = "../shared/connection.rs"]
mod connection;
#[path = "../shared/crew.rs"]
mod crew;
mod fernet;
#[path = "../shared/folder.rs"]
mod folder;
mod load;
#[path = "../shared/machine.rs"]
mod machine;
mod measure;
mod options;
mod outage;
#[path = "../shared/page.rs"]
mod page;
#[path = "../shared/peer_thread.rs"]
mod peer_thread;
#[path = "../shared/process.rs"]
mod process;
mod project;
mod question;
mod readings;
mod redis;
mod report;
mod server;
#[path = "../shared/statistics.rs"]
mod statistics;
mod tables;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::machine::Machine;
use crate::options::Options;
use crate::readings::Readings;
use crate::report::Report;

fn main() -> ExitCode {
    command_line::end("data", run(&command_line::parse()))
}

fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(redis) = redis::version() else {
        eprintln!("bench data: redis-server is not installed: `apt-get install redis-server`");
        return Ok(ExitCode::from(2));
    };
    let machine = Machine::describe();
    let effort = options.effort();
    let mut readings = Readings::default();
    for round in 1..=effort.rounds {
        eprintln!("round {round} of {}", effort.rounds);
        measure::round(effort, &mut readings).with_context(|| format!("round {round}"))?;
    }
    let report = Report::new(machine, effort, &redis, &readings);
    page::show(&report.text(), &report.json(), options.json.as_deref())?;
    if options.write {
        report.write_to_docs()?;
    }
    Ok(ExitCode::SUCCESS)
}

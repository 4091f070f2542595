//! `tester check-env`: what the program would say at start, said without starting it.
//!
//! The settings are loaded by the very constructor that `serve` and `worker` use; the report lays
//! its verdict out a row a variable. With `--online`, sound settings are then tried on each
//! dependency.

mod report;

use std::io::Write;

use anyhow::Context as _;
use clap::ValueEnum;

use super::{Outcome, SourceArgs};
use crate::app::environment::SourceFiles;
use crate::app::probes::{PROBE_DEADLINE, Probe, Prober};
use crate::config::{Role, ServeSettings, WorkerSettings};
use report::{Online, Report};

/// Options of `tester check-env`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which half's settings to check.
    #[arg(long, value_enum, default_value_t = CheckedRole::Serve)]
    role: CheckedRole,
    /// Also asks each dependency, with a deadline of 5 s each.
    #[arg(long)]
    online: bool,
    /// How to report.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    sources: SourceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckedRole {
    /// The web half.
    Serve,
    /// The execution half.
    Worker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs; one object, described at the report's type.
    Json,
}

/// Checks the settings and reports. Bad when a setting is, or when a dependency is down.
///
/// # Errors
///
/// When the report can't be written or the machine can't make HTTP calls.
pub fn run(args: Args, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let sources = SourceFiles::from(args.sources).read();
    let (role, loaded) = match args.role {
        CheckedRole::Serve => (Role::Serve, ServeSettings::load(&sources).map(Some)),
        CheckedRole::Worker => (Role::Worker, WorkerSettings::load(&sources).map(|_| None)),
    };
    let online = match (args.online, &loaded) {
        (false, _) => Online::NotAsked,
        (true, Err(_)) => Online::Skipped,
        (true, Ok(None)) => Online::Answered(Vec::new()),
        (true, Ok(Some(settings))) => Online::Answered(ask(settings)?),
    };
    let problems = loaded.err().unwrap_or_default();
    let report = Report::new(role, &sources.environment, &problems, &online);
    match args.format {
        Format::Table => write!(output, "{report}"),
        Format::Json => writeln!(output, "{}", report.to_json()),
    }
    .and_then(|()| output.flush())
    .context("the report can't be written out")?;
    Ok(if report.is_good() { Outcome::Good } else { Outcome::Bad })
}

fn ask(settings: &ServeSettings) -> anyhow::Result<Vec<Probe>> {
    let prober = Prober::new(PROBE_DEADLINE);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime can't be started")?;
    Ok(runtime.block_on(prober.ask_all(settings)))
}

//! `tester rotate-keys`: brings all stored texts under the current key, while the service runs.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::{Outcome, SourceArgs, refuse};
use crate::app::environment::SourceFiles;
use crate::app::startup;
use crate::app::telemetry;
use crate::config::RotationSettings;
use crate::repositories::{ROTATION_PAGE_MAX, Rotation, RotationMode, RotationReport};

/// Time between two lines of progress.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Options of `tester rotate-keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = HOW_TO_ROTATE)]
pub struct Args {
    /// Read and open every row, and count what is under which key; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Rows read at a time, at most 500. Each may have a megabyte.
    #[arg(long, value_name = "ROWS", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(ROTATION_PAGE_MAX)))]
    page_size: u32,
    #[command(flatten)]
    sources: SourceArgs,
}

const HOW_TO_ROTATE: &str = "\
A rotation, without a moment in which a row can't be read:

  1. `tester keygen` makes the new key. Give it to every instance in DATA_ENCRYPTION_KEYS_RETIRED.
  2. Exchange the two: the new key in DATA_ENCRYPTION_KEY, the old one in
     DATA_ENCRYPTION_KEYS_RETIRED. Once every instance is deployed, nothing is written under the old.
  3. `tester rotate-keys`, with the same settings. It may be stopped at any time and started again.
  4. When it counts no row that is left, take the old key away.

Exit status: 0 when every row is readable and under the current key, 1 otherwise.";

/// Rotates and tells. Bad when rows are left: they are named, with what is wrong.
///
/// # Errors
///
/// When the database can't be reached, or the report can't be written.
pub fn run(
    args: Args,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let sources = SourceFiles::from(args.sources).read();
    let settings = match RotationSettings::load(&sources) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems, errors),
    };
    let mode = if args.dry_run { RotationMode::DryRun } else { RotationMode::Rotate };
    let report = super::runtime()?.block_on(async {
        telemetry::init(&settings.telemetry, "tester-rotate-keys")?;
        let supabase = startup::stored_rows(&settings)?;
        supabase.ping().await.context("the database can't be used")?;
        let mut told = Instant::now();
        let progress = |rotation: &Rotation| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                // Who closed the pipe is told by the report.
                let _ = writeln!(output, "… {}", counts(mode, rotation));
                let _ = output.flush();
            }
        };
        let rotated = supabase.rotate(mode, args.page_size, progress).await;
        rotated.context("stopped; what is done stays done, and the next run goes on from there")
    })?;
    write_report(output, mode, &report).context("the report can't be written out")?;
    let complete = report.remaining == 0 && report.rotation.all_readable();
    // A dry run is about what could be done.
    let fine = if args.dry_run { report.rotation.all_readable() } else { complete };
    Ok(if fine { Outcome::Good } else { Outcome::Bad })
}

fn write_report(
    output: &mut impl Write,
    mode: RotationMode,
    report: &RotationReport,
) -> std::io::Result<()> {
    writeln!(output, "{}", counts(mode, &report.rotation))?;
    let current = report.rows.saturating_sub(report.remaining);
    writeln!(output, "{} rows in all, {current} under the current key", report.rows)?;
    if !report.rotation.all_readable() {
        writeln!(output, "rows that can't be read, left as they are:")?;
        for (id, reason) in &report.rotation.unreadable {
            writeln!(output, "  {id}  {reason}")?;
        }
    }
    output.flush()
}

fn counts(mode: RotationMode, rotation: &Rotation) -> String {
    let Rotation { seen, rotated, legacy, unreadable } = rotation;
    let verb = match mode {
        RotationMode::Rotate => "re-encrypted",
        RotationMode::DryRun => "to re-encrypt",
    };
    let unreadable = unreadable.len();
    format!(
        "{seen} rows read, {rotated} {verb} ({legacy} of earlier services), {unreadable} unreadable"
    )
}

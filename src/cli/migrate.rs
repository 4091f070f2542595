//! `tester migrate`: the schema of the Supabase project, for whoever may apply it.

use std::io::Write;

use anyhow::Context as _;

use super::Outcome;
use crate::repositories::MIGRATIONS;

/// Options of `tester migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = HOW_TO_APPLY)]
pub struct Args {
    /// Print every migration in its order. TESTER never applies them itself: its key reaches rows,
    /// not the schema.
    #[arg(long, required = true)]
    print: bool,
}

const HOW_TO_APPLY: &str = "\
Apply them as the owner of the database, all or nothing; each may be applied twice:

  tester migrate --print | psql \"$DATABASE_URL\" --single-transaction -v ON_ERROR_STOP=1

or paste them into the SQL editor of the Supabase dashboard, or put the files of supabase/migrations
into the folder of that name and run `supabase db push`. `tester check-env --online` tells whether
they are applied.";

/// Prints the migrations.
///
/// # Errors
///
/// When they can't be written out.
pub fn run(_: &Args, output: &mut impl Write) -> anyhow::Result<Outcome> {
    for migration in MIGRATIONS {
        writeln!(output, "-- === {}\n\n{}", migration.name, migration.sql.trim_end())
            .and_then(|()| writeln!(output))
            .context("the migrations can't be written out")?;
    }
    output.flush().context("the migrations can't be written out")?;
    Ok(Outcome::Good)
}

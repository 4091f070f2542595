//! `tester dev`: everything in one process, for this machine only.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;

use super::signals::stop_requested;
use super::{Outcome, SourceArgs, refuse};
use crate::app::environment::SourceFiles;
use crate::app::startup::Application;
use crate::app::telemetry;
use crate::config::DevSettings;

/// Options of `tester dev`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the database and the keys live, instead of .tester in the working directory.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    sources: SourceArgs,
}

/// Serves this machine until the process is asked to stop.
///
/// # Errors
///
/// When the server can't start or fails while it runs.
pub fn run(
    args: Args,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let sources = SourceFiles::from(args.sources).read();
    let mut settings = match DevSettings::load(&sources) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems, errors),
    };
    if let Some(data_dir) = args.data_dir {
        settings.data_dir = data_dir;
    }
    let can_generate = settings.gemini.is_some();
    super::runtime()?.block_on(async {
        telemetry::init(&settings.common.telemetry, "tester-dev")?;
        let application = Application::dev(settings).await?;
        let stop = stop_requested();
        writeln!(output, "TESTER is ready at http://{}", application.address())?;
        if !can_generate {
            writeln!(
                output,
                "GEMINI_API_KEY is not set, so nothing can be generated yet. Put a key from \
                 Google AI Studio into the environment or a .env file and start again."
            )?;
        }
        output.flush()?;
        application.run_until(stop).await.context("the server failed")
    })?;
    Ok(Outcome::Good)
}

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
    let has_model = settings.gemini.is_some();
    let has_builtin = settings.common.builtin.offered;
    super::runtime()?.block_on(async {
        telemetry::init(&settings.common.telemetry, "tester-dev")?;
        let application = Application::dev(settings).await?;
        let stop = stop_requested();
        writeln!(output, "TESTER is ready at http://{}", application.address())?;
        if !has_model {
            let without = if has_builtin {
                "the built-in engine writes the tests, for Python and JavaScript. For a model"
            } else {
                "nothing can be generated yet. For that"
            };
            writeln!(
                output,
                "GEMINI_API_KEY is not set, so {without}, put a key from Google AI Studio into \
                 the environment or a .env file and start again."
            )?;
        }
        output.flush()?;
        application.run_until(stop).await.context("the server failed")
    })?;
    Ok(Outcome::Good)
}

//! `tester serve`: the web half. Starts only when every setting is right.

use std::io::Write;

use anyhow::Context as _;

use super::signals::stop_requested;
use super::{Outcome, SourceArgs, refuse};
use crate::app::environment::SourceFiles;
use crate::app::startup::Application;
use crate::app::telemetry;
use crate::config::ServeSettings;

/// Options of `tester serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    sources: SourceArgs,
}

/// Serves until the process is asked to stop. Bad when a setting is: all problems are named at once.
///
/// # Errors
///
/// When the server can't start or fails while it runs.
pub fn run(args: Args, errors: &mut impl Write) -> anyhow::Result<Outcome> {
    let sources = SourceFiles::from(args.sources).read();
    let settings = match ServeSettings::load(&sources) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems, errors),
    };
    super::runtime()?.block_on(async {
        telemetry::init(&settings.common.telemetry, "tester-serve")?;
        let application = Application::serve(settings).await?;
        let stop = stop_requested();
        tracing::info!(address = %application.address(), "ready");
        application.run_until(stop).await.context("the server failed")
    })?;
    Ok(Outcome::Good)
}

//! `tester worker`: the execution half. Starts only when every setting is right and every sandbox
//! has shown what it can do.

use std::io::Write;

use anyhow::Context as _;

use super::signals::stop_requested;
use super::{Outcome, SourceArgs, refuse};
use crate::app::engines;
use crate::app::environment::SourceFiles;
use crate::app::startup::Application;
use crate::app::telemetry;
use crate::config::WorkerSettings;

/// Options of `tester worker`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Builds the images of the docker engine's sandboxes and ends.
    #[arg(long)]
    build_images: bool,
    /// What --build-images builds on, instead of sandbox.docker.base_image.
    #[arg(long, value_name = "IMAGE", requires = "build_images")]
    base_image: Option<String>,
    #[command(flatten)]
    sources: SourceArgs,
}

/// Serves until the process is asked to stop. Bad when a setting is: all problems are named at once.
///
/// # Errors
///
/// When sandboxes can't be made as they must be, or the server can't start or fails.
pub fn run(
    args: Args,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let sources = SourceFiles::from(args.sources).read();
    if args.build_images {
        return build_images(&sources, args.base_image, output, errors);
    }
    let settings = match WorkerSettings::load(&sources) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems, errors),
    };
    telemetry::init_logs(&settings.telemetry)?;
    super::runtime()?.block_on(async {
        let application = Application::worker(settings).await?;
        tracing::info!(address = %application.address(), "ready");
        application.run_until(stop_requested()).await.context("the server failed")
    })?;
    Ok(Outcome::Good)
}

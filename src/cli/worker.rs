//! `tester worker`: the execution half. Starts only when every setting is right and every sandbox
//! has shown what it can do.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;

use super::signals::stop_requested;
use super::{Outcome, SourceArgs, refuse};
use crate::app::engines;
use crate::app::environment::SourceFiles;
use crate::app::startup::Application;
use crate::app::telemetry;
use crate::config::{SandboxSettings, Sources, WorkerSettings};

/// Options of `tester worker`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Builds the images of the docker engine's sandboxes and ends.
    #[arg(long)]
    build_images: bool,
    /// What --build-images builds on, instead of `sandbox.docker.base_image`.
    #[arg(long, value_name = "IMAGE", requires = "build_images")]
    base_image: Option<String>,
    /// Where the namespace engine keeps the test frameworks, instead of .tester in the working
    /// directory.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
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
    output: &mut (impl Write + Send),
    errors: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let sources = SourceFiles::from(args.sources).read();
    if args.build_images {
        return build_images(&sources, args.base_image, output, errors);
    }
    let mut settings = match WorkerSettings::load(&sources) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems, errors),
    };
    if let Some(data_dir) = args.data_dir {
        settings.data_dir = data_dir;
    }
    super::runtime()?.block_on(async {
        telemetry::init(&settings.telemetry, "tester-worker")?;
        let application = Application::worker(settings).await?;
        let stop = stop_requested();
        tracing::info!(address = %application.address(), "ready");
        application.run_until(stop).await.context("the server failed")
    })?;
    Ok(Outcome::Good)
}

/// Builds the images that this executable's docker engine starts sandboxes from.
fn build_images(
    sources: &Sources,
    base_image: Option<String>,
    output: &mut (impl Write + Send),
    errors: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let mut settings = match SandboxSettings::load(sources) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems, errors),
    };
    if let Some(base_image) = base_image {
        settings.docker.base_image = base_image;
    }
    super::runtime()?.block_on(engines::build_images(&settings.docker, output))?;
    Ok(Outcome::Good)
}

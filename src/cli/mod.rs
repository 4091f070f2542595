//! The command line: one file a subcommand, each with its arguments and what it does.

pub mod check_env;
pub mod dev;
pub mod healthcheck;
pub mod keygen;
pub mod migrate;
pub mod rotate_keys;
#[cfg(target_os = "linux")]
pub mod sandbox_stage;
pub mod serve;
mod signals;
#[cfg(target_os = "linux")]
mod supervise;
pub mod worker;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::app::environment::SourceFiles;
use crate::config::Problems;

/// Turns pasted source code into unit tests, streamed while they are written.
#[derive(Debug, Parser)]
#[command(name = "tester", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit status: 0 good, 1 bad, 2 wrong usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the web half: for production, with every dependency.
    Serve(serve::Args),
    /// Runs everything in one process, for this machine only; needs nothing installed.
    Dev(dev::Args),
    /// Runs the execution half: tests in sandboxes, for the web half alone.
    Worker(worker::Args),
    /// Checks the settings and says how to put them right; never shows a value.
    CheckEnv(check_env::Args),
    /// Asks whether the server beside it is alive: the health check of a container.
    Healthcheck(healthcheck::Args),
    /// Prints fresh secrets as lines of a .env file.
    Keygen,
    /// Prints the schema of the Supabase project as SQL, for a new project and for an existing one.
    Migrate(migrate::Args),
    /// Re-encrypts stored rows under the current key, while the service runs.
    RotateKeys(rotate_keys::Args),
    /// Makes a sandbox around itself; started by TESTER, never by hand.
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    SandboxStage(sandbox_stage::Args),
    /// The inside of a sandbox.
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Supervise(supervise::Args),
}

/// Where settings come from.
#[derive(Clone, Debug, clap::Args)]
pub struct SourceArgs {
    /// Environment variables to read instead of .env; those of the process win.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// TOML file of knobs that override the built-in ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How a command ended. Wrong usage ends it before it starts, with status 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Status 0.
    Good,
    /// Status 1: what was asked for is not so, and the command has said why.
    Bad,
}

impl From<SourceArgs> for SourceFiles {
    fn from(args: SourceArgs) -> Self {
        Self { env_file: args.env_file, config: args.config }
    }
}

/// Runs the command. The exit status is 0 when all is good and 1 otherwise.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(args, &mut stderr),
        Command::Dev(args) => dev::run(args, &mut stdout, &mut stderr),
        Command::Worker(args) => worker::run(args, &mut stdout, &mut stderr),
        Command::CheckEnv(args) => check_env::run(args, &mut stdout),
        Command::Healthcheck(args) => healthcheck::run(args, &mut stdout, &mut stderr),
        Command::Keygen => keygen::run(&mut stdout),
        Command::RotateKeys(args) => rotate_keys::run(args, &mut stdout, &mut stderr),
        Command::Migrate(args) => migrate::run(&args, &mut stdout),
        #[cfg(target_os = "linux")]
        Command::SandboxStage(args) => return sandbox_stage::run(&args),
        #[cfg(target_os = "linux")]
        Command::Supervise(args) => supervise::run(&args),
    };
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(error) => {
            // Without a standard error there is nobody left to tell.
            let _ = writeln!(stderr, "tester: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with the settings.
fn refuse(problems: &Problems, errors: &mut impl io::Write) -> anyhow::Result<Outcome> {
    write!(errors, "{problems}").context("the problems can't be written out")?;
    Ok(Outcome::Bad)
}

/// The runtime of the process itself. One thread is enough: the server's workers have their own.
fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("the runtime can't start")
}

//! `tester healthcheck`: whether the server beside it is alive. For the health check of a
//! container, whose image holds nothing else that could ask.

use std::io::Write;
use std::net::SocketAddr;

use super::{Outcome, SourceArgs, refuse};
use crate::app::environment::SourceFiles;
use crate::app::liveness;
use crate::config::ListenSettings;

/// Options of `tester healthcheck`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the server listens, as IP:PORT; by default where HOST and PORT say.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    #[command(flatten)]
    sources: SourceArgs,
}

/// Asks once. Bad when the server does not answer, or is shutting down.
///
/// # Errors
///
/// When the answer can't be written out.
pub fn run(
    args: Args,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let address = match args.address {
        Some(address) => address,
        None => match ListenSettings::load(&SourceFiles::from(args.sources).read()) {
            Ok(settings) => liveness::own_address(&settings),
            Err(problems) => return refuse(&problems, errors),
        },
    };
    match super::runtime()?.block_on(liveness::ask(address)) {
        Ok(()) => {
            writeln!(output, "{address} is well")?;
            Ok(Outcome::Good)
        }
        Err(why) => {
            writeln!(errors, "{address}: {why}")?;
            Ok(Outcome::Bad)
        }
    }
}

use std::path::{Path, PathBuf};

use clap::Parser;
use tester::config::constants::builtin::BUDGET_MS;
use tester::domain::LanguageCode;

/// Writes suites with the built-in engine for programs with a correct and a buggy version, and counts
/// what they notice.
#[derive(Debug, Parser)]
#[command(name = "builtin")]
pub(crate) struct Options {
    /// Files of programs (JSON, one a line), or folders of such files (*.jsonl). Without any, the
    /// programs that come with the project.
    #[arg(long, value_name = "FILE-OR-FOLDER", num_args = 1..)]
    programs: Vec<PathBuf>,
    /// Only programs in these languages.
    #[arg(long, value_name = "LANGUAGES", value_delimiter = ',')]
    pub(crate) language: Vec<LanguageCode>,
    /// Only so many programs of each file, evenly spread over it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Only programs whose id holds this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// What a suite may take.
    #[arg(long, value_name = "MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(BUDGET_MS))]
    pub(crate) budget_ms: u64,
    /// Where the search begins.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u32,
    /// Name the programs without a suite, the buggy versions that no test noticed, and the suites that
    /// failed on a correct version.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Keep the suites in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// Write everything as JSON to this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Exit with 1 unless the programs of the project have suites that notice most of the bugs and
    /// never fail without one.
    #[arg(long, conflicts_with_all = ["programs", "limit", "only", "language"])]
    pub(crate) smoke: bool,
}

impl Options {
    pub(crate) fn programs(&self) -> Vec<PathBuf> {
        if self.programs.is_empty() {
            return vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/builtin/programs")];
        }
        self.programs.clone()
    }
}

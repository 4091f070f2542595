use anyhow::Context as _;
use tempfile::TempDir;

/// A folder in cargo's target folder: on a real disk where /tmp may be memory, and deleted when
/// dropped.
pub(crate) fn scratch(benchmark: &str) -> anyhow::Result<TempDir> {
    TempDir::with_prefix_in(format!("bench-{benchmark}-"), env!("CARGO_TARGET_TMPDIR"))
        .context("creating a scratch folder")
}

//! The host's own interpreters and compilers, and what is installed beside them once.

use std::path::PathBuf;

use crate::domain::Runtime;

/// A runtime of this host, ready to be shown to sandboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Which.
    pub runtime: Runtime,
    /// The interpreter itself, no shim and no link.
    pub interpreter: PathBuf,
    /// Folders outside the system's own that it needs to read.
    pub readable: Vec<PathBuf>,
    /// The installed harness with its frameworks: what `/opt/tester/RUNTIME` shows.
    pub folder: PathBuf,
}

//! What the engine and its stage tell each other.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Written into the stage's standard input once it is in its control group: before that it starts
/// nothing that could be missing in there.
pub(super) const GO: u8 = b'+';

/// Largest plan that is read.
pub(super) const PLAN_MAX: usize = 64 * 1024;

/// What a stage is to make. Nothing in it is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Program and arguments, as they are called inside.
    pub(super) argv: Vec<String>,
    /// Environment of that program, all of it.
    pub(super) environment: Vec<(String, String)>,
    /// Folders of the host that are seen at the same place inside, besides the system's own.
    pub(super) readable: Vec<PathBuf>,
    /// This executable.
    pub(super) executable: PathBuf,
    /// What `/opt/tester/RUNTIME` shows.
    pub(super) harness: Option<Harness>,
    /// The folder of the host that can be written to in the reduced mode; none where the stage
    /// makes `/work` and `/tmp`.
    pub(super) work: Option<PathBuf>,
    /// What the processes may use.
    pub(super) bounds: Bounds,
}

/// A harness and its frameworks, installed on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Harness {
    /// The last part of its path inside: the runtime's name.
    pub(super) name: String,
    /// Where it is on the host.
    pub(super) folder: PathBuf,
    /// What can be done with it.
    pub(super) access: Access,
}

/// What can be done with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Access {
    /// Read, as user code may.
    Read,
    /// Written, as the preparation of a harness must.
    Write,
}

/// What the processes of a sandbox may use, as far as the stage holds them to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bounds {
    /// Processes and threads. They are counted by user and user namespace: in the reduced mode this
    /// is what may come on top of what the user has already.
    pub(super) processes: Option<u64>,
    /// Bytes in each of `/work` and `/tmp`, and in one file.
    pub(super) files_bytes: u64,
    /// Longest single file, in bytes.
    pub(super) file_bytes: u64,
    /// Inodes in each of `/work` and `/tmp`.
    pub(super) files_count: u64,
    /// Memory of each process, where no control group counts the memory of all of them.
    pub(super) memory: Option<MemoryBound>,
}

/// How the memory of a process is limited without a control group. Runtimes differ in what they
/// stand: some reserve far more addresses than they ever use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MemoryBound {
    /// Bytes of addresses of any kind.
    Addresses(u64),
    /// Bytes that are private and writable.
    Data(u64),
}

/// The one frame a stage writes itself. What follows on its standard output is the supervisor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum StageReport {
    /// The sandbox stands, and the program is about to be executed in it.
    Entered,
    /// It does not.
    Refused {
        /// What was being done.
        step: String,
        /// The kernel's answer.
        reason: String,
    },
}

//! What is said between host, supervisor and harness.
//!
//! ```text
//! host ⇄ stdin/stdout ⇄ supervisor (PID 1) ⇄ one socket, fd 0 of the harness ⇄ harness
//! ```
//!
//! Everywhere a frame is a length (4 bytes, big endian) and that many bytes of JSON. The host
//! believes the supervisor, and nobody else in the sandbox.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::domain::{LanguageCode, TestStatus};

/// Largest frame to a sandbox: source and tests of 100 000 characters each, 4 bytes a character,
/// escapes double that at worst for what honest code holds.
pub const JOB_FRAME_MAX: usize = 4 * 1024 * 1024;
/// Largest frame of a harness: the bounds of the fields of an event, and room.
pub const EVENT_FRAME_MAX: usize = 256 * 1024;
/// Largest frame of a supervisor: an event with its envelope, or output in base64.
pub const REPORT_FRAME_MAX: usize = EVENT_FRAME_MAX + 1024;

/// What the host tells a supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToSupervisor {
    /// The one job.
    Job(Job),
    /// Say that you are there.
    Ping,
}

/// The one job of a sandbox.
#[derive(Clone, Serialize, Deserialize)]
pub struct Job {
    /// The language of both texts.
    pub language: LanguageCode,
    /// The code under test.
    pub source: String,
    /// The tests.
    pub tests: String,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({}, {} + {} bytes)", self.language, self.source.len(), self.tests.len())
    }
}

/// What a supervisor tells the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromSupervisor {
    /// The harness is warm.
    Ready {
        /// Programs and their versions.
        versions: BTreeMap<String, String>,
    },
    /// The answer to a ping.
    Pong,
    /// The harness reports, with the right token and in the right order.
    Event {
        /// What it reports.
        event: HarnessEvent,
    },
    /// User code printed something.
    Output {
        /// Where.
        stream: OutputStream,
        /// The bytes, in base64.
        data: String,
    },
    /// Something that is not the harness spoke in its name.
    Tampered {
        /// What was seen.
        reason: String,
    },
    /// The harness ended, and with it every other process but the supervisor. The last frame.
    Exited {
        /// Its exit status, if it ended by itself.
        code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
    },
}

/// Where user code prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a supervisor tells its harness.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToHarness<'a> {
    /// The one job.
    Job {
        /// What every event must carry.
        token: &'a str,
        /// The job.
        #[serde(flatten)]
        job: &'a Job,
    },
    /// The last event, and all that was printed before it, has been heard.
    Ack,
}

/// What a harness tells its supervisor.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromHarness {
    /// It is warm.
    Ready {
        /// Programs and their versions.
        versions: BTreeMap<String, String>,
        /// Whether it waits for an ack after each event. Only then is output sure to be counted
        /// for the test that printed it: a harness that runs on is ahead of its listener.
        #[serde(default)]
        acks: bool,
    },
    /// Something happened.
    Event {
        /// The job's token.
        token: String,
        /// 0, 1, 2, …
        seq: u64,
        /// What happened.
        event: HarnessEvent,
    },
}

/// What a harness reports of its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HarnessEvent {
    /// These tests exist.
    Collected {
        /// In the order of the file.
        tests: Vec<CollectedTest>,
    },
    /// A test begins.
    Started {
        /// Which.
        id: String,
    },
    /// A test ended.
    Finished(FinishedTest),
    /// Source or tests can't be used.
    Broken(Breakage),
    /// A check of the harness's own integrity failed.
    Tampered {
        /// Which.
        reason: String,
    },
    /// The run came to its regular end.
    Done,
}

/// A test that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedTest {
    /// What tells it from the others.
    pub id: String,
    /// What the framework displays.
    pub name: String,
    /// Where it is defined in the test code, counted from 1.
    pub line: Option<u32>,
}

/// A test that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedTest {
    /// Which.
    pub id: String,
    /// How.
    pub status: TestStatus,
    /// How long it took.
    pub duration_ms: f64,
    /// What is wrong, in one short line.
    pub message: Option<String>,
    /// What is wrong, in the framework's words.
    pub detail: Option<String>,
    /// Where in the test code, counted from 1.
    pub line: Option<u32>,
}

/// Why source or tests can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakage {
    /// How far it came.
    pub phase: Phase,
    /// Which text is to blame, where that is known.
    pub part: Option<Part>,
    /// Where in that text, counted from 1.
    pub line: Option<u32>,
    /// What is wrong, in one short line.
    pub message: String,
    /// What is wrong, in the words of compiler or framework.
    pub detail: Option<String>,
}

/// How far a run came before it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It does not compile.
    Compile,
    /// It raises while it is loaded.
    Import,
    /// Its tests can't be found.
    Collect,
}

/// One of the two texts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The code under test.
    Source,
    /// The tests.
    Tests,
}

/// Reads one frame; `None` when the other side closed between frames.
///
/// # Errors
///
/// When the connection breaks, ends inside a frame, or a frame is longer than `max_bytes`.
pub async fn read_frame(
    from: &mut (impl AsyncRead + Unpin + ?Sized),
    max_bytes: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let mut read = 0;
    while read < length.len() {
        match from.read(&mut length[read..]).await? {
            0 if read == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > max_bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    Ok(Some(body))
}

/// Writes one frame.
///
/// # Errors
///
/// When the connection is broken.
pub async fn write_frame(
    to: &mut (impl AsyncWrite + Unpin + ?Sized),
    message: &impl Serialize,
) -> io::Result<()> {
    to.write_all(&frame(message)?).await?;
    to.flush().await
}

/// A message as a frame.
///
/// # Errors
///
/// When it is too long for one (4 GiB).
pub fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a frame is too long"))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

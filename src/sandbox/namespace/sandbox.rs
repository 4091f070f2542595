//! A sandbox as the host holds it: the stage process, and the control group if there is one.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::plan::{GO, Plan, StageReport};
use super::stage::Part;
use crate::sandbox::cgroup::{Account, Group};
use crate::sandbox::engine::{FromSandbox, ToSandbox};
use crate::sandbox::protocol::{frame, read_frame};
use crate::sandbox::{EngineError, Sandbox, Usage};

/// How long a stage may take. It takes milliseconds; this is for a host out of breath.
const STAGE_TIME: Duration = Duration::from_secs(10);
/// How long the kernel may take to end what was killed.
const DEATH_TIME: Duration = Duration::from_secs(10);
/// How much a supervisor may complain before it is no longer listened to.
const COMPLAINT_MAX: usize = 4096;

/// Why a stage did not get there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StageError {
    /// The kernel refused.
    #[error("{step}: {reason}")]
    Refused { step: String, reason: String },
    /// The stage could not be run, or said nothing sensible.
    #[error("the sandbox could not be started: {0}")]
    Broken(String),
}

/// What has to be ended and removed.
#[derive(Debug)]
struct Held {
    stage: Child,
    place: Place,
}

/// What a sandbox has on the host besides its processes.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Its control group.
    pub(super) group: Option<Group>,
    /// The folder it writes to in the reduced mode.
    pub(super) work: Option<PathBuf>,
}

impl Place {
    /// Removes it once its processes are dead, on a thread that may wait for the kernel.
    pub(super) async fn remove(self) -> Result<(), String> {
        let remove = move || {
            let folder = self.work.map_or(Ok(()), |work| {
                fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))
            });
            self.group.map_or(Ok(()), Group::remove).map_err(|error| error.to_string()).and(folder)
        };
        tokio::task::spawn_blocking(remove).await.map_err(|error| error.to_string())?
    }
}

/// One sandbox.
pub(super) struct NamespaceSandbox {
    held: Option<Held>,
    account: Option<Account>,
    channel: Option<(ChildStdout, ChildStdin)>,
}

impl NamespaceSandbox {
    /// Starts a stage with this plan, in this group, and comes back when it is about to become the
    /// planned program. Nothing is left of it otherwise.
    pub(super) async fn start(
        tester: &Path,
        part: Part,
        plan: &Plan,
        place: Place,
    ) -> Result<Self, StageError> {
        let mut command = Command::new(tester);
        command
            .args(["sandbox-stage", part.as_str()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Interrupting the worker in a terminal is the worker's affair.
            .process_group(0);
        let stage = match command.spawn() {
            Ok(stage) => stage,
            Err(error) => {
                let error = StageError::Broken(error.to_string());
                return Err(place.remove().await.map_or_else(StageError::Broken, |()| error));
            }
        };
        let account = place.group.as_ref().map(Group::account);
        let mut held = Held { stage, place };
        match timeout(STAGE_TIME, held.enter(plan)).await {
            Ok(Ok(channel)) => Ok(Self { held: Some(held), account, channel: Some(channel) }),
            Ok(Err(error)) => {
                held.destroy().await;
                Err(error)
            }
            Err(_) => {
                held.destroy().await;
                Err(StageError::Broken(format!("nothing happened for {STAGE_TIME:?}")))
            }
        }
    }

    /// Waits until the program has ended by itself, for one that is not a supervisor. Its exit
    /// status, and the last of what it printed.
    pub(super) async fn outcome(&mut self) -> Result<(Option<i32>, String), EngineError> {
        let (Some(held), Some((mut from, to))) = (&mut self.held, self.channel.take()) else {
            return Err(EngineError::Unavailable("the sandbox is gone".to_owned()));
        };
        let mut last = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let read = from.read(&mut chunk).await.map_err(|error| broken(&error))?;
            if read == 0 {
                break;
            }
            last.extend_from_slice(&chunk[..read]);
            last.drain(..last.len().saturating_sub(COMPLAINT_MAX));
        }
        let status = held.stage.wait().await.map_err(|error| broken(&error))?;
        // Closed any sooner, the stage would take it for the end of the host.
        drop(to);
        Ok((status.code(), String::from_utf8_lossy(&last).into_owned()))
    }
}

#[async_trait]
impl Sandbox for NamespaceSandbox {
    fn channel(&mut self) -> Option<(FromSandbox, ToSandbox)> {
        let (from, to) = self.channel.take()?;
        Some((Box::new(from), Box::new(to)))
    }

    fn usage(&self) -> Usage {
        let usage = self.account.as_ref().map(Account::usage).unwrap_or_default();
        // The stage is in the group as well, outside of the sandbox.
        let processes = usage.processes.map(|count| count.saturating_sub(1));
        Usage { processes, ..usage }
    }

    async fn kill(&mut self) -> Result<(), EngineError> {
        match &mut self.held {
            Some(held) => held.kill().await,
            None => Ok(()),
        }
    }

    async fn remove(mut self: Box<Self>) -> Result<(), EngineError> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        held.kill().await?;
        held.place.remove().await.map_err(EngineError::Unavailable)
    }
}

impl Drop for NamespaceSandbox {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { held.destroy().await })),
            // Without a runtime nobody can wait: the group is left to the next start.
            Err(_) => held.tell(Signal::SIGTERM),
        }
    }
}

impl Held {
    async fn enter(&mut self, plan: &Plan) -> Result<(ChildStdout, ChildStdin), StageError> {
        let broken = |error: std::io::Error| StageError::Broken(error.to_string());
        if let (Some(group), Some(process)) = (&self.place.group, self.stage.id()) {
            group.add(process).map_err(|error| StageError::Broken(error.to_string()))?;
        }
        let (Some(mut stdin), Some(mut stdout), Some(stderr)) =
            (self.stage.stdin.take(), self.stage.stdout.take(), self.stage.stderr.take())
        else {
            return Err(StageError::Broken("its pipes are gone".to_owned()));
        };
        tokio::spawn(log_complaints(stderr));
        let mut start = vec![GO];
        start.extend(frame(plan).map_err(broken)?);
        stdin.write_all(&start).await.map_err(broken)?;
        let report = read_frame(&mut stdout, COMPLAINT_MAX).await.map_err(broken)?;
        let Some(report) = report else {
            return Err(StageError::Broken("it ended without a word".to_owned()));
        };
        match serde_json::from_slice(&report).map_err(|error| broken(error.into()))? {
            StageReport::Entered => Ok((stdout, stdin)),
            StageReport::Refused { step, reason } => Err(StageError::Refused { step, reason }),
        }
    }

    /// Ends all that lives in it. The stage comes back when the kernel has ended the last of them.
    async fn kill(&mut self) -> Result<(), EngineError> {
        self.tell(Signal::SIGTERM);
        if let Ok(ended) = timeout(DEATH_TIME, self.stage.wait()).await {
            return ended.map(drop).map_err(|error| broken(&error));
        }
        // The stage itself hangs. Whatever becomes of this, it can't be sworn to.
        if let Some(group) = &self.place.group {
            let _ = group.kill();
        }
        self.tell(Signal::SIGKILL);
        Err(EngineError::Unavailable("a sandbox does not die; see the kernel's log".to_owned()))
    }

    /// Kills and removes what nobody asks about any more.
    async fn destroy(&mut self) {
        if let Err(error) = self.kill().await {
            tracing::error!(%error, "a sandbox is left behind");
        } else if let Err(error) = mem::take(&mut self.place).remove().await {
            tracing::warn!(error, "something of a sandbox is left behind");
        }
    }

    fn tell(&self, signal: Signal) {
        // There is an id as long as it has not been waited for, so it is no other process's.
        if let Some(id) = self.stage.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(id), signal);
        }
    }
}

/// A supervisor has nothing to say here; if it panics, somebody should know.
async fn log_complaints(stderr: ChildStderr) {
    let mut text = Vec::new();
    let _ = stderr.take(COMPLAINT_MAX as u64).read_to_end(&mut text).await;
    if !text.is_empty() {
        tracing::warn!(text = %String::from_utf8_lossy(&text), "a sandbox complains");
    }
}

fn broken(error: &std::io::Error) -> EngineError {
    EngineError::Unavailable(format!("the sandbox can't be waited for: {error}"))
}

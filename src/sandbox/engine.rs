//! The seam between what runs tests and what isolates them.

use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::domain::Runtime;

/// What the host reads from a sandbox: the frames of its supervisor.
pub type FromSandbox = Box<dyn AsyncRead + Send + Unpin>;
/// What the host writes to a sandbox: the frames its supervisor reads.
pub type ToSandbox = Box<dyn AsyncWrite + Send + Unpin>;

/// Why an engine can't do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine itself can't be used: no daemon, no right, no room. May pass.
    #[error("{0}")]
    Unavailable(String),
    /// This runtime is not installed here; the text says how it would be.
    #[error("{0}")]
    Unsupported(String),
}

/// Something that makes sandboxes.
#[async_trait]
pub trait Engine: Send + Sync {
    /// How sandboxes are isolated, as verdicts say it: `docker/runc`, `namespace`, `reduced`, …
    fn isolation(&self) -> String;

    /// Starts a sandbox, the harness of the runtime in it. Comes back when its supervisor runs; it
    /// is warm when the supervisor says so in its first frame. The limits are those the engine was
    /// made with.
    ///
    /// # Errors
    ///
    /// [`EngineError`]. Nothing is left of what could not be started.
    async fn start(&self, runtime: Runtime) -> Result<Box<dyn Sandbox>, EngineError>;

    /// Whether sandboxes of this runtime can be had, without starting one.
    ///
    /// # Errors
    ///
    /// [`EngineError`] says why not.
    async fn check(&self, runtime: Runtime) -> Result<(), EngineError>;

    /// Destroys what an earlier process of ours that was killed left on this host. Returns how
    /// many sandboxes that were.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the host can't be asked.
    async fn reap(&self) -> Result<usize, EngineError>;
}

/// What a machine has where no sandbox can be made: everything is unsupported, and says why.
pub struct NoEngine(pub String);

#[async_trait]
impl Engine for NoEngine {
    fn isolation(&self) -> String {
        "none".to_owned()
    }

    async fn start(&self, _: Runtime) -> Result<Box<dyn Sandbox>, EngineError> {
        Err(EngineError::Unsupported(self.0.clone()))
    }

    async fn check(&self, _: Runtime) -> Result<(), EngineError> {
        Err(EngineError::Unsupported(self.0.clone()))
    }

    async fn reap(&self) -> Result<usize, EngineError> {
        Ok(0)
    }
}

/// A started sandbox: used for one job, then destroyed. Dropping it destroys it as well, but
/// nobody learns when.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// The two directions of the channel to its supervisor. `None` after the first call.
    fn channel(&mut self) -> Option<(FromSandbox, ToSandbox)>;

    /// What the kernel says it used so far. Cheap: a few small files.
    fn usage(&self) -> Usage;

    /// Ends every process in it, at once. Comes back when none is left alive.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when that can't be made sure of.
    async fn kill(&mut self) -> Result<(), EngineError>;

    /// Removes what is left of it on the host after [`Sandbox::kill`].
    ///
    /// # Errors
    ///
    /// [`EngineError`] when something stays behind; it is reaped at the next start.
    async fn remove(self: Box<Self>) -> Result<(), EngineError>;
}

/// What a sandbox used, by the kernel's accounts. `None` where the host keeps none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its processes since it started.
    pub cpu: Option<Duration>,
    /// Most memory held at one time, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Processes that the kernel killed because the memory was used up.
    pub out_of_memory_kills: Option<u64>,
    /// Processes and threads that exist now.
    pub processes: Option<u64>,
    /// How often a process or thread was refused because there were too many.
    pub refused_processes: Option<u64>,
}

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::domain::{ExecutionEvent, ExecutionRequest};

/// Why tests are not run at all. A run that was begun always has a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// As many runs wait as may.
    #[error("too many runs are waiting")]
    Busy {
        /// How long until it is worth coming back.
        retry_after: Duration,
    },
    /// Nobody is there who could run them, or it is shutting down.
    #[error("no worker can be had: {0}")]
    Unavailable(String),
    /// The run took longer than anybody waits.
    #[error("the worker did not answer in time")]
    Timeout,
    /// A worker answered what no worker answers, or does not know our token.
    #[error("the worker answered wrongly: {0}")]
    Failed(String),
}

/// A run that was taken on. Dropping it ends the run and destroys its sandbox.
pub type Execution = mpsc::Receiver<Result<ExecutionEvent, ExecutorError>>;

/// Runs tests: the seam between one process that does everything and a web half with workers.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Takes a run on. Events come as they happen, the verdict is the last; an error that comes
    /// later is the last as well.
    ///
    /// # Errors
    ///
    /// [`ExecutorError`] when the run is not taken on.
    async fn start(&self, request: ExecutionRequest) -> Result<Execution, ExecutorError>;
}

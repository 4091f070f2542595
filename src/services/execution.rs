//! Running tests, for whoever asks over HTTP.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::domain::{ExecutionEvent, ExecutionRequest, Verdict};
use crate::gateways::{Execution, Executor, ExecutorError};

/// Has tests run.
pub struct ExecutionService {
    executor: Arc<dyn Executor>,
    draining: CancellationToken,
}

impl ExecutionService {
    /// A service over this executor, which takes nothing on once `draining` is cancelled.
    #[must_use]
    pub const fn new(executor: Arc<dyn Executor>, draining: CancellationToken) -> Self {
        Self { executor, draining }
    }

    /// Runs tests and tells what happens meanwhile. Dropping the execution ends the run.
    ///
    /// # Errors
    ///
    /// [`ExecutorError`] when the run is not taken on.
    pub async fn stream(&self, request: ExecutionRequest) -> Result<Execution, ExecutorError> {
        if self.draining.is_cancelled() {
            return Err(ExecutorError::Unavailable("shutting down".to_owned()));
        }
        self.executor.start(request).await
    }

    /// Runs tests to the verdict. Dropping the future ends the run.
    ///
    /// # Errors
    ///
    /// [`ExecutorError`] when there is none.
    pub async fn execute(&self, request: ExecutionRequest) -> Result<Verdict, ExecutorError> {
        let mut execution = self.stream(request).await?;
        while let Some(event) = execution.recv().await {
            if let ExecutionEvent::Result(verdict) = event? {
                return Ok(*verdict);
            }
        }
        Err(ExecutorError::Failed("the run ended without a verdict".to_owned()))
    }
}

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long cut-off tasks get for their refund and their last frame: one store deadline and a bit.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where this process stands between start and end, shared by all who must know.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    draining: CancellationToken,
    cut_off: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Whether new work should go elsewhere.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Cancelled when new work must be refused.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Cancelled when running work must end.
    #[must_use]
    pub fn cut_off(&self) -> CancellationToken {
        self.cut_off.clone()
    }

    /// Knows the running work.
    #[must_use]
    pub fn tasks(&self) -> TaskTracker {
        self.tasks.clone()
    }

    /// Ends the work: new work is refused at once, running work may go on for the grace time, then
    /// it is cut off, refunds, and says so. Returns when no work is left or its time is up.
    pub async fn drain(&self, grace: Duration) {
        self.draining.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_ok() {
            return;
        }
        tracing::warn!(running = self.tasks.len(), "the grace time is over, cutting streams off");
        self.cut_off.cancel();
        if tokio::time::timeout(LAST_WORDS, self.tasks.wait()).await.is_err() {
            tracing::error!(running = self.tasks.len(), "tasks did not end and are abandoned");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_ends_within_the_grace_time_is_left_alone() {
        let lifecycle = Lifecycle::default();
        lifecycle.tasks().spawn(tokio::time::sleep(Duration::from_secs(3)));
        lifecycle.drain(Duration::from_secs(8)).await;
        assert!(lifecycle.is_draining());
        assert!(!lifecycle.cut_off().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_goes_on_is_cut_off_and_waited_for() {
        let lifecycle = Lifecycle::default();
        let cut_off = lifecycle.cut_off();
        let task = lifecycle.tasks().spawn(async move { cut_off.cancelled().await });
        lifecycle.drain(Duration::from_secs(8)).await;
        assert!(task.is_finished());
    }
}

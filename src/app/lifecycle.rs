use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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

    /// New work is refused from now on.
    pub(super) fn refuse_work(&self) {
        self.draining.cancel();
        self.tasks.close();
    }

    /// Waits until no work is left; whether that was so before the time was up.
    pub(super) async fn is_idle_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.tasks.wait()).await.is_ok()
    }

    /// Running work must end now: it refunds, and says so.
    pub(super) fn cut_work_off(&self) {
        self.cut_off.cancel();
    }
}

//! How a process ends: in five phases, each bounded in time. A second signal skips them all.
//!
//! | phase | what happens |
//! |---|---|
//! | 1 refuse | New work gets a 503 with `Retry-After`, and so does the question for health, so that load balancers go elsewhere. Connections are still taken, or nobody would be told; each is closed after its answer |
//! | 2 finish | Streams and test runs that were begun go on, for the grace time at most |
//! | 3 cut off | What still runs ends: charges are given back, whoever watches gets an error frame, and what was complete is saved |
//! | 4 destroy | No sandbox is left |
//! | 5 close | Connections, the database, the last traces |
//!
//! The grace times (`server.shutdown_grace_ms`, `sandbox.drain_ms`) must fit into what the platform
//! allows between its signal and its kill.

use std::time::Duration;

use super::Lifecycle;
use crate::sandbox::Runner;

/// How long cut-off tasks get for their refund and their last frame: one store deadline and a bit.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Phases 1 to 4. When it returns, nothing runs that anybody waits for.
pub(super) async fn wind_up(lifecycle: &Lifecycle, runner: Option<&Runner>, grace: Duration) {
    tracing::info!(phase = 1, "shutting down: new work is refused");
    lifecycle.refuse_work();
    if let Some(runner) = runner {
        runner.refuse_work();
    }
    let running = || lifecycle.tasks().len() + runner.map_or(0, Runner::running);
    let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        phase = 2,
        running = running(),
        grace_ms,
        "shutting down: running work may go on"
    );
    if !is_idle_within(lifecycle, runner, grace).await {
        tracing::warn!(
            phase = 3,
            running = running(),
            "shutting down: the grace time is over, work is cut off"
        );
        lifecycle.cut_work_off();
        if let Some(runner) = runner {
            runner.cut_work_off();
        }
        if !is_idle_within(lifecycle, runner, LAST_WORDS).await {
            tracing::error!(phase = 3, running = running(), "tasks did not end and are abandoned");
        }
    }
    if let Some(runner) = runner {
        tracing::info!(phase = 4, "shutting down: sandboxes are destroyed");
        runner.destroy().await;
    }
}

async fn is_idle_within(lifecycle: &Lifecycle, runner: Option<&Runner>, time: Duration) -> bool {
    let runs = async {
        match runner {
            Some(runner) => runner.is_idle_within(time).await,
            None => true,
        }
    };
    let (work, runs) = tokio::join!(lifecycle.is_idle_within(time), runs);
    work && runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(8);

    #[tokio::test(start_paused = true)]
    async fn work_that_ends_within_the_grace_time_is_left_alone() {
        let lifecycle = Lifecycle::default();
        lifecycle.tasks().spawn(tokio::time::sleep(Duration::from_secs(3)));
        wind_up(&lifecycle, None, GRACE).await;
        assert!(lifecycle.is_draining());
        assert!(!lifecycle.cut_off().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_goes_on_is_cut_off_and_waited_for() {
        let lifecycle = Lifecycle::default();
        let cut_off = lifecycle.cut_off();
        let task = lifecycle.tasks().spawn(async move {
            cut_off.cancelled().await;
            tokio::time::sleep(LAST_WORDS / 2).await;
        });
        wind_up(&lifecycle, None, GRACE).await;
        assert!(task.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_never_ends_is_abandoned() {
        let lifecycle = Lifecycle::default();
        lifecycle.tasks().spawn(std::future::pending::<()>());
        let begun = tokio::time::Instant::now();
        wind_up(&lifecycle, None, GRACE).await;
        assert_eq!(begun.elapsed(), GRACE + LAST_WORDS);
    }
}

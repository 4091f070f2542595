use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::timeout;

use super::job::Jobs;
use super::suite::Suite;
use crate::domain::{RunStatus, TestStatus, Verdict};
use crate::gateways::ExplorationError;

/// How often a suite must pass, each time in a sandbox of its own, before anybody sees it.
const PASSES: usize = 5;
/// Of these, how many at one time: a worker has others to serve.
const AT_ONE_TIME: usize = 2;
/// How often something may be left out before the suite is given up.
const ROUNDS_MAX: usize = 6;
/// Longest time for all of it. An honest suite takes about a second; a full queue takes its time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the suite until it has passed five times as it is, without the cases that fail. How many cases
/// had to be left out.
pub(super) async fn verify(jobs: &Jobs, suite: &mut Suite) -> Result<usize, ExplorationError> {
    timeout(PATIENCE, settle(jobs, suite)).await.map_err(|_| ExplorationError::Timeout)?
}

async fn settle(jobs: &Jobs, suite: &mut Suite) -> Result<usize, ExplorationError> {
    let mut left_out = 0;
    for _ in 0..ROUNDS_MAX {
        let failing = failing(jobs, suite).await?;
        if failing.is_empty() {
            return Ok(left_out);
        }
        let before = left_out;
        left_out += suite.leave_out(&failing);
        if suite.is_empty() {
            return Err(ExplorationError::NothingTestable);
        }
        if left_out == before {
            tracing::warn!("a test fails that can't be left out");
            break;
        }
    }
    Err(ExplorationError::Unstable)
}

/// The ids of cases that did not pass every time. The first run goes alone: most of what fails at
/// all fails there.
async fn failing(jobs: &Jobs, suite: &Suite) -> Result<HashSet<String>, ExplorationError> {
    let text = suite.text();
    let failing = not_passed(&jobs.check(text.clone()).await?)?;
    if !failing.is_empty() {
        return Ok(failing);
    }
    let runs = (1..PASSES).map(|_| jobs.check(text.clone()));
    stream::iter(runs)
        .buffered(AT_ONE_TIME)
        .try_fold(failing, |mut failing, verdict| async move {
            failing.extend(not_passed(&verdict)?);
            Ok(failing)
        })
        .await
}

/// The ids of cases that did not pass. Of a run that was cut off it is the one that ran; those that had
/// no turn yet are not to blame.
fn not_passed(verdict: &Verdict) -> Result<HashSet<String>, ExplorationError> {
    let with = |wanted: fn(TestStatus) -> bool| {
        let tests = verdict.tests.iter().filter(move |test| wanted(test.status));
        tests.map(|test| test.id.clone())
    };
    let ended = with(|status| !matches!(status, TestStatus::Passed | TestStatus::Unfinished));
    let cut_off = with(|status| status == TestStatus::Unfinished).take(1);
    let failing: HashSet<String> = ended.chain(cut_off).collect();
    if failing.is_empty() && verdict.status != RunStatus::Passed {
        // The file as a whole is to blame, or the source is: nothing in it can be left out.
        tracing::warn!(status = verdict.status.as_str(), "a suite can't be checked");
        return Err(ExplorationError::Unstable);
    }
    Ok(failing)
}

use std::time::Duration;

use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::job::Jobs;
use super::records::{Block, Records, Summary, one_line};
use super::suite::Suite;
use crate::domain::{RunStatus, SOURCE_MAX_CHARS, SuiteReport, Verdict};
use crate::gateways::ExplorationError;

/// What the source is called as a target of its own: it is run before anything in it.
const MODULE: &str = "<module>";
/// Percent of a budget that are for the search; the rest is for checking what it found.
const SHARE_PERCENT: u32 = 60;
/// Longest search: with what surrounds it, it stays below the limit of a run.
const LONGEST: Duration = Duration::from_secs(7);
/// A search that is shorter finds nothing.
const SHORTEST: Duration = Duration::from_millis(1_500);
/// Searches for one request: each but the first goes without what ended the one before.
const ATTEMPTS_MAX: usize = 4;
/// As long as nothing at all was found, so many, whatever the budget says: something is better late
/// than nothing in time.
const ATTEMPTS_FOR_ANYTHING: usize = 2;

/// What a search found.
pub(super) struct Explored {
    pub(super) suite: Suite,
    summary: Summary,
}

impl Explored {
    /// What is told of it at the end, when the suite is what it will stay.
    pub(super) fn report(&self, dropped: usize, took: Duration) -> SuiteReport {
        let Summary { lines, branches, mutants, dropped: differed, skipped } = &self.summary;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        SuiteReport {
            tests: count(self.suite.tests()),
            rows: count(self.suite.cases()),
            lines: *lines,
            branches: *branches,
            mutants: *mutants,
            // Hundredths: what is below is noise.
            seconds: (took.as_secs_f64() * 100.0).round() / 100.0,
            unstable_dropped: differed.saturating_add(count(dropped)),
            skipped: skipped.clone(),
        }
    }
}

/// Searches until an explorer comes to its end, each time without what kept the one before from it,
/// or until time is up.
pub(super) async fn explore(jobs: &Jobs) -> Result<Explored, ExplorationError> {
    let share = jobs.request().effort.budget * SHARE_PERCENT / 100;
    let mut spent = Duration::ZERO;
    let mut found = Found::default();
    for attempt in 1..=ATTEMPTS_MAX {
        let budget = share.saturating_sub(spent).clamp(SHORTEST, LONGEST);
        let nonce = Uuid::new_v4().simple().to_string();
        let verdict = jobs.explore(&nonce, budget, &found.skip).await?;
        // By the sandbox's clock, which does not run while the job waits for its turn.
        spent += Duration::from_millis(verdict.stats.wall_ms);
        let records = Records::of(&verdict, &nonce);
        if let Some(reason) = records.broken {
            return Err(ExplorationError::Unloadable { reason });
        }
        if let Some(summary) = records.summary {
            if records.tests.is_empty() && found.has_drafts() {
                // All that could be tested is what ended the searches before, so their drafts are all
                // there is.
                break;
            }
            return found.complete(summary, records.header, records.tests, jobs).await;
        }
        tracing::info!(attempt, status = verdict.status.as_str(), "a search was cut off");
        found.take_in(records, &verdict)?;
        let in_time = spent + SHORTEST <= share;
        if !in_time && (found.has_drafts() || attempt >= ATTEMPTS_FOR_ANYTHING) {
            break;
        }
    }
    found.incomplete(jobs).await
}

/// What the searches until now brought.
#[derive(Default)]
struct Found {
    header: String,
    /// Drafts, the latest of a target only.
    drafts: Vec<Block>,
    /// Targets that ended a search.
    skip: Vec<String>,
    /// They and why.
    skipped: Vec<String>,
}

impl Found {
    fn has_drafts(&self) -> bool {
        !self.drafts.is_empty()
    }

    /// Takes in what came of a search that was cut off. What it was at goes without from now on.
    fn take_in(&mut self, records: Records, verdict: &Verdict) -> Result<(), ExplorationError> {
        let Some(target) = records.entered.last() else {
            // Not the user's fault, for nothing of theirs has run.
            let status = verdict.status.as_str();
            return Err(ExplorationError::Unavailable(format!("the explorer was {status}")));
        };
        if target == MODULE {
            return Err(ExplorationError::Unloadable { reason: ending(verdict) });
        }
        if !records.header.is_empty() {
            self.header = records.header;
        }
        self.drafts.retain(|old| !records.drafts.iter().any(|new| new.target == old.target));
        self.drafts.extend(records.drafts);
        let target = one_line(target);
        self.skipped.push(format!("{target}: {}", ending(verdict)));
        self.skip.push(target);
        Ok(())
    }

    async fn complete(
        self,
        mut summary: Summary,
        header: String,
        tests: Vec<Block>,
        jobs: &Jobs,
    ) -> Result<Explored, ExplorationError> {
        summary.skipped.extend(self.skipped);
        explored(header, tests, summary, jobs).await
    }

    async fn incomplete(self, jobs: &Jobs) -> Result<Explored, ExplorationError> {
        let summary = Summary { skipped: self.skipped, ..Summary::default() };
        explored(self.header, self.drafts, summary, jobs).await
    }
}

async fn explored(
    header: String,
    tests: Vec<Block>,
    mut summary: Summary,
    jobs: &Jobs,
) -> Result<Explored, ExplorationError> {
    let language = jobs.request().language;
    let (suite, left_out) = spawn_blocking(move || {
        let mut suite = Suite::new(header, tests);
        let left_out = suite.make_fit(language, SOURCE_MAX_CHARS);
        (suite, left_out)
    })
    .await?;
    summary.skipped.extend(left_out.iter().map(|target| {
        let target = one_line(target);
        format!("{target}: its tests do not fit into the file")
    }));
    if suite.is_empty() {
        return Err(ExplorationError::NothingTestable);
    }
    Ok(Explored { suite, summary })
}

/// How a run ended that had no end of its own, in the user's language.
fn ending(verdict: &Verdict) -> String {
    match verdict.status {
        RunStatus::Timeout
        | RunStatus::OutOfMemory
        | RunStatus::OutputLimit
        | RunStatus::Crashed
        | RunStatus::Incomplete => one_line(verdict.error.trim_end_matches('.')),
        status => status.as_str().to_owned(),
    }
}

//! The engine that writes tests without a model: it runs the code with many inputs, keeps those that
//! show something new, and pins down what the code does today.
//!
//! The code of strangers runs where it always does: the search is an ordinary job of a sandbox, whose
//! source is a program of ours, the explorer, and whose only test hands it the code under test. It
//! prints what it finds as records; whatever else comes is not believed. So the engine has no more
//! rights than a user's own tests, works wherever tests run, and loses nothing that was printed before
//! a run was cut off.
//!
//! ```text
//! request ─▶ plan ─▶ explorer, in a sandbox ─▶ records ─▶ suite ─▶ five fresh sandboxes ─▶ tests
//!              ▲ without what hung │                        ▲ without what failed │
//!              └───────────────────┘                        └─────────────────────┘
//! ```
//!
//! Failure policy: closed. Tests that did not pass five times are not sent; a search that was cut off
//! is worth what it found until then.

mod explore;
mod guest;
mod javascript;
mod job;
mod python;
mod records;
mod suite;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

use self::explore::{Explored, explore};
use self::guest::Guest;
use self::job::Jobs;
use self::verify::verify;
use crate::domain::{GenerationId, GenerationRequest, LanguageCode, SuiteReport, TokenUsage};
use crate::gateways::{
    Executor, ExplorationError, TestWriter, WriterError, Writing, WritingEvent, WritingStep,
};

/// The languages that it writes.
pub const WRITES: [LanguageCode; 2] = [LanguageCode::Python, LanguageCode::JavaScript];

/// The engine.
pub struct Builtin {
    executor: Arc<dyn Executor>,
}

impl Builtin {
    /// An engine that explores in the sandboxes of this executor.
    #[must_use]
    pub const fn new(executor: Arc<dyn Executor>) -> Self {
        Self { executor }
    }
}

#[async_trait]
impl TestWriter for Builtin {
    fn writes(&self, language: LanguageCode) -> bool {
        WRITES.contains(&language)
    }

    fn version(&self) -> &str {
        guest::version()
    }

    async fn write(
        &self,
        request: &GenerationRequest,
        _: GenerationId,
    ) -> Result<Writing, WriterError> {
        let guest =
            Guest::of(request.language).ok_or(ExplorationError::Language(request.language))?;
        let began = Instant::now();
        let jobs = Jobs::new(Arc::clone(&self.executor), request, guest).await?;
        let work = Work { jobs, began };
        Ok(stream::try_unfold((work, Stage::Begin), next).boxed())
    }
}

/// One request while it is worked on.
struct Work {
    jobs: Jobs,
    began: Instant,
}

/// What is to be done next.
enum Stage {
    Begin,
    Explore,
    Check(Explored),
    Write { tests: VecDeque<String>, report: SuiteReport },
    End,
}

/// Goes on until there is an event to tell. Dropped while it waits, it takes its sandbox along.
async fn next(
    (work, mut stage): (Work, Stage),
) -> Result<Option<(WritingEvent, (Work, Stage))>, WriterError> {
    let (event, stage) = loop {
        stage = match stage {
            Stage::Begin => break (WritingEvent::Step(WritingStep::Exploring), Stage::Explore),
            Stage::Explore => {
                let explored = explore(&work.jobs).await?;
                break (WritingEvent::Step(WritingStep::Checking), Stage::Check(explored));
            }
            Stage::Check(mut explored) => {
                let dropped = verify(&work.jobs, &mut explored.suite).await?;
                let report = explored.report(dropped, work.began.elapsed());
                Stage::Write { tests: explored.suite.into_chunks().into(), report }
            }
            Stage::Write { mut tests, report } => {
                if let Some(test) = tests.pop_front() {
                    break (WritingEvent::Test(test), Stage::Write { tests, report });
                }
                let (usage, suite) = (TokenUsage::default(), Some(report));
                break (WritingEvent::Finished { version: None, usage, suite }, Stage::End);
            }
            Stage::End => return Ok(None),
        };
    };
    Ok(Some((event, (work, stage))))
}

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, sleep};

use super::guest::Guest;
use crate::domain::{
    ExecutionEvent, ExecutionRequest, GenerationRequest, ProgramText, RequestedLimits, RunStatus,
    SOURCE_MAX_CHARS, TextProblem, TraceContext, Verdict, whole_milliseconds,
};
use crate::gateways::{Executor, ExecutorError, ExplorationError};

/// Most rows of a table: cheap to read each, and together still a page.
const ROWS_MAX: usize = 40;
/// From the claim of a sandbox to the first step of the explorer, and from its last to the end.
const OVERHEAD: Duration = Duration::from_secs(3);
/// How long a place in the queue of the sandboxes is waited for.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);
/// Between two askings: about the time that a short run takes.
const BUSY_PAUSE: Duration = Duration::from_millis(300);
/// Longest run of a suite. Its tests took microseconds each when they were found.
const SUITE_WALL: Duration = Duration::from_secs(5);

/// What the explorer is told.
#[derive(Serialize)]
struct Plan<'a> {
    nonce: &'a str,
    source: &'a str,
    seed: u32,
    budget_ms: u64,
    skip: &'a [String],
    max_rows: usize,
    #[serde(flatten)]
    reading: &'a Map<String, Value>,
}

/// The runs that one request is made of.
pub(super) struct Jobs {
    executor: Arc<dyn Executor>,
    request: GenerationRequest,
    guest: Guest,
    reading: Map<String, Value>,
    trace: TraceContext,
}

impl Jobs {
    /// Reads the source, away from the serving threads.
    pub(super) async fn new(
        executor: Arc<dyn Executor>,
        request: &GenerationRequest,
        guest: Guest,
    ) -> Result<Self, ExplorationError> {
        let source = request.source.clone();
        let reading = spawn_blocking(move || guest.reading(&source)).await??;
        let trace = TraceContext::random();
        Ok(Self { executor, request: request.clone(), guest, reading, trace })
    }

    pub(super) const fn request(&self) -> &GenerationRequest {
        &self.request
    }

    /// Explores once, without what is to be skipped. `nonce` marks what the explorer prints.
    pub(super) async fn explore(
        &self,
        nonce: &str,
        budget: Duration,
        skip: &[String],
    ) -> Result<Verdict, ExplorationError> {
        let plan = Plan {
            nonce,
            source: self.request.source.as_str(),
            seed: self.request.effort.seed,
            budget_ms: whole_milliseconds(budget),
            skip,
            max_rows: ROWS_MAX,
            reading: &self.reading,
        };
        let plan = serde_json::to_string(&plan).expect("texts and numbers are always JSON");
        let source = program(self.guest.explorer().to_owned())?;
        let tests = program(self.guest.test(&plan))?;
        self.run(source, tests, budget + OVERHEAD).await
    }

    /// Runs a suite on the source.
    pub(super) async fn check(&self, suite: String) -> Result<Verdict, ExplorationError> {
        let source = program(self.request.source.as_str().to_owned())?;
        self.run(source, program(suite)?, SUITE_WALL).await
    }

    async fn run(
        &self,
        source: ProgramText,
        tests: ProgramText,
        wall: Duration,
    ) -> Result<Verdict, ExplorationError> {
        let limits =
            RequestedLimits { wall_ms: Some(whole_milliseconds(wall)), output_bytes: None };
        let request = ExecutionRequest {
            source,
            tests,
            language: self.request.language,
            limits,
            locale: self.request.locale,
            trace: self.trace.clone(),
        };
        let patience = Instant::now() + BUSY_PATIENCE;
        loop {
            match self.once(request.clone()).await {
                Ok(verdict) => return available(verdict),
                Err(ExecutorError::Busy { retry_after }) if Instant::now() >= patience => {
                    return Err(ExplorationError::Busy { retry_after });
                }
                Err(ExecutorError::Busy { .. }) => sleep(BUSY_PAUSE).await,
                Err(error) => return Err(ExplorationError::Unavailable(error.to_string())),
            }
        }
    }

    async fn once(&self, request: ExecutionRequest) -> Result<Verdict, ExecutorError> {
        let mut execution = self.executor.start(request).await?;
        while let Some(event) = execution.recv().await {
            if let ExecutionEvent::Result(verdict) = event? {
                return Ok(*verdict);
            }
        }
        Err(ExecutorError::Failed("the run ended without a verdict".to_owned()))
    }
}

impl From<JoinError> for ExplorationError {
    fn from(error: JoinError) -> Self {
        Self::Unavailable(format!("reading failed: {error}"))
    }
}

/// The verdict, if anything ran.
fn available(verdict: Verdict) -> Result<Verdict, ExplorationError> {
    match verdict.status {
        RunStatus::Unsupported | RunStatus::Unavailable => {
            Err(ExplorationError::Unavailable(verdict.status.as_str().to_owned()))
        }
        _ => Ok(verdict),
    }
}

fn program(text: String) -> Result<ProgramText, ExplorationError> {
    ProgramText::parse(text).map_err(|problem| match problem {
        TextProblem::TooLong { actual, max } => ExplorationError::TooLong { actual, max },
        // Neither is possible for what comes here: programs of ours, a source that was parsed, a
        // suite with tests.
        TextProblem::TooShort { .. } | TextProblem::Nul => {
            ExplorationError::TooLong { actual: 0, max: SOURCE_MAX_CHARS }
        }
    })
}

//! Takes runs on: a bounded queue, a turn, a warm sandbox, a verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::engine::{Engine, EngineError};
use super::judge::{Facts, TESTS_MAX, judge, nothing_ran};
use super::pool::{LaneHealth, PoolSettings, WarmPool};
use super::protocol::Job;
use super::run::{Events, Interrupted, Observed, run};
use crate::config::{PerRuntime, SandboxSettings};
use crate::domain::{
    ExecutionEvent, ExecutionRequest, LanguageCode, Limits, RunStatus, Runtime, Verdict,
};
use crate::gateways::{Execution, Executor, ExecutorError};
use crate::languages::{self, Manifest};

/// How long a run is taken to last until the first one was seen.
const FIRST_GUESS_MS: u64 = 1_000;

/// Runs tests in sandboxes of this machine.
#[derive(Clone)]
pub struct Runner(Arc<Shared>);

struct Shared {
    pool: WarmPool,
    limits: PerRuntime<Limits>,
    /// Runs at one time.
    slots: usize,
    /// Runs taken on: those that run and those that wait.
    places: Arc<Semaphore>,
    place_count: usize,
    turns: Semaphore,
    /// How long runs took lately, in milliseconds.
    typical_ms: AtomicU64,
    draining: CancellationToken,
    /// Cancelled when runs must end.
    cut_off: CancellationToken,
    tasks: TaskTracker,
}

/// How a runner is, for its health route.
#[derive(Clone, Debug, Serialize)]
pub struct RunnerHealth {
    /// What isolates the runs.
    pub engine: String,
    /// The languages it runs.
    pub languages: Vec<LanguageCode>,
    /// Sandboxes that wait for a job, by runtime.
    pub warm: PerRuntime<usize>,
    /// Runs at one time.
    pub slots: usize,
    /// Runs that run.
    pub running: usize,
    /// Runs that wait for their turn.
    pub queued: usize,
    /// What does not work, in words.
    pub problems: Vec<String>,
}

impl Runner {
    /// A runner over this engine. Begins to warm sandboxes up at once; needs a runtime.
    #[must_use]
    pub fn start(engine: Arc<dyn Engine>, settings: &SandboxSettings) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let slots = if settings.running == 0 { cores } else { settings.running };
        let pool = WarmPool::new(
            engine,
            PoolSettings {
                warm: settings.warm,
                start_timeout: settings.start_timeout,
                idle_max: settings.idle_max,
                starting: cores,
            },
        );
        pool.open();
        let place_count = slots + settings.queued;
        Self(Arc::new(Shared {
            pool,
            limits: settings.limits,
            slots,
            places: Arc::new(Semaphore::new(place_count)),
            place_count,
            turns: Semaphore::new(slots),
            typical_ms: AtomicU64::new(FIRST_GUESS_MS),
            draining: CancellationToken::new(),
            cut_off: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> RunnerHealth {
        let lanes = self.0.pool.health();
        let taken = self.0.place_count - self.0.places.available_permits();
        let running = self.0.slots - self.0.turns.available_permits();
        let mut warm = PerRuntime::default();
        for lane in &lanes {
            *warm.get_mut(lane.runtime) = lane.warm;
        }
        RunnerHealth {
            engine: self.0.pool.isolation(),
            languages: lanes
                .iter()
                .filter(|lane| !matches!(lane.failure, Some(EngineError::Unsupported(_))))
                .flat_map(|lane| lane.runtime.languages().iter().copied())
                .collect(),
            warm,
            slots: self.0.slots,
            running,
            queued: taken.saturating_sub(running),
            problems: lanes.iter().filter_map(problem).collect(),
        }
    }

    /// Puts its state into the process's gauges.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
    pub fn measure(&self) {
        let health = self.health();
        metrics::gauge!("tester_executions_running").set(health.running as f64);
        metrics::gauge!("tester_executions_queued").set(health.queued as f64);
        for runtime in Runtime::ALL {
            let warm = *health.warm.get(runtime) as f64;
            metrics::gauge!("tester_sandboxes_warm", "runtime" => runtime.as_str()).set(warm);
        }
    }

    /// Whether it takes nothing on any more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Takes nothing on any more.
    pub fn refuse_work(&self) {
        self.0.draining.cancel();
        self.0.tasks.close();
    }

    /// How many runs it took on and has not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.tasks.len()
    }

    /// Waits until no run is left; whether that was so before the time was up.
    pub async fn is_idle_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.0.tasks.wait()).await.is_ok()
    }

    /// Ends all runs; whoever watches one is told.
    pub fn cut_work_off(&self) {
        self.0.cut_off.cancel();
    }

    /// Destroys every sandbox, after the last run. Returns when nothing is left.
    pub async fn destroy(&self) {
        self.0.tasks.wait().await;
        self.0.pool.close().await;
    }

    async fn fill(&self, request: ExecutionRequest, place: OwnedSemaphorePermit, events: Events) {
        let language = request.language;
        let asked = std::time::Instant::now();
        let turn = tokio::select! {
            () = events.closed() => return,
            () = self.0.cut_off.cancelled() => {
                let why = "the worker is shutting down".to_owned();
                let _ = events.send(Err(ExecutorError::Unavailable(why))).await;
                return;
            }
            turn = self.0.turns.acquire() => turn,
        };
        let Ok(turn) = turn else { return };
        metrics::histogram!("tester_execution_wait_seconds", "language" => language.as_str())
            .record(asked.elapsed());
        let begun = std::time::Instant::now();
        let verdict = self.execute(request, &events).await;
        drop(turn);
        drop(place);
        self.remember(begun.elapsed());
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(Interrupted::ClientLeft) => {
                tracing::info!(%language, "the client left its run");
                return;
            }
            Err(Interrupted::CutOff) => {
                let why = "the worker is shutting down".to_owned();
                // Whoever left as well needs no error.
                let _ = events.send(Err(ExecutorError::Unavailable(why))).await;
                return;
            }
        };
        let status = verdict.status;
        metrics::counter!(
            "tester_executions_total",
            "language" => language.as_str(),
            "status" => status.as_str()
        )
        .increment(1);
        metrics::histogram!("tester_execution_seconds", "language" => language.as_str())
            .record(begun.elapsed());
        tracing::info!(
            %language,
            status = status.as_str(),
            tests = verdict.stats.tests.total,
            wall_ms = verdict.stats.wall_ms,
            cpu_ms = verdict.stats.cpu_ms,
            "run ended"
        );
        // A client that left needs no verdict.
        let _ = events.send(Ok(ExecutionEvent::Result(Box::new(verdict)))).await;
    }

    async fn execute(
        &self,
        request: ExecutionRequest,
        events: &Events,
    ) -> Result<Verdict, Interrupted> {
        let (language, locale) = (request.language, request.locale);
        let runtime = Runtime::of(language);
        let limits = self.limits(runtime, &request);
        let (claimed, read) = tokio::select! {
            both = async { tokio::join!(self.0.pool.claim(runtime), read(request)) } => both,
            // A sandbox that is being claimed just now destroys itself.
            () = events.closed() => return Err(Interrupted::ClientLeft),
            () = self.0.cut_off.cancelled() => return Err(Interrupted::CutOff),
        };
        let (job, manifest) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "reading the tests failed");
                return Ok(nothing_ran(language, RunStatus::Unavailable, "", locale));
            }
        };
        let mut warm = match claimed {
            Ok(warm) => warm,
            Err(EngineError::Unsupported(why)) => {
                return Ok(nothing_ran(language, RunStatus::Unsupported, &why, locale));
            }
            Err(EngineError::Unavailable(why)) => {
                tracing::warn!(%language, why, "no sandbox could be had");
                return Ok(nothing_ran(language, RunStatus::Unavailable, &why, locale));
            }
        };
        let observed = run(&mut warm, job, &limits, events, &self.0.cut_off).await;
        self.0.pool.dispose(warm.sandbox);
        let Observed { transcript, ending, usage, idle_cpu, wall } = observed?;
        Ok(judge(&Facts {
            language,
            locale,
            manifest: &manifest,
            transcript: &transcript,
            ending,
            usage,
            idle_cpu,
            wall,
            limits: &limits,
            isolation: self.0.pool.isolation(),
        }))
    }

    /// The configured limits, lowered where the request asks for it.
    fn limits(&self, runtime: Runtime, request: &ExecutionRequest) -> Limits {
        let mut limits = *self.0.limits.get(runtime);
        if let Some(wall) = request.limits.wall_ms {
            limits.wall = limits.wall.min(Duration::from_millis(wall));
        }
        if let Some(output) = request.limits.output_bytes {
            limits.output_bytes = limits.output_bytes.min(output);
        }
        limits
    }

    /// A moving average, so that a guess of how long the queue takes follows the load.
    fn remember(&self, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let before = self.0.typical_ms.load(Ordering::Relaxed);
        self.0.typical_ms.store((before * 7).saturating_add(took) / 8, Ordering::Relaxed);
    }

    /// When the whole queue will have had its turn, by how long runs take lately.
    fn retry_after(&self) -> Duration {
        let rounds = (self.0.place_count / self.0.slots.max(1)) as u64;
        let wait = self.0.typical_ms.load(Ordering::Relaxed).saturating_mul(rounds);
        Duration::from_millis(wait.clamp(1_000, 60_000))
    }
}

#[async_trait]
impl Executor for Runner {
    async fn start(&self, request: ExecutionRequest) -> Result<Execution, ExecutorError> {
        if self.is_draining() {
            return Err(ExecutorError::Unavailable("the worker is shutting down".to_owned()));
        }
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else {
            metrics::counter!("tester_executions_refused_total").increment(1);
            return Err(ExecutorError::Busy { retry_after: self.retry_after() });
        };
        // Room for every test, and for the verdict: sending never waits for the reader.
        let (events, execution) = mpsc::channel(TESTS_MAX + 1);
        let runner = self.clone();
        let fill = async move { runner.fill(request, place, events).await };
        self.0.tasks.spawn(fill.instrument(tracing::Span::current()));
        Ok(execution)
    }
}

/// Makes the two texts fit together, and reads in the tests what must be reported. Parsing takes
/// milliseconds for honest code and longer for hostile, so it leaves the serving threads.
async fn read(request: ExecutionRequest) -> Result<(Job, Manifest), tokio::task::JoinError> {
    tokio::task::spawn_blocking(move || {
        let ExecutionRequest { source, tests, language, .. } = request;
        let (source, tests) = (source.as_str(), tests.as_str());
        let prepared = languages::prepare(language, source, tests);
        let manifest = languages::manifest(language, &prepared.source, &prepared.tests);
        (Job { language, source: prepared.source, tests: prepared.tests }, manifest)
    })
    .await
}

fn problem(lane: &LaneHealth) -> Option<String> {
    let failure = lane.failure.as_ref()?;
    Some(format!("{}: {failure}", lane.runtime))
}

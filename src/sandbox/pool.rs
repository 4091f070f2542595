//! Warm, one-shot: sandboxes are started ahead, claimed once, and never come back.
//!
//! A lane a runtime. Whoever claims takes the one that waited longest, or queues for the next one
//! that gets warm; behind every claim another is started. Members are asked for a sign of life
//! before they are handed out and while they wait, and are replaced when they get old.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::engine::{Engine, EngineError, FromSandbox, Sandbox, ToSandbox};
use super::protocol::{FromSupervisor, REPORT_FRAME_MAX, ToSupervisor, read_frame, write_frame};
use crate::config::PerRuntime;
use crate::domain::Runtime;

/// How long an idle supervisor may take to answer: it does nothing else, but the machine may be
/// busy.
const PONG_DEADLINE: Duration = Duration::from_secs(2);
/// How often idle members are looked at, and leftovers of other workers.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// How long a claim goes on trying while the engine is away: as long as a daemon's restart.
const CLAIM_PATIENCE: Duration = Duration::from_secs(15);
/// Wait after the first failed start, doubled with each one, up to the second value.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// How long a sandbox that is being made may take when the worker stops.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// What a harness that died while it warmed up is quoted with, in bytes.
const LAST_WORDS_MAX: usize = 2_000;

/// How a pool is kept.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Sandboxes kept warm, by runtime.
    pub warm: PerRuntime<usize>,
    /// How long one may take until it is warm.
    pub start_timeout: Duration,
    /// How long a warm one is kept.
    pub idle_max: Duration,
    /// Sandboxes that start at one time: starting is all CPU, so one a core.
    pub starting: usize,
}

/// Keeps sandboxes warm.
#[derive(Clone)]
pub struct WarmPool(Arc<Shared>);

struct Shared {
    engine: Arc<dyn Engine>,
    settings: PoolSettings,
    lanes: PerRuntime<Mutex<Lane>>,
    starts: Semaphore,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Lane {
    idle: VecDeque<WarmSandbox>,
    starting: usize,
    waiting: VecDeque<oneshot::Sender<Result<WarmSandbox, EngineError>>>,
    /// Since the last start that worked.
    failures: u32,
    failure: Option<EngineError>,
    /// Whether a task is asleep that will try again.
    retrying: bool,
}

/// A sandbox whose harness waits for its job.
pub struct WarmSandbox {
    /// The sandbox.
    pub sandbox: Box<dyn Sandbox>,
    /// Its supervisor's frames.
    pub from: FromSandbox,
    /// The frames its supervisor reads.
    pub to: ToSandbox,
    /// What runs in it, by the harness's own word.
    pub versions: BTreeMap<String, String>,
    since: Instant,
}

impl fmt::Debug for WarmSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmSandbox").field("since", &self.since).finish_non_exhaustive()
    }
}

/// How one lane of a pool is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneHealth {
    /// Whose.
    pub runtime: Runtime,
    /// Sandboxes that wait for a job.
    pub warm: usize,
    /// Sandboxes that should.
    pub target: usize,
    /// Why the last start failed, as long as none worked since.
    pub failure: Option<EngineError>,
}

impl WarmPool {
    /// A pool of this engine's sandboxes. Starts nothing before [`WarmPool::open`].
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, settings: PoolSettings) -> Self {
        Self(Arc::new(Shared {
            engine,
            starts: Semaphore::new(settings.starting.max(1)),
            settings,
            lanes: PerRuntime::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Begins to fill the lanes, and to look after them.
    pub fn open(&self) {
        for runtime in Runtime::ALL {
            self.top_up(runtime);
        }
        let pool = self.clone();
        self.0.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = pool.0.stopping.cancelled() => return,
                    () = sleep(CHECK_INTERVAL) => {}
                }
                future::join_all(Runtime::ALL.map(|runtime| pool.look_after(runtime))).await;
                // What another worker of this host left may have died only after we started.
                match pool.0.engine.reap().await {
                    Ok(0) => {}
                    Ok(count) => tracing::info!(count, "destroyed what a dead worker left"),
                    Err(error) => tracing::debug!(%error, "can't look for leftovers"),
                }
            }
        });
    }

    /// What isolates the sandboxes.
    #[must_use]
    pub fn isolation(&self) -> String {
        self.0.engine.isolation()
    }

    /// Takes a sandbox out, for good. Waits for one that is being started where none is warm.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when none can be started, also after some patience where it may pass.
    pub async fn claim(&self, runtime: Runtime) -> Result<WarmSandbox, EngineError> {
        let give_up = Instant::now() + CLAIM_PATIENCE;
        let mut pause = RETRY_MIN;
        loop {
            match self.next(runtime).await {
                Err(EngineError::Unavailable(_)) if Instant::now() + pause < give_up => {
                    tokio::select! {
                        () = self.0.stopping.cancelled() => return Err(stopping()),
                        () = sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
                    }
                }
                result => return result,
            }
        }
    }

    /// How every lane is.
    #[must_use]
    pub fn health(&self) -> Vec<LaneHealth> {
        Runtime::ALL
            .into_iter()
            .map(|runtime| {
                let lane = self.lane(runtime);
                LaneHealth {
                    runtime,
                    warm: lane.idle.len(),
                    target: *self.0.settings.warm.get(runtime),
                    failure: lane.failure.clone(),
                }
            })
            .collect()
    }

    /// Destroys a sandbox in the background; [`WarmPool::close`] waits for it.
    pub fn dispose(&self, sandbox: Box<dyn Sandbox>) {
        self.0.tasks.spawn(destroy(sandbox));
    }

    /// Destroys everything. Claims that wait get an error. Returns when nothing is left.
    pub async fn close(&self) {
        self.0.stopping.cancel();
        for runtime in Runtime::ALL {
            let mut lane = self.lane(runtime);
            lane.waiting.clear();
            for warm in lane.idle.drain(..) {
                self.dispose(warm.sandbox);
            }
        }
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn next(&self, runtime: Runtime) -> Result<WarmSandbox, EngineError> {
        loop {
            if self.0.stopping.is_cancelled() {
                return Err(stopping());
            }
            let idle = self.lane(runtime).idle.pop_front();
            let Some(mut warm) = idle else { break };
            // Its successor is started while it works.
            self.top_up(runtime);
            if warm.is_alive().await {
                return Ok(warm);
            }
            tracing::warn!(%runtime, "a warm sandbox died");
            self.dispose(warm.sandbox);
        }
        let (sender, receiver) = oneshot::channel();
        self.lane(runtime).waiting.push_back(sender);
        self.top_up(runtime);
        receiver.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Starts as many as are missing.
    fn top_up(&self, runtime: Runtime) {
        if self.0.stopping.is_cancelled() {
            return;
        }
        let target = *self.0.settings.warm.get(runtime);
        let mut lane = self.lane(runtime);
        // A lane that fails is tried for those who wait, and else only after its pause.
        let ahead = if lane.failures == 0 { target } else { 0 };
        let missing = (ahead + lane.waiting.len()).saturating_sub(lane.idle.len() + lane.starting);
        lane.starting += missing;
        drop(lane);
        for _ in 0..missing {
            let pool = self.clone();
            self.0.tasks.spawn(async move { pool.start_one(runtime).await });
        }
    }

    async fn start_one(&self, runtime: Runtime) {
        let mut start = std::pin::pin!(self.start(runtime));
        let started = tokio::select! {
            started = &mut start => started,
            // What is half made is finished, so that it can be destroyed in order.
            () = self.0.stopping.cancelled() => {
                timeout(STOP_PATIENCE, start).await.unwrap_or_else(|_| Err(stopping()))
            }
        };
        let mut retry = None;
        {
            let mut lane = self.lane(runtime);
            lane.starting -= 1;
            match started {
                Ok(warm) => {
                    lane.failures = 0;
                    lane.failure = None;
                    if self.0.stopping.is_cancelled() {
                        self.dispose(warm.sandbox);
                    } else {
                        lane.hand_out(warm);
                    }
                }
                Err(error) => {
                    if lane.failure.as_ref() != Some(&error) {
                        tracing::warn!(%runtime, %error, "a sandbox can't be started");
                    }
                    lane.failures = lane.failures.saturating_add(1);
                    lane.failure = Some(error.clone());
                    if let Some(waiter) = lane.waiting.pop_front() {
                        // Who stopped waiting needs no answer.
                        let _ = waiter.send(Err(error));
                    }
                    if !lane.retrying {
                        lane.retrying = true;
                        retry = Some(backoff(lane.failures));
                    }
                }
            }
        }
        self.top_up(runtime);
        if let Some(pause) = retry {
            self.retry_after(runtime, pause);
        }
    }

    /// Lets the lane fill up again after a pause.
    fn retry_after(&self, runtime: Runtime, pause: Duration) {
        let pool = self.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = pool.0.stopping.cancelled() => return,
                () = sleep(pause) => {}
            }
            if pool.begin_retry(runtime) {
                // Boxed, for the two call each other.
                let start: future::BoxFuture<'_, ()> = Box::pin(pool.start_one(runtime));
                start.await;
            }
        });
    }

    /// Whether the lane still wants the one start that a retry is; if so, it is counted.
    fn begin_retry(&self, runtime: Runtime) -> bool {
        let target = *self.0.settings.warm.get(runtime);
        let mut lane = self.lane(runtime);
        lane.retrying = false;
        let wanted = lane.failures > 0 && target > lane.idle.len() && lane.starting == 0;
        lane.starting += usize::from(wanted);
        wanted
    }

    async fn start(&self, runtime: Runtime) -> Result<WarmSandbox, EngineError> {
        let permit = self.0.starts.acquire().await;
        let _permit = permit.map_err(|_| stopping())?;
        let begun = Instant::now();
        let mut sandbox = self.0.engine.start(runtime).await?;
        let Some((mut from, to)) = sandbox.channel() else {
            return Err(EngineError::Unavailable("the sandbox has no channel".to_owned()));
        };
        let deadline = self.0.settings.start_timeout;
        let ready = tokio::select! {
            ready = timeout(deadline, until_ready(&mut from)) => ready.unwrap_or_else(|_| {
                let ms = deadline.as_millis();
                Err(format!("the {runtime} sandbox was not warm within {ms} ms"))
            }),
            () = self.0.stopping.cancelled() => Err("the worker is shutting down".to_owned()),
        };
        match ready {
            Ok(versions) => {
                metrics::histogram!("tester_sandbox_start_seconds", "runtime" => runtime.as_str())
                    .record(begun.elapsed());
                Ok(WarmSandbox { sandbox, from, to, versions, since: Instant::now() })
            }
            Err(why) => {
                destroy(sandbox).await;
                Err(EngineError::Unavailable(why))
            }
        }
    }

    /// Replaces the members that are old or dead.
    async fn look_after(&self, runtime: Runtime) {
        let members: Vec<WarmSandbox> = self.lane(runtime).idle.drain(..).collect();
        let asked = members.into_iter().map(|mut warm| async move {
            let sound = warm.since.elapsed() < self.0.settings.idle_max && warm.is_alive().await;
            (warm, sound)
        });
        for (warm, sound) in future::join_all(asked).await {
            if sound && !self.0.stopping.is_cancelled() {
                self.lane(runtime).hand_out(warm);
            } else {
                self.dispose(warm.sandbox);
            }
        }
        self.top_up(runtime);
    }

    fn lane(&self, runtime: Runtime) -> MutexGuard<'_, Lane> {
        self.0.lanes.get(runtime).lock().expect("nothing panics while it holds a lane")
    }
}

impl Lane {
    /// To whoever waits longest and still does, else to the others that wait for a job.
    fn hand_out(&mut self, warm: WarmSandbox) {
        let mut result = Ok(warm);
        while let Some(waiter) = self.waiting.pop_front() {
            match waiter.send(result) {
                Ok(()) => return,
                Err(back) => result = back,
            }
        }
        if let Ok(warm) = result {
            self.idle.push_back(warm);
        }
    }
}

impl WarmSandbox {
    async fn is_alive(&mut self) -> bool {
        let asked = async {
            write_frame(&mut self.to, &ToSupervisor::Ping).await.ok()?;
            let answer = read_frame(&mut self.from, REPORT_FRAME_MAX).await.ok()??;
            serde_json::from_slice(&answer).ok()
        };
        matches!(timeout(PONG_DEADLINE, asked).await, Ok(Some(FromSupervisor::Pong)))
    }
}

/// Reads until the harness is warm. A harness that dies says why on its standard error.
async fn until_ready(from: &mut FromSandbox) -> Result<BTreeMap<String, String>, String> {
    let mut last_words = Vec::new();
    loop {
        let frame = read_frame(from, REPORT_FRAME_MAX).await;
        let Ok(Some(frame)) = frame else {
            return Err(format!(
                "the supervisor ended before the harness was warm{}",
                quoted(&last_words)
            ));
        };
        match serde_json::from_slice(&frame) {
            Ok(FromSupervisor::Ready { versions }) => return Ok(versions),
            Ok(FromSupervisor::Output { data, .. }) => {
                let room = LAST_WORDS_MAX.saturating_sub(last_words.len());
                let bytes = super::output::decode(&data);
                last_words.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Ok(FromSupervisor::Exited { code, signal }) => {
                let how = match (code, signal) {
                    (Some(code), _) => format!("with status {code}"),
                    (_, Some(signal)) => format!("by signal {signal}"),
                    (None, None) => "somehow".to_owned(),
                };
                return Err(format!("the harness ended {how}{}", quoted(&last_words)));
            }
            Ok(FromSupervisor::Pong) => {}
            other => return Err(format!("the supervisor said {other:?} before it was ready")),
        }
    }
}

fn quoted(last_words: &[u8]) -> String {
    let text = String::from_utf8_lossy(last_words);
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

async fn destroy(mut sandbox: Box<dyn Sandbox>) {
    if let Err(error) = sandbox.kill().await {
        tracing::error!(%error, "a sandbox can't be killed");
    }
    if let Err(error) = sandbox.remove().await {
        tracing::warn!(%error, "a sandbox can't be removed");
    }
}

fn stopping() -> EngineError {
    EngineError::Unavailable("the worker is shutting down".to_owned())
}

fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (RETRY_MIN * 2_u32.pow(doublings)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests;

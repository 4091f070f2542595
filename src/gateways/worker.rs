//! `tester worker`, asked over HTTP: the execution half of a deployment.
//!
//! Failure policy: closed, and nothing is run twice. Only a request that never reached a worker
//! (its connection was refused, or the worker said that it takes nothing on) is sent once more, to
//! the next one. With several workers the one with the most free capacity, by its own last word, is
//! asked first; one that does not answer is passed over until its word is asked for again.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future;
use reqwest::header::{ACCEPT_LANGUAGE, AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::executor::{Execution, Executor, ExecutorError};
use super::http::{self, Peer, ThreadLocalClient, Traffic, read_limited};
use super::sse::{Decoder, Frame};
use crate::config::WorkerClientSettings;
use crate::domain::{ExecutionEvent, ExecutionRequest, TestResult, Verdict};

/// Longest event of a worker: a verdict holds what was printed (1 MiB, in the report and at its
/// test, three bytes a bad one) and the failure texts (1 MiB).
const EVENT_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Longest health answer that is read.
const HEALTH_MAX_BYTES: usize = 64 * 1024;
/// How long a health answer is waited for.
const HEALTH_DEADLINE: Duration = Duration::from_secs(2);
/// Requests sent for one run: the second only if the first was not taken on.
const ATTEMPTS: usize = 2;
/// How long the end of a stream is waited for once its last event is there.
const END_PATIENCE: Duration = Duration::from_millis(200);
/// When to come back if no worker says.
const RETRY_BUSY: Duration = Duration::from_secs(2);
/// Events held for a reader; the worker holds more, so that nothing waits for us.
const BUFFERED_EVENTS: usize = 64;

/// The settings can't be used to call anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerSetupError {
    /// The token has characters that no HTTP header may hold.
    #[error("WORKER_AUTH_TOKEN has characters that can't be sent in a header")]
    Token,
    /// A root can't have a path.
    #[error("WORKER_URL holds something that is not an http or https URL")]
    Url,
}

/// The workers of a deployment.
pub struct WorkerClient {
    workers: Vec<Worker>,
    authorization: SecretString,
    clients: ThreadLocalClient,
    total_timeout: Duration,
    health_ttl: Duration,
}

struct Worker {
    health: Url,
    stream: Url,
    capacity: Mutex<Capacity>,
}

/// What is known of a worker.
#[derive(Clone, Copy, Debug)]
enum Capacity {
    Unknown,
    /// Runs it had room for at that time, minus those sent to it since.
    Free(i64, Instant),
    /// It did not answer, or takes nothing on.
    Away(Instant),
}

#[derive(Deserialize)]
struct Health {
    slots: i64,
    running: i64,
    queued: i64,
}

/// What came of asking one worker.
enum Asked {
    Taken(Response),
    /// It was not reached; it, or another, may be asked once more.
    Unreachable(ExecutorError),
    /// It takes nothing on now; another may be asked.
    NotTaken(ExecutorError),
    Failed(ExecutorError),
}

impl WorkerClient {
    /// A client of these workers. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// [`WorkerSetupError`] when token or root can't be sent.
    pub fn new(settings: &WorkerClientSettings) -> Result<Self, WorkerSetupError> {
        let authorization = format!("Bearer {}", settings.token.expose_secret());
        HeaderValue::from_str(&authorization).map_err(|_| WorkerSetupError::Token)?;
        let workers = settings.urls.iter().map(|root| {
            Ok(Worker {
                health: below(root, &["health"])?,
                stream: below(root, &["execute", "stream"])?,
                capacity: Mutex::new(Capacity::Unknown),
            })
        });
        Ok(Self {
            workers: workers.collect::<Result<_, _>>()?,
            authorization: authorization.into(),
            clients: ThreadLocalClient::new(Traffic::Streams, settings.connect_timeout),
            total_timeout: settings.total_timeout,
            health_ttl: settings.health_ttl,
        })
    }

    /// The workers to ask, the best first. Those whose word is old are asked for a new one.
    async fn candidates(&self) -> Vec<&Worker> {
        if let [only] = &self.workers[..] {
            return vec![only];
        }
        let client = self.clients.get().clone();
        let stale = self.workers.iter().filter(|worker| worker.is_stale(self.health_ttl));
        future::join_all(stale.map(|worker| worker.ask(&client))).await;
        let mut rated: Vec<(i64, &Worker)> =
            self.workers.iter().filter_map(|worker| Some((worker.free()?, worker))).collect();
        rated.sort_by_key(|(free, _)| std::cmp::Reverse(*free));
        rated.into_iter().map(|(_, worker)| worker).collect()
    }

    async fn ask(&self, worker: &Worker, request: &ExecutionRequest, deadline: Instant) -> Asked {
        let body = json!({
            "input_code": request.source.as_str(),
            "test_code": request.tests.as_str(),
            "language": request.language,
            "limits": request.limits,
        });
        let mut authorization = HeaderValue::from_str(self.authorization.expose_secret())
            .expect("the constructor made one of it");
        authorization.set_sensitive(true);
        let call = self
            .clients
            .get()
            .post(worker.stream.clone())
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT_LANGUAGE, request.locale.tag())
            // The lines and spans of both halves are found together.
            .header("traceparent", request.trace.to_traceparent())
            .json(&body);
        let sent = http::send(Peer::Worker, call);
        let response = match timeout_at(deadline, sent).await {
            Err(_) => return Asked::Failed(ExecutorError::Timeout),
            Ok(Err(error)) if error.is_connect() => {
                worker.set(Capacity::Away(Instant::now()));
                let cause = http::describe(error);
                return Asked::Unreachable(ExecutorError::Unavailable(cause));
            }
            Ok(Err(error)) => {
                return Asked::Failed(ExecutorError::Unavailable(http::describe(error)));
            }
            Ok(Ok(response)) => response,
        };
        match response.status() {
            StatusCode::OK => Asked::Taken(response),
            StatusCode::TOO_MANY_REQUESTS => {
                worker.set(Capacity::Free(0, Instant::now()));
                let retry_after = retry_after(&response).unwrap_or(RETRY_BUSY);
                Asked::NotTaken(ExecutorError::Busy { retry_after })
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                worker.set(Capacity::Away(Instant::now()));
                Asked::NotTaken(ExecutorError::Unavailable("it is draining".to_owned()))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Asked::Failed(ExecutorError::Failed("it refuses WORKER_AUTH_TOKEN".to_owned()))
            }
            status => Asked::Failed(ExecutorError::Failed(format!("status {}", status.as_u16()))),
        }
    }
}

#[async_trait]
impl Executor for WorkerClient {
    async fn start(&self, request: ExecutionRequest) -> Result<Execution, ExecutorError> {
        let deadline = Instant::now() + self.total_timeout;
        let mut last = ExecutorError::Unavailable("every worker is away".to_owned());
        let mut candidates = self.candidates().await.into_iter();
        let mut next = candidates.next();
        for _ in 0..ATTEMPTS {
            let Some(worker) = next else { break };
            match self.ask(worker, &request, deadline).await {
                Asked::Taken(response) => {
                    worker.take_one();
                    let (events, execution) = mpsc::channel(BUFFERED_EVENTS);
                    tokio::spawn(relay(response, deadline, events));
                    return Ok(execution);
                }
                Asked::Unreachable(error) => {
                    last = error;
                    next = candidates.next().or(Some(worker));
                }
                Asked::NotTaken(error) => {
                    last = error;
                    next = candidates.next();
                }
                Asked::Failed(error) => return Err(error),
            }
        }
        Err(last)
    }
}

impl Worker {
    fn is_stale(&self, ttl: Duration) -> bool {
        match self.capacity() {
            Capacity::Unknown => true,
            Capacity::Free(_, at) | Capacity::Away(at) => at.elapsed() >= ttl,
        }
    }

    fn free(&self) -> Option<i64> {
        match self.capacity() {
            Capacity::Free(free, _) => Some(free),
            Capacity::Unknown | Capacity::Away(_) => None,
        }
    }

    fn take_one(&self) {
        if let Capacity::Free(free, at) = self.capacity() {
            self.set(Capacity::Free(free - 1, at));
        }
    }

    async fn ask(&self, client: &Client) {
        let answer = async {
            let response = client.get(self.health.clone()).send().await.ok()?;
            if response.status() != StatusCode::OK {
                return None;
            }
            let body = read_limited(response, HEALTH_MAX_BYTES).await.ok()?;
            serde_json::from_slice::<Health>(&body).ok()
        };
        let answer = timeout(HEALTH_DEADLINE, answer).await.ok().flatten();
        self.set(match answer {
            Some(Health { slots, running, queued }) => {
                Capacity::Free(slots - running - queued, Instant::now())
            }
            None => Capacity::Away(Instant::now()),
        });
    }

    fn capacity(&self) -> Capacity {
        *self.capacity.lock().expect("nothing panics while it holds the capacity")
    }

    fn set(&self, capacity: Capacity) {
        *self.capacity.lock().expect("nothing panics while it holds the capacity") = capacity;
    }
}

/// Hands the worker's events on. Ends, and with it the connection and the run, when nobody listens
/// any more.
async fn relay(
    mut response: Response,
    deadline: Instant,
    events: mpsc::Sender<Result<ExecutionEvent, ExecutorError>>,
) {
    let ended = tokio::select! {
        () = events.closed() => return,
        ended = timeout_at(deadline, read_events(&mut response, &events)) => ended,
    };
    let error = match ended {
        Ok(Ok(Read::Verdict)) => {
            // Whoever listens is at the end, and may leave: that must not cut this short.
            drop(events);
            return read_to_the_end(response).await;
        }
        Ok(Ok(Read::NobodyListens)) => return,
        Ok(Err(error)) => error,
        Err(_) => ExecutorError::Timeout,
    };
    // Whoever left needs no error.
    let _ = events.send(Err(error)).await;
}

/// How far a stream was read.
enum Read {
    Verdict,
    NobodyListens,
}

/// Read to its end, the connection can carry the next run. One that has no end is closed.
async fn read_to_the_end(mut response: Response) {
    let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
    let _ = timeout(END_PATIENCE, rest).await;
}

async fn read_events(
    response: &mut Response,
    events: &mpsc::Sender<Result<ExecutionEvent, ExecutorError>>,
) -> Result<Read, ExecutorError> {
    let mut decoder = Decoder::with_bound(EVENT_MAX_BYTES);
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            ExecutorError::Unavailable(format!("the run broke off: {}", http::describe(error)))
        })?;
        let Some(chunk) = chunk else {
            return Err(ExecutorError::Unavailable("the run broke off".to_owned()));
        };
        decoder.push(&chunk);
        while let Some(frame) = decoder.next_frame() {
            let frame = frame.map_err(|error| ExecutorError::Failed(error.to_string()))?;
            let Some(event) = parse(frame)? else { continue };
            let last = matches!(event, ExecutionEvent::Result(_));
            if events.send(Ok(event)).await.is_err() {
                return Ok(Read::NobodyListens);
            }
            if last {
                return Ok(Read::Verdict);
            }
        }
    }
}

/// `None` for events that a newer worker may know and this client does not.
fn parse(frame: Frame) -> Result<Option<ExecutionEvent>, ExecutorError> {
    let (Frame::Event(event) | Frame::Tail(event)) = frame else {
        return Err(ExecutorError::Failed("an answer that is no event".to_owned()));
    };
    // The parser's words may quote what tests printed; where it failed says enough.
    let malformed = |error: serde_json::Error| {
        ExecutorError::Failed(format!("an event can't be read: {:?}", error.classify()))
    };
    match event.event.as_str() {
        "test" => {
            let test: TestResult = serde_json::from_str(&event.data).map_err(malformed)?;
            Ok(Some(ExecutionEvent::Test(test)))
        }
        "result" => {
            let verdict: Verdict = serde_json::from_str(&event.data).map_err(malformed)?;
            Ok(Some(ExecutionEvent::Result(Box::new(verdict))))
        }
        "error" => Err(ExecutorError::Unavailable("it gave the run up".to_owned())),
        _ => Ok(None),
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn below(root: &Url, segments: &[&str]) -> Result<Url, WorkerSetupError> {
    let mut url = root.clone();
    url.path_segments_mut().map_err(|()| WorkerSetupError::Url)?.pop_if_empty().extend(segments);
    Ok(url)
}

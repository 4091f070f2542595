//! A stand-in for the Gemini API: speaks `streamGenerateContent` and the model list over true
//! HTTP, and misbehaves on order.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use tester_peers::Gate;
//! use tester_peers::gemini::{Breakage, Failure, GeminiPeer, StreamedAnswer};
//!
//! let peer = GeminiPeer::start().await?;
//! // The next request is refused, the one after gets two chunks, each when the gate lets it out.
//! peer.enqueue(Failure::unavailable());
//! let gate = Gate::closed();
//! peer.enqueue(StreamedAnswer::text(["def test_", "one(): ..."]).gated(&gate));
//! // … point the program under test at `peer.url()` and let it generate …
//! gate.release(1);
//! let exchange = peer.exchange(1).await;
//! exchange.closed_by_caller().await;
//! # Ok(())
//! # }
//! ```
//!
//! Requests that find the queue empty get the default answer, which is a small good one until
//! [`GeminiPeer::set_default`] says otherwise. Nothing in here sleeps unless a pace is asked for.

mod answer;
mod failure;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::watch;

pub use answer::{Answer, Breakage, StreamedAnswer, Usage};
pub use failure::Failure;

use crate::http::{Connection, Request, Server};

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The whole answer was written.
    Answered,
    /// The caller closed its connection before the answer was complete.
    ClosedByCaller,
    /// The peer broke the connection, as it was told to.
    Broken,
}

/// One request for an answer, as the peer saw it.
#[derive(Clone, Debug)]
pub struct Exchange {
    request: Arc<Request>,
    progress: watch::Receiver<Progress>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    segments: usize,
    ending: Option<Ending>,
}

impl Exchange {
    /// The request as it came over the wire.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The model named in the path.
    #[must_use]
    pub fn model(&self) -> &str {
        generated_model(self.request.path()).unwrap_or_default()
    }

    /// The text of `contents[0].parts[0]`: the user's part of the prompt.
    #[must_use]
    pub fn user_text(&self) -> String {
        text_at(&self.request, "/contents/0/parts/0/text")
    }

    /// The text of `systemInstruction.parts[0]`.
    #[must_use]
    pub fn system_text(&self) -> String {
        text_at(&self.request, "/systemInstruction/parts/0/text")
    }

    /// How the exchange ended, `None` while it goes on.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.progress.borrow().ending
    }

    /// Waits for the end.
    ///
    /// # Panics
    ///
    /// When the peer is dropped meanwhile.
    pub async fn ended(&self) -> Ending {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| progress.ending.is_some()).await;
        ended
            .ok()
            .and_then(|progress| progress.ending)
            .expect("the peer outlives the exchanges that are waited for")
    }

    /// Waits until the caller closes its connection before the answer is complete. Put a timeout
    /// around it: an answer that is completed instead is a panic, an open one waits.
    ///
    /// # Panics
    ///
    /// When the exchange ends another way.
    pub async fn closed_by_caller(&self) {
        assert_eq!(self.ended().await, Ending::ClosedByCaller, "how the exchange ended");
    }

    /// Waits until that many segments of the body were written.
    ///
    /// # Panics
    ///
    /// When the exchange ends with fewer.
    pub async fn wrote(&self, segments: usize) {
        let mut progress = self.progress.clone();
        let reached = progress
            .wait_for(|progress| progress.segments >= segments || progress.ending.is_some())
            .await;
        let written = reached.map_or(0, |progress| progress.segments);
        assert!(written >= segments, "the exchange ended after {written} segments");
    }
}

fn text_at(request: &Request, pointer: &str) -> String {
    request.json().pointer(pointer).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}

/// The listening peer. Dropping it breaks all its connections.
#[derive(Debug)]
pub struct GeminiPeer {
    server: Server,
    script: Arc<Script>,
}

#[derive(Debug)]
struct Script {
    state: Mutex<State>,
    /// Requests for an answer seen so far.
    seen: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Answer>,
    default: Answer,
    expected_key: Option<String>,
    models: Vec<String>,
    exchanges: Vec<Exchange>,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panics elsewhere must not hide its own message behind a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the request and picks its answer.
    fn begin(&self, request: Request) -> (Answer, Arc<Request>, watch::Sender<Progress>) {
        let (sender, progress) = watch::channel(Progress::default());
        let request = Arc::new(request);
        let mut state = self.lock();
        state.exchanges.push(Exchange { request: Arc::clone(&request), progress });
        let answer = state.queue.pop_front().unwrap_or_else(|| state.default.clone());
        let seen = state.exchanges.len();
        drop(state);
        self.seen.send_replace(seen);
        (answer, request, sender)
    }
}

impl GeminiPeer {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Listens on a given address, so that a peer can come back where it was.
    ///
    /// # Errors
    ///
    /// When the address can't be had.
    pub async fn start_on(address: SocketAddr) -> io::Result<Self> {
        let script = Arc::new(Script {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                default: StreamedAnswer::text(["def test_", "it():\n    assert True\n"]).into(),
                expected_key: None,
                models: vec!["gemini-3.8-flash".to_owned(), "gemini-3.5-flash".to_owned()],
                exchanges: Vec::new(),
            }),
            seen: watch::Sender::new(0),
        });
        let shared = Arc::clone(&script);
        let server = Server::start_on(address, move |request, connection| {
            let script = Arc::clone(&shared);
            async move { respond(&script, request, connection).await }
        })
        .await?;
        Ok(Self { server, script })
    }

    /// The root URL to use as `GEMINI_BASE_URL`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where the peer listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Answers the next request that has no answer yet with this one. Answers queue up.
    pub fn enqueue(&self, answer: impl Into<Answer>) {
        self.script.lock().queue.push_back(answer.into());
    }

    /// Answers with this one whenever the queue is empty.
    pub fn set_default(&self, answer: impl Into<Answer>) {
        self.script.lock().default = answer.into();
    }

    /// Refuses every other key from now on, as the API does: 400 `API_KEY_INVALID` for a wrong
    /// one, 403 for none. Such requests take no answer from the queue and are not recorded.
    pub fn expect_key(&self, key: &str) {
        self.script.lock().expected_key = Some(key.to_owned());
    }

    /// The names `GET /v1beta/models` lists (without their `models/` prefix).
    pub fn set_models<S: Into<String>>(&self, models: impl IntoIterator<Item = S>) {
        self.script.lock().models = models.into_iter().map(Into::into).collect();
    }

    /// How many requests for an answer were seen.
    #[must_use]
    pub fn requests_seen(&self) -> usize {
        self.script.lock().exchanges.len()
    }

    /// How many of them are being answered right now.
    #[must_use]
    pub fn open_exchanges(&self) -> usize {
        let state = self.script.lock();
        state.exchanges.iter().filter(|exchange| exchange.ending().is_none()).count()
    }

    /// All exchanges so far, in the order of their requests.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.script.lock().exchanges.clone()
    }

    /// The exchange of that number, counted from 0; waits for its request.
    pub async fn exchange(&self, number: usize) -> Exchange {
        let mut seen = self.script.seen.subscribe();
        let arrived = seen.wait_for(|seen| *seen > number).await;
        arrived.expect("the sender lives in self");
        self.script.lock().exchanges[number].clone()
    }

    /// Forgets the exchanges seen so far, so that numbers start at 0 again.
    pub fn forget_exchanges(&self) {
        self.script.lock().exchanges.clear();
        self.script.seen.send_replace(0);
    }
}

async fn respond(
    script: &Script,
    request: Request,
    mut connection: Connection,
) -> io::Result<Connection> {
    if let Some(refusal) = refusal(script, &request) {
        failure::write_failure(&mut connection, &refusal).await?;
        return Ok(connection);
    }
    match request.method.as_str() {
        "POST" if generated_model(request.path()).is_some() => {
            let (answer, request, progress) = script.begin(request);
            let model = generated_model(request.path()).unwrap_or_default();
            let report = |segments| progress.send_modify(|progress| progress.segments = segments);
            let (ending, connection) = answer.play(connection, model, report).await;
            progress.send_modify(|progress| progress.ending = Some(ending));
            connection
        }
        "GET" if request.path() == "/v1beta/models" => {
            let models: Vec<_> = script
                .lock()
                .models
                .iter()
                .map(|name| json!({"name": format!("models/{name}"), "displayName": name}))
                .collect();
            connection.respond_json(200, &json!({ "models": models })).await?;
            Ok(connection)
        }
        _ => {
            let failure = Failure::new(404, "NOT_FOUND", "no such method");
            failure::write_failure(&mut connection, &failure).await?;
            Ok(connection)
        }
    }
}

/// `gemini-x` of `/v1beta/models/gemini-x:streamGenerateContent`.
fn generated_model(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta/models/")?.strip_suffix(":streamGenerateContent")
}

/// What the API itself says before any model is asked.
fn refusal(script: &Script, request: &Request) -> Option<Failure> {
    let expected = script.lock().expected_key.clone();
    if let Some(expected) = expected {
        match request.header("x-goog-api-key") {
            None => {
                let message = "Method doesn't allow unregistered callers.";
                return Some(Failure::new(403, "PERMISSION_DENIED", message));
            }
            Some(key) if key != expected => return Some(Failure::invalid_key()),
            Some(_) => {}
        }
    }
    let answers_as_sse = request.query("alt").as_deref() == Some("sse");
    (generated_model(request.path()).is_some() && !answers_as_sse)
        .then(|| Failure::new(400, "INVALID_ARGUMENT", "this peer answers with alt=sse only"))
}

//! Cloudflare Turnstile's siteverify, speaking JSON.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::gate::Gate;
use crate::http::{Connection, Request, Server};

/// Where siteverify lives.
const PATH: &str = "/turnstile/v0/siteverify";

/// One answer of siteverify, out of its usual behaviour.
#[derive(Clone, Debug)]
pub enum TurnstileAnswer {
    /// `success: false` with these error codes.
    Fail(&'static [&'static str]),
    /// This status with this body.
    Raw {
        /// The HTTP status.
        status: u16,
        /// The body, JSON or not.
        body: String,
    },
    /// The usual answer, once the gate opens.
    Held(Gate),
    /// Silence until the caller gives up.
    Silent,
    /// The connection breaks without an answer.
    Broken,
}

/// What the caller sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnstileCall {
    /// `secret`.
    pub secret: Option<String>,
    /// `response`: the token.
    pub response: Option<String>,
    /// `remoteip`.
    pub remoteip: Option<String>,
    /// `idempotency_key`.
    pub idempotency_key: Option<String>,
}

/// A siteverify that takes every token once. The same token with the same idempotency key is the
/// same call and gets the same answer.
#[derive(Debug)]
pub struct TurnstilePeer {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told of every call.
    called: Notify,
}

#[derive(Debug)]
struct State {
    secret: String,
    /// `hostname` and `action` of good answers, which may lack them.
    origin: (Option<String>, Option<String>),
    script: VecDeque<TurnstileAnswer>,
    calls: Vec<TurnstileCall>,
    /// Spent tokens, with the idempotency key that spent them.
    spent: HashMap<String, Option<String>>,
}

impl TurnstilePeer {
    /// Starts a peer that knows one secret.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(secret: &str) -> io::Result<Self> {
        let state = Mutex::new(State {
            secret: secret.to_owned(),
            origin: (Some("app.example.com".to_owned()), Some("generate".to_owned())),
            script: VecDeque::new(),
            calls: Vec::new(),
            spent: HashMap::new(),
        });
        let shared = Arc::new(Shared { state, called: Notify::new() });
        let answering = Arc::clone(&shared);
        let server = Server::start(move |request, connection| {
            let shared = Arc::clone(&answering);
            async move {
                let mut answer = shared.answer(&request);
                if let TurnstileAnswer::Held(gate) = answer {
                    gate.pass().await;
                    answer = shared.state().judge(call_of(&request));
                }
                reply(connection, answer).await
            }
        })
        .await?;
        Ok(Self { server, shared })
    }

    /// The URL to post to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{PATH}", self.server.url())
    }

    /// Where and for what tokens were made from now on; `None` is left out of the answer. At first
    /// it is `app.example.com` and `generate`.
    pub fn set_origin(&self, hostname: Option<&str>, action: Option<&str>) {
        self.shared.state().origin = (hostname.map(str::to_owned), action.map(str::to_owned));
    }

    /// The next calls get these answers, one each; later ones are answered as usual.
    pub fn script(&self, answers: impl IntoIterator<Item = TurnstileAnswer>) {
        self.shared.state().script.extend(answers);
    }

    /// Every call so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<TurnstileCall> {
        self.shared.state().calls.clone()
    }

    /// Waits until there were that many calls.
    pub async fn called(&self, times: usize) {
        loop {
            // Made before the look, so that no call falls between the two.
            let next_call = self.shared.called.notified();
            if self.shared.state().calls.len() >= times {
                return;
            }
            next_call.await;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> TurnstileAnswer {
        if request.method != "POST" || request.path() != PATH {
            return TurnstileAnswer::Raw { status: 404, body: String::new() };
        }
        let call = call_of(request);
        let mut state = self.state();
        state.calls.push(call.clone());
        self.called.notify_waiters();
        state.script.pop_front().unwrap_or_else(|| state.judge(call))
    }
}

fn call_of(request: &Request) -> TurnstileCall {
    let json = request.json();
    let field = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    TurnstileCall {
        secret: field("secret"),
        response: field("response"),
        remoteip: field("remoteip"),
        idempotency_key: field("idempotency_key"),
    }
}

impl State {
    fn judge(&mut self, call: TurnstileCall) -> TurnstileAnswer {
        let Some(secret) = call.secret else {
            return TurnstileAnswer::Fail(&["missing-input-secret"]);
        };
        if secret != self.secret {
            return TurnstileAnswer::Fail(&["invalid-input-secret"]);
        }
        let Some(token) = call.response.filter(|token| !token.is_empty()) else {
            return TurnstileAnswer::Fail(&["missing-input-response"]);
        };
        let spent_by_another =
            self.spent.get(&token).is_some_and(|key| key.is_none() || *key != call.idempotency_key);
        if spent_by_another {
            return TurnstileAnswer::Fail(&["timeout-or-duplicate"]);
        }
        self.spent.insert(token, call.idempotency_key);
        let mut body = json!({
            "success": true,
            "error-codes": [],
            "challenge_ts": "2026-11-01T00:00:00.000Z",
            "cdata": "",
        });
        let (hostname, action) = &self.origin;
        for (name, value) in [("hostname", hostname), ("action", action)] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        TurnstileAnswer::Raw { status: 200, body: body.to_string() }
    }
}

async fn reply(mut connection: Connection, answer: TurnstileAnswer) -> io::Result<Connection> {
    match answer {
        TurnstileAnswer::Fail(codes) => {
            let body = json!({"success": false, "error-codes": codes, "messages": []});
            connection.respond_json(200, &body).await?;
        }
        TurnstileAnswer::Raw { status, body } => {
            let headers = [("content-type", "application/json")];
            connection.respond(status, &headers, body.as_bytes()).await?;
        }
        // A held answer is another one once its gate is open.
        TurnstileAnswer::Held(_) | TurnstileAnswer::Silent => connection.closed_by_caller().await,
        TurnstileAnswer::Broken => return Err(io::ErrorKind::ConnectionAborted.into()),
    }
    Ok(connection)
}

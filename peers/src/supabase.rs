//! A Supabase project, kept in memory: its Data API (the history table with the filters TESTER uses,
//! and the wallet functions with the meaning they have in existing deployments), its key set and, when
//! a test opens them, its accounts, for pages to sign in.
//!
//! What it does not understand it refuses, as PostgREST would: a misspelt filter must not pass
//! for one that matches everything.

mod accounts;
mod database;
mod filter;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

pub use database::{HistoryRow, TimestampStyle, Transaction};

use crate::gate::Gate;
use crate::http::{Connection, Request, Server};
use crate::tokens::TokenMint;
use accounts::Accounts;
use database::{Database, Reply};

/// The service role key a peer has unless it is started with another one: of the new kind, which
/// is refused as a bearer token.
pub const SERVICE_ROLE_KEY: &str = "sb_secret_test_peer_0123456789abcdef0123456789abcdef";

/// What the gateway says to a browser that asks whether a page of another origin may ask.
const PREFLIGHT: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"),
    (
        "access-control-allow-headers",
        "apikey,authorization,content-type,x-client-info,x-supabase-api-version",
    ),
    ("access-control-max-age", "3600"),
];

/// What a request asks for; faults are set and requests are counted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST /rest/v1/generation_history`.
    InsertHistory,
    /// `GET /rest/v1/generation_history`: pages, single rows and probes.
    SelectHistory,
    /// `DELETE /rest/v1/generation_history`.
    DeleteHistory,
    /// `POST /rest/v1/rpc/open_user_wallet`.
    OpenUserWallet,
    /// `POST /rest/v1/rpc/claim_daily_bonus`.
    ClaimDailyBonus,
    /// `POST /rest/v1/rpc/deduct_tokens`.
    DeductTokens,
    /// `POST /rest/v1/rpc/refund_tokens`.
    RefundTokens,
    /// `POST /rest/v1/rpc/settle_charge`.
    SettleCharge,
    /// `POST /rest/v1/rpc/refund_abandoned_charges`.
    RefundAbandonedCharges,
    /// `GET` or `POST /rest/v1/rpc/tester_schema_version`.
    SchemaVersion,
    /// `PATCH /rest/v1/generation_history`.
    UpdateHistory,
    /// `GET /auth/v1/.well-known/jwks.json`.
    Jwks,
    /// `POST /auth/v1/token`: a page signs somebody in, renews a session, exchanges a code.
    Token,
    /// Whatever else pages ask below `/auth/v1`.
    Accounts,
    /// Anything else; answered as PostgREST answers what it does not know.
    Unknown,
}

impl Route {
    /// Every route that TESTER asks. Pages ask the others.
    pub const ALL: [Self; 12] = [
        Self::InsertHistory,
        Self::SelectHistory,
        Self::DeleteHistory,
        Self::OpenUserWallet,
        Self::ClaimDailyBonus,
        Self::DeductTokens,
        Self::RefundTokens,
        Self::SettleCharge,
        Self::RefundAbandonedCharges,
        Self::SchemaVersion,
        Self::UpdateHistory,
        Self::Jwks,
    ];

    fn of(request: &Request) -> Self {
        match (request.method.as_str(), request.path()) {
            ("POST", "/rest/v1/generation_history") => Self::InsertHistory,
            ("GET" | "HEAD", "/rest/v1/generation_history") => Self::SelectHistory,
            ("PATCH", "/rest/v1/generation_history") => Self::UpdateHistory,
            ("DELETE", "/rest/v1/generation_history") => Self::DeleteHistory,
            ("POST", "/rest/v1/rpc/open_user_wallet") => Self::OpenUserWallet,
            ("POST", "/rest/v1/rpc/claim_daily_bonus") => Self::ClaimDailyBonus,
            ("POST", "/rest/v1/rpc/deduct_tokens") => Self::DeductTokens,
            ("POST", "/rest/v1/rpc/refund_tokens") => Self::RefundTokens,
            ("POST", "/rest/v1/rpc/settle_charge") => Self::SettleCharge,
            ("POST", "/rest/v1/rpc/refund_abandoned_charges") => Self::RefundAbandonedCharges,
            ("GET" | "POST", "/rest/v1/rpc/tester_schema_version") => Self::SchemaVersion,
            ("GET", "/auth/v1/.well-known/jwks.json") => Self::Jwks,
            ("POST", "/auth/v1/token") => Self::Token,
            (_, path) if path.starts_with("/auth/v1/") => Self::Accounts,
            _ => Self::Unknown,
        }
    }
}

/// What goes wrong on a route.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The request is carried out and answered, this much later.
    Delay(Duration),
    /// The request is carried out and answered once the gate opens.
    Hold(Gate),
    /// This is answered and nothing is carried out.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body, whatever it is.
        body: String,
    },
    /// Status 429 with this `Retry-After`; nothing is carried out.
    RetryAfter {
        /// The header's value.
        seconds: u32,
    },
    /// Nothing is carried out and nothing is answered until the caller hangs up.
    Hang,
    /// Nothing is carried out; the connection breaks.
    Break,
    /// The request is carried out, then the connection breaks: its answer is lost.
    LoseAnswer,
    /// The request is carried out, and the answer breaks off in its middle.
    CutAnswer,
    /// Nothing is carried out; an answer without an end is sent for as long as the caller reads.
    Flood,
}

/// A running peer. Dropping it stops it.
#[derive(Debug)]
pub struct SupabasePeer {
    server: Server,
    project: Arc<Project>,
}

#[derive(Debug)]
struct Project {
    key: String,
    database: Mutex<Database>,
    jwks: Mutex<Value>,
    accounts: Mutex<Option<Accounts>>,
    faults: Mutex<HashMap<Route, (Fault, Option<usize>)>>,
    requests: watch::Sender<Vec<(Route, Request)>>,
    /// Counts requests that were carried out.
    changes: watch::Sender<u64>,
}

impl SupabasePeer {
    /// Starts an empty project whose service role key is [`SERVICE_ROLE_KEY`].
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_with_key(SERVICE_ROLE_KEY).await
    }

    /// Starts an empty project with this service role key: one that starts with `sb_` must come
    /// in `apikey` alone, any other (a legacy JWT) also as bearer token.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start_with_key(key: &str) -> io::Result<Self> {
        let project = Arc::new(Project {
            key: key.to_owned(),
            database: Mutex::default(),
            jwks: Mutex::new(json!({"keys": []})),
            accounts: Mutex::default(),
            faults: Mutex::default(),
            requests: watch::Sender::default(),
            changes: watch::Sender::default(),
        });
        let held = Arc::clone(&project);
        let server = Server::start(move |request, connection| {
            let project = Arc::clone(&held);
            async move { project.answer(request, connection).await }
        })
        .await?;
        Ok(Self { server, project })
    }

    /// The project's root URL, without a trailing slash: `SUPABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The key the project accepts: `SUPABASE_SERVICE_ROLE_KEY`.
    #[must_use]
    pub fn service_role_key(&self) -> &str {
        &self.project.key
    }

    /// Makes a route fail until [`Self::heal`].
    pub fn fail(&self, route: Route, fault: Fault) {
        lock(&self.project.faults).insert(route, (fault, None));
    }

    /// Makes the next `times` requests to a route fail.
    pub fn fail_times(&self, route: Route, fault: Fault, times: usize) {
        lock(&self.project.faults).insert(route, (fault, Some(times)));
    }

    /// Makes every route fail until [`Self::heal`].
    pub fn fail_all(&self, fault: &Fault) {
        for route in Route::ALL {
            self.fail(route, fault.clone());
        }
    }

    /// Ends all faults.
    pub fn heal(&self) {
        lock(&self.project.faults).clear();
    }

    /// Every request that came, oldest first, refused ones included.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.project.requests.borrow().iter().map(|(_, request)| request.clone()).collect()
    }

    /// The requests to one route, oldest first.
    #[must_use]
    pub fn requests_to(&self, route: Route) -> Vec<Request> {
        let requests = self.project.requests.borrow();
        requests.iter().filter(|(to, _)| *to == route).map(|(_, request)| request.clone()).collect()
    }

    /// How many requests came.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.project.requests.borrow().len()
    }

    /// Forgets the requests that came, which a load would fill the memory with.
    pub fn forget_requests(&self) {
        self.project.requests.send_modify(Vec::clear);
    }

    /// Waits until at least `count` requests to a route have come (not: been answered).
    pub async fn requested(&self, route: Route, count: usize) {
        let arrived = |requests: &Vec<(Route, Request)>| {
            requests.iter().filter(|(to, _)| *to == route).count() >= count
        };
        self.project
            .requests
            .subscribe()
            .wait_for(arrived)
            .await
            .map(drop)
            .expect("the peer holds the sender");
    }

    /// Waits until the project's data satisfies a condition, asked after every request that is
    /// carried out.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.project.changes.subscribe();
        while !condition(self) {
            changes.changed().await.expect("the peer holds the sender");
        }
    }

    /// The history table, oldest insert first.
    #[must_use]
    pub fn rows(&self) -> Vec<HistoryRow> {
        lock(&self.project.database).rows.clone()
    }

    /// Replaces the history table: for rows of earlier services, or moved and damaged values.
    pub fn set_rows(&self, rows: Vec<HistoryRow>) {
        lock(&self.project.database).rows = rows;
    }

    /// The balance of a wallet, `None` when the user has none.
    #[must_use]
    pub fn balance(&self, user: Uuid) -> Option<i64> {
        lock(&self.project.database).balance(user)
    }

    /// Opens a wallet if there is none and gives it this balance, without a gift and without an
    /// entry in the log.
    pub fn set_balance(&self, user: Uuid, tokens: i64) {
        lock(&self.project.database).set_balance(user, tokens);
    }

    /// The log of a wallet, oldest first.
    #[must_use]
    pub fn transactions(&self, user: Uuid) -> Vec<Transaction> {
        lock(&self.project.database).transactions(user)
    }

    /// Replaces the key set, which is empty at first, as that of a project that signs with its JWT
    /// secret.
    pub fn set_jwks(&self, jwks: Value) {
        *lock(&self.project.jwks) = jwks;
    }

    /// Opens the accounts: pages that bring this publishable key can sign people in from now on, by
    /// e-mail or with `github` and `google`, and get tokens of this mint.
    pub fn open_accounts(&self, publishable_key: &str, mint: TokenMint) {
        *lock(&self.project.accounts) = Some(Accounts::new(publishable_key, mint));
    }

    /// Adds somebody who signs in with a password.
    pub fn add_account(&self, email: &str, password: &str, id: Uuid) {
        self.accounts(|accounts| accounts.add(email, password, id));
    }

    /// Who signed up with this address.
    #[must_use]
    pub fn account(&self, email: &str) -> Option<Uuid> {
        self.accounts(|accounts| accounts.id_of(email))
    }

    /// Signs with another key from now on.
    pub fn set_mint(&self, mint: TokenMint) {
        self.accounts(|accounts| accounts.set_mint(mint));
    }

    /// How many seconds the access tokens live that are given out from now on. None or fewer: they
    /// are expired when they come.
    pub fn set_token_lifetime(&self, seconds: i64) {
        self.accounts(|accounts| accounts.set_lifetime(seconds));
    }

    /// Whoever signs up from now on must confirm the address first.
    pub fn require_confirmation(&self) {
        self.accounts(Accounts::require_confirmation);
    }

    /// The next person who is asked by a provider says no.
    pub fn refuse_consent(&self) {
        self.accounts(Accounts::refuse_consent);
    }

    /// Ends all sessions: none can be renewed.
    pub fn end_sessions(&self) {
        self.accounts(Accounts::end_sessions);
    }

    /// The link in the last mail to somebody, that leads back to this address.
    #[must_use]
    pub fn mailed_link(&self, email: &str, redirect_to: &str) -> Option<String> {
        let link = self.accounts(|accounts| accounts.mailed_link(email, redirect_to))?;
        Some(format!("{}{link}", self.url()))
    }

    fn accounts<T>(&self, act: impl FnOnce(&mut Accounts) -> T) -> T {
        act(lock(&self.project.accounts).as_mut().expect("the accounts are open"))
    }

    /// Stops the project's clock at this instant: it stamps rows and decides what day it is.
    pub fn set_clock(&self, now: OffsetDateTime) {
        lock(&self.project.database).clock = Some(now);
    }

    /// Chooses how timestamps are written in answers.
    pub fn set_timestamp_style(&self, style: TimestampStyle) {
        lock(&self.project.database).timestamps = style;
    }
}

impl Project {
    async fn answer(&self, request: Request, mut connection: Connection) -> io::Result<Connection> {
        let route = Route::of(&request);
        if request.method == "OPTIONS" {
            connection.respond(200, &PREFLIGHT, b"").await?;
            return Ok(connection);
        }
        self.requests.send_modify(|requests| requests.push((route, request.clone())));
        match self.take_fault(route) {
            None => {}
            Some(Fault::Delay(duration)) => tokio::time::sleep(duration).await,
            Some(Fault::Hold(gate)) => gate.pass().await,
            Some(Fault::Answer { status, body }) => {
                let headers = [("content-type", "application/json")];
                connection.respond(status, &headers, body.as_bytes()).await?;
                return Ok(connection);
            }
            Some(Fault::RetryAfter { seconds }) => {
                let seconds = seconds.to_string();
                connection.respond(429, &[("retry-after", &*seconds)], b"").await?;
                return Ok(connection);
            }
            Some(Fault::Hang) => {
                connection.closed_by_caller().await;
                return Ok(connection);
            }
            Some(Fault::Break) => return Ok(connection),
            Some(Fault::LoseAnswer) => {
                self.carry_out(route, &request);
                return Ok(connection);
            }
            Some(Fault::CutAnswer) => {
                let body = self.carry_out(route, &request).body.to_string();
                connection.start_chunked(200, &[("content-type", "application/json")]).await?;
                connection.chunk(&body.as_bytes()[..body.len() / 2]).await?;
                return Ok(connection);
            }
            Some(Fault::Flood) => {
                connection.start_chunked(200, &[("content-type", "application/json")]).await?;
                loop {
                    connection.chunk(&[b' '; 8 * 1024]).await?;
                }
            }
        }
        if let Route::Token | Route::Accounts = route {
            return self.answer_page(&request, connection).await;
        }
        let reply = self.carry_out(route, &request);
        let mut headers = vec![("content-type", "application/json; charset=utf-8")];
        if let Some(range) = &reply.content_range {
            headers.push(("content-range", range));
        }
        let body = if reply.body.is_null() { String::new() } else { reply.body.to_string() };
        connection.respond(reply.status, &headers, body.as_bytes()).await?;
        Ok(connection)
    }

    /// Answers a page, of whatever origin.
    async fn answer_page(
        &self,
        request: &Request,
        mut connection: Connection,
    ) -> io::Result<Connection> {
        let answer = lock(&self.accounts).as_mut().map(|accounts| accounts.answer(request));
        let Some(answer) = answer else {
            connection.respond_json(404, &json!({"message": "no Route matched"})).await?;
            return Ok(connection);
        };
        let mut headers =
            vec![("content-type", "application/json"), ("access-control-allow-origin", "*")];
        if let Some(location) = &answer.location {
            headers.push(("location", location));
        }
        let body = if answer.body.is_null() { String::new() } else { answer.body.to_string() };
        connection.respond(answer.status, &headers, body.as_bytes()).await?;
        self.changes.send_modify(|changes| *changes += 1);
        Ok(connection)
    }

    fn take_fault(&self, route: Route) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let (fault, left) = faults.get_mut(&route)?;
        let fault = fault.clone();
        match left {
            None => {}
            Some(0) => {
                faults.remove(&route);
                return None;
            }
            Some(left) => *left -= 1,
        }
        Some(fault)
    }

    fn carry_out(&self, route: Route, request: &Request) -> Reply {
        if route == Route::Jwks {
            // Public: no key is asked for.
            return Reply::json(200, lock(&self.jwks).clone());
        }
        if let Some(refusal) = self.refusal(request) {
            return refusal;
        }
        let reply = lock(&self.database).carry_out(route, request);
        self.changes.send_modify(|changes| *changes += 1);
        reply
    }

    /// The gateway's check of the key, as of Supabase's two kinds.
    fn refusal(&self, request: &Request) -> Option<Reply> {
        let unauthorized = |message: &str| Some(Reply::json(401, json!({ "message": message })));
        if request.header("apikey") != Some(&self.key) {
            return unauthorized("Invalid API key");
        }
        let bearer =
            request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let browser = request.header("user-agent").is_some_and(|agent| agent.contains("Mozilla"));
        match (self.key.starts_with("sb_"), bearer) {
            (true, Some(_)) => unauthorized("Invalid JWT"),
            (true, None) if browser => unauthorized("Forbidden use of secret API key in browser"),
            (true, None) => None,
            (false, Some(token)) if token == self.key => None,
            // Without the bearer token the caller is the role `anon`, which may do nothing here.
            (false, _) => {
                let table = "permission denied for table generation_history";
                Some(Reply::error(401, "42501", table))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed in another thread must not hide its message behind this one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

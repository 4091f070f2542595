//! Asks each dependency of the web half whether it is there and takes our credentials: for
//! `tester check-env --online`, and for whoever else wants to know.
//!
//! Probes read and change nothing. They run side by side, each with a deadline of its own, and
//! speak of what they found in their own words: no URL, no key, no upstream text.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::future::{self, BoxFuture, FutureExt as _};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::config::{
    GeminiSettings, RedisSettings, ServeSettings, SupabaseSettings, TurnstileSettings,
    WorkerClientSettings,
};
use crate::domain::ModelCatalog;
use crate::gateways::http::{self, Traffic};
use crate::repositories::{SCHEMA_VERSION, Sqlite};
use crate::stores::redis::Failure;

/// How long a dependency may take to answer a probe.
pub const PROBE_DEADLINE: Duration = Duration::from_secs(5);

/// Longest answer that is read. Gemini's model list is the largest, some 100 KiB.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// What Turnstile is shown: a token that nobody solved, so that none is spent.
const MADE_UP_TOKEN: &str = "made-up-by-a-probe";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// Gemini's list of models.
    Gemini,
    /// Supabase's Data API: the history table, and whether every migration is applied.
    SupabaseTable,
    /// Supabase's public signing keys.
    SupabaseKeys,
    /// Turnstile's siteverify.
    Turnstile,
    /// Redis.
    Redis,
    /// A worker, by its place in `WORKER_URL`, counted from 1.
    Worker(usize),
    /// The database file of `tester dev`.
    Database,
    /// What runs tests in this very process.
    Sandbox,
}

impl Dependency {
    /// Whether nothing can be generated without it.
    #[must_use]
    pub const fn is_vital(self) -> bool {
        match self {
            // The bot check fails closed.
            Self::Gemini | Self::SupabaseTable | Self::Turnstile | Self::Database => true,
            Self::SupabaseKeys | Self::Redis | Self::Worker(_) | Self::Sandbox => false,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is there.
    Up,
    /// It is there, and something about it needs a look.
    Degraded(String),
    /// It is not there, or does not let us in.
    Down(String),
}

/// One dependency's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which.
    pub dependency: Dependency,
    /// How it is.
    pub condition: Condition,
    /// How long it took to find out.
    pub latency: Duration,
}

/// Asks dependencies.
#[derive(Debug)]
pub struct Prober {
    client: Client,
    deadline: Duration,
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gemini => f.write_str("gemini"),
            Self::SupabaseTable => f.write_str("supabase_table"),
            Self::SupabaseKeys => f.write_str("supabase_keys"),
            Self::Turnstile => f.write_str("turnstile"),
            Self::Redis => f.write_str("redis"),
            Self::Worker(place) => write!(f, "worker_{place}"),
            Self::Database => f.write_str("database"),
            Self::Sandbox => f.write_str("sandbox"),
        }
    }
}

impl Prober {
    /// A prober that gives each dependency that long.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self { client: http::client(Traffic::Calls, deadline), deadline }
    }

    /// Asks every dependency of the web half at once.
    pub async fn ask_all(&self, settings: &ServeSettings) -> Vec<Probe> {
        let mut probes: Vec<BoxFuture<'_, Probe>> = vec![
            self.model(&settings.gemini, &settings.common.models).boxed(),
            self.time(Dependency::SupabaseTable, self.supabase_table(&settings.supabase)).boxed(),
            self.time(Dependency::SupabaseKeys, self.supabase_keys(&settings.supabase)).boxed(),
            self.time(Dependency::Turnstile, self.turnstile(&settings.turnstile)).boxed(),
        ];
        if let Some(settings) = &settings.redis {
            probes.push(self.time(Dependency::Redis, ping(settings)).boxed());
        }
        probes.extend(self.workers(&settings.worker));
        future::join_all(probes).await
    }

    /// Asks the model alone.
    pub async fn model(&self, settings: &GeminiSettings, models: &ModelCatalog) -> Probe {
        self.time(Dependency::Gemini, self.gemini(settings, models)).await
    }

    /// Asks the database of `tester dev`.
    pub async fn database(&self, database: &Sqlite) -> Probe {
        let asked = async {
            match database.ping().await {
                Ok(()) => Condition::Up,
                Err(error) => Condition::Down(error.to_string()),
            }
        };
        self.time(Dependency::Database, asked).await
    }

    fn workers<'a>(
        &'a self,
        settings: &'a WorkerClientSettings,
    ) -> impl Iterator<Item = BoxFuture<'a, Probe>> {
        settings
            .urls
            .iter()
            .enumerate()
            .map(|(index, url)| self.time(Dependency::Worker(index + 1), self.worker(url)).boxed())
    }

    async fn time(&self, dependency: Dependency, probe: impl Future<Output = Condition>) -> Probe {
        let started = Instant::now();
        let condition = timeout(self.deadline, probe).await.unwrap_or_else(|_| {
            Condition::Down(format!("no answer within {} ms", self.deadline.as_millis()))
        });
        Probe { dependency, condition, latency: started.elapsed() }
    }

    async fn gemini(&self, settings: &GeminiSettings, models: &ModelCatalog) -> Condition {
        let mut url = append(&settings.base_url, &["v1beta", "models"]);
        // The default page holds 50 models, the largest 1 000: one page is the whole list.
        url.set_query(Some("pageSize=1000"));
        let headers = [(HeaderName::from_static("x-goog-api-key"), settings.api_key.clone())];
        let (status, answer) = match self.get(url, &headers).await {
            Ok(answered) => answered,
            Err(reason) => return Condition::Down(reason),
        };
        let listed = match (status, answer.get("models").and_then(Value::as_array)) {
            (StatusCode::OK, Some(listed)) => listed,
            (StatusCode::OK, None) => return Condition::Down("the answer is no model list".into()),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                return Condition::Down("refuses GEMINI_API_KEY".into());
            }
            _ if is_invalid_key(&answer) => {
                return Condition::Down("does not know GEMINI_API_KEY".into());
            }
            _ => return unexpected(status),
        };
        let default = format!("models/{}", models.default_name());
        let known =
            listed.iter().any(|model| model.get("name").is_some_and(|name| *name == *default));
        if known {
            Condition::Up
        } else {
            Condition::Degraded(
                "the default model is not in the list; see DEFAULT_GEMINI_MODEL".into(),
            )
        }
    }

    async fn supabase_table(&self, settings: &SupabaseSettings) -> Condition {
        let mut url = append(&settings.url, &["rest", "v1", "generation_history"]);
        url.set_query(Some("select=id&limit=1"));
        let headers = supabase_headers(&settings.service_role_key);
        match self.get(url, &headers).await {
            Err(reason) => Condition::Down(reason),
            Ok((StatusCode::OK, Value::Array(_))) => self.supabase_schema(settings, &headers).await,
            Ok((StatusCode::OK, _)) => Condition::Down("the answer is no list of rows".into()),
            Ok((StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _)) => {
                Condition::Down("refuses SUPABASE_SERVICE_ROLE_KEY".into())
            }
            Ok((status, answer)) if schema_is_missing(status, &answer) => {
                Condition::Down("has no schema: apply what `tester migrate --print` prints".into())
            }
            Ok((status, _)) => unexpected(status),
        }
    }

    /// Whether every migration is applied, which the newest one says itself.
    async fn supabase_schema(
        &self,
        settings: &SupabaseSettings,
        headers: &[(HeaderName, SecretString)],
    ) -> Condition {
        let url = append(&settings.url, &["rest", "v1", "rpc", "tester_schema_version"]);
        match self.get(url, headers).await {
            Err(reason) => Condition::Down(reason),
            Ok((StatusCode::OK, version)) if version.as_i64() >= Some(SCHEMA_VERSION) => {
                Condition::Up
            }
            Ok((StatusCode::OK | StatusCode::NOT_FOUND, _)) => Condition::Down(
                "lacks a migration: apply what `tester migrate --print` prints".into(),
            ),
            Ok((status, _)) => unexpected(status),
        }
    }

    async fn supabase_keys(&self, settings: &SupabaseSettings) -> Condition {
        let url = append(&settings.url, &["auth", "v1", ".well-known", "jwks.json"]);
        match self.get(url, &[]).await {
            Err(reason) => Condition::Down(reason),
            // An empty list is sound: a project that signs with its JWT secret has no public key.
            Ok((StatusCode::OK, answer)) if answer.get("keys").is_some_and(Value::is_array) => {
                Condition::Up
            }
            Ok((StatusCode::OK, _)) => Condition::Down("the answer is no key set".into()),
            Ok((status, _)) => unexpected(status),
        }
    }

    async fn turnstile(&self, settings: &TurnstileSettings) -> Condition {
        let secret = settings.secret.expose_secret();
        let question = json!({"secret": secret, "response": MADE_UP_TOKEN});
        let request = self.client.post(settings.verify_url.clone()).json(&question);
        match send(request).await {
            Err(reason) => Condition::Down(reason),
            Ok((status, answer)) => judge_siteverify(status, &answer),
        }
    }

    async fn worker(&self, root: &Url) -> Condition {
        match self.get(append(root, &["health"]), &[]).await {
            Err(reason) => Condition::Down(reason),
            Ok((StatusCode::OK, answer)) => match answer.get("status").and_then(Value::as_str) {
                Some("ok") => Condition::Up,
                Some("degraded") => Condition::Degraded("reports itself degraded".into()),
                _ => Condition::Down("the answer is not a worker's".into()),
            },
            Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => {
                Condition::Down("is draining or starting (status 503)".into())
            }
            Ok((status, _)) => unexpected(status),
        }
    }

    /// A `GET` with these headers.
    async fn get(
        &self,
        url: Url,
        secrets: &[(HeaderName, SecretString)],
    ) -> Result<(StatusCode, Value), String> {
        let mut headers = HeaderMap::with_capacity(secrets.len());
        for (name, secret) in secrets {
            let mut value = HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| "a key holds characters that no header can".to_owned())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        send(self.client.get(url).headers(headers)).await
    }
}

/// The status and the JSON of the answer, `Null` when it is none.
async fn send(request: RequestBuilder) -> Result<(StatusCode, Value), String> {
    let mut answer = request.send().await.map_err(|error| transport_failure(&error))?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| transport_failure(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX_BYTES {
            return Err("the answer is too long to be one".to_owned());
        }
    }
    Ok((answer.status(), serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

async fn ping(settings: &RedisSettings) -> Condition {
    let Ok(client) = redis::Client::open(settings.url.expose_secret()) else {
        return Condition::Down("REDIS_URL can't be used".into());
    };
    let mut connection = match client.get_multiplexed_async_connection().await {
        Ok(connection) => connection,
        Err(error) => return Condition::Down(Failure::from(error).words().into()),
    };
    match redis::cmd("PING").query_async::<String>(&mut connection).await {
        Ok(answer) if answer == "PONG" => Condition::Up,
        Ok(_) => Condition::Down("the answer to PING is not PONG".into()),
        Err(error) => Condition::Down(Failure::from(error).words().into()),
    }
}

/// Legacy keys are JWTs and go into both headers; as a bearer the newer `sb_…` keys are refused.
fn supabase_headers(key: &SecretString) -> Vec<(HeaderName, SecretString)> {
    let mut headers = vec![(HeaderName::from_static("apikey"), key.clone())];
    if !key.expose_secret().starts_with("sb_") {
        let bearer = format!("Bearer {}", key.expose_secret());
        headers.push((AUTHORIZATION, SecretString::from(bearer)));
    }
    headers
}

/// Gemini answers an unknown key with status 400 and a reason; the error may stand in an array.
fn is_invalid_key(answer: &Value) -> bool {
    let answer = answer.get(0).unwrap_or(answer);
    let details = answer.pointer("/error/details").and_then(Value::as_array);
    let reason = |detail: &Value| detail.get("reason").is_some_and(|is| is == "API_KEY_INVALID");
    details.is_some_and(|details| details.iter().any(reason))
}

/// PostgREST: PGRST205 is an unknown table, 42P01 PostgreSQL's word for it.
fn schema_is_missing(status: StatusCode, answer: &Value) -> bool {
    let code = answer.get("code").and_then(Value::as_str);
    status == StatusCode::NOT_FOUND || matches!(code, Some("PGRST205" | "42P01"))
}

/// A made-up token must be refused: by then the secret has been looked at. Cloudflare's secrets for
/// tests let every token pass, or call it spent.
fn judge_siteverify(status: StatusCode, answer: &Value) -> Condition {
    let success = answer.get("success").and_then(Value::as_bool);
    let codes = answer.get("error-codes").and_then(Value::as_array);
    let named = |names: &[&str]| {
        codes.is_some_and(|codes| codes.iter().any(|code| names.iter().any(|name| code == name)))
    };
    match success {
        Some(true) if status.is_success() => Condition::Up,
        Some(false) if named(&["invalid-input-secret", "missing-input-secret"]) => {
            Condition::Down("refuses TURNSTILE_SECRET_KEY".into())
        }
        Some(false) if named(&["invalid-input-response", "timeout-or-duplicate"]) => Condition::Up,
        Some(false) if named(&["internal-error"]) => {
            Condition::Down("fails (internal-error)".into())
        }
        Some(false) if named(&["bad-request"]) => {
            Condition::Down("does not understand the question".into())
        }
        Some(false) => Condition::Degraded("refuses a token for an unknown reason".into()),
        _ if status == StatusCode::OK => Condition::Down("the answer is not siteverify's".into()),
        _ => unexpected(status),
    }
}

fn unexpected(status: StatusCode) -> Condition {
    let status = status.as_u16();
    match status {
        300..400 => Condition::Down(format!("redirects elsewhere (status {status})")),
        500.. => Condition::Down(format!("fails (status {status})")),
        _ => Condition::Down(format!("answers with status {status}")),
    }
}

fn append(root: &Url, segments: &[&str]) -> Url {
    let mut url = root.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The cause at the bottom, for the texts above it repeat the URL.
fn transport_failure(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) => {
                    "its TLS certificate can't be trusted".to_owned()
                }
                _ => "the TLS handshake fails".to_owned(),
            };
        }
        // A wrapped error is looked into below; a bare one is the bottom.
        if let Some(io) = current.downcast_ref::<io::Error>() {
            match io.get_ref() {
                Some(inner) if inner.is::<rustls::Error>() => {
                    cause = Some(inner);
                    continue;
                }
                _ => return io_failure(io.kind()),
            }
        }
        cause = current.source();
    }
    if error.is_connect() {
        "can't be reached: the name does not resolve or nobody answers".to_owned()
    } else {
        "breaks off or does not speak HTTP".to_owned()
    }
}

fn io_failure(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::ConnectionRefused => "refuses the connection".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            "closes the connection".to_owned()
        }
        kind => format!("can't be reached: {kind}"),
    }
}

#[cfg(test)]
mod tests;

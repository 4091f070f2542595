//! The program under test, started the way it is shipped, beside the peers it talks to.

#![expect(unreachable_pub, reason = "a test binary exports nothing; pub reads better here")]

pub mod canaries;
mod client;
mod process;
mod sse;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tester::app::startup::Application;
use tester::config::{DevSettings, Environment, KnobsFile, PerRuntime, ServeSettings, Sources};
use tester_peers::gemini::GeminiPeer;
use tester_peers::supabase::{SERVICE_ROLE_KEY, SupabasePeer};
use tester_peers::tokens::TokenMint;
use tester_peers::turnstile::TurnstilePeer;
use tokio::sync::oneshot;
use uuid::Uuid;

pub use client::{Answer, RawClient, client};
pub use process::{Log, Peers, Process};
pub use sse::{EventStream, Frame};

/// Long enough for any machine, short enough to find a hang.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const JWT_SECRET: &str = "a-test-jwt-secret-of-more-than-32-bytes-0123456789";
pub const GEMINI_KEY: &str = "AQ.test-gemini-key-0123456789abcdef";
pub const TURNSTILE_SECRET: &str = "0x4AAAAAAATESTturnstileSECRET0123456789";
pub const OPS_KEY: &str = "ops-key-for-tests-0123456789abcdef-ABCDEF";

/// What `tester serve` needs besides knowing where its dependencies are.
pub const SERVE_ENVIRONMENT: [(&str, &str); 13] = [
    ("ENV", "development"),
    ("HOST", "127.0.0.1"),
    ("PORT", "0"),
    ("GEMINI_API_KEY", GEMINI_KEY),
    ("SUPABASE_ANON_KEY", "sb_publishable_test_0123456789abcdef0123456789"),
    ("SUPABASE_JWT_SECRET", JWT_SECRET),
    ("DATA_ENCRYPTION_KEY", "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="),
    ("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET),
    ("WORKER_URL", "http://127.0.0.1:9"),
    ("WORKER_AUTH_TOKEN", "worker-token-for-tests-0123456789abcdefXYZ"),
    ("TESTER_INTERNAL_SECRET", OPS_KEY),
    ("RATE_LIMIT_GENERATE_PER_MINUTE", "1000"),
    ("RATE_LIMIT_STATUS_PER_MINUTE", "1000"),
];

/// Python that every check accepts; distinct for every number, so that nothing is answered from the
/// cache by accident.
pub fn python_source(number: usize) -> String {
    format!("def add_{number}(a, b):\n    return a + b + {number}\n")
}

/// Fails the test instead of hanging it.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen within {PATIENCE:?}"))
}

/// `tester serve` with all its dependencies stood in for.
pub struct TestApp {
    pub gemini: Arc<GeminiPeer>,
    pub supabase: Arc<SupabasePeer>,
    pub turnstile: Arc<TurnstilePeer>,
    pub tokens: TokenMint,
    pub user: Uuid,
    running: Running,
}

/// A server on its own task, stopped when dropped.
pub struct Running {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub fn start(application: Application) -> Self {
        let url = format!("http://{}", application.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(application.run_until(async move {
            // A dropped sender stops it as well.
            let _ = stopped.await;
        }));
        Self { url, stop: Some(stop), ended }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// What SIGTERM does.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    pub async fn ended(self) {
        soon("the end of the server", self.ended).await.expect("no panic").expect("a clean end");
    }
}

impl TestApp {
    /// With the settings of production, but for what peers need.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further variables, which win over the usual ones.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_configured(variables, "").await
    }

    /// With further variables and knobs (TOML).
    pub async fn start_configured(variables: &[(&str, &str)], knobs: &str) -> Self {
        let supabase = SupabasePeer::start().await.expect("a free port");
        Self::start_beside(supabase, variables, knobs).await
    }

    /// Beside a project that is there before the program is.
    pub async fn start_beside(
        supabase: SupabasePeer,
        variables: &[(&str, &str)],
        knobs: &str,
    ) -> Self {
        let gemini = GeminiPeer::start().await.expect("a free port");
        gemini.expect_key(GEMINI_KEY);
        let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await.expect("a free port");
        let peers = (Arc::new(gemini), Arc::new(supabase), Arc::new(turnstile));
        Self::start_on(peers, Uuid::new_v4(), variables, knobs).await
    }

    /// With peers that may have other instances beside this one, for a user they may know.
    pub async fn start_on(
        (gemini, supabase, turnstile): (Arc<GeminiPeer>, Arc<SupabasePeer>, Arc<TurnstilePeer>),
        user: Uuid,
        variables: &[(&str, &str)],
        knobs: &str,
    ) -> Self {
        let tokens = TokenMint::new(JWT_SECRET, &format!("{}/auth/v1", supabase.url()));
        let usual = environment(&gemini.url(), &supabase.url(), &turnstile.url());
        let usual: Vec<_> = usual.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let sources = sources(&usual, variables, knobs);
        let settings =
            ServeSettings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        let application = Application::serve(settings).await.expect("the peers are there");
        let running = Running::start(application);
        Self { gemini, supabase, turnstile, tokens, user, running }
    }

    pub fn url(&self) -> &str {
        self.running.url()
    }

    pub fn address(&self) -> &str {
        self.running.address()
    }

    pub fn begin_stop(&mut self) {
        self.running.begin_stop();
    }

    /// Waits for the end and gives back what outlives the server: the project and the user.
    pub async fn ended(self) -> (Arc<SupabasePeer>, Uuid) {
        let Self { running, supabase, user, .. } = self;
        running.ended().await;
        (supabase, user)
    }

    /// The `Authorization` value of the test's user.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.tokens.token_for(self.user))
    }

    /// A body that is accepted.
    pub fn body(number: usize) -> Value {
        json!({
            "input_code": python_source(number),
            "language": "python",
            "turnstile_token": format!("token-{number}-{}", Uuid::new_v4()),
        })
    }

    /// Posts a body to the generate route as the test's user, in English.
    pub async fn generate(&self, body: &Value) -> Answer {
        self.post("/api/generate", body).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answered(self.as_user("POST", path).json(body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        answered(self.as_user("GET", path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        answered(self.as_user("DELETE", path)).await
    }

    fn as_user(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path)
            .header("authorization", self.authorization())
            .header("accept-language", "en")
    }

    /// A bare request, for tests that choose every header.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        client::request(method, &format!("{}{path}", self.url()))
    }
}

/// The variables of `tester serve` with these peers.
pub fn environment(gemini: &str, supabase: &str, turnstile: &str) -> Vec<(&'static str, String)> {
    let dependencies = [
        ("GEMINI_BASE_URL", gemini),
        ("SUPABASE_URL", supabase),
        ("SUPABASE_SERVICE_ROLE_KEY", SERVICE_ROLE_KEY),
        ("TURNSTILE_VERIFY_URL", turnstile),
    ];
    let all = SERVE_ENVIRONMENT.iter().chain(&dependencies);
    all.map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// Waits that a test should not have to sit out.
const FAST_KNOBS: [&str; 4] = [
    "gemini.backoff_min_ms = 1",
    "gemini.backoff_max_ms = 2",
    "server.workers = 1",
    "server.shutdown_grace_ms = 200",
];

/// Sends a request that must get an answer.
pub async fn answered(request: reqwest::RequestBuilder) -> Answer {
    request.send().await.map(Answer::new).expect("the server answers")
}

/// Later variables win, as later knobs do.
pub fn sources(usual: &[(&str, &str)], further: &[(&str, &str)], knobs: &str) -> Sources {
    let environment: Environment = usual.iter().chain(further).copied().collect();
    // TOML refuses a key that stands there twice, so a test's knob replaces the fast one.
    let fast = FAST_KNOBS.into_iter().filter(|line| {
        let key = line.split(" = ").next().unwrap_or_default();
        !knobs.contains(key)
    });
    let text = fast.chain([knobs]).collect::<Vec<_>>().join("\n");
    let knobs_file = Some(KnobsFile { name: "test knobs".to_owned(), text });
    Sources { environment, knobs_file, ..Sources::default() }
}

/// `tester dev` on a folder of its own.
pub struct DevApp {
    pub gemini: GeminiPeer,
    pub folder: tempfile::TempDir,
    running: Running,
}

impl DevApp {
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, variables).await
    }

    pub async fn start_in(folder: tempfile::TempDir, variables: &[(&str, &str)]) -> Self {
        let gemini = GeminiPeer::start().await.expect("a free port");
        let environment =
            [("PORT", "0"), ("GEMINI_API_KEY", GEMINI_KEY), ("GEMINI_BASE_URL", &gemini.url())];
        let sources = sources(&environment, variables, "");
        let mut settings =
            DevSettings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        folder.path().clone_into(&mut settings.data_dir);
        settings.sandbox.executable = Some(env!("CARGO_BIN_EXE_tester").into());
        // Nothing is warmed up, or even installed, that no test asks for.
        settings.sandbox.warm = PerRuntime::default();
        let application = Application::dev(settings).await.expect("the folder is there");
        Self { gemini, folder, running: Running::start(application) }
    }

    pub fn url(&self) -> &str {
        self.running.url()
    }

    pub fn address(&self) -> &str {
        self.running.address()
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        client::request(method, &format!("{}{path}", self.url()))
    }

    pub async fn generate(&self, body: &Value) -> Answer {
        let request = self.request("POST", "/api/generate").header("accept-language", "en");
        answered(request.json(body)).await
    }

    /// Stops the server and gives its folder back.
    pub async fn stop(self) -> tempfile::TempDir {
        let Self { folder, mut running, .. } = self;
        running.begin_stop();
        running.ended().await;
        folder
    }
}

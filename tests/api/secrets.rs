//! Marked secrets go in by the environment and by requests; every route is asked, also of a program
//! whose services are away or send everything back. None of the secrets comes out: in no line of the
//! log at its most talkative, no answer, no metric. What is a user's own comes back to them alone,
//! where the contract says so.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tester_peers::gemini::{GeminiPeer, StreamedAnswer};
use tester_peers::http::{Connection, Request, Server};
use tester_peers::redis::{Answer as RedisAnswer, RedisPeer};
use tester_peers::supabase::SupabasePeer;
use tester_peers::tokens::{HS256_HEADER, TokenMint};
use tester_peers::turnstile::TurnstilePeer;
use tokio::process::Command;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::support::canaries::{Canary, leaks};
use crate::support::{Process, RawClient, client, soon};

const GEMINI_KEY: &str = "AIzaSyQuokka7Vt0Xm4Wc9pYs3A-8fKq2Lr_z9T";
const SERVICE_ROLE_KEY: &str = "sb_secret_J7hT2vKq9LrX4Wc0pYs3Am8fDingo";
const ANON_KEY: &str = "sb_publishable_Wombat9fKq2Lr7Vt0Xm4Wc9pYs";
/// Holds what JSON, URLs and debug output spell otherwise.
const JWT_SECRET: &str = "num\"bat\\4kP9sD2fG7hJ1lQ8wE3rT6yU0zXcVbNm%é-possum";
const MASTER_KEY: &str = "q1uV3xZ5bD7fH9jL0nP2rT4vX6zB8dF1hJ3lN5pR7tU=";
const RETIRED_KEY: &str = "Zk8mW2sC5vQ9yB3eH6jN1pT4xA7dG0fL-_rUiOqXwM4=";
const TURNSTILE_SECRET: &str = "0x4AAAAAAAQuollka3rTyU8iOp5AsDfGhJ";
const WORKER_TOKEN: &str = "bandicoot-Vt0Xm4Wc9pYs3Am8fKq2LrZx8Jh6";
const OPS_KEY: &str = "pademelon-9pYs3Am8fKq2LrZx8Vt0Xm4Wc7T";
const REDIS_PASSWORD: &str = "potoroo-Zx8Vt0Xm4Wc9pYs3Am8fKq2Lr";

const COLLECTOR_KEY: &str = "rufous-bettong-Am8fKq2LrZx8Vt0Xm4Wc9";

const USER: Uuid = Uuid::from_u128(0x5e1d_9a7c_33b0_4f6a_8c2f_6a1d_90b7_e2d4);
/// Of the user's.
const SOURCE_NAME: &str = "bettong_price_7f3a9c2e51d8";
const DESCRIPTION: &str = "wallaroo 41b7e0d2 is a promise";
const TEST_NAME: &str = "test_bilby_5e1d9a7c33b06f";
const PRINTED: &str = "dunnart-printed-8c2f6a1d90";
const EMAIL: &str = "quoll.9f2ab7@canary.example";
const TURNSTILE_TOKEN: &str = "0.echidna-Fq7Lr2Kq9LrX4Wc0pYs3Am8f";

/// Most that is ever said.
const EVERYTHING: &str = "trace";
/// The same, of each library by name, as somebody would ask who looks for a fault.
const EVERY_LIBRARY: &str = "trace,hyper=trace,hyper_util=trace,h2=trace,reqwest=trace,rustls=trace,\
                             redis=trace,actix_http=trace,actix_web=trace,actix_server=trace,\
                             tokio_util=trace,mio=trace";

/// Whose content an answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Nobody's.
    Nothing,
    /// The user's who asked.
    Theirs,
}

/// A running `tester serve`, and all that came out of it.
struct Observed {
    process: Process,
    log: mpsc::UnboundedReceiver<String>,
    stdout: tempfile::NamedTempFile,
    tokens: Tokens,
    answers: Vec<(String, Holds, String)>,
    orders: usize,
    client: reqwest::Client,
}

/// The access tokens that are shown to it.
struct Tokens {
    good: String,
    forged: String,
    expired: String,
}

/// Where everything is.
struct Places {
    gemini: String,
    supabase: String,
    turnstile: String,
    worker: String,
    redis: String,
}

/// Well-behaved services.
struct Peers {
    gemini: GeminiPeer,
    supabase: SupabasePeer,
    turnstile: TurnstilePeer,
    worker: Server,
    redis: RedisPeer,
}

impl Peers {
    async fn start() -> Self {
        let gemini = GeminiPeer::start().await.expect("a free port");
        gemini.expect_key(GEMINI_KEY);
        let text = format!("{TEST_NAME}():\n    assert True\n");
        gemini.set_default(StreamedAnswer::text(["def ".to_owned(), text]));
        let supabase = SupabasePeer::start_with_key(SERVICE_ROLE_KEY).await.expect("a free port");
        supabase.set_balance(USER, 1_000_000);
        let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await.expect("a free port");
        let worker = Server::start(run).await.expect("a free port");
        let redis = RedisPeer::start(RedisAnswer::Empty).await.expect("a free port");
        Self { gemini, supabase, turnstile, worker, redis }
    }

    fn places(&self) -> Places {
        Places {
            gemini: self.gemini.url(),
            supabase: self.supabase.url(),
            turnstile: self.turnstile.url(),
            worker: self.worker.url(),
            redis: with_password(&self.redis.url()),
        }
    }
}

/// A worker that reports what the tests printed.
async fn run(request: Request, mut connection: Connection) -> io::Result<Connection> {
    if request.path() == "/health" {
        let body = json!({"status": "ok", "slots": 8, "running": 0, "queued": 0});
        connection.respond_json(200, &body).await?;
        return Ok(connection);
    }
    let verdict = json!({
        "type": "result", "success": true, "output": PRINTED, "error": "", "status": "passed",
        "tests": [{"id": TEST_NAME, "name": TEST_NAME, "status": "passed", "duration_ms": 1.0,
            "message": null, "line": 1, "output": PRINTED}],
        "limits_reached": [], "isolation": "namespace", "language": "python",
        "stats": {"wall_ms": 1, "cpu_ms": null, "peak_memory_bytes": null, "tests": {
            "total": 1, "passed": 1, "failed": 0, "errors": 0, "skipped": 0, "unfinished": 0}},
    });
    connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
    connection.chunk(format!("event: result\ndata: {verdict}\n\n").as_bytes()).await?;
    connection.finish().await?;
    Ok(connection)
}

/// A worker that answers what none does, and quotes in it.
async fn garble(request: Request, mut connection: Connection) -> io::Result<Connection> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    if request.path() == "/health" {
        connection.respond_json(200, &json!({"status": PRINTED, "slots": PRINTED})).await?;
        return Ok(connection);
    }
    connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
    let data = json!({"type": PRINTED, "status": PRINTED, "success": PRINTED, SOURCE_NAME: {}});
    let name = ["test", "result"][TURN.fetch_add(1, Ordering::SeqCst) % 2];
    connection.chunk(format!("event: {name}\ndata: {data}\n\n").as_bytes()).await?;
    connection.finish().await?;
    Ok(connection)
}

/// What an echo answers with.
const STATUSES: [u16; 11] = [200, 302, 400, 401, 403, 404, 409, 429, 500, 503, 308];

/// A service that sends everything back that it gets, wherever a client may look for words, under
/// one status after the other.
async fn echo() -> Server {
    let turn = Arc::new(AtomicUsize::new(0));
    let answer = move |request: Request, mut connection: Connection| {
        let status = STATUSES[turn.fetch_add(1, Ordering::SeqCst) % STATUSES.len()];
        async move {
            let head: Vec<String> =
                request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let all = format!("{} {} {}", request.target, head.join(" "), body.replace('\n', " "));
            // What siteverify gets, then the values of headers.
            let sent = request.json();
            let mut codes: Vec<String> = ["secret", "response"]
                .iter()
                .filter_map(|name| sent[name].as_str().map(str::to_owned))
                .collect();
            codes.extend(request.headers.iter().map(|(_, value)| value.clone()));
            let body = json!({
                "error": {"code": status, "status": all, "message": all,
                    "details": [{"@type": all, "reason": all, "retryDelay": "0.001s"}]},
                "code": all, "message": all, "details": all, "hint": all, "msg": all,
                "type": all, "status": all, "success": false, "error-codes": codes,
            });
            let location = format!("/elsewhere?{}", codes.join("&").replace(' ', "+"));
            let headers = [
                ("content-type", "application/json"),
                ("location", location.as_str()),
                ("retry-after", "0"),
                ("www-authenticate", all.as_str()),
            ];
            connection.respond(status, &headers, body.to_string().as_bytes()).await?;
            Ok(connection)
        }
    };
    Server::start(answer).await.expect("a free port")
}

fn with_password(redis: &str) -> String {
    redis.replace("redis://", &format!("redis://numbat:{REDIS_PASSWORD}@"))
}

impl Observed {
    /// Starts the program and waits until it serves.
    async fn start(places: &Places, format: &str, filter: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let knobs = folder.path().join("knobs.toml");
        let text = "gemini.backoff_min_ms = 1\ngemini.backoff_max_ms = 2\n\
                    server.shutdown_grace_ms = 500\n";
        std::fs::write(&knobs, text).expect("a writable folder");
        let stdout = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
        command.arg("serve").arg("--config").arg(&knobs).current_dir(folder.path()).env_clear();
        command.envs([
            ("ENV", "development"),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("LOG_FORMAT", format),
            ("RUST_LOG", filter),
            ("GEMINI_API_KEY", GEMINI_KEY),
            ("GEMINI_BASE_URL", &places.gemini),
            ("SUPABASE_URL", &places.supabase),
            ("SUPABASE_SERVICE_ROLE_KEY", SERVICE_ROLE_KEY),
            ("SUPABASE_ANON_KEY", ANON_KEY),
            ("SUPABASE_JWT_SECRET", JWT_SECRET),
            ("DATA_ENCRYPTION_KEY", MASTER_KEY),
            ("DATA_ENCRYPTION_KEYS_RETIRED", RETIRED_KEY),
            ("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET),
            ("TURNSTILE_VERIFY_URL", &places.turnstile),
            ("WORKER_URL", &places.worker),
            ("WORKER_AUTH_TOKEN", WORKER_TOKEN),
            ("TESTER_INTERNAL_SECRET", OPS_KEY),
            ("REDIS_URL", &places.redis),
            // Nobody listens there: it is told of, and the headers with it.
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_HEADERS", &format!("x-collector-key={COLLECTOR_KEY}")),
            ("RATE_LIMIT_GENERATE_PER_MINUTE", "10000"),
            ("RATE_LIMIT_EXECUTE_PER_MINUTE", "10000"),
            ("RATE_LIMIT_STATUS_PER_MINUTE", "10000"),
            ("WALLET_ENABLED", "true"),
        ]);
        command.stdout(stdout.as_file().try_clone().expect("a file")).stderr(Stdio::piped());
        let (said, log) = mpsc::unbounded_channel();
        let process = Process::start(command, Process::ready_line, move |line| {
            // Nobody listens once the test is over.
            let _ = said.send(line);
        })
        .await;
        let tokens = Tokens::for_project(&places.supabase);
        let client = client();
        Self { process, log, stdout, tokens, answers: Vec::new(), orders: 0, client }
    }

    /// Sends a request and keeps all that comes back. Gives the body.
    async fn keep(&mut self, what: &str, holds: Holds, request: reqwest::RequestBuilder) -> String {
        let response = soon("an answer", request.send()).await;
        let response = response.unwrap_or_else(|error| panic!("no answer to {what}: {error}"));
        let head = format!("{} {:?}", response.status(), response.headers());
        let body = soon("a body", response.text()).await.expect("a whole body");
        self.answers.push((what.to_owned(), holds, format!("{head}\n{body}")));
        body
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let url = format!("{}{path}", self.process.url());
        self.client.request(method, url).header("accept-language", "en")
    }

    fn as_user(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).bearer_auth(&self.tokens.good)
    }

    /// An order that nobody has given before.
    fn order(&mut self) -> Value {
        self.orders += 1;
        let number = self.orders;
        json!({
            "input_code": format!("def {SOURCE_NAME}(a):\n    return a + {number}\n"),
            "description": DESCRIPTION,
            "language": "python",
            "turnstile_token": format!("{TURNSTILE_TOKEN}-{number}"),
        })
    }

    /// Asks for everything, rightly and wrongly; for what needs a service so often.
    async fn exercise(&mut self, prefixes: &[&str], rounds: usize) {
        for prefix in prefixes {
            self.generate(&format!("{prefix}/generate"), rounds).await;
            self.execute(prefix, rounds).await;
            self.read(prefix, rounds).await;
            self.knock(prefix).await;
        }
        self.operate().await;
        self.garble().await;
    }

    async fn generate(&mut self, path: &str, rounds: usize) {
        let order = self.order();
        let post = |app: &Self, body: &Value| app.as_user("POST", path).json(body);
        // Written, then from the cache, then written again.
        for regenerate in [false, false, true] {
            let mut order = order.clone();
            order["is_regenerate"] = json!(regenerate);
            order["turnstile_token"] = self.order()["turnstile_token"].clone();
            self.keep("generate", Holds::Theirs, post(self, &order)).await;
        }
        let mut spent = order.clone();
        for _ in 0..rounds {
            spent = self.order();
            self.keep("generate", Holds::Theirs, post(self, &spent)).await;
        }
        let mut wrong = Vec::new();
        for (name, value) in [
            ("input_code", json!(format!("def {SOURCE_NAME}(:\n  {SOURCE_NAME}"))),
            (
                "input_code",
                json!(format!("class {SOURCE_NAME} {{ public int a() {{ return 1; }} }}")),
            ),
            ("input_code", json!(SOURCE_NAME[..5])),
            ("input_code", json!([SOURCE_NAME])),
            ("language", json!(SOURCE_NAME)),
            ("language", json!({ TURNSTILE_TOKEN: SOURCE_NAME })),
            ("model", json!(TURNSTILE_TOKEN)),
            ("description", json!(DESCRIPTION.repeat(400))),
            ("is_regenerate", json!(TURNSTILE_TOKEN)),
            ("turnstile_token", json!(TURNSTILE_TOKEN.repeat(100))),
            ("turnstile_token", json!("")),
        ] {
            let mut order = self.order();
            order[name] = value;
            wrong.push(order.to_string());
        }
        wrong.push(spent.to_string());
        let text = order.to_string();
        wrong.push(text[..text.len() - 20].to_owned());
        wrong.push(format!("{{\"turnstile_token\": \"{TURNSTILE_TOKEN}\", {}", &text[1..]));
        wrong.push(format!("\"{TURNSTILE_TOKEN}\""));
        wrong.push(json!({"input_code": SOURCE_NAME.repeat(60_000)}).to_string());
        for body in wrong {
            let request = self.as_user("POST", path).header("content-type", "application/json");
            self.keep("generate, refused", Holds::Nothing, request.body(body)).await;
        }
    }

    async fn execute(&mut self, prefix: &str, rounds: usize) {
        for path in ["execute", "stream"] {
            let path = format!("{prefix}/execution/{path}");
            for _ in 0..rounds {
                let job = json!({
                    "code": format!("def {SOURCE_NAME}(): pass"),
                    "test_code": format!("def {TEST_NAME}(): print('{PRINTED}')"),
                    "language": "python",
                });
                self.keep("execution", Holds::Theirs, self.as_user("POST", &path).json(&job)).await;
                for (name, value) in [("language", json!(PRINTED)), ("code", json!([SOURCE_NAME]))]
                {
                    let mut job = job.clone();
                    job[name] = value;
                    let request = self.as_user("POST", &path).json(&job);
                    self.keep("execution, refused", Holds::Nothing, request).await;
                }
            }
        }
    }

    async fn read(&mut self, prefix: &str, rounds: usize) {
        let token = self.tokens.good.clone();
        for _ in 0..rounds {
            let path = format!("{prefix}/history/?limit=2");
            let page = self.keep("history", Holds::Theirs, self.as_user("GET", &path)).await;
            let page: Value = serde_json::from_str(&page).unwrap_or_default();
            let id = page[0]["id"].as_str().map_or_else(|| Uuid::new_v4().to_string(), Into::into);
            let path = format!("{prefix}/history/{id}");
            self.keep("one of history", Holds::Theirs, self.as_user("GET", &path)).await;
            self.keep("a deletion", Holds::Nothing, self.as_user("DELETE", &path)).await;
            self.keep("what is gone", Holds::Nothing, self.as_user("GET", &path)).await;
            let path = format!("{prefix}/user/status?access_token={token}");
            self.keep("status", Holds::Theirs, self.as_user("GET", &path)).await;
        }
        for path in [
            format!("{prefix}/history/{token}"),
            format!("{prefix}/history?cursor={token}&limit={OPS_KEY}"),
            format!("{prefix}/history?limit={OPS_KEY}"),
            format!("{prefix}/history?cursor=%FF%{token}"),
            format!("{prefix}/{token}"),
            format!("{prefix}/languages?key={GEMINI_KEY}"),
            format!("{prefix}/health?key={OPS_KEY}"),
            format!("{prefix}/openapi.json?token={token}"),
        ] {
            self.keep("a path that tells", Holds::Nothing, self.as_user("GET", &path)).await;
            self.keep("a method that is not", Holds::Nothing, self.as_user("PUT", &path)).await;
        }
    }

    /// Comes with every kind of bad credentials to every door.
    async fn knock(&mut self, prefix: &str) {
        let Tokens { good, forged, expired } = &self.tokens;
        let authorizations = [
            None,
            Some(format!("Bearer {forged}")),
            Some(format!("Bearer {expired}")),
            Some(format!("Bearer {good}.{good}")),
            Some(format!("Basic {good}")),
            Some(good.clone()),
            Some(format!("Bearer {SERVICE_ROLE_KEY}")),
            Some(format!("Bearer {}", good.repeat(20))),
        ];
        for (method, path) in [
            ("POST", "generate"),
            ("POST", "execution/execute"),
            ("POST", "execution/stream"),
            ("GET", "history"),
            ("DELETE", "history"),
            ("GET", "history/x"),
            ("DELETE", "history/x"),
            ("GET", "user/status"),
        ] {
            for authorization in &authorizations {
                let mut request = self.request(method, &format!("{prefix}/{path}"));
                if let Some(authorization) = authorization {
                    request = request.header("authorization", authorization);
                }
                let body = json!({"input_code": SOURCE_NAME, "turnstile_token": TURNSTILE_TOKEN});
                self.keep("a stranger", Holds::Nothing, request.json(&body)).await;
            }
            let twice = self.as_user(method, &format!("{prefix}/{path}"));
            let twice = twice.header("authorization", format!("Bearer {}", self.tokens.forged));
            self.keep("two credentials", Holds::Nothing, twice).await;
        }
    }

    async fn operate(&mut self) {
        for path in ["/health", "/metrics", &format!("/metrics?key={OPS_KEY}")] {
            for key in [None, Some(OPS_KEY), Some(&OPS_KEY[1..]), Some(GEMINI_KEY)] {
                let mut request = self.request("GET", path);
                if let Some(key) = key {
                    request = request.header("x-tester-key", key);
                }
                self.keep("operations", Holds::Nothing, request).await;
            }
        }
        // All but `/console/settings.json`, whose purpose is to hand out the public key.
        for path in ["/", "/console/main.js", &format!("/console/{OPS_KEY}")] {
            self.keep("the console", Holds::Nothing, self.request("GET", path)).await;
        }
        let preflight = self.request("OPTIONS", "/api/generate");
        let preflight = preflight
            .header("origin", format!("https://{SOURCE_NAME}.example"))
            .header("access-control-request-method", "POST");
        self.keep("a preflight", Holds::Nothing, preflight).await;
    }

    /// Sends what is no HTTP.
    async fn garble(&mut self) {
        let address = self.process.url().trim_start_matches("http://").to_owned();
        let token = &self.tokens.good;
        for text in [
            format!("GET /{token} HTTP/9.9\r\nauthorization: Bearer {token}\r\n\r\n"),
            format!("{token}\r\n\r\n"),
            format!(
                "POST /api/generate HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
                 content-length: {SOURCE_NAME}\r\n\r\n"
            ),
            format!("GET / HTTP/1.1\r\nhost: x\r\nauthorization {token}\r\n\r\n"),
        ] {
            let mut client = RawClient::connect(&address).await;
            client.send(text.as_bytes()).await;
            client.closed_by_server().await;
        }
    }

    /// Stops the program and looks through all that came out.
    async fn leaks(mut self) -> Vec<String> {
        let secrets = secrets(&self.tokens);
        let theirs = content();
        assert_eq!(self.process.terminate().await, Some(0), "it did not end well");
        let mut log = String::new();
        while let Some(line) = soon("the end of the log", self.log.recv()).await {
            log += &line;
            log.push('\n');
        }
        assert!(log.contains("shutting down") && log.contains("request"), "nothing was logged");
        let stdout = std::fs::read_to_string(self.stdout.path()).expect("text");
        let all = || secrets.iter().chain(&theirs);
        let mut found = leaks(all(), "the log", &log);
        found.extend(leaks(all(), "standard output", &stdout));
        for (what, holds, text) in &self.answers {
            found.extend(leaks(&secrets, what, text));
            if *holds == Holds::Nothing {
                found.extend(leaks(&theirs, what, text));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// How many answers of that name there were with this status.
    fn answered(&self, what: &str, status: u16) -> usize {
        let status = status.to_string();
        let of =
            |(name, _, text): &&(String, Holds, String)| name == what && text.starts_with(&status);
        self.answers.iter().filter(of).count()
    }
}

impl Tokens {
    fn for_project(url: &str) -> Self {
        let issuer = format!("{url}/auth/v1");
        let mint = TokenMint::new(JWT_SECRET, &issuer);
        let claims = mint.claims_for(USER).with("email", json!(EMAIL));
        let good = mint.sign(HS256_HEADER, &claims.to_string());
        let expired = claims.clone().with("exp", json!(1_000_000_000));
        let expired = mint.sign(HS256_HEADER, &expired.to_string());
        let other = TokenMint::new("another secret of more than thirty-two bytes", &issuer);
        let forged = other.sign(HS256_HEADER, &claims.to_string());
        Self { good, forged, expired }
    }
}

/// What may come out nowhere.
fn secrets(tokens: &Tokens) -> Vec<Canary> {
    let mut canaries: Vec<_> = [
        ("GEMINI_API_KEY", GEMINI_KEY),
        ("SUPABASE_SERVICE_ROLE_KEY", SERVICE_ROLE_KEY),
        ("SUPABASE_ANON_KEY", ANON_KEY),
        ("SUPABASE_JWT_SECRET", JWT_SECRET),
        ("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET),
        ("WORKER_AUTH_TOKEN", WORKER_TOKEN),
        ("TESTER_INTERNAL_SECRET", OPS_KEY),
        ("the password of REDIS_URL", REDIS_PASSWORD),
        ("OTEL_EXPORTER_OTLP_HEADERS", COLLECTOR_KEY),
        ("a Turnstile token", TURNSTILE_TOKEN),
    ]
    .map(|(name, value)| Canary::text(name, value))
    .into();
    canaries.push(Canary::key("DATA_ENCRYPTION_KEY", MASTER_KEY));
    canaries.push(Canary::key("DATA_ENCRYPTION_KEYS_RETIRED", RETIRED_KEY));
    for (name, token) in [
        ("an access token", &tokens.good),
        ("a forged token", &tokens.forged),
        ("an expired token", &tokens.expired),
    ] {
        // Each part by itself; the first is the same in every token there is.
        for part in token.split('.').skip(1) {
            canaries.push(Canary::text(name, part));
        }
    }
    canaries
}

/// What may come out in an answer to its owner alone.
fn content() -> Vec<Canary> {
    [
        ("source code", SOURCE_NAME),
        ("a description", DESCRIPTION),
        ("generated tests", TEST_NAME),
        ("what tests printed", PRINTED),
        ("an e-mail address", EMAIL),
    ]
    .map(|(name, value)| Canary::text(name, value))
    .into()
}

#[tokio::test]
async fn no_secret_of_the_web_half_gets_out() {
    for (format, filter) in [("json", EVERYTHING), ("text", EVERY_LIBRARY)] {
        let peers = Peers::start().await;
        let mut app = Observed::start(&peers.places(), format, filter).await;
        app.exercise(&["/api", "/api/v1"], 3).await;
        // All of it was done, and not only refused.
        for what in ["generate", "execution", "history", "one of history", "status"] {
            assert!(app.answered(what, 200) > 2, "{what}: {:?}", app.answers.last());
        }
        for (what, status) in [("generate, refused", 400), ("a stranger", 401), ("operations", 403)]
        {
            assert!(app.answered(what, status) > 2, "{what} with {status}");
        }
        let damaged = damage(&peers.supabase);
        for path in ["/api/history".to_owned(), format!("/api/history/{damaged}")] {
            let request = app.as_user("GET", &path);
            app.keep("what can't be read", Holds::Nothing, request).await;
        }
        assert_eq!(app.answered("what can't be read", 500), 1);
        let found = app.leaks().await;
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// Makes rows that no key opens. Gives the id of one.
fn damage(supabase: &SupabasePeer) -> Uuid {
    let mut rows = supabase.rows();
    assert!(!rows.is_empty(), "nothing was stored");
    for row in &mut rows {
        row.generated_code.clone_from(&row.input_code);
    }
    let id = rows[0].id;
    supabase.set_rows(rows);
    id
}

#[tokio::test]
async fn no_secret_gets_out_when_a_service_sends_it_back() {
    for (service, format, filter) in [
        ("gemini", "json", EVERY_LIBRARY),
        ("supabase", "text", EVERYTHING),
        ("turnstile", "json", EVERYTHING),
        ("worker", "text", EVERY_LIBRARY),
        ("garbled worker", "json", EVERYTHING),
    ] {
        let peers = Peers::start().await;
        let echo = echo().await;
        let garbled = Server::start(garble).await.expect("a free port");
        let mut places = peers.places();
        match service {
            "gemini" => places.gemini = echo.url(),
            "supabase" => places.supabase = echo.url(),
            "turnstile" => places.turnstile = format!("{}/siteverify", echo.url()),
            "worker" => places.worker = echo.url(),
            _ => places.worker = garbled.url(),
        }
        let mut app = Observed::start(&places, format, filter).await;
        // As often as it has ways to answer.
        app.exercise(&["/api"], STATUSES.len() + 1).await;
        let found = app.leaks().await;
        assert!(found.is_empty(), "{service}: {}", found.join("\n"));
    }
}

#[tokio::test]
async fn no_secret_gets_out_when_a_service_is_away_or_speaks_no_tls() {
    let nobody = "127.0.0.1:9";
    let plain = Peers::start().await;
    let tls = |url: &str| url.replace("http://", "https://");
    let away = Places {
        gemini: format!("http://{nobody}"),
        supabase: format!("http://{nobody}"),
        turnstile: format!("http://{nobody}/siteverify"),
        worker: format!("http://{nobody},http://localhost:9"),
        redis: with_password(&format!("redis://{nobody}/0")),
    };
    let no_tls = Places {
        gemini: tls(&plain.gemini.url()),
        supabase: tls(&plain.supabase.url()),
        turnstile: tls(&plain.turnstile.url()),
        worker: tls(&plain.worker.url()),
        redis: with_password(&plain.redis.url()).replace("redis://", "rediss://"),
    };
    // Each service on its own, behind those that must answer before it is asked.
    let mut model_away = plain.places();
    model_away.gemini.clone_from(&away.gemini);
    let mut model_no_tls = plain.places();
    model_no_tls.gemini.clone_from(&no_tls.gemini);
    let mut database_away = plain.places();
    database_away.supabase.clone_from(&away.supabase);
    for (places, format) in [
        (away, "json"),
        (no_tls, "text"),
        (model_away, "text"),
        (model_no_tls, "json"),
        (database_away, "json"),
    ] {
        let mut app = Observed::start(&places, format, EVERY_LIBRARY).await;
        app.exercise(&["/api/v1"], 1).await;
        let found = app.leaks().await;
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[tokio::test]
async fn no_secret_gets_out_when_redis_refuses_it() {
    const WRONG: &[u8] =
        b"-WRONGPASS invalid username-password pair numbat potoroo-Zx8Vt0Xm4Wc9pYs3Am8fKq2Lr\r\n";
    let peers = Peers::start().await;
    for answer in [RedisAnswer::Bytes(WRONG), RedisAnswer::To("EVALSHA", WRONG), RedisAnswer::Close]
    {
        peers.redis.set_answer(answer);
        let mut app = Observed::start(&peers.places(), "json", EVERY_LIBRARY).await;
        app.read("/api", 2).await;
        let order = app.order();
        let request = app.as_user("POST", "/api/generate").json(&order);
        app.keep("generate", Holds::Theirs, request).await;
        app.operate().await;
        let found = app.leaks().await;
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

//! What a worker is given comes out of it nowhere but in the verdict, and its token not even there.

use std::process::Stdio;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::support::canaries::{Canary, leaks};
use super::support::{Process, RawClient};
use super::worker::{Engine, Shared, TOKEN, Test, soon, test, toolchains};

const SOURCE_NAME: &str = "bettong_price_7f3a9c2e51d8";
const TEST_NAME: &str = "test_bilby_5e1d9a7c33b06f";
const PRINTED: &str = "dunnart-printed-8c2f6a1d90";
const WRONG_TOKEN: &str = "pademelon-9pYs3Am8fKq2LrZx8Vt0Xm4Wc7T-not-it";

/// Nothing is warm but what a run needs.
const SMALL: &str = "sandbox.running = 1\nsandbox.python.warm = 1\nsandbox.node.warm = 0\n\
                     sandbox.java.warm = 0\nsandbox.drain_ms = 1000\n";

pub fn tests() -> Vec<Test> {
    vec![test("secrets::no_secret_of_the_worker_gets_out", no_secret_of_the_worker_gets_out)]
}

/// A worker of its own, and all that it says.
struct Observed {
    child: Child,
    url: String,
    log: mpsc::UnboundedReceiver<String>,
    stdout: tempfile::NamedTempFile,
}

impl Observed {
    async fn start(engine: Engine, format: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let knobs = folder.path().join("knobs.toml");
        std::fs::write(&knobs, SMALL).expect("a writable folder");
        let stdout = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
        command.args(["worker", "--config"]).arg(&knobs).arg("--data-dir").arg(toolchains());
        command.env_clear().envs(
            std::env::vars()
                .filter(|(name, _)| ["PATH", "HOME", "DOCKER_HOST"].contains(&name.as_str())),
        );
        command.envs([
            ("WORKER_AUTH_TOKEN", TOKEN),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("LOG_FORMAT", format),
            ("RUST_LOG", "trace,hyper=trace,hyper_util=trace,bollard=trace,actix_http=trace"),
        ]);
        command.envs(engine.variables().iter().copied());
        command.stdin(Stdio::null()).stdout(stdout.as_file().try_clone().expect("a file"));
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the executable is built");
        let stderr = child.stderr.take().expect("stderr is piped");
        let mut lines = BufReader::new(stderr).lines();
        let (said, mut log) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // Nobody listens once the test is over.
                let _ = said.send(line);
            }
        });
        let mut early = Vec::new();
        let address = soon("a ready worker", async {
            loop {
                let line = log.recv().await;
                let line = line.unwrap_or_else(|| panic!("the worker ended: {early:?}"));
                let address = Process::ready_line(&line);
                early.push(line);
                if let Some(address) = address {
                    return address;
                }
            }
        })
        .await;
        // What it said before belongs to what it said.
        let (all, whole) = mpsc::unbounded_channel();
        for line in early {
            all.send(line).expect("the receiver is here");
        }
        tokio::spawn(async move {
            while let Some(line) = log.recv().await {
                let _ = all.send(line);
            }
        });
        Self { child, url: format!("http://{address}"), log: whole, stdout }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client without options");
        client.request(method.parse().expect("a method"), format!("{}{path}", self.url))
    }

    /// Stops it. Gives its log and what it wrote to standard output.
    async fn ended(mut self) -> (String, String) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.expect("kill is there").success());
        let status = soon("the exit", self.child.wait()).await.expect("a status");
        assert!(status.success(), "it did not end well: {status}");
        let mut log = String::new();
        while let Some(line) = soon("the end of the log", self.log.recv()).await {
            log += &line;
            log.push('\n');
        }
        (log, std::fs::read_to_string(self.stdout.path()).expect("text"))
    }
}

async fn no_secret_of_the_worker_gets_out(shared: Arc<Shared>) {
    let formats: &[&str] = match shared.engine() {
        Engine::Namespace => &["json", "text"],
        // Their workers take long to start.
        Engine::Docker => &["json"],
        Engine::Runsc => &["text"],
    };
    for format in formats {
        let worker = Observed::start(shared.engine(), format).await;
        let (verdicts, refusals) = ask(&worker).await;
        let (log, stdout) = worker.ended().await;
        assert!(log.contains("run ended"), "nothing was logged: {log}");
        assert!(verdicts.contains(PRINTED), "nothing was run: {verdicts}");

        let tokens = [("WORKER_AUTH_TOKEN", TOKEN), ("a wrong token", WRONG_TOKEN)];
        let texts = [("source", SOURCE_NAME), ("tests", TEST_NAME), ("what was printed", PRINTED)];
        let canary = |(name, value)| Canary::text(name, value);
        let (tokens, texts) = (tokens.map(canary), texts.map(canary));
        let mut found = leaks(&tokens, "a verdict", &verdicts);
        for (output, text) in
            [("the log", &log), ("standard output", &stdout), ("a refusal", &refusals)]
        {
            found.extend(leaks(tokens.iter().chain(&texts), output, text));
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// Asks for everything, rightly and wrongly. Gives the verdicts, and all other answers.
async fn ask(worker: &Observed) -> (String, String) {
    let (mut verdicts, mut others) = (String::new(), String::new());
    let job = json!({
        "input_code": format!("def {SOURCE_NAME}():\n    print('{PRINTED}')\n    return 1\n"),
        "test_code": format!(
            "def {TEST_NAME}():\n    assert {SOURCE_NAME}() == 1\n\n\
             def {TEST_NAME}_fails():\n    assert {SOURCE_NAME}() == 2\n"
        ),
        "language": "python",
    });
    let mut broken = job.clone();
    broken["test_code"] = json!(format!("def {TEST_NAME}(:\n    {SOURCE_NAME}('{PRINTED}')\n"));
    let mut endless = job.clone();
    endless["test_code"] = json!(format!("def {TEST_NAME}():\n    while True: pass\n"));
    endless["limits"] = json!({"wall_ms": 500});
    for path in ["/execute", "/execute/stream"] {
        for body in [&job, &broken, &endless] {
            let request = worker.request("POST", path).bearer_auth(TOKEN).json(body);
            verdicts += &answer(request).await;
        }
        for (name, value) in [
            ("language", json!(PRINTED)),
            ("limits", json!({ "wall_ms": SOURCE_NAME })),
            ("test_code", json!([TEST_NAME])),
        ] {
            let mut wrong = job.clone();
            wrong[name] = value;
            let request = worker.request("POST", path).bearer_auth(TOKEN).json(&wrong);
            others += &answer(request).await;
        }
    }
    for (method, path) in [
        ("POST", "/execute".to_owned()),
        ("POST", "/execute/stream".to_owned()),
        ("GET", "/metrics".to_owned()),
        ("GET", format!("/health?token={TOKEN}")),
        ("GET", format!("/{TOKEN}")),
        ("PUT", format!("/execute?token={TOKEN}")),
    ] {
        let all = [
            format!("Bearer {TOKEN}"),
            format!("Bearer {WRONG_TOKEN}"),
            format!("Basic {TOKEN}"),
            TOKEN.to_owned(),
        ];
        for authorization in all {
            let request = worker.request(method, &path).header("authorization", authorization);
            others += &answer(request.body(format!("{{\"{TEST_NAME}\": "))).await;
        }
    }
    let mut client = RawClient::connect(worker.url.trim_start_matches("http://")).await;
    client.send(format!("GET /{TOKEN} HTTP/9\r\n{TOKEN}\r\n\r\n").as_bytes()).await;
    client.closed_by_server().await;
    (verdicts, others)
}

async fn answer(request: reqwest::RequestBuilder) -> String {
    let response = soon("an answer", request.send()).await.expect("an answer");
    let head = format!("{} {:?}", response.status(), response.headers());
    let body = soon("a body", response.text()).await.expect("a whole body");
    format!("{head}\n{body}\n")
}

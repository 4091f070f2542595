//! What a worker is given comes out of it nowhere but in the verdict, and its token not even there.

use std::process::Stdio;
use std::sync::Arc;

use serde_json::json;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::support::canaries::{Canary, leaks};
use super::support::{Process, RawClient};
use super::worker::{Shared, TOKEN, Test, soon, test, toolchains};

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

async fn no_secret_of_the_worker_gets_out(shared: Arc<Shared>) {
    let engine = shared.engine();
    for format in ["json", "text"] {
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
        command.stdout(stdout.as_file().try_clone().expect("a file")).stderr(Stdio::piped());
        let (said, mut heard) = mpsc::unbounded_channel();
        let process = soon(
            "a ready worker",
            Process::start(command, ready, move |line| {
                // Nobody listens once the test is over.
                let _ = said.send(line);
            }),
        )
        .await;
        let (verdicts, refusals) = ask(&process).await;
        assert_eq!(process.terminate().await, Some(0), "it did not end well");
        let mut log = String::new();
        while let Some(line) = soon("the end of the log", heard.recv()).await {
            log += &line;
            log.push('\n');
        }
        assert!(log.contains("run ended"), "nothing was logged: {log}");
        assert!(verdicts.contains(PRINTED), "nothing was run: {verdicts}");

        let tokens = [("WORKER_AUTH_TOKEN", TOKEN), ("a wrong token", WRONG_TOKEN)];
        let texts = [("source", SOURCE_NAME), ("tests", TEST_NAME), ("what was printed", PRINTED)];
        let canary = |(name, value)| Canary::text(name, value);
        let (tokens, texts) = (tokens.map(canary), texts.map(canary));
        let stdout = std::fs::read_to_string(stdout.path()).expect("text");
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
async fn ask(process: &Process) -> (String, String) {
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
            let request = process.request("POST", path).bearer_auth(TOKEN).json(body);
            verdicts += &answer(request).await;
        }
        for (name, value) in
            [("language", json!(PRINTED)), ("limits", json!({ SOURCE_NAME: 1 })), ("test_code", json!([TEST_NAME]))]
        {
            let mut wrong = job.clone();
            wrong[name] = value;
            let request = process.request("POST", path).bearer_auth(TOKEN).json(&wrong);
            // A name that nobody knows is told to whoever sent it, in a refusal of theirs.
            let said = answer(request).await;
            others += &said.replace(&format!("\"{SOURCE_NAME}\""), "");
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
            let request = process.request(method, &path).header("authorization", authorization);
            others += &answer(request.body(format!("{{\"{TEST_NAME}\": "))).await;
        }
    }
    let mut client = RawClient::connect(process.url().trim_start_matches("http://")).await;
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

/// The address in the line that says that it is ready, in either format.
fn ready(line: &str) -> Option<String> {
    let (_, address) = match line.contains("\"message\":\"ready\"") {
        true => line.split_once("\"address\":\"")?,
        false => line.split_once(" ready address=")?,
    };
    let end = address.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
    Some(address[..end.unwrap_or(address.len())].to_owned())
}

//! Both halves together: the real `tester serve` in front of a real worker.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::support::TestApp;
use super::worker::{Shared, TOKEN, Test, soon, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("web_half::a_verdict_comes_through_with_the_fields_of_old_clients", verdict),
        test("web_half::a_stream_ends_with_the_verdict", stream),
        test("web_half::requests_are_refused_before_anything_runs", refusals),
        test("web_half::too_many_runs_a_minute_are_refused", rate_limit),
        test("web_half::a_client_that_leaves_ends_its_run_on_the_worker", leaving),
    ]
}

async fn serve(shared: &Shared) -> TestApp {
    let worker = shared.get().await;
    TestApp::start_with(&[
        ("WORKER_URL", worker.url()),
        ("WORKER_AUTH_TOKEN", TOKEN),
        ("RATE_LIMIT_EXECUTE_PER_MINUTE", "1000"),
    ])
    .await
}

fn job() -> Value {
    json!({
        "code": "def add(a, b):\n    return a + b\n",
        "test_code": "def test_adds():\n    assert add(1, 2) == 3\n\ndef test_wrong():\n    assert add(1, 2) == 4\n",
        "language": "Python",
    })
}

async fn verdict(shared: Arc<Shared>) {
    let app = serve(&shared).await;
    for path in ["/api/execution/execute", "/api/v1/execution/execute"] {
        let answer = app.post(path, &job()).await;
        assert_eq!(answer.status(), 200);
        let verdict = answer.json().await;
        assert_eq!(verdict["success"], false);
        assert_eq!(verdict["error"], "1 of 2 tests failed.");
        let output = verdict["output"].as_str().expect("a report");
        assert!(output.contains("FAILED test_code.py::test_wrong - assert 3 == 4"), "{output}");
        assert_eq!(verdict["status"], "failed");
        assert_eq!(verdict["tests"][0]["status"], "passed");
        assert_eq!(verdict["tests"][1]["line"], 5);
        assert_eq!(verdict["isolation"], shared.engine().isolation());
    }
}

async fn stream(shared: Arc<Shared>) {
    let app = serve(&shared).await;
    let text = app.post("/api/execution/stream", &job()).await.text().await;
    let frames: Vec<(&str, Value)> = text
        .split("\n\n")
        .filter_map(|frame| {
            let name = frame.lines().find_map(|line| line.strip_prefix("event: "))?;
            let data = frame.lines().find_map(|line| line.strip_prefix("data: "))?;
            Some((name, serde_json::from_str(data).expect("JSON")))
        })
        .collect();
    let names: Vec<&str> = frames.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["test", "test", "result"], "{text}");
    assert_eq!(frames[0].1["id"], "test_adds");
    assert_eq!(frames[1].1["status"], "failed");
    let result = &frames[2].1;
    assert_eq!((&result["type"], &result["status"]), (&json!("result"), &json!("failed")));
    assert_eq!(result["tests"][1]["message"], frames[1].1["message"]);
}

async fn refusals(shared: Arc<Shared>) {
    let app = serve(&shared).await;
    for path in ["/api/execution/execute", "/api/execution/stream"] {
        let request = app.request("POST", path).json(&job());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 401);
        for (field, value) in [
            ("code", json!("a\0b")),
            ("code", json!("  ")),
            ("test_code", json!(7)),
            ("test_code", Value::Null),
            ("language", json!("cobol")),
        ] {
            let mut body = job();
            body[field] = value;
            let body = app.post(path, &body).await.error(422, "INVALID_REQUEST").await;
            assert_eq!(body["detail"]["field"], field, "{body}");
        }
    }
}

async fn rate_limit(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let app = TestApp::start_with(&[
        ("WORKER_URL", worker.url()),
        ("WORKER_AUTH_TOKEN", TOKEN),
        ("RATE_LIMIT_EXECUTE_PER_MINUTE", "1"),
    ])
    .await;
    assert_eq!(app.post("/api/execution/execute", &job()).await.status(), 200);
    let refused = app.post("/api/execution/stream", &job()).await;
    assert!(refused.header("retry-after").is_some());
    refused.error(429, "RATE_LIMITED").await;
}

async fn leaving(shared: Arc<Shared>) {
    let app = serve(&shared).await;
    let worker = shared.get().await;
    let mut body = job();
    let mark = "web-half-left-this";
    body["test_code"] = json!(format!(
        "import subprocess, sys\n\ndef test_sleeps():\n    \
         subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)', '{mark}'])\n"
    ));
    let path = format!("{}/api/execution/stream", app.url());
    let request = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = request
        .post(path)
        .header("authorization", app.authorization())
        .json(&body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    soon("a running job", async {
        while worker.health().await.1["running"] == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    drop(answer);
    soon("the end of the job", async {
        while is_there(mark) {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Whether a process of this host has this argument.
fn is_there(mark: &str) -> bool {
    let entries = std::fs::read_dir("/proc").expect("a Linux");
    entries.flatten().any(|entry| {
        let cmdline = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        cmdline.split(|&byte| byte == 0).any(|argument| argument == mark.as_bytes())
    })
}

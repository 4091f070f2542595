//! Both halves together: the real `tester serve` in front of a real worker.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::case::trivial;
use super::support::{Answer, Process, TestApp};
use super::worker::{Engine, ONE_FOLDER, Shared, TOKEN, Test, Worker, soon, test, toolchains};

/// Nothing is warm but what a run needs.
const SMALL: &str = "sandbox.running = 1\nsandbox.python.warm = 1\nsandbox.node.warm = 0\n\
                     sandbox.java.warm = 0\n";

pub fn tests() -> Vec<Test> {
    vec![
        test("web_half::a_verdict_comes_through_with_the_fields_of_old_clients", verdict),
        test("web_half::a_stream_ends_with_the_verdict", stream),
        test("web_half::what_is_wrong_is_said_in_the_readers_language", words),
        test("web_half::requests_are_refused_before_anything_runs", refusals),
        test("web_half::too_many_runs_a_minute_are_refused", rate_limit),
        test("web_half::a_client_that_leaves_ends_its_run_on_the_worker", leaving),
        test("web_half::one_process_has_both_halves", dev),
    ]
}

async fn serve(shared: &Shared) -> TestApp {
    in_front_of(shared.get().await, "1000").await
}

async fn in_front_of(worker: &Worker, runs_per_minute: &str) -> TestApp {
    TestApp::start_with(&[
        ("WORKER_URL", worker.url()),
        ("WORKER_AUTH_TOKEN", TOKEN),
        ("RATE_LIMIT_EXECUTE_PER_MINUTE", runs_per_minute),
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
    assert_eq!(result["success"], false);
    for (number, (_, frame)) in frames[..2].iter().enumerate() {
        let mut told = frame.clone();
        assert_eq!(told.as_object_mut().expect("an object").remove("type"), Some(json!("test")));
        assert_eq!(result["tests"][number], told);
    }
}

async fn words(shared: Arc<Shared>) {
    let app = serve(&shared).await;
    for (language, words) in [
        (Some("en-GB,en;q=0.9"), "1 of 2 tests failed."),
        (Some("ko-KR"), "테스트 2개 중 1개가 실패했습니다."),
        (Some("fr"), "테스트 2개 중 1개가 실패했습니다."),
        (None, "테스트 2개 중 1개가 실패했습니다."),
    ] {
        for path in ["/api/execution/execute", "/api/v1/execution/stream"] {
            let mut request = app.request("POST", path).json(&job());
            request = request.header("authorization", app.authorization());
            if let Some(language) = language {
                request = request.header("accept-language", language);
            }
            let answer = request.send().await.map(Answer::new).expect("an answer");
            let text = answer.text().await;
            let error = json!({ "error": words }).to_string();
            assert!(text.contains(error.trim_matches(['{', '}'])), "{text}");
        }
    }
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
    let app = in_front_of(worker, "1").await;
    assert_eq!(app.post("/api/execution/execute", &job()).await.status(), 200);
    let refused = app.post("/api/execution/stream", &job()).await;
    assert!(refused.header("retry-after").is_some());
    refused.error(429, "RATE_LIMITED").await;
}

async fn leaving(shared: Arc<Shared>) {
    let worker = Worker::start(shared.engine(), SMALL).await;
    let app = in_front_of(&worker, "1000").await;
    for path in ["/api/execution/stream", "/api/execution/execute"] {
        let mark = format!("web-half-left-this-{}", uuid::Uuid::new_v4());
        let mut body = job();
        body["test_code"] = json!(format!(
            "import subprocess, sys\n\ndef test_sleeps():\n    \
             subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)', '{mark}'])\n"
        ));
        let request = app.request("POST", path).header("authorization", app.authorization());
        let client = tokio::spawn(request.json(&body).send());
        // A head or nothing comes before the run's end; the client stays for either.
        worker.until("running", 1).await;
        if worker.engine() == Engine::Runsc {
            // What gVisor runs is no process of the host.
            sleep(Duration::from_secs(2)).await;
        } else {
            until_there(&mark, true).await;
        }
        let begun = Instant::now();
        client.abort();
        drop(client.await);
        worker.until("running", 0).await;
        until_there(&mark, false).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{path}: it took {:?}", begun.elapsed());
    }
    assert_eq!(worker.execute(&trivial("python")).await["status"], "passed");
    worker.terminate();
    assert_eq!(worker.ended().await, Some(0));
}

async fn dev(shared: Arc<Shared>) {
    let _alone = ONE_FOLDER.lock().await;
    let path = std::env::var("PATH").expect("a search path");
    let docker = std::env::var("DOCKER_HOST").ok();
    let mut variables = vec![("PATH", path.as_str())];
    variables.extend(docker.as_deref().map(|docker| ("DOCKER_HOST", docker)));
    variables.extend(shared.engine().variables());
    let process = Process::dev(&toolchains(), &variables).await;
    let answer = process.request("POST", "/api/execution/execute").json(&job()).send();
    let verdict = soon("a verdict", answer).await.map(Answer::new).expect("an answer").json().await;
    assert_eq!((&verdict["status"], &verdict["success"]), (&json!("failed"), &json!(false)));
    assert_eq!(verdict["isolation"], shared.engine().isolation());
    let answer = process.request("POST", "/api/v1/execution/stream").json(&job()).send();
    let frames = answer.await.map(Answer::new).expect("an answer").events().rest().await;
    let names: Vec<_> = frames.iter().filter_map(|frame| frame.event()).collect();
    assert_eq!(names, ["test", "test", "result"]);
    assert_eq!(process.terminate().await, Some(0));
}

async fn until_there(mark: &str, there: bool) {
    soon("the job's process, or its end", async {
        while is_there(mark) != there {
            sleep(Duration::from_millis(10)).await;
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

//! Clients that leave before they have their answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::case;
use super::worker::{Engine, Shared, TOKEN, Test, Worker, soon, test};

/// An argument of the process that the job starts.
const MARK: &str = "left-by-its-client";
/// Two of these tests look for it: not at the same time.
static ONE_MARK: Mutex<()> = Mutex::const_new(());
/// From the moment the client is gone.
const AT_MOST: Duration = Duration::from_secs(1);

pub fn tests() -> Vec<Test> {
    vec![
        test("leaving::a_client_that_leaves_takes_its_run_along", leaves_a_run),
        test("leaving::a_client_that_leaves_its_stream_takes_its_run_along", leaves_a_stream),
        test("leaving::a_client_that_leaves_the_queue_is_forgotten", leaves_the_queue),
    ]
}

async fn leaves_a_run(shared: Arc<Shared>) {
    let worker = Worker::start(shared.engine(), ONE_AT_A_TIME).await;
    leaves(&worker, "/execute").await;
    end(worker).await;
}

async fn leaves_a_stream(shared: Arc<Shared>) {
    let worker = Worker::start(shared.engine(), ONE_AT_A_TIME).await;
    leaves(&worker, "/execute/stream").await;
    end(worker).await;
}

async fn leaves_the_queue(shared: Arc<Shared>) {
    let _alone = ONE_MARK.lock().await;
    let worker = Worker::start(shared.engine(), ONE_AT_A_TIME).await;
    let runs = post(&worker, "/execute").await;
    worker.until("running", 1).await;
    let waits = post(&worker, "/execute").await;
    worker.until("queued", 1).await;
    let begun = Instant::now();
    drop(waits);
    worker.until("queued", 0).await;
    assert!(begun.elapsed() < AT_MOST, "it took {:?}", begun.elapsed());
    drop(runs);
    worker.until("running", 0).await;
    until_process(false).await;
    end(worker).await;
}

/// A worker of its own: the counts in its health are of these runs alone.
const ONE_AT_A_TIME: &str =
    "sandbox.running = 1\nsandbox.python.warm = 1\nsandbox.node.warm = 0\nsandbox.java.warm = 0\n";

async fn leaves(worker: &Worker, path: &str) {
    let _alone = ONE_MARK.lock().await;
    let client = post(worker, path).await;
    worker.until("running", 1).await;
    // Well into the run, not in the middle of the claim. What gVisor runs is no process of the host.
    if worker.engine() == Engine::Runsc {
        tokio::time::sleep(Duration::from_secs(2)).await;
    } else {
        until_process(true).await;
    }
    assert_eq!(worker.health().await.1["running"], 1, "the run ended by itself");
    let begun = Instant::now();
    drop(client);
    worker.until("running", 0).await;
    until_process(false).await;
    assert!(begun.elapsed() < AT_MOST, "it took {:?}", begun.elapsed());
}

/// The next job is served, and the worker stops well.
async fn end(worker: Worker) {
    assert_eq!(worker.execute(&case::trivial("python")).await["status"], "passed");
    worker.terminate();
    assert_eq!(worker.ended().await, Some(0));
}

/// Sends a job that sleeps longer than anybody waits, and keeps the connection.
async fn post(worker: &Worker, path: &str) -> TcpStream {
    let body = json!({
        "input_code": "import subprocess, sys, time\n",
        "test_code": format!(
            "def test_sleeps():\n    subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)', '{MARK}'])\n"
        ),
        "language": "python",
    })
    .to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        worker.address(),
        body.len(),
    );
    let mut client = TcpStream::connect(worker.address()).await.expect("the worker listens");
    client.write_all(head.as_bytes()).await.expect("a connection");
    client.write_all(body.as_bytes()).await.expect("a connection");
    // Nothing but the head of a stream comes before the end of the run.
    let mut answer = [0; 16];
    if path.ends_with("/stream") {
        let read = soon("the head of the stream", client.read(&mut answer)).await;
        read.expect("a connection");
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    client
}

/// Whether the host sees the process that the job started.
async fn until_process(there: bool) {
    let what = if there { "the job's process" } else { "the end of the job's process" };
    soon(what, async {
        while is_marked_there() != there {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

fn is_marked_there() -> bool {
    let entries = std::fs::read_dir("/proc").expect("a Linux");
    entries.flatten().any(|entry| {
        let cmdline = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        // An argument of its own, not a part of the program that this process sends.
        cmdline.split(|&byte| byte == 0).any(|argument| argument == MARK.as_bytes())
    })
}

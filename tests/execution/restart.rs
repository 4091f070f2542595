//! Workers restarted one after the other while runs go on.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

use super::support::TestApp;
use super::worker::{Engine, Shared, TOKEN, Test, Worker, soon, test};

/// One run at a time, and what that needs.
const SMALL: &str = "sandbox.running = 1\nsandbox.python.warm = 1\nsandbox.node.warm = 0\n\
                     sandbox.java.warm = 0\n";

/// Who ask for runs all the time.
const CLIENTS: usize = 3;

/// Runs between two restarts.
const BETWEEN: usize = 6;

/// What the engine is makes no difference; the one that starts soonest is enough.
pub fn tests(engine: Engine) -> Vec<Test> {
    match engine {
        Engine::Namespace => {
            vec![test("restart::no_run_fails_while_workers_are_restarted_in_turn", in_turn)]
        }
        Engine::Docker | Engine::Runsc => Vec::new(),
    }
}

async fn in_turn(shared: Arc<Shared>) {
    let ports = [free_port(), free_port()];
    let start = async |port: u16| {
        Worker::start_with(shared.engine(), SMALL, &[("PORT", &port.to_string())]).await
    };
    let mut workers = vec![start(ports[0]).await, start(ports[1]).await];
    let urls = workers.iter().map(Worker::url).collect::<Vec<_>>().join(",");
    let variables = [
        ("WORKER_URL", urls.as_str()),
        ("WORKER_AUTH_TOKEN", TOKEN),
        ("RATE_LIMIT_EXECUTE_PER_MINUTE", "100000"),
    ];
    // Who was away is asked again soon, so that the next restart finds both at work.
    let app = TestApp::start_configured(&variables, "worker.health_ttl_ms = 300").await;
    let app = Arc::new(app);
    let (done, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(ask(client, app.clone(), done.clone(), over.clone())))
        .collect();

    more(&done, &clients).await;
    for (number, port) in ports.into_iter().enumerate() {
        let worker = workers.remove(0);
        worker.terminate();
        assert_eq!(worker.ended().await, Some(0), "worker {number}");
        // The other one alone.
        more(&done, &clients).await;
        workers.push(start(port).await);
        until_asked(&workers[1], &clients).await;
        more(&done, &clients).await;
    }

    over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("every run had its verdict");
    }
    for worker in workers {
        worker.terminate();
        assert_eq!(worker.ended().await, Some(0));
    }
}

/// Runs one job after the other, each with a verdict that no other has.
async fn ask(client: usize, app: Arc<TestApp>, done: Arc<AtomicUsize>, over: Arc<AtomicBool>) {
    for run in 0.. {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let name = format!("test_{client}_{run}");
        let job = json!({
            "code": format!("def mine():\n    return {run}\n"),
            "test_code": format!("def {name}():\n    assert mine() == {run}\n"),
            "language": "python",
        });
        let answer = app.post("/api/execution/execute", &job).await;
        let (status, verdict) = (answer.status(), answer.json().await);
        assert_eq!(status, 200, "{name}: {verdict}");
        let test: &Value = &verdict["tests"][0];
        assert_eq!((&test["id"], &test["status"]), (&json!(name), &json!("passed")), "{verdict}");
        done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits until more runs are done, or one failed.
async fn more(done: &AtomicUsize, clients: &[JoinHandle<()>]) {
    let wanted = done.load(Ordering::SeqCst) + BETWEEN;
    soon("more runs", async {
        while done.load(Ordering::SeqCst) < wanted && !clients.iter().any(JoinHandle::is_finished) {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Waits until runs come to this worker, or one failed.
async fn until_asked(worker: &Worker, clients: &[JoinHandle<()>]) {
    soon("a run on the worker that came back", async {
        while worker.health().await.1["running"] == 0
            && !clients.iter().any(JoinHandle::is_finished)
        {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

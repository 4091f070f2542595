//! How `tester serve` asks its workers: whom, how often, and what it says when none answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tester_peers::http::{Connection, Request, Server};
use tokio::time::sleep;

use super::support::{TestApp, soon};

/// Between a verdict and the end of its stream, where there is one.
const PAUSE: Duration = Duration::from_millis(10);

/// What a fake worker does with a run.
#[derive(Clone, Copy)]
enum Behaviour {
    /// A verdict, with the worker's number as its output.
    Pass,
    /// The same, and the end of the stream a little later.
    PassAndPause,
    /// This status and header.
    Refuse(u16, &'static str),
    /// A test, and then the connection breaks.
    BreakOff,
    /// The last word of a worker that ends its runs.
    GiveUp,
    /// A verdict, and no end behind it.
    Linger,
    /// Silence.
    Hang,
}

/// A worker that speaks the protocol and runs nothing.
struct FakeWorker {
    server: Server,
    runs: Arc<AtomicUsize>,
}

impl FakeWorker {
    /// One with that many free slots. Without any health it is away.
    async fn start(number: usize, free: Option<i64>, behaviour: Behaviour) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_on(anywhere, number, free, behaviour).await
    }

    async fn start_on(
        address: SocketAddr,
        number: usize,
        free: Option<i64>,
        behaviour: Behaviour,
    ) -> Self {
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let server = Server::start_on(address, move |request, connection| {
            let runs = Arc::clone(&count);
            async move {
                if request.path() == "/health" {
                    return health(connection, free).await;
                }
                assert_eq!(request.header("authorization"), Some(AUTHORIZATION));
                assert_eq!(request.json()["input_code"], "x = 1");
                runs.fetch_add(1, Ordering::SeqCst);
                run(connection, &request, number, behaviour).await
            }
        })
        .await
        .expect("a free port");
        Self { server, runs }
    }

    fn url(&self) -> String {
        self.server.url()
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Its process is gone. Gives the address, where now nobody listens.
    async fn vanish(self) -> SocketAddr {
        let address = self.server.address();
        drop(self.server);
        soon("a refused connection", async {
            while tokio::net::TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        address
    }
}

const AUTHORIZATION: &str = "Bearer worker-token-for-tests-0123456789abcdefXYZ";

async fn health(mut connection: Connection, free: Option<i64>) -> io::Result<Connection> {
    match free {
        Some(free) => {
            let body = json!({"status": "ok", "slots": free, "running": 0, "queued": 0});
            connection.respond_json(200, &body).await?;
        }
        None => connection.respond_json(503, &json!({"status": "draining"})).await?,
    }
    Ok(connection)
}

async fn run(
    mut connection: Connection,
    request: &Request,
    number: usize,
    behaviour: Behaviour,
) -> io::Result<Connection> {
    assert_eq!(request.path(), "/execute/stream");
    match behaviour {
        Behaviour::Pass | Behaviour::PassAndPause => {
            connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
            connection.chunk(b": keep-alive\n\n").await?;
            let frame = format!("event: result\ndata: {}\n\n", verdict(number));
            connection.chunk(frame.as_bytes()).await?;
            if matches!(behaviour, Behaviour::PassAndPause) {
                sleep(PAUSE).await;
            }
            connection.finish().await?;
        }
        Behaviour::Refuse(status, retry_after) => {
            connection.respond(status, &[("retry-after", retry_after)], b"{}").await?;
        }
        Behaviour::BreakOff => {
            connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
            let test = json!({"id": "test_a", "name": "test_a", "status": "passed",
                "duration_ms": 1.0, "message": null, "line": 1, "output": ""});
            let frame = format!("event: test\ndata: {test}\n\n");
            connection.chunk(frame.as_bytes()).await?;
            connection.reset_when_dropped();
        }
        Behaviour::GiveUp => {
            connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
            let error = json!({"type": "error", "code": "UNAVAILABLE", "message": "of a worker"});
            let frame = format!("event: error\ndata: {error}\n\n");
            connection.chunk(frame.as_bytes()).await?;
            connection.finish().await?;
        }
        Behaviour::Linger => {
            connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
            let frame = format!("event: result\ndata: {}\n\n", verdict(number));
            connection.chunk(frame.as_bytes()).await?;
            connection.closed_by_caller().await;
        }
        Behaviour::Hang => connection.closed_by_caller().await,
    }
    Ok(connection)
}

fn verdict(number: usize) -> Value {
    json!({
        "type": "result", "success": true, "output": format!("worker {number}"), "error": "",
        "status": "passed", "tests": [], "limits_reached": [], "isolation": "namespace",
        "language": "python",
        "stats": {"wall_ms": 1, "cpu_ms": null, "peak_memory_bytes": null, "tests": {
            "total": 0, "passed": 0, "failed": 0, "errors": 0, "skipped": 0, "unfinished": 0}},
    })
}

fn job() -> Value {
    json!({"code": "x = 1", "test_code": "def test_a(): pass", "language": "python"})
}

async fn serve(urls: &str, knobs: &str) -> TestApp {
    let variables = [("WORKER_URL", urls), ("RATE_LIMIT_EXECUTE_PER_MINUTE", "1000")];
    TestApp::start_configured(&variables, knobs).await
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("a bound address"))
}

#[tokio::test]
async fn the_worker_with_the_most_room_is_asked() {
    let busy = FakeWorker::start(1, Some(1), Behaviour::Pass).await;
    let idle = FakeWorker::start(2, Some(8), Behaviour::Pass).await;
    let away = FakeWorker::start(3, None, Behaviour::Pass).await;
    let app = serve(&format!("{},{},{}", busy.url(), idle.url(), away.url()), "").await;
    for _ in 0..3 {
        let verdict = app.post("/api/execution/execute", &job()).await.json().await;
        assert_eq!(verdict["output"], "worker 2");
    }
    assert_eq!((busy.runs(), idle.runs(), away.runs()), (0, 3, 0));
}

#[tokio::test]
async fn a_worker_that_takes_nothing_on_is_followed_by_the_next() {
    for behaviour in [Behaviour::Refuse(429, "7"), Behaviour::Refuse(503, "5")] {
        let first = FakeWorker::start(1, Some(8), behaviour).await;
        let second = FakeWorker::start(2, Some(1), Behaviour::Pass).await;
        let app = serve(&format!("{},{}", first.url(), second.url()), "").await;
        let verdict = app.post("/api/execution/execute", &job()).await.json().await;
        assert_eq!(verdict["output"], "worker 2");
        assert_eq!((first.runs(), second.runs()), (1, 1));
    }
}

#[tokio::test]
async fn the_connection_to_a_worker_carries_one_run_after_another() {
    let worker = FakeWorker::start(1, Some(8), Behaviour::Pass).await;
    let app = serve(&worker.url(), "").await;
    for _ in 0..3 {
        assert_eq!(app.post("/api/execution/execute", &job()).await.json().await["success"], true);
    }
    assert_eq!((worker.runs(), worker.server.connections()), (3, 1));

    // Whoever asked is answered before the stream has ended: that must not cut it off.
    let worker = FakeWorker::start(1, Some(8), Behaviour::PassAndPause).await;
    let app = serve(&worker.url(), "").await;
    for _ in 0..3 {
        assert_eq!(app.post("/api/execution/execute", &job()).await.json().await["success"], true);
        sleep(PAUSE * 20).await;
    }
    assert_eq!((worker.runs(), worker.server.connections()), (3, 1));
}

#[tokio::test]
async fn what_began_is_never_run_again() {
    let first = FakeWorker::start(1, Some(8), Behaviour::BreakOff).await;
    let second = FakeWorker::start(2, Some(1), Behaviour::Pass).await;
    let app = serve(&format!("{},{}", first.url(), second.url()), "").await;
    let text = app.post("/api/execution/stream", &job()).await.text().await;
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["test", "error"], "{text}");
    assert!(text.contains("\"code\":\"UNAVAILABLE\""), "{text}");
    assert_eq!((first.runs(), second.runs()), (1, 0));

    for behaviour in [Behaviour::BreakOff, Behaviour::GiveUp] {
        let only = FakeWorker::start(1, Some(8), behaviour).await;
        let app = serve(&only.url(), "").await;
        let answer = app.post("/api/execution/execute", &job()).await;
        assert!(answer.header("retry-after").is_some());
        let body = answer.error(503, "UNAVAILABLE").await.to_string();
        assert!(!body.contains("of a worker"), "{body}");
        assert_eq!(only.runs(), 1);
    }

    let only = FakeWorker::start(1, Some(8), Behaviour::Refuse(500, "1")).await;
    let app = serve(&only.url(), "").await;
    app.post("/api/execution/execute", &job()).await.error(502, "UPSTREAM_ERROR").await;
    assert_eq!(only.runs(), 1);
}

#[tokio::test]
async fn a_worker_that_vanished_since_its_last_word_is_followed_by_the_next() {
    let first = FakeWorker::start(1, Some(8), Behaviour::Pass).await;
    let second = FakeWorker::start(2, Some(1), Behaviour::Pass).await;
    let knobs = "worker.health_ttl_ms = 60000\n";
    let app = serve(&format!("{},{}", first.url(), second.url()), knobs).await;
    let verdict = app.post("/api/execution/execute", &job()).await.json().await;
    assert_eq!(verdict["output"], "worker 1");
    first.vanish().await;
    for _ in 0..2 {
        let verdict = app.post("/api/execution/execute", &job()).await.json().await;
        assert_eq!(verdict["output"], "worker 2");
    }
    assert_eq!(second.runs(), 2);
}

#[tokio::test]
async fn a_worker_that_restarted_gets_the_next_run() {
    let before = FakeWorker::start(1, Some(8), Behaviour::Pass).await;
    let app = serve(&before.url(), "").await;
    assert_eq!(app.post("/api/execution/execute", &job()).await.status(), 200);
    let address = before.vanish().await;
    app.post("/api/execution/execute", &job()).await.error(503, "UNAVAILABLE").await;
    let after = FakeWorker::start_on(address, 2, Some(8), Behaviour::Pass).await;
    let verdict = app.post("/api/execution/execute", &job()).await.json().await;
    assert_eq!(verdict["output"], "worker 2");
    assert_eq!(after.runs(), 1);
}

#[tokio::test]
async fn a_verdict_is_the_end_whatever_the_worker_holds_open() {
    let worker = FakeWorker::start(1, Some(8), Behaviour::Linger).await;
    let app = serve(&worker.url(), "").await;
    for path in ["/api/execution/execute", "/api/execution/stream"] {
        let text = soon("the end", app.post(path, &job()).await.text()).await;
        assert!(text.contains("worker 1"), "{text}");
    }
    assert_eq!((worker.runs(), worker.server.connections()), (2, 2));
}

#[tokio::test]
async fn without_any_worker_the_answer_says_when_to_come_back_and_nothing_else() {
    let away = nobody();
    for urls in [away.clone(), format!("{},{}", away, nobody())] {
        let app = serve(&urls, "").await;
        for path in ["/api/execution/execute", "/api/execution/stream"] {
            let answer = app.post(path, &job()).await;
            assert!(answer.header("retry-after").is_some());
            let body = answer.error(503, "UNAVAILABLE").await.to_string();
            let address = away.trim_start_matches("http://");
            assert!(!body.contains(address) && !body.contains("refused"), "{body}");
        }
    }
}

#[tokio::test]
async fn a_workers_refusals_are_told_apart() {
    let full = FakeWorker::start(1, Some(0), Behaviour::Refuse(429, "7")).await;
    let app = serve(&full.url(), "").await;
    let answer = app.post("/api/execution/execute", &job()).await;
    assert_eq!(answer.header("retry-after").as_deref(), Some("7"));
    answer.error(429, "RATE_LIMITED").await;
    assert_eq!(full.runs(), 1, "a full worker was asked twice");

    let stranger = FakeWorker::start(1, Some(8), Behaviour::Refuse(403, "1")).await;
    let app = serve(&stranger.url(), "").await;
    let body = app.post("/api/execution/execute", &job()).await.error(502, "UPSTREAM_ERROR").await;
    assert!(!body.to_string().contains("token"), "{body}");

    let silent = FakeWorker::start(1, Some(8), Behaviour::Hang).await;
    let knobs = "worker.connect_timeout_ms = 200\nworker.total_timeout_ms = 300\n";
    let app = serve(&silent.url(), knobs).await;
    app.post("/api/execution/execute", &job()).await.error(504, "TIMEOUT").await;
}

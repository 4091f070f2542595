//! Clients that ask for a stream and do not read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tester_peers::http::{Connection, Request, Server};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::Bystander;
use super::apart::Apart;
use crate::support::{TestApp, soon};

/// Who do not read.
const CLIENTS: usize = 12;

/// Events the model sends in one write, and how many it has in all: far more than fits into the
/// buffers of both connections.
const EVENTS_AT_ONCE: usize = 200;
const EVENTS: usize = 100_000;

/// What is held for one of them at most: events that wait, the buffers of two connections, and what
/// of the answer was read so far. All of it would take four times as much.
const KIB_EACH: u64 = 3 * 1_024;

/// How the model fared with all of them.
#[derive(Default)]
struct Written {
    /// Answers under way or ended.
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// The most events that one answer got rid of.
    most: AtomicUsize,
}

/// A model that never stops writing by itself, a short line an event.
async fn talkative(written: &Arc<Written>) -> Server {
    let text = "\u{1}".repeat(16);
    let event = json!({"candidates": [{"content": {"parts": [{"text": text}]}, "index": 0}]});
    let block: Arc<str> = format!("data: {event}\n\n").repeat(EVENTS_AT_ONCE).into();
    let written = Arc::clone(written);
    let server = Server::start(move |_request: Request, mut connection: Connection| {
        let (written, block) = (Arc::clone(&written), Arc::clone(&block));
        async move {
            written.begun.fetch_add(1, Ordering::SeqCst);
            connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
            let mut events = 0;
            while events < EVENTS && connection.chunk(block.as_bytes()).await.is_ok() {
                events += EVENTS_AT_ONCE;
                written.most.fetch_max(events, Ordering::SeqCst);
            }
            written.ended.fetch_add(1, Ordering::SeqCst);
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
    });
    server.await.expect("a free port")
}

/// Asks for a stream, with as little room for it as the system allows.
async fn ask(app: &Apart, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(1).expect("the system takes its least");
    let address = app.address().parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("the server listens");
    let body = TestApp::body(number).to_string();
    let head = format!(
        "POST /api/generate HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n",
        app.authorization(),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("the server reads");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_nobody_reads_holds_the_model_takes_little_memory_and_ends() {
    let written = Arc::new(Written::default());
    let model = talkative(&written).await;
    let knobs = "server.write_timeout_ms = 3000\nserver.keep_alive_ms = 3000\nstream.heartbeat_ms = 1000\n\
                 worker.total_timeout_ms = 3000\nworker.connect_timeout_ms = 1000";
    let app = Apart::start(&model, knobs).await;
    let mut bystander = Bystander::of(app.address()).await;
    bystander.is_served(app.address()).await;
    let before = app.resident_kib();
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(ask(&app, number).await);
    }
    let mut peak = before;
    soon("the end of all streams", async {
        while written.ended.load(Ordering::SeqCst) < CLIENTS {
            bystander.is_served(app.address()).await;
            peak = peak.max(app.resident_kib());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let grown = peak - before;
    let most = written.most.load(Ordering::SeqCst);
    assert_eq!(written.begun.load(Ordering::SeqCst), CLIENTS);
    assert!(most < EVENTS, "the model was read to its end");
    assert!(grown < KIB_EACH * CLIENTS as u64, "{CLIENTS} clients took {grown} KiB");
    bystander.is_served(app.address()).await;
    drop(clients);
}

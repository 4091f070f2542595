//! Crowds of connections that never become requests.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tester_peers::http::Server;
use tokio::task::JoinSet;

use super::apart::Apart;
use super::{Bystander, HEALTH};
use crate::support::{RawClient, soon};

/// As many as are wanted where the machine allows it.
const CROWD: usize = 10_000;

/// Open files that a process needs besides.
const BESIDES: usize = 512;

/// What one may cost: its buffers, and what a task takes.
const KIB_EACH: u64 = 64;

/// A model that nobody asks.
async fn nobody() -> Server {
    let server = Server::start(|_, connection| async move { Ok(connection) });
    server.await.expect("a free port")
}

/// As many connections as this process, and so the one it starts, may have.
fn crowd() -> usize {
    let files = Resource::RLIMIT_NOFILE;
    let (_, most) = getrlimit(files).expect("there is a limit");
    setrlimit(files, most, most).expect("the soft limit may be raised to the hard one");
    CROWD.min(usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(BESIDES))
}

/// That many clients who have begun a request each, and say no more.
async fn half_open(address: &str, count: usize) -> Vec<RawClient> {
    let mut connecting = JoinSet::new();
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        // A backlog holds only so many.
        if connecting.len() >= 256 {
            clients.extend(connecting.join_next().await.transpose().expect("no panic"));
        }
        let address = address.to_owned();
        connecting.spawn(async move {
            let mut client = RawClient::connect(&address).await;
            client.send(b"POST /api/generate HTTP/1.1\r\nHost: x\r\nX-Half: ").await;
            client
        });
    }
    clients.extend(connecting.join_all().await);
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_half_open_connections_as_the_machine_allows_keep_nobody_from_being_served() {
    let count = crowd();
    let model = nobody().await;
    let knobs = format!("server.max_connections = {}\nserver.head_timeout_ms = 600000", count + 64);
    let app = Apart::start(&model, &knobs).await;
    let mut bystander = Bystander::of(app.address()).await;
    bystander.is_served(app.address()).await;
    let before = app.resident_kib();

    let clients = half_open(app.address(), count).await;
    soon("all connections", async {
        while app.open_files() < count {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;

    bystander.is_served(app.address()).await;
    let grown = app.resident_kib().saturating_sub(before);
    let most = KIB_EACH * u64::try_from(count).expect("a few thousand");
    assert!(grown < most, "{count} connections took {grown} KiB");
    drop(clients);
    soon("the end of all connections", async {
        while app.open_files() > BESIDES {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    bystander.is_served(app.address()).await;
}

#[tokio::test]
async fn beyond_the_cap_a_client_waits_until_half_open_ones_are_timed_out() {
    const CAP: usize = 32;
    let model = nobody().await;
    let knobs = format!("server.max_connections = {CAP}\nserver.head_timeout_ms = 1000");
    let app = Apart::start(&model, &knobs).await;
    let mut early = RawClient::connect(app.address()).await;
    early.send(HEALTH).await;
    assert_eq!(early.answer().await.0, 200);
    let idle = app.open_files();

    let crowd = half_open(app.address(), 3 * CAP).await;
    let mut late = RawClient::connect(app.address()).await;
    late.send(HEALTH).await;
    assert!(app.open_files() <= idle + CAP, "no more are accepted than the cap");
    early.send(HEALTH).await;
    assert_eq!(early.answer().await.0, 200, "whoever is in is served");
    assert_eq!(late.answer().await.0, 200, "whoever waits is served when there is room");
    for mut client in crowd {
        assert_eq!(client.statuses().await, [408]);
    }
}

//! Instances restarted one after the other, behind a proxy that sends on what one of them refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tester_peers::gemini::StreamedAnswer;
use tester_peers::tokens::TokenMint;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::app::surround;
use super::{Shared, case_list};
use crate::stack::nginx::Nginx;
use crate::stack::server::free_port;
use crate::stack::until;
use crate::support::{Answer, JWT_SECRET, Process, TestApp};

case_list! {
    no_request_fails_and_none_is_paid_twice_while_instances_are_restarted_in_turn
}

/// Who generate all the time.
const CLIENTS: usize = 6;

/// Streams between two restarts.
const BETWEEN: usize = 8;

const BALANCE: u32 = 1_000_000;
const COST: i64 = 10;

/// What a client needs.
struct Generating {
    url: String,
    http: reqwest::Client,
    tokens: TokenMint,
    answer: String,
    done: AtomicUsize,
    over: AtomicBool,
}

impl Generating {
    /// One stream after the other to its end; how many there were.
    async fn as_user(&self, user: Uuid, client: usize) -> i64 {
        let mut count = 0;
        for number in 0.. {
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            let request = self.http.post(format!("{}/api/generate", self.url));
            let request = request.bearer_auth(self.tokens.token_for(user));
            let body = TestApp::body(client * 100_000 + number);
            let answer = request.json(&body).send().await.map(Answer::new).expect("an answer");
            assert_eq!(answer.status(), 200, "stream {number}");
            let (code, frames) = answer.events().collect().await;
            assert_eq!(code, self.answer);
            let done = frames.last().expect("a last frame").data();
            assert!(done["type"] == "done" && done["history_id"].is_string(), "{frames:?}");
            count += 1;
            self.done.fetch_add(1, Ordering::SeqCst);
        }
        count
    }
}

async fn no_request_fails_and_none_is_paid_twice_while_instances_are_restarted_in_turn(
    shared: Arc<Shared>,
) {
    let project = shared.project();
    let surroundings = surround(project).await;
    let pieces: Vec<String> = (0..12).map(|line| format!("assert {line} == {line}\n")).collect();
    let answer = StreamedAnswer::text(pieces.clone()).paced(Duration::from_millis(50));
    surroundings.gemini.set_default(answer);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = [free_port(), free_port()];
    let start = async |port: u16| {
        let mut variables = surroundings.variables.clone();
        variables.push(("PORT", port.to_string()));
        Process::serve_in(folder.path(), &variables, "").await
    };
    let mut instances = vec![start(ports[0]).await, start(ports[1]).await];
    let nginx = Nginx::before(&ports);
    let generating = Arc::new(Generating {
        url: nginx.url().to_owned(),
        http: reqwest::Client::builder().no_proxy().build().expect("a client without options"),
        tokens: TokenMint::new(JWT_SECRET, "any"),
        answer: pieces.concat(),
        done: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    });
    let users: Vec<Uuid> = (0..CLIENTS).map(|_| project.user_with(BALANCE)).collect();
    let clients: Vec<_> = users
        .iter()
        .enumerate()
        .map(|(client, &user)| {
            let generating = Arc::clone(&generating);
            tokio::spawn(async move { generating.as_user(user, client).await })
        })
        .collect();
    let more = async || {
        let wanted = generating.done.load(Ordering::SeqCst) + BETWEEN;
        let enough = || generating.done.load(Ordering::SeqCst) >= wanted;
        until("more streams", || enough() || clients.iter().any(JoinHandle::is_finished)).await;
    };

    more().await;
    for port in ports {
        let instance = instances.remove(0);
        assert_eq!(instance.terminate().await, Some(0));
        // The other one alone.
        more().await;
        instances.push(start(port).await);
        more().await;
    }
    generating.over.store(true, Ordering::SeqCst);
    for (user, client) in users.into_iter().zip(clients) {
        let streams = client.await.expect("every request was served");
        let number = |query: &str| {
            let query = query.replace("USER", &format!("user_id = '{user}'"));
            project.database().number(&query)
        };
        assert!(streams > 0);
        assert_eq!(number("select count(*) from generation_history where USER"), streams);
        let left = number("select balance from user_tokens where USER");
        assert_eq!(left, i64::from(BALANCE) - COST * streams);
        let of_kind = |kind: &str| {
            number(&format!(
                "select count(*) from token_transactions where USER and type = '{kind}'"
            ))
        };
        assert_eq!((of_kind("usage"), of_kind("refund")), (streams, 0));
        assert_eq!(number("select count(*) from open_charges where USER"), 0);
    }
    for instance in instances {
        assert_eq!(instance.terminate().await, Some(0));
    }
}

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::json;
use tester_peers::Gate;
use tester_peers::supabase::{Fault, Route, SupabasePeer};
use tester_peers::tokens::{SigningKey, key_set};

use super::*;
use crate::gateways::http::Traffic;

const SECOND: Duration = Duration::from_secs(1);

/// A project and what is known of its keys.
struct Project {
    peer: SupabasePeer,
    keys: Arc<SigningKeys>,
}

impl Project {
    async fn publishing(ids: &[&str]) -> Self {
        let peer = SupabasePeer::start().await.expect("a free port");
        // Generous, for a loaded machine; the deadline itself is tested with the clock moved on.
        let client = http::client(Traffic::Calls, Duration::from_secs(30));
        let url = Url::parse(&peer.url()).expect("the peer's own URL");
        let project = Self { peer, keys: Arc::new(SigningKeys::new(client, &url)) };
        project.publish(ids);
        project
    }

    fn publish(&self, ids: &[&str]) {
        self.peer.set_jwks(key_set(ids.iter().map(|id| SigningKey::p256(id).jwk())));
    }

    async fn find(&self, id: &str) -> Result<(), AuthError> {
        self.keys.find(id).await.map(drop)
    }

    /// The outcome for who does not wait.
    fn find_at_once(&self, id: &str) -> Option<Result<(), AuthError>> {
        self.find(id).now_or_never()
    }

    fn find_in_a_task(&self, id: &'static str) -> tokio::task::JoinHandle<Result<(), AuthError>> {
        let keys = Arc::clone(&self.keys);
        tokio::spawn(async move { keys.find(id).await.map(drop) })
    }

    fn fetches(&self) -> usize {
        self.peer.requests_to(Route::Jwks).len()
    }

    /// Waits for the end of the fetch under way.
    async fn settled(&self) {
        let fetching = self.keys.0.state().fetching.clone();
        if let Some(fetching) = fetching {
            fetching.cancelled().await;
        }
    }
}

/// Moves the clock on. It runs otherwise, for a stopped one would run ahead of the network.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn unknown() -> Result<(), AuthError> {
    Err(AuthError::Refused("kid is not among the project's keys"))
}

#[track_caller]
fn assert_unavailable(outcome: &Result<(), AuthError>, reason: &str) {
    let Err(AuthError::Unavailable(cause)) = outcome else { panic!("{reason}: {outcome:?}") };
    assert!(cause.contains(reason), "{reason} in {cause}");
}

#[tokio::test]
async fn keys_are_fetched_once_and_from_the_projects_own_path() {
    let project = Project::publishing(&["a", "b"]).await;
    for id in ["a", "b", "a"] {
        assert_eq!(project.find(id).await, Ok(()), "{id}");
    }
    let requests = project.peer.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].target, "/auth/v1/.well-known/jwks.json");
    assert_eq!(requests[0].header("authorization").or(requests[0].header("apikey")), None);
}

#[test]
fn the_path_stands_under_the_projects() {
    for root in ["http://127.0.0.1:8000/supabase", "http://127.0.0.1:8000/supabase/"] {
        let root = Url::parse(root).expect("a URL");
        let keys = SigningKeys::new(http::client(Traffic::Calls, SECOND), &root);
        let expected = "http://127.0.0.1:8000/supabase/auth/v1/.well-known/jwks.json";
        assert_eq!(keys.0.url.as_str(), expected);
    }
}

#[tokio::test]
async fn who_warms_up_has_the_keys_before_they_are_needed() {
    let project = Project::publishing(&["a"]).await;
    project.keys.warm();
    project.settled().await;
    assert_eq!(project.find_at_once("a"), Some(Ok(())));
    project.keys.warm();
    project.settled().await;
    assert_eq!(project.fetches(), 1, "fresh keys need no warming");
}

#[tokio::test]
async fn keys_that_are_held_are_told_without_asking() {
    let project = Project::publishing(&["a"]).await;
    assert!(project.keys.held("a").is_none());
    assert_eq!(project.fetches(), 0);
    project.find("a").await.expect("it is published");
    assert!(project.keys.held("a").is_some() && project.keys.held("b").is_none());
    assert_eq!(project.fetches(), 1);
}

#[tokio::test]
async fn old_keys_are_refreshed_behind_the_backs_of_those_who_use_them() {
    let project = Project::publishing(&["a"]).await;
    project.find("a").await.expect("it is published");
    pass(Duration::from_mins(9)).await;
    assert_eq!(project.find_at_once("a"), Some(Ok(())));
    assert_eq!(project.fetches(), 1, "still fresh");

    let gate = Gate::closed();
    project.peer.fail(Route::Jwks, Fault::Hold(gate.clone()));
    project.publish(&["b"]);
    pass(Duration::from_mins(1)).await;
    for _ in 0..100 {
        assert_eq!(project.find_at_once("a"), Some(Ok(())));
    }
    project.peer.requested(Route::Jwks, 2).await;
    assert_eq!(project.find_at_once("a"), Some(Ok(())), "while it is being asked for");
    gate.open();
    project.settled().await;
    assert_eq!(project.find_at_once("b"), Some(Ok(())));
    assert_eq!(project.find_at_once("a"), Some(unknown()), "withdrawn by the answer");
    assert_eq!(project.fetches(), 2);
}

#[tokio::test]
async fn a_key_that_came_since_is_found_by_one_fetch() {
    let project = Project::publishing(&["a"]).await;
    project.find("a").await.expect("it is published");
    project.publish(&["a", "b"]);
    assert_eq!(project.find_at_once("b"), Some(unknown()), "asked less than a minute ago");
    assert_eq!(project.fetches(), 1);
    pass(UNKNOWN_ID_PAUSE).await;
    assert_eq!(project.find("b").await, Ok(()));
    assert_eq!(project.find("a").await, Ok(()));
    assert_eq!(project.fetches(), 2);
}

#[tokio::test]
async fn made_up_ids_cost_one_fetch_a_minute() {
    let project = Project::publishing(&["a"]).await;
    for minute in 1..=3 {
        let outcomes = join_all((0..200).map(|_| project.find("made up"))).await;
        assert!(outcomes.iter().all(|outcome| *outcome == unknown()));
        assert_eq!(project.fetches(), minute);
        pass(UNKNOWN_ID_PAUSE).await;
    }
}

#[tokio::test]
async fn all_who_need_a_key_wait_for_the_same_fetch() {
    let project = Project::publishing(&["a"]).await;
    let gate = Gate::closed();
    project.peer.fail(Route::Jwks, Fault::Hold(gate.clone()));
    let waiting: Vec<_> =
        (0..200).map(|number| project.find_in_a_task(["a", "b"][number % 2])).collect();
    project.peer.requested(Route::Jwks, 1).await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    gate.open();
    for (number, task) in waiting.into_iter().enumerate() {
        let expected = if number % 2 == 0 { Ok(()) } else { unknown() };
        assert_eq!(task.await.expect("no panic"), expected);
    }
    assert_eq!(project.fetches(), 1);
}

#[tokio::test]
async fn who_leaves_does_not_take_the_fetch_along() {
    let project = Project::publishing(&["a"]).await;
    let gate = Gate::closed();
    project.peer.fail(Route::Jwks, Fault::Hold(gate.clone()));
    let leaving = project.find_in_a_task("a");
    project.peer.requested(Route::Jwks, 1).await;
    leaving.abort();
    assert!(leaving.await.expect_err("aborted").is_cancelled());
    let staying = project.find_in_a_task("a");
    gate.open();
    assert_eq!(staying.await.expect("no panic"), Ok(()));
    assert_eq!(project.fetches(), 1);
}

#[tokio::test]
async fn a_fetch_that_ends_with_its_runtime_holds_nobody_up() {
    let project = Project::publishing(&["a"]).await;
    project.peer.fail(Route::Jwks, Fault::Hang);
    let keys = Arc::clone(&project.keys);
    let beginning = tokio::task::spawn_blocking(move || {
        let builder = &mut tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime");
        // The fetch begins; after that the runtime stands still.
        runtime.block_on(async {
            keys.warm();
            tokio::task::yield_now().await;
        });
        runtime
    });
    let runtime = beginning.await.expect("no panic");
    let waiting = project.find_in_a_task("a");
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    runtime.shutdown_background();
    assert_unavailable(&waiting.await.expect("no panic"), "given up");
    project.peer.heal();
    pass(SECOND).await;
    assert_eq!(project.find("a").await, Ok(()));
}

#[tokio::test]
async fn keys_are_believed_for_as_long_as_supabase_is_down() {
    let project = Project::publishing(&["a"]).await;
    project.find("a").await.expect("it is published");
    project.peer.fail(Route::Jwks, Fault::Break);
    for hours in 1..=24 {
        pass(Duration::from_hours(1)).await;
        assert_eq!(project.find_at_once("a"), Some(Ok(())), "after {hours} h");
        project.settled().await;
        assert_eq!(project.fetches(), 1 + hours);
    }
    // Nobody can say that there is no such key.
    pass(RETRY_MAX).await;
    assert_unavailable(&project.find("b").await, "no signing keys");
    project.peer.heal();
    project.publish(&["b"]);
    pass(RETRY_MAX).await;
    assert_eq!(project.find("b").await, Ok(()));
    assert_eq!(project.find("a").await, unknown());
}

#[tokio::test]
async fn without_an_answer_nobody_gets_in_and_the_next_one_lets_them() {
    let answer = |status, body: &str| Fault::Answer { status, body: body.to_owned() };
    let many = json!({"keys": vec![json!({}); 33]}).to_string();
    for (fault, reason) in [
        (Fault::Break, ""),
        (Fault::CutAnswer, ""),
        (Fault::Flood, "longer than 65536 bytes"),
        (answer(302, ""), "status 302"),
        (answer(401, "{}"), "status 401"),
        (answer(404, "{}"), "status 404"),
        (answer(500, r#"{"keys":[]}"#), "status 500"),
        (answer(204, ""), "status 204"),
        (answer(200, ""), "no key set"),
        (answer(200, "<html>"), "no key set"),
        (answer(200, "[]"), "no key set"),
        (answer(200, r#"{"keys":null}"#), "no key set"),
        (answer(200, &many), "more than 32 keys"),
    ] {
        let project = Project::publishing(&["a"]).await;
        project.peer.fail(Route::Jwks, fault);
        assert_unavailable(&project.find("a").await, reason);
        assert_unavailable(&project.find_at_once("a").expect("nobody is asked so soon"), reason);
        assert_eq!(project.fetches(), 1, "{reason}");
        project.peer.heal();
        pass(SECOND).await;
        assert_eq!(project.find("a").await, Ok(()), "{reason}");
    }
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_its_bound() {
    for (length, fits) in [(ANSWER_MAX_BYTES, true), (ANSWER_MAX_BYTES + 1, false)] {
        let project = Project::publishing(&[]).await;
        let set = key_set([SigningKey::p256("a").jwk()]).to_string();
        let body = set.clone() + &" ".repeat(length - set.len());
        project.peer.fail(Route::Jwks, Fault::Answer { status: 200, body });
        assert_eq!(project.find("a").await.is_ok(), fits, "{length}");
    }
}

#[tokio::test]
async fn a_silent_project_is_given_up_after_five_seconds() {
    let project = Project::publishing(&["a"]).await;
    project.peer.fail(Route::Jwks, Fault::Hang);
    let waiting = project.find_in_a_task("a");
    project.peer.requested(Route::Jwks, 1).await;
    pass(DEADLINE).await;
    assert_unavailable(&waiting.await.expect("no panic"), "no answer within 5 s");
}

#[test]
fn failures_are_followed_by_longer_and_longer_pauses() {
    let failed = |in_a_row| Failed { in_a_row, at: Instant::now(), reason: String::new() };
    let pauses = (1..=9).map(|in_a_row| failed(in_a_row).pause().as_secs()).collect::<Vec<_>>();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(failed(u32::MAX).pause(), RETRY_MAX);
}

#[test]
fn a_fetch_is_due_when_its_pause_is_over_and_no_sooner() {
    let start = Instant::now();
    let tick = Duration::from_nanos(1);
    let none = || KeySet::parse(br#"{"keys":[]}"#).map_err(FetchError::from);
    let due_from = |state: &State, age: Duration, from: Instant| {
        assert!(!state.is_due(age, from.checked_sub(tick).expect("a later time")));
        assert!(state.is_due(age, from));
    };
    let mut state = State::default();
    assert!(state.is_due(FRESH, start));
    state.settle(Err(FetchError::Late), start);
    due_from(&state, FRESH, start + SECOND);
    state.settle(Err(FetchError::Late), start);
    due_from(&state, UNKNOWN_ID_PAUSE, start + 2 * SECOND);
    state.settle(none(), start);
    due_from(&state, FRESH, start + FRESH);
    due_from(&state, UNKNOWN_ID_PAUSE, start + UNKNOWN_ID_PAUSE);
    // An answer ends the row of failures.
    state.settle(Err(FetchError::Late), start + FRESH);
    due_from(&state, FRESH, start + FRESH + SECOND);
}

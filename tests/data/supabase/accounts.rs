//! What a user who signed up finds: generations, history, wallet.

use std::sync::Arc;

use serde_json::{Value, json};
use tester_peers::Gate;
use tester_peers::gemini::{Failure, StreamedAnswer};
use uuid::Uuid;

use super::app::App;
use super::{Shared, case_list};
use crate::stack::lite::{Project, User};
use crate::stack::until;
use crate::support::{python_source, soon};

case_list! {
    a_user_who_signed_up_generates_reads_and_deletes
    another_user_sees_nothing_of_it
    no_source_lies_in_the_database_in_the_clear
    the_wallet_gives_and_takes_what_the_contract_says
    an_answer_from_the_cache_costs_nothing_and_is_stored
    a_generation_that_fails_is_given_back
    a_client_that_leaves_before_the_first_chunk_is_given_back
    killed_in_mid_stream_no_token_and_no_row_is_lost
    a_start_gives_back_what_another_process_left_open
}

/// A wallet's log, oldest first: kind and amount.
fn log(project: &Project, user: &User) -> Vec<(String, i64)> {
    let query = format!(
        "select type, amount, balance_after from token_transactions where user_id = '{}'
         order by created_at",
        user.id
    );
    let mut sum = 0;
    let entries = project.database().rows(&query).into_iter().map(|entry| {
        let amount = entry["amount"].as_i64().expect("a number");
        sum += amount;
        assert_eq!(entry["balance_after"], sum, "the log adds up");
        (entry["type"].as_str().expect("a kind").to_owned(), amount)
    });
    entries.collect()
}

fn open_charges(project: &Project, user: &User) -> i64 {
    let query = format!("select count(*) from open_charges where user_id = '{}'", user.id);
    project.database().number(&query)
}

async fn a_user_who_signed_up_generates_reads_and_deletes(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let user = project.sign_up().await;
    let status = app.get(&user, "/api/user/status").await.json().await;
    assert_eq!(status["user"], json!({"id": user.id, "email": user.email}));
    assert_eq!(
        status["token_info"],
        json!({"current_tokens": 80, "daily_bonus_claimed": true, "cost_per_generation": 10})
    );
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.insert(0, app.stored(&user, number).await);
    }
    assert_eq!(app.balance(&user).await, 50);

    let (page, next) = app.page(&user, "/api/history/").await;
    assert_eq!(next, None);
    let listed: Vec<&Value> = page.iter().map(|item| &item["id"]).collect();
    assert_eq!(listed, ids.iter().collect::<Vec<_>>(), "newest first");
    assert_eq!(page[0]["input_code"], python_source(2).trim());
    assert_eq!(
        (&page[0]["language"], page[0]["generated_code"].is_string()),
        (&json!("python"), true)
    );
    let one = app.get(&user, &format!("/api/history/{}", ids[1])).await.json().await;
    assert_eq!(one, page[1]);

    let path = format!("/api/history/{}", ids[1]);
    assert_eq!(app.delete(&user, &path).await.status(), 204);
    app.get(&user, &path).await.error(404, "NOT_FOUND").await;
    app.delete(&user, &path).await.error(404, "NOT_FOUND").await;
    assert_eq!(app.page(&user, "/api/history/").await.0.len(), 2);
    assert_eq!(app.delete(&user, "/api/history/").await.status(), 204);
    assert!(app.page(&user, "/api/history/").await.0.is_empty());
    assert_eq!(app.delete(&user, "/api/history/").await.status(), 204, "nothing left is fine");
    assert_eq!(app.balance(&user).await, 50, "what was paid for stays paid");
}

async fn another_user_sees_nothing_of_it(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let (owner, other) = (project.sign_up().await, project.sign_up().await);
    let id = app.stored(&owner, 1).await;
    let path = format!("/api/history/{id}");
    app.get(&other, &path).await.error(404, "NOT_FOUND").await;
    app.delete(&other, &path).await.error(404, "NOT_FOUND").await;
    assert!(app.page(&other, "/api/history/").await.0.is_empty());
    assert_eq!(app.delete(&other, "/api/history/").await.status(), 204);
    assert_eq!((app.balance(&other).await, app.balance(&owner).await), (80, 70));
    assert_eq!(app.get(&owner, &path).await.json().await["id"], id.as_str());
}

async fn no_source_lies_in_the_database_in_the_clear(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let user = project.sign_up().await;
    let canary = format!("canary_{}", Uuid::new_v4().simple());
    app.gemini.enqueue(StreamedAnswer::text([format!("def test_{canary}():\n    pass\n")]));
    let body = json!({
        "input_code": format!("def {canary}(a):\n    return a\n"),
        "language": "python",
        "description": format!("It is about {canary}."),
        "turnstile_token": "a-token",
    });
    let request = app.request(&user, "POST", "/api/generate").json(&body);
    crate::support::answered(request).await.events().collect().await;
    let (page, _) = app.page(&user, "/api/history/").await;
    assert!(page[0]["generated_code"].as_str().is_some_and(|code| code.contains(&canary)));
    let dump = project.database().dump(&["--data-only"]);
    assert!(dump.contains(&user.id.to_string()), "the dump has the row");
    assert!(!dump.contains("canary_"), "no table has the source");
    let query = format!(
        "select input_code, generated_code from generation_history where user_id = '{}'",
        user.id
    );
    let rows = project.database().rows(&query);
    for column in ["input_code", "generated_code"] {
        assert!(rows[0][column].as_str().is_some_and(|text| text.starts_with("t1.")), "{rows:?}");
    }
}

async fn the_wallet_gives_and_takes_what_the_contract_says(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let user = project.sign_up().await;
    // The first thing this user does: the wallet is opened on the way.
    for number in 0..8 {
        app.stored(&user, number).await;
    }
    let refused = app.generate(&user, 8).await.error(402, "INSUFFICIENT_TOKENS").await;
    assert_eq!(
        (&refused["detail"]["required"], &refused["detail"]["current"]),
        (&json!(10), &json!(0))
    );
    assert_eq!(app.gemini.requests_seen(), 8, "the model is not asked");
    assert_eq!(app.balance(&user).await, 0);
    let gifts = [("welcome", 50), ("daily_bonus", 30)];
    let expected: Vec<_> = gifts.into_iter().chain([("usage", -10); 8]).collect();
    let log = log(project, &user);
    assert_eq!(log.iter().map(|(kind, amount)| (&**kind, *amount)).collect::<Vec<_>>(), expected);
    assert_eq!(open_charges(project, &user), 0, "all are settled");
    // The next day.
    project.database().run(&format!(
        "update user_tokens set last_daily_bonus_at = last_daily_bonus_at - 1 where user_id = '{}'",
        user.id
    ));
    assert_eq!(app.balance(&user).await, 30);
    assert_eq!(app.balance(&user).await, 30, "once a day");
}

async fn an_answer_from_the_cache_costs_nothing_and_is_stored(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let user = project.sign_up().await;
    app.stored(&user, 1).await;
    let (_, frames) = app.stream(&user, 1).await.collect().await;
    assert_eq!(frames.last().map(|frame| frame.data()["cached"].clone()), Some(json!(true)));
    assert_eq!(app.balance(&user).await, 70);
    assert_eq!(app.page(&user, "/api/history/").await.0.len(), 2);
}

async fn a_generation_that_fails_is_given_back(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let user = project.sign_up().await;
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n"]).then_error(&Failure::unavailable()));
    let (_, frames) = app.stream(&user, 1).await.collect().await;
    assert_eq!(frames.last().and_then(|frame| frame.event()), Some("error"));
    assert_eq!(app.balance(&user).await, 80);
    let kinds: Vec<_> = log(project, &user).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["welcome", "daily_bonus", "usage", "refund"]);
    assert_eq!(open_charges(project, &user), 0);
    assert!(app.page(&user, "/api/history/").await.0.is_empty(), "half a result is no history");
}

async fn a_client_that_leaves_before_the_first_chunk_is_given_back(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let user = project.sign_up().await;
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n"]).gated(&Gate::closed()));
    let stream = app.stream(&user, 1).await;
    soon("the request upstream", app.gemini.exchange(0)).await;
    assert_eq!(open_charges(project, &user), 1);
    drop(stream);
    until("the refund", || open_charges(project, &user) == 0).await;
    assert_eq!(app.balance(&user).await, 80);
}

async fn killed_in_mid_stream_no_token_and_no_row_is_lost(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.sign_up().await;
    let app = App::start_apart(project, |_| {}).await;
    app.stored(&user, 1).await;
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&Gate::closed()));
    let halfway = Gate::closed();
    halfway.release(1);
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&halfway));
    let before_the_first = app.stream(&user, 2).await;
    soon("the request upstream", app.gemini.exchange(1)).await;
    let mut in_the_middle = app.stream(&user, 3).await;
    in_the_middle.chunk().await;
    app.kill().await;
    drop((before_the_first, in_the_middle));

    let app = App::start_apart(project, |_| {}).await;
    assert_eq!(app.page(&user, "/api/history/").await.0.len(), 1, "the finished one");
    assert_eq!(app.balance(&user).await, 50);
    assert_eq!(open_charges(project, &user), 2, "it is known what was paid and not delivered");
    assert_eq!(log(project, &user).len(), 5);
}

async fn a_start_gives_back_what_another_process_left_open(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.sign_up().await;
    let app = App::start_apart(project, |_| {}).await;
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n"]).gated(&Gate::closed()));
    let stream = app.stream(&user, 1).await;
    soon("the request upstream", app.gemini.exchange(0)).await;
    app.kill().await;
    drop(stream);
    assert_eq!(open_charges(project, &user), 1);
    // So long ago that no process still works on it.
    project.database().run(&format!(
        "update open_charges set created_at = now() - interval '1 day' where user_id = '{}'",
        user.id
    ));
    let app = App::start(project).await;
    until("the refund", || open_charges(project, &user) == 0).await;
    assert_eq!(app.balance(&user).await, 80);
    let kinds: Vec<_> = log(project, &user).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["welcome", "daily_bonus", "usage", "refund"]);
}

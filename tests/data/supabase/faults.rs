//! What goes wrong with a database: it stops, it is locked, it fills up, it lacks what it should
//! have. The user keeps the code, nobody pays for nothing, and nobody is told why.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tester_peers::Gate;
use tester_peers::gemini::{Failure, StreamedAnswer};

use super::app::{App, checked_online};
use super::upgrade::earlier;
use super::{Shared, case_list};
use crate::stack::lite::{self, Project, User};
use crate::stack::postgres::{Cluster, Database};
use crate::stack::until;
use crate::support::{Frame, soon};

case_list! {
    stopped_while_it_stores_the_code_reaches_the_user
    stopped_while_it_charges_nothing_is_charged
    without_the_database_nothing_is_generated
    without_the_data_api_nothing_is_generated
    a_charge_that_could_not_be_settled_is_given_back_in_the_end
    a_refund_that_was_not_possible_is_made_in_the_end
    a_statement_that_takes_too_long_is_a_failure_like_any_other
    a_project_that_became_read_only_is_read_and_nothing_is_generated
    a_function_that_is_missing_is_told_to_the_operator_alone
    a_project_without_tables_is_told_to_the_operator_alone
    a_project_of_an_earlier_release_is_told_to_the_operator
}

/// On a server that no other case uses.
fn project_of_its_own() -> Project {
    Project::serve(lite::migrated(&Cluster::start()))
}

fn open_charges(database: &Database) -> i64 {
    database.number("select count(*) from open_charges")
}

/// Waits until a statement waits for a lock on this table.
async fn blocked(database: &Database, table: &str) {
    let query = format!(
        "select count(*) from pg_locks where relation = '{table}'::regclass and not granted"
    );
    until("a statement that waits", || database.number(&query) > 0).await;
}

fn names(frames: &[Frame]) -> Vec<&str> {
    frames.iter().filter_map(Frame::event).collect()
}

/// The tests reached the user, and the frames say that they are not stored.
fn assert_not_stored((code, frames): &(String, Vec<Frame>)) {
    assert!(!code.is_empty());
    assert_eq!(names(frames), ["status", "warning", "message"]);
    let done = frames.last().expect("a last frame").data();
    assert_eq!((&done["type"], &done["history_id"]), (&json!("done"), &Value::Null));
}

/// Nothing is generated, and the refusal shows nothing of its cause.
async fn refused(app: &App, user: &User, status: u16, code: &str) {
    let asked = app.gemini.requests_seen();
    let mut body = app.generate(user, 100).await.error(status, code).await;
    // It is random, and may hold any of these digits.
    body["trace_id"] = Value::Null;
    let body = body.to_string();
    for cause in ["deduct_tokens", "user_tokens", "PGRST", "25006", "57014", "42883", "migration"] {
        assert!(!body.contains(cause), "{cause} in {body}");
    }
    assert_eq!(app.gemini.requests_seen(), asked, "the model is not asked");
}

/// What is open counts as abandoned after a while; this is the while.
async fn give_back_what_is_open(project: &Project) {
    let answer =
        project.call("refund_abandoned_charges", &json!({"p_older_than_seconds": 0})).await;
    assert_eq!(answer["refunded"], 1, "{answer}");
    assert_eq!(open_charges(project.database()), 0);
}

async fn stopped_while_it_stores_the_code_reaches_the_user(_: Arc<Shared>) {
    let project = project_of_its_own();
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    let database = project.database();
    assert_eq!(app.balance(&user).await, 80);
    let mut session = database.session();
    session.run("begin; lock table generation_history;");
    let result = tokio::spawn(app.stream(&user, 1).await.collect());
    blocked(database, "generation_history").await;
    until("the settlement beside it", || open_charges(database) == 0).await;
    database.cluster().stop_at_once();
    assert_not_stored(&soon("the end of the stream", result).await.expect("no panic"));

    database.cluster().start_again();
    assert!(app.page(&user, "/api/history/").await.0.is_empty());
    assert_eq!(app.balance(&user).await, 70, "it was delivered and is paid");
    app.stored(&user, 2).await;
    assert_eq!(app.page(&user, "/api/history/").await.0.len(), 1);
}

async fn stopped_while_it_charges_nothing_is_charged(_: Arc<Shared>) {
    let project = project_of_its_own();
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    let database = project.database();
    assert_eq!(app.balance(&user).await, 80);
    let mut session = database.session();
    session.run("begin; lock table user_tokens;");
    let (refusal, ()) = tokio::join!(app.generate(&user, 1), async {
        blocked(database, "user_tokens").await;
        database.cluster().stop_at_once();
    });
    refusal.error(503, "UNAVAILABLE").await;
    assert_eq!(app.gemini.requests_seen(), 0, "the model is not asked");
    database.cluster().start_again();
    assert_eq!((app.balance(&user).await, open_charges(database)), (80, 0));
}

async fn without_the_database_nothing_is_generated(_: Arc<Shared>) {
    let project = project_of_its_own();
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    let id = app.stored(&user, 1).await;
    project.database().cluster().stop_at_once();
    refused(&app, &user, 503, "UNAVAILABLE").await;
    for path in ["/api/user/status", &format!("/api/history/{id}")] {
        app.get(&user, path).await.error(503, "UNAVAILABLE").await;
    }
    app.delete(&user, "/api/history/").await.error(503, "UNAVAILABLE").await;

    project.database().cluster().start_again();
    app.stored(&user, 2).await;
    assert_eq!(app.balance(&user).await, 60, "the refused one cost nothing");
    let (page, _) = app.page(&user, "/api/history/").await;
    assert_eq!(page.len(), 2, "and nothing was deleted");
}

async fn without_the_data_api_nothing_is_generated(shared: Arc<Shared>) {
    let project = Project::serve(lite::migrated(shared.cluster()));
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    app.stored(&user, 1).await;
    drop(project);
    refused(&app, &user, 503, "UNAVAILABLE").await;
    app.get(&user, "/api/user/status").await.error(503, "UNAVAILABLE").await;
}

async fn a_charge_that_could_not_be_settled_is_given_back_in_the_end(_: Arc<Shared>) {
    let project = project_of_its_own();
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    let gate = Gate::closed();
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&gate));
    let stream = app.stream(&user, 1).await;
    soon("the request upstream", app.gemini.exchange(0)).await;
    project.database().cluster().stop_at_once();
    gate.open();
    assert_not_stored(&stream.collect().await);
    project.database().cluster().start_again();
    assert_eq!((app.balance(&user).await, open_charges(project.database())), (70, 1));
    give_back_what_is_open(&project).await;
    assert_eq!(app.balance(&user).await, 80);
}

async fn a_refund_that_was_not_possible_is_made_in_the_end(_: Arc<Shared>) {
    let project = project_of_its_own();
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    let gate = Gate::closed();
    let cut_off = StreamedAnswer::text(["x = 1\n"]).then_error(&Failure::unavailable());
    app.gemini.enqueue(cut_off.gated(&gate));
    let stream = app.stream(&user, 1).await;
    soon("the request upstream", app.gemini.exchange(0)).await;
    project.database().cluster().stop_at_once();
    gate.open();
    let (_, frames) = stream.collect().await;
    assert_eq!(names(&frames), ["error"]);
    project.database().cluster().start_again();
    assert_eq!((app.balance(&user).await, open_charges(project.database())), (70, 1));
    give_back_what_is_open(&project).await;
    assert_eq!(app.balance(&user).await, 80);
}

async fn a_statement_that_takes_too_long_is_a_failure_like_any_other(shared: Arc<Shared>) {
    let database = lite::migrated(shared.cluster());
    let name = database.name();
    database.run(&format!("alter database {name} set statement_timeout = '500ms'"));
    let project = Project::serve(database);
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    assert_eq!(app.balance(&user).await, 80);
    let mut session = project.database().session();
    session.run("begin; lock table user_tokens;");
    refused(&app, &user, 503, "UNAVAILABLE").await;
    session.run("rollback; begin; lock table generation_history;");
    assert_not_stored(&app.stream(&user, 1).await.collect().await);
    session.run("rollback;");
    assert_eq!(app.balance(&user).await, 70);
    app.stored(&user, 2).await;
}

async fn a_project_that_became_read_only_is_read_and_nothing_is_generated(shared: Arc<Shared>) {
    // What Supabase does to a project whose disk is nearly full.
    let database = lite::migrated(shared.cluster());
    let project = Project::serve(database);
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    app.stored(&user, 1).await;
    let name = project.database().name();
    project.database().run(&format!(
        "alter database {name} set default_transaction_read_only = on;
         select count(pg_terminate_backend(pid)) from pg_stat_activity
         where datname = '{name}' and pid <> pg_backend_pid()"
    ));
    refused(&app, &user, 502, "UPSTREAM_ERROR").await;
    assert_eq!(app.page(&user, "/api/history/").await.0.len(), 1);
}

async fn a_function_that_is_missing_is_told_to_the_operator_alone(shared: Arc<Shared>) {
    let project = Project::serve(lite::migrated(shared.cluster()));
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = Arc::clone(&log);
    let app = App::start_apart(&project, move |line| lines.lock().expect("no panic").push(line));
    let (app, user) = (app.await, project.sign_up().await);
    app.stored(&user, 1).await;
    project.database().run("drop function deduct_tokens");
    refused(&app, &user, 502, "UPSTREAM_ERROR").await;
    until("the operator's hint", || {
        let log = log.lock().expect("no panic");
        log.iter().any(|line| line.contains("apply the migrations"))
    })
    .await;
    lite::migrate(project.database());
    app.stored(&user, 2).await;
}

async fn a_project_without_tables_is_told_to_the_operator_alone(shared: Arc<Shared>) {
    let project = Project::serve(lite::blank(shared.cluster()));
    let (app, user) = (App::start(&project).await, project.sign_up().await);
    refused(&app, &user, 502, "UPSTREAM_ERROR").await;
    app.get(&user, "/api/history/").await.error(502, "UPSTREAM_ERROR").await;
    let (state, reason) = checked_online(&project).await;
    assert_eq!(state, "down");
    assert!(reason.contains("has no schema"), "{reason}");
}

async fn a_project_of_an_earlier_release_is_told_to_the_operator(shared: Arc<Shared>) {
    let project = Project::serve(earlier(shared.cluster(), ""));
    let (state, reason) = checked_online(&project).await;
    assert_eq!(state, "down");
    assert!(reason.contains("lacks a migration"), "{reason}");
    // The last migration says that the schema is a new one: nothing has to be started again.
    lite::migrate(project.database());
    soon("the new schema", async { while checked_online(&project).await.0 != "up" {} }).await;
}

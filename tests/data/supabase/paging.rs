//! Pages of history on a real database: no gap, no repetition, whatever happens in between.

use std::sync::Arc;

use serde_json::{Value, json};

use super::app::App;
use super::{Shared, case_list};
use crate::stack::lite::{Project, User};

case_list! {
    a_long_history_is_paged_to_its_end_in_pages_of_any_size
    rows_of_one_instant_are_paged_without_gap_or_repetition
    a_page_goes_on_where_the_last_one_ended_whatever_was_deleted_or_added
}

/// Pages come from the database: these tests change it behind the program's back.
const NOT_CACHED: &str = "cache.enabled = false";

async fn start(project: &Project) -> (App, User) {
    let user = project.sign_up().await;
    project
        .call("initialize_user_wallet", &json!({"p_user_id": user.id, "p_default_amount": 10_000}))
        .await;
    (App::start_with(project, &[], NOT_CACHED).await, user)
}

async fn store(app: &App, user: &User, rows: usize) {
    for number in 0..rows {
        app.stored(user, number).await;
    }
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().expect("an id")).collect()
}

/// The order that the contract names, as the database has it.
fn in_order(project: &Project, user: &User) -> Vec<String> {
    let query = format!(
        "select id from generation_history where user_id = '{}' order by created_at desc, id desc",
        user.id
    );
    project.database().run(&query).lines().map(str::to_owned).collect()
}

/// Gives each row the time of this expression, in which `number` counts the rows.
fn set_times(project: &Project, user: &User, time: &str) {
    project.database().run(&format!(
        "with numbered as (
             select id, row_number() over (order by id) as number
             from generation_history where user_id = '{id}')
         update generation_history as h set created_at = {time}
         from numbered as n where n.id = h.id",
        id = user.id
    ));
}

async fn a_long_history_is_paged_to_its_end_in_pages_of_any_size(shared: Arc<Shared>) {
    let project = shared.project();
    let (app, user) = start(project).await;
    store(&app, &user, 120).await;
    let expected = in_order(project, &user);
    for (query, lengths) in [
        ("", vec![50, 50, 20]),
        ("?limit=100", vec![100, 20]),
        ("?limit=60", vec![60, 60]),
        ("?limit=7", [vec![7; 17], vec![1]].concat()),
    ] {
        let pages = app.pages(&user, &format!("/api/history/{query}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths, "{query}");
        assert_eq!(ids(&pages.concat()), expected, "{query}");
    }
    let (page, next) = app.page(&user, "/api/history/?limit=1").await;
    assert_eq!((page.len(), next.is_some()), (1, true));
    for limit in ["0", "101", "-1", "x"] {
        let answer = app.get(&user, &format!("/api/history/?limit={limit}")).await;
        answer.error(422, "INVALID_REQUEST").await;
    }
}

async fn rows_of_one_instant_are_paged_without_gap_or_repetition(shared: Arc<Shared>) {
    let project = shared.project();
    let (app, user) = start(project).await;
    store(&app, &user, 13).await;
    for time in [
        // All at one instant, with and without a fraction that is written shorter than it is.
        "timestamptz '2026-03-01 12:00:00+00'",
        "timestamptz '2026-03-01 12:00:00.1+00'",
        "timestamptz '2026-03-01 12:00:00.123456+00'",
        // In another offset, on the day that is twice as long there.
        "timestamptz '2026-10-25 02:30:00.000001+01'",
        // Groups of one instant that pages cut through, a microsecond apart.
        "timestamptz '2026-03-01 12:00:00+00' + (number / 4) * interval '1 microsecond'",
        "timestamptz '1970-01-01 00:00:00+00'",
        "timestamptz '0001-01-01 00:00:00+00'",
        "timestamptz '9999-12-31 23:59:59.999999+00'",
    ] {
        set_times(project, &user, time);
        let expected = in_order(project, &user);
        for limit in [1, 4, 12, 13] {
            let pages = app.pages(&user, &format!("/api/history/?limit={limit}")).await;
            assert_eq!(ids(&pages.concat()), expected, "{time}, {limit} a page");
        }
    }
}

async fn a_page_goes_on_where_the_last_one_ended_whatever_was_deleted_or_added(
    shared: Arc<Shared>,
) {
    let project = shared.project();
    let (app, user) = start(project).await;
    store(&app, &user, 12).await;
    let before = in_order(project, &user);
    let (first, next) = app.page(&user, "/api/history/?limit=4").await;
    assert_eq!(ids(&first), before[..4]);
    // The very row that the cursor names, one that is coming, and one that was seen.
    for id in [&before[3], &before[6], &before[0]] {
        assert_eq!(app.delete(&user, &format!("/api/history/{id}")).await.status(), 204);
    }
    let new = app.stored(&user, 100).await;
    let next = next.expect("a second page");
    let rest: Vec<Value> = app.pages(&user, &next).await.concat();
    let expected = [&before[4..6], &before[7..]].concat();
    assert_eq!(ids(&rest), expected);
    let (page, _) = app.page(&user, "/api/history/").await;
    assert_eq!((page.len(), page[0]["id"].as_str()), (10, Some(&*new)));
    // A link that outlived everything it could lead to.
    assert_eq!(app.delete(&user, "/api/history/").await.status(), 204);
    assert_eq!(app.page(&user, &next).await, (Vec::new(), None));
}

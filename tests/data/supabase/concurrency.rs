//! Many at once: every token is given and taken once, and the log says so.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::app::App;
use super::{Shared, case_list};
use crate::stack::lite::{self, Project};
use crate::stack::postgres::Database;

case_list! {
    deductions_never_go_below_zero_and_none_is_lost
    deductions_with_a_reference_leave_exactly_what_is_open
    one_reference_is_deducted_once
    one_charge_is_refunded_once
    a_charge_is_either_settled_or_refunded
    one_reference_is_added_once_though_two_wallets_ask_for_it
    the_bonus_of_a_day_is_given_once
    a_wallet_is_opened_once
    a_wallet_is_never_found_with_one_gift_alone
    abandoned_charges_are_given_back_once_however_many_look_for_them
    everything_at_once_adds_up
    users_at_once_get_their_own_results_and_pay_for_them
}

/// Makes the same call that often at once.
async fn at_once<F: Future>(times: usize, call: impl Fn(usize) -> F) -> Vec<F::Output> {
    join_all((0..times).map(call)).await
}

/// How often each answer was given: `success`, or the name of the error.
fn count(answers: &[Value]) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for answer in answers {
        let outcome = match answer["success"].as_bool() {
            Some(true) => "success",
            _ => answer["error"].as_str().unwrap_or("already_claimed"),
        };
        *counted.entry(outcome).or_default() += 1;
    }
    counted
}

fn balance(database: &Database, user: Uuid) -> i64 {
    database.number(&format!("select balance from user_tokens where user_id = '{user}'"))
}

fn logged(database: &Database, user: Uuid, kind: &str) -> i64 {
    database.number(&format!(
        "select count(*) from token_transactions where user_id = '{user}' and type = '{kind}'"
    ))
}

fn open_charges(database: &Database, user: Uuid) -> i64 {
    database.number(&format!("select count(*) from open_charges where user_id = '{user}'"))
}

/// The log, in the order of its times, leads from nothing to the balance, entry by entry.
#[track_caller]
fn assert_adds_up(database: &Database, user: Uuid) {
    let sum =
        format!("select coalesce(sum(amount), 0) from token_transactions where user_id = '{user}'");
    assert_eq!(database.number(&sum), balance(database, user));
    let broken = database.rows(&format!(
        "select * from (
             select type, amount, balance_after, created_at,
                 lag(balance_after, 1, 0) over (order by created_at) as before
             from token_transactions where user_id = '{user}'
         ) as entries where before + amount <> balance_after"
    ));
    assert!(broken.is_empty(), "{broken:?}");
}

async fn deductions_never_go_below_zero_and_none_is_lost(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(1_005);
    let arguments = json!({"p_user_id": user, "p_amount": 10});
    let answers = at_once(200, |_| project.call("deduct_tokens", &arguments)).await;
    assert_eq!(count(&answers), BTreeMap::from([("INSUFFICIENT_TOKENS", 100), ("success", 100)]));
    let mut balances: Vec<i64> = answers
        .iter()
        .filter(|answer| answer["success"] == true)
        .map(|answer| answer["current_balance"].as_i64().expect("a number"))
        .collect();
    balances.sort_unstable();
    assert_eq!(balances, (0..100).map(|step| 5 + 10 * step).collect::<Vec<_>>());
    assert_eq!(balance(project.database(), user), 5);
    assert_adds_up(project.database(), user);
}

async fn deductions_with_a_reference_leave_exactly_what_is_open(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(500);
    let answers = at_once(100, |_| {
        let arguments =
            json!({"p_user_id": user, "p_amount": 10, "p_reference_id": Uuid::new_v4()});
        async move { project.call("deduct_tokens", &arguments).await }
    })
    .await;
    assert_eq!(count(&answers), BTreeMap::from([("INSUFFICIENT_TOKENS", 50), ("success", 50)]));
    assert_eq!(balance(project.database(), user), 0);
    assert_eq!(open_charges(project.database(), user), 50);
    assert_adds_up(project.database(), user);
}

async fn one_reference_is_deducted_once(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(1_000);
    let arguments = json!({"p_user_id": user, "p_amount": 10, "p_reference_id": Uuid::new_v4()});
    let answers = at_once(50, |_| project.call("deduct_tokens", &arguments)).await;
    assert_eq!(count(&answers), BTreeMap::from([("DUPLICATE_TRANSACTION", 49), ("success", 1)]));
    assert_eq!(balance(project.database(), user), 990);
    assert_adds_up(project.database(), user);
}

async fn one_charge_is_refunded_once(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(100);
    let charge = json!({"p_user_id": user, "p_amount": 10, "p_reference_id": Uuid::new_v4()});
    project.call("deduct_tokens", &charge).await;
    let answers = at_once(50, |_| project.call("refund_tokens", &charge)).await;
    assert_eq!(count(&answers), BTreeMap::from([("CHARGE_NOT_OPEN", 49), ("success", 1)]));
    assert_eq!(balance(project.database(), user), 100);
    assert_eq!(logged(project.database(), user, "refund"), 1);
    assert_adds_up(project.database(), user);
}

async fn a_charge_is_either_settled_or_refunded(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(200);
    let mut settled = 0;
    for _ in 0..20 {
        let charge = json!({"p_user_id": user, "p_amount": 10, "p_reference_id": Uuid::new_v4()});
        project.call("deduct_tokens", &charge).await;
        let close = json!({"p_user_id": user, "p_reference_id": charge["p_reference_id"]});
        // Whichever comes first; both ways round, so that each wins now and then.
        let answers = at_once(6, |number| {
            let (charge, close) = (&charge, &close);
            async move {
                if number % 2 == 0 {
                    project.call("settle_charge", close).await["settled"] == true
                } else {
                    project.call("refund_tokens", charge).await["success"] == true
                }
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|closed| **closed).count(), 1, "{answers:?}");
        settled += answers.iter().step_by(2).filter(|closed| **closed).count();
    }
    let expected = 200 - 10 * i64::try_from(settled).expect("few");
    assert_eq!(balance(project.database(), user), expected);
    assert_eq!(open_charges(project.database(), user), 0);
    assert_adds_up(project.database(), user);
}

async fn one_reference_is_added_once_though_two_wallets_ask_for_it(shared: Arc<Shared>) {
    let project = shared.project();
    let users = [project.user_with(0), project.user_with(0)];
    let reference = Uuid::new_v4();
    let answers = at_once(50, |number| {
        let arguments = json!({
            "p_user_id": users[number % 2], "p_amount": 100, "p_type": "purchase",
            "p_reference_id": reference,
        });
        async move { project.call("add_tokens", &arguments).await }
    })
    .await;
    assert_eq!(count(&answers), BTreeMap::from([("DUPLICATE_TRANSACTION", 49), ("success", 1)]));
    let sum: i64 = users.iter().map(|user| balance(project.database(), *user)).sum();
    assert_eq!(sum, 100);
    for user in users {
        assert_adds_up(project.database(), user);
    }
}

async fn the_bonus_of_a_day_is_given_once(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(0);
    project.database().run(&format!(
        "update user_tokens set last_daily_bonus_at = last_daily_bonus_at - 1
         where user_id = '{user}'"
    ));
    let arguments = json!({"p_user_id": user, "p_bonus_amount": 30});
    let answers = at_once(50, |_| project.call("claim_daily_bonus", &arguments)).await;
    assert_eq!(count(&answers), BTreeMap::from([("already_claimed", 49), ("success", 1)]));
    assert_eq!(balance(project.database(), user), 30);
    assert_eq!(logged(project.database(), user, "daily_bonus"), 1);
    assert_adds_up(project.database(), user);
}

async fn a_wallet_is_opened_once(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.sign_up().await.id;
    let arguments = json!({"p_user_id": user, "p_default_amount": 50});
    let answers = at_once(50, |_| project.call("initialize_user_wallet", &arguments)).await;
    assert_eq!(answers.iter().filter(|answer| answer["created"] == true).count(), 1);
    assert!(answers.iter().all(|answer| answer["balance"] == 50), "{answers:?}");
    assert_eq!(logged(project.database(), user, "welcome"), 1);
    assert_adds_up(project.database(), user);
}

async fn a_wallet_is_never_found_with_one_gift_alone(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.sign_up().await.id;
    let open = json!({"p_user_id": user, "p_default_amount": 50, "p_bonus_amount": 30});
    let take = json!({"p_user_id": user, "p_amount": 80});
    let answers = at_once(50, |number| {
        let (function, arguments) =
            if number % 2 == 0 { ("open_user_wallet", &open) } else { ("deduct_tokens", &take) };
        async move { project.call(function, arguments).await }
    })
    .await;
    let found: Vec<_> =
        answers.iter().filter_map(|answer| answer["current_balance"].as_i64()).collect();
    assert!(found.iter().all(|balance| [0, 80].contains(balance)), "{found:?}");
    assert_eq!(logged(project.database(), user, "welcome"), 1);
    assert_eq!(logged(project.database(), user, "daily_bonus"), 1);
    assert_adds_up(project.database(), user);
}

async fn abandoned_charges_are_given_back_once_however_many_look_for_them(shared: Arc<Shared>) {
    // Looking for abandoned charges finds those of all users: nobody else's may be here.
    let project = Project::serve(lite::migrated(shared.cluster()));
    let users = [project.user_with(1_000), project.user_with(1_000), project.user_with(1_000)];
    let database = project.database();
    for user in users {
        database.run(&format!(
            "select deduct_tokens('{user}', 10, 'x', gen_random_uuid())
             from generate_series(1, 50)"
        ));
    }
    let age = "update open_charges set created_at = now() - interval '20 minutes'
               where user_id <> '";
    database.run(&format!("{age}{}'", users[2]));
    let arguments = json!({"p_older_than_seconds": 900, "p_limit": 30});
    let mut given = 0;
    // A look gives back so many, and others at the same time find nothing: it is looked again.
    for _ in 0..4 {
        let answers = at_once(10, |_| project.call("refund_abandoned_charges", &arguments)).await;
        given += answers
            .iter()
            .map(|answer| answer["refunded"].as_i64().expect("a number"))
            .sum::<i64>();
    }
    assert_eq!(given, 100, "those of the third are too young");
    for (user, expected) in users.into_iter().zip([1_000, 1_000, 500]) {
        assert_eq!(balance(database, user), expected);
        assert_adds_up(database, user);
    }
    assert_eq!(open_charges(database, users[2]), 50);
}

async fn everything_at_once_adds_up(shared: Arc<Shared>) {
    let project = Project::serve(lite::migrated(shared.cluster()));
    let users = [project.user_with(300), project.user_with(300), project.user_with(300)];
    let references: Vec<Uuid> = (0..24).map(|_| Uuid::new_v4()).collect();
    // Calls that lock wallets, charges and references in every order there is. A deadlock would be
    // an error, and `call` takes none.
    at_once(240, |number| {
        // A reference of a charge is one user's, that of a purchase may come from anywhere.
        let (user, reference) = (users[number % 3], references[number % 24]);
        let order = format!("order-{}", number % 10);
        let (function, mut arguments) = match number % 7 {
            0 | 1 => ("deduct_tokens", json!({"p_amount": 10, "p_reference_id": reference})),
            2 => ("refund_tokens", json!({"p_amount": 10, "p_reference_id": reference})),
            3 => ("settle_charge", json!({"p_reference_id": reference})),
            4 => (
                "add_tokens",
                json!({"p_amount": 7, "p_type": "purchase", "p_reference_id": order}),
            ),
            5 => ("claim_daily_bonus", json!({"p_bonus_amount": 30})),
            _ => ("refund_abandoned_charges", json!({"p_older_than_seconds": 0})),
        };
        if function != "refund_abandoned_charges" {
            arguments["p_user_id"] = json!(user);
        }
        let project = &project;
        async move { project.call(function, &arguments).await }
    })
    .await;
    for user in users {
        assert_adds_up(project.database(), user);
    }
    // A charge is open or was refunded, settled ones aside, and never both.
    let both = "select count(*) from open_charges as o join token_transactions as t
                on t.reference_id = o.reference_id::text and t.type = 'refund'";
    assert_eq!(project.database().number(both), 0);
}

async fn users_at_once_get_their_own_results_and_pay_for_them(shared: Arc<Shared>) {
    let project = shared.project();
    let app = App::start(project).await;
    let users = [project.sign_up().await, project.sign_up().await, project.sign_up().await];
    // Twelve ask, eight can be paid; sources differ, so that nothing is answered from the cache.
    let answers = at_once(36, |number| {
        let (app, user) = (&app, &users[number % 3]);
        async move {
            let answer = app.generate(user, number).await;
            if answer.status() == 402 {
                return false;
            }
            let (_, frames) = answer.events().collect().await;
            assert_eq!(
                frames.last().map(|frame| frame.data()["type"].clone()),
                Some(json!("done"))
            );
            true
        }
    })
    .await;
    assert_eq!(answers.into_iter().filter(|paid| *paid).count(), 24);
    for (number, user) in users.iter().enumerate() {
        let (page, _) = app.page(user, "/api/history/").await;
        assert_eq!((page.len(), app.balance(user).await), (8, 0));
        let own = |item: &Value| {
            let source = item["input_code"].as_str().expect("text");
            let name = source.trim_start_matches("def add_");
            let asked: usize = name.split('(').next().and_then(|n| n.parse().ok()).expect(source);
            asked % 3 == number
        };
        assert!(page.iter().all(own), "{page:?}");
        assert_eq!(open_charges(project.database(), user.id), 0);
        assert_adds_up(project.database(), user.id);
    }
}

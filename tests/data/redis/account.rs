//! Who TESTER is to Redis.

use redis::cmd;

use super::instances::{HASTY, PATIENT, User, pair};
use super::outages::{a_users_day, both_work};
use crate::case::{Case, cases};
use crate::stack::redis::Redis;

/// The file that tells operators which rules an account needs.
const README: &str = include_str!("../../../README.md");

pub fn cases() -> Vec<Case> {
    cases![everything_works_with_a_wrong_password, an_account_with_the_documented_rules_is_enough]
}

async fn everything_works_with_a_wrong_password() {
    let redis = Redis::start_with(&["--requirepass", "the-right-one"]).await;
    for user in ["", ":the-wrong-one@", "nobody:the-right-one@"] {
        let url = redis.url().replace("redis://", &format!("redis://{user}"));
        let (one, other) = pair(&url, &[], HASTY).await;
        a_users_day(&User::of(&one), &one, &other, 1).await;
    }
    let url = redis.url().replace("redis://", "redis://:the-right-one@");
    let (one, other) = pair(&url, &[], PATIENT).await;
    let user = User::of(&one);
    user.generate(&one, 1).await;
    assert!(user.generate(&other, 1).await.cached, "and the right one is let in");
}

async fn an_account_with_the_documented_rules_is_enough() {
    let redis = Redis::start().await;
    let mut client = redis.client().await;
    let rules = README.lines().find_map(|line| line.trim().strip_prefix("ACL SETUSER tester on "));
    let rules = rules.expect("README.md has a line with the rules").split(' ');
    let mut user = cmd("ACL");
    user.arg(&["SETUSER", "tester", "on"]);
    for rule in rules {
        user.arg(if rule.starts_with('>') { ">secret" } else { rule });
    }
    user.exec_async(&mut client).await.expect("rules that Redis understands");
    let url = redis.url().replace("redis://", "redis://tester:secret@");
    let (one, other) = pair(&url, &[], PATIENT).await;
    both_work(&one, &other).await;
    let refused: Vec<String> = cmd("ACL")
        .arg(&["LOG"])
        .query_async::<Vec<redis::Value>>(&mut client)
        .await
        .expect("an answer")
        .into_iter()
        .map(|entry| format!("{entry:?}"))
        // Newer servers would take the client's name and version, and its answer does not matter.
        .filter(|entry| !entry.contains("client|setinfo"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    for kind in ["cache:", "pages-of:", "limit:generate:"] {
        assert!(!redis.names(kind).await.is_empty(), "nothing of {kind}");
    }
}

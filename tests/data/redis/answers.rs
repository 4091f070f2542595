//! Answers that one instance keeps and another gives.

use redis::cmd;
use tester_peers::gemini::StreamedAnswer;

use super::instances::Instances;
use crate::case::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        an_answer_of_one_instance_is_given_by_the_other,
        an_answer_that_was_tampered_with_is_written_anew,
        an_answer_under_another_question_is_written_anew,
        every_answer_has_a_time_to_live,
        a_new_answer_replaces_the_old_one_for_all,
    ]
}

async fn an_answer_of_one_instance_is_given_by_the_other() {
    let instances = Instances::start().await;
    let (ada, bob) = (instances.user(), instances.user());
    let written = ada.generate(&instances.one, 1).await;
    let given = bob.generate(&instances.other, 1).await;
    assert!(!written.cached && given.cached);
    assert_eq!(written.code, given.code);
}

async fn an_answer_that_was_tampered_with_is_written_anew() {
    let instances = Instances::start().await;
    let user = instances.user();
    let mut redis = instances.redis.client().await;
    user.generate(&instances.one, 1).await;
    let names = instances.redis.names("cache:").await;
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let value: Vec<u8> = cmd("GET").arg(name).query_async(&mut redis).await.expect("an answer");
    let mut flipped = value.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for foreign in [
        flipped,
        value[..value.len() - 1].to_vec(),
        [value.as_slice(), &value].concat(),
        br#"{"code":"evil","model":"evil"}"#.to_vec(),
        vec![1; 2 * 1024 * 1024],
    ] {
        cmd("SET").arg(name).arg(foreign).exec_async(&mut redis).await.expect("an answer");
        assert!(!user.generate(&instances.other, 1).await.cached);
        assert!(user.generate(&instances.other, 1).await.cached, "and a good one is kept again");
    }
    cmd("DEL").arg(name).exec_async(&mut redis).await.expect("an answer");
    cmd("LPUSH").arg(name).arg("x").exec_async(&mut redis).await.expect("an answer");
    assert!(!user.generate(&instances.other, 1).await.cached);
}

async fn an_answer_under_another_question_is_written_anew() {
    let instances = Instances::start().await;
    let user = instances.user();
    let mut redis = instances.redis.client().await;
    user.generate(&instances.one, 1).await;
    let before = instances.redis.names("cache:").await;
    instances.one.gemini.enqueue(StreamedAnswer::text(["def test_two(): pass\n"]));
    let two = user.generate(&instances.one, 2).await;
    let mut names = instances.redis.names("cache:").await;
    names.retain(|name| !before.contains(name));
    cmd("COPY")
        .arg(&before[0])
        .arg(&names[0])
        .arg("REPLACE")
        .exec_async(&mut redis)
        .await
        .expect("an answer");
    instances.one.gemini.enqueue(StreamedAnswer::text(["def test_three(): pass\n"]));
    let again = user.generate(&instances.other, 2).await;
    assert!(!again.cached);
    assert_ne!(again.code, two.code);
}

async fn every_answer_has_a_time_to_live() {
    let instances = Instances::start().await;
    let user = instances.user();
    user.generate(&instances.one, 1).await;
    user.ids(&instances.one).await;
    let mut redis = instances.redis.client().await;
    let longest = [("cache:", 7_200_000_i64), ("page:", 600_000), ("limit:", 60_001)];
    for (kind, longest) in longest {
        let names = instances.redis.names(kind).await;
        assert!(!names.is_empty(), "{kind}");
        for name in names {
            let left: i64 =
                cmd("PTTL").arg(&name).query_async(&mut redis).await.expect("an answer");
            assert!((1..=longest).contains(&left), "{name} lives for {left} ms");
        }
    }
    for name in instances.redis.names("").await {
        let left: i64 = cmd("PTTL").arg(&name).query_async(&mut redis).await.expect("an answer");
        assert_ne!(left, -1, "{name} lives for ever");
    }
}

async fn a_new_answer_replaces_the_old_one_for_all() {
    let instances = Instances::start().await;
    let user = instances.user();
    user.generate(&instances.one, 1).await;
    let mut body = crate::support::TestApp::body(1);
    body["is_regenerate"] = true.into();
    instances.one.gemini.enqueue(StreamedAnswer::text(["def test_anew(): pass\n"]));
    let anew = user.generate_body(&instances.one, &body).await;
    assert!(!anew.cached);
    let given = user.generate(&instances.other, 1).await;
    assert!(given.cached);
    assert_eq!(given.code, anew.code);
}

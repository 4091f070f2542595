//! Pages of history that are cached for all instances, and forgotten by all when they change.

use std::time::Duration;

use redis::cmd;
use tester::domain::CacheKey;
use tester::stores::{Certainty, SharedPages};
use tester_peers::Gate;
use tester_peers::supabase::{Fault, Route};

use super::instances::{Instances, link, until};
use crate::case::{Case, cases};
use crate::stack::redis::Redis;
use crate::support::{TestApp, soon};

const OWNER: CacheKey = CacheKey([1; 32]);
const PAGE: CacheKey = CacheKey([2; 32]);
const TTL: Duration = Duration::from_mins(10);

pub fn cases() -> Vec<Case> {
    cases![
        a_page_read_through_one_instance_is_served_by_the_other,
        a_cached_page_is_the_page,
        a_change_through_one_instance_is_seen_through_the_other,
        a_user_is_never_served_the_page_of_another,
        a_page_with_an_unreadable_row_is_read_every_time,
        a_page_that_was_tampered_with_is_read_anew,
        a_deletion_is_seen_although_its_client_left_in_the_middle,
        a_change_whose_end_is_unknown_is_waited_for,
        a_page_that_was_under_way_during_a_change_is_never_served,
        a_page_is_kept_for_its_version_and_owner_alone,
        a_version_that_was_lost_takes_its_pages_along,
        a_change_that_ended_does_not_release_one_that_may_not_have,
        a_page_that_is_too_large_is_not_kept,
    ]
}

/// How often the database was asked for a page.
fn reads(app: &TestApp) -> usize {
    app.supabase.requests_to(Route::SelectHistory).len()
}

async fn a_page_read_through_one_instance_is_served_by_the_other() {
    let instances = Instances::start().await;
    let user = instances.user();
    let generated = user.generate(&instances.one, 1).await;
    assert_eq!(user.ids(&instances.one).await, [generated.id.as_str()]);
    let before = reads(&instances.one);
    for app in [&instances.one, &instances.other] {
        assert_eq!(user.ids(app).await, [generated.id.as_str()]);
    }
    assert_eq!(reads(&instances.one), before);
}

async fn a_cached_page_is_the_page() {
    let instances = Instances::start().await;
    let user = instances.user();
    for number in 0..3 {
        user.generate(&instances.one, number).await;
    }
    let paths = ["/api/history/", "/api/history/?limit=2", "/api/v1/history?limit=2"];
    for path in paths {
        let fresh = user.send(&instances.one, "GET", path).await;
        let cached = user.send(&instances.other, "GET", path).await;
        let link = fresh.header("link");
        assert_eq!(link.is_some(), path.contains("limit"), "{path}");
        assert_eq!(cached.header("link"), link);
        assert_eq!(cached.text().await, fresh.text().await, "{path}");
        let Some(link) = link else { continue };
        let next = link.trim_start_matches('<').split('>').next().expect("a link").to_owned();
        let fresh = user.send(&instances.one, "GET", &next).await.json().await;
        let cached = user.send(&instances.other, "GET", &next).await.json().await;
        assert_eq!(fresh.as_array().map(Vec::len), Some(1), "{next}");
        assert_eq!(cached, fresh, "{next}");
    }
    // One read a page: two first pages, and one page after the shorter of them.
    assert_eq!(reads(&instances.one), 3);
}

async fn a_change_through_one_instance_is_seen_through_the_other() {
    let instances = Instances::start().await;
    let user = instances.user();
    let (one, other) = (&instances.one, &instances.other);
    for (reader, writer) in [(one, other), (other, one)] {
        assert!(user.ids(reader).await.is_empty());
        let first = user.generate(writer, 1).await;
        assert_eq!(user.ids(reader).await, [first.id.as_str()]);
        let second = user.generate(writer, 2).await;
        assert_eq!(user.ids(reader).await, [second.id.as_str(), first.id.as_str()]);
        user.delete(writer, &first.id).await;
        assert_eq!(user.ids(reader).await, [second.id.as_str()]);
        user.delete_all(writer).await;
        assert!(user.ids(reader).await.is_empty());
    }
}

async fn a_user_is_never_served_the_page_of_another() {
    let instances = Instances::start().await;
    let (ada, bob) = (instances.user(), instances.user());
    let of_ada = ada.generate(&instances.one, 1).await;
    assert_eq!(ada.ids(&instances.one).await, [of_ada.id.as_str()]);
    assert!(bob.ids(&instances.one).await.is_empty());
    let of_bob = bob.generate(&instances.other, 1).await;
    assert_eq!(bob.ids(&instances.one).await, [of_bob.id]);
    let before = reads(&instances.one);
    assert_eq!(ada.ids(&instances.other).await, [of_ada.id]);
    assert_eq!(reads(&instances.one), before, "and a change of Bob's is none of Ada's");
}

async fn a_page_with_an_unreadable_row_is_read_every_time() {
    let instances = Instances::start().await;
    let user = instances.user();
    for number in 0..2 {
        user.generate(&instances.one, number).await;
    }
    let mut rows = instances.one.supabase.rows();
    let damaged = rows[1].id;
    let whole = rows[1].generated_code.clone();
    let moved = rows[0].generated_code.clone();
    rows[1].generated_code = moved;
    instances.one.supabase.set_rows(rows.clone());
    for app in [&instances.one, &instances.other] {
        let answer = user.send(app, "GET", "/api/history/").await;
        assert_eq!(answer.header("x-unreadable-items"), Some(damaged.to_string()));
    }
    // As when the key it was written with is given back.
    rows[1].generated_code = whole;
    instances.one.supabase.set_rows(rows);
    assert_eq!(user.ids(&instances.other).await.len(), 2);
}

async fn a_page_that_was_tampered_with_is_read_anew() {
    let instances = Instances::start().await;
    let user = instances.user();
    let generated = user.generate(&instances.one, 1).await;
    user.ids(&instances.one).await;
    let mut redis = instances.redis.client().await;
    let names = instances.redis.names("page:").await;
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let value: Vec<u8> = cmd("GET").arg(name).query_async(&mut redis).await.expect("an answer");
    for place in [0, 31, 32, value.len() / 2, value.len() - 1] {
        let mut flipped = value.clone();
        flipped[place] ^= 1;
        cmd("SET").arg(name).arg(flipped).exec_async(&mut redis).await.expect("an answer");
        let before = reads(&instances.one);
        assert_eq!(user.ids(&instances.other).await, [generated.id.as_str()]);
        assert_eq!(reads(&instances.one), before + 1, "byte {place}");
    }
    for foreign in [b"held".to_vec(), Vec::new(), vec![0; 2 * 1024 * 1024]] {
        let version = instances.redis.names("pages-of:").await;
        for name in [name, &version[0]] {
            cmd("SET").arg(name).arg(&foreign).exec_async(&mut redis).await.expect("an answer");
            assert_eq!(user.ids(&instances.other).await, [generated.id.as_str()]);
        }
        cmd("DEL").arg(&version[0]).exec_async(&mut redis).await.expect("an answer");
        user.ids(&instances.other).await;
    }
}

async fn a_deletion_is_seen_although_its_client_left_in_the_middle() {
    let instances = Instances::start().await;
    let user = instances.user();
    let generated = user.generate(&instances.one, 1).await;
    assert_eq!(user.ids(&instances.other).await, [generated.id.as_str()]);
    let gate = Gate::closed();
    instances.one.supabase.fail(Route::DeleteHistory, Fault::Hold(gate.clone()));
    let path = format!("/api/history/{}", generated.id);
    let leaving = tokio::spawn(user.request(&instances.one, "DELETE", &path).send());
    soon("the deletion", instances.one.supabase.requested(Route::DeleteHistory, 1)).await;
    leaving.abort();
    assert!(leaving.await.is_err(), "it was cut off");
    gate.open();
    soon("the end of it", instances.one.supabase.until(|project| project.rows().is_empty())).await;
    until("the empty page", async || user.ids(&instances.other).await.is_empty()).await;
}

async fn a_change_whose_end_is_unknown_is_waited_for() {
    let instances = Instances::start().await;
    let user = instances.user();
    let generated = user.generate(&instances.one, 1).await;
    user.ids(&instances.other).await;
    instances.one.supabase.fail(Route::DeleteHistory, Fault::LoseAnswer);
    let path = format!("/api/history/{}", generated.id);
    assert!(user.send(&instances.one, "DELETE", &path).await.status() >= 500);
    let before = reads(&instances.one);
    for _ in 0..2 {
        user.ids(&instances.other).await;
    }
    assert_eq!(reads(&instances.one), before + 2, "no page is kept for now");
}

async fn pages(redis: &Redis) -> SharedPages {
    SharedPages::new(link(redis).await, TTL)
}

async fn a_page_that_was_under_way_during_a_change_is_never_served() {
    let redis = Redis::start().await;
    let (reader, writer) = (pages(&redis).await, pages(&redis).await);
    let before = reader.get(&OWNER, &PAGE).await.expect("a version");
    writer.forget(OWNER, Certainty::Ended).await;
    let between = writer.get(&OWNER, &PAGE).await.expect("a version");
    reader.put(PAGE, before.version, b"old").await;
    for pages in [&reader, &writer] {
        let found = pages.get(&OWNER, &PAGE).await.expect("a version");
        assert_eq!(found.page, None);
        assert_eq!(found.version, between.version);
        assert_ne!(found.version, before.version);
    }
    writer.put(PAGE, between.version, b"new").await;
    let found = reader.get(&OWNER, &PAGE).await.expect("a version");
    assert_eq!(found.page.as_deref(), Some(b"new".as_slice()));
}

async fn a_page_is_kept_for_its_version_and_owner_alone() {
    let redis = Redis::start().await;
    let pages = pages(&redis).await;
    let other = CacheKey([3; 32]);
    let version = pages.get(&OWNER, &PAGE).await.expect("a version").version;
    pages.put(PAGE, version, b"page").await;
    let found = pages.get(&other, &PAGE).await.expect("a version");
    assert_eq!(found.page, None, "not even where two owners share a page's name");
    pages.forget(other, Certainty::Ended).await;
    let found = pages.get(&OWNER, &PAGE).await.expect("a version");
    assert_eq!(found.page.as_deref(), Some(b"page".as_slice()));
}

async fn a_version_that_was_lost_takes_its_pages_along() {
    let redis = Redis::start().await;
    let pages = pages(&redis).await;
    let mut client = redis.client().await;
    for lost in ["pages-of:", "pages"] {
        let version = pages.get(&OWNER, &PAGE).await.expect("a version").version;
        pages.put(PAGE, version, b"page").await;
        let found = pages.get(&OWNER, &PAGE).await.expect("a version");
        assert!(found.page.is_some(), "{lost}");
        for name in redis.names(lost).await {
            cmd("DEL").arg(name).exec_async(&mut client).await.expect("an answer");
        }
        let found = pages.get(&OWNER, &PAGE).await.expect("a version");
        assert_eq!(found.page, None, "{lost}");
    }
    let version = pages.get(&OWNER, &PAGE).await.expect("a version").version;
    cmd("FLUSHALL").exec_async(&mut client).await.expect("an answer");
    pages.put(PAGE, version, b"page").await;
    assert_eq!(pages.get(&OWNER, &PAGE).await.expect("a version").page, None);
}

async fn a_change_that_ended_does_not_release_one_that_may_not_have() {
    let redis = Redis::start().await;
    let pages = pages(&redis).await;
    pages.forget(OWNER, Certainty::Unknown).await;
    assert_eq!(pages.get(&OWNER, &PAGE).await, None);
    pages.forget(OWNER, Certainty::Ended).await;
    assert_eq!(pages.get(&OWNER, &PAGE).await, None);
    let mut client = redis.client().await;
    let names = redis.names("pages-of:").await;
    let left: i64 = cmd("PTTL").arg(&names[0]).query_async(&mut client).await.expect("an answer");
    assert!((1..=30_000).contains(&left), "{left} ms");
}

async fn a_page_that_is_too_large_is_not_kept() {
    let redis = Redis::start().await;
    let pages = pages(&redis).await;
    let version = pages.get(&OWNER, &PAGE).await.expect("a version").version;
    let largest = vec![7; 1024 * 1024 - version.as_bytes().len()];
    pages.put(PAGE, version, &[largest.as_slice(), b"7"].concat()).await;
    assert!(redis.names("page:").await.is_empty());
    pages.put(PAGE, version, &largest).await;
    let found = pages.get(&OWNER, &PAGE).await.expect("a version");
    assert_eq!(found.page.as_deref(), Some(largest.as_slice()));
}

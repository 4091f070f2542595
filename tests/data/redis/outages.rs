//! Redis that goes, hangs, comes back, talks nonsense or refuses: every request is answered as it
//! should be, and instances share again when it is over. Of time nothing is said.

use std::sync::atomic::{AtomicBool, Ordering};

use redis::cmd;
use tester_peers::redis::{Answer, RedisPeer};

use super::instances::{HASTY, Instances, PATIENT, User, metric, pair, until};
use crate::case::{Case, cases};
use crate::stack::redis::Redis;
use crate::stack::server::free_port;
use crate::support::TestApp;

pub fn cases() -> Vec<Case> {
    let mut cases = cases![
        everything_works_while_redis_is_stopped_and_is_shared_again_after,
        everything_works_while_redis_is_killed_and_is_shared_again_after,
        everything_works_while_redis_is_paused_and_is_shared_again_after,
        what_is_flushed_at_any_moment_costs_time_alone,
        a_redis_that_comes_later_is_found,
        a_change_made_without_redis_is_told_when_it_is_back,
        everything_works_with_a_redis_that_is_none,
        everything_works_with_a_redis_that_takes_no_writes,
    ];
    cases.push(Case::new("outages::metrics_tell_of_it", metrics_tell_of_it).alone());
    cases
}

/// What every user does, through two instances (or one, twice), and must find so.
pub async fn a_users_day(user: &User, one: &TestApp, other: &TestApp, number: usize) {
    let first = user.generate(one, number).await;
    assert_eq!(user.ids(other).await, [first.id.as_str()]);
    let second = user.generate(other, number).await;
    assert_eq!(second.code, first.code);
    assert_eq!(user.ids(one).await, [second.id.as_str(), first.id.as_str()]);
    assert_eq!(user.ids(one).await, user.ids(other).await);
    user.delete(one, &second.id).await;
    assert_eq!(user.ids(other).await, [first.id]);
    user.delete_all(other).await;
    assert!(user.ids(one).await.is_empty());
    let status = user.send(one, "GET", "/api/user/status").await;
    assert_eq!(status.status(), 200);
}

pub async fn both_work(one: &TestApp, other: &TestApp) {
    for number in 0..2 {
        a_users_day(&User::of(one), one, other, number).await;
        a_users_day(&User::of(one), other, one, number).await;
    }
}

/// While only one of them may have found Redis again, one does not hear of the other at once; each
/// of them is right about what was done through itself.
async fn each_works(one: &TestApp, other: &TestApp) {
    for app in [one, other] {
        a_users_day(&User::of(app), app, app, 7).await;
    }
}

async fn everything_works_while_redis_is_stopped_and_is_shared_again_after() {
    let mut instances = Instances::start_with(&[], HASTY).await;
    instances.share().await;
    instances.redis.stop();
    both_work(&instances.one, &instances.other).await;
    instances.redis.start_again().await;
    each_works(&instances.one, &instances.other).await;
    instances.share().await;
}

async fn everything_works_while_redis_is_killed_and_is_shared_again_after() {
    let mut instances = Instances::start_with(&[], HASTY).await;
    instances.share().await;
    for _ in 0..2 {
        instances.redis.kill();
        both_work(&instances.one, &instances.other).await;
        instances.redis.start_again().await;
        each_works(&instances.one, &instances.other).await;
        instances.share().await;
    }
}

async fn everything_works_while_redis_is_paused_and_is_shared_again_after() {
    let instances = Instances::start_with(&[], HASTY).await;
    instances.share().await;
    for _ in 0..2 {
        instances.redis.pause();
        both_work(&instances.one, &instances.other).await;
        instances.redis.resume();
        each_works(&instances.one, &instances.other).await;
        instances.share().await;
    }
}

async fn what_is_flushed_at_any_moment_costs_time_alone() {
    let instances = Instances::start().await;
    let (one, other) = (&instances.one, &instances.other);
    let over = AtomicBool::new(false);
    let flush = async {
        let mut redis = instances.redis.client().await;
        let mut flushes = 0;
        while !over.load(Ordering::Relaxed) {
            cmd("FLUSHALL").exec_async(&mut redis).await.expect("an answer");
            flushes += 1;
        }
        flushes
    };
    let work = async {
        let users = (0..8).map(|number| async move {
            for _ in 0..2 {
                a_users_day(&User::of(one), one, other, number).await;
            }
        });
        futures_util::future::join_all(users).await;
        over.store(true, Ordering::Relaxed);
    };
    let (flushes, ()) = tokio::join!(flush, work);
    assert!(flushes > 10, "{flushes} are hardly any moment");
}

async fn a_redis_that_comes_later_is_found() {
    let mut redis = Redis::start().await;
    redis.kill();
    let (one, other) = pair(&redis.url(), &[], HASTY).await;
    both_work(&one, &other).await;
    redis.start_again().await;
    Instances { redis, one, other }.share().await;
}

async fn a_change_made_without_redis_is_told_when_it_is_back() {
    let instances = Instances::start_with(&[], HASTY).await;
    let (one, other) = (&instances.one, &instances.other);
    instances.share().await;
    let user = instances.user();
    let generated = user.generate(one, 1).await;
    until("a page in Redis", async || {
        user.ids(other).await;
        !instances.redis.names("page:").await.is_empty()
    })
    .await;
    instances.redis.pause();
    user.delete(one, &generated.id).await;
    assert!(user.ids(one).await.is_empty());
    assert!(user.ids(other).await.is_empty(), "it has no Redis either");
    instances.redis.resume();
    assert!(user.ids(one).await.is_empty(), "its own change it knows at any time");
    until("the news", async || user.ids(other).await.is_empty()).await;
    instances.share().await;
    assert!(user.ids(other).await.is_empty());
}

async fn everything_works_with_a_redis_that_is_none() {
    for answer in [
        Answer::Silence,
        Answer::Close,
        Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Answer::Bytes(b"\0\x01\x02\xff\r\n"),
        Answer::Bytes(b"*1000000000\r\n"),
        Answer::Bytes(b"$1000000000\r\n"),
        Answer::Bytes(b"$-1\r\n"),
        Answer::Bytes(b"-WRONGTYPE no\r\n"),
        Answer::Empty,
    ] {
        // From the start on.
        let peer = RedisPeer::start(answer.clone()).await.expect("a free port");
        let (one, other) = pair(&peer.url(), &[], HASTY).await;
        a_users_day(&User::of(&one), &one, &other, 1).await;
        // And all of a sudden.
        let peer = RedisPeer::start(Answer::Empty).await.expect("a free port");
        let (one, other) = pair(&peer.url(), &[], HASTY).await;
        a_users_day(&User::of(&one), &one, &other, 1).await;
        peer.set_answer(answer);
        a_users_day(&User::of(&one), &one, &other, 2).await;
    }
}

async fn everything_works_with_a_redis_that_takes_no_writes() {
    let instances = Instances::start_with(&[], PATIENT).await;
    instances.share().await;
    let mut redis = instances.redis.client().await;
    // A replica of nobody that can be reached.
    let master = free_port().to_string();
    let changes: [(&[&str], &[&str]); 2] = [
        (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]),
        (&["REPLICAOF", "127.0.0.1", &master], &["REPLICAOF", "NO", "ONE"]),
    ];
    for (change, back) in changes {
        cmd(change[0]).arg(&change[1..]).exec_async(&mut redis).await.expect("an answer");
        each_works(&instances.one, &instances.other).await;
        both_work(&instances.one, &instances.other).await;
        cmd(back[0]).arg(&back[1..]).exec_async(&mut redis).await.expect("an answer");
        each_works(&instances.one, &instances.other).await;
        instances.share().await;
    }
}

async fn metrics_tell_of_it() {
    let mut redis = Redis::start().await;
    let app = TestApp::start_configured(&[("REDIS_URL", &redis.url())], PATIENT).await;
    let names = [
        "tester_redis_failures_total{reason=\"connection\"}",
        "tester_redis_fallbacks_total{operation=\"limit_acquire\"}",
        "tester_redis_fallbacks_total{operation=\"cache_get\"}",
        "tester_redis_fallbacks_total{operation=\"cache_put\"}",
        "tester_redis_fallbacks_total{operation=\"page_get\"}",
        "tester_redis_fallbacks_total{operation=\"pages_forget\"}",
    ];
    let hits = "tester_cache_lookups_total{cache=\"history\",outcome=\"hit\"}";
    let misses = "tester_cache_lookups_total{cache=\"answer\",outcome=\"miss\"}";
    assert_eq!(metric(&app, "tester_redis_up").await, 1);
    let (hits_before, misses_before) = (metric(&app, hits).await, metric(&app, misses).await);
    let mut before = Vec::new();
    for name in names {
        before.push(metric(&app, name).await);
    }
    let user = User::of(&app);
    user.generate(&app, 1).await;
    user.ids(&app).await;
    user.ids(&app).await;
    assert_eq!(metric(&app, hits).await, hits_before + 1);
    assert_eq!(metric(&app, misses).await, misses_before + 1);
    for (name, before) in names.iter().zip(&before) {
        assert_eq!(metric(&app, name).await, *before, "{name}");
    }
    redis.kill();
    user.generate(&app, 2).await;
    user.ids(&app).await;
    assert_eq!(metric(&app, "tester_redis_up").await, 0);
    for (name, before) in names.iter().zip(&before) {
        assert!(metric(&app, name).await > *before, "{name}");
    }
    redis.start_again().await;
    until("Redis to be up", async || metric(&app, "tester_redis_up").await == 1).await;
}

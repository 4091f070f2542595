//! What every rate limiter does: the same list for the one in memory and the one in Redis. Time is
//! real here, so nothing is said of how much of it passes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::cmd;
use tester::crypto::{CacheKeyer, MasterKey};
use tester::domain::UserId;
use tester::stores::redis::RedisRateLimiter;
use tester::stores::{LimitedAction, MemoryRateLimiter, RateLimit, RateLimiter, RateUsage};
use uuid::Uuid;

use super::instances::{link, until};
use crate::case::{Case, cases};
use crate::stack::redis::Redis;

/// Never over while a case runs.
const LONG: Duration = Duration::from_hours(1);
const FIVE: RateLimit = RateLimit { max: 5, window: LONG };
const ACTION: LimitedAction = LimitedAction::Generate;

type Limiter = Arc<dyn RateLimiter>;

/// Two cases of every behaviour.
macro_rules! behaviours {
    ($($behaviour:ident),* $(,)?) => {
        vec![$(
            Case::new(concat!("limiter::memory::", stringify!($behaviour)), async || {
                $behaviour(Arc::new(MemoryRateLimiter::new())).await;
            }),
            Case::new(concat!("limiter::redis::", stringify!($behaviour)), async || {
                let redis = Redis::start().await;
                $behaviour(Arc::new(in_redis(&redis).await)).await;
            }),
        )*]
    };
}

pub fn cases() -> Vec<Case> {
    let mut cases = cases![
        a_log_is_gone_with_its_last_action,
        a_clock_that_was_set_back_locks_nobody_out,
        two_limiters_never_share_a_place,
        a_script_that_redis_forgot_is_sent_again,
    ];
    cases.extend(behaviours![
        the_limit_is_reached_and_not_passed,
        refused_actions_are_not_counted,
        peeking_counts_nothing,
        users_and_actions_are_counted_apart,
        a_lowered_limit_waits_until_enough_actions_have_left,
        no_window_holds_more_than_the_limit_and_none_is_closed_for_ever,
        concurrent_actions_never_share_a_place,
    ]);
    cases
}

async fn in_redis(redis: &Redis) -> RedisRateLimiter {
    RedisRateLimiter::new(link(redis).await, CacheKeyer::new(&MasterKey::from_bytes([7; 32])))
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

const fn allowed(used: u32) -> RateUsage {
    RateUsage { used, retry_after: None }
}

fn assert_refused(usage: RateUsage, used: u32, window: Duration) {
    assert_eq!(usage.used, used, "{usage:?}");
    let wait = usage.retry_after.expect("a refusal");
    assert!(wait > Duration::ZERO && wait <= window, "{usage:?}");
}

async fn the_limit_is_reached_and_not_passed(limiter: Limiter) {
    for used in 1..=5 {
        assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, allowed(used));
    }
    assert_refused(limiter.acquire(user(1), ACTION, FIVE).await, 5, LONG);
}

async fn refused_actions_are_not_counted(limiter: Limiter) {
    for _ in 0..50 {
        limiter.acquire(user(1), ACTION, FIVE).await;
    }
    let six = RateLimit { max: 6, window: LONG };
    assert_eq!(limiter.acquire(user(1), ACTION, six).await, allowed(6));
}

async fn peeking_counts_nothing(limiter: Limiter) {
    assert_eq!(limiter.peek(user(1), ACTION, FIVE).await, allowed(0));
    for used in 1..=5 {
        limiter.acquire(user(1), ACTION, FIVE).await;
        for _ in 0..3 {
            let usage = limiter.peek(user(1), ACTION, FIVE).await;
            if used < 5 {
                assert_eq!(usage, allowed(used));
            } else {
                assert_refused(usage, 5, LONG);
            }
        }
    }
}

async fn users_and_actions_are_counted_apart(limiter: Limiter) {
    let one = RateLimit { max: 1, window: LONG };
    for user in [user(1), user(2)] {
        for action in [LimitedAction::Generate, LimitedAction::Execute, LimitedAction::Status] {
            assert_eq!(limiter.acquire(user, action, one).await, allowed(1));
            assert_refused(limiter.acquire(user, action, one).await, 1, LONG);
        }
    }
}

async fn a_lowered_limit_waits_until_enough_actions_have_left(limiter: Limiter) {
    for _ in 0..5 {
        limiter.acquire(user(1), ACTION, FIVE).await;
    }
    let two = RateLimit { max: 2, window: LONG };
    let lowered = limiter.peek(user(1), ACTION, two).await;
    let usual = limiter.peek(user(1), ACTION, FIVE).await;
    assert_refused(lowered, 5, LONG);
    // It waits for the fourth action to leave, and was asked before.
    assert!(lowered.retry_after > usual.retry_after, "{lowered:?} {usual:?}");
}

async fn no_window_holds_more_than_the_limit_and_none_is_closed_for_ever(limiter: Limiter) {
    let limit = RateLimit { max: 3, window: Duration::from_millis(150) };
    let mut accepted = Vec::new();
    while accepted.len() < 12 {
        let asked = Instant::now();
        match limiter.acquire(user(1), ACTION, limit).await.retry_after {
            None => accepted.push((asked, Instant::now())),
            Some(wait) => tokio::time::sleep(wait).await,
        }
    }
    for span in accepted.windows(4) {
        // Each was accepted at some time between asking and hearing of it.
        assert!(span[3].1 - span[0].0 >= limit.window, "{span:?}");
    }
}

async fn concurrent_actions_never_share_a_place(limiter: Limiter) {
    assert_eq!(accepted_of(64, |_| Arc::clone(&limiter)).await, 5);
}

async fn two_limiters_never_share_a_place() {
    let redis = Redis::start().await;
    let limiters: [Limiter; 2] =
        [Arc::new(in_redis(&redis).await), Arc::new(in_redis(&redis).await)];
    assert_eq!(accepted_of(64, |number| Arc::clone(&limiters[number % 2])).await, 5);
}

async fn accepted_of(actions: usize, limiter: impl Fn(usize) -> Limiter) -> usize {
    let tasks: Vec<_> = (0..actions)
        .map(|number| {
            let limiter = limiter(number);
            tokio::spawn(async move { limiter.acquire(user(1), ACTION, FIVE).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += usize::from(task.await.expect("no panic").retry_after.is_none());
    }
    accepted
}

async fn a_log_is_gone_with_its_last_action() {
    let redis = Redis::start().await;
    let limiter = in_redis(&redis).await;
    let short = RateLimit { max: 5, window: Duration::from_millis(150) };
    limiter.acquire(user(1), ACTION, short).await;
    until("the end of the log", async || redis.names("limit:").await.is_empty()).await;
    assert_eq!(limiter.peek(user(1), ACTION, short).await, allowed(0));
}

async fn a_clock_that_was_set_back_locks_nobody_out() {
    let redis = Redis::start().await;
    let limiter = in_redis(&redis).await;
    limiter.acquire(user(1), ACTION, FIVE).await;
    let mut client = redis.client().await;
    let names = redis.names("limit:").await;
    for minute in 0..5_u64 {
        // Some time in the next century, as it looks after the clock was put right.
        let future = 4_200_000_000_000_000 + minute * 60_000_000;
        let mut add = cmd("ZADD");
        add.arg(&names[0]).arg(future).arg(future);
        add.exec_async(&mut client).await.expect("an answer");
    }
    assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, allowed(2));
}

async fn a_script_that_redis_forgot_is_sent_again() {
    let redis = Redis::start().await;
    let limiter = in_redis(&redis).await;
    let mut client = redis.client().await;
    for used in 1..=3 {
        cmd("SCRIPT").arg("FLUSH").exec_async(&mut client).await.expect("an answer");
        assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, allowed(used));
    }
    assert!(!redis.names("limit:").await.is_empty(), "Redis counts, not this process alone");
}

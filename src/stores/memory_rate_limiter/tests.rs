use proptest::prelude::*;
use tokio::time::advance;
use uuid::Uuid;

use super::*;

const WINDOW: Duration = Duration::from_mins(1);
const FIVE: RateLimit = RateLimit { max: 5, window: WINDOW };
const ACTION: LimitedAction = LimitedAction::Generate;

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

const fn allowed(used: u32) -> RateUsage {
    RateUsage { used, retry_after: None }
}

const fn refused(used: u32, retry_after: Duration) -> RateUsage {
    RateUsage { used, retry_after: Some(retry_after) }
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_reached_and_not_passed() {
    let limiter = MemoryRateLimiter::new();
    for used in 1..=5 {
        assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, allowed(used));
    }
    assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, refused(5, WINDOW));
}

#[tokio::test(start_paused = true)]
async fn an_action_is_allowed_again_exactly_when_announced() {
    let limiter = MemoryRateLimiter::new();
    for _ in 0..5 {
        limiter.acquire(user(1), ACTION, FIVE).await;
        advance(Duration::from_secs(7)).await;
    }
    let wait = Duration::from_secs(60 - 35);
    assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, refused(5, wait));
    advance(wait.saturating_sub(Duration::from_nanos(1))).await;
    let last_moment = refused(5, Duration::from_nanos(1));
    assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, last_moment);
    advance(Duration::from_nanos(1)).await;
    assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, allowed(5));
    assert_eq!(
        limiter.acquire(user(1), ACTION, FIVE).await,
        refused(5, Duration::from_secs(7)),
        "a burst at the seam of two windows gains nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn refused_actions_are_not_counted() {
    let limiter = MemoryRateLimiter::new();
    for _ in 0..50 {
        limiter.acquire(user(1), ACTION, FIVE).await;
    }
    advance(WINDOW).await;
    assert_eq!(limiter.acquire(user(1), ACTION, FIVE).await, allowed(1));
}

#[tokio::test(start_paused = true)]
async fn peeking_counts_nothing() {
    let limiter = MemoryRateLimiter::new();
    assert_eq!(limiter.peek(user(1), ACTION, FIVE).await, allowed(0));
    for used in 1..=5 {
        limiter.acquire(user(1), ACTION, FIVE).await;
        let expected = if used < 5 { allowed(used) } else { refused(5, WINDOW) };
        for _ in 0..3 {
            assert_eq!(limiter.peek(user(1), ACTION, FIVE).await, expected);
        }
    }
    advance(WINDOW).await;
    assert_eq!(limiter.peek(user(1), ACTION, FIVE).await, allowed(0));
}

#[tokio::test(start_paused = true)]
async fn users_and_actions_are_counted_apart() {
    let limiter = MemoryRateLimiter::new();
    let one = RateLimit { max: 1, window: WINDOW };
    for key in [user(1), user(2)] {
        for action in [LimitedAction::Generate, LimitedAction::Execute, LimitedAction::Status] {
            assert_eq!(limiter.acquire(key, action, one).await, allowed(1));
            assert_eq!(limiter.acquire(key, action, one).await, refused(1, WINDOW));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lowered_limit_waits_until_enough_actions_have_left() {
    let limiter = MemoryRateLimiter::new();
    for _ in 0..5 {
        limiter.acquire(user(1), ACTION, FIVE).await;
        advance(Duration::from_secs(1)).await;
    }
    let two = RateLimit { max: 2, window: WINDOW };
    // The fourth action, taken 2 s ago, must leave.
    assert_eq!(limiter.peek(user(1), ACTION, two).await, refused(5, Duration::from_secs(58)));
}

#[tokio::test(start_paused = true)]
async fn idle_users_are_forgotten() {
    let limiter = MemoryRateLimiter::new();
    for number in 0..100 {
        limiter.acquire(user(number), ACTION, FIVE).await;
    }
    assert_eq!(limiter.actions().logs.len(), 100);
    advance(WINDOW).await;
    limiter.acquire(user(1_000), ACTION, FIVE).await;
    assert_eq!(limiter.actions().logs.len(), 1);
    assert_eq!(limiter.actions().order.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_makes_the_oldest_action_forgotten_and_locks_nobody_out() {
    let limiter = MemoryRateLimiter::with_capacity(3);
    let two = RateLimit { max: 2, window: WINDOW };
    assert_eq!(limiter.acquire(user(1), ACTION, two).await, allowed(1));
    assert_eq!(limiter.acquire(user(1), ACTION, two).await, allowed(2));
    assert_eq!(limiter.acquire(user(2), ACTION, two).await, allowed(1));
    assert_eq!(limiter.acquire(user(3), ACTION, two).await, allowed(1));
    assert_eq!(limiter.peek(user(1), ACTION, two).await, allowed(1));
    for number in 4..1_000 {
        assert_eq!(limiter.acquire(user(number), ACTION, two).await, allowed(1));
    }
    assert_eq!(limiter.actions().order.len(), 3);
    assert_eq!(limiter.actions().logs.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_actions_never_share_a_place() {
    let limiter = std::sync::Arc::new(MemoryRateLimiter::new());
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let limiter = std::sync::Arc::clone(&limiter);
            tokio::spawn(async move { limiter.acquire(user(1), ACTION, FIVE).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += u32::from(task.await.expect("no panic").retry_after.is_none());
    }
    assert_eq!(accepted, 5);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Acquire(u128),
    Peek(u128),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u64..15_000).prop_map(Step::Wait),
        (0_u128..2).prop_map(Step::Acquire),
        (0_u128..2).prop_map(Step::Acquire),
        (0_u128..2).prop_map(Step::Peek),
    ]
}

/// The rule in its plainest words: every acceptance ever, and a count.
#[derive(Default)]
struct Model(Vec<(u128, Instant)>);

impl Model {
    fn usage(&self, user: u128, limit: RateLimit) -> RateUsage {
        let now = Instant::now();
        let times = self.0.iter().filter(|(owner, _)| *owner == user).map(|(_, at)| *at);
        let counted: Vec<_> = times.filter(|at| *at + limit.window > now).collect();
        let blocking = (counted.len() >= limit.max as usize)
            .then(|| counted[counted.len() - limit.max as usize] + limit.window - now);
        RateUsage { used: u32::try_from(counted.len()).unwrap(), retry_after: blocking }
    }

    /// The most acceptances of one user in any window, wherever it begins.
    fn fullest_window(&self, user: u128, window: Duration) -> usize {
        let times: Vec<_> = self.0.iter().copied().filter(|(owner, _)| *owner == user).collect();
        let within = |(_, start): &(u128, Instant)| {
            times.iter().filter(|(_, at)| *at >= *start && *at < *start + window).count()
        };
        times.iter().map(within).max().unwrap_or_default()
    }
}

async fn follows_the_model(steps: &[Step], limit: RateLimit) -> Result<(), TestCaseError> {
    let limiter = MemoryRateLimiter::new();
    let mut model = Model::default();
    for step in steps {
        match *step {
            Step::Wait(millis) => advance(Duration::from_millis(millis)).await,
            Step::Peek(number) => {
                let usage = limiter.peek(user(number), ACTION, limit).await;
                prop_assert_eq!(usage, model.usage(number, limit));
            }
            Step::Acquire(number) => {
                let usage = limiter.acquire(user(number), ACTION, limit).await;
                let before = model.usage(number, limit);
                if before.retry_after.is_none() {
                    model.0.push((number, Instant::now()));
                    prop_assert_eq!(usage, allowed(before.used + 1));
                } else {
                    prop_assert_eq!(usage, before);
                }
            }
        }
    }
    for number in 0..2 {
        prop_assert!(model.fullest_window(number, limit.window) <= limit.max as usize);
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_window_anywhere_holds_more_than_the_limit(
        steps in prop::collection::vec(step(), 1..120),
        max in 1_u32..7,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(follows_the_model(&steps, RateLimit { max, window: WINDOW }))?;
    }
}

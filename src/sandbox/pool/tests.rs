use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::sandbox::Usage;

/// Makes sandboxes out of memory, and counts them.
#[derive(Default)]
struct FakeEngine {
    started: AtomicUsize,
    alive: Arc<AtomicUsize>,
    /// Starts that fail before one works.
    failing: AtomicUsize,
    unsupported: bool,
    /// Supervisors fall silent once they were ready.
    mute: AtomicBool,
}

struct FakeSandbox {
    channel: Option<DuplexStream>,
    alive: Arc<AtomicUsize>,
    dead: bool,
}

#[async_trait]
impl Engine for FakeEngine {
    fn isolation(&self) -> String {
        "fake".to_owned()
    }

    async fn start(&self, _: Runtime) -> Result<Box<dyn Sandbox>, EngineError> {
        if self.unsupported {
            return Err(EngineError::Unsupported("not here".to_owned()));
        }
        let fails = |left: usize| left.checked_sub(1);
        if self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(EngineError::Unavailable("not now".to_owned()));
        }
        self.started.fetch_add(1, Ordering::SeqCst);
        self.alive.fetch_add(1, Ordering::SeqCst);
        let (host, inside) = duplex(64 * 1024);
        tokio::spawn(supervise(inside, self.mute.load(Ordering::SeqCst)));
        let alive = Arc::clone(&self.alive);
        Ok(Box::new(FakeSandbox { channel: Some(host), alive, dead: false }))
    }

    async fn check(&self, _: Runtime) -> Result<(), EngineError> {
        Ok(())
    }

    async fn reap(&self) -> Result<usize, EngineError> {
        Ok(0)
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn channel(&mut self) -> Option<(FromSandbox, ToSandbox)> {
        let (from, to) = tokio::io::split(self.channel.take()?);
        Some((Box::new(from), Box::new(to)))
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }

    async fn kill(&mut self) -> Result<(), EngineError> {
        if !std::mem::replace(&mut self.dead, true) {
            self.alive.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn remove(self: Box<Self>) -> Result<(), EngineError> {
        Ok(())
    }
}

async fn supervise(mut host: DuplexStream, mute: bool) {
    let ready = FromSupervisor::Ready { versions: BTreeMap::new() };
    if write_frame(&mut host, &ready).await.is_err() || mute {
        return;
    }
    while let Ok(Some(_)) = read_frame(&mut host, REPORT_FRAME_MAX).await {
        if write_frame(&mut host, &FromSupervisor::Pong).await.is_err() {
            return;
        }
    }
}

fn pool(engine: &Arc<FakeEngine>, warm: usize) -> WarmPool {
    let settings = PoolSettings {
        warm: PerRuntime { python: warm, node: 0, java: 0 },
        start_timeout: Duration::from_secs(5),
        idle_max: Duration::from_mins(1),
        starting: 2,
    };
    let engine: Arc<dyn Engine> = Arc::<FakeEngine>::clone(engine);
    let pool = WarmPool::new(engine, settings);
    pool.open();
    pool
}

fn warm(pool: &WarmPool) -> usize {
    pool.health()[0].warm
}

/// Lets the pool's own tasks go on until it is as full as it should be.
async fn full(pool: &WarmPool, count: usize) {
    while warm(pool) != count {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn behind_every_claim_another_is_started() {
    let engine = Arc::new(FakeEngine::default());
    let pool = pool(&engine, 2);
    full(&pool, 2).await;
    let claimed = pool.claim(Runtime::Python).await.expect("a warm one");
    full(&pool, 2).await;
    assert_eq!(engine.started.load(Ordering::SeqCst), 3);
    pool.dispose(claimed.sandbox);
    pool.close().await;
    assert_eq!(engine.alive.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn without_warm_ones_each_claim_starts_its_own_and_no_more() {
    let engine = Arc::new(FakeEngine::default());
    let pool = pool(&engine, 0);
    let claims = [(); 3].map(|()| pool.claim(Runtime::Python));
    let claimed = future::join_all(claims).await;
    assert!(claimed.iter().all(Result::is_ok));
    assert_eq!((engine.started.load(Ordering::SeqCst), warm(&pool)), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_claim_waits_out_a_short_absence_of_the_engine() {
    let engine = Arc::new(FakeEngine { failing: AtomicUsize::new(4), ..FakeEngine::default() });
    let pool = pool(&engine, 1);
    assert!(pool.claim(Runtime::Python).await.is_ok());
    full(&pool, 1).await;
    assert_eq!(pool.health()[0].failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_claim_gives_up_on_an_engine_that_stays_away_and_the_health_says_why() {
    let engine = Arc::new(FakeEngine { failing: usize::MAX.into(), ..FakeEngine::default() });
    let pool = pool(&engine, 1);
    let begun = Instant::now();
    let error = pool.claim(Runtime::Python).await.expect_err("it is away");
    assert_eq!(error, EngineError::Unavailable("not now".to_owned()));
    assert!(begun.elapsed() <= CLAIM_PATIENCE);
    assert_eq!(pool.health()[0].failure, Some(error));
    // Once it is back, the lane fills up without anybody's help.
    engine.failing.store(0, Ordering::SeqCst);
    full(&pool, 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_installed_is_not_waited_for() {
    let engine = Arc::new(FakeEngine { unsupported: true, ..FakeEngine::default() });
    let pool = pool(&engine, 1);
    let begun = Instant::now();
    let error = pool.claim(Runtime::Python).await.expect_err("it is not there");
    assert_eq!(error, EngineError::Unsupported("not here".to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_no_sign_of_life_is_replaced_and_not_handed_out() {
    let engine = Arc::new(FakeEngine { mute: true.into(), ..FakeEngine::default() });
    let pool = pool(&engine, 1);
    full(&pool, 1).await;
    engine.mute.store(false, Ordering::SeqCst);
    let claimed = pool.claim(Runtime::Python).await.expect("another one");
    pool.dispose(claimed.sandbox);
    pool.close().await;
    assert_eq!(engine.alive.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn an_old_one_is_replaced() {
    let engine = Arc::new(FakeEngine::default());
    let pool = pool(&engine, 1);
    full(&pool, 1).await;
    sleep(Duration::from_secs(75)).await;
    full(&pool, 1).await;
    assert_eq!(engine.started.load(Ordering::SeqCst), 2);
    assert_eq!(engine.alive.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_given_up_costs_no_sandbox() {
    let engine = Arc::new(FakeEngine::default());
    let pool = pool(&engine, 0);
    assert!(timeout(Duration::ZERO, pool.claim(Runtime::Python)).await.is_err());
    // The one that was started for it waits for the next.
    full(&pool, 1).await;
    assert!(pool.claim(Runtime::Python).await.is_ok());
    assert_eq!(engine.started.load(Ordering::SeqCst), 1);
}

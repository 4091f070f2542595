//! Many streams open at once, and then many more at one moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::client::{Client, Seen};
use crate::memory::{Memory, Watch};
use crate::model::{Course, Script};
use crate::stage::Stage;

/// How much longer the held streams are than they must be to be open all through the spike.
const MARGIN: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Streams {
    /// Streams that were to be held.
    pub(crate) held: usize,
    /// The fewest and the most that were open while they were.
    pub(crate) open: (usize, usize),
    /// Requests of the spike.
    pub(crate) offered: usize,
    /// What they were answered with, by status.
    pub(crate) answers: BTreeMap<u16, usize>,
    /// The most streams that were open at once.
    pub(crate) peak: usize,
    /// Streams whose readers were told that all is there and could not be stored.
    pub(crate) unsaved: usize,
    /// Of the server, while all streams are held and after the spike.
    pub(crate) memory: Memory,
    pub(crate) idle_mib: f64,
}

/// Streams that are open now, and the most that ever were.
#[derive(Debug, Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
    /// Complete ones whose readers were told that they could not be stored.
    unsaved: AtomicUsize,
}

/// One of them. Dropping it counts it off.
struct Counted(Arc<Open>);

impl Open {
    fn one(self: &Arc<Self>) -> Counted {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Counted(Arc::clone(self))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) async fn run(stage: &Stage) -> anyhow::Result<Streams> {
    let effort = stage.effort;
    // The limits of production, at which the spike is to stop.
    let mut server = stage.serve(&[]).await?;
    let client = Client::of(server.address())?;
    let idle_mib = crate::memory::resident(server.id())?;
    let open = Arc::new(Open::default());
    let answers = Mutex::new(BTreeMap::new());
    let begin = Instant::now();
    let (held_from, spike_at) = (begin + effort.ramp, begin + effort.ramp + effort.hold);
    let held_until = spike_at + effort.spike * 2 + MARGIN;

    let held = effort.users * effort.held_each;
    eprintln!("{held} streams, held for {:?}", effort.hold);
    let gap = effort.ramp / u32::try_from(held).context("a few thousand")?;
    // All are as long as one another, so that they end as they began: one by one.
    let length = chunks(held_until - begin, effort.pace);
    let holding = (0..held).map(|number| {
        let user = stage.users[number % stage.users.len()];
        let at = begin + gap * u32::try_from(number).unwrap_or_default();
        let script = stage.script(length, effort.pace, Course::Whole);
        let (client, open) = (client.clone(), Arc::clone(&open));
        async move {
            sleep_until(at).await;
            let seen = one(stage, &client, user, script, &open).await;
            if !matches!(seen, Some(200)) {
                stage.mistakes.add(format!("a stream that is to be held: status {seen:?}"));
            }
        }
    });
    let offered = effort.users * effort.spike_each;
    let step = effort.spike / u32::try_from(offered).context("a few thousand")?;
    let spiking = (0..offered).map(|number| {
        let user = stage.users[number % stage.users.len()];
        // These come as fast as people do, and end one by one over twice the ramp.
        let at = spike_at + step * u32::try_from(number).unwrap_or_default();
        let longer = gap * u32::try_from(number % held * 2).unwrap_or_default();
        let length = chunks(effort.spike + longer, effort.pace);
        let script = stage.script(length, effort.pace, Course::Whole);
        let (client, open, answers) = (client.clone(), Arc::clone(&open), &answers);
        async move {
            sleep_until(at).await;
            let Some(status) = one(stage, &client, user, script, &open).await else { return };
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            *answers.entry(status).or_default() += 1;
            // 504 is a time: that of a database which shares the machine.
            if !matches!(status, 200 | 429 | 503 | 504) {
                stage.mistakes.add(format!("the spike was answered with {status}"));
            }
        }
    });
    let watching = async {
        // The last of the ramp get a moment to begin.
        sleep_until(held_from + effort.hold / 10).await;
        let watch = Watch::over(server.id());
        let (mut fewest, mut most) = (usize::MAX, 0);
        while Instant::now() + Duration::from_millis(100) < spike_at {
            let now = open.now.load(Ordering::SeqCst);
            (fewest, most) = (fewest.min(now), most.max(now));
            sleep(Duration::from_millis(50)).await;
        }
        let memory = watch.finish(Duration::ZERO);
        eprintln!("a spike of {offered} requests");
        memory.map(|memory| ((fewest, most), memory))
    };
    let ((), (), watched) = tokio::join!(
        async { drop(join_all(holding).await) },
        async { drop(join_all(spiking).await) },
        watching,
    );
    let (open_while_held, memory) = watched?;
    if open_while_held.0 < held {
        // A matter of time, not of right or wrong: the figure says it.
        eprintln!("only {} of {held} streams were open all the time", open_while_held.0);
    }
    let status = server.terminate().await?;
    if !status.success() {
        stage.mistakes.add(format!("the server ended with {status}; {}", server.last_words()));
    }
    let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (peak, unsaved) = (open.most.load(Ordering::SeqCst), open.unsaved.load(Ordering::SeqCst));
    let open = open_while_held;
    Ok(Streams { held, open, offered, answers, peak, unsaved, memory, idle_mib })
}

/// Chunks of a stream that is to be so long.
fn chunks(time: Duration, pace: Duration) -> u64 {
    u64::try_from(time.as_millis() / pace.as_millis().max(1)).unwrap_or_default()
}

/// One stream to its end; the status of its answer.
async fn one(
    stage: &Stage,
    client: &Client,
    user: Uuid,
    script: Script,
    open: &Arc<Open>,
) -> Option<u16> {
    let seen = client.generate(stage, user, script, || open.one()).await;
    match seen {
        Ok(Seen::Stored(row)) => {
            stage.tally.of(user, |account| {
                account.rows.insert(row, script);
            });
            Some(200)
        }
        Ok(Seen::Refused(status, code)) => {
            if status >= 500 && code != "UNAVAILABLE" {
                stage.tally.of(user, |account| account.unclear += 1);
            }
            Some(status)
        }
        Ok(Seen::Failed(code)) => {
            stage.tally.of(user, |account| account.refunded += 1);
            stage.mistakes.add(format!("a stream ended with {code}"));
            Some(200)
        }
        Ok(Seen::NotStored) => {
            // Its reader is told; that the database was too late is a time as well.
            stage.tally.of(user, |account| account.unclear += 1);
            open.unsaved.fetch_add(1, Ordering::SeqCst);
            Some(200)
        }
        Ok(Seen::Left) => None,
        Err(error) => {
            stage.tally.of(user, |account| account.unclear += 1);
            stage.mistakes.add(format!("a stream: {error:#}"));
            None
        }
    }
}

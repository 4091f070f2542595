use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

use super::name;
use super::pages::{EPOCH_KEY, HELD, HELD_FOR_MS, PAGES_OF, VERSION_TTL_MS, fresh};
use crate::domain::CacheKey;

/// Most owners remembered; one takes some 50 bytes. More change during an outage only where it
/// lasts, and then all pages of everybody are forgotten at once.
const CAPACITY: usize = 16_384;
/// Owners told of in one round trip.
const BATCH: usize = 512;

/// Owners whose pages have changed without Redis knowing it yet. While an owner is in here, this
/// process takes no page of theirs from Redis.
pub(super) struct Untold {
    marks: Mutex<Marks>,
    grown: Notify,
    capacity: usize,
}

/// A change that Redis is about to be told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    owner: CacheKey,
    change: u64,
}

#[derive(Default)]
struct Marks {
    /// The newest change of each owner.
    owners: HashMap<CacheKey, u64>,
    /// The newest change for which there was no room; everybody's pages are in doubt then.
    everybody: Option<u64>,
    /// Changes so far.
    changes: u64,
}

impl Untold {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self { marks: Mutex::default(), grown: Notify::new(), capacity }
    }

    /// Notes a change before Redis is told, so that it stays noted if telling fails in any way.
    pub(super) fn mark(&self, owner: CacheKey) -> Mark {
        let mut marks = self.marks();
        marks.changes += 1;
        let change = marks.changes;
        if marks.owners.len() >= self.capacity && !marks.owners.contains_key(&owner) {
            marks.owners.clear();
            marks.everybody = Some(change);
            self.remind();
        } else {
            marks.owners.insert(owner, change);
        }
        Mark { owner, change }
    }

    /// Redis knows. A newer change of the same owner stays.
    pub(super) fn told(&self, mark: Mark) {
        let mut marks = self.marks();
        if marks.owners.get(&mark.owner) == Some(&mark.change) {
            marks.owners.remove(&mark.owner);
        }
    }

    /// Redis does not know, and should soon.
    pub(super) fn remind(&self) {
        self.grown.notify_one();
    }

    /// Waits for a reminder.
    pub(super) async fn grown(&self) {
        self.grown.notified().await;
    }

    /// Whether a change of this owner is untold.
    pub(super) fn holds(&self, owner: &CacheKey) -> bool {
        let marks = self.marks();
        marks.everybody.is_some() || marks.owners.contains_key(owner)
    }

    /// Tells Redis of all that was noted before. What it confirmed is forgotten, also when it fails
    /// half-way.
    ///
    /// The pages of these owners stay uncached for a moment: how their changes ended is unknown in
    /// here, and one may still be on its way into the database.
    pub(super) async fn tell(&self, mut connection: MultiplexedConnection) -> RedisResult<()> {
        let (marks, everybody) = self.noted();
        if let Some(change) = everybody {
            redis::cmd("SET")
                .arg(EPOCH_KEY)
                .arg(&fresh()[..])
                .arg("PX")
                .arg(VERSION_TTL_MS)
                .exec_async(&mut connection)
                .await?;
            let mut marks = self.marks();
            if marks.everybody == Some(change) {
                marks.everybody = None;
            }
        }
        for batch in marks.chunks(BATCH) {
            let mut pipeline = redis::pipe();
            for mark in batch {
                let version = name(PAGES_OF, &mark.owner);
                let hold = pipeline.cmd("SET").arg(version).arg(HELD);
                hold.arg("PX").arg(HELD_FOR_MS).ignore();
            }
            pipeline.exec_async(&mut connection).await?;
            for mark in batch {
                self.told(*mark);
            }
        }
        Ok(())
    }

    fn noted(&self) -> (Vec<Mark>, Option<u64>) {
        let marks = self.marks();
        let owners =
            marks.owners.iter().map(|(owner, change)| Mark { owner: *owner, change: *change });
        (owners.collect(), marks.everybody)
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Each change of the marks is one step, so a panic elsewhere leaves them whole.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tester_peers::redis::{Answer, RedisPeer};

    use super::*;

    const ONE: CacheKey = CacheKey([1; 32]);
    const OTHER: CacheKey = CacheKey([2; 32]);

    #[test]
    fn a_change_is_held_until_it_is_told() {
        let untold = Untold::new();
        let mark = untold.mark(ONE);
        assert!(untold.holds(&ONE));
        assert!(!untold.holds(&OTHER));
        untold.told(mark);
        assert!(!untold.holds(&ONE));
    }

    #[test]
    fn a_newer_change_outlives_the_telling_of_an_older_one() {
        let untold = Untold::new();
        let older = untold.mark(ONE);
        let newer = untold.mark(ONE);
        untold.told(older);
        assert!(untold.holds(&ONE));
        untold.told(newer);
        assert!(!untold.holds(&ONE));
    }

    #[tokio::test]
    async fn with_too_many_owners_everybody_is_in_doubt_and_a_reminder_is_given() {
        let untold = Untold::with_capacity(2);
        untold.mark(ONE);
        untold.mark(OTHER);
        untold.mark(ONE);
        assert!(!untold.holds(&CacheKey([3; 32])));
        let crowded_out = untold.mark(CacheKey([3; 32]));
        untold.grown().await;
        assert!(untold.holds(&CacheKey([4; 32])));
        untold.told(crowded_out);
        assert!(untold.holds(&ONE), "one that was told makes no room for those that were lost");
        assert_eq!(untold.noted().0.len(), 0);
    }

    async fn connection_to(peer: &RedisPeer) -> MultiplexedConnection {
        let client = redis::Client::open(peer.url()).expect("a URL");
        client.get_multiplexed_async_connection().await.expect("the peer listens")
    }

    #[tokio::test]
    async fn telling_holds_the_pages_of_those_that_were_noted_and_renews_what_all_share_for_the_rest()
     {
        let peer = RedisPeer::start(Answer::Empty).await.expect("a free port");
        let untold = Untold::with_capacity(1);
        untold.mark(ONE);
        untold.tell(connection_to(&peer).await).await.expect("an answer");
        assert!(!untold.holds(&ONE));
        peer.asked(&["SET", &name(PAGES_OF, &ONE), "held", "PX"]).await;
        assert!(!peer.commands().iter().any(|command| command[1] == EPOCH_KEY));
        untold.mark(ONE);
        untold.mark(OTHER);
        untold.mark(OTHER);
        untold.tell(connection_to(&peer).await).await.expect("an answer");
        assert!(!untold.holds(&ONE) && !untold.holds(&OTHER));
        peer.asked(&["SET", EPOCH_KEY]).await;
        peer.asked(&["SET", &name(PAGES_OF, &OTHER), "held", "PX"]).await;
    }

    #[tokio::test]
    async fn what_could_not_be_told_stays() {
        let refusal = b"-READONLY You can't write against a read only replica.\r\n";
        let peer = RedisPeer::start(Answer::To("SET", refusal)).await.expect("a free port");
        let untold = Untold::with_capacity(1);
        untold.mark(ONE);
        assert!(untold.tell(connection_to(&peer).await).await.is_err());
        assert!(untold.holds(&ONE));
        untold.mark(OTHER);
        assert!(untold.tell(connection_to(&peer).await).await.is_err());
        assert!(untold.holds(&ONE) && untold.holds(&OTHER));
    }
}

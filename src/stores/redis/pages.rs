use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script, cmd};
use uuid::Uuid;

use super::link::{Operation, RedisLink};
use super::{VALUE_MAX_BYTES, milliseconds, name};
use crate::domain::CacheKey;

/// Kind of the names under which an owner's version lies.
pub(super) const PAGES_OF: &str = "pages-of";
/// Kind of the names under which pages lie.
const PAGE: &str = "page";
/// Where the version that all owners share lies.
pub(super) const EPOCH_KEY: &str = "tester:pages";

/// Half of a version, in bytes.
const HALF: usize = 16;
/// A day: how long a version lives. Pages whose version is gone are gone with it.
pub(super) const VERSION_TTL_MS: u64 = 24 * 60 * 60 * 1_000;
/// Stands in an owner's version while nothing may be kept: no version has this length.
pub(super) const HELD: &[u8] = b"held";
/// How long a change whose end is unknown may still take: the deadline of one in the database, and
/// what the database may go on for after nobody waits.
pub(super) const HELD_FOR_MS: u64 = 30_000;
/// Takes an owner's version away, but not what is held for another change.
const FORGET: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then redis.call('DEL', KEYS[1]) end";

/// Pages of lists, each with an owner, shared by all instances and never served after the owner's
/// list has changed.
///
/// A page is kept together with the version that its owner's list had *before* the page was read
/// from the database, and served only while that is still the version. A change gives the list
/// another version, after the database has committed and before anybody is told that it did. So it
/// does not matter who is faster:
///
/// - A reader that was under way during the change keeps a page that nobody will be served.
/// - A version that is lost (expired, evicted, `FLUSHALL`) is replaced by a new random one, and no
///   page fits that.
/// - A change that Redis can't be told of is noted, and told when Redis is back, before it is used
///   for anything else. Meanwhile this instance takes no page of that owner from Redis. Where there
///   were too many to note them all, everybody's pages are forgotten: a version has a half that all
///   owners share.
/// - A change of which nobody knows whether it happened, or will yet, holds the owner's pages back
///   for half a minute.
///
/// What remains is that an instance which is cut off from Redis while others are not, or dies
/// before it told, leaves them with old pages, for the life of a page at most. The same goes for a
/// Redis that forgets its latest writes but not all (a failover, an old snapshot), and for
/// instances that do not have the same encryption key.
pub struct SharedPages {
    link: RedisLink,
    ttl: Duration,
    forget: Script,
}

/// What a list was like when it was read: equal for two readings exactly when nothing changed in
/// between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageVersion([u8; 2 * HALF]);

/// What is known of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPage {
    /// What the owner's list is like now.
    pub version: PageVersion,
    /// The page, if it was kept and is of this version.
    pub page: Option<Bytes>,
}

/// Whether it is known how a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It has ended.
    Ended,
    /// Nobody knows; it may still be on its way.
    Unknown,
}

impl PageVersion {
    /// For what must fit this version and no other.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl SharedPages {
    /// Pages are kept for that long.
    #[must_use]
    pub fn new(link: RedisLink, ttl: Duration) -> Self {
        Self { link, ttl, forget: Script::new(FORGET) }
    }

    /// The page, and the version to keep it under if it must be read anew; `None` when nothing can
    /// be said or kept now.
    pub async fn get(&self, owner: &CacheKey, page: &CacheKey) -> Option<FoundPage> {
        if self.link.untold().holds(owner) {
            self.link.untold().remind();
            RedisLink::do_without(Operation::PageGet);
            return None;
        }
        let (owner, page) = (name(PAGES_OF, owner), name(PAGE, page));
        let ask = |connection| read(connection, owner, page);
        let (epoch, version, kept) = self.link.run(Operation::PageGet, ask).await?;
        let version = PageVersion([epoch, version].concat().try_into().ok()?);
        let page = Bytes::from(kept);
        let of_this_version = page.len() <= VALUE_MAX_BYTES && page.starts_with(&version.0);
        Some(FoundPage { version, page: of_this_version.then(|| page.slice(2 * HALF..)) })
    }

    /// Keeps a page that was read after this version was found.
    pub async fn put(&self, page: CacheKey, version: PageVersion, value: &[u8]) {
        let Some(ttl) = milliseconds(self.ttl) else { return };
        if version.0.len() + value.len() > VALUE_MAX_BYTES {
            return;
        }
        let value = [&version.0, value].concat();
        let mut set = cmd("SET");
        set.arg(name(PAGE, &page)).arg(value).arg("PX").arg(ttl);
        let put = async |mut connection| set.exec_async(&mut connection).await;
        self.link.run(Operation::PagePut, put).await;
    }

    /// Forgets all pages of an owner whose list has changed. Must be seen to its end.
    pub async fn forget(&self, owner: CacheKey, certainty: Certainty) {
        let mark = self.link.untold().mark(owner);
        let version = name(PAGES_OF, &owner);
        let tell = async |mut connection: MultiplexedConnection| match certainty {
            Certainty::Ended => {
                self.forget.key(version).arg(HELD).invoke_async(&mut connection).await
            }
            Certainty::Unknown => {
                let mut hold = cmd("SET");
                hold.arg(version).arg(HELD).arg("PX").arg(HELD_FOR_MS);
                hold.exec_async(&mut connection).await
            }
        };
        match self.link.run(Operation::PagesForget, tell).await {
            Some(()) => self.link.untold().told(mark),
            None => self.link.untold().remind(),
        }
    }
}

/// One round trip: both halves of the version, made where they are missing, and the page.
async fn read(
    mut connection: MultiplexedConnection,
    owner: String,
    page: String,
) -> RedisResult<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let mut pipeline = redis::pipe();
    for half in [EPOCH_KEY, &owner] {
        let make = pipeline.cmd("SET").arg(half).arg(&fresh()[..]);
        make.arg("NX").arg("PX").arg(VERSION_TTL_MS).ignore();
        pipeline.cmd("GETRANGE").arg(half).arg(0).arg(HALF);
    }
    pipeline.cmd("GETRANGE").arg(page).arg(0).arg(VALUE_MAX_BYTES);
    pipeline.query_async(&mut connection).await
}

/// Half a version that never was before: 122 random bits.
pub(super) fn fresh() -> [u8; HALF] {
    Uuid::new_v4().into_bytes()
}

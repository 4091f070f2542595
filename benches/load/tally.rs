use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::model::Script;

/// What clients saw, to be compared with what the database holds.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<Uuid, Account>>);

/// What one user's generations came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// Complete answers: the script of each, by its row.
    pub(crate) rows: BTreeMap<Uuid, Script>,
    /// Paid for without a row: the reader left after the first chunk.
    pub(crate) left: u64,
    /// Charged, and to be given back.
    pub(crate) refunded: u64,
    /// Ended in a way that leaves open whether it was charged. There should be none.
    pub(crate) unclear: u64,
}

impl Account {
    pub(crate) fn paid(&self) -> u64 {
        self.rows.len() as u64 + self.left
    }
}

impl Tally {
    pub(crate) fn of(&self, user: Uuid, count: impl FnOnce(&mut Account)) {
        count(self.lock().entry(user).or_default());
    }

    pub(crate) fn accounts(&self) -> BTreeMap<Uuid, Account> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

use std::sync::{Mutex, PoisonError};

/// How many are told in full.
const TOLD: usize = 20;

/// What must not have happened.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Mutex<(u64, Vec<String>)>);

impl Mistakes {
    pub(crate) fn add(&self, what: impl Into<String>) {
        let mut mistakes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mistakes.0 += 1;
        if mistakes.1.len() < TOLD {
            mistakes.1.push(what.into());
        }
    }

    pub(crate) fn none(&self) -> bool {
        self.told().0 == 0
    }

    /// How many there are, and the first of them.
    pub(crate) fn told(&self) -> (u64, Vec<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{Charge, GenerationId};

/// From this many charges on, those that nobody closed are swept out: far more than a process
/// generates at a time.
const SWEEP_AT: usize = 4_096;

/// Age at which a charge counts as forgotten: far longer than any generation takes (a request
/// ends after 300 s).
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// The charges of this process that are neither settled nor refunded.
#[derive(Debug, Default)]
pub(super) struct OpenCharges(Mutex<HashMap<GenerationId, (Charge, Instant)>>);

impl OpenCharges {
    /// Takes note of a charge; `false` when its reference is open already.
    pub(super) fn open(&self, charge: Charge) -> bool {
        let mut charges = self.charges();
        if charges.len() >= SWEEP_AT {
            charges.retain(|_, (_, since)| since.elapsed() < FORGOTTEN_AFTER);
        }
        if charges.contains_key(&charge.reference) {
            return false;
        }
        charges.insert(charge.reference, (charge, Instant::now()));
        true
    }

    /// Closes a charge; `false` when exactly this one is not open.
    pub(super) fn close(&self, charge: Charge) -> bool {
        let mut charges = self.charges();
        let open = charges.get(&charge.reference).is_some_and(|(held, _)| *held == charge);
        open && charges.remove(&charge.reference).is_some()
    }

    fn charges(&self) -> MutexGuard<'_, HashMap<GenerationId, (Charge, Instant)>> {
        // Every change under the lock is a single insert or remove: a panic leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

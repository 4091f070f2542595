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
        self.open_at(charge, Instant::now())
    }

    fn open_at(&self, charge: Charge, now: Instant) -> bool {
        let mut charges = self.charges();
        if charges.len() >= SWEEP_AT {
            charges.retain(|_, (_, since)| now.duration_since(*since) < FORGOTTEN_AFTER);
        }
        if charges.contains_key(&charge.reference) {
            return false;
        }
        charges.insert(charge.reference, (charge, now));
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::UserId;

    fn charge() -> Charge {
        let reference = GenerationId::random();
        Charge { user: UserId(Uuid::from_u128(1)), amount: 10, reference }
    }

    #[test]
    fn charges_that_nobody_closes_do_not_pile_up() {
        let (charges, start) = (OpenCharges::default(), Instant::now());
        let forgotten: Vec<_> = (0..SWEEP_AT - 1).map(|_| charge()).collect();
        assert!(forgotten.iter().all(|charge| charges.open_at(*charge, start)));
        let (recent, last) = (charge(), charge());
        assert!(charges.open_at(recent, start + FORGOTTEN_AFTER / 2));
        assert!(charges.open_at(last, start + FORGOTTEN_AFTER));
        assert_eq!(charges.charges().len(), 2);
        assert!(!charges.close(forgotten[0]));
        assert!(charges.close(recent) && charges.close(last));
    }

    #[test]
    fn only_the_very_same_charge_is_closed() {
        let (charges, charge) = (OpenCharges::default(), charge());
        assert!(charges.open(charge));
        assert!(!charges.open(charge));
        assert!(!charges.close(Charge { amount: 11, ..charge }));
        assert!(charges.close(charge));
        assert!(!charges.close(charge));
    }
}

//! What `tester serve` does without being asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::services::wallet::WalletService;

/// Between two looks for abandoned charges. Each is one call that finds nothing, as a rule.
const LOOK_EVERY: Duration = Duration::from_mins(5);

/// Looks for charges that a process left open when it died, as long as this one takes work: once
/// right away, for after a crash the next start is the first that can mend it.
pub(super) async fn refund_abandoned_charges(
    wallet: Arc<WalletService>,
    draining: CancellationToken,
) {
    let mut ticks = interval_at(Instant::now(), LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looks = async {
        loop {
            ticks.tick().await;
            wallet.refund_abandoned().await;
        }
    };
    // A look that is cut off has happened or not; the next instance looks again.
    draining.run_until_cancelled(looks).await;
}

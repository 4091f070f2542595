//! The stores the tests run against: servers of this very process, each in a folder of its own.

pub mod lite;
pub mod nginx;
pub mod postgres;
pub mod redis;
pub mod server;

use std::time::Duration;

use crate::support::soon;

/// Between two looks at something that is about to change.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
}

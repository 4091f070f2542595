//! What the stores of the tests ask of whoever starts them.

use std::future::Future;
use std::time::Duration;

/// Long enough for any machine, short enough to find a hang.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const JWT_SECRET: &str = "a-benchmark-jwt-secret-of-more-than-32-bytes-012345";

/// Fails instead of hanging.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen within {PATIENCE:?}"))
}

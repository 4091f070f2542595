//! Clients that mean no good: each gets what it deserves, and everybody else is served meanwhile.

#[cfg(target_os = "linux")]
mod apart;
#[cfg(target_os = "linux")]
mod crowd;
mod malformed;
mod oversized;
mod slow;
#[cfg(target_os = "linux")]
mod stalled;

use crate::support::RawClient;

/// A request that always has an answer.
const HEALTH: &[u8] = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n";

/// An honest client who was here before, on a connection that is kept.
struct Bystander {
    client: RawClient,
}

impl Bystander {
    async fn of(address: &str) -> Self {
        Self { client: RawClient::connect(address).await }
    }

    /// Is served, on the connection it has and on a new one.
    async fn is_served(&mut self, address: &str) {
        for client in [&mut self.client, &mut RawClient::connect(address).await] {
            client.send(HEALTH).await;
            let (status, body) = client.answer().await;
            assert_eq!(status, 200, "{body}");
        }
    }
}

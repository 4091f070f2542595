use std::sync::Arc;

use tokio::sync::Semaphore;

/// Holds a peer back where it would go on, until a test lets it: one step at a time or for good.
/// So a test needs no sleep. Clones share their permits.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate that lets nothing through yet.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets that many further steps through. Of an answer each segment is one, and so is the orderly
    /// end of its body.
    pub fn release(&self, steps: usize) {
        self.0.add_permits(steps);
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits for a permit and uses it up.
    pub(crate) async fn pass(&self) {
        // A closed semaphore is an open gate.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

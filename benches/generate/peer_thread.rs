use std::time::Instant;

use anyhow::Context as _;
use tester_peers::paced::{Pace, PacedPeer, Script};
use tokio_util::sync::CancellationToken;

/// The paced peer on a thread of its own, so that its pace does not depend on the load client.
#[derive(Debug)]
pub(crate) struct PeerThread {
    peer: PacedPeer,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl PeerThread {
    pub(crate) fn start(epoch: Instant) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let script = Script { chunks: 1, pace: Pace::Unpaced };
        let peer =
            runtime.block_on(PacedPeer::start(epoch, script)).context("starting the peer")?;
        let stop = CancellationToken::new();
        let until = stop.clone();
        let thread = std::thread::Builder::new()
            .name("peer".to_owned())
            .spawn(move || runtime.block_on(until.cancelled()))?;
        Ok(Self { peer, stop, thread: Some(thread) })
    }

    pub(crate) fn peer(&self) -> &PacedPeer {
        &self.peer
    }
}

impl Drop for PeerThread {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic on that thread has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}

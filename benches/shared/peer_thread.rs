use std::io;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

/// Peers on a thread of their own, so that their pace does not depend on the load client.
#[derive(Debug)]
pub(crate) struct PeerThread<P> {
    peer: P,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl<P> PeerThread<P> {
    pub(crate) fn start(peer: impl Future<Output = io::Result<P>>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let peer = runtime.block_on(peer).context("starting the peer")?;
        let stop = CancellationToken::new();
        let until = stop.clone();
        let thread = std::thread::Builder::new()
            .name("peer".to_owned())
            .spawn(move || runtime.block_on(until.cancelled()))?;
        Ok(Self { peer, stop, thread: Some(thread) })
    }

    pub(crate) const fn peer(&self) -> &P {
        &self.peer
    }
}

impl<P> Drop for PeerThread<P> {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic on that thread has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}

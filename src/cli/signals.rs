//! How a platform asks the process to stop.

/// Ready when the process is asked to stop (SIGTERM, or Ctrl-C). From then on a second request ends
/// the process at once: whoever asks twice does not want to wait for open streams.
///
/// Listens from the call on, not from the first poll: call it before anybody is told that the
/// process is ready. Needs a runtime.
pub(super) fn stop_requested() -> impl Future<Output = ()> {
    let mut requests = Requests::listen();
    async move {
        requests.next().await;
        tokio::spawn(async move {
            requests.next().await;
            tracing::warn!("asked twice to stop: ending at once");
            std::process::exit(1);
        });
    }
}

/// What asks the process to stop; nothing, where signals can't be handled.
#[cfg(unix)]
struct Requests(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Requests {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(terminate), Ok(interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals can't be handled; the process ends only by force");
            return Self(None);
        };
        Self(Some([terminate, interrupt]))
    }

    async fn next(&mut self) {
        let Some([terminate, interrupt]) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Requests;

#[cfg(not(unix))]
impl Requests {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            tracing::error!("signals can't be handled; the process ends only by force");
            std::future::pending::<()>().await;
        }
    }
}

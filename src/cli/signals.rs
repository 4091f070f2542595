//! How a platform asks the process to stop.

/// Ready when the process is asked to stop (SIGTERM, or Ctrl-C). From then on a second request ends
/// the process at once: whoever asks twice does not want to wait for open streams.
pub(super) async fn stop_requested() {
    wait().await;
    tokio::spawn(async {
        wait().await;
        tracing::warn!("asked twice to stop: ending at once");
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals can't be handled; the process ends only by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait() {
    if tokio::signal::ctrl_c().await.is_err() {
        tracing::error!("signals can't be handled; the process ends only by force");
        std::future::pending::<()>().await;
    }
}

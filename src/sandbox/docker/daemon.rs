//! The daemon: its API within deadlines, and what its answers mean to us.

use std::path::Path;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::time::{Instant, sleep, timeout};

use crate::sandbox::EngineError;

/// For a question that the daemon answers from what it knows.
pub(super) const QUESTION: Duration = Duration::from_secs(10);
/// For what makes it start or end something. On a loaded machine that takes a while.
pub(super) const DEED: Duration = Duration::from_secs(30);

/// How long something is tried again while the daemon can't be reached: about what a restart of
/// it takes.
const RECONNECTING: Duration = Duration::from_secs(5);
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// Why the daemon did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// There is no such container or image.
    #[error("there is no such thing: {0}")]
    Gone(String),
    /// It is in that state already.
    #[error("that is so already: {0}")]
    Conflict(String),
    /// Nobody answers.
    #[error("the Docker daemon does not answer: {0}")]
    NoAnswer(String),
    /// Everything else, in the daemon's words.
    #[error("the Docker daemon refuses: {0}")]
    Refused(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code: 404, message } => Self::Gone(message),
            Error::DockerResponseServerError { status_code: 304 | 409, message } => {
                Self::Conflict(message)
            }
            Error::DockerResponseServerError { message, .. } => Self::Refused(message),
            Error::RequestTimeoutError
            | Error::IOError { .. }
            | Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. }
            | Error::SocketNotFoundError(_) => Self::NoAnswer(chain(&error)),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self::Unavailable(refusal.to_string())
    }
}

/// The daemon behind a socket.
pub(super) async fn connect(socket: &Path) -> Result<Docker, Refusal> {
    let path = socket
        .to_str()
        .ok_or_else(|| Refusal::NoAnswer(format!("{} is not a path", socket.display())))?;
    let docker = Docker::connect_with_unix(path, DEED.as_secs(), API_DEFAULT_VERSION)?;
    within(QUESTION, docker.negotiate_version()).await
}

/// Asks, and does not wait longer than `limit` for the answer.
pub(super) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Refusal> {
    match timeout(limit, answer).await {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => Err(Refusal::NoAnswer(format!("nothing came within {limit:?}"))),
    }
}

/// Asks again while nobody answers, for as long as a restart of the daemon takes. Only for what may
/// be said twice.
pub(super) async fn persistently<T, F: Future<Output = Result<T, Refusal>>>(
    mut ask: impl FnMut() -> F,
) -> Result<T, Refusal> {
    let end = Instant::now() + RECONNECTING;
    loop {
        match ask().await {
            Err(Refusal::NoAnswer(_)) if Instant::now() < end => sleep(RECONNECT_PAUSE).await,
            answer => return answer,
        }
    }
}

/// An error with its causes: "client error (Connect)" alone helps nobody.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_given_up() {
        let refusal = within::<()>(QUESTION, std::future::pending()).await;
        assert!(matches!(refusal, Err(Refusal::NoAnswer(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_restarts_is_waited_for() {
        let asked = Cell::new(0);
        let answer = persistently(|| {
            asked.set(asked.get() + 1);
            let answer = if asked.get() < 8 {
                Err(Refusal::NoAnswer(String::new()))
            } else {
                Ok(asked.get())
            };
            std::future::ready(answer)
        });
        assert_eq!(answer.await, Ok(8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_stays_away_is_given_up() {
        let answer = persistently(|| {
            std::future::ready(Err::<(), _>(Refusal::NoAnswer("connection refused".to_owned())))
        });
        assert_eq!(answer.await, Err(Refusal::NoAnswer("connection refused".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_argued_with() {
        let asked = Cell::new(0);
        let answer = persistently(|| {
            asked.set(asked.get() + 1);
            std::future::ready(Err::<(), _>(Refusal::Refused("no".to_owned())))
        });
        assert_eq!(answer.await, Err(Refusal::Refused("no".to_owned())));
        assert_eq!(asked.get(), 1);
    }
}

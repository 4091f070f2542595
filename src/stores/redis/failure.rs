use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis did not do what it was asked.
#[derive(Clone, Debug)]
pub enum Failure {
    /// It did not answer in time.
    Timeout,
    /// It, or the way to it, failed.
    Error(RedisError),
}

/// A failure's kind, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No answer in time.
    Timeout,
    /// The connection can't be made or breaks.
    Connection,
    /// What comes is not the Redis protocol, or not an answer to what was asked. Whatever comes
    /// next on this connection can't be trusted either.
    Protocol,
    /// The server serves nobody, or not us: it is loading, a replica, full, or wants a password.
    /// Every request would hear the same.
    Refused,
    /// This one command is refused: somebody else's value under our name, or a command that our
    /// account may not use. Others may go through.
    Command,
}

impl Reason {
    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::Command => "command",
        }
    }

    /// Whether the link is useless, as opposed to this one question.
    pub(super) const fn is_of_the_link(self) -> bool {
        match self {
            Self::Timeout | Self::Connection | Self::Protocol | Self::Refused => true,
            Self::Command => false,
        }
    }
}

impl Failure {
    /// Its kind.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout => Reason::Timeout,
            Self::Error(error) => reason(error),
        }
    }

    /// What an operator can do something with, in our own words: no URL, no password, no text of
    /// the server's.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Timeout => "no answer in time",
            Self::Error(error) => words(error),
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Error(error)
    }
}

fn reason(error: &RedisError) -> Reason {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Client | ErrorKind::InvalidClientConfig => Reason::Connection,
        ErrorKind::Server(kind) => match kind {
            // ERR is also how a script reports what went wrong in the middle of it.
            ServerErrorKind::ResponseError
            | ServerErrorKind::NoScript
            | ServerErrorKind::NoPerm
            | ServerErrorKind::ExecAbort => Reason::Command,
            _ => Reason::Refused,
        },
        ErrorKind::Extension if server_code(error).as_deref() == Some("WRONGTYPE") => {
            Reason::Command
        }
        ErrorKind::Extension | ErrorKind::AuthenticationFailed => Reason::Refused,
        _ => Reason::Protocol,
    }
}

fn words(error: &RedisError) -> &'static str {
    match error.kind() {
        ErrorKind::AuthenticationFailed => "refuses the password in REDIS_URL",
        _ if error.is_connection_refusal() => "refuses the connection",
        ErrorKind::Io | ErrorKind::Client | ErrorKind::InvalidClientConfig => {
            "can't be reached, or the connection breaks"
        }
        ErrorKind::Server(_) | ErrorKind::Extension => match server_code(error).as_deref() {
            Some("NOAUTH") => "wants a password, and REDIS_URL has none",
            Some("WRONGPASS") => "refuses the password in REDIS_URL",
            Some("NOPERM") => "does not let the user in REDIS_URL do this",
            Some("LOADING") => "is loading its data",
            Some("READONLY") => "is a read-only replica",
            Some("OOM") => "is full, and its policy is to evict nothing",
            Some("MISCONF") => "takes no writes while it can't save to disk",
            Some("WRONGTYPE") => "holds a foreign value under one of our names",
            _ => "refuses the command",
        },
        _ => "does not speak the Redis protocol",
    }
}

/// The first word of the server's refusal, of a pipeline the first refusal's.
fn server_code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}

impl From<tokio::time::error::Elapsed> for Failure {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Timeout
    }
}

use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;

/// Whether the rules for real users' data apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeployEnvironment {
    /// `ENV=development`: dependencies may speak plain HTTP, test secrets are accepted.
    Development,
    /// `ENV=production`, the default of `serve`: https only, test secrets refused.
    Production,
}

impl DeployEnvironment {
    /// The value of `ENV`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// How TESTER listens, whichever half it is.
#[derive(Clone, Copy, Debug)]
pub struct ListenSettings {
    /// `HOST`: the address to bind. `dev` accepts loopback addresses only.
    pub host: IpAddr,
    /// `PORT`: the port to bind; 0 lets the system choose.
    pub port: u16,
    /// `server.workers`: threads that serve requests; 0 means one a core.
    pub workers: usize,
    /// `server.max_connections`: open connections a worker thread accepts.
    pub max_connections: usize,
    /// `server.head_timeout_ms`: how long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// `server.body_timeout_ms`: how long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// `server.keep_alive_ms`: how long an idle connection is kept.
    pub keep_alive: Duration,
    /// `server.write_timeout_ms`: how long a connection may take no byte of an answer, or be sent
    /// none, before it is closed.
    pub write_timeout: Duration,
    /// `server.shutdown_grace_ms`: how long open streams may go on after SIGTERM.
    pub shutdown_grace: Duration,
}

/// How the web half is reached.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// How it listens.
    pub listen: ListenSettings,
    /// `server.max_generations`: generations at one time; whoever comes then is refused.
    pub max_generations: usize,
    /// `TRUSTED_PROXY_HOPS`: how many proxies in front of TESTER append to `X-Forwarded-For`.
    pub trusted_proxy_hops: usize,
    /// `ALLOWED_ORIGINS`: the web origins whose pages may call the API, comma-separated,
    /// each in its ASCII serialisation (`https://app.example.com`).
    pub allowed_origins: Vec<String>,
    /// `TESTER_INTERNAL_SECRET`: opens the ops routes; without it they do not exist.
    pub internal_secret: Option<SecretString>,
}

//! The one policy of outgoing HTTP.
//!
//! Every gateway calls out through a client made here: TLS by rustls with ring, certificates
//! checked against the platform's roots, no redirects, no proxies and nothing else from the
//! environment, no compression, no retries behind the gateway's back. Deadlines are each
//! gateway's own, for only it knows what a call may take; the client bounds connecting.
//!
//! On a machine without a bundle of root certificates the client still works for `http` URLs, and
//! every `https` call fails in its handshake (closed, not open); one warning says why.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use reqwest::{Client, RequestBuilder, Response};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use thread_local::ThreadLocal;

/// How TESTER names itself to other services. Not a browser's name: Supabase refuses secret keys
/// from those.
const USER_AGENT: &str = concat!("tester/", env!("CARGO_PKG_VERSION"));
/// Idle connections kept per thread and host: what a burst leaves behind is worth a handshake
/// each, more is memory for nothing.
const MAX_IDLE_CONNECTIONS: usize = 32;
/// How long an idle connection is kept: below the 4 minutes after which Google and Cloudflare
/// close it, so that a request seldom meets a closing one.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(90);
/// Probes find a peer that vanished without a word, within minutes, also on an idle connection.
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);

/// What a client is used for, and with it the HTTP versions it may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Short calls: HTTP/2 where the server offers it, many on one connection.
    Calls,
    /// Long streams: HTTP/1.1 only, a connection each. On HTTP/2 all streams of a thread would
    /// share one connection: the 101st waits in silence (servers commonly allow 100 at a time),
    /// a slow reader holds up the others, and one lost packet stops them all.
    Streams,
}

/// Makes a client. Needs no runtime; its connections belong to the runtime that first uses them,
/// so prefer a [`ThreadLocalClient`].
#[must_use]
pub fn client(traffic: Traffic, connect_timeout: Duration) -> Client {
    let mut tls = tls_config().clone();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(connect_timeout)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(TCP_KEEPALIVE);
    let builder = match traffic {
        Traffic::Calls => {
            tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            builder
        }
        Traffic::Streams => {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            builder.http1_only()
        }
    };
    builder
        .tls_backend_preconfigured(tls)
        .build()
        .expect("the TLS configuration is rustls' own and the user agent is plain ASCII")
}

/// A client of its own for every thread that asks.
///
/// A pooled connection is driven by a task on the runtime that opened it. Each worker thread of
/// the server is such a runtime: with one client for all, a request that picks up a connection of
/// another worker pays two thread switches for every chunk, all streams may end up on one
/// worker's core, and they break when that worker's runtime ends. A client a thread keeps every
/// byte on the core that asked for it; the price is an idle pool a thread.
#[derive(Debug)]
pub struct ThreadLocalClient {
    clients: ThreadLocal<Client>,
    traffic: Traffic,
    connect_timeout: Duration,
}

impl ThreadLocalClient {
    /// Nothing is made before the first use on a thread.
    #[must_use]
    pub const fn new(traffic: Traffic, connect_timeout: Duration) -> Self {
        Self { clients: ThreadLocal::new(), traffic, connect_timeout }
    }

    /// The client of the calling thread.
    pub fn get(&self) -> &Client {
        self.clients.get_or(|| client(self.traffic, self.connect_timeout))
    }
}

/// Whom a call goes to, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The model.
    Gemini,
    /// Supabase's Data API.
    Supabase,
    /// Supabase's public signing keys.
    SigningKeys,
    /// Cloudflare's siteverify.
    Turnstile,
    /// The execution half.
    Worker,
}

impl Peer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Gemini => "gemini",
            Self::Supabase => "supabase",
            Self::SigningKeys => "signing_keys",
            Self::Turnstile => "turnstile",
            Self::Worker => "worker",
        }
    }
}

/// Sends a request and waits for the head of the answer; operators see how long it took and what
/// came of it.
///
/// # Errors
///
/// As [`RequestBuilder::send`].
pub async fn send(peer: Peer, request: RequestBuilder) -> Result<Response, reqwest::Error> {
    let mut call = Call { peer, begun: Instant::now(), outcome: "abandoned" };
    let answer = request.send().await;
    call.outcome = match &answer {
        Ok(answer) if answer.status().is_success() => "ok",
        Ok(answer) if answer.status().is_server_error() => "failed",
        Ok(_) => "refused",
        Err(_) => "unreachable",
    };
    answer
}

/// Counted when dropped: a call is dropped too when its caller's time is up.
struct Call {
    peer: Peer,
    begun: Instant,
    outcome: &'static str,
}

impl Drop for Call {
    fn drop(&mut self) {
        let peer = self.peer.as_str();
        counter!(
            "tester_dependency_requests_total",
            "dependency" => peer,
            "outcome" => self.outcome
        )
        .increment(1);
        histogram!("tester_dependency_request_seconds", "dependency" => peer)
            .record(self.begun.elapsed());
    }
}

/// Why a body was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than the caller is ready to hold.
    #[error("the body is longer than {max_bytes} bytes")]
    TooLarge {
        /// The bound.
        max_bytes: usize,
    },
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

/// Reads a whole body of at most `max_bytes`, counted as they come, whatever `Content-Length`
/// says. Sets no deadline.
///
/// # Errors
///
/// [`BodyError`].
pub async fn read_limited(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if chunk.len() > max_bytes - body.len() => {
                return Err(BodyError::TooLarge { max_bytes });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(BodyError::Broken(describe(error))),
        }
    }
}

/// The error with its causes, without the URL, which may hold what no log may.
#[must_use]
pub fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    text
}

/// One configuration for the process: the roots are read once, and sessions resumed by all.
fn tls_config() -> &'static ClientConfig {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring's provider has cipher suites for TLS 1.2 and 1.3");
        match Verifier::new(provider) {
            Ok(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth(),
            Err(error) => {
                tracing::warn!(%error, "no root certificates: every https call will fail");
                builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use tester_peers::http::Server;

    use super::*;

    fn client() -> Client {
        super::client(Traffic::Calls, Duration::from_secs(5))
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let server = Server::start(|_, mut connection| async move {
            connection.respond(302, &[("location", "http://169.254.169.254/")], b"").await?;
            Ok(connection)
        });
        let server = server.await.expect("a free port");
        let response = client().get(server.url()).send().await.expect("an answer");
        assert_eq!(response.status(), 302);
    }

    #[tokio::test]
    async fn requests_name_tester_and_ask_for_no_compression() {
        let server = Server::start(|request, mut connection| async move {
            let seen = format!(
                "{} {:?}",
                request.header("user-agent").unwrap_or_default(),
                request.header("accept-encoding")
            );
            connection.respond(200, &[], seen.as_bytes()).await?;
            Ok(connection)
        });
        let server = server.await.expect("a free port");
        let response = client().get(server.url()).send().await.expect("an answer");
        let body = read_limited(response, 1_000).await.expect("a short body");
        assert_eq!(String::from_utf8_lossy(&body), format!("{USER_AGENT} None"));
    }

    #[tokio::test]
    async fn a_body_is_bounded_while_it_is_read() {
        let server = Server::start(|_, mut connection| async move {
            connection.start_chunked(200, &[]).await?;
            connection.chunk(&[b'x'; 60]).await?;
            connection.chunk(&[b'x'; 40]).await?;
            connection.finish().await?;
            Ok(connection)
        });
        let server = server.await.expect("a free port");
        let response = client().get(server.url()).send().await.expect("an answer");
        assert_eq!(read_limited(response, 99).await, Err(BodyError::TooLarge { max_bytes: 99 }));
        let response = client().get(server.url()).send().await.expect("an answer");
        assert_eq!(read_limited(response, 100).await.map(|body| body.len()), Ok(100));
    }

    #[tokio::test]
    async fn an_error_text_has_its_cause_and_not_the_url() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        drop(listener);
        let url = format!("http://{address}/path?token=hush");
        let error = client().get(url).send().await.expect_err("nobody listens");
        let text = describe(error);
        assert!(text.contains("refused"), "{text}");
        assert!(!text.contains("hush") && !text.contains("/path"), "{text}");
    }

    #[test]
    fn every_thread_has_a_client_of_its_own() {
        let shared = ThreadLocalClient::new(Traffic::Streams, Duration::from_secs(5));
        let mine = std::ptr::from_ref(shared.get()).addr();
        assert_eq!(std::ptr::from_ref(shared.get()).addr(), mine);
        let other = std::thread::scope(|scope| {
            let other = scope.spawn(|| std::ptr::from_ref(shared.get()).addr());
            other.join().expect("no panic")
        });
        assert_ne!(other, mine);
    }
}

//! Whether a process of TESTER on this machine is alive and takes work on: what a container's
//! health check asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::StatusCode;

use crate::config::ListenSettings;
use crate::gateways::http::{self, Traffic};

/// Container engines ask every half a minute or so; whoever does not answer a question without any
/// dependency by then is not well.
const DEADLINE: Duration = Duration::from_secs(3);
/// Liveness of `tester serve` and `tester dev`, and of `tester worker`. Each has one of the two.
const PATHS: [&str; 2] = ["/api/health", "/health"];

/// Where a server with these settings is reached from its own machine.
#[must_use]
pub fn own_address(settings: &ListenSettings) -> SocketAddr {
    let host = match settings.host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    SocketAddr::new(host, settings.port)
}

/// Asks the server at this address, whichever half it is.
///
/// # Errors
///
/// What is wrong, in words: nobody answers, it is draining, or it is no TESTER.
pub async fn ask(address: SocketAddr) -> Result<(), String> {
    let client = http::client(Traffic::Calls, DEADLINE);
    let answered = async {
        let mut last = StatusCode::NOT_FOUND;
        for path in PATHS {
            let url = format!("http://{address}{path}");
            let answer = client.get(url).send().await.map_err(http::describe)?;
            last = answer.status();
            if last != StatusCode::NOT_FOUND {
                break;
            }
        }
        Ok(last)
    };
    let answered = tokio::time::timeout(DEADLINE, answered).await;
    match answered.unwrap_or_else(|_| Err(format!("no answer within {DEADLINE:?}")))? {
        StatusCode::OK => Ok(()),
        StatusCode::SERVICE_UNAVAILABLE => Err("it is shutting down".to_owned()),
        status => Err(format!("status {}: is this TESTER?", status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use tester_peers::http::Server;

    use super::*;

    /// A server that knows one path only.
    async fn server(path: &'static str, status: u16) -> (Server, SocketAddr) {
        let server = Server::start(move |request, mut connection| async move {
            let status = if request.path() == path { status } else { 404 };
            connection.respond(status, &[], b"{}").await?;
            Ok(connection)
        });
        let server = server.await.expect("a free port");
        let url = server.url();
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let address = address.parse().expect("an address");
        (server, address)
    }

    #[tokio::test]
    async fn either_half_is_found_alive() {
        for path in PATHS {
            let (_server, address) = server(path, 200).await;
            assert_eq!(ask(address).await, Ok(()), "{path}");
        }
    }

    #[tokio::test]
    async fn one_that_drains_and_one_that_is_another_are_not_well() {
        let (_draining, address) = server("/health", 503).await;
        assert_eq!(ask(address).await, Err("it is shutting down".to_owned()));
        let (_other, address) = server("/", 200).await;
        let refused = ask(address).await.expect_err("it is no TESTER");
        assert!(refused.contains("404"), "{refused}");
    }

    #[tokio::test]
    async fn nobody_there_is_said_so() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        drop(listener);
        let refused = ask(address).await.expect_err("nobody listens");
        assert!(refused.contains("refused"), "{refused}");
    }
}

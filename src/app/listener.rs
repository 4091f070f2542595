//! The way from a socket to the routes, and its bounds.

use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{ServiceFactoryExt as _, map_config};
use actix_web::dev::{AppConfig, Server, fn_service};
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::{App, web};
use tokio::net::{TcpSocket, TcpStream};

use super::connection::Connection;
use super::startup::StartupError;
use super::{Front, edge};
use crate::api;
use crate::config::ListenSettings;

/// How long connections may take to close once no work is left.
const CLOSING_SECONDS: u64 = 2;

/// Connections that may wait to be accepted. The kernel has a bound of its own.
const BACKLOG: u32 = 2_048;

/// How long what a client still sends is read after an answer that came early, so that the answer
/// is not lost in a reset.
const LINGER: Duration = Duration::from_secs(1);

/// Listens where the settings say and serves these routes, on the runtime that it is called on.
///
/// Not by actix' own `HttpServer`, which lets nobody stand between a connection and HTTP.
pub(super) fn bind<S: 'static>(
    settings: &ListenSettings,
    state: web::Data<S>,
    front: Front,
    routes: fn(&mut web::ServiceConfig),
) -> Result<(Server, SocketAddr), StartupError>
where
    web::Data<S>: Send,
{
    allow_open_files();
    let address = SocketAddr::new(settings.host, settings.port);
    let cannot_listen = |source| StartupError::Listen { address, source };
    let listener = open_listener(address).map_err(cannot_listen)?;
    let listening = listener.local_addr().map_err(cannot_listen)?;
    let front = web::Data::new(front);
    let mut server = Server::build()
        .disable_signals()
        .shutdown_timeout(CLOSING_SECONDS)
        .max_concurrent_connections(settings.max_connections);
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    let closing = server.graceful_shutdown_signal();
    let ListenSettings { head_timeout, keep_alive, write_timeout, .. } = *settings;
    let service = move || {
        let app = App::new()
            .app_data(state.clone())
            .app_data(front.clone())
            .configure(routes)
            // From the inside out.
            .wrap(from_fn(api::answer))
            .wrap(NormalizePath::trim())
            .wrap(edge::cors(&front.allowed_origins))
            .wrap(from_fn(api::guard))
            .wrap(from_fn(api::answer))
            .wrap(edge::headers(front.audience))
            .wrap(from_fn(api::observe));
        let closing = closing.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let closing = closing.clone();
                async move { closing.notified().await }
            })
            .client_request_timeout(head_timeout)
            .keep_alive(keep_alive)
            .client_disconnect_timeout(LINGER)
            .local_addr(listening)
            // A client that closes its side has left; waiting for a write to fail would keep the
            // model writing, or tests running, until then.
            .h1_allow_half_closed(false)
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            // Frames are small and are wanted at once. Fails only on a stream that is gone.
            let _ = stream.set_nodelay(true);
            ready(Ok((Connection::new(stream, write_timeout), peer)))
        })
        .and_then(http)
    };
    let server = server.listen("http", listener, service).map_err(cannot_listen)?;
    Ok((server.run(), listening))
}

fn open_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // What is left of an earlier process's connections is no reason to wait.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// As many open files as this process may have: the usual soft limit of 1024 is for programs that
/// can't count further, and clients that hold connections open would use it up.
fn allow_open_files() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};

        let files = Resource::RLIMIT_NOFILE;
        let raised = getrlimit(files).and_then(|(_, most)| setrlimit(files, most, most));
        if let Err(error) = raised {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
}

//! The client: as little HTTP/1.1 as one question and its answer take.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// Longest wait for a piece of an answer: a run's longest time, its queue, and a cold start.
const PATIENCE: Duration = Duration::from_secs(90);

/// An answer above this is none of a worker's.
const LARGEST_ANSWER: u64 = 4 << 20;

/// Asks with a bearer token and gives the body of the answer. Any status but 200 is an error.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: &str,
) -> anyhow::Result<String> {
    let mut socket = TcpStream::connect(address).context("connecting")?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).context("sending a request")?;
    let mut answer = String::new();
    socket.take(LARGEST_ANSWER).read_to_string(&mut answer).context("reading an answer")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a head")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("{method} {path}: {head}\n{body}");
    }
    if head.to_ascii_lowercase().contains("transfer-encoding") {
        bail!("{method} {path}: the answer comes in chunks, which nobody reads here");
    }
    Ok(body.to_owned())
}

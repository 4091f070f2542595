//! A small HTTP/1.1 server whose every byte is the test's to choose.
//!
//! Web frameworks hide what these peers must control: where a chunk is cut, when the connection
//! breaks, whether the caller is still there. So the peers speak HTTP by hand: requests are read
//! whole with httparse, answers are written by the handler straight to the socket.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Largest request a peer reads; far above anything TESTER may send.
const MAX_REQUEST: usize = 8 * 1024 * 1024;

/// One request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Header names in lower case, values as text.
    pub headers: Vec<(String, String)>,
    /// The body, transfer coding removed.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The value of a query parameter, percent-decoded, `+` kept as it is.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (held, value) = pair.split_once('=').unwrap_or((pair, ""));
            (held == name).then(|| percent_decode(value))
        })
    }

    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null)
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The caller's connection, for the handler to answer on.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Whether the connection may carry another request after this answer.
    reusable: bool,
}

impl Connection {
    /// Writes a whole answer with a JSON body.
    ///
    /// # Errors
    ///
    /// When the caller is gone.
    pub async fn respond_json(&mut self, status: u16, body: &serde_json::Value) -> io::Result<()> {
        self.respond(status, &[("content-type", "application/json")], body.to_string().as_bytes())
            .await
    }

    /// Writes a whole answer; the connection stays open for the next request.
    ///
    /// # Errors
    ///
    /// When the caller is gone.
    pub async fn respond(
        &mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut answer = head(status, headers);
        answer += &format!("content-length: {}\r\n\r\n", body.len());
        let mut answer = answer.into_bytes();
        answer.extend_from_slice(body);
        self.reusable = true;
        self.stream.write_all(&answer).await
    }

    /// Writes the head of a chunked answer. Follow with [`Self::chunk`] and, for an orderly end,
    /// [`Self::finish`]; leaving it out breaks the transfer off.
    ///
    /// # Errors
    ///
    /// When the caller is gone.
    pub async fn start_chunked(&mut self, status: u16, headers: &[(&str, &str)]) -> io::Result<()> {
        let mut answer = head(status, headers);
        answer.push_str("transfer-encoding: chunked\r\n\r\n");
        self.stream.write_all(answer.as_bytes()).await
    }

    /// Writes one chunk as one segment.
    ///
    /// # Errors
    ///
    /// When the caller is gone.
    pub async fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        self.stream.write_all(&framed).await
    }

    /// Ends a chunked answer; the connection stays open for the next request.
    ///
    /// # Errors
    ///
    /// When the caller is gone.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.reusable = true;
        self.stream.write_all(b"0\r\n\r\n").await
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    ///
    /// When the caller is gone.
    pub async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Makes the connection end with RST instead of FIN once the handler drops it.
    pub fn reset_when_dropped(&self) {
        // Fails only on a socket that is gone already, which is the wish.
        let _ = self.stream.set_zero_linger();
    }

    /// Waits until the caller closes its side.
    pub async fn closed_by_caller(&mut self) {
        let mut scratch = [0_u8; 1024];
        while !matches!(self.stream.read(&mut scratch).await, Ok(0) | Err(_)) {}
    }
}

fn head(status: u16, headers: &[(&str, &str)]) -> String {
    let mut head = format!("HTTP/1.1 {status} Status\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head
}

/// A listening peer. Dropping it stops it and breaks its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    accept_loop: JoinHandle<()>,
}

impl Server {
    /// Listens on a free loopback port and gives every request to the handler. The connection
    /// lives on after the handler only if it finished an answer.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start<H, F>(handler: H) -> io::Result<Self>
    where
        H: Fn(Request, Connection) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Connection>> + Send + 'static,
    {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), handler).await
    }

    /// Like [`Self::start`] on a given address, so that a peer can come back where it was.
    ///
    /// # Errors
    ///
    /// When the address can't be had.
    pub async fn start_on<H, F>(address: SocketAddr, handler: H) -> io::Result<Self>
    where
        H: Fn(Request, Connection) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Connection>> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let handler = Arc::new(handler);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accept_loop = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        count.fetch_add(1, Ordering::SeqCst);
                        let handler = Arc::clone(&handler);
                        connections.spawn(async move { serve(stream, &*handler).await });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, accepted, accept_loop })
    }

    /// Where the peer listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections made to it so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The peer's root URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accept_loop.abort();
    }
}

async fn serve<H, F>(stream: TcpStream, handler: &H)
where
    H: Fn(Request, Connection) -> F,
    F: Future<Output = io::Result<Connection>>,
{
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut stream = stream;
    let mut unread = Vec::new();
    while let Ok(Some(request)) = read_request(&mut stream, &mut unread).await {
        let Ok(connection) = handler(request, Connection { stream, reusable: false }).await else {
            return;
        };
        if !connection.reusable {
            return;
        }
        stream = connection.stream;
    }
}

async fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some((request, used)) = parse_request(unread)? {
            unread.drain(..used);
            return Ok(Some(request));
        }
        if unread.len() > MAX_REQUEST || stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse_request(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let invalid = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let head_length = match parsed.parse(bytes).map_err(|error| invalid(&error))? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed
            .headers
            .iter()
            .map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_ascii_lowercase(), value)
            })
            .collect(),
        body: Vec::new(),
    };
    let rest = &bytes[head_length..];
    let body_length = if request.header("transfer-encoding").is_some() {
        let Some((body, used)) = parse_chunks(rest)? else { return Ok(None) };
        request.body = body;
        used
    } else {
        let length = request.header("content-length").map_or(Ok(0), str::parse);
        let length: usize = length.map_err(|error| invalid(&error))?;
        let Some(body) = rest.get(..length) else { return Ok(None) };
        request.body = body.to_vec();
        length
    };
    Ok(Some((request, head_length + body_length)))
}

fn parse_chunks(bytes: &[u8]) -> io::Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    let mut position = 0;
    loop {
        let status = httparse::parse_chunk_size(&bytes[position..])
            .map_err(|_| io::Error::other("malformed chunk size"))?;
        let httparse::Status::Complete((line, size)) = status else { return Ok(None) };
        let size = usize::try_from(size).map_err(io::Error::other)?;
        let start = position + line;
        let Some(chunk) = bytes.get(start..start + size + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        position = start + size + 2;
        if size == 0 {
            return Ok(Some((body, position)));
        }
    }
}

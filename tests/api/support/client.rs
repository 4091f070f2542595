use std::sync::OnceLock;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::soon;
use super::sse::EventStream;

/// A new client a call: tests run on runtimes of their own, and a pooled connection dies with the
/// runtime that made it.
pub(super) fn request(method: &str, url: &str) -> reqwest::RequestBuilder {
    client().request(method.parse().expect("a method"), url)
}

/// A client for one test.
pub fn client() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // Another test, or the program itself, may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().build().expect("a client without options")
}

/// An answer, its head read.
pub struct Answer {
    response: reqwest::Response,
}

impl Answer {
    pub const fn new(response: reqwest::Response) -> Self {
        Self { response }
    }

    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.response
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("the program's own headers are ASCII").to_owned())
    }

    pub async fn text(self) -> String {
        soon("the body", self.response.text()).await.expect("a whole body")
    }

    pub async fn json(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }

    /// Asserts the error envelope of the contract and gives its body.
    pub async fn error(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status(), status);
        let trace = self.header("x-trace-id").expect("every answer has a trace id");
        let body = self.json().await;
        assert_eq!(body["type"], "error", "{body}");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["detail"]["code"], code, "{body}");
        assert_eq!(body["detail"]["message"], body["message"], "{body}");
        assert_eq!(body["trace_id"], trace.as_str(), "{body}");
        body
    }

    /// The frames of a stream that began well.
    pub fn events(self) -> EventStream {
        assert_eq!(self.status(), 200);
        EventStream::new(self.response)
    }
}

/// A connection whose every byte the test chooses.
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    pub async fn connect(address: &str) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the server listens") }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    /// Sends what may be refused before it is all sent.
    pub async fn send_lossy(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads one answer with a `Content-Length`, or all there is until the server closes.
    pub async fn answer(&mut self) -> (u16, String) {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = parse(&bytes) {
                return answer;
            }
            let read = soon("an answer", self.stream.read_buf(&mut bytes)).await;
            if !matches!(read, Ok(1..)) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                panic!("the server closed after {text:?}");
            }
        }
    }

    /// Waits for the server to close, which it may do with a reset.
    pub async fn closed_by_server(&mut self) {
        let mut scratch = [0_u8; 1024];
        soon("the server's close", async {
            while matches!(self.stream.read(&mut scratch).await, Ok(1..)) {}
        })
        .await;
    }
}

fn parse(bytes: &[u8]) -> Option<(u16, String)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(bytes) else { return None };
    let length: usize = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .unwrap_or(0);
    let body = bytes.get(head..head + length)?;
    Some((response.code?, String::from_utf8_lossy(body).into_owned()))
}

use super::*;
use crate::Gate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATH: &str = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse";

async fn open(peer: &GeminiPeer, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(peer.address()).await.expect("the peer listens");
    stream.write_all(head.as_bytes()).await.expect("the peer reads");
    stream
}

async fn ask(peer: &GeminiPeer, key: &str) -> TcpStream {
    let head = format!("POST {PATH} HTTP/1.1\r\nx-goog-api-key: {key}\r\n\r\n");
    open(peer, &head).await
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        assert_ne!(stream.read_buf(&mut text).await.expect("readable"), 0, "ended before {end:?}");
    }
    String::from_utf8(text).expect("UTF-8")
}

#[tokio::test]
async fn the_gate_lets_segments_out_one_by_one() {
    let peer = GeminiPeer::start().await.expect("a free port");
    let gate = Gate::closed();
    peer.enqueue(StreamedAnswer::text(["one", "two"]).gated(&gate));
    let mut stream = ask(&peer, "k").await;
    gate.release(1);
    let first = read_until(&mut stream, "\n\n\r\n").await;
    assert!(first.contains("one") && !first.contains("two"), "{first}");
    assert_eq!(peer.open_exchanges(), 1);
    gate.open();
    let rest = read_until(&mut stream, "\r\n0\r\n\r\n").await;
    assert!(rest.contains("two") && rest.contains("STOP"), "{rest}");
    assert_eq!(peer.exchange(0).await.ended().await, Ending::Answered);
    assert_eq!(peer.open_exchanges(), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_is_noticed_wherever_the_peer_waits() {
    let peer = GeminiPeer::start().await.expect("a free port");
    peer.enqueue(Answer::Silence);
    peer.enqueue(StreamedAnswer::silent());
    peer.enqueue(StreamedAnswer::text(["one"]).gated(&Gate::closed()));
    peer.enqueue(StreamedAnswer::text(["one"]).then_hang());
    for number in 0..4 {
        let stream = ask(&peer, "k").await;
        let exchange = peer.exchange(number).await;
        drop(stream);
        exchange.closed_by_caller().await;
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_takes_no_answer() {
    let peer = GeminiPeer::start().await.expect("a free port");
    peer.expect_key("right");
    let mut stream = ask(&peer, "wrong").await;
    assert!(read_until(&mut stream, "API_KEY_INVALID").await.starts_with("HTTP/1.1 400"));
    assert_eq!(peer.requests_seen(), 0);
    let mut stream = ask(&peer, "right").await;
    assert!(read_until(&mut stream, "0\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    assert_eq!(peer.exchange(0).await.model(), "gemini-x");
}

#[tokio::test]
async fn the_model_list_is_served() {
    let peer = GeminiPeer::start().await.expect("a free port");
    peer.set_models(["gemini-y"]);
    let mut stream = open(&peer, "GET /v1beta/models?pageSize=5 HTTP/1.1\r\n\r\n").await;
    read_until(&mut stream, "models/gemini-y").await;
}

#[test]
fn cuts_keep_every_byte() {
    let answer = StreamedAnswer::text(["가나다", "x"]).crlf().without_last_blank_line();
    let whole = answer.body("m");
    assert!(whole.ends_with(b"}"));
    assert_eq!(answer.clone().cut_every(1).body("m"), whole);
    assert_eq!(answer.cut_at([3, 2, 900_000, 7]).segments("m").len(), 3);
}

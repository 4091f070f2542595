//! Deadlines by the paused clock: no socket, so that time moves only when everything waits.

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{advance, sleep};

use super::*;

const IDLE: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_mins(1);
const TEXT: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}\n\n";

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, String>>>>;

fn answer(body: impl Stream<Item = Result<Bytes, String>> + 'static) -> AnswerStream<Body> {
    let parser = AnswerParser::new();
    let deadlines = Deadlines { idle: IDLE, total: Instant::now() + TOTAL };
    AnswerStream::new(Box::pin(body), parser, deadlines)
}

const fn timeout(deadline: LlmDeadline) -> Result<LlmEvent, LlmError> {
    Err(LlmError::Timeout(deadline))
}

/// A body that says something every `pace`, for ever.
fn paced(text: &'static str, pace: Duration) -> impl Stream<Item = Result<Bytes, String>> {
    stream::repeat(text).then(move |text| async move {
        sleep(pace).await;
        Ok(Bytes::from(text))
    })
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_answer_at_the_idle_deadline() {
    let start = Instant::now();
    let mut answer = answer(stream::pending());
    assert_eq!(answer.next().await, Some(timeout(LlmDeadline::Idle)));
    let passed = start.elapsed();
    assert!(passed >= IDLE && passed < IDLE + Duration::from_millis(10), "{passed:?}");
    assert_eq!(answer.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn any_bytes_put_the_idle_deadline_off_but_never_the_total_one() {
    let start = Instant::now();
    let mut answer = answer(paced(": thinking\n", IDLE * 9 / 10));
    assert_eq!(answer.next().await, Some(timeout(LlmDeadline::Total)));
    let passed = start.elapsed();
    assert!(passed >= TOTAL && passed < TOTAL + Duration::from_millis(10), "{passed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_pauses_still_meets_the_total_deadline() {
    let body = stream::repeat(()).then(|()| async {
        advance(Duration::from_secs(1)).await;
        Ok(Bytes::from(": busy\n"))
    });
    assert_eq!(answer(body).next().await, Some(timeout(LlmDeadline::Total)));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_late_still_gets_what_came_in_time() {
    let (sender, mut receiver) = mpsc::channel(4);
    let mut answer = answer(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    sender.try_send(Ok(Bytes::from(TEXT))).expect("room");
    sender.try_send(Ok(Bytes::from(TEXT))).expect("room");
    drop(sender);
    assert_eq!(answer.next().await, Some(Ok(LlmEvent::Text("a".to_owned()))));
    sleep(IDLE * 2).await;
    assert_eq!(answer.next().await, Some(Ok(LlmEvent::Text("a".to_owned()))));
    assert!(matches!(answer.next().await, Some(Ok(LlmEvent::Finished { .. }))));
    assert_eq!(answer.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn the_body_is_given_up_with_the_last_event() {
    let (sender, mut receiver) = mpsc::channel(4);
    let mut answer = answer(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    sender.try_send(Ok(Bytes::from("data: nonsense\n\n"))).expect("room");
    assert!(matches!(answer.next().await, Some(Err(LlmError::Malformed(_)))));
    assert!(sender.is_closed());
}

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tracing::Span;

use super::UserName;

/// What is told of a request when it is over.
pub(super) struct Account {
    pub(super) span: Span,
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
    pub(super) protocol: &'static str,
    pub(super) user: Option<UserName>,
    pub(super) begun: Instant,
    /// How long until the head of the answer was ready.
    pub(super) head: Duration,
}

/// A body that knows when it is over, one way or the other.
pub(crate) struct ObservedBody<B> {
    body: Pin<Box<B>>,
    told: Told,
}

/// Tells when dropped: a body is dropped at its end, and when its client left.
struct Told {
    account: Account,
    bytes: u64,
    complete: bool,
}

impl<B: MessageBody> ObservedBody<B> {
    pub(super) fn new(body: B, account: Account) -> Self {
        let complete = matches!(body.size(), BodySize::None | BodySize::Sized(0));
        Self { body: Box::pin(body), told: Told { account, bytes: 0, complete } }
    }
}

impl<B: MessageBody> MessageBody for ObservedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = ready!(this.body.as_mut().poll_next(cx));
        match &next {
            Some(Ok(bytes)) => {
                this.told.bytes += bytes.len() as u64;
                // The end of a body of known length is not asked for.
                this.told.complete |= this.body.size() == BodySize::Sized(this.told.bytes);
            }
            Some(Err(_)) => {}
            None => this.told.complete = true,
        }
        Poll::Ready(next)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let Account { span, method, route, status, protocol, user, begun, head } = &self.account;
        let _inside = span.enter();
        let latency = begun.elapsed().as_secs_f64();
        let end = if self.complete { "complete" } else { "client left" };
        tracing::info!(
            httpRequest.requestMethod = method,
            httpRequest.requestUrl = route,
            httpRequest.status = status,
            httpRequest.responseSize = self.bytes.to_string(),
            httpRequest.latency = format!("{latency:.3}s"),
            httpRequest.protocol = protocol,
            head_ms = u64::try_from(head.as_millis()).unwrap_or(u64::MAX),
            user = user.as_ref().map(|user| user.0.as_str()),
            end,
            "request"
        );
    }
}

use std::net::IpAddr;

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{HttpRequest, web};

use crate::app::AppState;
use crate::domain::{Locale, TraceContext};

/// What every answer to a request depends on besides its route.
#[derive(Clone, Debug)]
pub(super) struct RequestContext {
    /// The request's own place in its trace. The answer and the log share the trace's id.
    pub(super) trace: TraceContext,
    /// The language messages are in.
    pub(super) locale: Locale,
    /// The client's address as far as the trusted proxies vouch for it.
    pub(super) client: Option<IpAddr>,
}

impl RequestContext {
    pub(super) fn read(
        request: &ServiceRequest,
        trace: TraceContext,
        trusted_proxy_hops: usize,
    ) -> Self {
        let headers = request.headers();
        Self {
            trace,
            locale: text(headers, &header::ACCEPT_LANGUAGE)
                .map_or_else(Locale::default, Locale::negotiate),
            client: client_address(
                headers,
                request.peer_addr().map(|peer| peer.ip()),
                trusted_proxy_hops,
            ),
        }
    }

    /// The context the outermost middleware put beside the request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self {
            trace: TraceContext::random(),
            locale: Locale::default(),
            client: None,
        })
    }
}

/// The application state; every server of `app::startup` registers it.
pub(super) fn state(request: &HttpRequest) -> &AppState {
    request.app_data::<web::Data<AppState>>().expect("startup registers the state").get_ref()
}

/// Where the request comes from, if its caller or a proxy in front says so.
pub(super) fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    const CLOUD_TRACE: HeaderName = HeaderName::from_static("x-cloud-trace-context");
    const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    text(headers, &TRACEPARENT)
        .and_then(TraceContext::from_traceparent)
        .or_else(|| text(headers, &CLOUD_TRACE).and_then(TraceContext::from_cloud_trace_context))
}

/// Each trusted proxy appends the address it was called from, so the client is the entry that the
/// outermost trusted one wrote: `hops` from the right. What stands left of it is hearsay.
fn client_address(headers: &HeaderMap, peer: Option<IpAddr>, hops: usize) -> Option<IpAddr> {
    if hops == 0 {
        return peer;
    }
    let entries: Vec<&str> = headers
        .get_all(header::X_FORWARDED_FOR)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let position = entries.len().checked_sub(hops)?;
    entries[position].parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn forwarded(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_client_is_found_from_the_right_by_the_configured_hops() {
        let peer = "10.0.0.1".parse().ok();
        let headers = forwarded(&["6.6.6.6, 203.0.113.7", "198.51.100.2"]);
        let client = |hops| client_address(&headers, peer, hops).map(|ip| ip.to_string());
        assert_eq!(client(0).as_deref(), Some("10.0.0.1"));
        assert_eq!(client(1).as_deref(), Some("198.51.100.2"));
        assert_eq!(client(2).as_deref(), Some("203.0.113.7"));
        assert_eq!(client(4), None);
    }

    #[test]
    fn an_entry_that_is_no_address_is_no_client() {
        let headers = forwarded(&["unknown"]);
        assert_eq!(client_address(&headers, "10.0.0.1".parse().ok(), 1), None);
    }
}

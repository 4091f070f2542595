//! What happens around every request, from the outside in: [`observe`] gives it its place in a trace
//! and tells of it once it is over; [`guard`] keeps strangers out; [`answer`] turns errors into
//! answers.

mod body;

use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use tracing::Instrument as _;

use self::body::{Account, ObservedBody};
use super::context::{self, RequestContext};
use super::doors::{self, UserName};
use super::error::ApiError;
use crate::app::{Audience, Front, telemetry};

const TRACE_HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// The outermost layer: reads the context, stamps the trace id on the answer, and, when the last
/// byte of the answer is out or its client is gone, logs the request, once.
pub(crate) async fn observe(
    front: web::Data<Front>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<ObservedBody<impl MessageBody>>, Error> {
    let begun = Instant::now();
    let (span, trace) = telemetry::begin(context::caller(request.headers()));
    let context = RequestContext::read(&request, trace, front.trusted_proxy_hops);
    let stamp = HeaderValue::from_str(context.trace.trace_id.as_str());
    request.extensions_mut().insert(context);
    let method = method(&request);
    let mut response = next.call(request).instrument(span.clone()).await?;
    let stamp = stamp.expect("a trace id is hex digits");
    response.headers_mut().insert(TRACE_HEADER, stamp);
    if front.lifecycle.is_draining() {
        // Whoever asks again on this connection would find nobody soon.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    // The pattern is known only once the router ran, and bounded: whatever a client makes up is one.
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let head = begun.elapsed();
    metrics::counter!(
        "tester_http_requests_total",
        "method" => method,
        "route" => route.clone(),
        "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!(
        "tester_http_request_seconds",
        "method" => method,
        "route" => route.clone()
    )
    .record(head);
    telemetry::describe(&span, method, &route, status);
    let user = response.request().extensions().get::<UserName>().cloned();
    let protocol = protocol(response.request().version());
    let account = Account { span, method, route, status, protocol, user, begun, head };
    Ok(response.map_body(|_, body| ObservedBody::new(body, account)))
}

/// The innermost layer, and once more around what refuses requests by itself: handlers return an
/// [`ApiError`], here it gets its body.
pub(crate) async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let response = next.call(request).await?;
    let answer = response.response().error().map(|error| {
        let context = RequestContext::of(response.request());
        match error.as_error::<ApiError>() {
            Some(known) => known.respond(&context),
            // actix refuses some requests by itself, always with a 4xx of its own.
            None if error.as_response_error().status_code().is_client_error() => {
                ApiError::NotFound.respond(&context)
            }
            None => ApiError::Internal(error.to_string()).respond(&context),
        }
    });
    Ok(match answer {
        Some(answer) => response.into_response(answer).map_into_right_body(),
        None => response.map_into_left_body(),
    })
}

/// Lets nobody in whom this process does not serve, whatever they ask. [`answer`] stands around it.
pub(crate) async fn guard<B: MessageBody + 'static>(
    front: web::Data<Front>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let refused = match front.audience {
        Audience::Internet => None,
        Audience::ThisMachine => {
            doors::require_own_origin(request.headers(), &front.allowed_origins).err()
        }
    };
    match refused {
        Some(error) => Ok(request.error_response(error).map_into_right_body()),
        None => Ok(next.call(request).await?.map_into_left_body()),
    }
}

/// The method as a label: whatever a client makes up counts as one.
fn method(request: &ServiceRequest) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2",
        _ => "other",
    }
}

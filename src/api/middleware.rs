//! What happens around every request: a context, an answer with a trace id, one log line.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use tracing::Instrument as _;

use super::context::RequestContext;
use super::doors;
use super::error::ApiError;
use crate::app::{Audience, Front};

const TRACE_HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// The outermost layer: reads the context, turns errors into answers, stamps the trace id on all of
/// them, and logs the request once.
pub(crate) async fn observe(
    front: web::Data<Front>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let context = RequestContext::read(&request, front.trusted_proxy_hops);
    let span = tracing::info_span!("request", trace_id = %context.trace_id);
    request.extensions_mut().insert(context.clone());
    let route = RouteLabel::of(&request);
    let refused = refuse_at_the_door(&front, &request);
    let response = async {
        let response = match refused {
            Some(error) => request.error_response(error).map_into_boxed_body(),
            None => next.call(request).await?.map_into_boxed_body(),
        };
        Ok::<_, Error>(stamp(answer_error(response, &context), &context))
    }
    .instrument(span.clone())
    .await?;
    span.in_scope(|| {
        let status = response.status().as_u16();
        let route = route.resolve(&response);
        let elapsed = started.elapsed();
        metrics::counter!(
            "tester_http_requests_total",
            "method" => route.method,
            "route" => route.pattern.clone(),
            "status" => status.to_string()
        )
        .increment(1);
        tracing::info!(
            method = route.method,
            route = route.pattern,
            status,
            head_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    });
    Ok(response)
}

fn refuse_at_the_door(front: &Front, request: &ServiceRequest) -> Option<ApiError> {
    match front.audience {
        Audience::Internet => None,
        Audience::ThisMachine => {
            doors::require_own_origin(request.headers(), &front.allowed_origins).err()
        }
    }
}

/// Handlers return an [`ApiError`]; here it gets its body.
fn answer_error(response: ServiceResponse, context: &RequestContext) -> ServiceResponse {
    let answer = response.response().error().map(|error| match error.as_error::<ApiError>() {
        Some(known) => known.respond(context),
        // actix refuses some requests by itself, always with a 4xx of its own.
        None if error.as_response_error().status_code().is_client_error() => {
            ApiError::NotFound.respond(context)
        }
        None => ApiError::Internal(error.to_string()).respond(context),
    });
    match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    }
}

fn stamp(mut response: ServiceResponse, context: &RequestContext) -> ServiceResponse {
    let value = HeaderValue::from_str(context.trace_id.as_str()).expect("a trace id is hex digits");
    response.headers_mut().insert(TRACE_HEADER, value);
    response
}

/// Method and route with bounded values: whatever a client makes up counts as one.
struct RouteLabel {
    method: &'static str,
    pattern: String,
}

impl RouteLabel {
    fn of(request: &ServiceRequest) -> Self {
        let method = match request.method().as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "DELETE" => "DELETE",
            "HEAD" => "HEAD",
            "OPTIONS" => "OPTIONS",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            _ => "other",
        };
        Self { method, pattern: String::new() }
    }

    /// The pattern is known only once the router ran.
    fn resolve(mut self, response: &ServiceResponse) -> Self {
        self.pattern = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        self
    }
}

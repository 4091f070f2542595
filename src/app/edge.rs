//! What every answer carries for browsers, and which of their pages may read it.

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

use super::Audience;

/// Nothing in an answer of the API is a page: whatever a browser is made to show of it may load,
/// run, frame or send nothing.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of all answers that don't say otherwise themselves.
pub(super) fn headers(audience: Audience) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        // Pages of allowed origins read answers by CORS, which this does not concern.
        .add(("Cross-Origin-Resource-Policy", "same-origin"));
    match audience {
        // Two years, as browsers' preload lists want it. It means nothing over plain HTTP.
        Audience::Internet => {
            headers.add((header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"))
        }
        Audience::ThisMachine => headers,
    }
}

/// Web pages of these origins may call the API and read its answers.
pub(super) fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods(["GET", "POST", "DELETE"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT_LANGUAGE])
        .expose_headers(["X-Trace-ID", "Link", "Retry-After", "X-Unreadable-Items"])
        .max_age(3600)
}

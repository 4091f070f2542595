//! The console's page and files, for browsers.

use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};

use super::context::state;
use super::error::ApiError;
use crate::console::{self, Asset};

/// `/`: the page.
pub(super) async fn page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let asset = console::asset(console::PAGE).ok_or(ApiError::NotFound)?;
    let policy = state(&request).console.content_security_policy();
    let mut response = send(&request, asset);
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(&policy)
        .map_err(|error| ApiError::Internal(format!("the content policy: {error}")))?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    // With `no-referrer` a browser would send `Origin: null` with the page's own requests, which
    // nobody could tell from a stranger's.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// `/console/{file}`: what the page is made of.
pub(super) async fn file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let name = request.match_info().get("file").unwrap_or_default();
    let asset = console::asset(name).filter(|_| name != console::PAGE).ok_or(ApiError::NotFound)?;
    Ok(send(&request, asset))
}

/// `/console/settings.json`: what the page must know of this deployment.
pub(super) async fn settings(request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok().json(&state(&request).console)
}

/// A browser may keep a file and asks each time whether it changed, so that no page is made of the
/// files of two versions.
fn send(request: &HttpRequest, asset: &'static Asset) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH);
    let known = known.and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
        tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag)
    });
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, asset.etag.clone()))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "Accept-Encoding"));
    if known {
        return response.finish();
    }
    response.content_type(asset.content_type);
    if takes_gzip(request) {
        response.insert_header(ContentEncoding::Gzip).body(asset.gzip.as_slice())
    } else {
        response.body(asset.plain.as_ref())
    }
}

fn takes_gzip(request: &HttpRequest) -> bool {
    request.get_header::<AcceptEncoding>().is_some_and(|accepted| {
        let best = accepted.negotiate([Encoding::gzip(), Encoding::identity()].iter());
        best == Some(Encoding::gzip())
    })
}

//! Liveness for platforms, health and metrics for operators.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::context::state;
use super::doors::require_ops_key;
use super::error::ApiError;
use crate::app::health::Health;

/// `GET /api/health`: is this process alive? Asks nobody.
pub(super) async fn liveness(request: HttpRequest) -> HttpResponse {
    let draining = state(&request).lifecycle.is_draining();
    let (status, word) = if draining {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::OK, "ok")
    };
    HttpResponse::build(status).json(json!({
        "status": word,
        "service": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// `GET /health`: how is every dependency?
pub(super) async fn health(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    require_ops_key(state, &request)?;
    let report = state.health.run().await;
    let status = match report.status {
        Health::Healthy | Health::Degraded => StatusCode::OK,
        Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok(HttpResponse::build(status).json(report))
}

/// `GET /metrics`: Prometheus text.
pub(super) async fn metrics(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    require_ops_key(state, &request)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(state.metrics.render()))
}

//! Liveness for platforms, health and metrics for operators.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::context::state;
use super::doors::require_ops_key;
use super::error::ApiError;
use super::openapi::refusals;
use crate::app::health::{Health, HealthReport};

/// Prometheus' text format.
pub(super) const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// That this process is alive.
#[derive(Debug, Serialize, ToSchema)]
struct Liveness {
    service: &'static str,
    #[schema(inline)]
    status: LivenessStatus,
    version: &'static str,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LivenessStatus {
    Ok,
    Draining,
}

/// Ask whether this process is alive
///
/// No dependency is asked.
#[utoipa::path(
    get,
    path = "/api/health",
    tag = "operation",
    operation_id = "get_liveness",
    security(()),
    responses(
        (status = OK, description = "Alive.", body = Liveness),
        (status = SERVICE_UNAVAILABLE, description = "Shutting down.", body = Liveness),
    ),
)]
pub(super) async fn liveness(request: HttpRequest) -> HttpResponse {
    let draining = state(&request).lifecycle.is_draining();
    let (code, status) = if draining {
        (StatusCode::SERVICE_UNAVAILABLE, LivenessStatus::Draining)
    } else {
        (StatusCode::OK, LivenessStatus::Ok)
    };
    HttpResponse::build(code).json(Liveness {
        service: env!("CARGO_PKG_NAME"),
        status,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Ask how every dependency is
#[utoipa::path(
    get,
    path = "/health",
    tag = "operation",
    operation_id = "get_health",
    security(("ops_key" = [])),
    responses(
        (status = OK, description = "Healthy or degraded.", body = HealthReport),
        (status = SERVICE_UNAVAILABLE, description = "Unhealthy.", body = HealthReport),
        refusals::OpsKey,
    ),
)]
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

/// Read the metrics
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "get_metrics",
    security(("ops_key" = [])),
    responses(
        (status = OK, description = "Prometheus text.", content_type = METRICS_TYPE, body = String),
        refusals::OpsKey,
    ),
)]
pub(super) async fn metrics(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    require_ops_key(state, &request)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, METRICS_TYPE))
        .body(state.metrics.render()))
}

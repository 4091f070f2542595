//! The routes of `tester worker`: what the web half asks of it, and operators.

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::body::{Fields, read_object};
use super::context::RequestContext;
use super::doors::require_worker_token;
use super::error::ApiError;
use super::execution;
use super::ops::METRICS_TYPE;
use crate::app::WorkerState;
use crate::domain::{ExecutionRequest, RequestedLimits};
use crate::sandbox::RunnerHealth;

/// The answer of the health route.
#[derive(Serialize)]
struct Health {
    /// `ok`, `degraded` (a runtime can't be had) or `draining`.
    status: &'static str,
    service: &'static str,
    version: &'static str,
    #[serde(flatten)]
    runner: RunnerHealth,
}

pub(super) async fn execute(
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let order = order(&request, payload, state).await?;
    execution::answer(&state.execution, order).await
}

pub(super) async fn stream(
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let order = order(&request, payload, state).await?;
    execution::watch(&state.execution, order, state.heartbeat).await
}

/// Open to everybody who can reach the port: a load balancer has no token.
pub(super) async fn health(request: HttpRequest) -> HttpResponse {
    let runner = &state(&request).runner;
    let health = runner.health();
    let (code, status) = if runner.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if health.problems.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::OK, "degraded")
    };
    HttpResponse::build(code).json(Health {
        status,
        service: "tester-worker",
        version: env!("CARGO_PKG_VERSION"),
        runner: health,
    })
}

pub(super) async fn metrics(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    require_worker_token(&state.auth_token, &request)?;
    state.runner.measure();
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, METRICS_TYPE))
        .body(state.metrics.render()))
}

async fn order(
    request: &HttpRequest,
    payload: Payload,
    state: &WorkerState,
) -> Result<ExecutionRequest, ApiError> {
    // Nobody makes us read a body before they showed the token.
    require_worker_token(&state.auth_token, request)?;
    let mut fields = read_object(request, payload, state.body_timeout).await?;
    let limits = match fields.optional_object("limits")? {
        Some(limits) => read_limits(limits)?,
        None => RequestedLimits::default(),
    };
    execution::read(&mut fields, "input_code", limits, RequestContext::of(request))
}

fn read_limits(mut fields: Fields) -> Result<RequestedLimits, ApiError> {
    let limits = RequestedLimits {
        wall_ms: fields.optional_count("wall_ms")?,
        output_bytes: fields.optional_count("output_bytes")?,
    };
    // A limit that is misspelt would not be held, and nobody would know.
    fields.end()?;
    Ok(limits)
}

fn state(request: &HttpRequest) -> &WorkerState {
    request.app_data::<web::Data<WorkerState>>().expect("startup registers the state").get_ref()
}

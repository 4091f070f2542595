//! `POST /api/execution/*`: from code and tests to a verdict. The worker's routes take the same
//! body but for one name, and give the same answers.

mod frames;

use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use self::frames::{ExecutionFrame, LocalizedEvent};
use super::body::{Fields, read_object};
use super::context::{RequestContext, state};
use super::doors::{admit, authenticate};
use super::error::ApiError;
use super::fields::{bad_text, parse_language};
use super::languages::requested_language_schema;
use super::openapi::refusals;
use super::sse;
use crate::app::AppState;
use crate::domain::{ExecutionRequest, ProgramText, RequestedLimits, SOURCE_MAX_CHARS, Verdict};
use crate::services::execution::ExecutionService;
use crate::stores::LimitedAction;

/// Tests to run, and the code they test.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; `read` takes it apart field by field")]
struct ExecuteRequest {
    #[schema(schema_with = program_schema)]
    code: String,
    #[schema(schema_with = program_schema)]
    test_code: String,
    #[schema(schema_with = requested_language_schema)]
    language: String,
}

/// Run tests
///
/// The answer is 200 whenever there is a verdict, also when tests fail, the code does not compile
/// or the time is used up. `success` is true only if every expected test reported and none failed.
#[utoipa::path(
    post,
    path = "/api/execution/execute",
    tag = "execution",
    security(("access_token" = [])),
    request_body = ExecuteRequest,
    responses(
        (status = OK, description = "The verdict.", body = Verdict),
        refusals::Authentication,
        refusals::RateLimit,
        refusals::Body,
        refusals::Execution,
    ),
)]
pub(super) async fn execute(
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let order = order(&request, payload, state).await?;
    answer(&state.execution, order).await
}

/// Run tests and watch
///
/// Every frame has a name and one `data:` line of JSON: `test` frames while tests end, then one
/// `result` frame with the verdict. A failure after the first byte is a last frame `error`.
#[utoipa::path(
    post,
    path = "/api/execution/stream",
    tag = "execution",
    security(("access_token" = [])),
    request_body = ExecuteRequest,
    responses(
        (
            status = OK,
            description = "The stream. Each frame's data is one of these; a frame is no JSON document by itself.",
            content_type = "text/event-stream",
            body = ExecutionFrame,
        ),
        refusals::Authentication,
        refusals::RateLimit,
        refusals::Body,
        refusals::Execution,
    ),
)]
pub(super) async fn stream(
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let order = order(&request, payload, state).await?;
    watch(&state.execution, order, state.heartbeat).await
}

/// The verdict on a run, in one piece.
pub(super) async fn answer(
    service: &ExecutionService,
    order: ExecutionRequest,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(service.execute(order).await?))
}

/// A run as it happens.
pub(super) async fn watch(
    service: &ExecutionService,
    order: ExecutionRequest,
    heartbeat: Duration,
) -> Result<HttpResponse, ApiError> {
    let locale = order.locale;
    let execution = service.stream(order).await?;
    Ok(sse::respond(
        sse::Kind::Execute,
        execution,
        move |event| LocalizedEvent { event, locale },
        heartbeat,
    ))
}

async fn order(
    request: &HttpRequest,
    payload: Payload,
    state: &AppState,
) -> Result<ExecutionRequest, ApiError> {
    // Nobody makes us read a body before we know who it is and that they may.
    let user = authenticate(state, request).await?;
    admit(state, &user, LimitedAction::Execute).await?;
    let mut fields = read_object(request, payload, state.body_timeout).await?;
    read(&mut fields, "code", RequestedLimits::default(), RequestContext::of(request))
}

/// Takes a body apart. The halves call the code under test by different names.
pub(super) fn read(
    fields: &mut Fields,
    source_name: &'static str,
    limits: RequestedLimits,
    context: RequestContext,
) -> Result<ExecutionRequest, ApiError> {
    let mut program =
        |name| ProgramText::parse(fields.text(name)?).map_err(|problem| bad_text(name, problem));
    let source = program(source_name)?;
    let tests = program("test_code")?;
    let language = parse_language(&fields.text("language")?)?;
    let RequestContext { locale, trace, .. } = context;
    Ok(ExecutionRequest { source, tests, language, limits, locale, trace })
}

fn program_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from(Type::String))
        .description(Some("Kept to the byte: line numbers in the answer refer to it. Not blank."))
        .max_length(Some(SOURCE_MAX_CHARS))
        .build()
}

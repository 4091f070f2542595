//! `POST /api/generate`: from pasted code to streamed tests.

mod frames;

use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use self::frames::{FrameData, LocalizedEvent};
use super::body::{Fields, read_object};
use super::context::{RequestContext, state};
use super::doors::{admit, authenticate};
use super::error::{ApiError, RequestProblem};
use super::fields::{bad_text, parse_language};
use super::languages::requested_language_schema;
use super::openapi::refusals;
use super::sse;
use crate::app::AppState;
use crate::builtin;
use crate::config::constants::builtin::BUDGET_MS;
use crate::domain::{
    AuthenticatedUser, DESCRIPTION_MAX_CHARS, Description, Effort, Freshness, GenerationRequest,
    LanguageCode, SOURCE_MAX_CHARS, SOURCE_MIN_CHARS, SourceCode, Writer,
};
use crate::services::generation::Order;
use crate::stores::LimitedAction;

/// An order for tests.
#[derive(ToSchema)]
struct GenerateRequest {
    #[schema(schema_with = source_schema)]
    input_code: String,
    #[schema(schema_with = requested_language_schema)]
    language: String,
    /// One of `GET /api/languages`; without it, the default one there.
    model: Option<String>,
    #[schema(schema_with = description_schema)]
    description: Option<String>,
    /// Whether an answer that was given before will not do.
    #[schema(default = false)]
    is_regenerate: Option<bool>,
    #[schema(schema_with = budget_schema)]
    budget_ms: Option<u64>,
    /// Where the search of `builtin` begins: the same source and seed give the same tests. Without
    /// it, 1; with `is_regenerate`, another one each time.
    #[schema(minimum = 1, maximum = 4_294_967_295_u64)]
    seed: Option<u64>,
    /// What the Turnstile widget handed out. Only `tester dev` does without.
    turnstile_token: Option<String>,
}

impl GenerateRequest {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        Ok(Self {
            input_code: fields.text("input_code")?,
            language: fields.text("language")?,
            model: fields.optional_text("model")?,
            description: fields.optional_text("description")?,
            is_regenerate: fields.optional_flag("is_regenerate")?,
            budget_ms: fields.optional_count("budget_ms")?,
            seed: fields.optional_count("seed")?,
            turnstile_token: fields.optional_text("turnstile_token")?,
        })
    }

    fn into_order(
        self,
        user: AuthenticatedUser,
        context: &RequestContext,
        state: &AppState,
    ) -> Result<Order, ApiError> {
        let source = SourceCode::parse(&self.input_code)
            .map_err(|problem| bad_text("input_code", problem))?;
        let language = parse_language(&self.language)?;
        let writer = parse_model(self.model.as_deref(), language, state)?;
        let description = self
            .description
            .map(|text| Description::parse(&text))
            .transpose()
            .map_err(|problem| bad_text("description", problem))?
            .flatten();
        let freshness = match self.is_regenerate {
            Some(true) => Freshness::Regenerate,
            Some(false) | None => Freshness::CachedWillDo,
        };
        let effort = Effort {
            budget: self.budget_ms.map_or(Ok(state.builtin.budget), parse_budget)?,
            seed: self.seed.map_or_else(|| Ok(usual_seed(freshness)), parse_seed)?,
        };
        let locale = context.locale;
        let request =
            GenerationRequest { source, language, writer, description, freshness, locale, effort };
        Ok(Order { user, request, turnstile_token: self.turnstile_token, client: context.client })
    }
}

/// Write unit tests for a source
///
/// The tests are streamed while they are written, one `data:` line of JSON a frame:
///
/// ```text
/// event: status                                      what is done before there is a chunk
/// data: {"step":"exploring","message":"…"}           (`builtin` alone)
///
/// data: {"type":"chunk","content":"…"}               one or more, without a name
///
/// event: status
/// data: {"step":"saving_history","message":"…"}
///
/// event: warning                                     only if saving failed
/// data: {"message":"…"}
///
/// event: message                                     the end
/// data: {"type":"done","history_id":"…","cached":false,"model":"…","usage":{…}}
/// ```
///
/// The chunks, put together, are the tests as they are saved. A failure after the first byte is a
/// last frame `error` with `"type":"error"`. A comment (`: keep-alive`) breaks every long silence.
/// More names may be added, never with a `type` of these: ignore what you do not know.
///
/// A generation costs tokens of the wallet. They are given back when it fails because of this
/// service or the model, or when the client leaves before the first chunk. An answer that was given
/// before (`"cached":true`) costs nothing.
///
/// `builtin`, where `GET /api/languages` offers it, asks no model: it runs the code in a sandbox and
/// writes tests that pin down what the code does today, whether or not that is right. It costs
/// nothing, a chunk is a test, and the last frame has a `suite`. Where it is a fallback, it writes for a
/// model that is down: a status frame says so, and the last frame names it.
#[utoipa::path(
    post,
    path = "/api/generate",
    tag = "generation",
    security(("access_token" = [])),
    request_body = GenerateRequest,
    responses(
        (
            status = OK,
            description = "The stream. Each frame's data is one of these; a frame is no JSON document by itself.",
            content_type = "text/event-stream",
            body = FrameData,
        ),
        refusals::Authentication,
        refusals::RateLimit,
        refusals::Body,
        refusals::Generation,
        refusals::Storage,
    ),
)]
pub(super) async fn generate(
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let context = RequestContext::of(&request);
    // Nobody makes us read a body before we know who it is and that they may.
    let user = authenticate(state, &request).await?;
    admit(state, &user, LimitedAction::Generate).await?;
    let fields = read_object(&request, payload, state.body_timeout).await?;
    let order = GenerateRequest::read(fields)?.into_order(user, &context, state)?;
    let ticket = state.generation.start(order);
    ticket
        .admission
        .await
        .map_err(|_| ApiError::Internal("the generation ended unasked".to_owned()))??;
    let locale = context.locale;
    Ok(sse::respond(
        sse::Kind::Generate,
        ticket.events,
        move |event| LocalizedEvent { event, locale },
        state.heartbeat,
    ))
}

fn parse_model(
    requested: Option<&str>,
    language: LanguageCode,
    state: &AppState,
) -> Result<Writer, ApiError> {
    let writer = state.models.resolve(requested).ok_or_else(|| {
        let names = state.models.names().collect::<Vec<_>>().join(", ");
        ApiError::InvalidRequest(RequestProblem::field(
            "model",
            format!("알 수 없는 모델입니다. 사용할 수 있는 모델: {names}"),
            format!("Unknown model. Available: {names}."),
        ))
    })?;
    if writer == Writer::Builtin && !builtin::WRITES.contains(&language) {
        let wanted = language.display_name();
        let written = builtin::WRITES.map(LanguageCode::display_name).join(", ");
        return Err(ApiError::InvalidRequest(RequestProblem::field(
            "model",
            format!(
                "내장 엔진은 {wanted} 테스트를 작성하지 않습니다. 지원하는 언어: {written}. 다른 모델을 \
                 선택해 주세요. `tester dev`에서는 GEMINI_API_KEY를 설정해야 합니다."
            ),
            format!(
                "The built-in engine does not write {wanted}; it writes {written}. Choose a model; \
                 `tester dev` needs GEMINI_API_KEY for one."
            ),
        )));
    }
    Ok(writer)
}

fn parse_budget(budget_ms: u64) -> Result<Duration, ApiError> {
    if BUDGET_MS.contains(&budget_ms) {
        return Ok(Duration::from_millis(budget_ms));
    }
    let (least, most) = BUDGET_MS.into_inner();
    Err(ApiError::InvalidRequest(RequestProblem::field(
        "budget_ms",
        format!("budget_ms는 {least}에서 {most} 사이여야 합니다."),
        format!("budget_ms must be from {least} to {most}."),
    )))
}

fn parse_seed(seed: u64) -> Result<u32, ApiError> {
    u32::try_from(seed).map_err(|_| {
        let most = u32::MAX;
        ApiError::InvalidRequest(RequestProblem::field(
            "seed",
            format!("seed는 1에서 {most} 사이여야 합니다."),
            format!("seed must be from 1 to {most}."),
        ))
    })
}

/// The same every time, but for a user who saw that answer and wants another one.
fn usual_seed(freshness: Freshness) -> u32 {
    match freshness {
        Freshness::CachedWillDo => 1,
        Freshness::Regenerate => Uuid::new_v4().as_fields().0.max(1),
    }
}

fn budget_schema() -> Object {
    let bound = |bound: u64| usize::try_from(bound).expect("bounds of a budget are small");
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .description(Some("Milliseconds that `builtin` may take; models take their own time."))
        .minimum(Some(bound(*BUDGET_MS.start())))
        .maximum(Some(bound(*BUDGET_MS.end())))
        .build()
}

fn source_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The code under test. Its length counts after trimming."))
        .min_length(Some(SOURCE_MIN_CHARS))
        .max_length(Some(SOURCE_MAX_CHARS))
        .build()
}

fn description_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(
            "What the code is meant to do. Where code and intent disagree, the tests follow the \
             intent.",
        ))
        .max_length(Some(DESCRIPTION_MAX_CHARS))
        .build()
}

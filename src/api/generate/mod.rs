//! `POST /api/generate`: from pasted code to streamed tests.

mod frames;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder, Type};

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
use crate::domain::{
    AuthenticatedUser, DESCRIPTION_MAX_CHARS, Description, Freshness, GenerationRequest, Model,
    SOURCE_MAX_CHARS, SOURCE_MIN_CHARS, SourceCode,
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
        let model = parse_model(self.model.as_deref(), state)?;
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
        let locale = context.locale;
        let request = GenerationRequest { source, language, model, description, freshness, locale };
        Ok(Order { user, request, turnstile_token: self.turnstile_token, client: context.client })
    }
}

/// Write unit tests for a source
///
/// The tests are streamed while the model writes them, one `data:` line of JSON a frame:
///
/// ```text
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

fn parse_model(requested: Option<&str>, state: &AppState) -> Result<Model, ApiError> {
    state.models.resolve(requested).cloned().ok_or_else(|| {
        let names: Vec<&str> =
            state.models.models().iter().map(|model| model.name.as_str()).collect();
        let names = names.join(", ");
        ApiError::InvalidRequest(RequestProblem::field(
            "model",
            format!("알 수 없는 모델입니다. 사용할 수 있는 모델: {names}"),
            format!("Unknown model. Available: {names}."),
        ))
    })
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

//! `GET /api/languages`: what a client needs to draw its form.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder, Object, ObjectBuilder, Type};

use super::context::state;
use crate::app::AppState;
use crate::builtin::WRITES;
use crate::config::constants::builtin::BUDGET_MS;
use crate::config::constants::http::BODY_LIMIT_BYTES;
use crate::domain::{
    BUILTIN_NAME, DESCRIPTION_MAX_CHARS, LanguageCode, SOURCE_MAX_CHARS, SOURCE_MIN_CHARS,
    whole_milliseconds,
};
use crate::languages;

/// What a client needs to draw its form.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
struct Languages {
    /// The engine that needs no model; null where it is not on offer.
    #[schema(required = true)]
    builtin: Option<Builtin>,
    /// The model that is used when a request names none.
    default_model: String,
    languages: Vec<Language>,
    limits: Limits,
    /// The models on offer, `builtin` among them where it is.
    models: Vec<String>,
}

/// The engine that needs no model.
#[derive(Debug, Serialize, ToSchema)]
struct Builtin {
    /// What it may take when a request does not say.
    budget_default_ms: u64,
    budget_max_ms: u64,
    budget_min_ms: u64,
    /// The languages it writes.
    #[schema(schema_with = languages_schema)]
    languages: Vec<LanguageCode>,
    /// What a request calls it.
    model: &'static str,
}

/// A programming language that tests are written for.
#[derive(Debug, Serialize, ToSchema)]
struct Language {
    #[schema(schema_with = language_schema)]
    code: LanguageCode,
    /// What the file with the tests is called.
    file_name: &'static str,
    /// What the tests are written with.
    framework: &'static str,
    /// The name a person reads.
    name: &'static str,
    /// A source to begin with.
    placeholder: &'static str,
}

/// What a request may hold.
#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    body_max_bytes: usize,
    description_max_chars: usize,
    /// Counted after trimming.
    input_code_max_chars: usize,
    /// Counted after trimming.
    input_code_min_chars: usize,
}

impl From<LanguageCode> for Language {
    fn from(code: LanguageCode) -> Self {
        let facts = languages::facts(code);
        Self {
            code,
            file_name: facts.file_name,
            framework: facts.framework,
            name: code.display_name(),
            placeholder: facts.placeholder,
        }
    }
}

/// List languages, models and limits
#[utoipa::path(
    get,
    path = "/api/languages",
    tag = "generation",
    operation_id = "list_languages",
    security(()),
    responses((status = OK, description = "All there is to choose from.", body = Languages)),
)]
pub(super) async fn languages(request: HttpRequest) -> HttpResponse {
    let state = state(&request);
    let models = &state.models;
    HttpResponse::Ok().json(Languages {
        builtin: builtin(state),
        default_model: models.default_name().to_owned(),
        languages: LanguageCode::ALL.map(Language::from).into(),
        limits: Limits {
            body_max_bytes: BODY_LIMIT_BYTES,
            description_max_chars: DESCRIPTION_MAX_CHARS,
            input_code_max_chars: SOURCE_MAX_CHARS,
            input_code_min_chars: SOURCE_MIN_CHARS,
        },
        models: models.names().map(str::to_owned).collect(),
    })
}

fn builtin(state: &AppState) -> Option<Builtin> {
    let offered = state.models.names().any(|name| name == BUILTIN_NAME);
    offered.then(|| Builtin {
        budget_default_ms: whole_milliseconds(state.builtin.budget),
        budget_max_ms: *BUDGET_MS.end(),
        budget_min_ms: *BUDGET_MS.start(),
        languages: WRITES.into(),
        model: BUILTIN_NAME,
    })
}

fn languages_schema() -> Array {
    ArrayBuilder::new().items(language_schema()).build()
}

/// The codes of [`LanguageCode`]. Built here, for the domain knows no API.
pub(super) fn language_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(LanguageCode::ALL.map(LanguageCode::as_str)))
        .build()
}

/// A language as a request may spell it.
pub(super) fn requested_language_schema() -> Object {
    let mut schema = language_schema();
    schema.description = Some("The language it is written in, in any letter case.".to_owned());
    schema
}

//! `GET /api/languages`: what a client needs to draw its form.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use super::context::state;
use crate::config::constants::http::BODY_LIMIT_BYTES;
use crate::domain::{
    DESCRIPTION_MAX_CHARS, LanguageCode, ModelName, SOURCE_MAX_CHARS, SOURCE_MIN_CHARS,
};
use crate::languages;

/// What a client needs to draw its form.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
struct Languages {
    /// The model that is used when a request names none.
    #[schema(value_type = String)]
    default_model: ModelName,
    languages: Vec<Language>,
    limits: Limits,
    /// The models on offer.
    #[schema(value_type = Vec<String>)]
    models: Vec<ModelName>,
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
    let models = &state(&request).models;
    HttpResponse::Ok().json(Languages {
        default_model: models.default_name().clone(),
        languages: LanguageCode::ALL.map(Language::from).into(),
        limits: Limits {
            body_max_bytes: BODY_LIMIT_BYTES,
            description_max_chars: DESCRIPTION_MAX_CHARS,
            input_code_max_chars: SOURCE_MAX_CHARS,
            input_code_min_chars: SOURCE_MIN_CHARS,
        },
        models: models.models().iter().map(|model| model.name.clone()).collect(),
    })
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

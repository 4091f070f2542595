//! `GET /api/languages`: what a client needs to draw its form.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::context::state;
use crate::config::constants::http::BODY_LIMIT_BYTES;
use crate::domain::{DESCRIPTION_MAX_CHARS, LanguageCode, SOURCE_MAX_CHARS, SOURCE_MIN_CHARS};
use crate::languages;

pub(super) async fn languages(request: HttpRequest) -> HttpResponse {
    let models = &state(&request).models;
    let names: Vec<&str> = models.models().iter().map(|model| model.name.as_str()).collect();
    let languages: Vec<Value> = LanguageCode::ALL.into_iter().map(language).collect();
    HttpResponse::Ok().json(json!({
        "languages": languages,
        "models": names,
        "default_model": models.default_name(),
        "limits": {
            "input_code_min_chars": SOURCE_MIN_CHARS,
            "input_code_max_chars": SOURCE_MAX_CHARS,
            "description_max_chars": DESCRIPTION_MAX_CHARS,
            "body_max_bytes": BODY_LIMIT_BYTES,
        },
    }))
}

fn language(code: LanguageCode) -> Value {
    let facts = languages::facts(code);
    json!({
        "code": code,
        "name": code.display_name(),
        "framework": facts.framework,
        "file_name": facts.file_name,
        "placeholder": facts.placeholder,
    })
}

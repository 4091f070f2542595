//! `GET /api/openapi.json`: this API, described by the code that serves it.
//!
//! Each handler's annotation says what is its own. What the outermost middleware does to every
//! request is added here, as are the components that routes refer to.

mod header;
pub(super) mod refusals;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, ObjectBuilder, PathItem, Ref, RefOr, Type};
use utoipa::{Modify, OpenApi};

use super::error::{ErrorBody, ErrorCode};
use super::{execution, generate, history, languages, ops, user};

const DESCRIPTION: &str = "\
Turns pasted source code into unit tests, streams them while they are written, and stores the pair \
encrypted.

- Every path under `/api` is served under `/api/v1` as well.
- Every error has the body `ErrorBody`. Switch on its `code`; its `message` is for people.
- A path that is not here answers 404 `NOT_FOUND`, a method that is not here 405 \
  `METHOD_NOT_ALLOWED` with `Allow`.
- `tester dev` needs no access token and no Turnstile token, and serves its own machine only.";

/// The component of the parameter that every route takes.
const ACCEPT_LANGUAGE: &str = "AcceptLanguage";

#[derive(OpenApi)]
#[openapi(
    info(title = "TESTER", description = DESCRIPTION),
    servers((url = "/", description = "Where this document came from.")),
    paths(
        generate::generate,
        execution::execute,
        execution::stream,
        history::list,
        history::delete_all,
        history::get,
        history::delete,
        user::status,
        languages::languages,
        ops::liveness,
        openapi,
        ops::health,
        ops::metrics,
    ),
    components(schemas(ErrorBody)),
    tags(
        (name = "generation", description = "From source to tests."),
        (name = "execution", description = "From code and tests to a verdict."),
        (name = "history", description = "What was generated, stored encrypted."),
        (name = "user", description = "Account, wallet and quota."),
        (name = "operation", description = "How the service itself is."),
    ),
    modifiers(&SharedComponents, &OutermostLayer),
)]
struct Document;

/// Describe this API
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "operation",
    operation_id = "get_openapi",
    security(()),
    responses((
        status = OK,
        description = "This document.",
        content_type = "application/json",
        body = Object,
    )),
)]
pub(super) async fn openapi() -> HttpResponse {
    /// The same for the life of the process.
    static RENDERED: LazyLock<Bytes> = LazyLock::new(|| {
        Document::openapi().to_json().expect("a document is maps, lists and strings").into()
    });
    HttpResponse::Ok().insert_header(ContentType::json()).body(RENDERED.clone())
}

/// What routes refer to.
struct SharedComponents;

impl Modify for SharedComponents {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        components
            .responses
            .extend(refusals::components().map(|(name, response)| (name, response.into())));
        components
            .headers
            .extend(header::components().map(|(name, header)| (name.to_owned(), RefOr::T(header))));
        components.parameters.insert(ACCEPT_LANGUAGE.to_owned(), accept_language().into());
        let bearer = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("An access token of the Supabase project."))
            .build();
        components.add_security_scheme("access_token", SecurityScheme::Http(bearer));
        let ops_key = ApiKeyValue::with_description(
            "X-TESTER-KEY",
            "`TESTER_INTERNAL_SECRET`. Where none is configured, these routes do not exist.",
        );
        components.add_security_scheme("ops_key", SecurityScheme::ApiKey(ApiKey::Header(ops_key)));
    }
}

/// What `middleware::observe` does to every request: it chooses the language, may refuse the caller,
/// and stamps the trace id on every answer.
struct OutermostLayer;

impl Modify for OutermostLayer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let language = Ref::new(format!("#/components/parameters/{ACCEPT_LANGUAGE}"));
            operation.parameters.get_or_insert_default().push(RefOr::Ref(language));
            operation.responses.responses.extend(refusals::refusals(&[ErrorCode::Forbidden]));
            stamp(operation.responses.responses.values_mut());
        }
        if let Some(components) = &mut document.components {
            stamp(components.responses.values_mut());
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.delete].into_iter().flatten()
}

/// Components are stamped once, so references to them are passed over.
fn stamp<'a>(responses: impl Iterator<Item = &'a mut RefOr<utoipa::openapi::Response>>) {
    for response in responses {
        if let RefOr::T(response) = response {
            response
                .headers
                .insert(header::TRACE_ID.to_owned(), header::reference(header::TRACE_ID));
        }
    }
}

fn accept_language() -> Parameter {
    ParameterBuilder::new()
        .name("Accept-Language")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "The language of messages, and of the comments in generated tests: Korean or English, \
             Korean when neither is acceptable.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some("en".into()))
        .build()
}

//! HTTP in. The same routes under `/api` and `/api/v1`, the ops routes beside them.

mod body;
mod console;
mod context;
mod doors;
mod error;
mod execution;
mod fields;
mod generate;
mod history;
mod languages;
mod middleware;
mod openapi;
mod ops;
mod sse;
mod user;
mod worker;

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route};

use self::error::ApiError;
pub(crate) use self::middleware::{answer, guard, observe};

/// Registers every route. `app::startup` wraps the result with [`answer`] and [`observe`].
pub(crate) fn routes(config: &mut ServiceConfig) {
    // The longer prefix first: actix takes the first scope that fits.
    for prefix in ["/api/v1", "/api"] {
        let scope = resources(api_routes())
            .fold(web::scope(prefix), actix_web::Scope::service)
            .default_service(web::to(not_found));
        config.service(scope);
    }
    for resource in resources(console_routes()).chain(resources(ops_routes())) {
        config.service(resource);
    }
    config.default_service(web::to(not_found));
}

/// Registers every route of `tester worker`, to be wrapped in the same way.
pub(crate) fn worker_routes(config: &mut ServiceConfig) {
    let routes: [(Method, &'static str, Route); 4] = [
        (Method::POST, "/execute", web::to(worker::execute)),
        (Method::POST, "/execute/stream", web::to(worker::stream)),
        (Method::GET, "/health", web::to(worker::health)),
        (Method::GET, "/metrics", web::to(worker::metrics)),
    ];
    for resource in resources(routes) {
        config.service(resource);
    }
    config.default_service(web::to(not_found));
}

/// What is served under `/api`, and again under `/api/v1`.
fn api_routes() -> [(Method, &'static str, Route); 11] {
    [
        (Method::POST, "/generate", web::to(generate::generate)),
        (Method::POST, "/execution/execute", web::to(execution::execute)),
        (Method::POST, "/execution/stream", web::to(execution::stream)),
        (Method::GET, "/history", web::to(history::list)),
        (Method::DELETE, "/history", web::to(history::delete_all)),
        (Method::GET, "/history/{id}", web::to(history::get)),
        (Method::DELETE, "/history/{id}", web::to(history::delete)),
        (Method::GET, "/user/status", web::to(user::status)),
        (Method::GET, "/languages", web::to(languages::languages)),
        (Method::GET, "/health", web::to(ops::liveness)),
        (Method::GET, "/openapi.json", web::to(openapi::openapi)),
    ]
}

/// What is served to browsers. The literal path before the pattern that would match it as well.
fn console_routes() -> [(Method, &'static str, Route); 3] {
    [
        (Method::GET, "/", web::to(console::page)),
        (Method::GET, "/console/settings.json", web::to(console::settings)),
        (Method::GET, "/console/{file}", web::to(console::file)),
    ]
}

/// What is served to operators.
fn ops_routes() -> [(Method, &'static str, Route); 2] {
    [
        (Method::GET, "/health", web::to(ops::health)),
        (Method::GET, "/metrics", web::to(ops::metrics)),
    ]
}

fn resources(
    routes: impl IntoIterator<Item = (Method, &'static str, Route)>,
) -> impl Iterator<Item = Resource> {
    let mut paths: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (method, path, route) in routes {
        paths.entry(path).or_default().push((method, route));
    }
    paths.into_iter().map(|(path, routes)| resource(path, routes))
}

/// A path that answers these methods, and every other one with a 405 that names them.
fn resource(path: &str, routes: Vec<(Method, Route)>) -> Resource {
    let allow = routes.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
    let allow = HeaderValue::from_str(&allow).expect("method names are ASCII");
    routes
        .into_iter()
        .fold(web::resource(path), |resource, (method, route)| resource.route(route.method(method)))
        .default_service(web::to(move || {
            let allow = allow.clone();
            async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) }
        }))
}

async fn not_found(_request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}

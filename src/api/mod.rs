//! HTTP in. The same routes under `/api` and `/api/v1`, the ops routes beside them.

mod body;
mod context;
mod doors;
mod error;
mod generate;
mod history;
mod languages;
mod middleware;
mod ops;
mod sse;
mod user;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route};

pub use self::error::ApiError;
pub(crate) use self::middleware::observe;

/// Registers every route. `app::startup` wraps the result with [`observe`].
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        // The longer prefix first: actix takes the first scope that fits.
        .service(api_routes("/api/v1"))
        .service(api_routes("/api"))
        .service(resource("/health", [(Method::GET, web::get().to(ops::health))]))
        .service(resource("/metrics", [(Method::GET, web::get().to(ops::metrics))]))
        .default_service(web::to(not_found));
}

fn api_routes(prefix: &str) -> impl HttpServiceFactory + use<> {
    web::scope(prefix)
        .service(resource("/generate", [(Method::POST, web::post().to(generate::generate))]))
        .service(resource(
            "/history",
            [
                (Method::GET, web::get().to(history::list)),
                (Method::DELETE, web::delete().to(history::delete_all)),
            ],
        ))
        .service(resource(
            "/history/{id}",
            [
                (Method::GET, web::get().to(history::get)),
                (Method::DELETE, web::delete().to(history::delete)),
            ],
        ))
        .service(resource("/user/status", [(Method::GET, web::get().to(user::status))]))
        .service(resource("/languages", [(Method::GET, web::get().to(languages::languages))]))
        .service(resource("/health", [(Method::GET, web::get().to(ops::liveness))]))
        .default_service(web::to(not_found))
}

/// A path that answers these methods, and every other one with a 405 that names them.
fn resource<const N: usize>(path: &str, routes: [(Method, Route); N]) -> Resource {
    let allow = routes.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
    let allow = HeaderValue::from_str(&allow).expect("method names are ASCII");
    routes
        .into_iter()
        .fold(web::resource(path), |resource, (_, route)| resource.route(route))
        .default_service(web::to(move || {
            let allow = allow.clone();
            async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) }
        }))
}

async fn not_found(_request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}

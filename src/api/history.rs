//! `/api/history`: a user's stored generations.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::context::state;
use super::doors::authenticate;
use super::error::{ApiError, RequestProblem};
use super::openapi::refusals;
use crate::domain::{Generation, GenerationId, PageCursor, PageRequest};

/// Rows of a page when the request names no limit (contract).
const PAGE_DEFAULT: u32 = 50;
/// Most rows of a page (contract).
const PAGE_MAX: u32 = 100;

/// Ids of rows that are stored but could not be decrypted, so that a client can say that something
/// is missing. Additional to the contract.
const UNREADABLE_HEADER: &str = "X-Unreadable-Items";

/// One stored generation, as clients read it.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryItem {
    id: Uuid,
    /// The code under test.
    input_code: String,
    /// The tests.
    generated_code: String,
    /// The language of both, as it was stored.
    language: String,
    /// The model that answered.
    model: String,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Generation> for HistoryItem {
    fn from(row: Generation) -> Self {
        Self {
            id: row.id.0,
            input_code: row.input_code,
            generated_code: row.generated_code,
            language: row.language,
            model: row.model,
            created_at: row.created_at,
        }
    }
}

/// The query of the list route, as it came.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    #[param(schema_with = limit_schema)]
    limit: Option<String>,
    /// Where the page before ended, as its `Link` has it; without it, the first page.
    cursor: Option<String>,
}

impl PageQuery {
    fn parse(self) -> Result<PageRequest, ApiError> {
        let limit = self.limit.map_or(Ok(PAGE_DEFAULT), |text| parse_limit(&text))?;
        let after =
            self.cursor.map(|text| PageCursor::decode(&text)).transpose().map_err(|problem| {
                ApiError::InvalidRequest(RequestProblem::field(
                    "cursor",
                    "cursor가 올바르지 않습니다. cursor 없이 처음부터 조회해 주세요.",
                    format!("cursor is {problem}."),
                ))
            })?;
        Ok(PageRequest { limit, after })
    }
}

fn parse_limit(text: &str) -> Result<u32, ApiError> {
    text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or_else(|| {
        ApiError::InvalidRequest(RequestProblem::field(
            "limit",
            format!("limit는 1 이상 {PAGE_MAX} 이하의 정수여야 합니다."),
            format!("limit must be a whole number from 1 to {PAGE_MAX}."),
        ))
    })
}

fn limit_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("Most items of the page."))
        .minimum(Some(1))
        .maximum(Some(PAGE_MAX))
        .default(Some(PAGE_DEFAULT.into()))
        .build()
}

/// List stored generations, newest first
#[utoipa::path(
    get,
    path = "/api/history",
    tag = "history",
    operation_id = "list_history",
    security(("access_token" = [])),
    params(PageQuery),
    responses(
        (
            status = OK,
            description = "One page.",
            body = [HistoryItem],
            headers(
                ("Link", description = "`<…>; rel=\"next\"`: the next page, where there is one."),
                (
                    "X-Unreadable-Items",
                    description = "Ids of stored items that can't be decrypted and were left out, \
                                   separated by commas, where there are any."
                ),
            ),
        ),
        refusals::Authentication,
        refusals::Query,
        refusals::Storage,
    ),
)]
pub(super) async fn list(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    let query = web::Query::<PageQuery>::from_query(request.query_string()).map_err(|_| {
        ApiError::InvalidRequest(RequestProblem::body(
            "쿼리 문자열을 해석할 수 없습니다.",
            "The query string can't be read.",
        ))
    })?;
    let page_request = query.into_inner().parse()?;
    let page = state.history.page(user.id, page_request).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        let (path, limit, cursor) = (request.path(), page_request.limit, next.encode());
        let link = format!("<{path}?limit={limit}&cursor={cursor}>; rel=\"next\"");
        response.insert_header((header::LINK, link));
    }
    if !page.unreadable.is_empty() {
        let ids: Vec<String> = page.unreadable.iter().map(|row| row.id.to_string()).collect();
        response.insert_header((UNREADABLE_HEADER, ids.join(",")));
    }
    let items: Vec<HistoryItem> = page.rows.into_iter().map(HistoryItem::from).collect();
    Ok(response.json(items))
}

/// Read one stored generation
#[utoipa::path(
    get,
    path = "/api/history/{id}",
    tag = "history",
    operation_id = "get_history_item",
    security(("access_token" = [])),
    params(("id" = Uuid, Path, description = "The id of the item.")),
    responses(
        (status = OK, description = "The item.", body = HistoryItem),
        refusals::Authentication,
        refusals::Missing,
        refusals::Storage,
    ),
)]
pub(super) async fn get(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    let id = path_id(&request)?;
    let row = state.history.get(user.id, id).await?.ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok().json(HistoryItem::from(row)))
}

/// Delete one stored generation
#[utoipa::path(
    delete,
    path = "/api/history/{id}",
    tag = "history",
    operation_id = "delete_history_item",
    security(("access_token" = [])),
    params(("id" = Uuid, Path, description = "The id of the item.")),
    responses(
        (status = NO_CONTENT, description = "It is gone."),
        refusals::Authentication,
        refusals::Missing,
        refusals::Storage,
    ),
)]
pub(super) async fn delete(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    let id = path_id(&request)?;
    if state.history.delete(user.id, id).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NotFound)
    }
}

/// Delete all stored generations
#[utoipa::path(
    delete,
    path = "/api/history",
    tag = "history",
    operation_id = "delete_history",
    security(("access_token" = [])),
    responses(
        (status = NO_CONTENT, description = "They are gone."),
        refusals::Authentication,
        refusals::Storage,
    ),
)]
pub(super) async fn delete_all(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    let rows = state.history.delete_all(user.id).await?;
    tracing::info!(rows, "history cleared");
    Ok(HttpResponse::NoContent().finish())
}

/// A text that is no id names no row.
fn path_id(request: &HttpRequest) -> Result<GenerationId, ApiError> {
    let id = request.match_info().get("id").unwrap_or_default();
    Uuid::try_parse(id).map(GenerationId).map_err(|_| ApiError::NotFound)
}

//! `/api/history`: a user's stored generations.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::context::state;
use super::doors::authenticate;
use super::error::{ApiError, RequestProblem};
use crate::domain::{Generation, GenerationId, PageCursor, PageRequest};

/// Rows of a page when the request names no limit (contract).
const PAGE_DEFAULT: u32 = 50;
/// Most rows of a page (contract).
const PAGE_MAX: u32 = 100;

/// Ids of rows that are stored but could not be decrypted, so that a client can say that something
/// is missing. Additional to the contract.
const UNREADABLE_HEADER: &str = "X-Unreadable-Items";

/// One stored generation, as clients read it.
#[derive(Debug, Serialize)]
struct HistoryItem {
    id: GenerationId,
    input_code: String,
    generated_code: String,
    language: String,
    model: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Generation> for HistoryItem {
    fn from(row: Generation) -> Self {
        Self {
            id: row.id,
            input_code: row.input_code,
            generated_code: row.generated_code,
            language: row.language,
            model: row.model,
            created_at: row.created_at,
        }
    }
}

/// The query of the list route, as it came.
#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    limit: Option<String>,
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
        let ids: Vec<String> = page.unreadable.iter().map(ToString::to_string).collect();
        response.insert_header((UNREADABLE_HEADER, ids.join(",")));
    }
    let items: Vec<HistoryItem> = page.rows.into_iter().map(HistoryItem::from).collect();
    Ok(response.json(items))
}

pub(super) async fn get(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    let id = path_id(&request)?;
    let row = state.history.get(user.id, id).await?.ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok().json(HistoryItem::from(row)))
}

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

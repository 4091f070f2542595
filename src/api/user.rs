//! `GET /api/user/status`: who am I, what do I have, what may I still do.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use time::OffsetDateTime;

use super::context::state;
use super::doors::{admit, authenticate};
use super::error::ApiError;
use crate::stores::LimitedAction;

pub(super) async fn status(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    admit(state, &user, LimitedAction::Status).await?;
    let wallet = state.wallet.status(user.id, OffsetDateTime::now_utc()).await?;
    let quota = state.rate_limits.quota(user.id, LimitedAction::Generate).await;
    Ok(HttpResponse::Ok().json(json!({
        "user": { "id": user.id, "email": user.email },
        "token_info": {
            "current_tokens": wallet.current_tokens,
            "daily_bonus_claimed": wallet.daily_bonus_claimed,
            "cost_per_generation": state.wallet.cost(),
        },
        "quota": {
            "limit": quota.limit,
            "used": quota.used,
            "remaining": quota.remaining,
        },
    })))
}

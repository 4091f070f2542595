//! `GET /api/user/status`: who am I, what do I have, what may I still do.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::context::state;
use super::doors::{admit, authenticate};
use super::error::ApiError;
use super::openapi::refusals;
use crate::domain::{AuthenticatedUser, Tokens};
use crate::services::rate_limits;
use crate::stores::LimitedAction;

/// Who somebody is, what they have and what they may still do.
#[derive(Debug, Serialize, ToSchema)]
struct UserStatus {
    quota: Quota,
    token_info: TokenInfo,
    user: User,
}

/// Generations of the last minute.
#[derive(Debug, Serialize, ToSchema)]
struct Quota {
    /// Allowed a minute.
    limit: u32,
    /// Left now.
    remaining: u32,
    used: u32,
}

/// The wallet.
#[derive(Debug, Serialize, ToSchema)]
struct TokenInfo {
    /// 0 where the wallet is off.
    #[schema(value_type = u32)]
    cost_per_generation: Tokens,
    #[schema(value_type = u32)]
    current_tokens: Tokens,
    /// Whether today's bonus (UTC day) is in the balance.
    daily_bonus_claimed: bool,
}

/// The account.
#[derive(Debug, Serialize, ToSchema)]
struct User {
    /// The address of the account, where it has one.
    #[schema(required = true)]
    email: Option<String>,
    id: Uuid,
}

impl From<rate_limits::Quota> for Quota {
    fn from(quota: rate_limits::Quota) -> Self {
        Self { limit: quota.limit, remaining: quota.remaining, used: quota.used }
    }
}

impl From<AuthenticatedUser> for User {
    fn from(user: AuthenticatedUser) -> Self {
        Self { email: user.email, id: user.id.0 }
    }
}

/// Show the account, its wallet and its quota
///
/// The first call opens the wallet with a welcome gift; the first one of a UTC day claims the daily
/// bonus.
#[utoipa::path(
    get,
    path = "/api/user/status",
    tag = "user",
    operation_id = "get_user_status",
    security(("access_token" = [])),
    responses(
        (status = OK, description = "The status now.", body = UserStatus),
        refusals::Authentication,
        refusals::RateLimit,
        refusals::Storage,
    ),
)]
pub(super) async fn status(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let user = authenticate(state, &request).await?;
    admit(state, &user, LimitedAction::Status).await?;
    // Neither needs the other's answer.
    let (wallet, quota) = tokio::join!(
        state.wallet.status(user.id, OffsetDateTime::now_utc()),
        state.rate_limits.quota(user.id, LimitedAction::Generate),
    );
    let wallet = wallet?;
    Ok(HttpResponse::Ok().json(UserStatus {
        quota: quota.into(),
        token_info: TokenInfo {
            cost_per_generation: state.wallet.cost(),
            current_tokens: wallet.current_tokens,
            daily_bonus_claimed: wallet.daily_bonus_claimed,
        },
        user: user.into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_has_the_form_existing_clients_parse() {
        let status = UserStatus {
            quota: Quota { limit: 5, remaining: 3, used: 2 },
            token_info: TokenInfo {
                cost_per_generation: 10,
                current_tokens: 80,
                daily_bonus_claimed: true,
            },
            user: User { email: None, id: Uuid::nil() },
        };
        let json = serde_json::to_string(&status).expect("plain structs");
        assert_eq!(
            json,
            "{\"quota\":{\"limit\":5,\"remaining\":3,\"used\":2},\
             \"token_info\":{\"cost_per_generation\":10,\"current_tokens\":80,\"daily_bonus_claimed\":true},\
             \"user\":{\"email\":null,\"id\":\"00000000-0000-0000-0000-000000000000\"}}"
        );
    }
}

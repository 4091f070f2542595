//! What stands before a handler: who is it, may they, how often.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, http::header::HeaderMap};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::error::{ApiError, Prohibition};
use crate::app::AppState;
use crate::domain::AuthenticatedUser;
use crate::gateways::AuthError;
use crate::stores::LimitedAction;

/// What the log calls the user behind a request. It stands beside the request once it is known.
#[derive(Clone)]
pub(super) struct UserName(pub(super) String);

/// The user behind the request.
pub(super) async fn authenticate(
    state: &AppState,
    request: &HttpRequest,
) -> Result<AuthenticatedUser, ApiError> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let authorization = values.next().map(header::HeaderValue::as_bytes);
    if values.next().is_some() {
        return Err(AuthError::Refused("more than one Authorization header").into());
    }
    let user = state.verifier.authenticate(authorization).await?;
    request.extensions_mut().insert(UserName(state.pseudonyms.name(user.id)));
    Ok(user)
}

/// Counts one action of the user against its limit.
pub(super) async fn admit(
    state: &AppState,
    user: &AuthenticatedUser,
    action: LimitedAction,
) -> Result<(), ApiError> {
    Ok(state.rate_limits.admit(user.id, action).await?)
}

/// Lets operators in: without a configured secret the route does not exist.
pub(super) fn require_ops_key(state: &AppState, request: &HttpRequest) -> Result<(), ApiError> {
    let secret = state.internal_secret.as_ref().ok_or(ApiError::NotFound)?;
    let presented = request.headers().get("x-tester-key").map_or(&b""[..], |key| key.as_bytes());
    let matches = presented.ct_eq(secret.expose_secret().as_bytes());
    if bool::from(matches) { Ok(()) } else { Err(ApiError::Forbidden(Prohibition::OpsKey)) }
}

/// Lets the web half in: what is no bearer at all is told from a wrong one.
pub(super) fn require_worker_token(
    token: &SecretString,
    request: &HttpRequest,
) -> Result<(), ApiError> {
    let malformed = || ApiError::Unauthorized(AuthError::Refused("no bearer token"));
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return Err(malformed()) };
    let (scheme, presented) = value.as_bytes().split_at_checked(7).ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case(b"Bearer ")
        || presented.is_empty()
        || !presented.iter().all(u8::is_ascii_graphic)
    {
        return Err(malformed());
    }
    if bool::from(presented.ct_eq(token.expose_secret().as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::Forbidden(Prohibition::WorkerToken))
    }
}

/// `tester dev` trusts whoever can reach it, so nobody else may: a page of another site that calls
/// it carries its own `Origin`, and one that was rebound to loopback by DNS its own `Host`.
pub(super) fn require_own_origin(
    headers: &HeaderMap,
    allowed_origins: &[String],
) -> Result<(), ApiError> {
    let foreign = Err(ApiError::Forbidden(Prohibition::ForeignOrigin));
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else {
        return foreign;
    };
    if !is_loopback_host(host) {
        return foreign;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let own = |origin: &str| {
        origin.strip_prefix("http://").is_some_and(|rest| rest.eq_ignore_ascii_case(host))
            || allowed_origins.iter().any(|allowed| allowed == origin)
    };
    if origin.to_str().is_ok_and(own) { Ok(()) } else { foreign }
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn is_own(host: Option<&'static str>, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, HeaderValue::from_static(host));
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        require_own_origin(&headers, &["http://localhost:3000".to_owned()]).is_ok()
    }

    #[test]
    fn only_loopback_hosts_are_served() {
        for host in
            ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:80", "[::1]:8080", "[::1]"]
        {
            assert!(is_own(Some(host), None), "{host}");
        }
        for host in [
            "",
            "example.com",
            "example.com:8080",
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "::1",
            "localhost:80:evil",
            "0.0.0.0:8080",
        ] {
            assert!(!is_own(Some(host), None), "{host}");
        }
        assert!(!is_own(None, None));
    }

    #[test]
    fn only_own_and_allowed_origins_are_served() {
        let host = Some("localhost:8080");
        assert!(is_own(host, Some("http://localhost:8080")));
        assert!(is_own(host, Some("http://localhost:3000")));
        for origin in [
            "null",
            "http://localhost",
            "http://localhost:8081",
            "https://localhost:8080",
            "http://evil.example",
            "",
        ] {
            assert!(!is_own(host, Some(origin)), "{origin}");
        }
    }
}

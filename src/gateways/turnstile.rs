//! Cloudflare Turnstile. Fails closed: who can't be checked can't come in.

use std::net::IpAddr;

use async_trait::async_trait;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::http::{self, Peer};
use super::{BotCheck, BotCheckError};
use crate::config::{DevSettings, TurnstileSettings};

/// Longest token that siteverify takes. Characters are bytes here: a token is ASCII.
const TOKEN_MAX_BYTES: usize = 2_048;
/// Most of an answer that is read. A real one has about 300 bytes.
const ANSWER_MAX_BYTES: usize = 16 * 1024;
/// Most of an answer's error codes that are kept, and the longest text that is taken for one: they
/// go into a log.
const CODES_MAX: usize = 8;
const CODE_MAX_LENGTH: usize = 64;
/// Error codes that blame the one who asks; they say nothing about the token.
const OUR_FAULTS: [&str; 3] = ["missing-input-secret", "invalid-input-secret", "bad-request"];

/// Asks siteverify about every token.
#[derive(Debug)]
pub struct Turnstile {
    client: Client,
    settings: TurnstileSettings,
}

/// Vouches for everybody. For `tester dev`, whose user is the machine's.
#[derive(Debug)]
pub struct NoBotCheck(());

/// What siteverify is asked.
#[derive(Serialize)]
struct Question<'a> {
    secret: &'a str,
    response: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remoteip: Option<IpAddr>,
    /// The same on the retry, or a first call that got through unseen would have spent the token.
    idempotency_key: Uuid,
}

/// What siteverify answers; the rest of it is not looked at.
#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
    /// The site that the token was solved on.
    hostname: Option<String>,
    /// What the widget says the token is for.
    action: Option<String>,
}

/// Why a call did not vouch for the token.
enum Failure {
    /// A transport error, or siteverify's own `internal-error`: the only ones that a second call
    /// may mend.
    Transient(String),
    /// Everything else.
    Final(BotCheckError),
}

impl Turnstile {
    /// A check on behalf of the account that the settings name.
    #[must_use]
    pub const fn new(client: Client, settings: TurnstileSettings) -> Self {
        Self { client, settings }
    }

    /// One call within the deadline.
    async fn ask(&self, question: &Question<'_>) -> Result<(), Failure> {
        let (status, answer) = tokio::time::timeout(self.settings.timeout, self.call(question))
            .await
            .map_err(|_| Failure::Transient("no answer in time".to_owned()))?
            .map_err(|error| Failure::Transient(http::describe(error)))?;
        match answer {
            Some(answer) if answer.success && status.is_success() => self.check_origin(&answer),
            Some(answer) if !answer.success => Err(Failure::from_codes(&answer.error_codes)),
            _ => Err(Failure::Final(BotCheckError::Unavailable(format!(
                "siteverify answered status {} and nothing usable",
                status.as_u16()
            )))),
        }
    }

    /// Whether a good token was made where and for what it is shown. The site key is public: anybody
    /// can put the widget on a page of their own and gather tokens there. Of an answer that does not
    /// say, the worst is assumed.
    fn check_origin(&self, answer: &Answer) -> Result<(), Failure> {
        let TurnstileSettings { hostnames, action, .. } = &self.settings;
        let is_ours = |name: &String| hostnames.iter().any(|ours| ours.eq_ignore_ascii_case(name));
        let code = if !hostnames.is_empty() && !answer.hostname.as_ref().is_some_and(is_ours) {
            "hostname-mismatch"
        } else if action.is_some() && answer.action != *action {
            "action-mismatch"
        } else {
            return Ok(());
        };
        Err(Failure::Final(BotCheckError::Refused { codes: code.to_owned() }))
    }

    async fn call(
        &self,
        question: &Question<'_>,
    ) -> Result<(StatusCode, Option<Answer>), reqwest::Error> {
        let request = self.client.post(self.settings.verify_url.clone()).json(question);
        let mut response = http::send(Peer::Turnstile, request).await?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                return Ok((status, None));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, serde_json::from_slice(&body).ok()))
    }
}

#[async_trait]
impl BotCheck for Turnstile {
    async fn verify(
        &self,
        token: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<(), BotCheckError> {
        let token = token.filter(|token| (1..=TOKEN_MAX_BYTES).contains(&token.len()));
        let question = Question {
            secret: self.settings.secret.expose_secret(),
            response: token.ok_or(BotCheckError::Missing)?,
            remoteip: client.map(|address| address.to_canonical()),
            idempotency_key: Uuid::new_v4(),
        };
        let outcome = match self.ask(&question).await {
            Err(Failure::Transient(_)) => self.ask(&question).await,
            outcome => outcome,
        };
        outcome.map_err(|failure| match failure {
            Failure::Transient(reason) => BotCheckError::Unavailable(reason),
            Failure::Final(error) => error,
        })
    }
}

impl NoBotCheck {
    /// Takes the settings as proof of the mode: `tester serve` has no [`DevSettings`].
    #[must_use]
    pub const fn new(_: &DevSettings) -> Self {
        Self(())
    }
}

#[async_trait]
impl BotCheck for NoBotCheck {
    async fn verify(&self, _: Option<&str>, _: Option<IpAddr>) -> Result<(), BotCheckError> {
        Ok(())
    }
}

impl Failure {
    /// Reads the codes of <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>.
    fn from_codes(codes: &[String]) -> Self {
        let named = |name: &str| codes.iter().any(|code| code == name);
        let listed = printable(codes);
        if named("internal-error") {
            Self::Transient(format!("siteverify failed: {listed}"))
        } else if OUR_FAULTS.into_iter().any(named) {
            Self::Final(BotCheckError::Unavailable(format!("siteverify refuses us: {listed}")))
        } else {
            Self::Final(BotCheckError::Refused { codes: listed })
        }
    }
}

/// The codes, for a log. What has not the form of one may be anything, our secret among it.
fn printable(codes: &[String]) -> String {
    let is_code = |code: &str| {
        code.len() <= CODE_MAX_LENGTH
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let code = |code: &String| if is_code(code) { code.clone() } else { "no-code".to_owned() };
    codes.iter().take(CODES_MAX).map(code).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Supabase;
use super::api::{Answer, AnswerBound};
use super::failure::{CallError, Effect};
use super::repetition::Repeat;
use crate::domain::{Charge, Deduction, Refund, Tokens, UserId, WalletBalance, WalletGifts};
use crate::repositories::{RepositoryError, WalletRepository};

/// What the log says of a refund.
const NOT_COMPLETED: &str = "the generation was not completed";

/// Most charges that are given back in one go.
const ABANDONED_AT_ONCE: u32 = 100;

#[async_trait]
impl WalletRepository for Supabase {
    /// The day of the bonus is the database's, not that of `now`: there is one clock for all
    /// processes.
    async fn open(
        &self,
        user: UserId,
        gifts: WalletGifts,
        _now: OffsetDateTime,
    ) -> Result<WalletBalance, RepositoryError> {
        // Nearly everybody who comes has a wallet, and then one call does.
        let arguments = json!({ "p_user_id": user, "p_bonus_amount": gifts.daily });
        let mut claim = self.call_wallet("claim_daily_bonus", &arguments).await?.body;
        if claim.names("USER_NOT_FOUND") {
            let arguments = json!({
                "p_user_id": user,
                "p_default_amount": gifts.welcome,
                "p_bonus_amount": gifts.daily,
            });
            claim = self.call_wallet("open_user_wallet", &arguments).await?.body;
        }
        if !claim.already_claimed {
            claim.expect_success()?;
        }
        Ok(WalletBalance { current_tokens: claim.balance()?, daily_bonus_claimed: true })
    }

    /// When the outcome is unknown, tokens may be gone: then the charge is open, and is given back
    /// as an abandoned one.
    async fn deduct(&self, charge: Charge) -> Result<Deduction, RepositoryError> {
        let Answer { body, earlier, .. } =
            self.call_wallet("deduct_tokens", &arguments_of(charge, "generation")).await?;
        if body.success {
            return Ok(Deduction::Deducted { balance: body.balance()? });
        }
        match (body.error.as_deref(), earlier) {
            (Some("INSUFFICIENT_TOKENS"), _) => {
                Ok(Deduction::Insufficient { current: body.balance()? })
            }
            (Some("USER_NOT_FOUND"), _) => Ok(Deduction::NoWallet),
            // It was our own attempt, whose answer was lost.
            (Some("DUPLICATE_TRANSACTION"), Effect::Unknown) => {
                Ok(Deduction::Deducted { balance: body.balance()? })
            }
            (Some("DUPLICATE_TRANSACTION"), Effect::None) => {
                Err(RepositoryError::Conflict("the generation is charged already".to_owned()))
            }
            _ => Err(body.refused()),
        }
    }

    async fn settle(&self, charge: Charge) -> Result<(), RepositoryError> {
        let arguments = json!({ "p_user_id": charge.user, "p_reference_id": charge.reference });
        self.call_wallet("settle_charge", &arguments).await?.body.expect_success()
    }

    async fn refund(&self, charge: Charge) -> Result<Refund, RepositoryError> {
        let Answer { body, earlier, .. } =
            self.call_wallet("refund_tokens", &arguments_of(charge, NOT_COMPLETED)).await?;
        if body.success {
            return Ok(Refund::Refunded { balance: body.balance()? });
        }
        match (body.error.as_deref(), earlier) {
            // Our own attempt closed it, and its answer was lost.
            (Some("CHARGE_NOT_OPEN"), Effect::Unknown) => {
                Ok(Refund::Refunded { balance: body.balance()? })
            }
            (Some("CHARGE_NOT_OPEN" | "USER_NOT_FOUND"), _) => Ok(Refund::AlreadyClosed),
            _ => Err(body.refused()),
        }
    }

    async fn refund_abandoned(&self, older_than: Duration) -> Result<u64, RepositoryError> {
        let arguments =
            json!({ "p_older_than_seconds": older_than.as_secs(), "p_limit": ABANDONED_AT_ONCE });
        let answer = self.call_wallet("refund_abandoned_charges", &arguments).await?.body;
        answer.expect_success()?;
        answer.refunded.ok_or_else(|| RepositoryError::Failed("the answer has no count".to_owned()))
    }
}

impl Supabase {
    /// Every function does a thing once: a gift a wallet or a day, a charge or a refund a
    /// reference. So each may be called again when its answer is lost.
    async fn call_wallet(
        &self,
        function: &str,
        arguments: &Value,
    ) -> Result<Answer<WalletAnswer>, CallError> {
        let request = self.api.call(function, arguments);
        self.api.send(request, AnswerBound::SMALL, Repeat::Freely).await
    }
}

/// What the wallet functions answer, each with some of these.
#[derive(Deserialize)]
struct WalletAnswer {
    success: bool,
    #[serde(default)]
    already_claimed: bool,
    error: Option<String>,
    #[serde(alias = "balance")]
    current_balance: Option<i64>,
    refunded: Option<u64>,
}

impl WalletAnswer {
    fn names(&self, error: &str) -> bool {
        self.error.as_deref() == Some(error)
    }

    fn expect_success(&self) -> Result<(), RepositoryError> {
        if self.success { Ok(()) } else { Err(self.refused()) }
    }

    fn balance(&self) -> Result<Tokens, RepositoryError> {
        let balance = self.current_balance.and_then(|balance| Tokens::try_from(balance).ok());
        balance.ok_or_else(|| RepositoryError::Failed("the answer has no balance".to_owned()))
    }

    fn refused(&self) -> RepositoryError {
        // A name of the functions' own choosing; anything else may quote values.
        let named = |error: &&str| {
            error.len() <= 40 && error.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        };
        let error = self.error.as_deref().filter(named).unwrap_or("no reason given");
        RepositoryError::Failed(format!("the wallet function refused: {error}"))
    }
}

fn arguments_of(charge: Charge, description: &str) -> Value {
    json!({
        "p_user_id": charge.user,
        "p_amount": charge.amount,
        "p_description": description,
        "p_reference_id": charge.reference,
    })
}

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Supabase;
use super::api::{AnswerBound, CallError, Effect};
use crate::domain::{Charge, Deduction, Refund, Tokens, UserId, WalletBalance, WalletGifts};
use crate::repositories::{RepositoryError, WalletRepository};

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
        let arguments = json!({
            "p_user_id": user,
            "p_default_amount": gifts.welcome,
            "p_description": "welcome gift",
        });
        self.call_wallet("initialize_user_wallet", &arguments).await?.expect_success()?;
        let arguments = json!({ "p_user_id": user, "p_bonus_amount": gifts.daily });
        let claim = self.call_wallet("claim_daily_bonus", &arguments).await?;
        if !claim.already_claimed {
            claim.expect_success()?;
        }
        Ok(WalletBalance { current_tokens: claim.balance()?, daily_bonus_claimed: true })
    }

    /// When the outcome is unknown, tokens may be gone that nobody gives back.
    async fn deduct(&self, charge: Charge) -> Result<Deduction, RepositoryError> {
        if !self.open_charges.open(charge) {
            return Err(RepositoryError::Conflict("the generation is charged already".to_owned()));
        }
        let reserved = Reserved { repository: self, charge, kept: false };
        let answer = self.call_wallet("deduct_tokens", &arguments_of(charge)).await?;
        if answer.success {
            let balance = answer.balance()?;
            reserved.keep();
            return Ok(Deduction::Deducted { balance });
        }
        match answer.error.as_deref() {
            Some("INSUFFICIENT_TOKENS") => {
                Ok(Deduction::Insufficient { current: answer.balance()? })
            }
            Some("USER_NOT_FOUND") => Ok(Deduction::NoWallet),
            _ => Err(answer.refused()),
        }
    }

    /// Nothing to do in the database: its functions know no open charges.
    async fn settle(&self, charge: Charge) -> Result<(), RepositoryError> {
        self.open_charges.close(charge);
        Ok(())
    }

    /// A refund whose outcome is unknown counts as given. One that surely did not happen stays
    /// open and may be tried again.
    async fn refund(&self, charge: Charge) -> Result<Refund, RepositoryError> {
        if !self.open_charges.close(charge) {
            return Ok(Refund::AlreadyClosed);
        }
        match self.call_wallet("refund_tokens", &arguments_of(charge)).await {
            Ok(answer) if answer.success => Ok(Refund::Refunded { balance: answer.balance()? }),
            Ok(answer) => {
                self.open_charges.open(charge);
                Err(answer.refused())
            }
            Err(CallError { error, effect: Effect::None }) => {
                self.open_charges.open(charge);
                Err(error)
            }
            Err(CallError { error, effect: Effect::Unknown }) => Err(error),
        }
    }
}

impl Supabase {
    async fn call_wallet(
        &self,
        function: &str,
        arguments: &Value,
    ) -> Result<WalletAnswer, CallError> {
        let request = self.api.call(function, arguments);
        Ok(self.api.send(request, AnswerBound::SMALL).await?.body)
    }
}

/// A charge that is open only if the deduction is known to have happened, also when its caller
/// goes away in the middle.
struct Reserved<'repository> {
    repository: &'repository Supabase,
    charge: Charge,
    kept: bool,
}

impl Reserved<'_> {
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.repository.open_charges.close(self.charge);
        }
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
}

impl WalletAnswer {
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

fn arguments_of(charge: Charge) -> Value {
    json!({
        "p_user_id": charge.user,
        "p_amount": charge.amount,
        // The only place where the log can name what the charge was for.
        "p_description": format!("generation {}", charge.reference),
    })
}

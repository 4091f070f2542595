//! The wallet's rules: what a generation costs, and that a charge is closed exactly once.
//!
//! Failure policy: closed. When the wallet can't be asked, nothing is generated.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use time::OffsetDateTime;

use crate::config::WalletSettings;
use crate::domain::{Charge, Deduction, GenerationId, Refund, Tokens, UserId, WalletBalance};
use crate::repositories::{RepositoryError, WalletRepository};

/// Age at which an open charge is nobody's any more: three times what a request may take (300 s on
/// Cloud Run), so that no generation still runs that it was taken for.
const ABANDONED_AFTER: Duration = Duration::from_mins(15);

/// Charges users and pays them back.
pub struct WalletService {
    repository: Arc<dyn WalletRepository>,
    settings: WalletSettings,
}

/// What came of asking for the price of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Generations are free here.
    Free,
    /// The price is taken and must be settled or refunded.
    Charged(Charge),
    /// The wallet holds too little; nothing was taken.
    Insufficient {
        /// The price.
        required: Tokens,
        /// What the wallet holds.
        current: Tokens,
    },
}

impl WalletService {
    /// A wallet by these rules over this store.
    #[must_use]
    pub fn new(repository: Arc<dyn WalletRepository>, settings: WalletSettings) -> Self {
        Self { repository, settings }
    }

    /// Tokens a generation costs here and now; 0 when the wallet is switched off.
    #[must_use]
    pub const fn cost(&self) -> Tokens {
        if self.settings.enabled { self.settings.cost } else { 0 }
    }

    /// Opens the wallet when it is missing, claims the day's bonus, and reads the balance.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails.
    pub async fn status(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<WalletBalance, RepositoryError> {
        let opened = self.repository.open(user, self.settings.gifts, now).await;
        count("open", opened.as_ref().map(|_| Done));
        opened
    }

    /// Takes the price of one generation. A user who was never here gets a wallet first.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails; nothing is generated then.
    pub async fn charge(
        &self,
        user: UserId,
        reference: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Payment, RepositoryError> {
        let required = self.cost();
        if required == 0 {
            return Ok(Payment::Free);
        }
        let charge = Charge { user, amount: required, reference };
        let deduction = self.deduct(charge, now).await;
        count(
            "deduct",
            deduction.as_ref().map(|deduction| match deduction {
                Deduction::Deducted { .. } => Done,
                Deduction::Insufficient { .. } | Deduction::NoWallet => Refused,
            }),
        );
        Ok(match deduction? {
            Deduction::Deducted { .. } => Payment::Charged(charge),
            Deduction::Insufficient { current } => Payment::Insufficient { required, current },
            Deduction::NoWallet => Payment::Insufficient { required, current: 0 },
        })
    }

    async fn deduct(
        &self,
        charge: Charge,
        now: OffsetDateTime,
    ) -> Result<Deduction, RepositoryError> {
        let deduction = self.repository.deduct(charge).await?;
        if deduction != Deduction::NoWallet {
            return Ok(deduction);
        }
        self.repository.open(charge.user, self.settings.gifts, now).await?;
        self.repository.deduct(charge).await
    }

    /// Closes a charge: the user has what was paid for. A failure is logged and harms nobody: an
    /// open charge is at worst given back.
    pub async fn settle(&self, charge: Charge) {
        let settled = self.repository.settle(charge).await;
        count("settle", settled.as_ref().map(|()| Done));
        if let Err(error) = settled {
            tracing::warn!(generation = %charge.reference, %error, "the charge could not be settled");
        }
    }

    /// Gives a charge back. A failure is logged; the charge stays open, and is given back as an
    /// abandoned one.
    pub async fn refund(&self, charge: Charge) {
        let refunded = self.repository.refund(charge).await;
        count(
            "refund",
            refunded.as_ref().map(|refund| match refund {
                Refund::Refunded { .. } => Done,
                Refund::AlreadyClosed => Refused,
            }),
        );
        match refunded {
            Ok(Refund::Refunded { .. }) => {
                tracing::info!(generation = %charge.reference, amount = charge.amount, "refunded");
            }
            Ok(Refund::AlreadyClosed) => {
                tracing::warn!(generation = %charge.reference, "the charge was closed before");
            }
            Err(error) => {
                tracing::error!(
                    generation = %charge.reference,
                    amount = charge.amount,
                    %error,
                    "the refund failed and is left to the next look for abandoned charges"
                );
            }
        }
    }

    /// Gives back what processes that died, or could not reach the store, left open.
    pub async fn refund_abandoned(&self) {
        match self.repository.refund_abandoned(ABANDONED_AFTER).await {
            Ok(0) => {}
            Ok(refunded) => tracing::warn!(refunded, "abandoned charges were refunded"),
            Err(error) => tracing::warn!(%error, "no look for abandoned charges was possible"),
        }
    }
}

/// What came of asking the wallet, as a label.
#[derive(Clone, Copy)]
enum Asked {
    Done,
    Refused,
}

use Asked::{Done, Refused};

/// What operators see of the wallet.
fn count(operation: &'static str, asked: Result<Asked, &RepositoryError>) {
    let outcome = match asked {
        Ok(Done) => "ok",
        Ok(Refused) => "refused",
        Err(_) => "failed",
    };
    counter!("tester_wallet_operations_total", "operation" => operation, "outcome" => outcome)
        .increment(1);
}

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::Sqlite;
use super::history::bytes;
use crate::domain::{Charge, Deduction, Refund, Tokens, UserId, WalletBalance, WalletGifts};
use crate::repositories::sealed::micros_of;
use crate::repositories::{RepositoryError, WalletRepository};

/// What moved tokens; the words are the log's `type`.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Welcome,
    DailyBonus,
    Usage(Uuid),
    Refund(Uuid),
}

#[async_trait]
impl WalletRepository for Sqlite {
    async fn open(
        &self,
        user: UserId,
        gifts: WalletGifts,
        now: OffsetDateTime,
    ) -> Result<WalletBalance, RepositoryError> {
        self.in_transaction(move |books| {
            books.open_wallet(user, gifts.welcome, now)?;
            books.claim_daily_bonus(user, gifts.daily, now)?;
            let balance = books.balance(user)?.ok_or_else(no_wallet)?;
            Ok(WalletBalance { current_tokens: balance, daily_bonus_claimed: true })
        })
        .await
    }

    async fn deduct(&self, charge: Charge) -> Result<Deduction, RepositoryError> {
        let now = OffsetDateTime::now_utc();
        self.in_transaction(move |books| {
            let Some(current) = books.balance(charge.user)? else {
                return Ok(Deduction::NoWallet);
            };
            if current < charge.amount {
                return Ok(Deduction::Insufficient { current });
            }
            let entry = Entry::Usage(charge.reference.0);
            let amount = -i64::from(charge.amount);
            let balance = books.book(charge.user, amount, entry, "generation", now)?;
            books.0.execute(
                "INSERT INTO open_charges (reference_id, user_id, amount, created_at)
                 VALUES (?1, ?2, ?3, ?4)",
                params![
                    bytes(charge.reference.0),
                    bytes(charge.user.0),
                    charge.amount,
                    micros_of(now),
                ],
            )?;
            Ok(Deduction::Deducted { balance })
        })
        .await
    }

    async fn settle(&self, charge: Charge) -> Result<(), RepositoryError> {
        self.in_transaction(move |books| {
            books.close_charge(charge.user, charge.reference.0).map(drop)
        })
        .await
    }

    async fn refund(&self, charge: Charge) -> Result<Refund, RepositoryError> {
        let now = OffsetDateTime::now_utc();
        self.in_transaction(move |books| {
            let reference = charge.reference.0;
            let Some(amount) = books.close_charge(charge.user, reference)? else {
                return Ok(Refund::AlreadyClosed);
            };
            let entry = Entry::Refund(reference);
            let balance =
                books.book(charge.user, amount, entry, "the generation was not completed", now)?;
            Ok(Refund::Refunded { balance })
        })
        .await
    }

    async fn refund_abandoned(&self, older_than: Duration) -> Result<u64, RepositoryError> {
        let made_until = OffsetDateTime::now_utc() - older_than;
        let refund = move |connection: &mut _| refund_open_charges(connection, made_until);
        Ok(self.owner.call(refund).await? as u64)
    }
}

impl Sqlite {
    /// Runs work in one transaction: all of it happens, or nothing.
    async fn in_transaction<T, W>(&self, work: W) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        W: FnOnce(&Books<'_>) -> Result<T, RepositoryError> + Send + 'static,
    {
        self.owner
            .call(move |connection| {
                let books = Books::begin(connection)?;
                let outcome = work(&books)?;
                books.0.commit()?;
                Ok(outcome)
            })
            .await
    }
}

/// Gives back every charge that was made until then and is still open, and counts them.
pub(super) fn refund_open_charges(
    connection: &mut Connection,
    made_until: OffsetDateTime,
) -> Result<usize, RepositoryError> {
    let now = OffsetDateTime::now_utc();
    let books = Books::begin(connection)?;
    let charges: Vec<([u8; 16], [u8; 16])> = books
        .0
        .prepare(
            "SELECT reference_id, user_id FROM open_charges
             WHERE created_at <= ?1 ORDER BY created_at",
        )?
        .query_map([micros_of(made_until)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (reference, user) in &charges {
        let (reference, user) = (Uuid::from_bytes(*reference), UserId(Uuid::from_bytes(*user)));
        let reason = "the service stopped before the generation was completed";
        if let Some(amount) = books.close_charge(user, reference)? {
            books.book(user, amount, Entry::Refund(reference), reason, now)?;
        }
    }
    books.0.commit()?;
    Ok(charges.len())
}

/// The wallet tables within one transaction.
struct Books<'connection>(Transaction<'connection>);

impl<'connection> Books<'connection> {
    /// Takes the write lock at once, so that what is read stays true until the commit.
    fn begin(connection: &'connection mut Connection) -> Result<Self, RepositoryError> {
        Ok(Self(connection.transaction_with_behavior(TransactionBehavior::Immediate)?))
    }

    fn balance(&self, user: UserId) -> Result<Option<Tokens>, RepositoryError> {
        let query = "SELECT balance FROM user_tokens WHERE user_id = ?1";
        Ok(self.0.query_row(query, params![bytes(user.0)], |row| row.get(0)).optional()?)
    }

    fn open_wallet(
        &self,
        user: UserId,
        welcome: Tokens,
        now: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let opened = self.0.execute(
            "INSERT INTO user_tokens (user_id, balance, created_at, updated_at)
             VALUES (?1, 0, ?2, ?2) ON CONFLICT DO NOTHING",
            params![bytes(user.0), micros_of(now)],
        )?;
        if opened > 0 && welcome > 0 {
            self.book(user, i64::from(welcome), Entry::Welcome, "welcome gift", now)?;
        }
        Ok(())
    }

    /// Once a UTC day. A clock that goes back claims nothing twice: days only count upwards.
    fn claim_daily_bonus(
        &self,
        user: UserId,
        bonus: Tokens,
        now: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let today = now.to_offset(UtcOffset::UTC).date().to_string();
        let claimed = self.0.execute(
            "UPDATE user_tokens SET last_daily_bonus_at = ?2
             WHERE user_id = ?1 AND coalesce(last_daily_bonus_at < ?2, TRUE)",
            params![bytes(user.0), today],
        )?;
        if claimed > 0 && bonus > 0 {
            self.book(user, i64::from(bonus), Entry::DailyBonus, "daily bonus", now)?;
        }
        Ok(())
    }

    /// Removes an open charge; its amount, `None` when there is none.
    fn close_charge(&self, user: UserId, reference: Uuid) -> Result<Option<i64>, RepositoryError> {
        let statement =
            "DELETE FROM open_charges WHERE reference_id = ?1 AND user_id = ?2 RETURNING amount";
        let amount =
            self.0.query_row(statement, params![bytes(reference), bytes(user.0)], |row| row.get(0));
        Ok(amount.optional()?)
    }

    /// Changes a balance and logs it: the only way to change one.
    fn book(
        &self,
        user: UserId,
        amount: i64,
        entry: Entry,
        description: &str,
        now: OffsetDateTime,
    ) -> Result<Tokens, RepositoryError> {
        let now = micros_of(now);
        let balance: Tokens = self
            .0
            .query_row(
                "UPDATE user_tokens SET balance = balance + ?2, updated_at = ?3
                 WHERE user_id = ?1 RETURNING balance",
                params![bytes(user.0), amount, now],
                |row| row.get(0),
            )
            .optional()?
            .ok_or_else(no_wallet)?;
        self.0.execute(
            "INSERT INTO token_transactions
                 (user_id, amount, type, description, balance_after, reference_id, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                bytes(user.0),
                amount,
                entry.kind(),
                description,
                balance,
                entry.reference().map(bytes),
                now,
            ],
        )?;
        Ok(balance)
    }
}

impl Entry {
    const fn kind(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::DailyBonus => "daily_bonus",
            Self::Usage(_) => "usage",
            Self::Refund(_) => "refund",
        }
    }

    const fn reference(self) -> Option<Uuid> {
        match self {
            Self::Welcome | Self::DailyBonus => None,
            Self::Usage(reference) | Self::Refund(reference) => Some(reference),
        }
    }
}

fn no_wallet() -> RepositoryError {
    RepositoryError::Failed("the wallet is gone".to_owned())
}

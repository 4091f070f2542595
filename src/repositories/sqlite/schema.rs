use rusqlite::{Connection, TransactionBehavior};

use crate::repositories::RepositoryError;

/// The steps from an empty file to today's schema; `user_version` counts those taken. A step that
/// was released never changes: what comes later is a new step.
const MIGRATIONS: [&str; 1] = [INITIAL];

/// Tables like those of production. Instants are microseconds since the epoch, ids 16 bytes.
const INITIAL: &str = "
    CREATE TABLE generation_history (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        user_id BLOB NOT NULL CHECK (length(user_id) = 16),
        input_code TEXT NOT NULL,
        generated_code TEXT NOT NULL,
        language TEXT NOT NULL,
        model TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX history_of_user
        ON generation_history (user_id, created_at DESC, id DESC);

    CREATE TABLE user_tokens (
        user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
        balance INTEGER NOT NULL CHECK (balance BETWEEN 0 AND 4294967295),
        -- The UTC day, as YYYY-MM-DD.
        last_daily_bonus_at TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE token_transactions (
        id INTEGER PRIMARY KEY,
        user_id BLOB NOT NULL REFERENCES user_tokens (user_id),
        amount INTEGER NOT NULL CHECK (amount <> 0),
        type TEXT NOT NULL CHECK (type IN ('welcome', 'daily_bonus', 'usage', 'refund')),
        description TEXT NOT NULL,
        balance_after INTEGER NOT NULL CHECK (balance_after >= 0),
        -- The generation that was charged for.
        reference_id BLOB CHECK (length(reference_id) = 16),
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX transactions_of_user ON token_transactions (user_id, id);
    -- One charge and one refund a reference, whatever the program does.
    CREATE UNIQUE INDEX once_a_reference
        ON token_transactions (reference_id, type) WHERE reference_id IS NOT NULL;

    -- Charges that are neither settled nor refunded.
    CREATE TABLE open_charges (
        reference_id BLOB NOT NULL PRIMARY KEY CHECK (length(reference_id) = 16),
        user_id BLOB NOT NULL REFERENCES user_tokens (user_id),
        amount INTEGER NOT NULL CHECK (amount > 0),
        created_at INTEGER NOT NULL
    ) STRICT;
";

/// Why a file can't be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("schema {found} is newer than {known}")]
    Newer { found: i64, known: i64 },
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Store(#[from] RepositoryError),
}

/// Takes the steps that are missing, each one whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Problem> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful of steps");
    if !(0..=known).contains(&found) {
        return Err(Problem::Newer { found, known });
    }
    for (version, step) in (1..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

//! Generations in their stored form: both texts sealed for the very place they are stored at,
//! everything else in the clear. The same for every store.

use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::RepositoryError;
use crate::crypto::{DecryptError, FieldCipher, FieldContext};
use crate::domain::{
    EncryptedData, Generation, GenerationId, HistoryPage, NewGeneration, PageCursor, UnreadableRow,
    UserId,
};

/// The table of the history; part of the associated data of every sealed text in it.
pub(super) const HISTORY_TABLE: &str = "generation_history";

/// Most rows a page can have (contract: `limit` is at most 100). Bounds what one call holds.
pub(super) const MAX_PAGE_ROWS: u32 = 100;

/// The texts of a new row, sealed.
pub(super) struct SealedTexts {
    pub(super) input_code: EncryptedData,
    pub(super) generated_code: EncryptedData,
}

/// A row as a store holds it.
pub(super) struct SealedGeneration {
    pub(super) id: GenerationId,
    pub(super) texts: SealedTexts,
    pub(super) language: String,
    pub(super) model: String,
    pub(super) created_at: OffsetDateTime,
}

impl SealedTexts {
    pub(super) fn seal(cipher: &FieldCipher, generation: &NewGeneration) -> Self {
        let (user, row) = (generation.user, generation.id.0);
        Self {
            input_code: cipher.encrypt(&input_code_of(user, row), &generation.input_code),
            generated_code: cipher
                .encrypt(&generated_code_of(user, row), &generation.generated_code),
        }
    }
}

impl SealedTexts {
    /// The same texts of the same row, sealed under the current key. An empty text, which earlier
    /// services stored as it is, stays one.
    pub(super) fn reseal(
        &self,
        cipher: &FieldCipher,
        user: UserId,
        row: GenerationId,
    ) -> Result<Self, DecryptError> {
        let reseal = |context: &FieldContext, text: &EncryptedData| {
            let plain = cipher.decrypt(context, text)?;
            Ok(if plain.is_empty() { text.clone() } else { cipher.encrypt(context, &plain) })
        };
        Ok(Self {
            input_code: reseal(&input_code_of(user, row.0), &self.input_code)?,
            generated_code: reseal(&generated_code_of(user, row.0), &self.generated_code)?,
        })
    }
}

impl SealedGeneration {
    /// Opens both texts as the row of this user.
    pub(super) fn open(
        self,
        cipher: &FieldCipher,
        user: UserId,
    ) -> Result<Generation, RepositoryError> {
        let row = self.id.0;
        let unreadable = |error: DecryptError| RepositoryError::Unreadable {
            id: self.id,
            reason: error.to_string(),
        };
        let input_code = cipher.decrypt(&input_code_of(user, row), &self.texts.input_code);
        let generated_code =
            cipher.decrypt(&generated_code_of(user, row), &self.texts.generated_code);
        Ok(Generation {
            id: self.id,
            input_code: input_code.map_err(unreadable)?,
            generated_code: generated_code.map_err(unreadable)?,
            language: self.language,
            model: self.model,
            created_at: self.created_at,
        })
    }
}

/// Makes a page of at most `limit` rows out of `limit` + 1 that were asked for: the row too many
/// tells that there is a next page. The page ends where its last row is, readable or not.
pub(super) fn open_page(
    mut rows: Vec<SealedGeneration>,
    limit: usize,
    cipher: &FieldCipher,
    user: UserId,
) -> HistoryPage {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| PageCursor { created_at: row.created_at, id: row.id });
    let mut page = HistoryPage { next, ..HistoryPage::default() };
    for row in rows {
        let id = row.id;
        match row.open(cipher, user) {
            Ok(generation) => page.rows.push(generation),
            Err(RepositoryError::Unreadable { reason, .. }) => {
                page.unreadable.push(UnreadableRow { id, reason });
            }
            Err(other) => page.unreadable.push(UnreadableRow { id, reason: other.to_string() }),
        }
    }
    page
}

/// Microseconds since the epoch: the precision of `PostgreSQL` and of page cursors.
pub(super) fn micros_of(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000))
        .expect("a time::OffsetDateTime is within ±9999 years")
}

/// The instant that many microseconds after the epoch, in UTC; `None` outside of ±9999 years.
pub(super) fn instant_of(micros: i64) -> Option<OffsetDateTime> {
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()?;
    Some(instant.to_offset(UtcOffset::UTC))
}

fn input_code_of(user: UserId, row: Uuid) -> FieldContext {
    FieldContext { table: HISTORY_TABLE, column: "input_code", user, row }
}

fn generated_code_of(user: UserId, row: Uuid) -> FieldContext {
    FieldContext { table: HISTORY_TABLE, column: "generated_code", user, row }
}

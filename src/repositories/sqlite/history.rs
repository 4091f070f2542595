use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Sqlite;
use crate::domain::{
    EncryptedData, Generation, GenerationId, HistoryPage, NewGeneration, PageRequest, UserId,
};
use crate::repositories::sealed::{
    MAX_PAGE_ROWS, SealedGeneration, SealedTexts, instant_of, micros_of, open_page,
};
use crate::repositories::{HistoryRepository, RepositoryError};

const COLUMNS: &str = "id, input_code, generated_code, language, model, created_at";

#[async_trait]
impl HistoryRepository for Sqlite {
    async fn insert(&self, generation: NewGeneration) -> Result<Generation, RepositoryError> {
        let cipher = self.cipher.clone();
        self.owner.call(move |connection| insert(connection, &cipher, generation)).await
    }

    async fn list(&self, user: UserId, page: PageRequest) -> Result<HistoryPage, RepositoryError> {
        let cipher = self.cipher.clone();
        self.owner
            .call(move |connection| {
                let limit = page.limit.clamp(1, MAX_PAGE_ROWS);
                let rows = select(connection, user, PageRequest { limit: limit + 1, ..page })?;
                Ok(open_page(rows, limit as usize, &cipher, user))
            })
            .await
    }

    async fn get(
        &self,
        user: UserId,
        id: GenerationId,
    ) -> Result<Option<Generation>, RepositoryError> {
        let cipher = self.cipher.clone();
        let query =
            format!("SELECT {COLUMNS} FROM generation_history WHERE id = ?1 AND user_id = ?2");
        self.owner
            .call(move |connection| {
                let mut statement = connection.prepare_cached(&query)?;
                let row = statement.query_row(params![bytes(id.0), bytes(user.0)], read_row);
                row.optional()?.map(|sealed| sealed.open(&cipher, user)).transpose()
            })
            .await
    }

    async fn delete(&self, user: UserId, id: GenerationId) -> Result<bool, RepositoryError> {
        let statement = "DELETE FROM generation_history WHERE id = ?1 AND user_id = ?2";
        self.owner
            .call(move |connection| {
                Ok(connection.execute(statement, params![bytes(id.0), bytes(user.0)])? > 0)
            })
            .await
    }

    async fn delete_all(&self, user: UserId) -> Result<u64, RepositoryError> {
        let statement = "DELETE FROM generation_history WHERE user_id = ?1";
        self.owner
            .call(move |connection| {
                let deleted = connection.execute(statement, params![bytes(user.0)])?;
                Ok(u64::try_from(deleted).expect("usize has at most 64 bits"))
            })
            .await
    }
}

pub(super) fn bytes(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

fn insert(
    connection: &Connection,
    cipher: &crate::crypto::FieldCipher,
    generation: NewGeneration,
) -> Result<Generation, RepositoryError> {
    let texts = SealedTexts::seal(cipher, &generation);
    let created_at = micros_of(OffsetDateTime::now_utc());
    connection.execute(
        "INSERT INTO generation_history
             (id, user_id, input_code, generated_code, language, model, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            bytes(generation.id.0),
            bytes(generation.user.0),
            texts.input_code.as_str(),
            texts.generated_code.as_str(),
            generation.language.as_str(),
            generation.model,
            created_at,
        ],
    )?;
    Ok(Generation {
        id: generation.id,
        input_code: generation.input_code,
        generated_code: generation.generated_code,
        language: generation.language.as_str().to_owned(),
        model: generation.model,
        created_at: instant_of(created_at).expect("now is within ±9999 years"),
    })
}

fn select(
    connection: &Connection,
    user: UserId,
    page: PageRequest,
) -> Result<Vec<SealedGeneration>, RepositoryError> {
    // Row values compare column by column: exactly the order of the page.
    let query = format!(
        "SELECT {COLUMNS} FROM generation_history
         WHERE user_id = :user AND (created_at, id) < (:created_at, :id)
         ORDER BY created_at DESC, id DESC LIMIT :limit"
    );
    // The first page starts after an instant that no row reaches.
    let (created_at, id) = page
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (micros_of(cursor.created_at), cursor.id.0));
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(
        named_params! {
            ":user": bytes(user.0),
            ":created_at": created_at,
            ":id": bytes(id),
            ":limit": page.limit,
        },
        read_row,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<SealedGeneration> {
    let created_at: i64 = row.get("created_at")?;
    let created_at =
        instant_of(created_at).ok_or(rusqlite::Error::IntegralValueOutOfRange(5, created_at))?;
    Ok(SealedGeneration {
        id: GenerationId(Uuid::from_bytes(row.get("id")?)),
        texts: SealedTexts {
            input_code: EncryptedData::from_stored(row.get("input_code")?),
            generated_code: EncryptedData::from_stored(row.get("generated_code")?),
        },
        language: row.get("language")?,
        model: row.get("model")?,
        created_at,
    })
}

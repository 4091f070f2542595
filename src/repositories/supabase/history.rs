use async_trait::async_trait;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use uuid::Uuid;

use super::api::{Answer, AnswerBound};
use super::failure::{CallError, Effect};
use super::repetition::Repeat;
use super::{Supabase, timestamp};
use crate::domain::{
    EncryptedData, Generation, GenerationId, HistoryPage, MODEL_NAME_MAX_LENGTH, NewGeneration,
    PageCursor, PageRequest, UserId,
};
use crate::repositories::sealed::{
    HISTORY_TABLE, MAX_PAGE_ROWS, SealedGeneration, SealedTexts, open_page,
};
use crate::repositories::{HistoryRepository, RepositoryError};

const COLUMNS: &str = "id,input_code,generated_code,language,model,created_at";

/// Most bytes of one text: 100 000 characters (contract) of at most four bytes. The output limit
/// of the models, 65 536 tokens, stays below it.
const TEXT_MAX_BYTES: usize = 400_000;

/// Most bytes of one row in an answer: two sealed texts, a third longer in base64, and 4 KiB for
/// everything else.
pub(super) const ROW_MAX_BYTES: usize = 2 * TEXT_MAX_BYTES.div_ceil(3) * 4 + 4 * 1024;

#[async_trait]
impl HistoryRepository for Supabase {
    async fn insert(&self, generation: NewGeneration) -> Result<Generation, RepositoryError> {
        let texts = SealedTexts::seal(&self.cipher, &generation);
        // `model` is a varchar(50); a longer name must not cost the user the row.
        let model: String = generation.model.chars().take(MODEL_NAME_MAX_LENGTH).collect();
        let row = json!({
            "id": generation.id,
            "user_id": generation.user,
            "input_code": texts.input_code.as_str(),
            "generated_code": texts.generated_code.as_str(),
            "language": generation.language,
            "model": model,
        });
        let request = self.api.insert(HISTORY_TABLE, &[("select", "created_at")]).json(&row);
        // The id is random and ours: if it is there, we stored it.
        let stored =
            self.api.send::<[StampedRow; 1]>(request, AnswerBound::SMALL, Repeat::Freely).await;
        let [StampedRow { created_at }] = match stored {
            Ok(stored) => stored.body,
            Err(CallError {
                error: RepositoryError::Conflict(_),
                earlier: Effect::Unknown,
                ..
            }) => self.stamp_of(generation.id).await?,
            Err(failed) => return Err(failed.into()),
        };
        Ok(Generation {
            id: generation.id,
            input_code: generation.input_code,
            generated_code: generation.generated_code,
            language: generation.language.as_str().to_owned(),
            model,
            created_at: timestamp::read(&created_at).ok_or_else(no_timestamp)?,
        })
    }

    async fn list(&self, user: UserId, page: PageRequest) -> Result<HistoryPage, RepositoryError> {
        let limit = page.limit.clamp(1, MAX_PAGE_ROWS) as usize;
        let (of_user, rows) = (format!("eq.{user}"), (limit + 1).to_string());
        let after = page.after.map(rows_after);
        let mut query = vec![
            ("select", COLUMNS),
            ("user_id", &of_user),
            ("order", "created_at.desc,id.desc"),
            ("limit", &rows),
        ];
        if let Some(after) = &after {
            query.push(("or", after));
        }
        // About 108 MB for 100 rows that are all as large as they can be; a page of everyday code
        // is below 1 MB.
        let bound = AnswerBound((limit + 1) * ROW_MAX_BYTES);
        let request = self.api.select(HISTORY_TABLE, &query);
        let Answer { body: bytes, .. } = self.api.fetch(request, bound, Repeat::Freely).await?;
        let cipher = self.cipher.clone();
        // A full page is many megabytes of JSON and ciphertext: too long to hold up a thread that
        // streams to others.
        let opened = tokio::task::spawn_blocking(move || {
            Ok(open_page(read_rows(&bytes)?, limit, &cipher, user))
        });
        opened.await.map_err(|_| RepositoryError::Failed("reading the page failed".to_owned()))?
    }

    async fn get(
        &self,
        user: UserId,
        id: GenerationId,
    ) -> Result<Option<Generation>, RepositoryError> {
        let (of_user, of_row) = (format!("eq.{user}"), format!("eq.{id}"));
        let query = [("select", COLUMNS), ("id", &*of_row), ("user_id", &*of_user), ("limit", "1")];
        let request = self.api.select(HISTORY_TABLE, &query);
        let bound = AnswerBound(ROW_MAX_BYTES);
        let Answer { body: bytes, .. } = self.api.fetch(request, bound, Repeat::Freely).await?;
        let row = read_rows(&bytes)?.pop();
        row.map(|sealed| sealed.open(&self.cipher, user)).transpose()
    }

    async fn delete(&self, user: UserId, id: GenerationId) -> Result<bool, RepositoryError> {
        let (of_user, of_row) = (format!("eq.{user}"), format!("eq.{id}"));
        let query = [("select", "id"), ("id", &*of_row), ("user_id", &*of_user)];
        let request = self.api.delete(HISTORY_TABLE, &query);
        // A second attempt could not tell whether the first one found the row.
        let repeat = Repeat::OnlyIfUndone;
        let deleted = self.api.send::<Vec<IgnoredAny>>(request, AnswerBound::SMALL, repeat).await?;
        Ok(!deleted.body.is_empty())
    }

    async fn delete_all(&self, user: UserId) -> Result<u64, RepositoryError> {
        let of_user = format!("eq.{user}");
        let request = self.api.delete_counting(HISTORY_TABLE, &[("user_id", &of_user)]);
        let repeat = Repeat::OnlyIfUndone;
        let answer = self.api.send::<IgnoredAny>(request, AnswerBound::SMALL, repeat).await?;
        answer.count.ok_or_else(|| RepositoryError::Failed("the answer has no count".to_owned()))
    }
}

impl Supabase {
    async fn stamp_of(&self, id: GenerationId) -> Result<[StampedRow; 1], RepositoryError> {
        let of_row = format!("eq.{id}");
        let request =
            self.api.select(HISTORY_TABLE, &[("select", "created_at"), ("id", of_row.as_str())]);
        Ok(self.api.send(request, AnswerBound::SMALL, Repeat::Freely).await?.body)
    }
}

#[derive(Deserialize)]
struct StampedRow {
    created_at: String,
}

#[derive(Deserialize)]
struct StoredRow {
    id: Uuid,
    // Nullable in existing deployments, all four.
    input_code: Option<String>,
    generated_code: Option<String>,
    language: Option<String>,
    model: Option<String>,
    created_at: String,
}

impl StoredRow {
    fn into_sealed(self) -> Result<SealedGeneration, RepositoryError> {
        Ok(SealedGeneration {
            id: GenerationId(self.id),
            texts: SealedTexts {
                input_code: EncryptedData::from_stored(self.input_code.unwrap_or_default()),
                generated_code: EncryptedData::from_stored(self.generated_code.unwrap_or_default()),
            },
            language: self.language.unwrap_or_default(),
            model: self.model.unwrap_or_default(),
            created_at: timestamp::read(&self.created_at).ok_or_else(no_timestamp)?,
        })
    }
}

fn read_rows(bytes: &[u8]) -> Result<Vec<SealedGeneration>, RepositoryError> {
    let rows: Vec<StoredRow> = serde_json::from_slice(bytes)
        .map_err(|_| RepositoryError::Failed("the answer is no list of rows".to_owned()))?;
    rows.into_iter().map(StoredRow::into_sealed).collect()
}

/// The rows that come after a cursor in the order of the page.
fn rows_after(cursor: PageCursor) -> String {
    let (instant, id) = (timestamp::write(cursor.created_at), cursor.id);
    format!("(created_at.lt.{instant},and(created_at.eq.{instant},id.lt.{id}))")
}

fn no_timestamp() -> RepositoryError {
    RepositoryError::Failed("the row has no readable created_at".to_owned())
}

//! Rotation of the key that stored texts are sealed under, row by row, while the service runs.
//!
//! A row is read, opened under whichever key of the ring it was sealed under (or as a Fernet token
//! of an earlier service), sealed under the current one and written back in one statement: both
//! texts are new or none is. So a rotation can be stopped anywhere, and goes on where it stopped:
//! rows that are done are not asked for again. Rows are never inserted, so that one that its owner
//! deletes meanwhile stays deleted.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::Supabase;
use super::api::{Answer, AnswerBound};
use super::history::ROW_MAX_BYTES;
use super::repetition::Repeat;
use crate::crypto::StoredForm;
use crate::domain::{EncryptedData, GenerationId, UnreadableRow, UserId};
use crate::repositories::RepositoryError;
use crate::repositories::sealed::{HISTORY_TABLE, SealedTexts};

/// Rows that are written at the same time: enough to hide the way to the database, few enough to
/// leave it to its users.
const WRITES_AT_ONCE: usize = 8;

/// Passes over the table. Instances that still write under an earlier key leave rows behind a pass;
/// who deploys the new key before rotating needs one.
const PASSES: usize = 5;

/// Most rows that are read at once. Each has a megabyte at most, so that a page is within half a
/// gigabyte.
pub const ROTATION_PAGE_MAX: u32 = 500;

/// Whether rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationMode {
    /// Rows that are not under the current key are re-encrypted.
    Rotate,
    /// Every row is read and opened, none is written.
    DryRun,
}

/// What was found, and done, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Rows looked at.
    pub seen: u64,
    /// Rows that were re-encrypted; in a dry run, those that would be.
    pub rotated: u64,
    /// Of those, rows with a text that an earlier service stored.
    pub legacy: u64,
    /// Rows that can't be opened, by id. They stay as they are.
    pub unreadable: BTreeMap<GenerationId, String>,
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationReport {
    /// What was found and done.
    pub rotation: Rotation,
    /// Rows in the table.
    pub rows: u64,
    /// Rows of these that are not under the current key, the unreadable ones among them.
    pub remaining: u64,
}

/// A row as a rotation reads it.
#[derive(Deserialize)]
struct Row {
    id: GenerationId,
    // Nullable in existing deployments, all three.
    user_id: Option<UserId>,
    input_code: Option<String>,
    generated_code: Option<String>,
}

/// What is to be done with a row.
enum Step {
    /// It is under the current key.
    Nothing,
    Write(Resealed),
}

struct Resealed {
    id: GenerationId,
    texts: SealedTexts,
    legacy: bool,
}

impl Supabase {
    /// Re-encrypts all rows, `page` of them at a time, and tells after each page how far it got.
    ///
    /// # Errors
    ///
    /// When the database fails for longer than a call is repeated; what is done by then is done.
    pub async fn rotate(
        &self,
        mode: RotationMode,
        page: u32,
        mut progress: impl FnMut(&Rotation),
    ) -> Result<RotationReport, RepositoryError> {
        let filter = match mode {
            RotationMode::Rotate => Some(self.not_current()),
            RotationMode::DryRun => None,
        };
        let mut rotation = Rotation::default();
        let mut remaining = 0;
        for _ in 0..PASSES {
            rotation.unreadable.clear();
            self.pass(mode, page, filter.as_deref(), &mut rotation, &mut progress).await?;
            remaining = self.count_rows(Some(&self.not_current())).await?;
            if mode == RotationMode::DryRun || remaining <= rotation.unreadable.len() as u64 {
                break;
            }
        }
        let rows = self.count_rows(None).await?;
        Ok(RotationReport { rotation, rows, remaining })
    }

    /// Once over the table, in the order of the ids, so that no row is seen twice.
    async fn pass(
        &self,
        mode: RotationMode,
        page: u32,
        filter: Option<&str>,
        rotation: &mut Rotation,
        progress: &mut impl FnMut(&Rotation),
    ) -> Result<(), RepositoryError> {
        let page = page.clamp(1, ROTATION_PAGE_MAX);
        let mut after = None;
        loop {
            let rows = self.rows_after(after, page, filter).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            let full = rows.len() == page as usize;
            let steps = rows.into_iter().filter_map(|row| {
                rotation.seen += 1;
                self.step_of(row).map_err(|row| rotation.unreadable.insert(row.id, row.reason)).ok()
            });
            let writes: Vec<_> = steps
                .filter_map(|step| match step {
                    Step::Nothing => None,
                    Step::Write(resealed) => Some(resealed),
                })
                .collect();
            rotation.rotated += writes.len() as u64;
            rotation.legacy += writes.iter().filter(|row| row.legacy).count() as u64;
            if mode == RotationMode::Rotate {
                self.write_all(writes).await?;
            }
            progress(rotation);
            if !full {
                return Ok(());
            }
        }
    }

    async fn write_all(&self, rows: Vec<Resealed>) -> Result<(), RepositoryError> {
        let mut writes =
            stream::iter(rows).map(|row| self.write(row)).buffer_unordered(WRITES_AT_ONCE);
        while let Some(written) = writes.next().await {
            written?;
        }
        Ok(())
    }

    async fn write(&self, row: Resealed) -> Result<(), RepositoryError> {
        let of_row = format!("eq.{}", row.id);
        let request = self.api.update(HISTORY_TABLE, &[("id", &of_row)]).json(&json!({
            "input_code": row.texts.input_code.as_str(),
            "generated_code": row.texts.generated_code.as_str(),
        }));
        self.api.send::<IgnoredAny>(request, AnswerBound::SMALL, Repeat::Freely).await?;
        Ok(())
    }

    fn step_of(&self, row: Row) -> Result<Step, UnreadableRow> {
        let id = row.id;
        let unreadable = |reason: String| UnreadableRow { id, reason };
        let user = row.user_id.ok_or_else(|| unreadable("the row has no user".to_owned()))?;
        let texts = SealedTexts {
            input_code: EncryptedData::from_stored(row.input_code.unwrap_or_default()),
            generated_code: EncryptedData::from_stored(row.generated_code.unwrap_or_default()),
        };
        let forms = [&texts.input_code, &texts.generated_code].map(|text| self.cipher.form(text));
        let resealed =
            texts.reseal(&self.cipher, user, id).map_err(|error| unreadable(error.to_string()))?;
        if forms.iter().all(|form| matches!(form, StoredForm::Current | StoredForm::Empty)) {
            return Ok(Step::Nothing);
        }
        let legacy = forms.contains(&StoredForm::Legacy);
        Ok(Step::Write(Resealed { id, texts: resealed, legacy }))
    }

    /// The condition of rows with a text that is neither empty nor under the current key. Version
    /// and key id are letters and digits, so nothing in the pattern is a wildcard but its end.
    fn not_current(&self) -> String {
        let prefix = self.cipher.current_prefix();
        let text = |column: &str| format!("and({column}.neq.\"\",{column}.not.like.{prefix}*)");
        format!("({},{})", text("input_code"), text("generated_code"))
    }

    async fn rows_after(
        &self,
        after: Option<GenerationId>,
        page: u32,
        filter: Option<&str>,
    ) -> Result<Vec<Row>, RepositoryError> {
        let (limit, after) = (page.to_string(), after.map(|id| format!("gt.{id}")));
        let mut query = vec![
            ("select", "id,user_id,input_code,generated_code"),
            ("order", "id.asc"),
            ("limit", &*limit),
        ];
        query.extend(after.as_deref().map(|after| ("id", after)));
        query.extend(filter.map(|filter| ("or", filter)));
        let request = self.api.select(HISTORY_TABLE, &query);
        let bound = AnswerBound(page as usize * ROW_MAX_BYTES);
        Ok(self.api.send(request, bound, Repeat::Freely).await?.body)
    }

    async fn count_rows(&self, filter: Option<&str>) -> Result<u64, RepositoryError> {
        let mut query = vec![("select", "id")];
        query.extend(filter.map(|filter| ("or", filter)));
        let request = self.api.count(HISTORY_TABLE, &query);
        let Answer { count, .. } =
            self.api.fetch(request, AnswerBound::SMALL, Repeat::Freely).await?;
        count.ok_or_else(|| RepositoryError::Failed("the answer has no count".to_owned()))
    }
}

impl Rotation {
    /// Whether every row that was looked at can be read.
    #[must_use]
    pub fn all_readable(&self) -> bool {
        self.unreadable.is_empty()
    }
}

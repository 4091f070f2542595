//! History and wallet of `tester serve`, over the Data API (PostgREST) of a Supabase project.
//!
//! Every operation has a deadline and a bound on the answer it reads; calls that may be made twice
//! are made again, up to three times in all, when the failure looks like a passing one. What
//! failing means: without the history the user keeps the generated code and is told; without the
//! wallet nothing is generated.
//!
//! The functions know a charge by its reference (`supabase/migrations`), so that each is made and
//! given back once however often it is asked for, by whichever process. What a process leaves open
//! when it dies is given back by [`WalletRepository::refund_abandoned`].
//!
//! [`WalletRepository::refund_abandoned`]: super::WalletRepository::refund_abandoned

mod api;
mod failure;
mod history;
mod migrations;
mod repetition;
mod rotation;
mod timestamp;
mod wallet;

use crate::config::DataApiSettings;
use crate::crypto::FieldCipher;

pub use api::InvalidServiceRoleKey;
pub use migrations::{MIGRATIONS, Migration, SCHEMA_VERSION};
pub use rotation::{ROTATION_PAGE_MAX, Rotation, RotationMode, RotationReport};

use serde::de::IgnoredAny;

use super::RepositoryError;
use super::sealed::HISTORY_TABLE;
use api::{AnswerBound, DataApi};
use repetition::Repeat;

/// History and wallet in a Supabase project. Cloning shares the connections.
#[derive(Clone, Debug)]
pub struct Supabase {
    api: DataApi,
    cipher: FieldCipher,
}

impl Supabase {
    /// Uses the project of these settings through this client, which must not follow redirects:
    /// its requests carry the service role key.
    ///
    /// # Errors
    ///
    /// [`InvalidServiceRoleKey`] when the key can't be sent in a header.
    pub fn new(
        client: reqwest::Client,
        settings: &DataApiSettings,
        cipher: FieldCipher,
    ) -> Result<Self, InvalidServiceRoleKey> {
        let api = DataApi::new(client, settings)?;
        Ok(Self { api, cipher })
    }

    /// Asks for one row id and for the schema's version: shows that the project answers, takes the
    /// key, and has every migration.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::SchemaMissing`] when the schema is not there or an older one, others as
    /// they are.
    pub async fn ping(&self) -> Result<(), RepositoryError> {
        let request = self.api.select(HISTORY_TABLE, &[("select", "id"), ("limit", "1")]);
        let repeat = Repeat::Freely;
        self.api.send::<IgnoredAny>(request, AnswerBound::SMALL, repeat).await?;
        let request = self.api.call("tester_schema_version", &serde_json::json!({}));
        let version = self.api.send::<i64>(request, AnswerBound::SMALL, repeat).await?.body;
        migrations::expect_newest(version)
    }
}

#[cfg(test)]
mod tests;

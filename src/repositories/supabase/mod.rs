//! History and wallet of `tester serve`, over the Data API (PostgREST) of a Supabase project.
//!
//! Every call has a deadline and a bound on the answer it reads; none is retried in here. What
//! failing means: without the history the user keeps the generated code and is told; without the
//! wallet nothing is generated.
//!
//! The wallet functions of existing deployments know no reference of a charge. So the charges
//! that are open are kept in this process: one that is not open is not refunded. Two weaknesses
//! stay until the functions take a reference. A charge is forgotten when the process dies. And
//! when the answer to a refund is lost, nobody knows whether it happened: it counts as given and
//! is never tried again, for a refund given twice can't be taken back.

mod api;
mod history;
mod open_charges;
mod timestamp;
mod wallet;

use std::sync::Arc;

use crate::config::SupabaseSettings;
use crate::crypto::FieldCipher;

pub use api::InvalidServiceRoleKey;

use super::RepositoryError;
use super::sealed::HISTORY_TABLE;
use api::{AnswerBound, DataApi};
use open_charges::OpenCharges;

/// History and wallet in a Supabase project. Cloning shares the connections and the open charges.
#[derive(Clone, Debug)]
pub struct Supabase {
    api: DataApi,
    cipher: FieldCipher,
    open_charges: Arc<OpenCharges>,
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
        settings: &SupabaseSettings,
        cipher: FieldCipher,
    ) -> Result<Self, InvalidServiceRoleKey> {
        let api = DataApi::new(client, settings)?;
        Ok(Self { api, cipher, open_charges: Arc::default() })
    }

    /// Asks for one row id: shows that the project answers, takes the key and has the table.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::SchemaMissing`] when the table is not there, others as they are.
    pub async fn ping(&self) -> Result<(), RepositoryError> {
        let query = [("select", "id"), ("limit", "1")];
        let request = self.api.select(HISTORY_TABLE, &query);
        self.api.send::<serde::de::IgnoredAny>(request, AnswerBound::SMALL).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

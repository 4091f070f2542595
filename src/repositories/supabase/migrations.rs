use crate::repositories::RepositoryError;

/// A step from an empty or an existing project to the schema of this release.
#[derive(Debug)]
pub struct Migration {
    /// The file's name: a number that orders it, and what it does.
    pub name: &'static str,
    /// What it says.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($name:literal)*) => {
        &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../../../supabase/migrations/", $name)),
        }),*]
    };
}

/// All of them, in their order. One that was released never changes: what comes later is a new
/// one. Each may be applied twice.
pub static MIGRATIONS: &[Migration] = migrations! {
    "20261124000100_tables.sql"
    "20261124000200_repairs.sql"
    "20261124000300_functions.sql"
};

/// The newest one's number, which the function `tester_schema_version` answers once it is applied.
pub const SCHEMA_VERSION: i64 = 20_261_124_000_300;

/// # Errors
///
/// [`RepositoryError::SchemaMissing`] when a project of this version lacks a migration. A newer
/// one is fine: the next release is on its way, and its schema must serve this one too.
pub(super) fn expect_newest(version: i64) -> Result<(), RepositoryError> {
    if version >= SCHEMA_VERSION {
        return Ok(());
    }
    let problem =
        format!("version {version} is applied, {SCHEMA_VERSION} is needed; apply the migrations");
    Err(RepositoryError::SchemaMissing(problem))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_migration_is_listed_in_its_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/supabase/migrations");
        let mut files: Vec<_> = fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        files.sort();
        let listed: Vec<_> = MIGRATIONS.iter().map(|migration| migration.name).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn the_newest_migration_says_that_it_is_applied() {
        let newest = MIGRATIONS.last().expect("there are some");
        assert!(newest.name.starts_with(&format!("{SCHEMA_VERSION}_")), "{}", newest.name);
        assert!(newest.sql.contains(&format!("as 'select {SCHEMA_VERSION}'")));
        assert!(expect_newest(SCHEMA_VERSION).is_ok() && expect_newest(SCHEMA_VERSION + 1).is_ok());
        let error = expect_newest(SCHEMA_VERSION - 1).expect_err("too old");
        assert!(matches!(error, RepositoryError::SchemaMissing(_)), "{error}");
    }
}

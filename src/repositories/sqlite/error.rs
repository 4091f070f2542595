use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

use super::schema::Problem;
use crate::repositories::RepositoryError;

/// Why the database can't be opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder or a file in it can't be made or entered.
    #[error("can't use the data folder {}: {source}; check its permissions or choose another one", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process holds the data folder.
    #[error("another tester is using the data folder {}; stop it or choose another folder with --data-dir", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A newer release wrote the database.
    #[error("{} has schema {found}, this release knows up to {known}; use the newer release", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version of this release.
        known: i64,
    },
    /// The file is no database, or damaged.
    #[error("{} is not a database or is damaged; restore a copy or move it away to start afresh", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Anything else, with advice where there is some.
    #[error("can't open {}: {source}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: RepositoryError,
    },
}

impl Problem {
    /// Names the file the problem is with.
    pub(super) fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Newer { found, known } => OpenError::Newer { path, found, known },
            Self::Sqlite(error) if is_damaged(&error) => OpenError::Damaged { path },
            Self::Sqlite(error) => OpenError::Store { path, source: error.into() },
            Self::Store(source) => OpenError::Store { path, source },
        }
    }
}

/// SQLite's messages name tables and columns, never values.
impl From<rusqlite::Error> for RepositoryError {
    fn from(error: rusqlite::Error) -> Self {
        let unavailable = |advice: &str| Self::Unavailable(format!("{advice} ({error})"));
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => unavailable("the disk is full; free some space"),
            Some(ErrorCode::ReadOnly) => {
                unavailable("the database can't be written; check the permissions of the folder")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                unavailable("another program holds the database; close it")
            }
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
                unavailable("the disk fails; check it and the data folder")
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Failed(format!("the database is damaged; restore a copy ({error})"))
            }
            Some(ErrorCode::ConstraintViolation) if is_duplicate(&error) => {
                Self::Conflict(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn is_duplicate(error: &rusqlite::Error) -> bool {
    let duplicates = [SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY];
    error.sqlite_error().is_some_and(|error| duplicates.contains(&error.extended_code))
}

//! History and wallet in one SQLite file: the store of `tester dev`.
//!
//! One thread owns the connection; everybody else sends it commands through a bounded queue. So
//! no async task ever waits on the disk, and writes need no locking among themselves.
//!
//! Killed at any moment (`kill -9`, power loss), it loses nothing that was confirmed and keeps
//! nothing half-written: the log is written ahead and flushed at every commit. A charge that was
//! open when the process died is given back when the file is opened again.

mod error;
mod history;
mod owner;
mod schema;
mod wallet;

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub use error::OpenError;

use super::RepositoryError;
use time::OffsetDateTime;

use crate::crypto::FieldCipher;
use owner::Owner;

/// The database's file name in the data folder.
const DATABASE_FILE: &str = "tester.sqlite3";
/// The file whose lock says that a process uses the data folder. The lock dies with the process.
const LOCK_FILE: &str = "tester.lock";
/// How long a statement waits for a foreign program (a backup, `sqlite3`) to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// History and wallet of a local `tester dev`. Cloning shares the connection; when the last clone
/// is dropped, commands under way are finished and the file is closed.
#[derive(Clone, Debug)]
pub struct Sqlite {
    owner: Arc<Owner>,
    cipher: FieldCipher,
}

impl Sqlite {
    /// Opens the database in this folder, for this process alone. Makes the folder (mode 0700)
    /// and the files in it (0600) where there are none, brings the schema up to date and gives
    /// back every charge that a killed process left open.
    ///
    /// Blocks on the disk; meant for startup.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub fn open(data_dir: &Path, cipher: FieldCipher) -> Result<Self, OpenError> {
        let folder = |source| OpenError::Folder { path: data_dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(folder)?;
        let lock = lock(data_dir)?;
        let path = data_dir.join(DATABASE_FILE);
        // SQLite gives its side files the mode of the database.
        private_file(&path).map_err(folder)?;
        let connection = connect(&path).map_err(|error| error.at(&path))?;
        let owner = Owner::spawn(connection, lock).map_err(folder)?;
        Ok(Self { owner: Arc::new(owner), cipher })
    }

    /// Reads something small: shows that the file answers.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] as any other call would meet it.
    pub async fn ping(&self) -> Result<(), RepositoryError> {
        let query = "SELECT count(*) FROM open_charges";
        self.owner.call(move |connection| Ok(connection.query_row(query, [], |_| Ok(()))?)).await
    }

    /// Finishes what is under way, closes the file and lets go of the folder, whatever clones are
    /// left; their calls fail from then on.
    pub async fn close(&self) {
        self.owner.close().await;
    }
}

fn lock(data_dir: &Path) -> Result<File, OpenError> {
    let path = || -> PathBuf { data_dir.to_owned() };
    let folder = |source| OpenError::Folder { path: path(), source };
    let file = private_file(&data_dir.join(LOCK_FILE)).map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path() }),
        Err(TryLockError::Error(source)) => Err(folder(source)),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    const OWNER_ONLY: u32 = 0o600;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(OWNER_ONLY);
    let file = options.open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != OWNER_ONLY {
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(file)
}

fn connect(path: &Path) -> Result<Connection, schema::Problem> {
    // Without SQLITE_OPEN_URI: a path is a path, whatever it looks like.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Answers with the mode, hence a query.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // NORMAL would be enough against kill -9, but loses the last commits with the power. One
    // person commits a few times a minute: a flush each is a price nobody notices.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    schema::migrate(&mut connection)?;
    let returned = wallet::refund_open_charges(&mut connection, OffsetDateTime::now_utc())?;
    if returned > 0 {
        tracing::warn!(charges = returned, "gave back charges that a stopped process left open");
    }
    Ok(connection)
}

#[cfg(test)]
mod tests;

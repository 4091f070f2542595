//! The data folder of `tester dev`: created on first use, readable by its owner only, with keys that
//! persist so that yesterday's history opens today.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use crate::crypto::MasterKey;

/// The key file in the data folder.
const KEY_FILE: &str = "data.key";

/// Why the data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalDataError {
    /// The folder or a file in it can't be made or read.
    #[error("{path}: {source}. Choose another folder with --data-dir")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error(
        "{path} is not a key of this program. If the history in this folder is not needed, move the folder away"
    )]
    BadKey {
        /// Where.
        path: PathBuf,
    },
}

/// An opened data folder.
#[derive(Debug)]
pub(super) struct LocalData {
    key: MasterKey,
}

impl LocalData {
    /// Creates what is missing and reads the key.
    ///
    /// # Errors
    ///
    /// [`LocalDataError`] says which file is in the way.
    pub(super) fn open(folder: &Path) -> Result<Self, LocalDataError> {
        create_private_folder(folder).map_err(at(folder))?;
        let key = read_or_create_key(&folder.join(KEY_FILE))?;
        Ok(Self { key })
    }

    pub(super) const fn key(&self) -> &MasterKey {
        &self.key
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LocalDataError + use<> {
    let path = path.to_owned();
    move |source| LocalDataError::Io { path, source }
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read_or_create_key(path: &Path) -> Result<MasterKey, LocalDataError> {
    match fs::read_to_string(path) {
        Ok(text) => MasterKey::parse(text.trim())
            .map_err(|_| LocalDataError::BadKey { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = MasterKey::generate();
            write_new_key(path, &key).map_err(at(path))?;
            Ok(key)
        }
        Err(error) => Err(at(path)(error)),
    }
}

/// Written beside and then renamed: a process killed in between leaves no half key behind, with
/// which the history could never be read again.
fn write_new_key(path: &Path, key: &MasterKey) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(key.to_text().expose_secret().as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_persists() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/data");
        let first = LocalData::open(&path).expect("a new folder");
        let second = LocalData::open(&path).expect("the same folder");
        assert_eq!(first.key().to_text().expose_secret(), second.key().to_text().expose_secret());
    }

    #[test]
    fn a_damaged_key_is_reported_and_never_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(KEY_FILE);
        fs::write(&path, "half a k").expect("a file");
        assert!(matches!(LocalData::open(folder.path()), Err(LocalDataError::BadKey { .. })));
        assert_eq!(fs::read_to_string(&path).expect("still there"), "half a k");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("data");
        LocalData::open(&path).expect("a new folder");
        let mode =
            |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(KEY_FILE)), 0o600);
    }
}

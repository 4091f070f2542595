//! The two ways sandboxes are isolated, and how what is inside is called in each.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::inside::NOBODY;
use super::stage::Part;
use crate::domain::Runtime;
use crate::sandbox::harness;

/// How sandboxes are isolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By namespaces.
    Namespaces,
    /// By Landlock, seccomp and limits, where namespaces are refused.
    Reduced {
        /// Where each sandbox gets a folder of its own to write in.
        work: PathBuf,
    },
}

impl Mode {
    /// As verdicts say it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Namespaces => "namespace",
            Self::Reduced { .. } => "reduced",
        }
    }

    pub(super) const fn part(&self) -> Part {
        match self {
            Self::Namespaces => Part::Outside,
            Self::Reduced { .. } => Part::Reduced,
        }
    }

    /// What this executable is called inside.
    pub(super) fn tester(&self, outside: &Path) -> String {
        match self {
            Self::Namespaces => format!("{}/tester", harness::ROOT),
            Self::Reduced { .. } => outside.to_string_lossy().into_owned(),
        }
    }

    /// What an installed harness is called inside: without namespaces, what it is called outside.
    pub(in crate::sandbox) fn harness(&self, runtime: Runtime, outside: &Path) -> String {
        match self {
            Self::Namespaces => format!("{}/{runtime}", harness::ROOT),
            Self::Reduced { .. } => outside.to_string_lossy().into_owned(),
        }
    }

    /// The folder one sandbox writes to; none where it is a tmpfs of its own.
    pub(super) fn make_work(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let Self::Reduced { work } = self else { return Ok(None) };
        let folder = work.join(name);
        DirBuilder::new().recursive(true).mode(0o755).create(work)?;
        DirBuilder::new().mode(0o700).create(&folder)?;
        if geteuid().is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY))?;
        }
        Ok(Some(folder))
    }
}

/// All that a program inside learns from its environment. `work` is the folder it writes to, where
/// that is not `/work`.
pub(super) fn environment(work: Option<&Path>) -> Vec<(String, String)> {
    let work = work.map(Path::to_string_lossy);
    let value = |name: &str, usual: &str| match (&work, name) {
        (Some(work), "HOME" | "TMPDIR") => work.clone().into_owned(),
        _ => usual.to_owned(),
    };
    harness::ENVIRONMENT.map(|(name, usual)| (name.to_owned(), value(name, usual))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_namespaces_home_is_the_folder_of_the_sandbox() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mode = Mode::Reduced { work: folder.path().join("work") };
        let work = mode.make_work("one").expect("a new folder").expect("one to write in");
        let environment = environment(Some(&work));
        let value = |name: &str| {
            environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let expected = Some(work.to_string_lossy().into_owned());
        assert_eq!((value("HOME"), value("TMPDIR")), (expected.clone(), expected));
        assert_eq!(value("TZ"), Some("UTC".to_owned()));
    }

    #[test]
    fn a_folder_is_never_used_by_two_sandboxes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mode = Mode::Reduced { work: folder.path().to_owned() };
        mode.make_work("one").expect("a new folder");
        assert!(mode.make_work("one").is_err());
    }
}

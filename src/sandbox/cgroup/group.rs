use super::Account;
use crate::domain::Limits;

/// Why a control group can't be had, or not be got rid of. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GroupError(pub(super) String);

/// A control group of ours. Dropping it leaves it to [`leftovers`].
#[derive(Debug)]
pub struct Group {}

/// A group that an earlier process of ours left behind.
#[derive(Debug)]
pub struct Leftover {
    /// The id it was created with.
    pub id: String,
    /// The group itself: kill and remove it.
    pub group: Group,
}

impl Group {
    /// Makes a group `tester/ID` and sets its limits, swap off.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when this host does not let us; nothing is left of it then.
    pub fn create(id: &str, limits: &Limits) -> Result<Self, GroupError> {
        let _ = (id, limits);
        Err(GroupError(String::new()))
    }

    /// Moves a process into it. What that process starts from then on is in it too.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when the process is gone or may not be moved.
    pub fn add(&self, pid: u32) -> Result<(), GroupError> {
        let _ = pid;
        Ok(())
    }

    /// Its accounts.
    #[must_use]
    pub fn account(&self) -> Account {
        Account {}
    }

    /// Kills every process in it. Comes back when the signals are sent, not when they have worked.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when the group can't be read.
    pub fn kill(&self) -> Result<(), GroupError> {
        Ok(())
    }

    /// Removes it, waiting a little for the kernel to let go of what was killed.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when something in it still lives.
    pub fn remove(self) -> Result<(), GroupError> {
        Ok(())
    }
}

/// The groups that are there now: all of them were left behind when nothing of ours runs.
#[must_use]
pub fn leftovers() -> Vec<Leftover> {
    Vec::new()
}

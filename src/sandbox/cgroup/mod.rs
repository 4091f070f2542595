//! Control groups, both versions: accounts of what a sandbox used, and groups that hold one to
//! its limits.

mod account;
mod group;

pub use self::account::Account;
pub use self::group::{Group, GroupError, Leftover, leftovers};

//! Control groups, both versions: accounts of what a sandbox used, and groups that hold one to
//! its limits.
//!
//! - `hierarchy`: which controllers are mounted where, and where in them a process is.
//! - `account`: what the kernel counted ([`Account`]).
//! - `group`: groups of our own, `tester/ID` ([`Group`]).
//!
//! Hosts differ: version 1 has a tree for each controller, version 2 one for all, and some have
//! both. All paths are found through the host's own tables, under a root that tests replace.

mod account;
mod group;
mod hierarchy;
#[cfg(test)]
mod tests;

pub use self::account::Account;
pub use self::group::{Group, GroupError, Leftover, leftovers};

//! The real things, started for a case and gone with it.

pub mod redis;

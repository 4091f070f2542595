//! Encryption of stored fields. No I/O; the only randomness is the system's.

mod master_key;

pub use master_key::{InvalidMasterKey, MasterKey};

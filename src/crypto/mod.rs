//! Encryption of stored fields and cached values. No I/O; the only randomness is the system's.
//!
//! Everything hangs on one [`MasterKey`]. It never encrypts anything itself: HKDF-SHA256 derives
//! a key of its own from it for every purpose, so that no key works in two algorithms. Only what
//! earlier services stored is opened with the master key's own bytes (`fernet`).
//!
//! | what | key of its own | algorithm |
//! |---|---|---|
//! | stored fields, [`FieldCipher`] | `field` | AES-256-GCM |
//! | the name of that key in an envelope | `field key id` | none, it is public |
//! | addresses of cached values, [`CacheKeyer`] | `cache address` | HMAC-SHA256 |
//! | cached values, [`CacheCipher`] | `cache value` | AES-256-GCM |
//! | users' names in logs, [`Pseudonyms`] | `user pseudonym` | HMAC-SHA256 |

mod aead;
mod associated;
mod cache;
mod derivation;
mod fernet;
mod field;
mod master_key;
mod pseudonym;
mod secrets;

pub use cache::{CacheCipher, CacheKeyer};
pub use field::{DecryptError, FieldCipher, FieldContext, StoredForm};
pub use master_key::{InvalidMasterKey, MasterKey};
pub use pseudonym::Pseudonyms;
pub use secrets::random_secret;

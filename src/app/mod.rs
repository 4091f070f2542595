//! The program as a whole: what it reads at start, and what it is put together from.

pub mod environment;
pub mod probes;

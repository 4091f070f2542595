//! What the product does: generation, history, wallet. Services speak `domain` and the seams;
//! they know no web framework and name no concrete backend.

pub mod execution;
mod fences;
pub mod generation;
pub mod history;
mod lookups;
pub mod rate_limits;
pub mod wallet;

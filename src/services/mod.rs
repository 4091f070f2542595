//! What the product does: generation, history, wallet. Services speak `domain` and the seams;
//! they know no web framework and name no concrete backend.

mod fences;
pub mod execution;
pub mod generation;
pub mod history;
pub mod rate_limits;
pub mod wallet;

//! Test peers: stand-ins for what TESTER talks to and no test machine has. They speak the true
//! protocol over true HTTP, so that TESTER under test is the very program that is shipped.

mod gate;
pub mod gemini;
pub mod http;
pub mod paced;
pub mod redis;
pub mod supabase;
pub mod tokens;
pub mod turnstile;

pub use gate::Gate;

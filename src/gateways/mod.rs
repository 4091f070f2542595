//! HTTP out: everything TESTER asks of other services.
//!
//! One client policy for all of them (`http`): rustls, no redirects, no proxies from the
//! environment, a deadline on every call.

mod bot_check;
pub mod gemini;
pub mod http;
mod identity;
mod llm;

pub use bot_check::{BotCheck, BotCheckError};
pub use identity::{AuthError, TokenVerifier};
pub use llm::{LlmDeadline, LlmError, LlmEvent, LlmProvider, LlmStream, Prompt};

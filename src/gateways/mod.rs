//! HTTP out: everything TESTER asks of other services.
//!
//! One client policy for all of them (`http`): rustls, no redirects, no proxies from the
//! environment, a deadline on every call.

mod bot_check;
mod executor;
pub mod gemini;
pub mod http;
mod identity;
mod llm;
mod local_user;
pub mod sse;
mod tokens;
mod turnstile;
mod worker;
mod writer;

pub use bot_check::{BotCheck, BotCheckError};
pub use executor::{Execution, Executor, ExecutorError};
pub use identity::{AuthError, TokenVerifier};
pub use llm::{LlmDeadline, LlmError, LlmEvent, LlmStream, Prompt};
pub use local_user::{LOCAL_USER_ID, LocalUser};
pub use tokens::SupabaseTokenVerifier;
pub use turnstile::{NoBotCheck, Turnstile};
pub use worker::{WorkerClient, WorkerSetupError};
pub use writer::{ExplorationError, TestWriter, WriterError, Writing, WritingEvent, WritingStep};

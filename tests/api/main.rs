//! Black-box tests: HTTP in, HTTP out, the whole program in between.

mod accounts;
mod bot_check;
mod builtin;
mod edge;
mod execution;
mod hostile;
mod killed;
mod leaving;
mod refusals;
mod secrets;
mod shutdown;
mod signing_keys;
mod slow_dependencies;
mod streaming;
mod supabase_faults;
mod support;
mod telemetry;

//! One parser a kind of value. Each takes the trimmed text of a variable and gives the type the
//! rest of the program works with, or a [`Flaw`](super::Flaw) that never holds the text.

mod engine;
mod placeholder;
mod plain;
mod secret;
mod supabase_key;
mod telemetry;
mod web;

pub(super) use engine::{docker_host, docker_runtime, image_name, sandbox_engine};
pub(super) use plain::{
    boolean, deploy_environment, host, integer, log_filter, log_format, model_name,
};
pub(super) use secret::{
    gemini_key, internal_secret, jwt_secret, master_key, redis_url, retired_keys, turnstile_secret,
    worker_token,
};
pub(super) use supabase_key::{SupabaseKeyRole, supabase_key};
pub(super) use telemetry::{google_project, otlp_headers};
pub(super) use web::{
    Transport, endpoint_url, hostnames, issuer, origins, root_url, turnstile_action,
    turnstile_site_key, worker_urls,
};

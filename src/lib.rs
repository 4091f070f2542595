//! TESTER turns pasted source code into unit tests, streams them while they are written, stores the
//! pair encrypted, and runs it in sandboxes.
//!
//! ```text
//!     browser ──HTTPS──▶ tester serve (Cloud Run)  ──▶ Gemini        (writes tests)
//!                         │  │  │                ──▶ Supabase      (users, history, wallet)
//!                         │  │  └────────────────▶  Turnstile     (bots out)
//!                         │  └──────────────────▶   Redis         (cache, rate limits; optional)
//!                         └──WORKER_URL + token──▶  tester worker (GCE VM) ──▶ one-shot sandboxes
//!     CI ──▶ tester check-env        laptop ──▶ tester dev (both halves in one process)
//! ```
//!
//! Tests are written behind another seam, by a model or, without one, by running the code:
//!
//! ```text
//!     services::generation ──▶ gateways::TestWriter ◀── gateways::gemini::Gemini
//!                                                   ◀── builtin::Builtin ──▶ gateways::Executor
//! ```
//!
//! Data flows one way: `api → services → {gateways, repositories, stores}`, all of them speaking
//! `domain`. Tests are run behind a seam of `gateways`: `serve` has a client of the workers there,
//! `worker` and `dev` run them themselves, in `sandbox`:
//!
//! ```text
//!     services::execution ──▶ gateways::Executor ◀── gateways::WorkerClient (over HTTP)
//!                                                ◀── sandbox::Runner (in this process)
//!     sandbox::Runner ──▶ WarmPool ──▶ Engine: docker or namespace
//!     in each sandbox: supervisor (this executable again) ──▶ harness (harness/) ──▶ user code
//! ```
//!
//! Invariants, held by `tests/house`:
//!
//! - `domain`, `languages` and `crypto` do no I/O and know no web framework.
//! - `services` imports no actix type and names no concrete backend.
//! - `gateways`, `repositories`, `stores` and `sandbox` never import `services` or `api`.
//! - `sandbox` names neither actix nor reqwest nor rusqlite.
//! - `builtin` knows `domain`, `languages` and the seams of `gateways`, and runs nothing itself.
//! - `cli::worker`, `api::worker`, `config::worker` and `app::engines` name nothing that can reach
//!   Gemini, Supabase or a user's data.
//! - Only `app::environment` reads the environment.
//!
//! Kept by whoever reads a change: only `app::startup`, `app::stores` and `app::engines` choose
//! implementations.

pub mod api;
pub mod app;
pub mod builtin;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod gateways;
pub mod languages;
pub mod repositories;
pub mod sandbox;
pub mod services;
pub mod stores;

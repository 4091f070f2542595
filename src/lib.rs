//! TESTER turns pasted source code into unit tests, streams them while they are written, and
//! stores the pair encrypted.
//!
//! ```text
//!     browser ──HTTPS──▶ tester serve (Cloud Run)  ──▶ Gemini        (writes tests)
//!                         │  │  │                ──▶ Supabase      (users, history, wallet)
//!                         │  │  └────────────────▶  Turnstile     (bots out)
//!                         │  └──────────────────▶   Redis         (cache, rate limits; optional)
//!                         └──WORKER_URL + token──▶  tester worker (GCE VM) ──▶ one-shot sandboxes
//!     CI ──▶ tester check-env        laptop ──▶ tester dev (both halves, nothing else needed)
//! ```
//!
//! Data flows one way: `api → services → {gateways, repositories, stores}`, all of them speaking
//! `domain`. Invariants, held by `tests/house`:
//!
//! - `domain`, `languages` and `crypto` do no I/O and know no web framework.
//! - `services` imports no actix type and names no concrete backend.
//! - `gateways`, `repositories` and `stores` never import `services` or `api`.
//! - Only `app::startup` chooses implementations; only `app::environment` reads the environment.

pub mod api;
pub mod app;
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

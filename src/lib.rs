//! TESTER turns pasted source code into unit tests, streams them while they are written, and
//! stores the pair encrypted.
pub mod app;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod gateways;
pub mod languages;
pub mod repositories;
pub mod services;
pub mod stores;

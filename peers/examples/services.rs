//! All services of `tester serve` in one process, for a program that is no Rust test:
//!
//! ```sh
//! cargo run --package tester-peers --example services -- FOLDER
//! ```
//!
//! Writes two files into the folder: `serve.env`, the environment of a `tester serve` that uses them
//! (all but `WORKER_URL`), and `token`, the access token of a user whose wallet is never empty. Then
//! says `ready`, and serves until it is ended.

use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

use tester_peers::gemini::GeminiPeer;
use tester_peers::supabase::SupabasePeer;
use tester_peers::tokens::TokenMint;
use tester_peers::turnstile::TurnstilePeer;
use uuid::Uuid;

const GEMINI_KEY: &str = "AIzaSyB-services-of-a-test-0123456789";
const JWT_SECRET: &str = "jwt-secret-of-a-test-0123456789-abcdefghij";
const TURNSTILE_SECRET: &str = "0x4AAAAAAAservicesOfATest0123456789";

/// More than any client of a test can spend.
const BALANCE: i64 = 1_000_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: services FOLDER"))?;

    let gemini = GeminiPeer::start().await?;
    gemini.expect_key(GEMINI_KEY);
    let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await?;
    let supabase = SupabasePeer::start().await?;
    let user = Uuid::new_v4();
    supabase.set_balance(user, BALANCE);

    let token = TokenMint::new(JWT_SECRET, &format!("{}/auth/v1", supabase.url())).token_for(user);
    let environment = [
        ("ENV", "development"),
        ("HOST", "127.0.0.1"),
        ("GEMINI_API_KEY", GEMINI_KEY),
        ("GEMINI_BASE_URL", &gemini.url()),
        ("SUPABASE_URL", &supabase.url()),
        ("SUPABASE_SERVICE_ROLE_KEY", supabase.service_role_key()),
        ("SUPABASE_ANON_KEY", "sb_publishable_services_of_a_test_0123456789"),
        ("SUPABASE_JWT_SECRET", JWT_SECRET),
        ("DATA_ENCRYPTION_KEY", "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="),
        ("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET),
        ("TURNSTILE_VERIFY_URL", &turnstile.url()),
    ];
    let lines: String =
        environment.map(|(name, value)| format!("{name}={value}\n")).into_iter().collect();
    fs::write(folder.join("serve.env"), lines)?;
    fs::write(folder.join("token"), token)?;
    // Whoever waits for this finds both files whole.
    writeln!(io::stdout(), "ready")?;
    std::future::pending().await
}

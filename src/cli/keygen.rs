//! `tester keygen`: fresh secrets as lines of a `.env` file, so that `tester keygen >> .env` works.

use std::io::Write;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};

use super::Outcome;

/// Bytes in a secret: the size of an AES-256 key, and 256 bits of chance for a token.
const SECRET_BYTES: usize = 32;

/// Prints the secrets; everything else on the output is a comment.
///
/// # Errors
///
/// When the system has no randomness to give or the output can't be written.
pub fn run(output: &mut impl Write) -> anyhow::Result<Outcome> {
    // Padded, the form that earlier services' Fernet keys have.
    let data_encryption_key = URL_SAFE.encode(random()?);
    let worker_auth_token = URL_SAFE_NO_PAD.encode(random()?);
    let internal_secret = URL_SAFE_NO_PAD.encode(random()?);
    write!(
        output,
        "\
# Encrypts stored source code and tests. Keep a copy: without it stored history is lost.
# A deployment that already has history keeps the key it has.
DATA_ENCRYPTION_KEY={data_encryption_key}
# Lets the web half call the worker; the same value on both sides.
WORKER_AUTH_TOKEN={worker_auth_token}
# Opens /health and /metrics to whoever sends it as X-TESTER-KEY.
TESTER_INTERNAL_SECRET={internal_secret}
"
    )
    .and_then(|()| output.flush())
    .context("the secrets can't be written out")?;
    Ok(Outcome::Good)
}

fn random() -> anyhow::Result<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
    Ok(bytes)
}

//! Encryption of stored fields, on one core: `FieldCipher` beside the algorithm alone, and beside
//! Fernet.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use tester::crypto::{FieldCipher, FieldContext, MasterKey};
use tester::domain::{EncryptedData, UserId};
use uuid::Uuid;

use crate::fernet::FernetEncoder;
use crate::project::source;
use crate::readings::{Figure, Readings};

/// Bytes of a text: a function, a usual answer, the largest source that is taken.
pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

const KEY: [u8; 32] = [7; 32];

/// Who encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    /// ring's AES-256-GCM in place: no nonce is drawn, nothing encoded, no place authenticated.
    Ring,
    /// Fernet; decrypted by `FieldCipher`, as rows of earlier services are.
    Fernet,
    /// `FieldCipher`.
    Field,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

impl Direction {
    pub(crate) const ALL: [Self; 2] = [Self::Encrypt, Self::Decrypt];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ring => "ring",
            Self::Fernet => "fernet",
            Self::Field => "field_cipher",
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
        })
    }
}

/// Takes every reading of one round.
pub(crate) fn measure(window: Duration, readings: &mut Readings) -> anyhow::Result<()> {
    for size in SIZES {
        let text = source(size);
        measure_ring(&text, window, readings)?;
        measure_stored(&text, window, readings)?;
    }
    Ok(())
}

/// The text is copied into the buffer before each call, for it works in place.
fn measure_ring(text: &str, window: Duration, readings: &mut Readings) -> anyhow::Result<()> {
    let failed = |_| anyhow!("ring refuses");
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).map_err(failed)?);
    let nonce = || Nonce::assume_unique_for_key([7; 12]);
    let mut sealed = text.as_bytes().to_vec();
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).map_err(failed)?;
    let mut buffer = Vec::with_capacity(sealed.len());

    let encrypt = speed(text.len(), window, || {
        buffer.clear();
        buffer.extend_from_slice(black_box(text.as_bytes()));
        key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut buffer).map_err(failed)?;
        black_box(&buffer);
        Ok(())
    })?;
    let decrypt = speed(text.len(), window, || {
        buffer.clear();
        buffer.extend_from_slice(black_box(&sealed));
        black_box(key.open_in_place(nonce(), Aad::empty(), &mut buffer).map_err(failed)?);
        Ok(())
    })?;
    readings.add(Figure::Cipher(text.len(), Direction::Encrypt, Method::Ring), encrypt);
    readings.add(Figure::Cipher(text.len(), Direction::Decrypt, Method::Ring), decrypt);
    Ok(())
}

fn measure_stored(text: &str, window: Duration, readings: &mut Readings) -> anyhow::Result<()> {
    let cipher = FieldCipher::new(&MasterKey::from_bytes(KEY));
    let fernet = FernetEncoder::new(&KEY)?;
    let context = FieldContext {
        table: "generation_history",
        column: "input_code",
        user: UserId(Uuid::nil()),
        row: Uuid::nil(),
    };
    let ours = || cipher.encrypt(&context, black_box(text));
    let theirs = || fernet.encrypt(black_box(text.as_bytes())).map(EncryptedData::from_stored);

    for (method, stored) in [(Method::Field, ours()), (Method::Fernet, theirs()?)] {
        ensure!(cipher.decrypt(&context, &stored)? == text, "{method}: another text came back");
        let decrypt = speed(text.len(), window, || {
            black_box(cipher.decrypt(&context, black_box(&stored))?);
            Ok(())
        })?;
        readings.add(Figure::Cipher(text.len(), Direction::Decrypt, method), decrypt);
    }
    let encrypt = speed(text.len(), window, || {
        black_box(ours());
        Ok(())
    })?;
    readings.add(Figure::Cipher(text.len(), Direction::Encrypt, Method::Field), encrypt);
    let encrypt = speed(text.len(), window, || {
        black_box(theirs()?);
        Ok(())
    })?;
    readings.add(Figure::Cipher(text.len(), Direction::Encrypt, Method::Fernet), encrypt);
    Ok(())
}

/// Megabytes of text a second.
#[expect(clippy::cast_precision_loss, reason = "bytes of a second stay far below 2^53")]
fn speed(
    bytes: usize,
    window: Duration,
    mut work: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < window {
        work()?;
        done += bytes;
    }
    Ok(done as f64 / 1e6 / begin.elapsed().as_secs_f64())
}

//! The project whose data is asked for: peers, users, tokens and rows.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tester::crypto::{FieldCipher, FieldContext, MasterKey};
use tester::domain::UserId;
use tester_peers::gemini::GeminiPeer;
use tester_peers::supabase::{HistoryRow, SupabasePeer};
use tester_peers::tokens::{SigningKey, TokenMint, key_set};
use tester_peers::turnstile::TurnstilePeer;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::options::Effort;
use crate::peer_thread::PeerThread;

pub(crate) const JWT_SECRET: &str = "a-benchmark-jwt-secret-of-more-than-32-bytes-012345";
pub(crate) const TURNSTILE_SECRET: &str = "0x4AAAAAAABENCHturnstileSECRET0123456789";
pub(crate) const ENCRYPTION_KEY: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

/// Users who have a history, of as many rows as a page.
const AUTHORS: usize = 16;

/// Rows of a page.
pub(crate) const ROWS: usize = 20;

/// Bytes of a row's source and of its tests: 2 KB of code together.
pub(crate) const SOURCE_BYTES: usize = 700;
pub(crate) const TESTS_BYTES: usize = 1_300;

/// Stand-ins for what TESTER talks to.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) supabase: SupabasePeer,
    pub(crate) turnstile: TurnstilePeer,
    pub(crate) gemini: GeminiPeer,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TokenKind {
    /// With the project's legacy secret.
    Hs256,
    /// With a key that the project publishes.
    Es256,
}

/// The project with its users.
#[derive(Debug)]
pub(crate) struct Project {
    peers: PeerThread<Peers>,
    secret: TokenMint,
    pair: TokenMint,
    /// Who have a wallet; the first of them are authors.
    users: Vec<Uuid>,
}

impl Peers {
    async fn start() -> io::Result<Self> {
        Ok(Self {
            supabase: SupabasePeer::start().await?,
            turnstile: TurnstilePeer::start(TURNSTILE_SECRET).await?,
            gemini: GeminiPeer::start().await?,
        })
    }
}

impl Project {
    /// Starts the peers and fills the database.
    pub(crate) fn start(effort: Effort) -> anyhow::Result<Self> {
        let peers = PeerThread::start(Peers::start())?;
        let supabase = &peers.peer().supabase;
        let key = Arc::new(SigningKey::p256("benchmark"));
        supabase.set_jwks(key_set([key.jwk()]));
        let users: Vec<Uuid> = (0..effort.users).map(|_| Uuid::new_v4()).collect();
        for user in &users {
            supabase.set_balance(*user, 100);
        }
        supabase.set_rows(rows(&users[..AUTHORS.min(users.len())])?);
        let issuer = format!("{}/auth/v1", supabase.url());
        let secret = TokenMint::new(JWT_SECRET, &issuer);
        let pair = TokenMint::with_key(&key, &issuer);
        Ok(Self { peers, secret, pair, users })
    }

    pub(crate) const fn peers(&self) -> &Peers {
        self.peers.peer()
    }

    /// Where Supabase's stand-in listens.
    pub(crate) fn supabase_address(&self) -> anyhow::Result<SocketAddr> {
        let url = self.peers().supabase.url();
        url.trim_start_matches("http://").parse().context("the peer's address")
    }

    pub(crate) fn token(&self, kind: TokenKind, user: Uuid) -> String {
        match kind {
            TokenKind::Hs256 => self.secret.token_for(user),
            TokenKind::Es256 => self.pair.token_for(user),
        }
    }

    pub(crate) fn users(&self) -> &[Uuid] {
        &self.users
    }

    pub(crate) fn authors(&self) -> &[Uuid] {
        &self.users[..AUTHORS.min(self.users.len())]
    }
}

/// Python of exactly this length.
pub(crate) fn source(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 100);
    for line in 0.. {
        if text.len() >= bytes {
            break;
        }
        text += &format!("def add_{line}(left, right):\n    return left + right + {line}\n\n");
    }
    text.truncate(bytes);
    text
}

fn rows(authors: &[Uuid]) -> anyhow::Result<Vec<HistoryRow>> {
    let cipher = FieldCipher::new(&MasterKey::parse(ENCRYPTION_KEY)?);
    let (input_code, generated_code) = (source(SOURCE_BYTES), source(TESTS_BYTES));
    let one_of = |author: Uuid| {
        let id = Uuid::new_v4();
        let seal = |column, text: &str| {
            let user = UserId(author);
            let context = FieldContext { table: "generation_history", column, user, row: id };
            cipher.encrypt(&context, text).as_str().to_owned()
        };
        HistoryRow {
            id,
            user_id: author,
            input_code: seal("input_code", &input_code),
            generated_code: seal("generated_code", &generated_code),
            language: "python".to_owned(),
            model: "gemini-3.8-flash".to_owned(),
            created_at: OffsetDateTime::now_utc(),
        }
    };
    Ok(authors.iter().flat_map(|author| (0..ROWS).map(|_| one_of(*author))).collect())
}

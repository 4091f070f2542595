use std::net::SocketAddr;

use uuid::Uuid;

use crate::load::{CURSOR_MARK, Requests};
use crate::options::Effort;
use crate::project::{Project, ROWS, SOURCE_BYTES, TESTS_BYTES, TokenKind};

/// What is asked to saturation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// `/api/health`: no user, no dependency.
    Health,
    /// The wallet call that a status takes, asked of Supabase's stand-in directly.
    PeerWallet,
    /// The page that a history takes, asked of Supabase's stand-in directly.
    PeerPage,
    Status(TokenKind),
    /// The status of somebody who was never here.
    StatusNewUser,
    StatusWithoutRedis,
    /// A page that is in Redis.
    HistoryHit(TokenKind),
    /// A page that is not.
    HistoryMiss,
    HistoryWithoutRedis,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `tester serve` with Redis.
    Tester,
    /// `tester serve` without `REDIS_URL`.
    WithoutRedis,
    /// Supabase's stand-in.
    Peer,
}

impl Question {
    /// All, floors first.
    pub(crate) const ALL: [Self; 11] = [
        Self::Health,
        Self::PeerWallet,
        Self::Status(TokenKind::Hs256),
        Self::Status(TokenKind::Es256),
        Self::StatusNewUser,
        Self::StatusWithoutRedis,
        Self::PeerPage,
        Self::HistoryHit(TokenKind::Hs256),
        Self::HistoryHit(TokenKind::Es256),
        Self::HistoryMiss,
        Self::HistoryWithoutRedis,
    ];

    /// Its name in JSON.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::PeerWallet => "peer_wallet",
            Self::PeerPage => "peer_page",
            Self::Status(TokenKind::Hs256) => "status_hs256",
            Self::Status(TokenKind::Es256) => "status_es256",
            Self::StatusNewUser => "status_new_user",
            Self::StatusWithoutRedis => "status_without_redis",
            Self::HistoryHit(TokenKind::Hs256) => "history_hit_hs256",
            Self::HistoryHit(TokenKind::Es256) => "history_hit_es256",
            Self::HistoryMiss => "history_miss",
            Self::HistoryWithoutRedis => "history_without_redis",
        }
    }

    /// Its name for people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::PeerWallet => "peer: wallet call",
            Self::PeerPage => "peer: page",
            Self::Status(TokenKind::Hs256) => "status, HS256",
            Self::Status(TokenKind::Es256) => "status, ES256",
            Self::StatusNewUser => "status, new users",
            Self::StatusWithoutRedis => "status, no Redis",
            Self::HistoryHit(TokenKind::Hs256) => "history, cached, HS256",
            Self::HistoryHit(TokenKind::Es256) => "history, cached, ES256",
            Self::HistoryMiss => "history, not cached",
            Self::HistoryWithoutRedis => "history, no Redis",
        }
    }

    pub(crate) const fn asked(self) -> Asked {
        match self {
            Self::PeerWallet | Self::PeerPage => Asked::Peer,
            Self::StatusWithoutRedis | Self::HistoryWithoutRedis => Asked::WithoutRedis,
            Self::Health
            | Self::Status(_)
            | Self::StatusNewUser
            | Self::HistoryHit(_)
            | Self::HistoryMiss => Asked::Tester,
        }
    }

    /// What the dependency alone takes.
    pub(crate) const fn floor(self) -> Option<Self> {
        match self {
            Self::Health | Self::PeerWallet | Self::PeerPage => None,
            Self::Status(_) | Self::StatusNewUser | Self::StatusWithoutRedis => {
                Some(Self::PeerWallet)
            }
            Self::HistoryHit(_) | Self::HistoryMiss | Self::HistoryWithoutRedis => {
                Some(Self::PeerPage)
            }
        }
    }

    /// Least bytes of its answer.
    pub(crate) const fn least_body(self) -> usize {
        match self {
            Self::Health
            | Self::PeerWallet
            | Self::Status(_)
            | Self::StatusNewUser
            | Self::StatusWithoutRedis => 10,
            Self::PeerPage
            | Self::HistoryHit(_)
            | Self::HistoryMiss
            | Self::HistoryWithoutRedis => ROWS * (SOURCE_BYTES + TESTS_BYTES),
        }
    }

    /// The requests, tokens and all, ready before anything is measured.
    pub(crate) fn requests(self, project: &Project, to: SocketAddr, effort: Effort) -> Requests {
        let page = format!("/api/history/?limit={ROWS}");
        let all_of = |users: &[Uuid], path: &str, kind| {
            let ask = |user: &Uuid| get(to, path, &project.token(kind, *user));
            users.iter().map(ask).collect::<Vec<_>>()
        };
        let (users, authors) = (project.users(), project.authors());
        let status = "/api/user/status";
        match self {
            Self::Health => {
                let request = format!("GET /api/health HTTP/1.1\r\nhost: {to}\r\n\r\n");
                Requests::in_turn(vec![request.into_bytes()])
            }
            Self::PeerWallet => Requests::in_turn(
                users.iter().map(|user| wallet_call(project, to, *user)).collect(),
            ),
            Self::PeerPage => Requests::in_turn(
                authors.iter().map(|user| page_call(project, to, *user)).collect(),
            ),
            Self::Status(kind) => Requests::in_turn(all_of(users, status, kind)),
            Self::StatusWithoutRedis => Requests::in_turn(all_of(users, status, TokenKind::Hs256)),
            Self::StatusNewUser => {
                let strangers: Vec<Uuid> = (0..effort.new_users).map(|_| Uuid::new_v4()).collect();
                Requests::once(all_of(&strangers, status, TokenKind::Hs256))
            }
            Self::HistoryHit(kind) => Requests::in_turn(all_of(authors, &page, kind)),
            Self::HistoryWithoutRedis => {
                Requests::in_turn(all_of(authors, &page, TokenKind::Hs256))
            }
            Self::HistoryMiss => {
                let page = format!("{page}&cursor={CURSOR_MARK}");
                Requests::with_fresh_cursors(all_of(authors, &page, TokenKind::Hs256))
            }
        }
    }
}

fn get(to: SocketAddr, path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

/// What TESTER asks for a status.
fn wallet_call(project: &Project, to: SocketAddr, user: Uuid) -> Vec<u8> {
    let key = project.peers().supabase.service_role_key();
    let body = serde_json::json!({ "p_user_id": user, "p_bonus_amount": 30 }).to_string();
    format!(
        "POST /rest/v1/rpc/claim_daily_bonus HTTP/1.1\r\nhost: {to}\r\napikey: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What TESTER asks for a page: one row more tells whether there is another page.
fn page_call(project: &Project, to: SocketAddr, user: Uuid) -> Vec<u8> {
    let key = project.peers().supabase.service_role_key();
    format!(
        "GET /rest/v1/generation_history?select=id%2Cinput_code%2Cgenerated_code%2Clanguage%2C\
         model%2Ccreated_at&user_id=eq.{user}&order=created_at.desc%2Cid.desc&limit={} HTTP/1.1\r\n\
         host: {to}\r\napikey: {key}\r\n\r\n",
        ROWS + 1
    )
    .into_bytes()
}

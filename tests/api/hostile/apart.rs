use std::fs;

use tester_peers::http::Server;
use tester_peers::supabase::SupabasePeer;
use tester_peers::tokens::TokenMint;
use tester_peers::turnstile::TurnstilePeer;
use uuid::Uuid;

use crate::support::{JWT_SECRET, Process, TURNSTILE_SECRET, environment};

/// `tester serve` as a process of its own, with the limits of one, beside its peers.
pub(super) struct Apart {
    pub(super) process: Process,
    tokens: TokenMint,
    user: Uuid,
    _folder: tempfile::TempDir,
    _supabase: SupabasePeer,
    _turnstile: TurnstilePeer,
}

impl Apart {
    /// With this model and these knobs (TOML), on one thread.
    pub(super) async fn start(model: &Server, knobs: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let supabase = SupabasePeer::start().await.expect("a free port");
        let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await.expect("a free port");
        let tokens = TokenMint::new(JWT_SECRET, &format!("{}/auth/v1", supabase.url()));
        let user = Uuid::new_v4();
        supabase.set_balance(user, 10_000);
        let variables = environment(&model.url(), &supabase.url(), &turnstile.url());
        let knobs = format!("server.workers = 1\n{knobs}");
        let process = Process::serve_in(folder.path(), &variables, &knobs).await;
        Self { process, tokens, user, _folder: folder, _supabase: supabase, _turnstile: turnstile }
    }

    pub(super) fn address(&self) -> &str {
        self.process.address()
    }

    /// The `Authorization` value of the user.
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.tokens.token_for(self.user))
    }

    /// What is resident of the process, in KiB.
    pub(super) fn resident_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.and_then(|number| number.parse().ok()).expect("a number of KiB")
    }

    /// Files that the process has open, sockets among them.
    pub(super) fn open_files(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        fs::read_dir(folder).expect("the process runs").count()
    }
}

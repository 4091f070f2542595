//! Everything that runs beside the servers under load.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tester_peers::http::Server as Peer;
use tester_peers::tokens::TokenMint;
use tester_peers::turnstile::TurnstilePeer;
use uuid::Uuid;

use crate::folder;
use crate::mistakes::Mistakes;
use crate::model::{self, Course, Script};
use crate::options::Effort;
use crate::server::Server;
use crate::stack::lite::{self, Project, SECRET_KEY};
use crate::stack::postgres::Cluster;
use crate::stack::redis::Redis;
use crate::support::JWT_SECRET;
use crate::tally::Tally;

const TURNSTILE_SECRET: &str = "0x4AAAAAAABENCHturnstileSECRET0123456789";
const WORKER_TOKEN: &str = "worker-token-for-benchmarks-0123456789abcdef";
pub(crate) const ENCRYPTION_KEY: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

/// What everybody's wallet holds at first: enough for any run.
pub(crate) const BALANCE: i64 = 10_000_000;

/// What a generation costs: `wallet.cost`, which is left as it is.
pub(crate) const COST: i64 = 10;

/// What is under load, and what came of it so far.
pub(crate) struct Stage {
    pub(crate) effort: Effort,
    pub(crate) mistakes: Arc<Mistakes>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) users: Vec<Uuid>,
    pub(crate) project: Project,
    tokens: TokenMint,
    redis: Redis,
    model: Peer,
    turnstile: TurnstilePeer,
    folder: tempfile::TempDir,
    serial: AtomicU64,
}

impl Stage {
    /// Starts the stores and the stand-ins, and gives every user a wallet.
    pub(crate) async fn set_up(effort: Effort) -> anyhow::Result<Self> {
        let folder = folder::scratch("load")?;
        let cluster = Cluster::start();
        let project = Project::serve(lite::migrated(&cluster));
        project.database().run(&format!(
            "insert into auth.users (id, email)
                 select id, id || '@example.com'
                 from (select gen_random_uuid() as id from generate_series(1, {})) as ids;
             select public.initialize_user_wallet(id, {BALANCE}) from auth.users;
             update public.user_tokens set last_daily_bonus_at = (now() at time zone 'utc')::date",
            effort.users
        ));
        let users = project.database().run("select id from auth.users order by id");
        let users = users.lines().map(Uuid::parse_str).collect::<Result<Vec<_>, _>>()?;
        let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await;
        Ok(Self {
            effort,
            mistakes: Arc::default(),
            tally: Arc::default(),
            users,
            tokens: TokenMint::new(JWT_SECRET, "benchmark"),
            redis: Redis::start().await,
            model: model::start().await?,
            turnstile: turnstile.context("starting the bot check")?,
            project,
            folder,
            serial: AtomicU64::new(0),
        })
    }

    /// `tester serve` beside the stores, with these further variables.
    pub(crate) async fn serve(&self, further: &[(&str, String)]) -> anyhow::Result<Server> {
        let own = [
            // Else stand-ins would have to speak TLS.
            ("ENV", "development".to_owned()),
            ("GEMINI_API_KEY", "AQ.benchmark-key-that-opens-nothing-0123456789".to_owned()),
            ("GEMINI_BASE_URL", self.model.url()),
            ("SUPABASE_URL", self.project.url().to_owned()),
            ("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY.to_owned()),
            ("SUPABASE_ANON_KEY", lite::PUBLISHABLE_KEY.to_owned()),
            ("SUPABASE_JWT_SECRET", JWT_SECRET.to_owned()),
            ("SUPABASE_JWT_ISSUER", "any".to_owned()),
            ("DATA_ENCRYPTION_KEY", ENCRYPTION_KEY.to_owned()),
            ("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET.to_owned()),
            ("TURNSTILE_VERIFY_URL", self.turnstile.url()),
            ("REDIS_URL", self.redis.url()),
            ("WORKER_URL", "http://127.0.0.1:9".to_owned()),
            ("WORKER_AUTH_TOKEN", WORKER_TOKEN.to_owned()),
        ];
        let variables = [&own[..], further].concat();
        Server::start("serve", &[], &variables, "", self.folder.path()).await
    }

    /// `tester worker` on this machine's own interpreters.
    pub(crate) async fn worker(&self) -> anyhow::Result<Server> {
        // The folder of the tests: what is installed there is installed once.
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("execution");
        let data = data.to_str().context("a path in UTF-8")?;
        let variables = [
            ("WORKER_AUTH_TOKEN", WORKER_TOKEN.to_owned()),
            ("SANDBOX_ENGINE", "namespace".to_owned()),
        ];
        // Only Python is asked for.
        let knobs = "sandbox.node.warm = 0\nsandbox.java.warm = 0\n";
        let arguments = ["--data-dir", data];
        Server::start("worker", &arguments, &variables, knobs, self.folder.path()).await
    }

    /// The `Authorization` value of a user.
    pub(crate) fn authorization(&self, user: Uuid) -> String {
        format!("Bearer {}", self.tokens.token_for(user))
    }

    /// A script that nobody had before.
    pub(crate) fn script(&self, chunks: u64, pace: std::time::Duration, course: Course) -> Script {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        Script { serial, chunks: chunks.max(1), pace, course }
    }
}

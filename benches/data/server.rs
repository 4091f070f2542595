use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::process::{self, ServerProcess, free_address};
use crate::project::{ENCRYPTION_KEY, JWT_SECRET, Peers, TURNSTILE_SECRET};

/// The executable as it is shipped, as `tester serve`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) process: ServerProcess,
}

impl Server {
    /// Starts it beside the peers: defaults everywhere but for the limits that are there to stop
    /// exactly this kind of client.
    pub(crate) fn start(
        name: &str,
        peers: &Peers,
        redis: Option<&str>,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
        command
            .arg("serve")
            // No `.env` and no variable of whoever runs this may change what is measured.
            .current_dir(folder)
            .env_clear()
            // Else peers would have to speak TLS.
            .env("ENV", "development")
            .env("HOST", address.ip().to_string())
            .env("PORT", address.port().to_string())
            .env("GEMINI_API_KEY", "AQ.benchmark-key-that-opens-nothing-0123456789")
            .env("GEMINI_BASE_URL", peers.gemini.url())
            .env("SUPABASE_URL", peers.supabase.url())
            .env("SUPABASE_SERVICE_ROLE_KEY", peers.supabase.service_role_key())
            .env("SUPABASE_ANON_KEY", "sb_publishable_bench_0123456789abcdef012345678")
            .env("SUPABASE_JWT_SECRET", JWT_SECRET)
            .env("DATA_ENCRYPTION_KEY", ENCRYPTION_KEY)
            .env("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET)
            .env("TURNSTILE_VERIFY_URL", peers.turnstile.url())
            .env("WORKER_URL", "http://127.0.0.1:9")
            .env("WORKER_AUTH_TOKEN", "worker-token-for-benchmarks-0123456789abcdef")
            .env("RATE_LIMIT_STATUS_PER_MINUTE", "100000")
            .envs(redis.map(|url| ("REDIS_URL", url)));
        let mut process = ServerProcess::spawn(name, command, None, folder)?;
        process.wait_until(|| process::answers(address, "/api/health"))?;
        Ok(Self { address, process })
    }
}

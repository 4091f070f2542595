//! From settings to a running server: the only place that chooses implementations.
//!
//! `serve` and `dev` are put together by two functions that share nothing that one could loosen for
//! the other: the local user, the missing bot check and the loopback door can't be reached from
//! [`ServeSettings`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web;

use super::health::HealthCheck;
use super::lifecycle::Lifecycle;
use super::listener::bind;
use super::local_data::{LocalData, LocalDataError};
use super::stores::Stores;
use super::{AppState, Audience, Front, WorkerState, engines, shutdown, telemetry, upkeep};
use crate::api;
use crate::builtin::Builtin;
use crate::config::{CommonSettings, DevSettings, RotationSettings, ServeSettings, WorkerSettings};
use crate::crypto::{CacheCipher, CacheKeyer, FieldCipher, MasterKey, Pseudonyms};
use crate::gateways::gemini::{Gemini, GeminiSetupError};
use crate::gateways::http::{self, Traffic};
use crate::gateways::{
    BotCheck, Executor, LocalUser, NoBotCheck, SupabaseTokenVerifier, TestWriter, TokenVerifier,
    Turnstile, WorkerClient, WorkerSetupError,
};
use crate::repositories::{
    HistoryRepository, InvalidServiceRoleKey, OpenError, Sqlite, Supabase, WalletRepository,
};
use crate::sandbox::Runner;
use crate::services::execution::ExecutionService;
use crate::services::generation::{AnswerCache, GenerationService, Parts, Writers};
use crate::services::history::{HistoryPages, HistoryService};
use crate::services::rate_limits::RateLimits;
use crate::services::wallet::WalletService;

/// How long connecting to a dependency may take; each gateway bounds the call as a whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the program can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The address is taken or not ours.
    #[error("can't listen on {address}: {source}. Choose another with HOST and PORT")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A client for a dependency can't be made.
    #[error(transparent)]
    Gemini(#[from] GeminiSetupError),
    /// The key can't travel in a header.
    #[error(transparent)]
    Supabase(#[from] InvalidServiceRoleKey),
    /// The data folder can't be used.
    #[error(transparent)]
    LocalData(#[from] LocalDataError),
    /// The database can't be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The workers can't be called.
    #[error(transparent)]
    Worker(#[from] WorkerSetupError),
    /// No sandbox can be made here, or none that is as it must be.
    #[error(transparent)]
    Engine(#[from] engines::EngineProblem),
}

/// A server that accepts connections, and the way to stop it.
pub struct Application {
    server: Server,
    handle: ServerHandle,
    address: SocketAddr,
    lifecycle: Lifecycle,
    grace: Duration,
    /// Runs tests in this process; drained after the requests that wait for it.
    runner: Option<Runner>,
    /// Closed last: the final refunds go into it.
    database: Option<Sqlite>,
}

impl Application {
    /// Puts `tester serve` together and starts to listen, on the runtime that it is called on.
    ///
    /// # Errors
    ///
    /// [`StartupError`] says what is in the way.
    pub async fn serve(settings: ServeSettings) -> Result<Self, StartupError> {
        // First, for the way to Redis counts from its first attempt on.
        telemetry::metrics();
        let client = http::client(Traffic::Calls, CONNECT_TIMEOUT);
        let cipher = FieldCipher::with_retired(&settings.encryption_key, &settings.retired_keys);
        let supabase =
            Arc::new(Supabase::new(client.clone(), &settings.supabase.data_api(), cipher)?);
        let verifier = SupabaseTokenVerifier::new(client.clone(), &settings.supabase);
        verifier.warm();
        let stores = match &settings.redis {
            Some(redis) => {
                Stores::shared(redis, settings.common.cache, &settings.encryption_key).await
            }
            None => Stores::in_memory(settings.common.cache),
        };
        let choices = Choices {
            audience: Audience::Internet,
            verifier: Arc::new(verifier),
            bot_check: Arc::new(Turnstile::new(client, settings.turnstile.clone())),
            model: Some(Arc::new(Gemini::new(settings.gemini.clone())?)),
            history: supabase.clone(),
            wallet: supabase,
            stores,
            key: settings.encryption_key.clone(),
            executor: Arc::new(WorkerClient::new(&settings.worker)?),
            runner: None,
            database: None,
            health: HealthCheck::Serve(Box::new(settings.clone())),
        };
        Self::listen(settings.common, choices)
    }

    /// Puts `tester dev` together and starts to listen.
    ///
    /// # Errors
    ///
    /// [`StartupError`] says what is in the way.
    pub async fn dev(settings: DevSettings) -> Result<Self, StartupError> {
        let data = LocalData::open(&settings.data_dir)?;
        let cipher = FieldCipher::new(data.key());
        let sqlite = Sqlite::open(&settings.data_dir, cipher)?;
        let models = &settings.common.models;
        let database = sqlite.clone();
        let engine = engines::for_dev(&settings.sandbox, &settings.data_dir).await?;
        let runner = Runner::start(engine, &settings.sandbox);
        let health = HealthCheck::Dev {
            database: sqlite.clone(),
            runner: runner.clone(),
            gemini: settings.gemini.clone().map(|gemini| Box::new((gemini, models.clone()))),
        };
        let sqlite = Arc::new(sqlite);
        let model = match settings.gemini.clone() {
            Some(gemini) => Some(Arc::new(Gemini::new(gemini)?) as Arc<dyn TestWriter>),
            None => None,
        };
        let choices = Choices {
            audience: Audience::ThisMachine,
            verifier: Arc::new(LocalUser::new(&settings)),
            bot_check: Arc::new(NoBotCheck::new(&settings)),
            model,
            history: sqlite.clone(),
            wallet: sqlite,
            stores: Stores::in_memory(settings.common.cache),
            key: data.key().clone(),
            executor: Arc::new(runner.clone()),
            runner: Some(runner),
            database: Some(database),
            health,
        };
        Self::listen(settings.common, choices)
    }

    /// Puts `tester worker` together and starts to listen, once every runtime has shown that it
    /// runs tests and tells a pass from a failure.
    ///
    /// # Errors
    ///
    /// [`StartupError`] says what is in the way.
    pub async fn worker(settings: WorkerSettings) -> Result<Self, StartupError> {
        let engine = engines::for_worker(&settings.sandbox, &settings.data_dir).await?;
        let runner = Runner::start(engine, &settings.sandbox);
        engines::prove(&runner).await?;
        let lifecycle = Lifecycle::default();
        let state = WorkerState {
            execution: ExecutionService::new(Arc::new(runner.clone()), lifecycle.draining()),
            runner: runner.clone(),
            auth_token: settings.auth_token,
            body_timeout: settings.listen.body_timeout,
            heartbeat: settings.stream.heartbeat,
            metrics: telemetry::metrics(),
        };
        // Its callers are programs: no page, no proxy.
        let front = Front {
            audience: Audience::Internet,
            trusted_proxy_hops: 0,
            allowed_origins: Vec::new(),
            lifecycle: lifecycle.clone(),
        };
        let (server, address) =
            bind(&settings.listen, web::Data::new(state), front, api::worker_routes)?;
        Ok(Self {
            handle: server.handle(),
            server,
            address,
            lifecycle,
            grace: settings.sandbox.drain,
            runner: Some(runner),
            database: None,
        })
    }

    /// Where the server listens: the real port, also when the configured one was 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then ends in the phases of `app::shutdown`.
    ///
    /// # Errors
    ///
    /// When the server itself fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let mut server = tokio::spawn(self.server);
        tokio::select! {
            ended = &mut server => return ended.map_err(io::Error::other)?,
            () = stop => {}
        }
        shutdown::wind_up(&self.lifecycle, self.runner.as_ref(), self.grace).await;
        tracing::info!(phase = 5, "shutting down: connections are closed");
        self.handle.stop(true).await;
        let ended = server.await.map_err(io::Error::other)?;
        if let Some(database) = self.database {
            database.close().await;
        }
        telemetry::flush().await;
        ended
    }

    fn listen(common: CommonSettings, choices: Choices) -> Result<Self, StartupError> {
        let lifecycle = Lifecycle::default();
        let (database, runner) = (choices.database.clone(), choices.runner.clone());
        let listen = common.server.listen;
        let front = Front {
            audience: choices.audience,
            trusted_proxy_hops: common.server.trusted_proxy_hops,
            allowed_origins: common.server.allowed_origins.clone(),
            lifecycle: lifecycle.clone(),
        };
        let audience = choices.audience;
        let state = web::Data::new(state(common, choices, lifecycle.clone()));
        if audience == Audience::Internet {
            // `dev` looks for them when it opens its database, which nobody else charges on.
            let upkeep =
                upkeep::refund_abandoned_charges(Arc::clone(&state.wallet), lifecycle.draining());
            lifecycle.tasks().spawn(upkeep);
        }
        let (server, address) = bind(&listen, state, front, api::routes)?;
        Ok(Self {
            handle: server.handle(),
            server,
            address,
            lifecycle,
            grace: listen.shutdown_grace,
            runner,
            database,
        })
    }
}

/// The stored rows of `tester serve` and the keys that open them, for `tester rotate-keys`.
///
/// # Errors
///
/// [`StartupError::Supabase`] when the key can't be sent.
pub fn stored_rows(settings: &RotationSettings) -> Result<Supabase, StartupError> {
    let client = http::client(Traffic::Calls, CONNECT_TIMEOUT);
    let cipher = FieldCipher::with_retired(&settings.encryption_key, &settings.retired_keys);
    Ok(Supabase::new(client, &settings.data_api, cipher)?)
}

/// What `serve` and `dev` choose differently.
struct Choices {
    audience: Audience,
    verifier: Arc<dyn TokenVerifier>,
    bot_check: Arc<dyn BotCheck>,
    model: Option<Arc<dyn TestWriter>>,
    history: Arc<dyn HistoryRepository>,
    wallet: Arc<dyn WalletRepository>,
    stores: Stores,
    key: MasterKey,
    executor: Arc<dyn Executor>,
    runner: Option<Runner>,
    database: Option<Sqlite>,
    health: HealthCheck,
}

fn state(common: CommonSettings, choices: Choices, lifecycle: Lifecycle) -> AppState {
    let (keyer, cipher) = (CacheKeyer::new(&choices.key), CacheCipher::new(&choices.key));
    let pages = choices
        .stores
        .pages
        .map(|pages| HistoryPages::new(pages, keyer.clone(), cipher.clone(), lifecycle.tasks()));
    let history = Arc::new(HistoryService::new(choices.history, pages));
    let wallet = Arc::new(WalletService::new(choices.wallet, common.wallet));
    let answers =
        AnswerCache::new(choices.stores.cache, keyer, cipher, common.cache.generation_ttl);
    let writers = Writers {
        model: choices.model,
        builtin: (common.builtin.offered || common.builtin.fallback)
            .then(|| Arc::new(Builtin::new(Arc::clone(&choices.executor))) as Arc<dyn TestWriter>),
        fallback: common.builtin.fallback,
    };
    let generation = Arc::new(GenerationService::new(Parts {
        writers,
        bot_check: choices.bot_check,
        wallet: Arc::clone(&wallet),
        history: Arc::clone(&history),
        answers,
        buffered_events: common.stream.buffered_events,
        max_running: common.server.max_generations,
        draining: lifecycle.draining(),
        cut_off: lifecycle.cut_off(),
        tasks: lifecycle.tasks(),
    }));
    AppState {
        verifier: choices.verifier,
        pseudonyms: Pseudonyms::new(&choices.key),
        rate_limits: RateLimits::new(choices.stores.limiter, common.rate_limits),
        execution: ExecutionService::new(choices.executor, lifecycle.draining()),
        generation,
        history,
        wallet,
        models: common.models,
        builtin: common.builtin,
        body_timeout: common.server.listen.body_timeout,
        heartbeat: common.stream.heartbeat,
        internal_secret: common.server.internal_secret,
        lifecycle,
        metrics: telemetry::metrics(),
        health: choices.health,
    }
}

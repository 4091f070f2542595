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

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, NormalizePath, from_fn};
use actix_web::{App, HttpServer, web};

use super::health::HealthCheck;
use super::lifecycle::Lifecycle;
use super::local_data::{LocalData, LocalDataError};
use super::{AppState, Audience, telemetry};
use crate::api;
use crate::config::{CacheSettings, CommonSettings, DevSettings, ServeSettings, ServerSettings};
use crate::crypto::{CacheCipher, CacheKeyer, FieldCipher, MasterKey};
use crate::gateways::gemini::{Gemini, GeminiSetupError};
use crate::gateways::http::{self, Traffic};
use crate::gateways::{
    BotCheck, LlmProvider, LocalUser, NoBotCheck, SupabaseTokenVerifier, TokenVerifier, Turnstile,
};
use crate::repositories::{
    HistoryRepository, InvalidServiceRoleKey, OpenError, Sqlite, Supabase, WalletRepository,
};
use crate::services::generation::{AnswerCache, GenerationService, Parts};
use crate::services::history::HistoryService;
use crate::services::rate_limits::RateLimits;
use crate::services::wallet::WalletService;
use crate::stores::{Cache, MemoryCache, MemoryRateLimiter};

/// How long connections may take to close once no work is left.
const CLOSING_SECONDS: u64 = 2;

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
}

/// A server that accepts connections, and the way to stop it.
pub struct Application {
    server: Server,
    handle: ServerHandle,
    address: SocketAddr,
    lifecycle: Lifecycle,
    grace: Duration,
    /// Closed last: the final refunds go into it.
    database: Option<Sqlite>,
}

impl Application {
    /// Puts `tester serve` together and starts to listen.
    ///
    /// # Errors
    ///
    /// [`StartupError`] says what is in the way.
    pub fn serve(settings: ServeSettings) -> Result<Self, StartupError> {
        let client = http::client(Traffic::Calls, CONNECT_TIMEOUT);
        let cipher = FieldCipher::new(&settings.encryption_key);
        let supabase = Arc::new(Supabase::new(client.clone(), &settings.supabase, cipher)?);
        let choices = Choices {
            audience: Audience::Internet,
            verifier: Arc::new(SupabaseTokenVerifier::new(&settings.supabase)),
            bot_check: Arc::new(Turnstile::new(client, settings.turnstile.clone())),
            provider: Some(Arc::new(Gemini::new(settings.gemini.clone())?)),
            history: supabase.clone(),
            wallet: supabase,
            key: settings.encryption_key.clone(),
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
    pub fn dev(settings: DevSettings) -> Result<Self, StartupError> {
        let data = LocalData::open(&settings.data_dir)?;
        let cipher = FieldCipher::new(data.key());
        let sqlite = Sqlite::open(&settings.data_dir, cipher)?;
        let models = &settings.common.models;
        let health = HealthCheck::Dev {
            database: sqlite.clone(),
            gemini: settings.gemini.clone().map(|gemini| Box::new((gemini, models.clone()))),
        };
        let database = sqlite.clone();
        let sqlite = Arc::new(sqlite);
        let provider = match settings.gemini.clone() {
            Some(gemini) => Some(Arc::new(Gemini::new(gemini)?) as Arc<dyn LlmProvider>),
            None => None,
        };
        let choices = Choices {
            audience: Audience::ThisMachine,
            verifier: Arc::new(LocalUser::new(&settings)),
            bot_check: Arc::new(NoBotCheck::new(&settings)),
            provider,
            history: sqlite.clone(),
            wallet: sqlite,
            key: data.key().clone(),
            database: Some(database),
            health,
        };
        Self::listen(settings.common, choices)
    }

    /// Where the server listens: the real port, also when the configured one was 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then drains and closes.
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
        tracing::info!("draining");
        self.lifecycle.drain(self.grace).await;
        self.handle.stop(true).await;
        let ended = server.await.map_err(io::Error::other)?;
        if let Some(database) = self.database {
            database.close().await;
        }
        ended
    }

    fn listen(common: CommonSettings, choices: Choices) -> Result<Self, StartupError> {
        let lifecycle = Lifecycle::default();
        let database = choices.database.clone();
        let server_settings = common.server.clone();
        let state = web::Data::new(state(common, choices, lifecycle.clone()));
        let address = SocketAddr::new(server_settings.host, server_settings.port);
        let (server, address) = bind(&server_settings, state)
            .map_err(|source| StartupError::Listen { address, source })?;
        Ok(Self {
            handle: server.handle(),
            server,
            address,
            lifecycle,
            grace: server_settings.shutdown_grace,
            database,
        })
    }
}

/// What `serve` and `dev` choose differently.
struct Choices {
    audience: Audience,
    verifier: Arc<dyn TokenVerifier>,
    bot_check: Arc<dyn BotCheck>,
    provider: Option<Arc<dyn LlmProvider>>,
    history: Arc<dyn HistoryRepository>,
    wallet: Arc<dyn WalletRepository>,
    key: MasterKey,
    database: Option<Sqlite>,
    health: HealthCheck,
}

fn state(common: CommonSettings, choices: Choices, lifecycle: Lifecycle) -> AppState {
    let history = Arc::new(HistoryService::new(choices.history));
    let wallet = Arc::new(WalletService::new(choices.wallet, common.wallet));
    let answers = AnswerCache::new(
        cache(common.cache),
        CacheKeyer::new(&choices.key),
        CacheCipher::new(&choices.key),
        common.cache.generation_ttl,
    );
    let generation = Arc::new(GenerationService::new(Parts {
        provider: choices.provider,
        bot_check: choices.bot_check,
        wallet: Arc::clone(&wallet),
        history: Arc::clone(&history),
        answers,
        buffered_events: common.stream.buffered_events,
        draining: lifecycle.draining(),
        cut_off: lifecycle.cut_off(),
        tasks: lifecycle.tasks(),
    }));
    AppState {
        verifier: choices.verifier,
        rate_limits: RateLimits::new(Arc::new(MemoryRateLimiter::new()), common.rate_limits),
        generation,
        history,
        wallet,
        models: common.models,
        body_timeout: common.server.body_timeout,
        heartbeat: common.stream.heartbeat,
        trusted_proxy_hops: common.server.trusted_proxy_hops,
        allowed_origins: common.server.allowed_origins,
        audience: choices.audience,
        internal_secret: common.server.internal_secret,
        lifecycle,
        metrics: telemetry::metrics(),
        health: choices.health,
    }
}

fn cache(settings: CacheSettings) -> Cache {
    if settings.enabled { Cache::Memory(MemoryCache::new(settings.max_bytes)) } else { Cache::Off }
}

fn bind(settings: &ServerSettings, state: web::Data<AppState>) -> io::Result<(Server, SocketAddr)> {
    let origins = settings.allowed_origins.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(api::routes)
            .wrap(from_fn(api::observe))
            .wrap(
                DefaultHeaders::new()
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                    .add((header::CACHE_CONTROL, "no-store")),
            )
            .wrap(NormalizePath::trim())
            .wrap(cors(&origins))
    })
    .disable_signals()
    .shutdown_timeout(CLOSING_SECONDS)
    .max_connections(settings.max_connections)
    .client_request_timeout(settings.head_timeout)
    .keep_alive(settings.keep_alive)
    // A client that closes its side has left; waiting for a write to fail would keep the model
    // writing until then.
    .h1_allow_half_closed(false);
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    let server = server.bind((settings.host, settings.port))?;
    let address = *server.addrs().first().expect("bind succeeded, so there is an address");
    Ok((server.run(), address))
}

/// Web pages of these origins may call the API and read its answers.
fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods(["GET", "POST", "DELETE"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT_LANGUAGE])
        .expose_headers(["X-Trace-ID", "Link", "Retry-After", "X-Unreadable-Items"])
        .max_age(3600)
}

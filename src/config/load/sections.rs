//! One method a concern: knobs and variables in, the concern's settings out.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::{Loader, Lookup, Need};
use crate::config::constants::{builtin, gemini, http, turnstile};
use crate::config::knobs::{BuiltinKnobs, TelemetryKnobs};
use crate::config::parse::{self, SupabaseKeyRole, Transport};
use crate::config::problems::Problem;
use crate::config::variables::{self, Variable};
use crate::config::{
    BuiltinSettings, CacheSettings, CommonSettings, DataApiSettings, GeminiSettings, JwtIssuer,
    ListenSettings, LogFormat, RateLimitSettings, RedisSettings, ServerSettings, StreamSettings,
    SupabaseSettings, TelemetrySettings, TracesSettings, TurnstileSettings, WalletSettings,
    WorkerClientSettings,
};
use crate::crypto::MasterKey;
use crate::domain::{BUILTIN_NAME, BuiltinOffer, CatalogProblem, ModelCatalog, WalletGifts};

/// Longest deadline of any kind, in milliseconds: an hour. More is a slip of the unit.
pub(super) const DEADLINE_MAX_MS: u64 = 3_600_000;
/// Most actions a minute; beyond it a limit limits nothing.
const RATE_MAX: u32 = 100_000;
/// Largest amount of tokens in a rule of the wallet; far from the edges of the balance's column.
const TOKENS_MAX: u32 = 1_000_000;

impl Loader<'_> {
    pub(super) fn common(&mut self) -> Option<CommonSettings> {
        let models = self.models();
        let builtin = self.builtin();
        let (server, telemetry) = (self.server(), self.telemetry());
        let (stream, wallet) = (self.stream(), self.wallet());
        let (rate_limits, cache) = (self.rate_limits(), self.cache());
        Some(CommonSettings {
            environment: self.rules,
            server,
            telemetry,
            models: models?,
            builtin,
            stream,
            wallet,
            rate_limits,
            cache,
        })
    }

    pub(super) fn gemini(&mut self) -> Option<GeminiSettings> {
        let api_key = self.value(&variables::GEMINI_API_KEY, parse::gemini_key);
        let transport = Transport::public(self.rules);
        let base_url = self
            .value(&variables::GEMINI_BASE_URL, |text| parse::root_url(text, transport))
            .unwrap_or_else(|| constant_url(gemini::DEFAULT_BASE_URL));
        let deadline = 1..=DEADLINE_MAX_MS;
        let [connect, idle, total, backoff_min, backoff_max] = [
            ("gemini.connect_timeout_ms", self.knobs.gemini.connect_timeout_ms),
            ("gemini.idle_timeout_ms", self.knobs.gemini.idle_timeout_ms),
            ("gemini.total_timeout_ms", self.knobs.gemini.total_timeout_ms),
            ("gemini.backoff_min_ms", self.knobs.gemini.backoff_min_ms),
            ("gemini.backoff_max_ms", self.knobs.gemini.backoff_max_ms),
        ]
        .map(|(knob, number)| (knob, self.milliseconds(knob, number, &deadline)));
        self.at_most(connect, total);
        self.at_most(idle, total);
        self.at_most(backoff_min, backoff_max);
        let attempts = self.knobs.gemini.max_attempts;
        let max_attempts = self.integer("gemini.max_attempts", attempts, &(1..=10));
        let tokens = self.knobs.gemini.max_output_tokens;
        let max_output_tokens =
            self.integer("gemini.max_output_tokens", tokens, &(1..=gemini::OUTPUT_TOKENS_MAX));
        let temperature = self.temperature();
        Some(GeminiSettings {
            api_key: api_key?,
            base_url,
            connect_timeout: connect.1,
            idle_timeout: idle.1,
            total_timeout: total.1,
            max_attempts,
            backoff_min: backoff_min.1,
            backoff_max: backoff_max.1,
            max_output_tokens,
            temperature,
        })
    }

    /// How tables are reached.
    pub(super) fn data_api(&mut self) -> Option<DataApiSettings> {
        let rules = self.rules;
        let transport = Transport::public(rules);
        let url = self.value(&variables::SUPABASE_URL, |text| parse::root_url(text, transport));
        let service_role_key = self.value(&variables::SUPABASE_SERVICE_ROLE_KEY, |text| {
            parse::supabase_key(text, SupabaseKeyRole::Service, rules)
        });
        let timeout = self.knobs.supabase.timeout_ms;
        let timeout = self.milliseconds("supabase.timeout_ms", timeout, &(1..=DEADLINE_MAX_MS));
        Some(DataApiSettings { url: url?, service_role_key: service_role_key?, timeout })
    }

    pub(super) fn supabase(&mut self) -> Option<SupabaseSettings> {
        let rules = self.rules;
        let data_api = self.data_api();
        let jwt_secret =
            self.value(&variables::SUPABASE_JWT_SECRET, |text| parse::jwt_secret(text, rules));
        let anon_key = self.value(&variables::SUPABASE_ANON_KEY, |text| {
            parse::supabase_key(text, SupabaseKeyRole::Anon, rules)
        });
        let jwt_issuer =
            self.value(&variables::SUPABASE_JWT_ISSUER, |text| parse::issuer(text, rules));
        let DataApiSettings { url, service_role_key, timeout } = data_api?;
        let own = || JwtIssuer::Exactly(format!("{}/auth/v1", url.as_str().trim_end_matches('/')));
        Some(SupabaseSettings {
            jwt_issuer: jwt_issuer.unwrap_or_else(own),
            url,
            service_role_key,
            anon_key: anon_key?,
            jwt_secret: jwt_secret?,
            timeout,
        })
    }

    pub(super) fn turnstile(&mut self) -> Option<TurnstileSettings> {
        let rules = self.rules;
        let transport = Transport::public(rules);
        let secret = self
            .value(&variables::TURNSTILE_SECRET_KEY, |text| parse::turnstile_secret(text, rules));
        let verify_url = self
            .value(&variables::TURNSTILE_VERIFY_URL, |text| parse::endpoint_url(text, transport))
            .unwrap_or_else(|| constant_url(turnstile::DEFAULT_VERIFY_URL));
        let timeout = self.knobs.turnstile.timeout_ms;
        let timeout = self.milliseconds("turnstile.timeout_ms", timeout, &(1..=DEADLINE_MAX_MS));
        let hostnames = self.value(&variables::TURNSTILE_HOSTNAMES, parse::hostnames);
        let action = self.value(&variables::TURNSTILE_ACTION, parse::turnstile_action);
        Some(TurnstileSettings {
            secret: secret?,
            verify_url,
            hostnames: hostnames.unwrap_or_default(),
            action,
            timeout,
        })
    }

    pub(super) fn worker_client(&mut self) -> Option<WorkerClientSettings> {
        let transport = Transport::private(self.rules);
        let urls = self.value(&variables::WORKER_URL, |text| parse::worker_urls(text, transport));
        let token = self.value(&variables::WORKER_AUTH_TOKEN, parse::worker_token);
        let deadline = 1..=DEADLINE_MAX_MS;
        let [connect, total, health] = [
            ("worker.connect_timeout_ms", self.knobs.worker.connect_timeout_ms),
            ("worker.total_timeout_ms", self.knobs.worker.total_timeout_ms),
            ("worker.health_ttl_ms", self.knobs.worker.health_ttl_ms),
        ]
        .map(|(knob, number)| (knob, self.milliseconds(knob, number, &deadline)));
        self.at_most(connect, total);
        self.at_most(total, self.write_timeout());
        Some(WorkerClientSettings {
            urls: urls?,
            token: token?,
            connect_timeout: connect.1,
            total_timeout: total.1,
            health_ttl: health.1,
        })
    }

    pub(super) fn redis(&mut self) -> Option<RedisSettings> {
        let deadline = 1..=DEADLINE_MAX_MS;
        let [timeout, connect_timeout] = [
            ("redis.timeout_ms", self.knobs.redis.timeout_ms),
            ("redis.connect_timeout_ms", self.knobs.redis.connect_timeout_ms),
        ]
        .map(|(knob, number)| self.milliseconds(knob, number, &deadline));
        let url = self.value(&variables::REDIS_URL, parse::redis_url)?;
        Some(RedisSettings { url, timeout, connect_timeout })
    }

    pub(super) fn retired_keys(&mut self) -> Vec<MasterKey> {
        let retired = &variables::DATA_ENCRYPTION_KEYS_RETIRED;
        let keys = self.value(retired, parse::retired_keys);
        let text = |variable| match self.environment.lookup(variable) {
            Lookup::Text(text) => Some(text),
            Lookup::Missing | Lookup::NotUnicode => None,
        };
        let (current, listed) = (text(&variables::DATA_ENCRYPTION_KEY), text(retired));
        let both = current.zip(listed);
        if both.is_some_and(|(key, keys)| keys.split(',').any(|retired| retired.trim() == key)) {
            self.problems.push(Problem::invalid(retired, "holds DATA_ENCRYPTION_KEY itself"));
        }
        keys.unwrap_or_default()
    }

    pub(super) fn data_dir(&mut self) -> PathBuf {
        let directory = self.knobs.dev.data_dir.trim().to_owned();
        if directory.is_empty() {
            self.problems.push(Problem::knob("dev.data_dir", "must name a directory"));
        }
        directory.into()
    }

    fn host(&mut self) -> IpAddr {
        let (role, knob) = (self.role, self.knobs.server.host.clone());
        self.value_or_knob(&variables::HOST, ("server.host", &knob), |text| parse::host(text, role))
            .unwrap_or(Ipv4Addr::LOCALHOST.into())
    }

    fn port(&mut self) -> u16 {
        let knob = self.knobs.server.port;
        self.integer_or_knob(&variables::PORT, ("server.port", knob), &(0..=u16::MAX))
    }

    pub(super) fn telemetry(&mut self) -> TelemetrySettings {
        let TelemetryKnobs { format, filter, traces_sampled } = self.knobs.telemetry.clone();
        let format = ("telemetry.format", format.as_str());
        let filter = ("telemetry.filter", filter.as_str());
        let format = self.value_or_knob(&variables::LOG_FORMAT, format, parse::log_format);
        let filter = self.value_or_knob(&variables::RUST_LOG, filter, parse::log_filter);
        TelemetrySettings {
            format: format.unwrap_or(LogFormat::Json),
            filter: filter.unwrap_or_default(),
            project: self.value(&variables::GOOGLE_CLOUD_PROJECT, parse::google_project),
            traces: self.traces(traces_sampled),
        }
    }

    fn traces(&mut self, sampled: f64) -> Option<TracesSettings> {
        if !(0.0..=1.0).contains(&sampled) {
            self.knob_problem("telemetry.traces_sampled", "must be from 0 to 1".into());
        }
        // A collector stands beside the process or in its private network.
        let transport = Transport::private(self.rules);
        let endpoint = self.value(&variables::OTEL_EXPORTER_OTLP_ENDPOINT, |text| {
            parse::root_url(text, transport)
        });
        // They may hold a key of the collector, and the worker is to hold no key but its own token.
        let headers = match variables::OTEL_EXPORTER_OTLP_HEADERS.need(self.role) {
            Need::Unread => None,
            Need::Required | Need::Optional => {
                self.value(&variables::OTEL_EXPORTER_OTLP_HEADERS, parse::otlp_headers)
            }
        };
        Some(TracesSettings { endpoint: endpoint?, headers: headers.unwrap_or_default(), sampled })
    }

    pub(super) fn listen(&mut self) -> ListenSettings {
        let deadline = 1..=DEADLINE_MAX_MS;
        let [head_timeout, body_timeout, keep_alive, write_timeout, shutdown_grace] = [
            ("server.head_timeout_ms", self.knobs.server.head_timeout_ms),
            ("server.body_timeout_ms", self.knobs.server.body_timeout_ms),
            ("server.keep_alive_ms", self.knobs.server.keep_alive_ms),
            ("server.write_timeout_ms", self.knobs.server.write_timeout_ms),
            ("server.shutdown_grace_ms", self.knobs.server.shutdown_grace_ms),
        ]
        .map(|(knob, number)| self.milliseconds(knob, number, &deadline));
        self.at_most(("server.keep_alive_ms", keep_alive), self.write_timeout());
        let workers = self.knobs.server.workers;
        let connections = self.knobs.server.max_connections;
        ListenSettings {
            host: self.host(),
            port: self.port(),
            workers: self.integer("server.workers", workers, &(0..=1_024)),
            max_connections: self.integer("server.max_connections", connections, &(1..=1_000_000)),
            head_timeout,
            body_timeout,
            keep_alive,
            write_timeout,
            shutdown_grace,
        }
    }

    fn server(&mut self) -> ServerSettings {
        let rules = self.rules;
        let hops = ("server.trusted_proxy_hops", self.knobs.server.trusted_proxy_hops);
        ServerSettings {
            listen: self.listen(),
            max_generations: self.integer(
                "server.max_generations",
                self.knobs.server.max_generations,
                &(1..=1_000_000),
            ),
            trusted_proxy_hops: self.integer_or_knob(
                &variables::TRUSTED_PROXY_HOPS,
                hops,
                &(0..=http::TRUSTED_PROXY_HOPS_MAX),
            ),
            allowed_origins: self
                .value(&variables::ALLOWED_ORIGINS, |text| parse::origins(text, rules))
                .unwrap_or_default(),
            internal_secret: self.value(&variables::TESTER_INTERNAL_SECRET, parse::internal_secret),
        }
    }

    fn models(&mut self) -> Option<ModelCatalog> {
        let requested = self.value(&variables::DEFAULT_GEMINI_MODEL, parse::model_name);
        let knobs = &self.knobs.models;
        let default = requested.as_ref().unwrap_or(&knobs.default);
        let successors =
            knobs.retired.iter().map(|model| (model.name.clone(), model.successor.clone()));
        let catalog = ModelCatalog::new(knobs.offered.clone(), default, successors.collect());
        let names: Vec<_> = knobs.offered.iter().map(|model| model.name.as_str()).collect();
        let flaw = format!("must be one of models.offered: {}", names.join(", "));
        let problem = match catalog {
            Ok(catalog) => return Some(catalog.with_builtin(self.builtin_offer())),
            Err(CatalogProblem::UnknownDefault(_)) if requested.is_some() => {
                Problem::invalid(&variables::DEFAULT_GEMINI_MODEL, flaw)
            }
            Err(CatalogProblem::UnknownDefault(_)) => Problem::knob("models.default", flaw),
            Err(CatalogProblem::UnknownSuccessor { .. }) => {
                Problem::knob("models.retired", format!("each successor {flaw}"))
            }
            Err(CatalogProblem::NamedLikeBuiltin) => Problem::knob(
                "models.offered",
                format!("must not hold {BUILTIN_NAME}, the built-in engine's name"),
            ),
        };
        self.problems.push(problem);
        None
    }

    fn builtin_offer(&self) -> BuiltinOffer {
        match (self.knobs.builtin.offered, self.environment.has(&variables::GEMINI_API_KEY)) {
            (false, _) => BuiltinOffer::Withheld,
            (true, true) => BuiltinOffer::BesideModels,
            (true, false) => BuiltinOffer::Alone,
        }
    }

    fn builtin(&mut self) -> BuiltinSettings {
        let BuiltinKnobs { offered, fallback, budget_ms } = self.knobs.builtin;
        let budget = self.milliseconds("builtin.budget_ms", budget_ms, &builtin::BUDGET_MS);
        BuiltinSettings { offered, fallback, budget }
    }

    pub(super) fn stream(&mut self) -> StreamSettings {
        let knob = "stream.heartbeat_ms";
        let heartbeat = self.knobs.stream.heartbeat_ms;
        let heartbeat = self.milliseconds(knob, heartbeat, &(1..=DEADLINE_MAX_MS));
        self.at_most((knob, heartbeat), self.write_timeout());
        let events = self.knobs.stream.buffered_events;
        StreamSettings {
            heartbeat,
            buffered_events: self.integer("stream.buffered_events", events, &(1..=65_536)),
        }
    }

    /// What bounds every silence of ours; judged with what else the server listens by.
    fn write_timeout(&self) -> (&'static str, Duration) {
        let number = u64::try_from(self.knobs.server.write_timeout_ms).unwrap_or(DEADLINE_MAX_MS);
        ("server.write_timeout_ms", Duration::from_millis(number))
    }

    fn wallet(&mut self) -> WalletSettings {
        let enabled = self
            .value(&variables::WALLET_ENABLED, parse::boolean)
            .unwrap_or(self.knobs.wallet.enabled);
        let (cost, welcome, daily) =
            (self.knobs.wallet.cost, self.knobs.wallet.welcome, self.knobs.wallet.daily);
        WalletSettings {
            enabled,
            cost: self.integer("wallet.cost", cost, &(1..=TOKENS_MAX)),
            gifts: WalletGifts {
                welcome: self.integer("wallet.welcome", welcome, &(0..=TOKENS_MAX)),
                daily: self.integer("wallet.daily", daily, &(0..=TOKENS_MAX)),
            },
        }
    }

    fn rate_limits(&mut self) -> RateLimitSettings {
        let knobs = &self.knobs.rate_limits;
        let [generate_per_minute, execute_per_minute, status_per_minute] = [
            (
                &variables::RATE_LIMIT_GENERATE_PER_MINUTE,
                ("rate_limits.generate_per_minute", knobs.generate),
            ),
            (
                &variables::RATE_LIMIT_EXECUTE_PER_MINUTE,
                ("rate_limits.execute_per_minute", knobs.execute),
            ),
            (
                &variables::RATE_LIMIT_STATUS_PER_MINUTE,
                ("rate_limits.status_per_minute", knobs.status),
            ),
        ]
        .map(|(variable, knob)| {
            let limit = self.integer_or_knob(variable, knob, &(1..=RATE_MAX));
            NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN)
        });
        RateLimitSettings { generate_per_minute, execute_per_minute, status_per_minute }
    }

    fn cache(&mut self) -> CacheSettings {
        let max_bytes = self.knobs.cache.max_bytes;
        // A month, and a gigabyte of 2^30 bytes.
        let [generation_ttl, history_ttl] = [
            ("cache.generation_ttl_s", self.knobs.cache.generation_ttl_s),
            ("cache.history_ttl_s", self.knobs.cache.history_ttl_s),
        ]
        .map(|(knob, ttl)| Duration::from_secs(self.integer(knob, ttl, &(1..=2_592_000))));
        CacheSettings {
            enabled: self.knobs.cache.enabled,
            generation_ttl,
            history_ttl,
            max_bytes: self.integer("cache.max_bytes", max_bytes, &(1..=1 << 30)),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "0 to 2 is well within an f32")]
    fn temperature(&mut self) -> f32 {
        let temperature = self.knobs.gemini.temperature;
        if !(0.0..=gemini::TEMPERATURE_MAX).contains(&temperature) {
            let flaw = format!("must be from 0 to {}", gemini::TEMPERATURE_MAX);
            self.problems.push(Problem::knob("gemini.temperature", flaw));
        }
        temperature as f32
    }

    fn integer_or_knob<T>(
        &mut self,
        variable: &'static Variable,
        (knob, number): (&str, i64),
        range: &RangeInclusive<T>,
    ) -> T
    where
        T: Copy + Display + PartialOrd + TryFrom<i64> + FromStr,
    {
        if self.environment.has(variable) {
            let number = self.value(variable, |text| parse::integer(text, range));
            return number.unwrap_or(*range.start());
        }
        self.integer(knob, number, range)
    }
}

fn constant_url(text: &str) -> Url {
    Url::parse(text).expect("the constants are URLs, a test loads settings with both")
}

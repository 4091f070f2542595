//! `config/*.toml` as it stands in the files: layered, typed, not yet judged.

use config::{Config, ConfigError, File, FileFormat, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::environment::KnobsFile;
use super::problems::{Fault, Problem, Problems};
use super::variables::Role;
use crate::domain::{InvalidModelName, Model, ModelName};

const DEFAULT: &str = include_str!("../../config/default.toml");
const PRODUCTION: &str = include_str!("../../config/production.toml");
const DEVELOPMENT: &str = include_str!("../../config/development.toml");

const FILE_REMEDY: &str = "see config/default.toml for the knobs there are and their form";

/// All sections. Integers are wide and signed, so that a number out of range is told from a text.
#[derive(Debug)]
pub(super) struct Knobs {
    pub(super) server: ServerKnobs,
    pub(super) telemetry: TelemetryKnobs,
    pub(super) gemini: GeminiKnobs,
    pub(super) models: ModelKnobs,
    pub(super) builtin: BuiltinKnobs,
    pub(super) stream: StreamKnobs,
    pub(super) supabase: TimeoutKnobs,
    pub(super) turnstile: TimeoutKnobs,
    pub(super) redis: RedisKnobs,
    pub(super) wallet: WalletKnobs,
    pub(super) rate_limits: RateLimitKnobs,
    pub(super) cache: CacheKnobs,
    pub(super) worker: WorkerKnobs,
    pub(super) sandbox: SandboxKnobs,
    pub(super) dev: DevKnobs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerKnobs {
    pub(super) host: String,
    pub(super) port: i64,
    pub(super) workers: i64,
    pub(super) max_connections: i64,
    pub(super) head_timeout_ms: i64,
    pub(super) body_timeout_ms: i64,
    pub(super) keep_alive_ms: i64,
    pub(super) write_timeout_ms: i64,
    pub(super) max_generations: i64,
    pub(super) shutdown_grace_ms: i64,
    pub(super) trusted_proxy_hops: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TelemetryKnobs {
    pub(super) format: String,
    pub(super) filter: String,
    pub(super) traces_sampled: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GeminiKnobs {
    pub(super) connect_timeout_ms: i64,
    pub(super) idle_timeout_ms: i64,
    pub(super) total_timeout_ms: i64,
    pub(super) max_attempts: i64,
    pub(super) backoff_min_ms: i64,
    pub(super) backoff_max_ms: i64,
    pub(super) max_output_tokens: i64,
    pub(super) temperature: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelKnobs {
    pub(super) default: ModelName,
    pub(super) offered: Vec<Model>,
    pub(super) retired: Vec<RetiredModel>,
}

/// A model that was shut down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetiredModel {
    pub(super) name: ModelName,
    pub(super) successor: ModelName,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BuiltinKnobs {
    pub(super) offered: bool,
    pub(super) fallback: bool,
    pub(super) budget_ms: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamKnobs {
    pub(super) heartbeat_ms: i64,
    pub(super) buffered_events: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutKnobs {
    pub(super) timeout_ms: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedisKnobs {
    pub(super) timeout_ms: i64,
    pub(super) connect_timeout_ms: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WalletKnobs {
    pub(super) enabled: bool,
    pub(super) cost: i64,
    pub(super) welcome: i64,
    pub(super) daily: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimitKnobs {
    #[serde(rename = "generate_per_minute")]
    pub(super) generate: i64,
    #[serde(rename = "execute_per_minute")]
    pub(super) execute: i64,
    #[serde(rename = "status_per_minute")]
    pub(super) status: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheKnobs {
    pub(super) enabled: bool,
    pub(super) generation_ttl_s: i64,
    pub(super) history_ttl_s: i64,
    pub(super) max_bytes: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names are the knobs', unit included")]
pub(super) struct WorkerKnobs {
    pub(super) connect_timeout_ms: i64,
    pub(super) total_timeout_ms: i64,
    pub(super) health_ttl_ms: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SandboxKnobs {
    pub(super) engine: String,
    pub(super) running: i64,
    pub(super) queued: i64,
    pub(super) start_timeout_ms: i64,
    pub(super) idle_max_ms: i64,
    pub(super) drain_ms: i64,
    pub(super) cpu_millis: i64,
    pub(super) output_bytes: i64,
    pub(super) files_bytes: i64,
    pub(super) files_count: i64,
    pub(super) docker: DockerKnobs,
    pub(super) python: RuntimeKnobs,
    pub(super) node: RuntimeKnobs,
    pub(super) java: RuntimeKnobs,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DockerKnobs {
    pub(super) host: String,
    pub(super) runtime: String,
    pub(super) base_image: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuntimeKnobs {
    pub(super) warm: i64,
    pub(super) wall_ms: i64,
    pub(super) memory_bytes: i64,
    pub(super) processes: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DevKnobs {
    pub(super) data_dir: String,
}

/// The sections before their insides are looked at, so that each can have a problem of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    server: Value,
    telemetry: Value,
    gemini: Value,
    models: Value,
    builtin: Value,
    stream: Value,
    supabase: Value,
    turnstile: Value,
    redis: Value,
    wallet: Value,
    rate_limits: Value,
    cache: Value,
    worker: Value,
    sandbox: Value,
    dev: Value,
}

impl Knobs {
    /// Lays the layers over each other. Where the user's file can't be used, the embedded layers
    /// stand in, so that the rest of the settings is judged in the same go.
    pub(super) fn load(role: Role, file: Option<&KnobsFile>) -> (Self, Problems) {
        let mut problems = Problems::default();
        if let Some(file) = file {
            let knobs = Self::layered(role, Some(file), &mut problems);
            if let Some(knobs) = knobs {
                return (knobs, problems);
            }
        }
        let mut none = Problems::default();
        let embedded = Self::layered(role, None, &mut none);
        (
            embedded.expect("the embedded files are sound, a test reads them for every role"),
            problems,
        )
    }

    fn layered(role: Role, file: Option<&KnobsFile>, problems: &mut Problems) -> Option<Self> {
        let by_role = match role {
            Role::Serve | Role::Worker => PRODUCTION,
            Role::Dev => DEVELOPMENT,
        };
        let mut layers = Config::builder()
            .add_source(File::from_str(DEFAULT, FileFormat::Toml))
            .add_source(File::from_str(by_role, FileFormat::Toml));
        if let Some(file) = file {
            layers = layers.add_source(File::from_str(&file.text, FileFormat::Toml));
        }
        let place = file.map_or("embedded configuration", |file| &file.name);
        let sections = layers.build().and_then(Config::try_deserialize::<Sections>);
        let sections = match sections {
            Ok(sections) => sections,
            Err(error) => {
                problems.push(describe(place, None, &error));
                return None;
            }
        };
        sections.parse(place, problems)
    }
}

impl Sections {
    fn parse(self, place: &str, problems: &mut Problems) -> Option<Knobs> {
        let server = section(place, "server", self.server, problems);
        let telemetry = section(place, "telemetry", self.telemetry, problems);
        let gemini = section(place, "gemini", self.gemini, problems);
        let models = section(place, "models", self.models, problems);
        let builtin = section(place, "builtin", self.builtin, problems);
        let stream = section(place, "stream", self.stream, problems);
        let supabase = section(place, "supabase", self.supabase, problems);
        let turnstile = section(place, "turnstile", self.turnstile, problems);
        let redis = section(place, "redis", self.redis, problems);
        let wallet = section(place, "wallet", self.wallet, problems);
        let rate_limits = section(place, "rate_limits", self.rate_limits, problems);
        let cache = section(place, "cache", self.cache, problems);
        let worker = section(place, "worker", self.worker, problems);
        let sandbox = section(place, "sandbox", self.sandbox, problems);
        let dev = section(place, "dev", self.dev, problems);
        Some(Knobs {
            server: server?,
            telemetry: telemetry?,
            gemini: gemini?,
            models: models?,
            builtin: builtin?,
            stream: stream?,
            supabase: supabase?,
            turnstile: turnstile?,
            redis: redis?,
            wallet: wallet?,
            rate_limits: rate_limits?,
            cache: cache?,
            worker: worker?,
            sandbox: sandbox?,
            dev: dev?,
        })
    }
}

fn section<T: DeserializeOwned>(
    place: &str,
    name: &str,
    value: Value,
    problems: &mut Problems,
) -> Option<T> {
    value.try_deserialize().map_err(|error| problems.push(describe(place, Some(name), &error))).ok()
}

/// Puts the library's error into words that repeat nothing of the file but names of knobs: a
/// wrong path may lead to a file of secrets, and a syntax error would show its line.
fn describe(place: &str, section: Option<&str>, error: &ConfigError) -> Problem {
    let (key, flaw) = explain(error);
    // The library leaves out the dot behind an index.
    let key =
        key.map(|key| key.replace("].", "]").replace(']', "].").trim_end_matches('.').to_owned());
    let knob: Vec<_> = [section, key.as_deref()].into_iter().flatten().collect();
    let place =
        if knob.is_empty() { place.to_owned() } else { format!("{place}: {}", knob.join(".")) };
    Problem::file(place, Fault::Invalid, flaw, FILE_REMEDY)
}

/// The knob within its section, and what is wrong with it.
fn explain(error: &ConfigError) -> (Option<&str>, String) {
    match error {
        ConfigError::FileParse { cause, .. } => (None, syntax_flaw(&cause.to_string())),
        ConfigError::Type { key, expected, .. } => (key.as_deref(), format!("must be {expected}")),
        ConfigError::At { key, error, .. } => {
            let (inner, flaw) = explain(error);
            (key.as_deref().or(inner), flaw)
        }
        ConfigError::NotFound(key) => (Some(key), "is missing".to_owned()),
        other => (None, without_value(&other.to_string())),
    }
}

/// The first line of a TOML error names the position; the others quote the file.
fn syntax_flaw(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    match first.strip_prefix("TOML parse error at ") {
        Some(position) => format!("is not valid TOML, see {position}"),
        None => "is not valid TOML".to_owned(),
    }
}

/// Serde puts a wrong value in front of what it expected, and other words may hold it anywhere: so
/// only what is known to be free of it is passed on. The name of an unknown knob is no value.
fn without_value(message: &str) -> String {
    let no_model_name = InvalidModelName.to_string();
    match message.rsplit_once(", expected ") {
        Some((what, known)) if what.starts_with("unknown field ") => {
            let name = what.trim_start_matches("unknown field ");
            format!("holds the unknown knob {name}, there is {known}")
        }
        Some((what, expected)) if what.starts_with("invalid") => format!("must be {expected}"),
        _ if message == no_model_name => format!("is no model name: {no_model_name}"),
        _ => "has a value it can't have".to_owned(),
    }
}

//! From sources to settings: every value is judged, every problem is kept, and settings exist only
//! if there was none.

mod sandbox;
mod sections;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::environment::{Environment, Lookup, Sources};
use super::knobs::Knobs;
use super::parse;
use super::problems::{Fault, Flaw, Problem, Problems};
use super::variables::{self, Need, Role, Variable};
use super::{
    DeployEnvironment, DevSettings, ListenSettings, RotationSettings, SandboxSettings,
    ServeSettings, WorkerSettings,
};

impl ServeSettings {
    /// Judges the sources by the rules of `tester serve`.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut loader = Loader::new(Role::Serve, sources);
        let common = loader.common();
        let gemini = loader.gemini();
        let supabase = loader.supabase();
        let encryption_key = loader.value(&variables::DATA_ENCRYPTION_KEY, parse::master_key);
        let retired_keys = loader.retired_keys();
        let turnstile = loader.turnstile();
        let worker = loader.worker_client();
        let redis = loader.redis();
        loader.finish(|| {
            Some(Self {
                common: common?,
                gemini: gemini?,
                supabase: supabase?,
                encryption_key: encryption_key?,
                retired_keys,
                turnstile: turnstile?,
                worker: worker?,
                redis,
            })
        })
    }
}

impl RotationSettings {
    /// Judges what concerns stored rows alone, by the rules of `tester serve`: keys are rotated
    /// where no model is at hand.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut loader = Loader::new(Role::Serve, sources);
        let telemetry = loader.telemetry();
        let data_api = loader.data_api();
        let encryption_key = loader.value(&variables::DATA_ENCRYPTION_KEY, parse::master_key);
        let retired_keys = loader.retired_keys();
        loader.finish(|| {
            Some(Self {
                telemetry,
                data_api: data_api?,
                encryption_key: encryption_key?,
                retired_keys,
            })
        })
    }
}

impl DevSettings {
    /// Judges the sources by the rules of `tester dev`, which reads no secret of production but
    /// the model's key.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut loader = Loader::new(Role::Dev, sources);
        let common = loader.common();
        let gemini = loader.gemini();
        let data_dir = loader.data_dir();
        let sandbox = loader.sandbox();
        loader.finish(|| Some(Self { common: common?, gemini, data_dir, sandbox: sandbox? }))
    }
}

impl WorkerSettings {
    /// Judges the sources by the rules of `tester worker`.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut loader = Loader::new(Role::Worker, sources);
        let environment = loader.rules;
        let (listen, telemetry) = (loader.listen(), loader.telemetry());
        let stream = loader.stream();
        let auth_token = loader.value(&variables::WORKER_AUTH_TOKEN, parse::worker_token);
        let data_dir = loader.data_dir();
        let sandbox = loader.sandbox();
        loader.finish(|| {
            Some(Self {
                environment,
                listen,
                telemetry,
                stream,
                auth_token: auth_token?,
                data_dir,
                sandbox: sandbox?,
            })
        })
    }
}

impl ListenSettings {
    /// Judges where a server listens alone, by the rules of `tester worker`, which are those of
    /// `tester serve`: whoever asks a server how it is needs to know no more.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut loader = Loader::new(Role::Worker, sources);
        let listen = loader.listen();
        loader.finish(|| Some(listen))
    }
}

impl SandboxSettings {
    /// Judges what concerns sandboxes alone, by the rules of `tester worker`: images are built
    /// where no token is at hand.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut loader = Loader::new(Role::Worker, sources);
        let sandbox = loader.sandbox();
        loader.finish(|| sandbox)
    }
}

/// Collects problems while settings are put together. A value that is not right is replaced by a
/// stand-in, so that the next one is judged too; stand-ins never get out, for
/// [`Loader::finish`] gives settings only if there was no problem.
struct Loader<'a> {
    role: Role,
    rules: DeployEnvironment,
    environment: &'a Environment,
    knobs: Knobs,
    problems: Problems,
}

impl<'a> Loader<'a> {
    fn new(role: Role, sources: &'a Sources) -> Self {
        let (knobs, mut problems) = Knobs::load(role, sources.knobs_file.as_ref());
        problems.append(sources.problems.clone());
        let default_rules = match role {
            Role::Serve | Role::Worker => DeployEnvironment::Production,
            Role::Dev => DeployEnvironment::Development,
        };
        let environment = &sources.environment;
        let mut loader = Self { role, rules: default_rules, environment, knobs, problems };
        let named = loader.value(&variables::ENV, |text| parse::deploy_environment(text, role));
        loader.rules = named.unwrap_or(default_rules);
        loader
    }

    fn finish<T>(mut self, settings: impl FnOnce() -> Option<T>) -> Result<T, Problems> {
        self.refuse_shared_secrets();
        match settings() {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(self.problems.sorted()),
        }
    }

    /// The variable's value. `None` when there is none, which is a problem if the role needs it,
    /// and when it is not right, which is one always.
    fn value<T>(
        &mut self,
        variable: &'static Variable,
        parse: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<T> {
        let parsed = match self.environment.lookup(variable) {
            Lookup::Missing => {
                if variable.need(self.role) == Need::Required {
                    self.problems.push(Problem::missing(variable));
                }
                return None;
            }
            Lookup::NotUnicode => Err("is not valid UTF-8".into()),
            Lookup::Text(text) if is_quoted(text) => {
                Err("is wrapped in quotes, which would become part of the value".into())
            }
            Lookup::Text(text) => parse(text),
        };
        parsed.map_err(|flaw| self.problems.push(Problem::invalid(variable, flaw))).ok()
    }

    /// The variable's value or, without one, the knob's, judged by the same parser.
    fn value_or_knob<T>(
        &mut self,
        variable: &'static Variable,
        (knob, text): (&str, &str),
        parse: impl Fn(&str) -> Result<T, Flaw>,
    ) -> Option<T> {
        if self.environment.has(variable) {
            return self.value(variable, parse);
        }
        parse(text).map_err(|flaw| self.problems.push(Problem::knob(knob, flaw))).ok()
    }

    /// A whole number from a knob; the start of the range stands in for one outside of it.
    fn integer<T>(&mut self, knob: &str, number: i64, range: &RangeInclusive<T>) -> T
    where
        T: Copy + Display + PartialOrd + TryFrom<i64>,
    {
        let fitting = T::try_from(number).ok().filter(|number| range.contains(number));
        fitting.unwrap_or_else(|| {
            let flaw = format!("must be from {} to {}", range.start(), range.end());
            self.problems.push(Problem::knob(knob, flaw));
            *range.start()
        })
    }

    fn milliseconds(&mut self, knob: &str, number: i64, range: &RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.integer(knob, number, range))
    }

    fn knob_problem(&mut self, knob: &str, flaw: Flaw) {
        self.problems.push(Problem::knob(knob, flaw));
    }

    fn at_most(&mut self, (knob, low): (&str, Duration), (bound, high): (&str, Duration)) {
        if low > high {
            self.problems.push(Problem::knob(knob, format!("must not exceed {bound}")));
        }
    }

    /// Whoever learns one secret must not hold a second one with it.
    fn refuse_shared_secrets(&mut self) {
        let held: Vec<_> = variables::SECRETS
            .iter()
            .filter(|variable| variable.need(self.role) != Need::Unread)
            .filter_map(|variable| match self.environment.lookup(variable) {
                Lookup::Text(text) => Some((*variable, text)),
                Lookup::Missing | Lookup::NotUnicode => None,
            })
            .collect();
        for (at, (variable, text)) in held.iter().enumerate() {
            let earlier = held[..at].iter().find(|(_, other)| other == text);
            let Some((other, _)) = earlier else { continue };
            if self.problems.about(variable).is_none() {
                let flaw = format!("has the same value as {}", other.name());
                self.problems.push(Problem {
                    fault: Fault::Invalid,
                    remedy: Cow::Owned(format!("a value of its own: {}", variable.remedy())),
                    ..Problem::invalid(variable, flaw)
                });
            }
        }
    }
}

/// `.env` files take quotes off; `docker --env-file` and consoles of cloud providers do not.
fn is_quoted(text: &str) -> bool {
    let wrapped = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    wrapped('"') || wrapped('\'')
}

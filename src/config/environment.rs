use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::problems::Problems;
use super::variables::{self, Variable};

/// The environment variables TESTER knows, as they were found; all others are dropped at the door.
///
/// Values lose the whitespace around them, which a paste or a secret store's trailing newline
/// brings along; an empty value counts as missing.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Value>);

/// Everything settings are made of, read and not yet judged.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Environment variables.
    pub environment: Environment,
    /// The file given by `--config`.
    pub knobs_file: Option<KnobsFile>,
    /// What went wrong while reading; reported together with what is found later.
    pub problems: Problems,
}

/// A file of knobs, read whole.
#[derive(Clone)]
pub struct KnobsFile {
    /// How the user called it.
    pub name: String,
    /// Its TOML.
    pub text: String,
}

/// A variable's value.
#[derive(Clone, Copy)]
pub(super) enum Lookup<'a> {
    /// Not there, or empty.
    Missing,
    /// There, but no Unicode.
    NotUnicode,
    /// There, trimmed, not empty.
    Text(&'a str),
}

#[derive(Clone)]
enum Value {
    Text(SecretString),
    NotUnicode,
}

impl Environment {
    /// Whether the variable has a value.
    #[must_use]
    pub fn has(&self, variable: &Variable) -> bool {
        !matches!(self.lookup(variable), Lookup::Missing)
    }

    #[cfg(test)]
    pub(crate) fn text(&self, variable: &Variable) -> Option<&str> {
        match self.lookup(variable) {
            Lookup::Text(text) => Some(text),
            Lookup::Missing | Lookup::NotUnicode => None,
        }
    }

    pub(super) fn lookup(&self, variable: &Variable) -> Lookup<'_> {
        match self.0.get(variable.name()) {
            None => Lookup::Missing,
            Some(Value::NotUnicode) => Lookup::NotUnicode,
            Some(Value::Text(text)) => match text.expose_secret().trim() {
                "" => Lookup::Missing,
                text => Lookup::Text(text),
            },
        }
    }
}

/// Later pairs win over earlier ones of the same name.
impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let known = pairs.into_iter().filter_map(|(name, value)| {
            let name = name.into().into_string().ok()?;
            let value = match value.into().into_string() {
                Ok(text) => Value::Text(SecretString::from(text)),
                Err(_) => Value::NotUnicode,
            };
            variables::ALL.iter().any(|variable| variable.name() == name).then_some((name, value))
        });
        Self(known.collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Without the text: a wrong path may lead to a file of secrets.
impl fmt::Debug for KnobsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnobsFile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl From<Environment> for Sources {
    fn from(environment: Environment) -> Self {
        Self { environment, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_and_empty_ones_count_as_missing() {
        let environment: Environment =
            [("GEMINI_API_KEY", " key\r\n"), ("REDIS_URL", " \n"), ("OTHER", "x")]
                .into_iter()
                .collect();
        assert!(matches!(environment.lookup(&variables::GEMINI_API_KEY), Lookup::Text("key")));
        assert!(!environment.has(&variables::REDIS_URL));
        assert_eq!(format!("{environment:?}"), r#"{"GEMINI_API_KEY", "REDIS_URL"}"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_unicode_is_kept_as_such() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(vec![b'k', 0xff]);
        let environment: Environment = [("GEMINI_API_KEY", value)].into_iter().collect();
        assert!(matches!(environment.lookup(&variables::GEMINI_API_KEY), Lookup::NotUnicode));
    }
}

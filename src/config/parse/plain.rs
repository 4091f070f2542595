use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

use crate::config::problems::Flaw;
use crate::config::{DeployEnvironment, LogFormat, Role};
use crate::domain::ModelName;

/// An integer within a range.
pub(in crate::config) fn integer<T>(text: &str, range: &RangeInclusive<T>) -> Result<T, Flaw>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let number: Option<T> = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("must be a whole number from {} to {}", range.start(), range.end()).into()
    })
}

/// `true` or `false`, in any case.
pub(in crate::config) fn boolean(text: &str) -> Result<bool, Flaw> {
    text.to_ascii_lowercase().parse().map_err(|_| "must be true or false".into())
}

/// `production` or `development`, in any case. `dev` is never production: it signs nobody in.
pub(in crate::config) fn deploy_environment(
    text: &str,
    role: Role,
) -> Result<DeployEnvironment, Flaw> {
    match (text.to_ascii_lowercase().as_str(), role) {
        ("production", Role::Dev) => {
            Err("must not be production: `tester dev` has no sign-in, use `tester serve`".into())
        }
        ("production", _) => Ok(DeployEnvironment::Production),
        ("development", _) => Ok(DeployEnvironment::Development),
        _ => Err("must be production or development".into()),
    }
}

/// An address to listen on; in `dev` nobody but this machine may reach it.
pub(in crate::config) fn host(text: &str, role: Role) -> Result<IpAddr, Flaw> {
    let address: IpAddr = text.parse().map_err(|_| "must be an IP address")?;
    match role {
        Role::Dev if !address.is_loopback() => {
            Err("must be a loopback address in dev, which has no sign-in".into())
        }
        _ => Ok(address),
    }
}

/// `json` or `text`.
pub(in crate::config) fn log_format(text: &str) -> Result<LogFormat, Flaw> {
    match text.to_ascii_lowercase().as_str() {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("must be json or text".into()),
    }
}

/// A filter in tracing-subscriber's syntax.
pub(in crate::config) fn log_filter(text: &str) -> Result<String, Flaw> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|_| "is no tracing filter".into())
}

/// A model's name, known or not.
pub(in crate::config) fn model_name(text: &str) -> Result<ModelName, Flaw> {
    ModelName::parse(text).map_err(|error| format!("is no model name: {error}").into())
}

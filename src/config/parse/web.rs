use std::net::IpAddr;

use url::{Host, Url};

use super::placeholder::{has_placeholder_host, is_placeholder};
use super::secret::visible_ascii;
use crate::config::constants::{turnstile, worker};
use crate::config::problems::Flaw;
use crate::config::{DeployEnvironment, JwtIssuer};

/// What may lie between TESTER and a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Transport {
    /// TLS, always.
    Https,
    /// TLS, or plain HTTP to an address that no public network routes to.
    HttpsOrPrivate,
    /// Anything: development.
    Any,
}

impl Transport {
    /// The rule for services reached over the public network.
    pub(in crate::config) const fn public(rules: DeployEnvironment) -> Self {
        match rules {
            DeployEnvironment::Production => Self::Https,
            DeployEnvironment::Development => Self::Any,
        }
    }

    /// The rule for workers, which stand in the same private network.
    pub(in crate::config) const fn private(rules: DeployEnvironment) -> Self {
        match rules {
            DeployEnvironment::Production => Self::HttpsOrPrivate,
            DeployEnvironment::Development => Self::Any,
        }
    }
}

/// The root that paths are appended to: without query, and without a slash at its end unless it
/// is nothing but a host.
pub(in crate::config) fn root_url(text: &str, transport: Transport) -> Result<Url, Flaw> {
    let mut url = endpoint_url(text, transport)?;
    if ["/rest/v1", "/auth/v1", "/v1beta"].iter().any(|path| url.path().contains(path)) {
        return Err("must be the root URL, without the path of an API".into());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The whole URL of one call.
pub(in crate::config) fn endpoint_url(text: &str, transport: Transport) -> Result<Url, Flaw> {
    // The URL standard skips tabs and line breaks and escapes spaces: a broken paste would pass.
    visible_ascii(text)?;
    if is_placeholder(text) {
        return Err("still holds a placeholder".into());
    }
    let url = Url::parse(text).map_err(|_| "is no URL: scheme://host[:port]")?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("must be an https:// URL".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query (?) or a fragment (#)".into());
    }
    if has_placeholder_host(&url) {
        return Err("still holds a placeholder".into());
    }
    if url.scheme() == "https" {
        return Ok(url);
    }
    match transport {
        Transport::Any => Ok(url),
        Transport::HttpsOrPrivate if is_private(&url) => Ok(url),
        Transport::HttpsOrPrivate => {
            Err("must be https: plain http is for private addresses only".into())
        }
        Transport::Https => Err("must be https when ENV is production".into()),
    }
}

/// `WORKER_URL`: one or more roots.
pub(in crate::config) fn worker_urls(text: &str, transport: Transport) -> Result<Vec<Url>, Flaw> {
    let urls: Vec<_> =
        items(text).map(|item| root_url(item, transport)).collect::<Result<_, _>>()?;
    if urls.is_empty() {
        return Err("names no URL".into());
    }
    if urls.len() > worker::URLS_MAX {
        return Err(format!("names more than {} workers", worker::URLS_MAX).into());
    }
    if urls.iter().enumerate().any(|(at, url)| urls[..at].contains(url)) {
        return Err("names the same worker twice".into());
    }
    Ok(urls)
}

/// `ALLOWED_ORIGINS`, each in its ASCII serialisation (RFC 6454 §6.2). A wildcard is never one:
/// callers carry tokens, so the pages that may call must be named.
pub(in crate::config) fn origins(
    text: &str,
    rules: DeployEnvironment,
) -> Result<Vec<String>, Flaw> {
    items(text).map(|item| origin(item, rules)).collect()
}

fn origin(text: &str, rules: DeployEnvironment) -> Result<String, Flaw> {
    if text.contains('*') {
        return Err("must name each origin, a wildcard (*) would let every page in".into());
    }
    let url = endpoint_url(text, Transport::Any)?;
    if url.path() != "/" {
        return Err("must hold origins without a path: scheme://host[:port]".into());
    }
    let exposed = url.scheme() == "http" && !is_loopback(&url);
    if exposed && rules == DeployEnvironment::Production {
        return Err("must hold https origins when ENV is production".into());
    }
    Ok(url.origin().ascii_serialization())
}

/// `SUPABASE_JWT_ISSUER`: the URL as tokens spell it, compared byte by byte; or `any`.
pub(in crate::config) fn issuer(text: &str, rules: DeployEnvironment) -> Result<JwtIssuer, Flaw> {
    if text == "any" {
        return match rules {
            DeployEnvironment::Development => Ok(JwtIssuer::Any),
            DeployEnvironment::Production => {
                Err("must name the issuer when ENV is production".into())
            }
        };
    }
    // Only a name, never called: it may well be plain http inside of a private network.
    endpoint_url(text, Transport::Any)?;
    Ok(JwtIssuer::Exactly(text.to_owned()))
}

/// `TURNSTILE_HOSTNAMES`: bare names in their ASCII form, as Turnstile reports them.
pub(in crate::config) fn hostnames(text: &str) -> Result<Vec<String>, Flaw> {
    let names: Vec<_> = items(text).map(hostname).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err("names no host".into());
    }
    if names.len() > turnstile::HOSTNAMES_MAX {
        return Err(format!("names more than {} hosts", turnstile::HOSTNAMES_MAX).into());
    }
    Ok(names)
}

fn hostname(text: &str) -> Result<String, Flaw> {
    if is_placeholder(text) {
        return Err("still holds a placeholder".into());
    }
    let bare = !text.contains(['/', ':', '@', '*', '?', '#', '[']);
    let host = bare.then(|| Host::parse(text).ok()).flatten();
    let host = host.ok_or("must hold bare host names: app.example.com")?;
    Ok(host.to_string())
}

/// `TURNSTILE_ACTION`.
pub(in crate::config) fn turnstile_action(text: &str) -> Result<String, Flaw> {
    if is_placeholder(text) {
        return Err("still holds a placeholder".into());
    }
    if text.len() > turnstile::ACTION_MAX_LENGTH || !is_turnstile_name(text) {
        let flaw =
            format!("must be 1 to {} letters, digits, _ and -", turnstile::ACTION_MAX_LENGTH);
        return Err(flaw.into());
    }
    Ok(text.to_owned())
}

/// `TURNSTILE_SITE_KEY`, which every visitor gets to see: the secret key in its place must not pass.
pub(in crate::config) fn turnstile_site_key(text: &str) -> Result<String, Flaw> {
    if is_placeholder(text) {
        return Err("still holds a placeholder".into());
    }
    if !is_turnstile_name(text) {
        return Err("must hold letters, digits, _ and - only".into());
    }
    if text.len() > turnstile::SITE_KEY_MAX_LENGTH {
        return Err("is longer than a site key: is it the secret key of the widget?".into());
    }
    Ok(text.to_owned())
}

/// What Turnstile's actions and keys are made of.
fn is_turnstile_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Loopback, RFC 1918, RFC 4193, or a name that only a private resolver knows: `….internal`
/// (Google Cloud's zone DNS), `localhost`, a bare name (a container network).
fn is_private(url: &Url) -> bool {
    match address(url) {
        Some(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private(),
        Some(IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local(),
        None => url.domain().is_some_and(|name| !name.contains('.') || name.ends_with(".internal")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match address(url) {
        Some(address) => address.is_loopback(),
        None => url.domain() == Some("localhost"),
    }
}

/// The address in the URL; one written as IPv4 in IPv6 is the IPv4 one.
fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(v4) => Some(v4.into()),
        Host::Ipv6(v6) => Some(v6.to_canonical()),
        Host::Domain(_) => None,
    }
}

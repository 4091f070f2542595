use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;

use super::placeholder::is_placeholder;
use super::secret::visible_ascii;
use crate::config::problems::Flaw;

/// `GOOGLE_CLOUD_PROJECT`: a project id. Google's rule: 6 to 30 lower-case letters, digits and
/// hyphens, a letter first and no hyphen last; old ones have a domain in front (`example.com:id`).
pub(in crate::config) fn google_project(text: &str) -> Result<String, Flaw> {
    if is_placeholder(text) {
        return Err("still holds a placeholder".into());
    }
    let id = text.rsplit_once(':').map_or(text, |(_, id)| id);
    let fitting = (6..=30).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && !id.ends_with('-');
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':');
    if !fitting || !text.bytes().all(allowed) {
        return Err("is no project id: 6 to 30 lower-case letters, digits and hyphens".into());
    }
    Ok(text.to_owned())
}

/// `OTEL_EXPORTER_OTLP_HEADERS`, as OpenTelemetry writes it (W3C Baggage without properties):
/// `name=value` separated by commas, values percent-encoded.
pub(in crate::config) fn otlp_headers(text: &str) -> Result<Vec<(String, SecretString)>, Flaw> {
    visible_ascii(text)?;
    if is_placeholder(text) {
        return Err("still holds a placeholder".into());
    }
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(otlp_header).collect()
}

fn otlp_header(item: &str) -> Result<(String, SecretString), Flaw> {
    const FLAW: &str = "must hold name=value, several separated by commas";
    let (name, value) = item.split_once('=').ok_or(FLAW)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| FLAW)?;
    let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8();
    let value = value.map_err(|_| "holds a value that is no UTF-8")?;
    HeaderValue::from_str(&value).map_err(|_| "holds a value that no header may hold")?;
    Ok((name.as_str().to_owned(), value.into_owned().into()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_project_is_named_by_its_id() {
        for id in ["my-project-123", "abcdef", "corp.net:my-project"] {
            assert_eq!(google_project(id).as_deref(), Ok(id));
        }
        for text in
            ["", "short", "My-Project", "123456789012", "my_project", "my-project-", "a b c d e f"]
        {
            assert!(google_project(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_are_read_as_opentelemetry_writes_them() {
        let headers = otlp_headers("X-Api-Key=a%20b%3D,authorization=Bearer%20t=t,").expect("two");
        let plain: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(plain, [("x-api-key", "a b="), ("authorization", "Bearer t=t")]);
        for text in ["key", "a b=c", "key=a%0Ab", "key=%ff"] {
            assert!(otlp_headers(text).is_err(), "{text}");
        }
    }
}

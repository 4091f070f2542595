//! The console: the web page where a person pastes code, watches tests appear and runs them.
//!
//! Its files are in `page/`, embedded as they are: no build step, no file of another origin. What
//! differs between deployments is not written into them but asked for ([`Settings`]). The page is a
//! client of the API like any other; it is given nothing that others are not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest;
use rust_embed::RustEmbed;
use serde::Serialize;
use url::Url;

/// The file that is the page itself.
pub const PAGE: &str = "index.html";

/// Where Turnstile's script and frame come from:
/// <https://developers.cloudflare.com/turnstile/reference/content-security-policy/>.
const TURNSTILE_ORIGIN: &str = "https://challenges.cloudflare.com";

/// What the page is told of its server. All of it is public.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Settings {
    /// Where people sign in; `None` where everybody is the local user.
    pub supabase: Option<SupabaseAuth>,
    /// The bot check; `None` where none is asked for, or none can be shown.
    pub turnstile: Option<TurnstileWidget>,
}

/// The Supabase project whose accounts are used.
#[derive(Clone, Debug, Serialize)]
pub struct SupabaseAuth {
    /// The project's root, without a slash at its end.
    pub url: String,
    /// The key that the project hands to every browser.
    pub anon_key: String,
}

/// How the Turnstile widget is shown.
#[derive(Clone, Debug, Serialize)]
pub struct TurnstileWidget {
    /// The widget's public key.
    pub site_key: String,
    /// What its tokens are made for, where that is checked.
    pub action: Option<String>,
}

impl Settings {
    /// The content policy of the page: its own files, the API, and the origins configured.
    ///
    /// Where Turnstile is off, the browser refuses any text where it wants HTML or a script's
    /// address. Turnstile's own script would not work under that rule.
    #[must_use]
    pub fn content_security_policy(&self) -> String {
        let auth = self.supabase.as_ref().and_then(|supabase| Url::parse(&supabase.url).ok());
        let auth = auth.map(|url| format!(" {}", url.origin().ascii_serialization()));
        let (turnstile, trusted_types) = match self.turnstile {
            Some(_) => (format!(" {TURNSTILE_ORIGIN}"), ""),
            None => (String::new(), "; require-trusted-types-for 'script'; trusted-types 'none'"),
        };
        let frames = if turnstile.is_empty() { " 'none'" } else { &turnstile };
        format!(
            "default-src 'none'; script-src 'self'{turnstile}; style-src 'self'; img-src 'self'; \
             connect-src 'self'{}; frame-src{frames}; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'{trusted_types}",
            auth.unwrap_or_default()
        )
    }
}

/// A file of the page.
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    /// Changes with its content. Quoted, as it stands in a header.
    pub etag: String,
    /// Its bytes.
    pub plain: Cow<'static, [u8]>,
    /// The same, compressed with gzip.
    pub gzip: Vec<u8>,
}

/// The file of this name.
#[must_use]
pub fn asset(name: &str) -> Option<&'static Asset> {
    static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
        Page::iter()
            .filter_map(|name| {
                let asset = Asset::new(&name, Page::get(&name)?.data);
                Some((name.into_owned(), asset))
            })
            .collect()
    });
    ASSETS.get(name)
}

impl Asset {
    fn new(name: &str, plain: Cow<'static, [u8]>) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = gzip.write_all(&plain).and_then(|()| gzip.finish());
        let gzip = gzip.expect("a Vec takes everything");
        let digest = digest::digest(&digest::SHA256, &plain);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9]));
        Self { content_type: content_type(name), etag, plain, gzip }
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[derive(RustEmbed)]
#[folder = "src/console/page"]
struct Page;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn text(name: &str) -> String {
        let asset = asset(name).unwrap_or_else(|| panic!("{name} is embedded"));
        String::from_utf8(asset.plain.to_vec()).expect("the files are text")
    }

    /// What follows `before` up to `after`, wherever it stands in the text.
    fn between<'t>(text: &'t str, before: &str, after: char) -> BTreeSet<&'t str> {
        text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
    }

    #[test]
    fn every_file_has_a_type_and_a_smaller_form() {
        assert!(Page::iter().count() > 10);
        for name in Page::iter() {
            let asset = asset(&name).expect("a listed file");
            assert_ne!(asset.content_type, "application/octet-stream", "{name}");
            assert!(asset.gzip.len() < asset.plain.len(), "{name}");
        }
    }

    #[test]
    fn the_page_fetches_every_module_ahead_and_none_that_is_not_there() {
        let page = text(PAGE);
        let named: BTreeSet<_> = between(&page, "\"/console/", '"');
        let modules: BTreeSet<_> = Page::iter().collect();
        for name in &named {
            assert!(modules.contains(*name), "{name} is not there");
        }
        for name in modules.iter().filter(|name| *name != PAGE) {
            assert!(named.contains(name.as_ref()), "{name} is not named in {PAGE}");
        }
    }

    #[test]
    fn the_page_has_neither_inline_script_nor_inline_style() {
        let page = text(PAGE);
        assert!(!page.contains(" style=") && !page.contains("<style"));
        let handlers = between(&page, " on", '=');
        let is_handler = |name: &&&str| name.bytes().all(|byte| byte.is_ascii_alphabetic());
        assert_eq!(handlers.iter().find(is_handler), None);
        for script in page.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap_or_default();
            assert!(tag.contains("src=\"/console/"), "{tag}");
        }
        for name in Page::iter().filter(|name| name.ends_with(".js")) {
            let script = text(&name);
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!script.contains(way), "{name} uses {way}");
            }
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let messages = text("messages.js");
        let (english, korean) = messages.split_once("const KO").expect("two lists");
        let keys = |text: &str| -> BTreeSet<(String, BTreeSet<String>)> {
            text.lines()
                .filter_map(|line| line.strip_prefix("  ")?.split_once(": '"))
                .map(|(key, words)| {
                    let places = between(words, "{", '}').into_iter().map(str::to_owned).collect();
                    (key.to_owned(), places)
                })
                .collect()
        };
        assert!(keys(english).len() > 50);
        assert_eq!(keys(english), keys(korean));
    }

    #[test]
    fn every_word_that_the_page_names_is_there() {
        let messages = text("messages.js");
        let mut named: BTreeSet<String> = BTreeSet::new();
        for attribute in ["data-text=\"", "data-label=\"", "data-placeholder=\""] {
            named.extend(between(&text(PAGE), attribute, '"').into_iter().map(str::to_owned));
        }
        for name in Page::iter().filter(|name| name.ends_with(".js")) {
            named.extend(between(&text(&name), "say('", '\'').into_iter().map(str::to_owned));
        }
        // `this.say('')` is another one, which empties a line.
        named.remove("");
        for key in named {
            assert!(messages.contains(&format!("\n  {key}: '")), "{key} has no words");
        }
    }

    #[test]
    fn only_configured_origins_are_let_in() {
        let plain = Settings::default().content_security_policy();
        assert!(!plain.contains("https://"), "{plain}");
        assert!(plain.contains("require-trusted-types-for 'script'"), "{plain}");
        let settings = Settings {
            supabase: Some(SupabaseAuth {
                url: "https://abc.supabase.co/base".to_owned(),
                anon_key: "key".to_owned(),
            }),
            turnstile: Some(TurnstileWidget { site_key: "key".to_owned(), action: None }),
        };
        assert_eq!(
            settings.content_security_policy(),
            "default-src 'none'; script-src 'self' https://challenges.cloudflare.com; \
             style-src 'self'; img-src 'self'; connect-src 'self' https://abc.supabase.co; \
             frame-src https://challenges.cloudflare.com; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
    }
}

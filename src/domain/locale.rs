/// The languages TESTER speaks to people: in error messages and in the comments of generated tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// Korean: the product's first language, and the answer when nothing matches.
    #[default]
    Korean,
    /// English.
    English,
}

impl Locale {
    /// The BCP 47 primary subtag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// Chooses by an `Accept-Language` value (RFC 9110 §12.5.4): the supported language with the
    /// highest quality, the first named on a tie, Korean when none is acceptable. A malformed
    /// entry is passed over, for a header must never fail a request.
    #[must_use]
    pub fn negotiate(accept_language: &str) -> Self {
        let mut best: Option<(Self, f32)> = None;
        for entry in accept_language.split(',') {
            let Some((locale, quality)) = parse_entry(entry) else { continue };
            let better = best.is_none_or(|(_, held)| quality > held);
            if quality > 0.0 && better {
                best = Some((locale, quality));
            }
        }
        best.map_or_else(Self::default, |(locale, _)| locale)
    }

    /// The text in this language.
    #[must_use]
    pub const fn pick<T: Copy>(self, korean: T, english: T) -> T {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }
}

fn parse_entry(entry: &str) -> Option<(Locale, f32)> {
    let mut pieces = entry.split(';').map(str::trim);
    let range = pieces.next()?;
    let primary = range.split('-').next()?;
    let locale = match primary {
        "*" => Locale::default(),
        tag if tag.eq_ignore_ascii_case("ko") => Locale::Korean,
        tag if tag.eq_ignore_ascii_case("en") => Locale::English,
        _ => return None,
    };
    let quality = match pieces.next() {
        None => 1.0,
        Some(weight) => weight
            .strip_prefix("q=")
            .or_else(|| weight.strip_prefix("Q="))?
            .trim()
            .parse()
            .ok()
            .filter(|quality| (0.0..=1.0).contains(quality))?,
    };
    Some((locale, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_quality_wins_and_korean_is_the_fallback() {
        for (header, expected) in [
            ("", Locale::Korean),
            ("fr-FR, de", Locale::Korean),
            ("en", Locale::English),
            ("en-US,en;q=0.9", Locale::English),
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Locale::Korean),
            ("en;q=0.5, ko;q=0.9", Locale::Korean),
            ("ko;q=0.1, en;q=0.2", Locale::English),
            ("ko;q=0, en;q=0.001", Locale::English),
            ("*", Locale::Korean),
            ("en;q=nan", Locale::Korean),
            ("en;q=7, EN-gb", Locale::English),
            (";;;,,,q=1", Locale::Korean),
        ] {
            assert_eq!(Locale::negotiate(header), expected, "{header:?}");
        }
    }
}

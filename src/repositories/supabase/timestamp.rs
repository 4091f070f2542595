use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Reads a `timestamptz` as PostgREST writes it (`2026-11-24T03:00:00.123456+00:00`) and as
/// `PostgreSQL` itself does, which compatible servers pass on (`2026-11-24 03:00:00.123456+00`).
/// `None` when it is neither.
pub(super) fn read(text: &str) -> Option<OffsetDateTime> {
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let hours_only = time
        .len()
        .checked_sub(3)
        .is_some_and(|at| time.is_char_boundary(at) && matches!(time.as_bytes()[at], b'+' | b'-'));
    let minutes = if hours_only { ":00" } else { "" };
    let instant = OffsetDateTime::parse(&format!("{date}T{time}{minutes}"), &Rfc3339).ok()?;
    Some(instant.to_offset(UtcOffset::UTC))
}

/// Writes an instant with its microseconds and without a plus sign, which a query string would
/// turn into a space.
pub(super) fn write(instant: OffsetDateTime) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    instant.to_offset(UtcOffset::UTC).format(&FORMAT).expect("every field of the format is set")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn every_form_of_an_instant_is_read() {
        let expected = Some(datetime!(2026-11-24 03:00:00.123456 UTC));
        for text in [
            "2026-11-24T03:00:00.123456+00:00",
            "2026-11-24T03:00:00.123456Z",
            "2026-11-24 03:00:00.123456+00:00",
            "2026-11-24 03:00:00.123456+00",
            "2026-11-24 12:00:00.123456+09",
            "2026-11-24T08:30:00.123456+05:30",
            "2026-11-23T22:00:00.123456-05",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("2026-11-24 03:00:00+00"), Some(datetime!(2026-11-24 03:00 UTC)));
        assert_eq!(read("2026-11-24T03:00:00.5Z"), Some(datetime!(2026-11-24 03:00:00.5 UTC)));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T",
            "2026-11-24X03:00:00Z",
            "2026-11-24T03:00:00",
            "2026-13-24T03:00:00Z",
            "2026-11-24T25:00:00Z",
            "2026-11-2é 03:00:00+00",
            "infinity",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_instant_survives_the_round_trip(micros in 0_i64..4_000_000_000_000_000) {
            let nanos = i128::from(micros) * 1_000;
            let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("in range");
            let text = write(instant);
            prop_assert!(!text.contains('+'));
            prop_assert_eq!(read(&text), Some(instant));
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            read(&text);
        }
    }
}

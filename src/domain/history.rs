use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Generation, GenerationId};

/// Where a page of history ends: the time and id of its last row. The next page starts after it
/// (keyset paging: rows that arrive meanwhile shift nothing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCursor {
    /// `created_at` of the last row seen.
    pub created_at: OffsetDateTime,
    /// `id` of the last row seen: breaks ties between rows of one instant.
    pub id: GenerationId,
}

/// The text is no cursor that a page handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this service; start again without one")]
pub struct InvalidCursor;

impl PageCursor {
    /// The opaque form for a URL: base64url of the time (microseconds since the epoch, 8 bytes
    /// big endian: the precision of `PostgreSQL`) and the id (16 bytes).
    #[must_use]
    pub fn encode(&self) -> String {
        let micros = self.created_at.unix_timestamp_nanos() / 1_000;
        let micros = i64::try_from(micros).expect("a time::OffsetDateTime is within ±9999 years");
        let mut bytes = [0_u8; 24];
        bytes[..8].copy_from_slice(&micros.to_be_bytes());
        bytes[8..].copy_from_slice(self.id.0.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the opaque form back.
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`] for anything [`PageCursor::encode`] does not produce.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let bytes: [u8; 24] = bytes.try_into().map_err(|_| InvalidCursor)?;
        let (micros, id) = bytes.split_at(8);
        let micros = i64::from_be_bytes(micros.try_into().map_err(|_| InvalidCursor)?);
        let created_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
            .map_err(|_| InvalidCursor)?;
        let id = Uuid::from_slice(id).map_err(|_| InvalidCursor)?;
        Ok(Self { created_at, id: GenerationId(id) })
    }
}

/// Which page of a user's history is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// Most rows to return.
    pub limit: u32,
    /// Where the page before ended; `None` asks for the first page.
    pub after: Option<PageCursor>,
}

/// A stored row that can't be decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    /// Which.
    pub id: GenerationId,
    /// Why not: the cipher's verdict, never a value. For operators.
    pub reason: String,
}

/// One page of a user's history, newest first.
#[derive(Clone, Debug, Default)]
pub struct HistoryPage {
    /// The rows that could be read.
    pub rows: Vec<Generation>,
    /// Rows that are stored but could not be decrypted; they are left out of `rows`.
    pub unreadable: Vec<UnreadableRow>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<PageCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_round_trip_at_microsecond_precision() {
        let created_at =
            OffsetDateTime::from_unix_timestamp_nanos(1_790_000_000_123_456_000).expect("in range");
        let cursor = PageCursor { created_at, id: GenerationId::random() };
        assert_eq!(PageCursor::decode(&cursor.encode()), Ok(cursor));
    }

    #[test]
    fn foreign_text_is_no_cursor() {
        let far_future = URL_SAFE_NO_PAD.encode([0x7f; 24]);
        for text in ["", "x", "not base64!", "AAAA", &"A".repeat(33), &far_future] {
            assert_eq!(PageCursor::decode(text), Err(InvalidCursor), "{text:?}");
        }
    }
}

//! The part of PostgREST's query language that TESTER uses.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::database::HistoryRow;
use crate::http::Request;

/// A query on the history table, understood as a whole or refused.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) select: Option<Vec<String>>,
    pub(super) limit: Option<usize>,
    pub(super) order: Order,
    conditions: Vec<Condition>,
}

/// How rows are sorted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Order {
    #[default]
    Stored,
    NewestFirst,
    ById,
}

#[derive(Debug)]
enum Condition {
    /// `column.neq.""`: the text is not empty.
    NotEmpty(Text),
    /// `column.not.like.prefix*`.
    NotPrefixed(Text, String),
    Id(Comparison, Uuid),
    User(Uuid),
    CreatedAt(Comparison, OffsetDateTime),
    All(Vec<Self>),
    Any(Vec<Self>),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Less,
    Greater,
}

#[derive(Clone, Copy, Debug)]
enum Text {
    Input,
    Generated,
}

impl Query {
    /// Reads the query string; the error is what was not understood.
    pub(super) fn parse(request: &Request) -> Result<Self, String> {
        let mut query = Self::default();
        // In a query string a plus sign is a space: a timestamp's offset must come escaped.
        let plain = Request { target: request.target.replace('+', "%20"), ..request.clone() };
        let names = plain.target.split_once('?').map_or("", |(_, query)| query).split('&');
        for pair in names.filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            let value = plain.query(name).unwrap_or_default();
            match name {
                "select" => query.select = Some(value.split(',').map(str::to_owned).collect()),
                "limit" => query.limit = Some(value.parse().map_err(|_| value)?),
                "order" if value == "created_at.desc,id.desc" => query.order = Order::NewestFirst,
                "order" if value == "id.asc" => query.order = Order::ById,
                "or" | "and" => query.conditions.push(Condition::parse(&format!("{name}{value}"))?),
                _ => query.conditions.push(Condition::parse(&format!("{name}.{value}"))?),
            }
        }
        Ok(query)
    }

    /// Whether nothing narrows the query down.
    pub(super) fn matches_everything(&self) -> bool {
        self.conditions.is_empty()
    }

    pub(super) fn matches(&self, row: &HistoryRow) -> bool {
        self.conditions.iter().all(|condition| condition.holds(row))
    }
}

impl Condition {
    /// Reads `column.operator.value`, `and(…)` or `or(…)`.
    fn parse(text: &str) -> Result<Self, String> {
        let refused = || text.to_owned();
        let list = |inner: &str| -> Result<Vec<Self>, String> {
            split_list(inner).into_iter().map(Self::parse).collect()
        };
        if let Some(inner) = text.strip_prefix("or(").and_then(|rest| rest.strip_suffix(')')) {
            return list(inner).map(Self::Any);
        }
        if let Some(inner) = text.strip_prefix("and(").and_then(|rest| rest.strip_suffix(')')) {
            return list(inner).map(Self::All);
        }
        if let Some(condition) = Self::parse_text(text) {
            return Ok(condition);
        }
        let mut fields = text.splitn(3, '.');
        let mut field = || fields.next().ok_or_else(refused);
        let (column, operator, value) = (field()?, field()?, field()?);
        let comparison = match operator {
            "eq" => Comparison::Equal,
            "lt" => Comparison::Less,
            "gt" => Comparison::Greater,
            _ => return Err(refused()),
        };
        let uuid = || Uuid::parse_str(value).map_err(|_| refused());
        match (column, comparison) {
            ("id", _) => Ok(Self::Id(comparison, uuid()?)),
            ("user_id", Comparison::Equal) => Ok(Self::User(uuid()?)),
            ("created_at", _) => OffsetDateTime::parse(value, &Rfc3339)
                .map(|instant| Self::CreatedAt(comparison, instant))
                .map_err(|_| refused()),
            _ => Err(refused()),
        }
    }

    /// Conditions on the two texts. A wildcard stands at the end alone.
    fn parse_text(text: &str) -> Option<Self> {
        let (column, rest) = text.split_once('.')?;
        let column = match column {
            "input_code" => Text::Input,
            "generated_code" => Text::Generated,
            _ => return None,
        };
        if rest == "neq.\"\"" {
            return Some(Self::NotEmpty(column));
        }
        let prefix = rest.strip_prefix("not.like.")?.strip_suffix('*')?;
        (!prefix.contains(['*', '%', '_'])).then(|| Self::NotPrefixed(column, prefix.to_owned()))
    }

    fn holds(&self, row: &HistoryRow) -> bool {
        match self {
            Self::NotEmpty(text) => !text.of(row).is_empty(),
            Self::NotPrefixed(text, prefix) => !text.of(row).starts_with(prefix),
            Self::Id(comparison, id) => comparison.holds(&row.id, id),
            Self::User(user) => row.user_id == *user,
            Self::CreatedAt(comparison, instant) => comparison.holds(&row.created_at, instant),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(row)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(row)),
        }
    }
}

impl Comparison {
    fn holds<T: Ord>(self, held: &T, wanted: &T) -> bool {
        match self {
            Self::Equal => held == wanted,
            Self::Less => held < wanted,
            Self::Greater => held > wanted,
        }
    }
}

impl Text {
    fn of(self, row: &HistoryRow) -> &str {
        match self {
            Self::Input => &row.input_code,
            Self::Generated => &row.generated_code,
        }
    }
}

/// Splits at the commas outside of parentheses.
fn split_list(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn parse(query: &str) -> Result<Query, String> {
        let target = format!("/rest/v1/generation_history?{query}");
        Query::parse(&Request {
            method: "GET".to_owned(),
            target,
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    fn row(id: u128) -> HistoryRow {
        HistoryRow {
            id: Uuid::from_u128(id),
            user_id: Uuid::from_u128(1),
            input_code: String::new(),
            generated_code: String::new(),
            language: String::new(),
            model: String::new(),
            created_at: datetime!(2026-11-24 03:00 UTC),
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for query in [
            "user=eq.00000000-0000-0000-0000-000000000001",
            "user_id=00000000-0000-0000-0000-000000000001",
            "user_id=is.null",
            "id=eq.5",
            "order=created_at.asc",
            "limit=many",
            "or=(created_at.lt.yesterday)",
            // A plus sign that was not escaped is a space.
            "created_at=lt.2026-11-24T03:00:00+00:00",
        ] {
            assert!(parse(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_keyset_condition_matches_what_comes_after_the_key() {
        let id = Uuid::from_u128(5);
        let after = |instant: &str| {
            let query =
                format!("or=(created_at.lt.{instant},and(created_at.eq.{instant},id.lt.{id}))");
            parse(&query).expect("a query")
        };
        let same = after("2026-11-24T03:00:00%2B00:00");
        assert!(same.matches(&row(4)) && !same.matches(&row(5)) && !same.matches(&row(6)));
        let later = after("2026-11-24T03:00:00.000001Z");
        assert!(later.matches(&row(6)));
    }
}

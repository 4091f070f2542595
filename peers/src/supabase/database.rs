//! Tables and functions of the project, with the meaning that `supabase/migrations` gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::Route;
use super::filter::{Order, Query};
use crate::http::Request;

/// Width of `language varchar(50)` and `model varchar(50)`.
const VARCHAR: usize = 50;

/// A row of `generation_history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// `id uuid`.
    pub id: Uuid,
    /// `user_id uuid`.
    pub user_id: Uuid,
    /// `input_code text`.
    pub input_code: String,
    /// `generated_code text`.
    pub generated_code: String,
    /// `language varchar(50)`.
    pub language: String,
    /// `model varchar(50)`.
    pub model: String,
    /// `created_at timestamptz`: whole microseconds.
    pub created_at: OffsetDateTime,
}

/// A row of `token_transactions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Tokens given (positive) or taken (negative).
    pub amount: i64,
    /// `welcome`, `daily_bonus`, `usage` or `refund`.
    pub kind: String,
    /// Words for the wallet's owner.
    pub description: String,
    /// The balance this entry led to.
    pub balance_after: i64,
}

/// How timestamps are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampStyle {
    /// `2026-11-24T03:00:00.123456+00:00`: PostgREST.
    #[default]
    PostgRest,
    /// `2026-11-24 03:00:00.123456+00`: `PostgreSQL`'s own, which compatible servers pass on.
    PostgreSql,
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// `Null` stands for no body.
    pub(super) body: Value,
    pub(super) content_range: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) rows: Vec<HistoryRow>,
    pub(super) clock: Option<OffsetDateTime>,
    pub(super) timestamps: TimestampStyle,
    wallets: BTreeMap<Uuid, Wallet>,
    /// By reference: whose, how much, since when.
    open_charges: BTreeMap<Uuid, (Uuid, i64, OffsetDateTime)>,
    charged: BTreeSet<Uuid>,
}

#[derive(Debug, Default)]
struct Wallet {
    balance: i64,
    last_daily_bonus_at: Option<Date>,
    log: Vec<Transaction>,
}

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, body, content_range: None }
    }

    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({ "code": code, "message": message, "details": null, "hint": null });
        Self::json(status, body)
    }
}

impl Database {
    pub(super) fn carry_out(&mut self, route: Route, request: &Request) -> Reply {
        let outcome = match route {
            Route::InsertHistory => self.insert(request),
            Route::SelectHistory => self.select(request),
            Route::DeleteHistory => self.delete(request),
            Route::OpenUserWallet => self.open_user_wallet(request),
            Route::ClaimDailyBonus => self.claim_daily_bonus(request),
            Route::DeductTokens => self.deduct_tokens(request),
            Route::RefundTokens => self.refund_tokens(request),
            Route::SettleCharge => self.settle_charge(request),
            Route::RefundAbandonedCharges => self.refund_abandoned_charges(request),
            Route::SchemaVersion => schema_version(request),
            Route::UpdateHistory => self.update(request),
            Route::Unknown if request.path().starts_with("/rest/v1/rpc/") => Err(Reply::error(
                404,
                "PGRST202",
                "Could not find the function in the schema cache",
            )),
            // Neither the key set nor the accounts are asked for here.
            Route::Jwks | Route::Token | Route::Accounts | Route::Unknown => {
                Err(Reply::error(404, "PGRST205", "Could not find the table in the schema cache"))
            }
        };
        outcome.unwrap_or_else(|error| error)
    }

    pub(super) fn balance(&self, user: Uuid) -> Option<i64> {
        self.wallets.get(&user).map(|wallet| wallet.balance)
    }

    pub(super) fn set_balance(&mut self, user: Uuid, tokens: i64) {
        self.wallets.entry(user).or_default().balance = tokens;
    }

    pub(super) fn transactions(&self, user: Uuid) -> Vec<Transaction> {
        self.wallets.get(&user).map(|wallet| wallet.log.clone()).unwrap_or_default()
    }

    fn now(&self) -> OffsetDateTime {
        let now = self.clock.unwrap_or_else(OffsetDateTime::now_utc).to_offset(UtcOffset::UTC);
        let whole_micros = now.nanosecond() / 1_000 * 1_000;
        now.replace_nanosecond(whole_micros).expect("fewer nanoseconds than before")
    }

    fn insert(&mut self, request: &Request) -> Result<Reply, Reply> {
        let query = read_query(request)?;
        let body = request.json();
        let fields = body.as_object().ok_or_else(|| malformed("not a JSON object"))?;
        let columns = ["id", "user_id", "input_code", "generated_code", "language", "model"];
        if fields.keys().any(|name| !columns.contains(&name.as_str())) {
            return Err(Reply::error(400, "PGRST204", "Could not find the column"));
        }
        let text = |name: &str| {
            let value = fields.get(name).and_then(Value::as_str).map(str::to_owned);
            value.ok_or_else(|| Reply::error(400, "23502", "null value in column"))
        };
        let row = HistoryRow {
            id: uuid(&text("id")?)?,
            user_id: uuid(&text("user_id")?)?,
            input_code: text("input_code")?,
            generated_code: text("generated_code")?,
            language: text("language")?,
            model: text("model")?,
            created_at: self.now(),
        };
        if [&row.language, &row.model].iter().any(|value| value.chars().count() > VARCHAR) {
            return Err(Reply::error(
                400,
                "22001",
                "value too long for type character varying(50)",
            ));
        }
        if self.rows.iter().any(|held| held.id == row.id) {
            let mut reply =
                Reply::error(409, "23505", "duplicate key value violates unique constraint");
            reply.body["details"] = json!(format!("Key (id)=({}) already exists.", row.id));
            return Err(reply);
        }
        let shown = self.show(&row, query.select.as_deref())?;
        self.rows.push(row);
        let body =
            if prefers(request, "return=representation") { json!([shown]) } else { Value::Null };
        Ok(Reply::json(201, body))
    }

    fn select(&self, request: &Request) -> Result<Reply, Reply> {
        let query = read_query(request)?;
        let mut rows: Vec<_> = self.rows.iter().filter(|row| query.matches(row)).collect();
        match query.order {
            Order::Stored => {}
            Order::NewestFirst => {
                rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
            }
            Order::ById => rows.sort_by_key(|row| row.id),
        }
        let count = rows.len();
        rows.truncate(query.limit.unwrap_or(usize::MAX));
        let shown: Result<Vec<_>, _> =
            rows.into_iter().map(|row| self.show(row, query.select.as_deref())).collect();
        let mut reply = Reply::json(200, Value::Array(shown?));
        reply.content_range = prefers(request, "count=exact").then(|| format!("*/{count}"));
        Ok(reply)
    }

    fn delete(&mut self, request: &Request) -> Result<Reply, Reply> {
        let query = read_query(request)?;
        if query.matches_everything() {
            return Err(Reply::error(400, "21000", "DELETE requires a WHERE clause"));
        }
        let doomed: Vec<_> = self.rows.iter().filter(|row| query.matches(row)).collect();
        let shown: Result<Vec<_>, _> =
            doomed.iter().map(|row| self.show(row, query.select.as_deref())).collect();
        let (shown, count) = (shown?, doomed.len());
        self.rows.retain(|row| !query.matches(row));
        let mut reply = if prefers(request, "return=representation") {
            Reply::json(200, Value::Array(shown))
        } else {
            Reply::json(204, Value::Null)
        };
        reply.content_range = prefers(request, "count=exact").then(|| format!("*/{count}"));
        Ok(reply)
    }

    fn show(&self, row: &HistoryRow, select: Option<&[String]>) -> Result<Value, Reply> {
        let whole = json!({
            "id": row.id,
            "user_id": row.user_id,
            "input_code": row.input_code,
            "generated_code": row.generated_code,
            "language": row.language,
            "model": row.model,
            "created_at": write_timestamp(row.created_at, self.timestamps),
        });
        let Some(columns) = select else { return Ok(whole) };
        let mut shown = serde_json::Map::new();
        for column in columns {
            let value = whole.get(column);
            let value = value.ok_or_else(|| Reply::error(400, "42703", "column does not exist"))?;
            shown.insert(column.clone(), value.clone());
        }
        Ok(Value::Object(shown))
    }

    fn open_user_wallet(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut arguments = Arguments::of(request)?;
        let user = arguments.user()?;
        let welcome = arguments.integer("p_default_amount")?;
        let bonus = arguments.integer("p_bonus_amount")?;
        arguments.finish()?;
        if !self.wallets.contains_key(&user) {
            self.wallets.entry(user).or_default().book(
                welcome,
                "welcome",
                "welcome gift".to_owned(),
            );
        }
        Ok(self.give_daily_bonus(user, bonus))
    }

    fn claim_daily_bonus(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut arguments = Arguments::of(request)?;
        let user = arguments.user()?;
        let amount = arguments.integer("p_bonus_amount")?;
        arguments.finish()?;
        Ok(self.give_daily_bonus(user, amount))
    }

    fn give_daily_bonus(&mut self, user: Uuid, amount: i64) -> Reply {
        let today = self.now().date();
        let Some(wallet) = self.wallets.get_mut(&user) else { return user_not_found(0) };
        if wallet.last_daily_bonus_at == Some(today) {
            let balance = wallet.balance;
            let body =
                json!({ "success": false, "already_claimed": true, "current_balance": balance });
            return Reply::json(200, body);
        }
        wallet.last_daily_bonus_at = Some(today);
        wallet.book(amount, "daily_bonus", "daily bonus".to_owned());
        let body = json!({ "success": true, "added": amount, "current_balance": wallet.balance });
        Reply::json(200, body)
    }

    fn deduct_tokens(&mut self, request: &Request) -> Result<Reply, Reply> {
        let Move { user, amount, description, reference } = Move::of(request)?;
        let now = self.now();
        let Some(wallet) = self.wallets.get_mut(&user) else { return Ok(user_not_found(amount)) };
        let balance = wallet.balance;
        if reference.is_some_and(|reference| self.charged.contains(&reference)) {
            return Ok(refused("DUPLICATE_TRANSACTION", balance, amount));
        }
        if balance < amount {
            return Ok(refused("INSUFFICIENT_TOKENS", balance, amount));
        }
        wallet.book(-amount, "usage", description);
        let body =
            json!({ "success": true, "deducted": amount, "current_balance": wallet.balance });
        if let Some(reference) = reference {
            self.charged.insert(reference);
            self.open_charges.insert(reference, (user, amount, now));
        }
        Ok(Reply::json(200, body))
    }

    fn refund_tokens(&mut self, request: &Request) -> Result<Reply, Reply> {
        let Move { user, amount, description, reference } = Move::of(request)?;
        let Some(balance) = self.balance(user) else { return Ok(user_not_found(amount)) };
        let amount = match reference {
            None => amount,
            Some(reference) => match self.close_charge(user, reference) {
                Some(charged) => charged,
                None => return Ok(refused("CHARGE_NOT_OPEN", balance, amount)),
            },
        };
        let wallet = self.wallets.entry(user).or_default();
        wallet.book(amount, "refund", description);
        let body =
            json!({ "success": true, "refunded": amount, "current_balance": wallet.balance });
        Ok(Reply::json(200, body))
    }

    fn settle_charge(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut arguments = Arguments::of(request)?;
        let user = arguments.user()?;
        let reference = uuid(&arguments.text("p_reference_id")?)?;
        arguments.finish()?;
        let settled = self.close_charge(user, reference).is_some();
        Ok(Reply::json(200, json!({ "success": true, "settled": settled })))
    }

    fn refund_abandoned_charges(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut arguments = Arguments::of(request)?;
        let older_than = Duration::seconds(arguments.integer("p_older_than_seconds")?);
        let limit = usize::try_from(arguments.integer("p_limit")?).unwrap_or(0);
        arguments.finish()?;
        let until = self.now() - older_than;
        let charges = self.open_charges.iter();
        let abandoned: Vec<_> = charges
            .filter(|(_, (_, _, since))| *since <= until)
            .map(|(reference, (user, amount, _))| (*reference, *user, *amount))
            .take(limit)
            .collect();
        for (reference, user, amount) in &abandoned {
            self.open_charges.remove(reference);
            let wallet = self.wallets.entry(*user).or_default();
            wallet.book(*amount, "refund", "abandoned".to_owned());
        }
        Ok(Reply::json(200, json!({ "success": true, "refunded": abandoned.len() })))
    }

    fn close_charge(&mut self, user: Uuid, reference: Uuid) -> Option<i64> {
        let (holder, amount, _) = *self.open_charges.get(&reference)?;
        if holder != user {
            return None;
        }
        self.open_charges.remove(&reference);
        Some(amount)
    }

    /// Changes the texts of rows: what a rotation of keys does.
    fn update(&mut self, request: &Request) -> Result<Reply, Reply> {
        let query = read_query(request)?;
        if query.matches_everything() {
            return Err(Reply::error(400, "21000", "UPDATE requires a WHERE clause"));
        }
        let body = request.json();
        let fields = body.as_object().ok_or_else(|| malformed("not a JSON object"))?;
        if fields.keys().any(|name| !["input_code", "generated_code"].contains(&name.as_str())) {
            return Err(Reply::error(400, "PGRST204", "Could not find the column"));
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        for row in self.rows.iter_mut().filter(|row| query.matches(row)) {
            row.input_code = text("input_code").unwrap_or_else(|| row.input_code.clone());
            row.generated_code =
                text("generated_code").unwrap_or_else(|| row.generated_code.clone());
        }
        Ok(Reply::json(204, Value::Null))
    }
}

impl Wallet {
    fn book(&mut self, amount: i64, kind: &str, description: String) {
        self.balance += amount;
        let balance_after = self.balance;
        self.log.push(Transaction { amount, kind: kind.to_owned(), description, balance_after });
    }
}

/// The named arguments of a function call. PostgREST finds a function by the names of its
/// arguments, so one too few or too many is a function that does not exist.
struct Arguments(serde_json::Map<String, Value>);

impl Arguments {
    fn of(request: &Request) -> Result<Self, Reply> {
        match request.json() {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(malformed("not a JSON object")),
        }
    }

    fn take(&mut self, name: &str) -> Result<Value, Reply> {
        self.0.remove(name).ok_or_else(no_such_function)
    }

    fn user(&mut self) -> Result<Uuid, Reply> {
        uuid(&self.text("p_user_id")?)
    }

    fn integer(&mut self, name: &str) -> Result<i64, Reply> {
        self.take(name)?.as_i64().ok_or_else(|| Reply::error(400, "22P02", "not an integer"))
    }

    fn text(&mut self, name: &str) -> Result<String, Reply> {
        match self.take(name)? {
            Value::String(text) => Ok(text),
            _ => Err(Reply::error(400, "22P02", "not a text")),
        }
    }

    fn optional_text(&mut self, name: &str) -> Result<Option<String>, Reply> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Reply::error(400, "22P02", "not a text")),
        }
    }

    fn finish(self) -> Result<(), Reply> {
        if self.0.is_empty() { Ok(()) } else { Err(no_such_function()) }
    }
}

/// The arguments of the functions that move tokens.
struct Move {
    user: Uuid,
    amount: i64,
    description: String,
    reference: Option<Uuid>,
}

impl Move {
    fn of(request: &Request) -> Result<Self, Reply> {
        let mut arguments = Arguments::of(request)?;
        let user = arguments.user()?;
        let amount = arguments.integer("p_amount")?;
        // Both have a default in the database.
        let description = arguments.optional_text("p_description")?.unwrap_or_default();
        let reference = arguments.optional_text("p_reference_id")?;
        let reference = reference.map(|text| uuid(&text)).transpose()?;
        arguments.finish()?;
        if amount <= 0 {
            return Err(Reply::error(400, "22023", "p_amount must be positive"));
        }
        Ok(Self { user, amount, description, reference })
    }
}

/// The newest of `supabase/migrations`.
fn schema_version(request: &Request) -> Result<Reply, Reply> {
    if request.method == "POST" {
        Arguments::of(request)?.finish()?;
    }
    Ok(Reply::json(200, json!(20_261_124_000_300_i64)))
}

fn user_not_found(required: i64) -> Reply {
    refused("USER_NOT_FOUND", 0, required)
}

fn refused(error: &str, balance: i64, required: i64) -> Reply {
    let body = json!({
        "success": false,
        "error": error,
        "current_balance": balance,
        "required": required,
    });
    Reply::json(200, body)
}

fn no_such_function() -> Reply {
    Reply::error(404, "PGRST202", "Could not find the function in the schema cache")
}

fn malformed(what: &str) -> Reply {
    Reply::error(400, "PGRST102", what)
}

fn uuid(text: &str) -> Result<Uuid, Reply> {
    Uuid::parse_str(text).map_err(|_| {
        Reply::error(400, "22P02", &format!("invalid input syntax for type uuid: \"{text}\""))
    })
}

fn read_query(request: &Request) -> Result<Query, Reply> {
    Query::parse(request).map_err(|what| {
        Reply::error(400, "PGRST100", &format!("failed to parse the query: {what}"))
    })
}

fn prefers(request: &Request, what: &str) -> bool {
    let preferences = request.headers.iter().filter(|(name, _)| name == "prefer");
    preferences.flat_map(|(_, value)| value.split(',')).any(|held| held.trim() == what)
}

fn write_timestamp(instant: OffsetDateTime, style: TimestampStyle) -> String {
    const SECONDS: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let seconds = instant.format(&SECONDS).expect("every field of the format is set");
    // The database writes no trailing zeros: `.5`, and nothing at all on the full second.
    let micros = format!(".{:06}", instant.microsecond());
    let fraction = micros.trim_end_matches('0').trim_end_matches('.');
    match style {
        TimestampStyle::PostgRest => format!("{}{fraction}+00:00", seconds.replace(' ', "T")),
        TimestampStyle::PostgreSql => format!("{seconds}{fraction}+00"),
    }
}

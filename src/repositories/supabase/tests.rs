mod repetition;
mod rotation;

use std::time::Duration;

use secrecy::SecretString;
use tester_peers::Gate;
use tester_peers::http::Request;
use tester_peers::supabase::{Fault, HistoryRow, Route, SupabasePeer, TimestampStyle};
use time::OffsetDateTime;
use url::Url;

use super::*;
use crate::config::DataApiSettings;
use crate::crypto::MasterKey;
use crate::domain::{
    Charge, Deduction, GenerationId, NewGeneration, PageCursor, PageRequest, Refund, UserId,
};
use crate::repositories::behaviour::{
    Bench, GIFTS, LogEntry, assert_consistent, behaves_like_a_store, charge, first_page, pair, user,
};
use crate::repositories::{HistoryRepository as _, WalletRepository as _};

/// Far more than a call to a peer takes, for tests in which nothing hangs.
const PATIENT: Duration = Duration::from_secs(30);
/// For tests in which something does.
const HASTY: Duration = Duration::from_millis(50);

struct SupabaseBench {
    peer: SupabasePeer,
    store: Supabase,
}

impl SupabaseBench {
    fn with(peer: SupabasePeer, deadline: Duration) -> Self {
        let store = store_of(&peer, deadline);
        Self { peer, store }
    }

    fn change_row(&self, id: GenerationId, change: impl Fn(&mut HistoryRow)) {
        let mut rows = self.peer.rows();
        let row = rows.iter_mut().find(|row| row.id == id.0).expect("the row is there");
        change(row);
        self.peer.set_rows(rows);
    }

    /// A wallet of 80 tokens, made before anything fails.
    async fn with_wallet(self) -> Self {
        self.store.open(user(1), GIFTS, OffsetDateTime::now_utc()).await.expect("opens");
        self
    }
}

impl Bench for SupabaseBench {
    type Store = Supabase;

    async fn start() -> Self {
        Self::with(SupabasePeer::start().await.expect("a port"), PATIENT)
    }

    fn store(&self) -> &Supabase {
        &self.store
    }

    fn log(&self, user: UserId) -> Vec<LogEntry> {
        let log = self.peer.transactions(user.0).into_iter();
        log.map(|entry| (entry.kind, entry.amount, entry.balance_after)).collect()
    }

    fn stored_texts(&self) -> Vec<String> {
        let rows = self.peer.rows().into_iter();
        rows.flat_map(|row| [row.input_code, row.generated_code]).collect()
    }

    fn freeze(&self, instant: OffsetDateTime) {
        let mut rows = self.peer.rows();
        for row in &mut rows {
            row.created_at = instant;
        }
        self.peer.set_rows(rows);
    }

    fn swap_columns(&self, id: GenerationId) {
        self.change_row(id, |row| std::mem::swap(&mut row.input_code, &mut row.generated_code));
    }

    fn copy_texts(&self, from: GenerationId, to: GenerationId) {
        let rows = self.peer.rows();
        let source = rows.iter().find(|row| row.id == from.0).expect("the row is there");
        self.change_row(to, |row| {
            row.input_code.clone_from(&source.input_code);
            row.generated_code.clone_from(&source.generated_code);
        });
    }

    fn day_passes_to(&self, now: OffsetDateTime) {
        self.peer.set_clock(now);
    }
}

behaves_like_a_store!(SupabaseBench);

fn settings(url: &str, key: &str, deadline: Duration) -> DataApiSettings {
    DataApiSettings {
        url: Url::parse(url).expect("a URL"),
        service_role_key: SecretString::from(key),
        timeout: deadline,
    }
}

fn client() -> reqwest::Client {
    // Another test of this process may have installed it before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let none = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(none).build().expect("a client")
}

fn store_of(peer: &SupabasePeer, deadline: Duration) -> Supabase {
    let settings = settings(&peer.url(), peer.service_role_key(), deadline);
    Supabase::new(client(), &settings, FieldCipher::new(&MasterKey::from_bytes([7; 32])))
        .expect("the key fits a header")
}

type Meaning = fn(&RepositoryError) -> bool;

async fn failing(route: Route, fault: Fault, deadline: Duration) -> SupabaseBench {
    let bench = SupabaseBench::start().await.with_wallet().await;
    bench.peer.fail(route, fault);
    SupabaseBench { store: store_of(&bench.peer, deadline), peer: bench.peer }
}

fn answer(status: u16, code: &str) -> Fault {
    let body = format!(
        r#"{{"code":"{code}","message":"near SECRET","details":"Key (id)=(SECRET)","hint":null}}"#
    );
    Fault::Answer { status, body }
}

#[tokio::test]
async fn both_kinds_of_key_are_sent_as_the_project_wants_them() {
    let legacy = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl";
    for (key, bearer) in [
        (tester_peers::supabase::SERVICE_ROLE_KEY, None),
        (legacy, Some(format!("Bearer {legacy}"))),
    ] {
        let peer = SupabasePeer::start_with_key(key).await.expect("a port");
        let bench = SupabaseBench::with(peer, PATIENT);
        bench.store.ping().await.expect("the key is taken");
        let request = bench.peer.requests().remove(0);
        assert_eq!(request.header("apikey"), Some(key));
        assert_eq!(request.header("authorization"), bearer.as_deref());
    }
}

#[tokio::test]
async fn a_refused_key_is_told_as_such_and_never_shown() {
    let peer = SupabasePeer::start().await.expect("a port");
    let settings = settings(&peer.url(), "sb_secret_wrong", PATIENT);
    let cipher = FieldCipher::new(&MasterKey::from_bytes([7; 32]));
    let store = Supabase::new(client(), &settings, cipher).expect("the key fits a header");
    let error = store.ping().await.expect_err("refused");
    assert!(matches!(error, RepositoryError::Forbidden(_)), "{error}");
    assert!(!format!("{error:?} {store:?}").contains("sb_secret"), "{error:?} {store:?}");
}

#[test]
fn a_key_that_fits_no_header_is_refused_without_showing_it() {
    let cipher = FieldCipher::new(&MasterKey::from_bytes([7; 32]));
    let settings = settings("http://localhost", "sb_secret\nx", PATIENT);
    let error = Supabase::new(client(), &settings, cipher).expect_err("a line break");
    assert_eq!(error, InvalidServiceRoleKey);
    assert!(error.to_string().contains("SUPABASE_SERVICE_ROLE_KEY"));
}

#[tokio::test]
async fn a_url_with_a_path_keeps_its_path() {
    let peer = SupabasePeer::start().await.expect("a port");
    for (root, expected) in
        [("/", "/rest/v1/"), ("/base", "/base/rest/v1/"), ("/a/b/", "/a/b/rest/v1/")]
    {
        let settings = settings(&format!("{}{root}", peer.url()), peer.service_role_key(), PATIENT);
        let cipher = FieldCipher::new(&MasterKey::from_bytes([7; 32]));
        let store = Supabase::new(client(), &settings, cipher).expect("the key fits a header");
        let before = peer.requests().len();
        drop(store.ping().await);
        let requested = peer.requests().remove(before);
        assert_eq!(requested.path(), format!("{expected}generation_history"));
    }
}

#[tokio::test]
async fn an_answer_without_a_schema_says_to_apply_it() {
    for (status, code) in [(404, "42P01"), (404, "PGRST202"), (404, "PGRST205"), (400, "42703")] {
        let bench = failing(Route::SelectHistory, answer(status, code), PATIENT).await;
        let error = bench.store.ping().await.expect_err("no table");
        assert!(matches!(error, RepositoryError::SchemaMissing(_)), "{error}");
        assert!(error.to_string().contains("apply the migrations"), "{error}");
    }
}

#[tokio::test]
async fn every_error_of_the_project_has_its_meaning_and_shows_no_value() {
    let conflict = |error: &RepositoryError| matches!(error, RepositoryError::Conflict(_));
    let forbidden = |error: &RepositoryError| matches!(error, RepositoryError::Forbidden(_));
    let unavailable = |error: &RepositoryError| matches!(error, RepositoryError::Unavailable(_));
    let schema = |error: &RepositoryError| matches!(error, RepositoryError::SchemaMissing(_));
    let failed = |error: &RepositoryError| matches!(error, RepositoryError::Failed(_));
    let plain = |status: u16| Fault::Answer { status, body: "<html>SECRET</html>".to_owned() };
    let bench = SupabaseBench::start().await;
    let meanings: [(Fault, Meaning); 27] = [
        (answer(409, "23505"), conflict),
        (answer(409, "23503"), conflict),
        (answer(401, "42501"), forbidden),
        (answer(403, "42501"), forbidden),
        (answer(401, "PGRST301"), forbidden),
        (answer(401, "PGRST302"), forbidden),
        (answer(500, "57014"), unavailable),
        (answer(503, "PGRST000"), unavailable),
        (answer(504, "PGRST003"), unavailable),
        (answer(503, "53300"), unavailable),
        (answer(500, "40001"), unavailable),
        (answer(404, "42P01"), schema),
        (answer(404, "PGRST202"), schema),
        (answer(404, "PGRST205"), schema),
        (answer(400, "22P02"), failed),
        (answer(500, "XX000"), failed),
        (plain(301), failed),
        (plain(400), failed),
        (plain(401), forbidden),
        (plain(404), failed),
        (plain(429), unavailable),
        (plain(500), failed),
        (plain(502), unavailable),
        (plain(503), unavailable),
        (plain(504), unavailable),
        // A 2xx that is no answer to the question.
        (plain(201), failed),
        (Fault::Answer { status: 201, body: r#"{"SECRET":1}"#.to_owned() }, failed),
    ];
    for (fault, meant) in meanings {
        bench.peer.fail(Route::InsertHistory, fault.clone());
        let error = bench.store.insert(pair(user(1), "add")).await.expect_err("a fault");
        assert!(meant(&error), "{fault:?}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("SECRET"), "{fault:?}: {error:?}");
    }
    assert_eq!(bench.peer.rows(), []);
}

#[tokio::test]
async fn a_code_that_is_no_code_is_not_shown() {
    let body = r#"{"code":"SECRET VALUE 1234"}"#.to_owned();
    let fault = Fault::Answer { status: 400, body };
    let bench = failing(Route::SelectHistory, fault, PATIENT).await;
    let error = bench.store.ping().await.expect_err("a fault");
    assert!(!error.to_string().contains("SECRET"), "{error}");
}

#[tokio::test]
async fn a_project_that_does_not_answer_is_left_at_the_deadline() {
    for fault in [Fault::Hang, Fault::Hold(Gate::closed()), Fault::Flood] {
        let bench = failing(Route::SelectHistory, fault.clone(), HASTY).await;
        let error = bench.store.get(user(1), GenerationId::random()).await.expect_err("late");
        let bounded =
            matches!(&error, RepositoryError::Failed(text) if text.contains("longer than"));
        assert!(bounded || matches!(error, RepositoryError::Timeout), "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn an_answer_beyond_its_bound_is_not_read_on() {
    let bench = failing(Route::SelectHistory, Fault::Flood, PATIENT).await;
    let error = bench.store.ping().await.expect_err("too long");
    assert!(error.to_string().contains("longer than 16384 bytes"), "{error}");
}

#[tokio::test]
async fn a_broken_connection_is_an_unavailable_store() {
    for fault in [Fault::Break, Fault::CutAnswer] {
        let bench = failing(Route::SelectHistory, fault.clone(), PATIENT).await;
        let error = bench.store.ping().await.expect_err("broken");
        assert!(matches!(error, RepositoryError::Unavailable(_)), "{fault:?}: {error}");
    }
    let bench = SupabaseBench::start().await;
    let (url, store) = (bench.peer.url(), bench.store.clone());
    drop(bench);
    let error = store.ping().await.expect_err("nobody listens");
    assert!(matches!(error, RepositoryError::Unavailable(_)), "{error}");
    assert!(!error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn the_largest_page_fits_its_bound() {
    let bench = SupabaseBench::start().await;
    let code = "한".repeat(100_000);
    for _ in 0..3 {
        let generation = NewGeneration {
            input_code: code.clone(),
            generated_code: "𝕏".repeat(100_000),
            ..pair(user(1), "add")
        };
        bench.store.insert(generation).await.expect("stored");
    }
    let page = bench.store.list(user(1), first_page(2)).await.expect("within the bound");
    assert_eq!(page.rows.len(), 2);
    assert!(page.rows.iter().all(|row| row.input_code == code));
}

#[tokio::test]
async fn pages_are_asked_for_by_key_with_nothing_that_a_url_would_mangle() {
    let bench = SupabaseBench::start().await;
    let created_at = time::macros::datetime!(2026-11-24 12:00:00.000001 +9);
    let id = GenerationId(uuid::Uuid::from_u128(5));
    let after = Some(PageCursor { created_at, id });
    bench.store.list(user(1), PageRequest { limit: 20, after }).await.expect("a page");
    let request = bench.peer.requests().remove(0);
    assert!(!request.target.contains('+'), "{}", request.target);
    assert_eq!(request.query("user_id"), Some(format!("eq.{}", user(1))));
    assert_eq!(request.query("order").as_deref(), Some("created_at.desc,id.desc"));
    assert_eq!(request.query("limit").as_deref(), Some("21"));
    let instant = "2026-11-24T03:00:00.000001Z";
    let expected = format!("(created_at.lt.{instant},and(created_at.eq.{instant},id.lt.{id}))");
    assert_eq!(request.query("or"), Some(expected));
}

#[tokio::test]
async fn a_page_is_never_larger_than_the_contract_allows() {
    let bench = SupabaseBench::start().await;
    for (limit, asked) in [(0, "2"), (100, "101"), (u32::MAX, "101")] {
        bench.store.list(user(1), first_page(limit)).await.expect("a page");
        let request = bench.peer.requests().pop().expect("a request");
        assert_eq!(request.query("limit").as_deref(), Some(asked), "{limit}");
    }
}

#[tokio::test]
async fn timestamps_of_compatible_servers_are_read_too() {
    let bench = SupabaseBench::start().await;
    bench.peer.set_timestamp_style(TimestampStyle::PostgreSql);
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.insert(0, bench.store.insert(pair(user(1), name)).await.expect("stored").id);
    }
    let first = bench.store.list(user(1), first_page(2)).await.expect("a page");
    let request = PageRequest { limit: 2, after: first.next };
    let second = bench.store.list(user(1), request).await.expect("a page");
    let seen: Vec<_> = first.rows.iter().chain(&second.rows).map(|row| row.id).collect();
    ids.sort_by_key(|id| {
        let row = bench.peer.rows().into_iter().find(|row| row.id == id.0).expect("there");
        std::cmp::Reverse((row.created_at, row.id))
    });
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_name_too_long_for_its_column_is_cut_and_does_not_cost_the_row() {
    let bench = SupabaseBench::start().await;
    let generation = NewGeneration { model: "m".repeat(80), ..pair(user(1), "add") };
    let stored = bench.store.insert(generation).await.expect("stored");
    assert_eq!(stored.model, "m".repeat(50));
    assert_eq!(bench.peer.rows()[0].model, "m".repeat(50));
}

#[tokio::test]
async fn a_row_whose_key_is_gone_leaves_the_others_readable() {
    let bench = SupabaseBench::start().await;
    let stored = bench.store.insert(pair(user(1), "add")).await.expect("stored");
    let damaged = bench.store.insert(pair(user(1), "sub")).await.expect("stored");
    let other_key = FieldCipher::new(&MasterKey::from_bytes([8; 32]));
    let settings = settings(&bench.peer.url(), bench.peer.service_role_key(), PATIENT);
    let other = Supabase::new(client(), &settings, other_key).expect("the key fits a header");
    let foreign = other.insert(pair(user(1), "mul")).await.expect("stored");
    bench.change_row(damaged.id, |row| row.input_code.truncate(60));
    let page = bench.store.list(user(1), first_page(50)).await.expect("a page");
    assert_eq!(page.rows, [stored]);
    assert_eq!(page.unreadable.len(), 2);
    let error = bench.store.get(user(1), foreign.id).await.expect_err("another key");
    assert!(error.to_string().contains("a key that is not in the ring"), "{error}");
    let error = bench.store.get(user(1), damaged.id).await.expect_err("cut off");
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[tokio::test]
async fn a_wallet_function_that_refuses_for_another_reason_is_a_failure() {
    for (body, shown) in [
        (r#"{"success":false,"error":"WALLET_FROZEN","current_balance":5}"#, "WALLET_FROZEN"),
        (r#"{"success":false,"error":"value SECRET"}"#, "no reason given"),
        (r#"{"success":false}"#, "no reason given"),
        (r#"{"success":true}"#, "no balance"),
        (r#"{"success":true,"current_balance":-1}"#, "no balance"),
        ("null", "not what was asked for"),
        ("[]", "not what was asked for"),
    ] {
        let fault = Fault::Answer { status: 200, body: body.to_owned() };
        let bench = failing(Route::DeductTokens, fault, PATIENT).await;
        let error = bench.store.deduct(charge(user(1), 10)).await.expect_err("refused");
        assert!(matches!(error, RepositoryError::Failed(_)), "{body}: {error}");
        assert!(error.to_string().contains(shown), "{body}: {error}");
    }
}

#[tokio::test]
async fn the_bonus_that_was_claimed_before_is_no_error_either_way_it_is_told() {
    for success in [true, false] {
        let body =
            format!(r#"{{"success":{success},"already_claimed":true,"current_balance":42}}"#);
        let fault = Fault::Answer { status: 200, body };
        let bench = failing(Route::ClaimDailyBonus, fault, PATIENT).await;
        let wallet = bench.store.open(user(1), GIFTS, OffsetDateTime::now_utc()).await;
        let wallet = wallet.expect("opens");
        assert_eq!((wallet.current_tokens, wallet.daily_bonus_claimed), (42, true));
    }
}

#[tokio::test]
async fn a_slow_project_delays_only_those_who_ask_it() {
    let gate = Gate::closed();
    let bench = failing(Route::DeductTokens, Fault::Hold(gate.clone()), PATIENT).await;
    let store = bench.store.clone();
    let waiting = tokio::spawn(async move { store.deduct(charge(user(1), 10)).await });
    bench.peer.requested(Route::DeductTokens, 1).await;
    bench.store.ping().await.expect("answered meanwhile");
    assert!(!waiting.is_finished());
    gate.open();
    let outcome = waiting.await.expect("no panic").expect("an answer");
    assert_eq!(outcome, Deduction::Deducted { balance: 70 });
}

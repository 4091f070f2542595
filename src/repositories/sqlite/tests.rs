use std::collections::HashMap;
use std::fs;

use futures_util::FutureExt as _;
use proptest::prelude::*;
use rusqlite::params;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::*;
use crate::crypto::MasterKey;
use crate::domain::{Charge, Deduction, GenerationId, Refund, Tokens, UserId};
use crate::repositories::behaviour::{
    Bench, GIFTS, LogEntry, assert_consistent, behaves_like_a_store, charge, first_page, pair, user,
};
use crate::repositories::sealed::micros_of;
use crate::repositories::{HistoryRepository as _, WalletRepository as _};

struct SqliteBench {
    folder: TempDir,
    store: Sqlite,
}

impl Bench for SqliteBench {
    type Store = Sqlite;

    async fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = open(folder.path()).expect("a fresh database");
        Self { folder, store }
    }

    fn store(&self) -> &Sqlite {
        &self.store
    }

    fn log(&self, user: UserId) -> Vec<LogEntry> {
        log_in(self.folder.path(), user)
    }

    fn stored_texts(&self) -> Vec<String> {
        let connection = look_into(self.folder.path());
        let mut statement = connection
            .prepare(
                "SELECT input_code FROM generation_history
                 UNION ALL SELECT generated_code FROM generation_history",
            )
            .expect("a query");
        let texts = statement.query_map([], |row| row.get(0)).expect("rows");
        texts.collect::<Result<_, _>>().expect("texts")
    }

    fn freeze(&self, instant: OffsetDateTime) {
        let statement = "UPDATE generation_history SET created_at = ?1";
        look_into(self.folder.path()).execute(statement, [micros_of(instant)]).expect("changed");
    }

    fn swap_columns(&self, id: GenerationId) {
        let statement = "UPDATE generation_history
            SET input_code = generated_code, generated_code = input_code WHERE id = ?1";
        look_into(self.folder.path()).execute(statement, [id.0.into_bytes()]).expect("changed");
    }

    fn copy_texts(&self, from: GenerationId, to: GenerationId) {
        let statement = "UPDATE generation_history
            SET (input_code, generated_code) =
                (SELECT input_code, generated_code FROM generation_history WHERE id = ?1)
            WHERE id = ?2";
        look_into(self.folder.path())
            .execute(statement, params![from.0.into_bytes(), to.0.into_bytes()])
            .expect("changed");
    }

    fn day_passes_to(&self, _now: OffsetDateTime) {}
}

behaves_like_a_store!(SqliteBench);

fn open(folder: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(folder, FieldCipher::new(&MasterKey::from_bytes([7; 32])))
}

/// A second connection: what another program sees.
fn look_into(folder: &Path) -> Connection {
    Connection::open(folder.join(DATABASE_FILE)).expect("the database")
}

fn log_in(folder: &Path, user: UserId) -> Vec<LogEntry> {
    let connection = look_into(folder);
    let mut statement = connection
        .prepare(
            "SELECT type, amount, balance_after FROM token_transactions
             WHERE user_id = ?1 ORDER BY id",
        )
        .expect("a query");
    let rows = statement
        .query_map([user.0.into_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .expect("rows");
    rows.collect::<Result<_, _>>().expect("entries")
}

async fn balance(store: &Sqlite, user: UserId) -> Tokens {
    let now = OffsetDateTime::now_utc();
    store.open(user, GIFTS, now).await.expect("the wallet opens").current_tokens
}

/// What a killed process leaves behind: the files as they are, nothing closed.
fn copy_as_killed(from: &Path) -> TempDir {
    let to = TempDir::new().expect("a folder");
    for name in [DATABASE_FILE.to_owned(), format!("{DATABASE_FILE}-wal")] {
        fs::copy(from.join(&name), to.path().join(&name)).expect("the file is there");
    }
    to
}

#[tokio::test]
async fn everything_confirmed_survives_a_kill_and_open_charges_are_given_back_once() {
    let bench = SqliteBench::start().await;
    balance(&bench.store, user(1)).await;
    let stored = bench.store.insert(pair(user(1), "add")).await.expect("stored");
    let (settled, refunded) = (charge(user(1), 10), charge(user(1), 10));
    for charge in [settled, refunded] {
        bench.store.deduct(charge).await.expect("taken");
    }
    bench.store.settle(settled).await.expect("settled");
    bench.store.refund(refunded).await.expect("given");
    let cut_off = [charge(user(1), 10), charge(user(1), 7)];
    for charge in cut_off {
        bench.store.deduct(charge).await.expect("taken");
    }

    let remains = copy_as_killed(bench.folder.path());
    let reopened = open(remains.path()).expect("it opens again");
    assert_eq!(reopened.get(user(1), stored.id).await.expect("read"), Some(stored));
    assert_eq!(balance(&reopened, user(1)).await, 70);
    for charge in cut_off {
        assert_eq!(reopened.refund(charge).await.expect("an answer"), Refund::AlreadyClosed);
    }
    drop(reopened);

    let again = open(remains.path()).expect("and again");
    assert_eq!(balance(&again, user(1)).await, 70);
    assert_consistent(&log_in(remains.path(), user(1)), 70);
    let reasons: i64 = look_into(remains.path())
        .query_row(
            "SELECT count(*) FROM token_transactions
             WHERE type = 'refund' AND description LIKE '%stopped before%'",
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(reasons, 2);
}

#[tokio::test]
async fn a_dropped_store_can_be_opened_again_at_once() {
    let bench = SqliteBench::start().await;
    let stored = bench.store.insert(pair(user(1), "add")).await.expect("stored");
    let other_handle = bench.store.clone();
    drop(bench.store);
    assert!(matches!(open(bench.folder.path()), Err(OpenError::InUse { .. })));
    drop(other_handle);
    let again = open(bench.folder.path()).expect("closed by its last handle");
    assert_eq!(again.get(user(1), stored.id).await.expect("read"), Some(stored));
}

#[tokio::test]
async fn a_command_is_carried_out_although_its_caller_left() {
    let bench = SqliteBench::start().await;
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let (holds, held) = tokio::sync::oneshot::channel();
    let store = bench.store.clone();
    let blocker = tokio::spawn(async move {
        let wait = move |_: &mut Connection| {
            holds.send(()).expect("the test waits");
            gate.recv().expect("the test lets go");
            Ok(())
        };
        store.owner.call(wait).await
    });
    held.await.expect("the owner is held up");
    // One poll puts the command into the queue; then its caller goes away.
    assert!(bench.store.insert(pair(user(1), "add")).now_or_never().is_none());
    release.send(()).expect("the owner waits");
    blocker.await.expect("no panic").expect("done");
    let page = bench.store.list(user(1), first_page(10)).await.expect("a page");
    assert_eq!(page.rows.len(), 1);
}

#[test]
fn a_second_process_is_told_that_the_folder_is_in_use() {
    let folder = TempDir::new().expect("a folder");
    let _first = open(folder.path()).expect("the first");
    let error = open(folder.path()).expect_err("the second");
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("stop it or choose another folder"), "{error}");
}

#[test]
fn folder_and_files_are_for_their_owner_only() {
    let parent = TempDir::new().expect("a folder");
    let folder = parent.path().join("nested").join("data");
    let _store = open(&folder).expect("a fresh database");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().expect("a name").to_string_lossy().into_owned());
    }
    assert!(names.iter().any(|name| name.ends_with("-wal")), "{names:?}");
}

#[test]
fn a_database_that_others_could_read_is_closed_to_them() {
    let folder = TempDir::new().expect("a folder");
    drop(open(folder.path()).expect("a fresh database"));
    let path = folder.path().join(DATABASE_FILE);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("changed");
    let _store = open(folder.path()).expect("it opens");
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_path_that_is_no_folder_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let error = open(&file).expect_err("no folder");
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone_and_named() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(DATABASE_FILE);
    let contents = "these are somebody's notes, not a database. ".repeat(100);
    fs::write(&path, &contents).expect("written");
    let error = open(folder.path()).expect_err("no database");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(DATABASE_FILE), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("still there"), contents);
}

#[test]
fn a_database_of_a_newer_release_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    drop(open(folder.path()).expect("a fresh database"));
    look_into(folder.path()).pragma_update(None, "user_version", 99).expect("changed");
    let error = open(folder.path()).expect_err("newer");
    assert!(matches!(error, OpenError::Newer { found: 99, known: 1, .. }), "{error}");
}

#[tokio::test]
async fn trouble_with_the_file_says_what_to_do() {
    let bench = SqliteBench::start().await;
    balance(&bench.store, user(1)).await;
    let pragma = async |name: &'static str, value: i64| {
        let set = move |connection: &mut Connection| {
            connection.query_row(&format!("PRAGMA {name} = {value}"), [], |_| Ok(())).or_else(
                |error| match error {
                    rusqlite::Error::QueryReturnedNoRows => Ok(()),
                    error => Err(error),
                },
            )?;
            Ok(())
        };
        bench.store.owner.call(set).await.expect("set");
    };
    let big = || {
        let mut generation = pair(user(1), "add");
        generation.input_code = "x".repeat(400_000);
        generation
    };
    let unavailable = |error: RepositoryError, advice: &str| {
        assert!(
            matches!(&error, RepositoryError::Unavailable(text) if text.contains(advice)),
            "{error}"
        );
    };

    pragma("max_page_count", 1).await;
    let full = bench.store.insert(big()).await.expect_err("no place left");
    unavailable(full, "free some space");
    pragma("max_page_count", 1 << 30).await;

    pragma("query_only", 1).await;
    let read_only = bench.store.deduct(charge(user(1), 10)).await.expect_err("read-only");
    unavailable(read_only, "check the permissions");
    pragma("query_only", 0).await;

    pragma("busy_timeout", 0).await;
    let other = look_into(bench.folder.path());
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let locked = bench.store.deduct(charge(user(1), 10)).await.expect_err("locked");
    unavailable(locked, "another program");
    other.execute_batch("ROLLBACK").expect("let go");

    // None of it left a trace.
    bench.store.ping().await.expect("it answers");
    assert_eq!(balance(&bench.store, user(1)).await, 80);
    assert_consistent(&bench.log(user(1)), 80);
    bench.store.insert(big()).await.expect("stored");
}

#[tokio::test]
async fn the_database_itself_refuses_a_balance_below_zero() {
    let bench = SqliteBench::start().await;
    balance(&bench.store, user(1)).await;
    let other = look_into(bench.folder.path());
    assert!(other.execute("UPDATE user_tokens SET balance = -1", []).is_err());
}

#[tokio::test]
async fn a_reference_is_charged_once_even_after_it_was_closed() {
    let bench = SqliteBench::start().await;
    balance(&bench.store, user(1)).await;
    let charge = charge(user(1), 10);
    bench.store.deduct(charge).await.expect("taken");
    bench.store.refund(charge).await.expect("given");
    let error = bench.store.deduct(charge).await.expect_err("a conflict");
    assert!(matches!(error, RepositoryError::Conflict(_)), "{error}");
    assert_eq!(balance(&bench.store, user(1)).await, 80);
}

#[tokio::test]
async fn a_clock_that_goes_back_claims_no_second_bonus() {
    let bench = SqliteBench::start().await;
    let noon = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    for (days, expected) in [(0, 80), (1, 110), (0, 110), (1, 110), (2, 140)] {
        let now = noon + time::Duration::days(days);
        let wallet = bench.store.open(user(1), GIFTS, now).await.expect("opens");
        assert_eq!(wallet.current_tokens, expected, "day {days}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Open { day: i64 },
    Deduct { charge: usize, amount: Tokens },
    Settle { charge: usize },
    Refund { charge: usize },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..4_i64).prop_map(|day| Step::Open { day }),
        6 => (0..8_usize, 1..60_u32).prop_map(|(charge, amount)| Step::Deduct { charge, amount }),
        2 => (0..8_usize).prop_map(|charge| Step::Settle { charge }),
        4 => (0..8_usize).prop_map(|charge| Step::Refund { charge }),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..40)
}

/// The wallet as it should be, in a few lines.
#[derive(Default)]
struct Model {
    balance: Option<Tokens>,
    last_bonus: Option<i64>,
    used: HashMap<usize, Tokens>,
    open: HashMap<usize, Tokens>,
}

impl Model {
    fn open_wallet(&mut self, day: i64) -> Tokens {
        let balance = self.balance.get_or_insert(GIFTS.welcome);
        if self.last_bonus.is_none_or(|last| last < day) {
            self.last_bonus = Some(day);
            *balance += GIFTS.daily;
        }
        *balance
    }

    fn give_back(&mut self, charge: usize) -> Refund {
        match (self.open.remove(&charge), &mut self.balance) {
            (Some(amount), Some(balance)) => {
                *balance += amount;
                Refund::Refunded { balance: *balance }
            }
            _ => Refund::AlreadyClosed,
        }
    }
}

async fn take(steps: Vec<Step>) {
    let mut bench = SqliteBench::start().await;
    let mut model = Model::default();
    let references: Vec<_> = (0..8).map(|_| GenerationId::random()).collect();
    let charge_of =
        |number: usize, amount| Charge { user: user(1), amount, reference: references[number] };
    for step in steps {
        match step {
            Step::Open { day } => {
                let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000 + day);
                let wallet = bench.store.open(user(1), GIFTS, now).await.expect("opens");
                assert_eq!(wallet.current_tokens, model.open_wallet(day));
            }
            Step::Deduct { charge, amount } => {
                let outcome = bench.store.deduct(charge_of(charge, amount)).await;
                let Some(current) = model.balance else {
                    assert_eq!(outcome.expect("an answer"), Deduction::NoWallet);
                    continue;
                };
                if current < amount {
                    assert_eq!(outcome.expect("an answer"), Deduction::Insufficient { current });
                } else if model.used.contains_key(&charge) {
                    assert!(matches!(outcome, Err(RepositoryError::Conflict(_))));
                } else {
                    let balance = current - amount;
                    assert_eq!(outcome.expect("an answer"), Deduction::Deducted { balance });
                    model.balance = Some(balance);
                    model.used.insert(charge, amount);
                    model.open.insert(charge, amount);
                }
            }
            Step::Settle { charge } => {
                bench.store.settle(charge_of(charge, 1)).await.expect("settled");
                model.open.remove(&charge);
            }
            Step::Refund { charge } => {
                let outcome = bench.store.refund(charge_of(charge, 1)).await.expect("an answer");
                assert_eq!(outcome, model.give_back(charge));
            }
            Step::Reopen => {
                let SqliteBench { folder, store } = bench;
                drop(store);
                let store = open(folder.path()).expect("it opens again");
                bench = SqliteBench { folder, store };
                for charge in 0..8 {
                    model.give_back(charge);
                }
            }
        }
        assert_consistent(&bench.log(user(1)), model.balance.unwrap_or(0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_log_adds_up_to_the_balance(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(take(steps));
    }
}

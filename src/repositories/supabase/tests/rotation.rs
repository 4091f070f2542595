//! Rotation against every fault; `tests/data` does it to a real database and kills it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;

/// What Python's `cryptography` made under the key of 32 times 7, of the text beside it.
const FERNET: (&str, &str) = (
    "gAAAAABrBcWl0xbNsQ0EqUO1TSR_ANpCw5ETpeW4LcTaRSxp7Fp2tOFBpxxsYYeabh5Tv1Ho5t0Z9nVecTGFLiTBziko2_yf3Cx855dhudMJLoYSkw1AHg5aFrD53zQe4jLrsgPuw60k",
    "def 더하기(a, b): return a + b",
);

fn key(byte: u8) -> MasterKey {
    MasterKey::from_bytes([byte; 32])
}

/// The project with the ring of a rotation: a new key, and the bench's own retired.
fn rotating(bench: &SupabaseBench) -> Supabase {
    with_ring(bench, &FieldCipher::with_retired(&key(8), &[key(7)]))
}

fn with_ring(bench: &SupabaseBench, cipher: &FieldCipher) -> Supabase {
    let settings = settings(&bench.peer.url(), bench.peer.service_role_key(), PATIENT);
    Supabase::new(client(), &settings, cipher.clone()).expect("the key fits a header")
}

fn row(id: u128, input_code: &str, generated_code: &str) -> HistoryRow {
    HistoryRow {
        id: Uuid::from_u128(id),
        user_id: user(1).0,
        input_code: input_code.to_owned(),
        generated_code: generated_code.to_owned(),
        language: "python".to_owned(),
        model: "gemini-3.8-flash".to_owned(),
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

/// Rows of every age: under the bench's key, of an earlier service, partly empty.
async fn aged(rows: usize) -> SupabaseBench {
    let bench = SupabaseBench::start().await;
    for number in 0..rows {
        bench.store.insert(pair(user(1), &format!("f{number}"))).await.expect("stored");
    }
    let mut held = bench.peer.rows();
    held.extend([row(1, FERNET.0, FERNET.0), row(2, FERNET.0, ""), row(3, "", "")]);
    bench.peer.set_rows(held);
    bench
}

async fn texts(store: &Supabase) -> BTreeMap<GenerationId, (String, String)> {
    let page = store.list(user(1), first_page(100)).await.expect("a page");
    assert_eq!(page.unreadable, [], "every row is readable");
    let texts = page.rows.into_iter();
    texts.map(|row| (row.id, (row.input_code, row.generated_code))).collect()
}

#[tokio::test]
async fn every_row_is_brought_under_the_new_key_and_says_the_same() {
    let bench = aged(7).await;
    let before = texts(&bench.store).await;
    let mut told = Vec::new();
    let store = rotating(&bench);
    let report = store.rotate(RotationMode::Rotate, 3, |so_far| told.push(so_far.seen));
    let report = report.await.expect("rotated");
    assert_eq!((report.rows, report.remaining), (10, 0));
    let rotation = report.rotation;
    assert_eq!((rotation.seen, rotation.rotated, rotation.legacy), (9, 9, 2), "one is empty");
    assert!(rotation.all_readable());
    assert_eq!(told, [3, 6, 9]);
    let after = with_ring(&bench, &FieldCipher::new(&key(8)));
    assert_eq!(texts(&after).await, before, "the old key is needed no more");
    let fernet = before[&GenerationId(Uuid::from_u128(2))].clone();
    assert_eq!(fernet, (FERNET.1.to_owned(), String::new()));
}

#[tokio::test]
async fn a_second_rotation_reads_and_writes_nothing() {
    let bench = aged(3).await;
    let store = rotating(&bench);
    store.rotate(RotationMode::Rotate, 50, |_| ()).await.expect("rotated");
    let (before, written) = (bench.peer.rows(), bench.peer.requests_to(Route::UpdateHistory).len());
    let report = store.rotate(RotationMode::Rotate, 50, |_| ()).await.expect("nothing to do");
    assert_eq!((report.rotation.seen, report.remaining), (0, 0));
    assert_eq!(bench.peer.rows(), before);
    assert_eq!(bench.peer.requests_to(Route::UpdateHistory).len(), written);
}

#[tokio::test]
async fn a_dry_run_opens_every_row_and_writes_none() {
    let bench = aged(4).await;
    let before = bench.peer.rows();
    let store = rotating(&bench);
    let report = store.rotate(RotationMode::DryRun, 2, |_| ()).await.expect("read");
    assert_eq!((report.rotation.seen, report.rotation.rotated), (7, 6));
    assert_eq!((report.rows, report.remaining), (7, 6));
    assert_eq!(bench.peer.rows(), before);
    assert_eq!(bench.peer.requests_to(Route::UpdateHistory).len(), 0);
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_named_and_left_as_they_are() {
    let bench = aged(2).await;
    let mut rows = bench.peer.rows();
    let foreign = FieldCipher::new(&key(9));
    let foreign = with_ring(&bench, &foreign).insert(pair(user(1), "x")).await.expect("stored");
    rows.extend(bench.peer.rows().into_iter().filter(|row| row.id == foreign.id.0));
    rows.push(row(4, FERNET.0, &FERNET.0[..60]));
    rows.push(row(5, "def plain(): pass", ""));
    bench.peer.set_rows(rows);
    let report = rotating(&bench).rotate(RotationMode::Rotate, 2, |_| ()).await.expect("the rest");
    let named: Vec<_> = report.rotation.unreadable.keys().map(|id| id.0).collect();
    let mut expected = vec![Uuid::from_u128(4), Uuid::from_u128(5), foreign.id.0];
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(report.remaining, 3);
    let reasons = format!("{:?}", report.rotation.unreadable);
    assert!(reasons.contains("a key that is not in the ring"), "{reasons}");
    assert!(!reasons.contains("def plain") && !reasons.contains("gAAAA"), "{reasons}");
    let left = bench.peer.rows().into_iter().find(|row| row.id == Uuid::from_u128(4));
    assert_eq!(left.expect("there").input_code, FERNET.0, "a row is written whole or not at all");
}

#[tokio::test]
async fn rows_that_are_still_written_under_the_old_key_are_met_by_another_pass() {
    let bench = aged(3).await;
    let (store, late) = (rotating(&bench), row(u128::MAX, FERNET.0, FERNET.0));
    // Behind the last page of the first pass: the count that follows finds it.
    let behind = row(0, FERNET.0, FERNET.0);
    let mut arrived = false;
    let report = store.rotate(RotationMode::Rotate, 50, |_| {
        if !arrived {
            arrived = true;
            let mut rows = bench.peer.rows();
            rows.extend([late.clone(), behind.clone()]);
            bench.peer.set_rows(rows);
        }
    });
    let report = report.await.expect("rotated");
    assert_eq!((report.rows, report.remaining), (8, 0));
    assert_eq!(report.rotation.rotated, 7);
}

#[tokio::test]
async fn a_row_that_its_owner_deletes_meanwhile_stays_deleted() {
    let bench = aged(2).await;
    let gate = Gate::closed();
    bench.peer.fail_times(Route::UpdateHistory, Fault::Hold(gate.clone()), 1);
    let store = rotating(&bench);
    let rotation =
        tokio::spawn(async move { store.rotate(RotationMode::Rotate, 50, |_| ()).await });
    bench.peer.requested(Route::UpdateHistory, 1).await;
    bench.store.delete_all(user(1)).await.expect("deleted");
    gate.open();
    let report = rotation.await.expect("no panic").expect("rotated");
    assert_eq!((report.rows, report.remaining), (0, 0));
    assert_eq!(bench.peer.rows(), []);
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed_and_one_that_stays_stops_it_where_it_was() {
    let bench = aged(5).await;
    let before = texts(&bench.store).await;
    for route in [Route::SelectHistory, Route::UpdateHistory] {
        bench.peer.fail_times(route, Fault::LoseAnswer, 2);
    }
    rotating(&bench).rotate(RotationMode::Rotate, 2, |_| ()).await.expect("rotated");
    let after = FieldCipher::with_retired(&key(9), &[key(8)]);
    bench.peer.fail(Route::UpdateHistory, answer(503, "PGRST001"));
    let again = with_ring(&bench, &after);
    let stopped = again.rotate(RotationMode::Rotate, 2, |_| ()).await.expect_err("stays");
    assert!(matches!(stopped, RepositoryError::Unavailable(_)), "{stopped}");
    assert_eq!(texts(&again).await, before, "whatever was done and not");
    bench.peer.heal();
    let report = again.rotate(RotationMode::Rotate, 2, |_| ()).await.expect("goes on");
    assert_eq!((report.remaining, report.rotation.all_readable()), (0, true));
    assert_eq!(texts(&with_ring(&bench, &FieldCipher::new(&key(9)))).await, before);
}

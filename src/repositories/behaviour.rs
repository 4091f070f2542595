//! What every store must do, written once and run against each of them.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{HistoryRepository, RepositoryError, WalletRepository};
use crate::domain::{
    Charge, Deduction, Generation, GenerationId, HistoryPage, LanguageCode, NewGeneration,
    PageRequest, Refund, Tokens, UserId, WalletGifts,
};

/// An entry of a wallet's log: its kind, its amount and the balance it led to.
pub(super) type LogEntry = (String, i64, i64);

pub(super) const GIFTS: WalletGifts = WalletGifts { welcome: 50, daily: 30 };

/// A store under test, and what can be seen and done behind its back.
pub(super) trait Bench {
    type Store: HistoryRepository + WalletRepository + Clone + Send + 'static;

    async fn start() -> Self;

    fn store(&self) -> &Self::Store;

    /// The log of a wallet, oldest first.
    fn log(&self, user: UserId) -> Vec<LogEntry>;

    /// Every text as it lies in the history table.
    fn stored_texts(&self) -> Vec<String>;

    /// Gives every row the same instant.
    fn freeze(&self, instant: OffsetDateTime);

    /// Exchanges the two texts of one row.
    fn swap_columns(&self, id: GenerationId);

    /// Gives one row both texts of another one.
    fn copy_texts(&self, from: GenerationId, to: GenerationId);

    /// Makes it the next day, as far as the store has a clock of its own.
    fn day_passes_to(&self, now: OffsetDateTime);
}

/// Makes a test of every behaviour for one bench.
macro_rules! behaves_like_a_store {
    ($bench:ident) => {
        $crate::repositories::behaviour::behaves_like_a_store! { $bench:
            a_stored_pair_is_read_back_as_it_was
            texts_are_stored_sealed_and_nothing_else_is
            the_same_id_is_stored_once
            a_row_is_invisible_to_everybody_else
            deleting_removes_one_row_and_says_so
            deleting_all_removes_the_rows_of_one_user_and_counts_them
            pages_follow_each_other_without_gap_or_repetition
            rows_of_one_instant_are_paged_by_id
            a_page_that_holds_the_last_row_has_no_next
            a_value_moved_to_another_column_or_row_is_named_unreadable
            a_new_wallet_gets_the_welcome_gift_and_the_bonus_of_the_day
            the_bonus_comes_once_a_day
            a_charge_beyond_the_balance_takes_nothing
            a_user_without_a_wallet_has_nothing_to_charge
            a_charge_is_refunded_at_most_once
            a_settled_charge_is_not_refunded
            a_charge_that_was_never_made_is_not_refunded
            a_charge_of_another_user_is_not_refunded
            the_same_charge_is_made_once
            parallel_charges_never_take_more_than_there_is_and_none_is_lost
            parallel_refunds_of_one_charge_give_it_back_once
            an_abandoned_charge_is_given_back_once_and_a_fresh_one_is_left_alone
            a_settled_charge_is_not_abandoned
        }
    };
    ($bench:ident: $($behaviour:ident)*) => {
        mod behaves {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let bench = <super::$bench as $crate::repositories::behaviour::Bench>::start();
                    $crate::repositories::behaviour::$behaviour(bench.await).await;
                }
            )*
        }
    };
}
pub(super) use behaves_like_a_store;

pub(super) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

pub(super) fn pair(user: UserId, name: &str) -> NewGeneration {
    NewGeneration {
        id: GenerationId::random(),
        user,
        input_code: format!("def {name}(): return '더하기'"),
        generated_code: format!("def test_{name}(): assert {name}()"),
        language: LanguageCode::Python,
        model: "gemini-3.8-flash".to_owned(),
    }
}

pub(super) fn charge(user: UserId, amount: Tokens) -> Charge {
    Charge { user, amount, reference: GenerationId::random() }
}

pub(super) fn first_page(limit: u32) -> PageRequest {
    PageRequest { limit, after: None }
}

/// The log adds up to the balance, entry by entry.
pub(super) fn assert_consistent(log: &[LogEntry], balance: Tokens) {
    let mut sum = 0;
    for (kind, amount, balance_after) in log {
        sum += amount;
        assert_eq!(sum, *balance_after, "{kind} in {log:?}");
        assert!(sum >= 0, "{log:?}");
    }
    assert_eq!(sum, i64::from(balance), "{log:?}");
}

async fn balance<B: Bench>(bench: &B, user: UserId) -> Tokens {
    let now = OffsetDateTime::now_utc();
    bench.store().open(user, GIFTS, now).await.expect("the wallet opens").current_tokens
}

async fn store_pairs<B: Bench>(bench: &B, user: UserId, count: usize) -> Vec<Generation> {
    let mut stored = Vec::new();
    for number in 0..count {
        let generation = pair(user, &format!("f{number}"));
        stored.push(bench.store().insert(generation).await.expect("stored"));
    }
    stored
}

async fn all_pages<B: Bench>(bench: &B, user: UserId, limit: u32) -> Vec<HistoryPage> {
    let mut pages = Vec::new();
    let mut request = first_page(limit);
    loop {
        let page = bench.store().list(user, request).await.expect("a page");
        request.after = page.next;
        pages.push(page);
        if request.after.is_none() {
            return pages;
        }
    }
}

pub(super) async fn a_stored_pair_is_read_back_as_it_was<B: Bench>(bench: B) {
    let new = pair(user(1), "add");
    let stored = bench.store().insert(new.clone()).await.expect("stored");
    assert_eq!((stored.id, &stored.input_code), (new.id, &new.input_code));
    assert_eq!((&stored.generated_code, &stored.model), (&new.generated_code, &new.model));
    assert_eq!(stored.language, "python");
    assert_eq!(stored.created_at.nanosecond() % 1_000, 0, "whole microseconds");
    assert!((OffsetDateTime::now_utc() - stored.created_at).abs() < Duration::minutes(1));
    let read = bench.store().get(user(1), new.id).await.expect("read");
    assert_eq!(read.as_ref(), Some(&stored));
    let page = bench.store().list(user(1), first_page(50)).await.expect("a page");
    assert_eq!(page.rows, [stored]);
}

pub(super) async fn texts_are_stored_sealed_and_nothing_else_is<B: Bench>(bench: B) {
    store_pairs(&bench, user(1), 1).await;
    let texts = bench.stored_texts();
    assert_eq!(texts.len(), 2);
    for text in texts {
        assert!(text.starts_with("t1."), "{text}");
        assert!(!text.contains("def "), "{text}");
    }
}

pub(super) async fn the_same_id_is_stored_once<B: Bench>(bench: B) {
    let new = pair(user(1), "add");
    bench.store().insert(new.clone()).await.expect("stored");
    let again = NewGeneration { input_code: "other".to_owned(), ..new.clone() };
    let error = bench.store().insert(again).await.expect_err("a conflict");
    assert!(matches!(error, RepositoryError::Conflict(_)), "{error}");
    assert!(!error.to_string().contains(&new.id.to_string()), "{error}");
    let read = bench.store().get(user(1), new.id).await.expect("read").expect("there");
    assert_eq!(read.input_code, new.input_code);
}

pub(super) async fn a_row_is_invisible_to_everybody_else<B: Bench>(bench: B) {
    let stored = store_pairs(&bench, user(1), 1).await.remove(0);
    let store = bench.store();
    assert_eq!(store.get(user(2), stored.id).await.expect("read"), None);
    assert!(!store.delete(user(2), stored.id).await.expect("not deleted"));
    assert_eq!(store.delete_all(user(2)).await.expect("none deleted"), 0);
    let page = store.list(user(2), first_page(50)).await.expect("a page");
    assert!(page.rows.is_empty() && page.unreadable.is_empty());
    assert_eq!(store.get(user(1), stored.id).await.expect("read"), Some(stored));
}

pub(super) async fn deleting_removes_one_row_and_says_so<B: Bench>(bench: B) {
    let stored = store_pairs(&bench, user(1), 2).await;
    let store = bench.store();
    assert!(store.delete(user(1), stored[0].id).await.expect("deleted"));
    assert!(!store.delete(user(1), stored[0].id).await.expect("gone already"));
    assert_eq!(store.get(user(1), stored[0].id).await.expect("read"), None);
    assert!(store.get(user(1), stored[1].id).await.expect("read").is_some());
}

pub(super) async fn deleting_all_removes_the_rows_of_one_user_and_counts_them<B: Bench>(bench: B) {
    store_pairs(&bench, user(1), 3).await;
    store_pairs(&bench, user(2), 1).await;
    let store = bench.store();
    assert_eq!(store.delete_all(user(1)).await.expect("deleted"), 3);
    assert_eq!(store.delete_all(user(1)).await.expect("none left"), 0);
    let page = store.list(user(2), first_page(50)).await.expect("a page");
    assert_eq!(page.rows.len(), 1);
}

pub(super) async fn pages_follow_each_other_without_gap_or_repetition<B: Bench>(bench: B) {
    let mut stored = store_pairs(&bench, user(1), 7).await;
    store_pairs(&bench, user(2), 2).await;
    stored.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    let pages = all_pages(&bench, user(1), 3).await;
    let lengths: Vec<_> = pages.iter().map(|page| page.rows.len()).collect();
    assert_eq!(lengths, [3, 3, 1]);
    let rows: Vec<_> = pages.into_iter().flat_map(|page| page.rows).collect();
    assert_eq!(rows, stored);
}

pub(super) async fn rows_of_one_instant_are_paged_by_id<B: Bench>(bench: B) {
    let mut ids: Vec<_> = store_pairs(&bench, user(1), 5).await.iter().map(|row| row.id).collect();
    // Whole seconds, single microseconds and trailing zeros are written differently.
    for micros in [0, 1, 120_000] {
        let second = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        bench.freeze(second + Duration::microseconds(micros));
        ids.sort_by(|one, other| other.cmp(one));
        let rows: Vec<_> = all_pages(&bench, user(1), 2).await;
        let seen: Vec<_> =
            rows.iter().flat_map(|page| page.rows.iter().map(|row| row.id)).collect();
        assert_eq!(seen, ids, "{micros} µs");
    }
}

pub(super) async fn a_page_that_holds_the_last_row_has_no_next<B: Bench>(bench: B) {
    store_pairs(&bench, user(1), 2).await;
    let page = bench.store().list(user(1), first_page(2)).await.expect("a page");
    assert_eq!((page.rows.len(), page.next), (2, None));
    let nobody = bench.store().list(user(9), first_page(2)).await.expect("a page");
    assert_eq!((nobody.rows.len(), nobody.next), (0, None));
}

pub(super) async fn a_value_moved_to_another_column_or_row_is_named_unreadable<B: Bench>(bench: B) {
    let mut ids: Vec<_> = store_pairs(&bench, user(1), 4).await.iter().map(|row| row.id).collect();
    let other = store_pairs(&bench, user(2), 1).await.remove(0).id;
    bench.swap_columns(ids[0]);
    bench.copy_texts(ids[3], ids[1]);
    bench.copy_texts(other, ids[2]);
    let page = bench.store().list(user(1), first_page(50)).await.expect("a page");
    let readable: Vec<_> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!(readable, [ids[3]]);
    let unreadable: BTreeSet<_> = page.unreadable.into_iter().map(|row| row.id).collect();
    assert_eq!(unreadable, ids.drain(..3).collect());
    let id = *unreadable.first().expect("three of them");
    let error = bench.store().get(user(1), id).await.expect_err("unreadable");
    assert!(matches!(error, RepositoryError::Unreadable { id: named, .. } if named == id));
    assert!(!error.to_string().contains("def f"), "{error}");
}

pub(super) async fn a_new_wallet_gets_the_welcome_gift_and_the_bonus_of_the_day<B: Bench>(
    bench: B,
) {
    assert_eq!(balance(&bench, user(1)).await, 80);
    let kinds: Vec<_> =
        bench.log(user(1)).into_iter().map(|(kind, amount, _)| (kind, amount)).collect();
    assert_eq!(kinds, [("welcome".to_owned(), 50), ("daily_bonus".to_owned(), 30)]);
    assert_consistent(&bench.log(user(1)), 80);
}

pub(super) async fn the_bonus_comes_once_a_day<B: Bench>(bench: B) {
    let midnight = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
    let open = async |now: OffsetDateTime| {
        bench.day_passes_to(now);
        let wallet = bench.store().open(user(1), GIFTS, now).await.expect("opens");
        assert!(wallet.daily_bonus_claimed);
        wallet.current_tokens
    };
    assert_eq!(open(midnight).await, 80);
    assert_eq!(open(midnight + Duration::hours(12)).await, 80);
    assert_eq!(open(midnight + Duration::days(1) - Duration::microseconds(1)).await, 80);
    assert_eq!(open(midnight + Duration::days(1)).await, 110);
    assert_eq!(open(midnight + Duration::days(1)).await, 110);
    // Days without a visit are not made up for.
    assert_eq!(open(midnight + Duration::days(5)).await, 140);
    assert_consistent(&bench.log(user(1)), 140);
}

pub(super) async fn a_charge_beyond_the_balance_takes_nothing<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let store = bench.store();
    let taken = store.deduct(charge(user(1), 75)).await.expect("an answer");
    assert_eq!(taken, Deduction::Deducted { balance: 5 });
    let refused = charge(user(1), 6);
    let outcome = store.deduct(refused).await.expect("an answer");
    assert_eq!(outcome, Deduction::Insufficient { current: 5 });
    assert_eq!(store.refund(refused).await.expect("an answer"), Refund::AlreadyClosed);
    let exact = store.deduct(charge(user(1), 5)).await.expect("an answer");
    assert_eq!(exact, Deduction::Deducted { balance: 0 });
    assert_consistent(&bench.log(user(1)), 0);
}

pub(super) async fn a_user_without_a_wallet_has_nothing_to_charge<B: Bench>(bench: B) {
    let outcome = bench.store().deduct(charge(user(1), 10)).await.expect("an answer");
    assert_eq!(outcome, Deduction::NoWallet);
    assert_eq!(bench.log(user(1)), []);
}

pub(super) async fn a_charge_is_refunded_at_most_once<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let (store, charge) = (bench.store(), charge(user(1), 10));
    store.deduct(charge).await.expect("taken");
    assert_eq!(store.refund(charge).await.expect("given"), Refund::Refunded { balance: 80 });
    assert_eq!(store.refund(charge).await.expect("an answer"), Refund::AlreadyClosed);
    assert_eq!(balance(&bench, user(1)).await, 80);
    assert_consistent(&bench.log(user(1)), 80);
}

pub(super) async fn a_settled_charge_is_not_refunded<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let (store, charge) = (bench.store(), charge(user(1), 10));
    store.deduct(charge).await.expect("taken");
    store.settle(charge).await.expect("settled");
    store.settle(charge).await.expect("settling twice is no harm");
    assert_eq!(store.refund(charge).await.expect("an answer"), Refund::AlreadyClosed);
    assert_eq!(balance(&bench, user(1)).await, 70);
}

pub(super) async fn a_charge_that_was_never_made_is_not_refunded<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let outcome = bench.store().refund(charge(user(1), 10)).await.expect("an answer");
    assert_eq!(outcome, Refund::AlreadyClosed);
    assert_eq!(balance(&bench, user(1)).await, 80);
}

pub(super) async fn a_charge_of_another_user_is_not_refunded<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    balance(&bench, user(2)).await;
    let (store, charge) = (bench.store(), charge(user(1), 10));
    store.deduct(charge).await.expect("taken");
    let stolen = Charge { user: user(2), ..charge };
    assert_eq!(store.refund(stolen).await.expect("an answer"), Refund::AlreadyClosed);
    assert_eq!(store.refund(charge).await.expect("given"), Refund::Refunded { balance: 80 });
    assert_eq!(balance(&bench, user(2)).await, 80);
}

pub(super) async fn the_same_charge_is_made_once<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let (store, charge) = (bench.store(), charge(user(1), 10));
    store.deduct(charge).await.expect("taken");
    let error = store.deduct(charge).await.expect_err("a conflict");
    assert!(matches!(error, RepositoryError::Conflict(_)), "{error}");
    assert_eq!(balance(&bench, user(1)).await, 70);
    assert_eq!(store.refund(charge).await.expect("given"), Refund::Refunded { balance: 80 });
}

pub(super) async fn parallel_charges_never_take_more_than_there_is_and_none_is_lost<B: Bench>(
    bench: B,
) {
    balance(&bench, user(1)).await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let store = bench.store().clone();
            tokio::spawn(async move { store.deduct(charge(user(1), 1)).await })
        })
        .collect();
    let mut balances = BTreeSet::new();
    let mut refused = 0;
    for task in tasks {
        match task.await.expect("no panic").expect("an answer") {
            Deduction::Deducted { balance } => assert!(balances.insert(balance), "{balance} twice"),
            Deduction::Insufficient { current } => {
                assert_eq!(current, 0);
                refused += 1;
            }
            Deduction::NoWallet => panic!("the wallet was opened"),
        }
    }
    assert_eq!(balances, (0..80).collect());
    assert_eq!(refused, 120);
    assert_consistent(&bench.log(user(1)), 0);
}

pub(super) async fn parallel_refunds_of_one_charge_give_it_back_once<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let charge = charge(user(1), 10);
    bench.store().deduct(charge).await.expect("taken");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let store = bench.store().clone();
            tokio::spawn(async move { store.refund(charge).await })
        })
        .collect();
    let mut given = 0;
    for task in tasks {
        if task.await.expect("no panic").expect("an answer") != Refund::AlreadyClosed {
            given += 1;
        }
    }
    assert_eq!(given, 1);
    assert_consistent(&bench.log(user(1)), 80);
}

pub(super) async fn an_abandoned_charge_is_given_back_once_and_a_fresh_one_is_left_alone<
    B: Bench,
>(
    bench: B,
) {
    balance(&bench, user(1)).await;
    let (store, charge) = (bench.store(), charge(user(1), 10));
    store.deduct(charge).await.expect("taken");
    let fresh =
        store.refund_abandoned(std::time::Duration::from_hours(1)).await.expect("an answer");
    assert_eq!(fresh, 0);
    assert_eq!(store.refund_abandoned(std::time::Duration::ZERO).await.expect("an answer"), 1);
    assert_eq!(store.refund_abandoned(std::time::Duration::ZERO).await.expect("an answer"), 0);
    assert_eq!(store.refund(charge).await.expect("an answer"), Refund::AlreadyClosed);
    assert_eq!(balance(&bench, user(1)).await, 80);
    assert_consistent(&bench.log(user(1)), 80);
}

pub(super) async fn a_settled_charge_is_not_abandoned<B: Bench>(bench: B) {
    balance(&bench, user(1)).await;
    let (store, charge) = (bench.store(), charge(user(1), 10));
    store.deduct(charge).await.expect("taken");
    store.settle(charge).await.expect("settled");
    assert_eq!(store.refund_abandoned(std::time::Duration::ZERO).await.expect("an answer"), 0);
    assert_eq!(balance(&bench, user(1)).await, 70);
}

//! What happens when an answer is lost, late or a refusal: for the caller, and in the database.

use super::*;

/// Faults after which the same call may do better, and which tell nothing of what was done.
fn lost() -> [Fault; 4] {
    [Fault::LoseAnswer, Fault::CutAnswer, answer(503, "PGRST001"), answer(503, "57P03")]
}

/// Faults that surely undid the call and may pass.
fn undone() -> [Fault; 3] {
    let plain = |status: u16| Fault::Answer { status, body: String::new() };
    [plain(429), answer(500, "40001"), answer(500, "40P01")]
}

/// Faults that will not pass.
fn lasting() -> [Fault; 5] {
    [
        answer(401, "42501"),
        answer(404, "PGRST202"),
        answer(500, "57014"),
        answer(500, "XX000"),
        Fault::Answer { status: 200, body: "garbage".to_owned() },
    ]
}

async fn with_fault(route: Route, fault: &Fault, times: usize) -> SupabaseBench {
    let bench = SupabaseBench::start().await.with_wallet().await;
    bench.peer.fail_times(route, fault.clone(), times);
    bench
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed_by_whoever_reads() {
    for fault in lost().into_iter().chain(undone()).chain([Fault::Break]) {
        let bench = SupabaseBench::start().await;
        let stored = bench.store.insert(pair(user(1), "add")).await.expect("stored");
        bench.peer.fail_times(Route::SelectHistory, fault.clone(), 2);
        let page = bench.store.list(user(1), first_page(50)).await;
        assert_eq!(page.expect("read at last").rows, [stored], "{fault:?}");
        assert_eq!(bench.peer.requests_to(Route::SelectHistory).len(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_fault_that_stays_is_told_after_three_attempts_and_one_that_will_stay_at_once() {
    let plain = |status: u16| Fault::Answer { status, body: String::new() };
    let cases = [plain(502), plain(503), plain(504), Fault::Break].map(|fault| (fault, 3));
    for (fault, attempts) in cases.into_iter().chain(lasting().map(|fault| (fault, 1))) {
        let bench = failing(Route::SelectHistory, fault.clone(), PATIENT).await;
        bench.store.list(user(1), first_page(50)).await.expect_err("a fault");
        let made = bench.peer.requests_to(Route::SelectHistory).len();
        assert_eq!(made, attempts, "{fault:?}");
    }
}

#[tokio::test]
async fn a_project_that_says_when_to_come_back_is_not_asked_earlier_nor_waited_for_too_long() {
    let bench = SupabaseBench::start().await;
    bench.peer.fail_times(Route::SelectHistory, Fault::RetryAfter { seconds: 3_600 }, 1);
    let error = bench.store.ping().await.expect_err("an hour is beyond the deadline");
    assert!(matches!(error, RepositoryError::Unavailable(_)), "{error}");
    assert_eq!(bench.peer.requests_to(Route::SelectHistory).len(), 1);
    bench.peer.fail_times(Route::SelectHistory, Fault::RetryAfter { seconds: 0 }, 1);
    bench.store.ping().await.expect("at once is fine");
}

#[tokio::test]
async fn a_row_is_stored_once_however_often_its_answer_is_lost() {
    for fault in lost().into_iter().chain(undone()) {
        let bench = with_fault(Route::InsertHistory, &fault, 2).await;
        let new = pair(user(1), "add");
        let stored = bench.store.insert(new.clone()).await.expect("stored at last");
        assert_eq!(bench.peer.rows().len(), 1, "{fault:?}");
        let read = bench.store.get(user(1), new.id).await.expect("read");
        assert_eq!(read, Some(stored), "{fault:?}");
    }
}

#[tokio::test]
async fn a_deletion_that_may_have_happened_is_not_asked_for_again() {
    let bench = SupabaseBench::start().await;
    let stored = bench.store.insert(pair(user(1), "add")).await.expect("stored");
    bench.peer.fail_times(Route::DeleteHistory, Fault::LoseAnswer, 1);
    bench.store.delete(user(1), stored.id).await.expect_err("nobody knows");
    assert_eq!(bench.peer.requests_to(Route::DeleteHistory).len(), 1);
    let stored = bench.store.insert(pair(user(1), "add")).await.expect("stored");
    bench.peer.fail_times(Route::DeleteHistory, answer(500, "40001"), 1);
    assert!(bench.store.delete(user(1), stored.id).await.expect("undone, so asked again"));
    bench.peer.fail_times(Route::DeleteHistory, Fault::LoseAnswer, 1);
    bench.store.delete_all(user(1)).await.expect_err("nobody knows how many");
}

#[tokio::test]
async fn a_charge_is_made_once_however_often_its_answer_is_lost() {
    for fault in lost().into_iter().chain(undone()) {
        let bench = with_fault(Route::DeductTokens, &fault, 2).await;
        let charge = charge(user(1), 10);
        let taken = bench.store.deduct(charge).await.expect("taken at last");
        assert_eq!(taken, Deduction::Deducted { balance: 70 }, "{fault:?}");
        assert_consistent(&bench.log(user(1)), 70);
        let refund = bench.store.refund(charge).await.expect("given");
        assert_eq!(refund, Refund::Refunded { balance: 80 }, "{fault:?}");
    }
}

#[tokio::test]
async fn the_last_tokens_are_charged_once_when_the_answer_is_lost() {
    let bench = SupabaseBench::start().await;
    bench.peer.set_balance(user(1).0, 10);
    bench.peer.fail_times(Route::DeductTokens, Fault::LoseAnswer, 1);
    let taken = bench.store.deduct(charge(user(1), 10)).await.expect("taken");
    assert_eq!(taken, Deduction::Deducted { balance: 0 });
}

#[tokio::test]
async fn a_refund_is_given_once_however_often_its_answer_is_lost() {
    for fault in lost().into_iter().chain(undone()) {
        let bench = SupabaseBench::start().await.with_wallet().await;
        let charge = charge(user(1), 10);
        bench.store.deduct(charge).await.expect("taken");
        bench.peer.fail_times(Route::RefundTokens, fault.clone(), 2);
        let given = bench.store.refund(charge).await.expect("given at last");
        assert_eq!(given, Refund::Refunded { balance: 80 }, "{fault:?}");
        let again = bench.store.refund(charge).await.expect("an answer");
        assert_eq!(again, Refund::AlreadyClosed, "{fault:?}");
        assert_consistent(&bench.log(user(1)), 80);
    }
}

#[tokio::test]
async fn a_refund_that_timed_out_may_be_asked_for_again() {
    let gate = Gate::closed();
    let bench = SupabaseBench::start().await.with_wallet().await;
    let charge = charge(user(1), 10);
    bench.store.deduct(charge).await.expect("taken");
    let hasty = store_of(&bench.peer, HASTY);
    bench.peer.fail_times(Route::RefundTokens, Fault::Hold(gate.clone()), 1);
    let late = hasty.refund(charge).await.expect_err("late");
    assert!(matches!(late, RepositoryError::Timeout), "{late}");
    gate.open();
    bench.peer.until(|peer| peer.balance(user(1).0) == Some(80)).await;
    let again = bench.store.refund(charge).await.expect("an answer");
    assert_eq!(again, Refund::AlreadyClosed);
    assert_consistent(&bench.log(user(1)), 80);
}

#[tokio::test]
async fn a_charge_that_nobody_confirmed_is_given_back_as_abandoned() {
    let bench = SupabaseBench::start().await.with_wallet().await;
    bench.peer.fail(Route::DeductTokens, Fault::LoseAnswer);
    let charge = charge(user(1), 10);
    bench.store.deduct(charge).await.expect_err("lost for good");
    assert_eq!(bench.peer.balance(user(1).0), Some(70));
    assert_eq!(bench.store.refund_abandoned(Duration::ZERO).await.expect("an answer"), 1);
    assert_eq!(bench.peer.balance(user(1).0), Some(80));
}

#[tokio::test]
async fn another_process_can_refund_and_settle() {
    let bench = SupabaseBench::start().await.with_wallet().await;
    let other = store_of(&bench.peer, PATIENT);
    let (first, second) = (charge(user(1), 10), charge(user(1), 10));
    bench.store.deduct(first).await.expect("taken");
    bench.store.deduct(second).await.expect("taken");
    assert_eq!(other.refund(first).await.expect("given"), Refund::Refunded { balance: 70 });
    other.settle(second).await.expect("settled");
    for charge in [first, second] {
        assert_eq!(bench.store.refund(charge).await.expect("told"), Refund::AlreadyClosed);
    }
}

#[tokio::test]
async fn whoever_has_a_wallet_is_answered_by_one_call() {
    let bench = SupabaseBench::start().await.with_wallet().await;
    let before = bench.peer.requests().len();
    bench.store.open(user(1), GIFTS, OffsetDateTime::now_utc()).await.expect("opens");
    assert_eq!(bench.peer.requests().len(), before + 1);
}

#[tokio::test]
async fn wallet_calls_carry_the_arguments_the_functions_have() {
    let bench = SupabaseBench::start().await.with_wallet().await;
    let reference = "00000000-0000-0000-0000-000000000009";
    let charge =
        Charge { reference: GenerationId(uuid::Uuid::from_u128(9)), ..charge(user(1), 10) };
    bench.store.deduct(charge).await.expect("taken");
    bench.store.refund(charge).await.expect("given");
    bench.store.settle(charge).await.expect("settled");
    bench.store.refund_abandoned(Duration::from_mins(15)).await.expect("none");
    let sent: Vec<_> = bench.peer.requests().iter().map(Request::json).collect();
    let user = user(1).to_string();
    let bonus = serde_json::json!({ "p_user_id": user, "p_bonus_amount": 30 });
    let moved = |description: &str| {
        serde_json::json!({
            "p_user_id": user,
            "p_amount": 10,
            "p_description": description,
            "p_reference_id": reference,
        })
    };
    let expected = [
        bonus,
        serde_json::json!({ "p_user_id": user, "p_default_amount": 50, "p_bonus_amount": 30 }),
        moved("generation"),
        moved("the generation was not completed"),
        serde_json::json!({ "p_user_id": user, "p_reference_id": reference }),
        serde_json::json!({ "p_older_than_seconds": 900, "p_limit": 100 }),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_schema_without_the_newest_migration_says_to_apply_it() {
    for version in ["1", "20261124000299"] {
        let fault = Fault::Answer { status: 200, body: version.to_owned() };
        let bench = failing(Route::SchemaVersion, fault, PATIENT).await;
        let error = bench.store.ping().await.expect_err("an old schema");
        assert!(matches!(error, RepositoryError::SchemaMissing(_)), "{error}");
        assert!(error.to_string().contains("apply the migrations"), "{error}");
    }
}

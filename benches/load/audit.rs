//! What the database holds when all is over, compared with what clients saw.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::Value;
use tester::crypto::{FieldCipher, FieldContext, MasterKey};
use tester::domain::{EncryptedData, UserId};
use uuid::Uuid;

use crate::stack::postgres::Database;
use crate::stage::{BALANCE, COST, ENCRYPTION_KEY, Stage};
use crate::tally::Account;

/// Rows read at once.
const PAGE: usize = 500;

/// What was counted.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Audit {
    /// Stored pairs, each decrypted and compared with what the model wrote.
    pub(crate) rows: usize,
    pub(crate) charges: i64,
    pub(crate) refunds: i64,
    /// Refunds of charges whose answer came too late for their users, who got nothing: `tester
    /// serve` gives these back when they are old enough.
    pub(crate) abandoned: i64,
    /// Charges that are neither settled nor refunded.
    pub(crate) open: i64,
    /// What all wallets hold less than at first.
    pub(crate) spent: i64,
}

/// A wallet and its log.
struct Ledger {
    balance: i64,
    charges: i64,
    refunds: i64,
}

pub(crate) async fn run(stage: &Stage) -> anyhow::Result<Audit> {
    eprintln!("counting");
    let database = stage.project.database();
    settled(database).await;
    let accounts = stage.tally.accounts();
    let unclear: u64 = accounts.values().map(|account| account.unclear).sum();
    let most = i64::try_from(unclear)?;
    // What `tester serve` does from time to time, for charges of any age.
    let refund = format!("select public.refund_abandoned_charges(0, {most}) ->> 'refunded'");
    let abandoned = if most > 0 { database.number(&refund) } else { 0 };
    let ledgers = ledgers(database)?;
    let mut audit = Audit {
        open: database.number("select count(*) from open_charges"),
        abandoned,
        ..Audit::default()
    };
    if audit.open > 0 {
        stage.mistakes.add(format!("{} charges are open", audit.open));
    }
    for (user, ledger) in &ledgers {
        audit.charges += ledger.charges;
        audit.refunds += ledger.refunds;
        audit.spent += BALANCE - ledger.balance;
        let account = accounts.get(user).cloned().unwrap_or_default();
        for mistake in compare(&account, ledger)? {
            stage.mistakes.add(format!("{user}: {mistake}"));
        }
    }
    for (what, query) in QUERIES {
        let count = database.number(query);
        if count > 0 {
            stage.mistakes.add(format!("{count} {what}"));
        }
    }
    audit.rows = compare_rows(stage, &accounts)?;
    Ok(audit)
}

/// What there must be none of.
const QUERIES: [(&str, &str); 4] = [
    (
        "references were charged or refunded more than once",
        "select count(*) from (
             select from token_transactions where type in ('usage', 'refund')
             group by type, reference_id having count(*) > 1
         ) as twice",
    ),
    (
        "refunds are not of a charge of the same user and amount",
        "select count(*) from token_transactions as refund
         where refund.type = 'refund' and not exists (
             select from token_transactions as usage
             where usage.type = 'usage' and usage.reference_id = refund.reference_id
               and usage.user_id = refund.user_id and usage.amount = -refund.amount
         )",
    ),
    (
        "wallets differ from the sum of their log",
        "select count(*) from user_tokens as wallet
         where balance <> (
             select sum(amount) from token_transactions where user_id = wallet.user_id
         )",
    ),
    (
        "entries of the log do not follow from those before",
        "select count(*) from (
             select amount, balance_after,
                 lag(balance_after, 1, 0) over (partition by user_id order by created_at) as before
             from token_transactions
         ) as entries where before + amount <> balance_after",
    ),
];

/// Waits a moment for what goes on when its client is gone.
async fn settled(database: &Database) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while database.number("select count(*) from open_charges") > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn ledgers(database: &Database) -> anyhow::Result<BTreeMap<Uuid, Ledger>> {
    let rows = database.rows(
        "select wallet.user_id, balance,
             count(*) filter (where type = 'usage') as charges,
             count(*) filter (where type = 'refund') as refunds
         from user_tokens as wallet join token_transactions using (user_id)
         group by wallet.user_id, balance",
    );
    let number = |row: &Value, name: &str| row[name].as_i64().context("a number");
    rows.iter()
        .map(|row| {
            let ledger = Ledger {
                balance: number(row, "balance")?,
                charges: number(row, "charges")?,
                refunds: number(row, "refunds")?,
            };
            Ok((id(row, "user_id")?, ledger))
        })
        .collect()
}

/// Where what a user saw and what the wallet says are not the same.
fn compare(account: &Account, ledger: &Ledger) -> anyhow::Result<Vec<String>> {
    let [paid, refunded, unclear] =
        [account.paid(), account.refunded, account.unclear].map(i64::try_from);
    let (paid, refunded, unclear) = (paid?, refunded?, unclear?);
    let Ledger { balance, charges, refunds } = *ledger;
    let kept = charges - refunds;
    let mut mistakes = Vec::new();
    if balance != BALANCE - COST * kept {
        mistakes.push(format!("{charges} charges and {refunds} refunds, but {balance} is left"));
    }
    if !(paid..=paid + unclear).contains(&kept) {
        mistakes.push(format!("paid for {kept} instead of {paid} (and {unclear} unclear)"));
    }
    if !(refunded..=refunded + unclear).contains(&refunds) {
        mistakes.push(format!("refunded {refunds} instead of {refunded} (and {unclear} unclear)"));
    }
    Ok(mistakes)
}

/// Decrypts every row and compares it with what the model wrote; gives their number.
fn compare_rows(stage: &Stage, accounts: &BTreeMap<Uuid, Account>) -> anyhow::Result<usize> {
    let cipher = FieldCipher::new(&MasterKey::parse(ENCRYPTION_KEY)?);
    let database = stage.project.database();
    let mut expected: BTreeMap<Uuid, _> = accounts
        .iter()
        .flat_map(|(user, account)| {
            account.rows.iter().map(move |(row, script)| (*row, (*user, *script)))
        })
        .collect();
    let mut unclear: u64 = accounts.values().map(|account| account.unclear).sum();
    let (mut count, mut last) = (0, Uuid::nil());
    loop {
        let rows = database.rows(&format!(
            "select id, user_id, input_code, generated_code from generation_history
             where id > '{last}' order by id limit {PAGE}"
        ));
        let Some(end) = rows.last() else { break };
        last = id(end, "id")?;
        count += rows.len();
        for row in &rows {
            let (row_id, user) = (id(row, "id")?, id(row, "user_id")?);
            let Some((owner, script)) = expected.remove(&row_id) else {
                // It may have been stored before its client lost sight of it.
                if unclear == 0 {
                    stage.mistakes.add(format!("nobody saw {row_id}"));
                }
                unclear = unclear.saturating_sub(1);
                continue;
            };
            let open = |column: &'static str| -> anyhow::Result<String> {
                let stored = row[column].as_str().context("a text")?.to_owned();
                let user = UserId(user);
                let context =
                    FieldContext { table: "generation_history", column, user, row: row_id };
                Ok(cipher.decrypt(&context, &EncryptedData::from_stored(stored))?)
            };
            let same = owner == user
                && open("input_code")? == script.source()
                && open("generated_code")? == script.answer();
            if !same {
                stage.mistakes.add(format!("{row_id} is not what was streamed"));
            }
        }
    }
    for row in expected.keys() {
        stage.mistakes.add(format!("{row} is not stored"));
    }
    ensure!(count > 0, "nothing was stored");
    Ok(count)
}

fn id(row: &Value, name: &str) -> anyhow::Result<Uuid> {
    Ok(row[name].as_str().context("an id")?.parse()?)
}

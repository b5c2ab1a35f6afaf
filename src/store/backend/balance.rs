//! The billing system's balances, held against the ledger. They post nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::ledger::{ENTRY_COLUMNS, EntryColumns, OWN_SOURCE, entry};
use super::log::{self, NewLine};
use super::own_fee::on_the_way;
use super::snapshot::By;
use super::{Conn, Result, exception, ids, own_fee, rows, sql, texts, two_fees};
use crate::domain::balance::{BalanceCounts, Comparison, NewBalance, OnTheWay};
use crate::domain::fee::TwoFees;
use crate::domain::import::{RefusedRow, RowRefusal};
use crate::domain::{AccountId, AccountNumber, Cents, Day, Entry, EntryId, EntryKind};

/// How many accounts are compared with one set of statements.
const PAGE: usize = 10_000;

/// What a file says of one account.
#[derive(Clone, Copy, Serialize)]
struct Said {
    account: AccountId,
    as_of: Day,
    cents: Cents,
}

/// What a file did, and the accounts that learned something by it.
#[derive(Default)]
pub(super) struct Compared {
    /// Accounts of the file.
    pub rows: u32,
    pub refused: Vec<RefusedRow>,
    pub counts: BalanceCounts,
    pub touched: BTreeSet<AccountId>,
    /// Accounts of which the file said what it had said before, with the same result.
    pub unchanged: u32,
}

/// Takes a file of balances: adds up the rows of each account, and holds them against the ledger.
pub(super) async fn take(conn: &mut Conn, balances: &[NewBalance], file: &str, stamp: &Stamp) -> Result<Compared> {
    let numbers: BTreeSet<&AccountNumber> = balances.iter().map(|row| &row.account).collect();
    let numbers: Vec<&AccountNumber> = numbers.into_iter().collect();
    let mut known: BTreeMap<String, AccountId> = BTreeMap::new();
    for page in numbers.chunks(PAGE) {
        let select = format!("SELECT number, id FROM account WHERE number IN {}", texts(1));
        let found: Vec<(String, i64)> = sqlx::query_as(sql(select)).bind(Json(page)).fetch_all(&mut *conn).await?;
        known.extend(found.into_iter().map(|(number, id)| (number, AccountId(id))));
    }
    let mut compared = Compared::default();
    let mut said: BTreeMap<AccountId, Said> = BTreeMap::new();
    for row in balances {
        if let Some(account) = known.get(row.account.as_str()).copied() {
            let of_account = said.entry(account).or_insert(Said { account, as_of: row.as_of, cents: Cents::ZERO });
            of_account.cents += row.amount;
        } else {
            let refusal = RowRefusal::UnknownAccount { account: row.account.clone() };
            compared.refused.push(RefusedRow { line: row.line, refusal });
        }
    }
    if compared.refused.is_empty() {
        compared.rows = u32::try_from(said.len()).unwrap_or(u32::MAX);
        let said: Vec<Said> = said.into_values().collect();
        for page in said.chunks(PAGE) {
            compare(conn, page, file, &mut compared, stamp).await?;
        }
    }
    Ok(compared)
}

struct Stored {
    as_of: Day,
    cents: Cents,
    accepted: Option<Cents>,
}

#[derive(Serialize)]
struct BalanceRow {
    account: AccountId,
    as_of: Day,
    cents: Cents,
    difference: Cents,
    accepted: Option<Cents>,
}

/// Holds a page of balances against the ledger as it is known now.
async fn compare(conn: &mut Conn, page: &[Said], file: &str, compared: &mut Compared, stamp: &Stamp) -> Result<()> {
    let accounts: Vec<AccountId> = page.iter().map(|said| said.account).collect();
    let stored = stored(conn, &accounts).await?;
    let standing = standing(conn, &accounts).await?;
    let (fresh, stale): (Vec<Said>, Vec<Said>) =
        page.iter().partition(|said| stored.get(&said.account).is_none_or(|before| before.as_of <= said.as_of));
    compared.counts.stale += u32::try_from(stale.len()).unwrap_or(u32::MAX);
    let ours = ours(conn, &fresh).await?;
    let with_fees = on_the_way(conn, &accounts, stamp.on).await?;
    let suspects: Vec<AccountId> = with_fees.keys().copied().collect();
    let theirs = fees_of_theirs(conn, &suspects).await?;
    let two = two_fees::said(conn, &suspects).await?;

    let (mut kept, mut settled, mut differing) = (Vec::new(), Vec::new(), Vec::new());
    for said in &fresh {
        let fees = with_fees.get(&said.account).map(Vec::as_slice).unwrap_or_default();
        let (theirs, two) = (theirs.get(&said.account), two.get(&said.account));
        let theirs = theirs.map(Vec::as_slice).unwrap_or_default();
        let doubled = doubled(fees, theirs, two.map(Vec::as_slice).unwrap_or_default());
        // A fee that seems to be in their books under a name of theirs is not on its way.
        let is_awaited =
            |fee: &&OnTheWay| fee.is_ours_alone(said.as_of) && doubled.iter().all(|(own, _)| own.entry != fee.entry);
        let comparison = Comparison {
            as_of: said.as_of,
            ours: ours.get(&said.account).copied().unwrap_or(Cents::ZERO),
            on_the_way: fees.iter().filter(is_awaited).map(|fee| fee.amount).sum(),
            theirs: said.cents,
        };
        let difference = comparison.difference();
        let before = stored.get(&said.account);
        let accepted = before.and_then(|before| before.accepted).filter(|accepted| *accepted == difference);
        let lines = standing.get(&said.account).map(Vec::as_slice).unwrap_or_default();
        kept.push(BalanceRow { account: said.account, as_of: said.as_of, cents: said.cents, difference, accepted });
        let mut is_same = before.is_some_and(|before| (before.as_of, before.cents) == (said.as_of, said.cents));
        if difference.is_zero() {
            compared.counts.agree += 1;
            if !lines.is_empty() {
                compared.counts.cleared += 1;
                compared.touched.insert(said.account);
                settled.extend(lines.iter().map(|(id, _)| *id));
                is_same = false;
            }
        } else if accepted.is_some() && lines.is_empty() {
            compared.counts.accepted += 1;
        } else {
            compared.counts.differ += 1;
            differing.push((said.account, comparison, doubled));
        }
        compared.unchanged += u32::from(is_same);
    }
    let mut new: Vec<NewLine> = Vec::new();
    let mut opened = Vec::new();
    if !differing.is_empty() {
        let accounts: Vec<AccountId> = differing.iter().map(|(account, ..)| *account).collect();
        let ledgers = ledgers(conn, &accounts).await?;
        let unmatched = unmatched(conn).await?;
        let names = own_fee::names(conn).await?;
        for (account, comparison, doubled) in &differing {
            let ledger = ledgers.get(account).map(Vec::as_slice).unwrap_or_default();
            let known: Vec<Entry> =
                ledger.iter().filter(|entry| entry.effective_on <= comparison.as_of).cloned().collect();
            let text = comparison.text(&known, doubled, &unmatched, &names);
            let lines = standing.get(account).map(Vec::as_slice).unwrap_or_default();
            if lines.iter().any(|(_, before)| *before == text) {
                continue;
            }
            settled.extend(lines.iter().map(|(id, _)| *id));
            compared.touched.insert(*account);
            let body = json!({ "kind": ExceptionKind::BalanceDiffers, "text": text, "file": file });
            new.push(NewLine::of(*account, "exception", body));
            opened.push(LineRow { account: *account, text });
        }
    }
    exception::settle_lines(conn, &settled, stamp).await?;
    open(conn, &opened, stamp).await?;
    log::write(conn, &new, None, stamp).await?;
    keep(conn, &kept, file, stamp).await
}

/// A person has looked into the account's difference and cleared it: the same difference is not told again.
pub(super) async fn accept(conn: &mut Conn, account: AccountId) -> Result<()> {
    sqlx::query("UPDATE cis_balance SET accepted_cents = difference_cents WHERE account_id = $1")
        .bind(account.0)
        .execute(conn)
        .await?;
    Ok(())
}

async fn stored(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Stored>> {
    let select =
        format!("SELECT account_id, as_of, cents, accepted_cents FROM cis_balance WHERE account_id IN {}", ids(1));
    let found: Vec<(i64, Day, i64, Option<i64>)> =
        sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let stored = |(id, as_of, cents, accepted): (i64, Day, i64, Option<i64>)| {
        (AccountId(id), Stored { as_of, cents: Cents::new(cents), accepted: accepted.map(Cents::new) })
    };
    Ok(found.into_iter().map(stored).collect())
}

/// The differences that stand on the exceptions list.
async fn standing(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<(i64, String)>> {
    let select = format!(
        "SELECT account_id, id, text FROM exception
         WHERE account_id IN {} AND kind = $2 AND cleared_on IS NULL ORDER BY id",
        ids(1)
    );
    let found: Vec<(i64, i64, String)> = sqlx::query_as(sql(select))
        .bind(Json(accounts))
        .bind(ExceptionKind::BalanceDiffers.word())
        .fetch_all(conn)
        .await?;
    let mut lines: By<(i64, String)> = By::new();
    for (account, id, text) in found {
        lines.entry(AccountId(account)).or_default().push((id, text));
    }
    Ok(lines)
}

/// Our ledger's balances, each at the end of the day that the file names.
async fn ours(conn: &mut Conn, said: &[Said]) -> Result<BTreeMap<AccountId, Cents>> {
    let select = format!(
        "SELECT r.account, CAST(SUM(entry.cents) AS BIGINT)
         FROM {} JOIN entry ON entry.account_id = r.account AND entry.effective_on <= r.as_of
         GROUP BY r.account",
        rows(1, "account bigint, as_of date")
    );
    let found: Vec<(i64, i64)> = sqlx::query_as(sql(select)).bind(Json(said)).fetch_all(conn).await?;
    Ok(found.into_iter().map(|(account, cents)| (AccountId(account), Cents::new(cents))).collect())
}

/// Fees and interest in the ledger that the billing system posted itself, and that stand.
async fn fees_of_theirs(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<Entry>> {
    let all = ledgers(conn, accounts).await?;
    let of_theirs = |ledger: Vec<Entry>| -> Vec<Entry> {
        let undone: BTreeSet<EntryId> = ledger.iter().filter_map(|entry| entry.reverses).collect();
        let is_fee = |entry: &Entry| {
            matches!(entry.kind, EntryKind::Fee | EntryKind::Interest)
                && entry.source != OWN_SOURCE
                && entry.is_debt()
                && !undone.contains(&entry.id)
        };
        ledger.into_iter().filter(is_fee).collect()
    };
    Ok(all.into_iter().map(|(account, ledger)| (account, of_theirs(ledger))).collect())
}

/// Own fees that seem to stand in the ledger a second time: the billing system posted a fee of the same amount on the day of
/// ours or later, which names none of ours, and nobody has said that they are two.
fn doubled<'a>(own: &'a [OnTheWay], theirs: &'a [Entry], two: &[TwoFees]) -> Vec<(&'a OnTheWay, &'a Entry)> {
    let mut left: Vec<&Entry> = theirs.iter().collect();
    let mut pairs = Vec::new();
    // One that was taken back is in no books twice.
    for fee in own.iter().filter(|fee| {
        let is_taken_back = || own.iter().any(|other| other.amount == -fee.amount);
        fee.amount.is_positive() && fee.taken_over_on.is_none() && !is_taken_back()
    }) {
        let is_twin = |entry: &Entry| {
            entry.amount == fee.amount && entry.effective_on >= fee.on && !TwoFees::are(two, fee.entry, entry.id)
        };
        let twin = left.iter().position(|entry| is_twin(entry));
        if let Some(at) = twin {
            pairs.push((fee, left.remove(at)));
        }
    }
    pairs
}

async fn ledgers(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<Entry>> {
    let mut ledgers: By<Entry> = By::new();
    if !accounts.is_empty() {
        let select = format!(
            "SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id IN {} ORDER BY account_id, effective_on, id",
            ids(1)
        );
        let found: Vec<EntryColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
        for row in found {
            let entry = entry(row)?;
            ledgers.entry(entry.account).or_default().push(entry);
        }
    }
    Ok(ledgers)
}

/// Open payments without an account, by reference, with their amounts.
async fn unmatched(conn: &mut Conn) -> Result<Vec<(String, Cents)>> {
    let found: Vec<(String, i64)> = sqlx::query_as(
        "SELECT reference, CAST(body ->> 'amount' AS BIGINT) FROM unmatched_payment WHERE state = 'open' ORDER BY id",
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(|(reference, cents)| (reference, Cents::new(cents).abs())).collect())
}

#[derive(Serialize)]
struct LineRow {
    account: AccountId,
    text: String,
}

async fn open(conn: &mut Conn, lines: &[LineRow], stamp: &Stamp) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO exception (account_id, kind, text, opened_on) SELECT r.account, $2, r.text, $3 FROM {}",
        rows(1, "account bigint, text text")
    );
    sqlx::query(sql(insert))
        .bind(Json(lines))
        .bind(ExceptionKind::BalanceDiffers.word())
        .bind(stamp.on)
        .execute(conn)
        .await?;
    Ok(())
}

async fn keep(conn: &mut Conn, kept: &[BalanceRow], file: &str, stamp: &Stamp) -> Result<()> {
    let upsert = format!(
        "INSERT INTO cis_balance (account_id, as_of, cents, difference_cents, accepted_cents, file, recorded_at)
         SELECT r.account, r.as_of, r.cents, r.difference, r.accepted, $2, $3 FROM {} WHERE true
         ON CONFLICT (account_id) DO UPDATE SET as_of = excluded.as_of, cents = excluded.cents,
            difference_cents = excluded.difference_cents, accepted_cents = excluded.accepted_cents,
            file = excluded.file, recorded_at = excluded.recorded_at",
        rows(1, "account bigint, as_of date, cents bigint, difference bigint, accepted bigint")
    );
    sqlx::query(sql(upsert)).bind(Json(kept)).bind(file).bind(stamp.at).execute(conn).await?;
    Ok(())
}

//! The fees that decisions have posted, and the ledger behind those that a late payment may have overtaken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::ledger::{ENTRY_COLUMNS, EntryColumns, entry};
use super::snapshot::{By, Known};
use super::{Conn, Result, ids, sql};
use crate::domain::fee::{PostedFee, Undone, is_overtaken};
use crate::domain::petition::Petition;
use crate::domain::{AccountId, ActKey, Cents, Day, Entry, EntryId};

/// Entry, account, amount, day, key, name, instant; then of what undid it: day, key, instant.
type FeeColumns =
    (i64, i64, i64, Day, String, String, DateTime<Utc>, Option<Day>, Option<String>, Option<DateTime<Utc>>);

/// The accounts' fees, each with the bill that it was for. A fee that was not ordered by an act is none of a policy.
pub(super) async fn posted(conn: &mut Conn, accounts: &[AccountId], known: Known) -> Result<By<PostedFee>> {
    let select = format!(
        "SELECT fee.id, fee.account_id, fee.cents, fee.effective_on, fee.reference, fee.memo, fee.recorded_at,
            undoing.effective_on, undoing.reference, undoing.recorded_at
         FROM entry AS fee LEFT JOIN entry AS undoing ON undoing.reverses = fee.id
         WHERE fee.source = 'arrears' AND fee.kind = 'fee' AND fee.account_id IN {}
         ORDER BY fee.account_id, fee.id",
        ids(1)
    );
    let found: Vec<FeeColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(&mut *conn).await?;
    let is_known = |at: DateTime<Utc>| known.is_none_or(|by| at <= by);
    let mut fees: Vec<(AccountId, PostedFee)> = Vec::new();
    for (id, account, cents, on, reference, name, recorded_at, undone_on, undone_by, undone_at) in found {
        let Ok(key) = reference.parse::<ActKey>() else { continue };
        if !is_known(recorded_at) {
            continue;
        }
        let mut fee =
            PostedFee { entry: EntryId(id), key, name, amount: Cents::new(cents), on, bill: None, undone: None };
        if let (Some(day), Some(by), Some(at)) = (undone_on, undone_by, undone_at)
            && is_known(at)
        {
            let is_ours = by == fee.reversal_key().to_string();
            fee.undone = Some(if is_ours { Undone::TakenBack(day) } else { Undone::Waived(day) });
        }
        fees.push((AccountId(account), fee));
    }
    let bills = bills(conn, fees.iter().map(|(_, fee)| fee.key.of.anchor).collect()).await?;
    let mut by_account: By<PostedFee> = By::new();
    for (account, mut fee) in fees {
        fee.bill = bills.get(&fee.key.of.anchor).copied();
        by_account.entry(account).or_default().push(fee);
    }
    Ok(by_account)
}

/// Billed and due dates of the debts.
async fn bills(conn: &mut Conn, anchors: BTreeSet<EntryId>) -> Result<BTreeMap<EntryId, (Day, Day)>> {
    if anchors.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = format!("SELECT id, effective_on, due_on FROM entry WHERE id IN {}", ids(1));
    let found: Vec<(i64, Day, Option<Day>)> = sqlx::query_as(sql(select)).bind(Json(anchors)).fetch_all(conn).await?;
    Ok(found.into_iter().map(|(id, billed, due)| (EntryId(id), (billed, due.unwrap_or(billed)))).collect())
}

/// The whole ledgers of the accounts at which a credit of an earlier day was learned after a fee; there are few.
pub(super) async fn overtaken(
    conn: &mut Conn,
    fees: &By<PostedFee>,
    petitions: &By<Petition>,
    known: Known,
) -> Result<By<Entry>> {
    let standing: Vec<EntryId> = fees.values().flatten().filter(|fee| fee.undone.is_none()).map(|f| f.entry).collect();
    if standing.is_empty() {
        return Ok(By::new());
    }
    let select = format!(
        "SELECT DISTINCT fee.account_id FROM entry AS fee
         JOIN entry AS credit ON credit.account_id = fee.account_id AND credit.id > fee.id
             AND credit.cents < 0 AND credit.effective_on < fee.effective_on
         WHERE fee.id IN {}",
        ids(1)
    );
    let mut suspects: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(standing)).fetch_all(&mut *conn).await?;
    // A petition may stay the debt of a fee that was posted before it was learned.
    suspects.extend(petitions.keys().filter(|account| fees.contains_key(account)).map(|account| account.0));
    if suspects.is_empty() {
        return Ok(By::new());
    }
    let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id IN {} ORDER BY account_id, id", ids(1));
    let found: Vec<EntryColumns> = sqlx::query_as(sql(select)).bind(Json(suspects)).fetch_all(conn).await?;
    let mut ledgers: By<Entry> = By::new();
    for row in found {
        let entry = entry(row)?;
        if known.is_none_or(|by| entry.recorded_at <= by) {
            ledgers.entry(entry.account).or_default().push(entry);
        }
    }
    ledgers.retain(|account, ledger| {
        let stays = petitions.get(account).map(Vec::as_slice).unwrap_or_default();
        fees.get(account).is_some_and(|fees| fees.iter().any(|fee| is_overtaken(fee, ledger, stays)))
    });
    Ok(ledgers)
}

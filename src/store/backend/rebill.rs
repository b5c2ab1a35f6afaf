//! Bills under an arrangement that a file reverses: carried over to the bill that comes in their place, or put before the lead.
//!
//! A billing system corrects a bill by taking it back and billing it anew. The arrangement was made on the debt, not on the
//! bill's number: it goes on with the new bill. Where none has come, only a person can say whether one will; until then the
//! arrangement is not completed, and nothing adverse goes out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::ledger::{ENTRY_COLUMNS, EntryColumns, OWN_SOURCE, entry, open_items_of};
use super::log::{self, NewLine};
use super::snapshot::{By, applications};
use super::{Conn, Result, exception, ids, kept, sql};
use crate::domain::arrangement::{Arrangement, ArrangementState, Awaited, Standing};
use crate::domain::ledger::Carried;
use crate::domain::{AccountId, Day, Entry, EntryId};

/// What a file did to arrangements.
#[derive(Default)]
pub(super) struct Followed {
    /// Bills that took the place of reversed ones.
    pub carried: u32,
    /// Reversed bills in whose place nothing has come.
    pub awaited: u32,
}

/// Follows the debts that a file reversed, and looks among what it brought for those that are awaited. The ledger has its
/// entries, and the open items are still those from before.
pub(super) async fn follow(
    conn: &mut Conn,
    reversed: &[(AccountId, EntryId)],
    touched: &BTreeSet<AccountId>,
    stamp: &Stamp,
) -> Result<Followed> {
    let waiting: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT account_id FROM exception WHERE kind = $1 AND cleared_on IS NULL AND account_id IS NOT NULL",
    )
    .bind(ExceptionKind::ArrangedBillReversed.word())
    .fetch_all(&mut *conn)
    .await?;
    let waiting = waiting.into_iter().map(AccountId).filter(|account| touched.contains(account));
    let accounts: BTreeSet<AccountId> = reversed.iter().map(|(account, _)| *account).chain(waiting).collect();
    let accounts: Vec<AccountId> = accounts.into_iter().collect();
    let mut followed = Followed::default();
    let plans = arrangements(conn, &accounts).await?;
    if plans.is_empty() {
        return Ok(followed);
    }
    let planned: Vec<AccountId> = plans.keys().copied().collect();
    let mut ledgers = ledgers(conn, &planned).await?;
    let open = open_items_of(conn, &planned).await?;
    let applied = applications(conn, &planned).await?;
    for (account, plans) in plans {
        let ledger = ledgers.remove(&account).unwrap_or_default();
        for mut plan in plans {
            let of_account = |debts: &By<_>| debts.get(&account).cloned().unwrap_or_default();
            let open = open.get(&account).map(Vec::as_slice).unwrap_or_default();
            let standing = plan.standing(&of_account(&applied), open, stamp.on);
            let is_new = |debt: &EntryId| reversed.contains(&(account, *debt)) && plan.covers.contains(debt);
            let awaited: BTreeMap<EntryId, i64> =
                plan.reversed.unreplaced.iter().map(|awaited| (awaited.debt, awaited.exception)).collect();
            let lost = ledger.iter().filter(|entry| is_new(&entry.id) || awaited.contains_key(&entry.id));
            let lost: Vec<&Entry> = lost.collect();
            let mut is_changed = false;
            for debt in lost {
                if let Some(anew) = billed_anew(debt, &plan, &ledger) {
                    carry(conn, &mut plan, debt, anew, awaited.get(&debt.id).copied(), stamp).await?;
                    followed.carried += 1;
                } else if awaited.contains_key(&debt.id) || !protects(&standing) {
                    continue;
                } else {
                    let text = reversed_text(debt, &plan);
                    let kind = ExceptionKind::ArrangedBillReversed;
                    let exception = exception::open(conn, Some(account), kind, &text, stamp).await?;
                    plan.reversed.unreplaced.push(Awaited { debt: debt.id, exception });
                    followed.awaited += 1;
                }
                is_changed = true;
            }
            if is_changed {
                put(conn, &plan).await?;
            }
        }
    }
    Ok(followed)
}

/// Whether something is lost with the debt: an arrangement that is completed, or was canceled without a default, bars nothing.
fn protects(standing: &Standing) -> bool {
    match standing.state {
        ArrangementState::Performing | ArrangementState::Missed(_) => true,
        ArrangementState::Canceled(_) => standing.defaulted_on().is_some(),
        ArrangementState::Completed => false,
    }
}

/// The lead has cleared the line: nothing comes in the reversed bill's place, or what came is arranged anew.
pub(super) async fn give_up(conn: &mut Conn, account: AccountId, exception: i64) -> Result<()> {
    let plans: Vec<Arrangement> = kept::of_account(conn, account).await?;
    for mut plan in plans {
        let before = plan.reversed.unreplaced.len();
        plan.reversed.unreplaced.retain(|awaited| awaited.exception != exception);
        if plan.reversed.unreplaced.len() < before {
            put(conn, &plan).await?;
        }
    }
    Ok(())
}

async fn put(conn: &mut Conn, plan: &Arrangement) -> Result<()> {
    sqlx::query("UPDATE arrangement SET body = $2 WHERE id = $1")
        .bind(plan.id.0)
        .bind(Json(plan))
        .execute(conn)
        .await?;
    Ok(())
}

async fn arrangements(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<Arrangement>> {
    let mut plans: By<Arrangement> = By::new();
    if !accounts.is_empty() {
        let condition = format!("account_id IN {} ORDER BY id", ids(1));
        let query = kept::select::<Arrangement>(&condition).bind(Json(accounts.to_vec()));
        for (account, plan) in kept::with_accounts(conn, query).await? {
            plans.entry(account).or_default().push(plan);
        }
    }
    Ok(plans)
}

async fn ledgers(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<Entry>> {
    let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id IN {} ORDER BY account_id, id", ids(1));
    let found: Vec<EntryColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut ledgers: By<Entry> = By::new();
    for row in found {
        let entry = entry(row)?;
        ledgers.entry(entry.account).or_default().push(entry);
    }
    Ok(ledgers)
}

fn due(debt: &Entry) -> Day {
    debt.due_on.unwrap_or(debt.effective_on)
}

/// The bill that took the debt's place: of the same service, kind and due date, learned since the arrangement was made and
/// not taken back itself. Of several the one of the same amount; where none or several are, only a person can tell.
fn billed_anew<'a>(debt: &Entry, plan: &Arrangement, ledger: &'a [Entry]) -> Option<&'a Entry> {
    let undone: BTreeSet<EntryId> = ledger.iter().filter_map(|entry| entry.reverses).collect();
    let could_be = |entry: &&Entry| {
        entry.is_debt()
            && entry.source != OWN_SOURCE
            && (entry.kind, entry.service, due(entry)) == (debt.kind, debt.service, due(debt))
            && entry.id > plan.known_through
            && !undone.contains(&entry.id)
            && !plan.covers.contains(&entry.id)
    };
    let found: Vec<&Entry> = ledger.iter().filter(could_be).collect();
    let same: Vec<&Entry> = found.iter().copied().filter(|entry| entry.amount == debt.amount).collect();
    match (found.as_slice(), same.as_slice()) {
        ([only], _) | (_, [only]) => Some(only),
        _ => None,
    }
}

/// Covers the new bill in the first one's place.
async fn carry(
    conn: &mut Conn,
    plan: &mut Arrangement,
    debt: &Entry,
    anew: &Entry,
    awaited: Option<i64>,
    stamp: &Stamp,
) -> Result<()> {
    let earlier = plan.reversed.carried.iter().find(|carried| carried.to == debt.id);
    let since = earlier.map_or(debt.effective_on, |carried| carried.since);
    plan.covers.insert(anew.id);
    plan.reversed.carried.push(Carried { of: debt.id, to: anew.id, since });
    plan.reversed.unreplaced.retain(|awaited| awaited.debt != debt.id);
    let body = json!({
        "arrangement": plan.id, "reversed": debt.id, "billed_anew": anew.id, "before": debt.amount, "now": anew.amount,
    });
    log::write(conn, &[NewLine::of(debt.account, "arrangement carried over", body)], None, stamp).await?;
    if let Some(exception) = awaited {
        exception::settle_lines(conn, &[exception], stamp).await?;
    }
    if anew.amount != debt.amount {
        let text = format!(
            "Arrangement {} of {} goes on with {} of {} ({}, {} due {}), which came in the place of {} of {}. Its \
             installments are as they were agreed: see whether they still fit",
            plan.id,
            plan.made_on,
            anew.reference,
            anew.source,
            anew.amount,
            anew.service,
            due(anew),
            debt.reference,
            debt.amount,
        );
        exception::open(conn, Some(debt.account), ExceptionKind::RebilledDiffers, &text, stamp).await?;
    }
    Ok(())
}

fn reversed_text(debt: &Entry, plan: &Arrangement) -> String {
    format!(
        "{} of {} ({}, {} due {}) was reversed, and arrangement {} of {} covers it. No notice, shut-off or referral until this is \
         cleared. A bill of the same service and due date that a file brings takes its place and clears this. Where it was \
         billed anew otherwise, cancel the arrangement and arrange anew, then clear this; where it is not owed, clear this",
        debt.reference,
        debt.source,
        debt.amount,
        debt.service,
        due(debt),
        plan.id,
        plan.made_on,
    )
}

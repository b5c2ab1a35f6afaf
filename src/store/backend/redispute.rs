//! Disputed bills that a file reverses: the dispute goes on with the bill that clearly comes in their place, or a person is asked.
//!
//! Nobody is shut off while a dispute is open, whatever it names. What it names gets no fee, stands in no letter, and is what
//! a ruling is about: the customer disputes what was billed, and not the bill's number.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::types::Json;

use super::given::Stamp;
use super::ledger::{OWN_SOURCE, entries_known};
use super::log::{self, NewLine};
use super::task::{self, NewTask};
use super::{Conn, Result, dispute, hold, ids, kept};
use crate::domain::day::short;
use crate::domain::dispute::Dispute;
use crate::domain::hold::Hold;
use crate::domain::petition::{PERIOD_FROM, PERIOD_THROUGH};
use crate::domain::{AccountId, Day, Entry, EntryId, EntryKind, Role};

/// Follows the disputed debts of the accounts that a file touched; `reversed` are those that it reversed itself.
pub(super) async fn follow(
    conn: &mut Conn,
    reversed: &[(AccountId, EntryId)],
    touched: &BTreeSet<AccountId>,
    stamp: &Stamp,
) -> Result<()> {
    // Disputes are few, and accounts of a file may be all there are.
    let disputing: Vec<i64> =
        sqlx::query_scalar("SELECT DISTINCT account_id FROM dispute ORDER BY account_id").fetch_all(&mut *conn).await?;
    let disputing: Vec<AccountId> = disputing.into_iter().map(AccountId).filter(|id| touched.contains(id)).collect();
    if disputing.is_empty() {
        return Ok(());
    }
    let condition = format!("account_id IN {} ORDER BY id", ids(1));
    let disputes = kept::with_accounts(conn, kept::select::<Dispute>(&condition).bind(Json(disputing))).await?;
    for (account, dispute) in disputes.into_iter().filter(|(_, dispute)| dispute::is_open(dispute)) {
        let ledger = entries_known(conn, account, None).await?;
        if dispute.items.is_empty() {
            for (_, debt) in reversed.iter().filter(|(of, _)| *of == account) {
                let debt = ledger.iter().find(|entry| entry.id == *debt && entry.effective_on <= dispute.opened_on);
                if let Some(debt) = debt {
                    ask(conn, &dispute, debt, stamp).await?;
                }
            }
        } else {
            follow_named(conn, account, dispute, &ledger, stamp).await?;
        }
    }
    Ok(())
}

async fn follow_named(
    conn: &mut Conn,
    account: AccountId,
    mut dispute: Dispute,
    ledger: &[Entry],
    stamp: &Stamp,
) -> Result<()> {
    let lost: Vec<&Entry> =
        ledger.iter().filter(|entry| dispute.items.contains(&entry.id) && is_undone(entry.id, ledger)).collect();
    for debt in lost {
        let Some(anew) = billed_anew(debt, &dispute.items, ledger) else {
            ask(conn, &dispute, debt, stamp).await?;
            continue;
        };
        dispute.items.remove(&debt.id);
        dispute.items.insert(anew.id);
        dispute::put(conn, &dispute, stamp).await?;
        let (_, mut held) = kept::one::<Hold>(conn, dispute.last_hold().0).await?;
        held.items.clone_from(&dispute.items);
        hold::put_items(conn, &held).await?;
        task::settle(conn, &key(&dispute, debt), stamp).await?;
        let body = json!({
            "dispute": dispute.id, "reversed": debt.id, "billed_anew": anew.id, "before": debt.amount, "now": anew.amount,
        });
        log::write(conn, &[NewLine::of(account, "dispute carried over", body)], None, stamp).await?;
        if anew.amount != debt.amount {
            let text = format!(
                "Dispute {} goes on with {} of {}, which the billing system billed in the place of {} of {}: see whether that settles \
                 it (`arrears dispute decide {}`)",
                dispute.id, anew.reference, anew.amount, debt.reference, debt.amount, dispute.id
            );
            let act_key = format!("dispute {}, billed anew as {}", dispute.id, anew.id);
            task::add(conn, &[NewTask { account, act_key, text, role: Role::Lead }], stamp.on).await?;
        }
    }
    Ok(())
}

fn key(dispute: &Dispute, debt: &Entry) -> String {
    format!("dispute {}, {} reversed", dispute.id, debt.id)
}

/// The lead sees what comes in the reversed bill's place, once for each.
async fn ask(conn: &mut Conn, dispute: &Dispute, debt: &Entry, stamp: &Stamp) -> Result<()> {
    let text = format!(
        "{} of {}, {} due {}, which dispute {} is about, was reversed, and no bill has come that is clearly in its place. Where one \
         does, it is disputed only by command (`arrears dispute open ACCOUNT --item REFERENCE`); where nothing is left of what is \
         disputed, decide the dispute (`arrears dispute decide {}`)",
        debt.reference,
        debt.source,
        debt.amount,
        short(due(debt)),
        dispute.id,
        dispute.id
    );
    let new = NewTask { account: debt.account, act_key: key(dispute, debt), text, role: Role::Lead };
    task::add(conn, &[new], stamp.on).await
}

fn is_undone(id: EntryId, ledger: &[Entry]) -> bool {
    ledger.iter().any(|entry| entry.reverses == Some(id))
}

fn due(debt: &Entry) -> Day {
    debt.due_on.unwrap_or(debt.effective_on)
}

/// The days that a bill is for.
fn period(debt: &Entry) -> Option<(Day, Day)> {
    Some((*debt.printed.get(PERIOD_FROM)?, *debt.printed.get(PERIOD_THROUGH)?))
}

/// The bill that came in the debt's place: of the same kind and service, learned after it, for the same days, or where these
/// are not known due on the same day. Of several the one of the same amount; else only a person can tell.
fn billed_anew<'a>(debt: &Entry, disputed: &BTreeSet<EntryId>, ledger: &'a [Entry]) -> Option<&'a Entry> {
    let is_for_the_same = |entry: &Entry| match (period(debt), period(entry)) {
        (Some(was), Some(is)) => was == is,
        (None, _) | (_, None) => due(entry) == due(debt),
    };
    let could_be = |entry: &&Entry| {
        entry.is_debt()
            && entry.kind == EntryKind::Charge
            && entry.source != OWN_SOURCE
            && (entry.kind, entry.service) == (debt.kind, debt.service)
            && entry.id > debt.id
            && is_for_the_same(entry)
            && !is_undone(entry.id, ledger)
            && !disputed.contains(&entry.id)
    };
    let found: Vec<&Entry> = ledger.iter().filter(could_be).collect();
    let same: Vec<&Entry> = found.iter().copied().filter(|entry| entry.amount == debt.amount).collect();
    match (found.as_slice(), same.as_slice()) {
        ([only], _) | (_, [only]) => Some(only),
        _ => None,
    }
}

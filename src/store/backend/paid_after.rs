//! Money that comes after a write-off: the lead is told, with the command that brings back as much of the debt. Nothing follows by
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::ledger::{EntryRow, entries_known, open_items_of};
use super::{Conn, Result, exception, ids, sql, write_off};
use crate::domain::day::short;
use crate::domain::{AccountId, Cents, Entry, EntryKind};

/// A payment that was just posted to an account of which something was written off.
pub(super) struct Paid {
    account: AccountId,
    source: String,
    reference: String,
}

/// Of entries that were just posted the payments on accounts of which something was written off.
pub(super) async fn among(conn: &mut Conn, posted: &[EntryRow]) -> Result<Vec<Paid>> {
    let is_payment = |row: &&EntryRow| row.kind == EntryKind::Payment && row.cents.is_negative();
    let accounts: BTreeSet<AccountId> = posted.iter().filter(is_payment).map(|row| row.account).collect();
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let select = format!("SELECT DISTINCT account_id FROM entry WHERE account_id IN {} AND kind = 'write_off'", ids(1));
    let found: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let written_off: BTreeSet<i64> = found.into_iter().collect();
    let paid = posted.iter().filter(is_payment).filter(|row| written_off.contains(&row.account.0));
    Ok(paid
        .map(|row| Paid { account: row.account, source: row.source.clone(), reference: row.reference.clone() })
        .collect())
}

/// Tells the lead of those of the payments that name a debt which was written off, or that pay nothing while something is. The
/// accounts are settled.
pub(super) async fn tell(conn: &mut Conn, paid: &[Paid], stamp: &Stamp) -> Result<()> {
    let mut by_account: BTreeMap<AccountId, Vec<&Paid>> = BTreeMap::new();
    for payment in paid {
        by_account.entry(payment.account).or_default().push(payment);
    }
    for (account, paid) in by_account {
        let entries = entries_known(conn, account, None).await?;
        let written_off = write_off::standing_of(conn, account, &entries).await?;
        let open = open_items_of(conn, &[account]).await?.remove(&account).unwrap_or_default();
        let (number, unapplied): (String, i64) = sqlx::query_as(
            "SELECT account.number, review.unapplied_cents FROM account JOIN review ON review.account_id = account.id
             WHERE account.id = $1",
        )
        .bind(account.0)
        .fetch_one(&mut *conn)
        .await?;
        for payment in paid {
            let is_it = |entry: &&Entry| (&entry.source, &entry.reference) == (&payment.source, &payment.reference);
            let Some(money) = entries.iter().find(is_it) else { continue };
            // Money of before a write-off pays the debt itself.
            let gone: Vec<&(&Entry, Cents)> =
                written_off.iter().filter(|(entry, _)| entry.effective_on <= money.effective_on).collect();
            let all: Cents = gone.iter().map(|(_, amount)| *amount).sum();
            let named = money.designated_item.filter(|item| open.iter().all(|open| open.id != *item));
            let named =
                gone.iter().find(|(entry, _)| entry.designated_item.is_some() && entry.designated_item == named);
            let (what, left) = match named {
                Some((entry, amount)) => (of_named(money, entry, &entries), money.amount.abs().min(*amount)),
                None => {
                    let left = money.amount.abs().min(Cents::new(unapplied)).min(all);
                    (format!("{} pays nothing here, and {all} was written off", whole(money)), left)
                }
            };
            if left.is_positive() {
                let text = format!(
                    "{what}. Bring back as much of it: `arrears writeoff {number} --reverse --amount {} --reason TEXT`, which \
                     another approves, and the money pays it. Or have the money given back, and clear this line",
                    left.to_plain()
                );
                exception::open(conn, Some(account), ExceptionKind::PaidAfterWriteOff, &text, stamp).await?;
            }
        }
    }
    Ok(())
}

fn whole(money: &Entry) -> String {
    format!("{} of {} ({} of {})", money.amount.abs(), short(money.effective_on), money.reference, money.source)
}

fn of_named(money: &Entry, write_off: &Entry, entries: &[Entry]) -> String {
    let debt = entries.iter().find(|entry| Some(entry.id) == write_off.designated_item);
    let debt = debt.map_or_else(String::new, |debt| {
        format!(" ({} of {}, due {})", debt.reference, debt.amount, short(debt.due_on.unwrap_or(debt.effective_on)))
    });
    format!(
        "{} names a debt{debt} that was written off on {}: it pays others instead, or nothing",
        whole(money),
        short(write_off.effective_on)
    )
}

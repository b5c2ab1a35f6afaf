//! Payments that match no account: listed, matched and rejected by people, found and taken back by files.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{ExceptionKind, Stamp};
use super::known::{Unmatched, UnmatchedBody};
use super::ledger::{EntryRow, by_id, by_reference, post_new, post_one};
use super::log::{self, NewLine};
use super::settle::resettle;
use super::{Backend, Conn, LOCK_NO_IMPORT, Result, StoreError, exception, rows, sql, word};
use crate::domain::import::{NewEntry, ReturnedBy, UnmatchedPayment, UnmatchedState};
use crate::domain::{AccountId, Entry, EntryId, EntryKind, EventKind, UnmatchedId};
use crate::rulebook::policy::LedgerRules;

impl Backend {
    pub async fn unmatched_payments(&self, state: Option<UnmatchedState>) -> Result<Vec<UnmatchedPayment>> {
        let mut tx = self.read().await?;
        listed(&mut tx, None, state).await
    }

    pub async fn match_payment(
        &self,
        id: UnmatchedId,
        account: AccountId,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<EntryId> {
        let mut tx = self.write().await?;
        // A file under way may bring this payment again.
        sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let payment = to_match(&mut tx, id).await?;
        let designated_item = match &payment.row.designated_reference {
            // A debt that belongs to another account, or to none that we know, directs nothing here.
            Some(reference) => debt_of(&mut tx, account, reference).await?,
            None => None,
        };
        let row = EntryRow {
            account,
            service: payment.row.service,
            kind: payment.row.kind,
            cents: payment.row.amount,
            effective_on: payment.row.effective_on,
            due_on: None,
            printed: BTreeMap::new(),
            designated_item,
            designated_service: payment.row.designated_service,
            reverses: None,
            channel: payment.row.channel,
            source: payment.row.source.clone(),
            reference: payment.row.reference.clone(),
            memo: payment.row.memo.clone(),
        };
        let (entry, _) = post_one(&mut tx, row, rules, stamp).await?;
        decide(&mut tx, id, UnmatchedState::Matched, stamp).await?;
        let body =
            json!({ "entry": entry, "amount": payment.row.amount, "file": payment.file, "returned": payment.returned });
        log::write(&mut tx, &[NewLine::of(account, "payment matched", body)], None, stamp).await?;
        // It had come back: the account's record has the payment and its return.
        if let Some(returned) = &payment.returned {
            let posted = by_id(&mut tx, entry).await?;
            post_return(&mut tx, &posted, returned, stamp).await?;
            resettle(&mut tx, &[account], rules, stamp).await?;
        }
        tx.commit().await?;
        Ok(entry)
    }

    pub async fn reject_payment(&self, id: UnmatchedId, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        // A file under way may bring this payment again.
        sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let payment = still_open(&mut tx, id).await?;
        decide(&mut tx, id, UnmatchedState::Rejected, stamp).await?;
        let body = json!({ "unmatched": id, "amount": payment.row.amount, "reference": payment.row.reference });
        log::write(&mut tx, &[NewLine { account: None, what: "payment rejected", body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }
}

type UnmatchedColumns = (i64, String, Json<UnmatchedBody>, String, Option<String>);

async fn listed(
    conn: &mut Conn,
    id: Option<UnmatchedId>,
    state: Option<UnmatchedState>,
) -> Result<Vec<UnmatchedPayment>> {
    let found: Vec<UnmatchedColumns> = sqlx::query_as(
        "SELECT id, file, body, state, decided_by FROM unmatched_payment
         WHERE ($1 = 0 OR id = $1) AND ($2 = '' OR state = $2) ORDER BY id",
    )
    .bind(id.map_or(0, |id| id.0))
    .bind(state.map_or("", UnmatchedState::word))
    .fetch_all(conn)
    .await?;
    found
        .into_iter()
        .map(|(id, file, Json(UnmatchedBody { row, returned, .. }), state, decided_by)| {
            let state = word(UnmatchedState::from_word, &state)?;
            Ok(UnmatchedPayment { id: UnmatchedId(id), file, row, state, decided_by, returned })
        })
        .collect()
}

/// Whether a payment that matches no account has come in since the open ones were read, `seen` the last of them.
pub(super) async fn has_come_since(conn: &mut Conn, seen: UnmatchedId) -> Result<bool> {
    let newer: Option<i64> =
        sqlx::query_scalar("SELECT id FROM unmatched_payment WHERE state = $2 AND id > $1 ORDER BY id LIMIT 1")
            .bind(seen.0)
            .bind(UnmatchedState::Open.word())
            .fetch_optional(conn)
            .await?;
    Ok(newer.is_some())
}

/// Whether one of the rows is a payment that is open on the unmatched list.
pub(super) async fn is_one_open(conn: &mut Conn, entries: &[NewEntry]) -> Result<bool> {
    let open: Vec<(String, String)> =
        sqlx::query_as("SELECT source, reference FROM unmatched_payment WHERE state = $1")
            .bind(UnmatchedState::Open.word())
            .fetch_all(conn)
            .await?;
    let open: BTreeSet<(&str, &str)> = open.iter().map(|(source, reference)| (&**source, &**reference)).collect();
    Ok(entries.iter().any(|row| open.contains(&(&*row.source, &*row.reference))))
}

async fn still_open(conn: &mut Conn, id: UnmatchedId) -> Result<UnmatchedPayment> {
    let found =
        listed(conn, Some(id), None).await?.pop().ok_or_else(|| StoreError::not_found("unmatched payment", id))?;
    match found.state {
        UnmatchedState::Open => Ok(found),
        UnmatchedState::Matched | UnmatchedState::Rejected | UnmatchedState::Returned => {
            let by = found.decided_by.unwrap_or_default();
            Err(StoreError::Conflict(format!("unmatched payment {id} is {} by {by}", found.state)))
        }
    }
}

/// A payment that a person may match: one that is open, or that came back before anybody found whose it was.
async fn to_match(conn: &mut Conn, id: UnmatchedId) -> Result<UnmatchedPayment> {
    let found = listed(conn, Some(id), Some(UnmatchedState::Returned)).await?.pop();
    match found {
        Some(returned) => Ok(returned),
        None => still_open(conn, id).await,
    }
}

async fn decide(conn: &mut Conn, id: UnmatchedId, state: UnmatchedState, stamp: &Stamp) -> Result<()> {
    sqlx::query("UPDATE unmatched_payment SET state = $2, decided_by = $3 WHERE id = $1")
        .bind(id.0)
        .bind(state.word())
        .bind(stamp.by.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// The account's debt of that reference, whatever its source: the latest, where there are several.
async fn debt_of(conn: &mut Conn, account: AccountId, reference: &str) -> Result<Option<EntryId>> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM entry
         WHERE account_id = $1 AND reference = $2 AND cents > 0 AND kind <> 'reversal' ORDER BY id DESC LIMIT 1",
    )
    .bind(account.0)
    .bind(reference)
    .fetch_optional(conn)
    .await?;
    Ok(found.map(EntryId))
}

/// Posts the return of a payment that had come back before its account was found. The caller settles the account.
async fn post_return(conn: &mut Conn, payment: &Entry, by: &ReturnedBy, stamp: &Stamp) -> Result<()> {
    let row = EntryRow {
        account: payment.account,
        service: payment.service,
        kind: EntryKind::Reversal,
        cents: -payment.amount,
        effective_on: by.on,
        due_on: None,
        printed: BTreeMap::new(),
        designated_item: None,
        designated_service: None,
        reverses: Some(payment.id),
        channel: None,
        source: by.source.clone(),
        reference: by.reference.clone(),
        memo: by.memo.clone(),
    };
    post_new(conn, &[row], stamp.at).await?;
    let returned = NewEvent { account: payment.account, kind: EventKind::PaymentReturned, on_day: by.on, stage: None };
    event::record(conn, &[returned], stamp).await
}

/// The payment was posted to the account that this file names: it comes off the unmatched list. What a person had said
/// of it, or the bank had done with it, is not passed over.
pub(super) async fn find_account(
    conn: &mut Conn,
    row: &NewEntry,
    account: AccountId,
    payment: &Unmatched,
    stamp: &Stamp,
) -> Result<()> {
    decide(conn, payment.id, UnmatchedState::Matched, stamp).await?;
    let entry = by_reference(conn, &row.source, &row.reference).await?;
    let body = json!({
        "entry": entry.as_ref().map(|entry| entry.id), "amount": row.amount, "file": payment.file, "was": payment.state,
    });
    log::write(conn, &[NewLine::of(account, "payment matched", body)], None, stamp).await?;
    if payment.state == UnmatchedState::Rejected {
        let text = format!(
            "{} of {} for {} of {} was rejected by {}, and came again for account {}: it is posted there. If the money \
             was sent back, have the sender reverse it",
            row.reference,
            row.source,
            row.amount.abs(),
            row.effective_on,
            payment.decided_by.as_deref().unwrap_or("a person"),
            row.account,
        );
        exception::open(conn, Some(account), ExceptionKind::RejectedPayment, &text, stamp).await?;
    }
    match (&payment.body.returned, entry) {
        (Some(returned), Some(entry)) => post_return(conn, &entry, returned, stamp).await,
        _ => Ok(()),
    }
}

/// The payment came back before it was matched: there is nothing to match any more, and no account's ledger to correct.
pub(super) async fn take_back(conn: &mut Conn, row: &NewEntry, payment: &Unmatched, stamp: &Stamp) -> Result<()> {
    decide(conn, payment.id, UnmatchedState::Returned, stamp).await?;
    let returned = ReturnedBy::of(row);
    let body = json!({ "unmatched": payment.id, "amount": payment.body.row.amount, "returned": returned });
    let kept = UnmatchedBody { returned: Some(returned), ..payment.body.clone() };
    sqlx::query("UPDATE unmatched_payment SET body = $2 WHERE id = $1")
        .bind(payment.id.0)
        .bind(Json(kept))
        .execute(&mut *conn)
        .await?;
    log::write(conn, &[NewLine { account: None, what: "unmatched payment returned", body }], None, stamp).await
}

/// The payment came again with another number that is not known either. It is put on the list anew, for whoever
/// looked at the list before has not seen this: no number of the list is given twice.
pub(super) async fn rename(conn: &mut Conn, row: &NewEntry, before: &Unmatched, stamp: &Stamp) -> Result<()> {
    sqlx::query("DELETE FROM unmatched_payment WHERE id = $1").bind(before.id.0).execute(&mut *conn).await?;
    let body = json!({
        "unmatched": before.id, "was": before.state, "account": before.body.row.account, "now": row.account,
    });
    log::write(conn, &[NewLine { account: None, what: "unmatched payment corrected", body }], None, stamp).await
}

#[derive(Serialize)]
struct UnmatchedRow<'a> {
    source: &'a str,
    reference: &'a str,
    body: &'a UnmatchedBody,
}

pub(super) async fn add(conn: &mut Conn, payments: &[UnmatchedBody], file: &str, stamp: &Stamp) -> Result<()> {
    if payments.is_empty() {
        return Ok(());
    }
    let payments: Vec<UnmatchedRow<'_>> = payments
        .iter()
        .map(|body| UnmatchedRow { source: &body.row.source, reference: &body.row.reference, body })
        .collect();
    let insert = format!(
        "INSERT INTO unmatched_payment (source, reference, file, body, state, recorded_at)
         SELECT r.source, r.reference, $2, r.body, 'open', $3 FROM {}",
        rows(1, "source text, reference text, body jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(payments)).bind(file).bind(stamp.at).execute(conn).await?;
    Ok(())
}

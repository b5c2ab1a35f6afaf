//! The ledger: append-only entries, and through when each channel is loaded.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{AccountItems, CounterPayment, Stamp, VoidedPayment};
use super::known::KnownEntry;
use super::log::{self, NewLine};
use super::settle::resettle;
use super::{Backend, Conn, FOR_UPDATE, LOCK_NO_IMPORT, Result, StoreError, paid_after, rows, sql, texts, touch, word};
use crate::domain::import::{NewEntry, ReturnedBy};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountId, AccountNumber, Cents, Day, Entry, EntryId, EntryKind, EventKind, OpenItem, Service};
use crate::rulebook::policy::LedgerRules;

/// The source of what Arrears itself posts.
pub(super) use crate::domain::ledger::OWN_SOURCE;
/// The source of payments taken at the counter.
pub(super) const COUNTER_SOURCE: &str = "counter";
/// The log's word for a payment that was taken here.
pub(super) const COUNTER_PAYMENT: &str = "counter payment";

/// An entry about to be posted.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EntryRow {
    pub account: AccountId,
    pub service: Service,
    pub kind: EntryKind,
    pub cents: Cents,
    pub effective_on: Day,
    pub due_on: Option<Day>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub printed: BTreeMap<String, Day>,
    pub designated_item: Option<EntryId>,
    pub designated_service: Option<Service>,
    pub reverses: Option<EntryId>,
    pub channel: Option<PaymentChannel>,
    pub source: String,
    pub reference: String,
    pub memo: String,
}

/// Those of Arrears' own entries that the ledger does not hold yet.
pub(super) async fn not_posted(conn: &mut Conn, entries: &[EntryRow]) -> Result<Vec<EntryRow>> {
    let references: Vec<&str> = entries.iter().map(|entry| entry.reference.as_str()).collect();
    let select = format!("SELECT reference FROM entry WHERE reference IN {} AND source = $2", texts(1));
    let known: Vec<String> =
        sqlx::query_scalar(sql(select)).bind(Json(references)).bind(OWN_SOURCE).fetch_all(conn).await?;
    let known: BTreeSet<String> = known.into_iter().collect();
    Ok(entries.iter().filter(|entry| !known.contains(&entry.reference)).cloned().collect())
}

/// Posts entries in their order; one whose reference is known already is left out. Gives how many were new.
pub(super) async fn post(conn: &mut Conn, entries: &[EntryRow], at: DateTime<Utc>) -> Result<u64> {
    if entries.is_empty() {
        return Ok(0);
    }
    let insert = format!(
        "INSERT INTO entry (account_id, service, kind, cents, effective_on, due_on, printed, designated_item,
            designated_service, reverses, channel, source, reference, memo, recorded_at)
         SELECT r.account, r.service, r.kind, r.cents, r.effective_on, r.due_on, r.printed, r.designated_item,
            r.designated_service, r.reverses, r.channel, r.source, r.reference, r.memo, $2
         FROM {} WHERE true
         ON CONFLICT (reference, source) DO NOTHING",
        rows(
            1,
            "account bigint, service text, kind text, cents bigint, effective_on date, due_on date, printed jsonb, \
             designated_item bigint, designated_service text, reverses bigint, channel text, source text, \
             reference text, memo text"
        )
    );
    let done = sqlx::query(sql(insert)).bind(Json(entries)).bind(at).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Posts entries that were judged to be new. One that is left out all the same would be lost in silence: it is an error.
pub(super) async fn post_new(conn: &mut Conn, entries: &[EntryRow], at: DateTime<Utc>) -> Result<()> {
    let posted = post(conn, entries, at).await?;
    if usize::try_from(posted).is_ok_and(|posted| posted == entries.len()) {
        return Ok(());
    }
    let first = entries.first().map(|entry| format!("{} of {}", entry.reference, entry.source)).unwrap_or_default();
    Err(StoreError::Conflict(format!(
        "{posted} of {} entries, from {first} on, could be posted: the books have another under the source and reference of \
         the rest, and nothing was changed",
        entries.len()
    )))
}

pub(super) type EntryColumns = (
    i64,
    i64,
    String,
    String,
    i64,
    Day,
    Option<Day>,
    Option<Json<BTreeMap<String, Day>>>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<String>,
    String,
    String,
    String,
    DateTime<Utc>,
);

/// The columns of an [`Entry`], in the order in which [`entry`] reads them.
pub(super) const ENTRY_COLUMNS: &str = "id, account_id, service, kind, cents, effective_on, due_on, printed, \
    designated_item, designated_service, reverses, channel, source, reference, memo, recorded_at";

pub(super) fn entry(row: EntryColumns) -> Result<Entry> {
    let (
        id,
        account,
        service,
        kind,
        cents,
        effective_on,
        due_on,
        printed,
        item,
        only,
        reverses,
        channel,
        source,
        reference,
        memo,
        recorded_at,
    ) = row;
    Ok(Entry {
        id: EntryId(id),
        account: AccountId(account),
        service: word(Service::from_word, &service)?,
        kind: word(EntryKind::from_word, &kind)?,
        amount: Cents::new(cents),
        effective_on,
        due_on,
        printed: printed.map(|Json(printed)| printed).unwrap_or_default(),
        designated_item: item.map(EntryId),
        designated_service: only.map(|text| word(Service::from_word, &text)).transpose()?,
        reverses: reverses.map(EntryId),
        channel: channel.map(|text| word(PaymentChannel::from_word, &text)).transpose()?,
        source,
        reference,
        memo,
        recorded_at,
    })
}

/// The account's entries that were known by the instant, in order of effective date.
pub(super) async fn entries_known(
    conn: &mut Conn,
    account: AccountId,
    by: Option<DateTime<Utc>>,
) -> Result<Vec<Entry>> {
    let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE account_id = $1 ORDER BY effective_on, id");
    let found: Vec<EntryColumns> = sqlx::query_as(sql(select)).bind(account.0).fetch_all(conn).await?;
    let entries: Result<Vec<Entry>> = found.into_iter().map(entry).collect();
    Ok(entries?.into_iter().filter(|entry| by.is_none_or(|by| entry.recorded_at <= by)).collect())
}

type ItemColumns = (i64, i64, String, String, i64, i64, Day, Day, Option<Json<BTreeMap<String, Day>>>);

/// Open items of the accounts, by account, oldest due first.
pub(super) async fn open_items_of(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Vec<OpenItem>>> {
    items_in(conn, "open_item", accounts).await
}

/// The same of `stayed_item`, which has the same columns.
pub(super) async fn items_in(
    conn: &mut Conn,
    table: &str,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Vec<OpenItem>>> {
    let select = format!(
        "SELECT account_id, entry_id, service, kind, cents, open_cents, billed_on, due_on, printed FROM {table}
         WHERE account_id IN {} ORDER BY account_id, due_on, entry_id",
        super::ids(1)
    );
    let found: Vec<ItemColumns> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut items: BTreeMap<AccountId, Vec<OpenItem>> = BTreeMap::new();
    for (account, id, service, kind, cents, open, billed_on, due_on, printed) in found {
        items.entry(AccountId(account)).or_default().push(OpenItem {
            id: EntryId(id),
            service: word(Service::from_word, &service)?,
            kind: word(EntryKind::from_word, &kind)?,
            amount: Cents::new(cents),
            open: Cents::new(open),
            billed_on,
            due_on,
            printed: printed.map(|Json(printed)| printed).unwrap_or_default(),
        });
    }
    Ok(items)
}

/// Lets no file be taken meanwhile and locks the account, as whoever posts a single entry does first; gives its
/// `facts_seq`. It is asked before anything else is locked or read.
pub(super) async fn hold_still(conn: &mut Conn, account: AccountId) -> Result<i64> {
    sqlx::query(LOCK_NO_IMPORT).execute(&mut *conn).await?;
    let lock = format!("SELECT facts_seq FROM review WHERE account_id = $1 {FOR_UPDATE}");
    let seq: Option<i64> = sqlx::query_scalar(sql(lock)).bind(account.0).fetch_optional(conn).await?;
    seq.ok_or_else(|| StoreError::not_found("account with id", account))
}

/// The account's last entry, so that what is learned from now on has a higher number; the account is held still. What is
/// about to be agreed rests on the facts that were seen: where others came in since, it is stale.
pub(super) async fn known_through(conn: &mut Conn, account: AccountId, seen_seq: i64) -> Result<EntryId> {
    if hold_still(conn, account).await? != seen_seq {
        return Err(StoreError::Stale);
    }
    last_entry(conn, account).await
}

/// The account's last entry; the account is held still.
pub(super) async fn last_entry(conn: &mut Conn, account: AccountId) -> Result<EntryId> {
    hold_still(conn, account).await?;
    let last: Option<i64> =
        sqlx::query_scalar("SELECT MAX(id) FROM entry WHERE account_id = $1").bind(account.0).fetch_one(conn).await?;
    Ok(EntryId(last.unwrap_or(0)))
}

/// The entry of that source and reference.
pub(super) async fn by_reference(conn: &mut Conn, source: &str, reference: &str) -> Result<Option<Entry>> {
    let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE source = $1 AND reference = $2");
    let found: Option<EntryColumns> =
        sqlx::query_as(sql(select)).bind(source).bind(reference).fetch_optional(conn).await?;
    found.map(entry).transpose()
}

/// Posts one entry, settles its account anew and makes it due. The same entry again is the same; another under its
/// reference is a conflict.
pub(super) async fn post_one(
    conn: &mut Conn,
    row: EntryRow,
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<(EntryId, bool)> {
    // The account is locked before its entry has a number, so that the numbers of an account say what was learned first.
    let lock = format!("SELECT facts_seq FROM review WHERE account_id = $1 {FOR_UPDATE}");
    sqlx::query(sql(lock)).bind(row.account.0).execute(&mut *conn).await?;
    let new = post(conn, std::slice::from_ref(&row), stamp.at).await? == 1;
    let posted = by_reference(conn, &row.source, &row.reference)
        .await?
        .ok_or_else(|| StoreError::not_found("entry", &row.reference))?;
    if !new && (posted.account, posted.amount, posted.effective_on) != (row.account, row.cents, row.effective_on) {
        let number: String = sqlx::query_scalar("SELECT number FROM account WHERE id = $1")
            .bind(posted.account.0)
            .fetch_one(&mut *conn)
            .await?;
        return Err(StoreError::Conflict(format!(
            "{} of {} was posted before as {} of {} on account {number}; give another reference, or reverse that one",
            row.reference, row.source, posted.amount, posted.effective_on
        )));
    }
    if new {
        touch(conn, &[row.account], stamp.on).await?;
        resettle(conn, &[row.account], rules, stamp).await?;
        let paid = paid_after::among(conn, std::slice::from_ref(&row)).await?;
        paid_after::tell(conn, &paid, stamp).await?;
    }
    Ok((posted.id, new))
}

/// Posts the reversal of an entry on the stamp's day, or on the entry's own where that is still ahead. What it had paid
/// is owed again from its own due date.
async fn undo(
    conn: &mut Conn,
    original: &Entry,
    what: &'static str,
    reason: &str,
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<EntryId> {
    let row = EntryRow {
        account: original.account,
        service: original.service,
        kind: EntryKind::Reversal,
        cents: -original.amount,
        effective_on: stamp.on.max(original.effective_on),
        due_on: None,
        printed: BTreeMap::new(),
        designated_item: None,
        designated_service: None,
        reverses: Some(original.id),
        channel: None,
        source: OWN_SOURCE.to_owned(),
        reference: format!("reversal of {} ({})", original.reference, original.id),
        memo: reason.to_owned(),
    };
    let (reversal, _) = post_one(conn, row, rules, stamp).await?;
    let body = json!({ "entry": original.id, "reversal": reversal, "amount": original.amount, "reason": reason });
    log::write(conn, &[NewLine::of(original.account, what, body)], None, stamp).await?;
    Ok(reversal)
}

pub(super) async fn by_id(conn: &mut Conn, id: EntryId) -> Result<Entry> {
    let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE id = $1");
    let found: Option<EntryColumns> = sqlx::query_as(sql(select)).bind(id.0).fetch_optional(conn).await?;
    found.map(entry).transpose()?.ok_or_else(|| StoreError::not_found("ledger entry", id))
}

/// Undoes an entry that Arrears posted, whole. No import is under way.
pub(super) async fn waive(
    conn: &mut Conn,
    id: EntryId,
    reason: &str,
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<EntryId> {
    let original = by_id(conn, id).await?;
    if original.source != OWN_SOURCE {
        return Err(StoreError::Conflict(format!(
            "entry {id} comes from {}: reverse it there, and import the reversal",
            original.source
        )));
    }
    if original.kind == EntryKind::Reversal {
        return Err(StoreError::Conflict(format!("entry {id} is a reversal: post the entry anew instead")));
    }
    if reversal_of(conn, id).await?.is_some() {
        return Err(StoreError::Conflict(format!("entry {id} is reversed already")));
    }
    undo(conn, &original, "entry reversed", reason, rules, stamp).await
}

/// The entry that undoes another, where one does.
async fn reversal_of(conn: &mut Conn, id: EntryId) -> Result<Option<EntryId>> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT id FROM entry WHERE reverses = $1").bind(id.0).fetch_optional(conn).await?;
    Ok(found.map(EntryId))
}

/// Whether a payment with the counter's source was posted here, by hand. One that a file brought is the file's to undo.
async fn was_taken_here(conn: &mut Conn, payment: &Entry) -> Result<bool> {
    is_logged(conn, payment.account, payment.id, COUNTER_PAYMENT).await
}

/// Whether the account's log has a line of these words on the entry.
async fn is_logged(conn: &mut Conn, account: AccountId, entry: EntryId, what: &str) -> Result<bool> {
    let lines: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM log
         WHERE account_id = $1 AND what = $2 AND CAST(body ->> 'entry' AS TEXT) = $3",
    )
    .bind(account.0)
    .bind(what)
    .bind(entry.to_string())
    .fetch_one(conn)
    .await?;
    Ok(lines > 0)
}

/// The bank's file returns a counter payment that was voided here. The ledger has its reversal; that the bank returned it is
/// an event, once, however often the file says it. Whether it is news; the caller touches the account.
pub(super) async fn hear_return(conn: &mut Conn, payment: &KnownEntry, row: &NewEntry, stamp: &Stamp) -> Result<bool> {
    const HEARD: &str = "voided payment returned";
    if is_logged(conn, payment.account, payment.id, HEARD).await? {
        return Ok(false);
    }
    let returned =
        NewEvent { account: payment.account, kind: EventKind::PaymentReturned, on_day: row.effective_on, stage: None };
    event::record(conn, &[returned], stamp).await?;
    let body = json!({ "entry": payment.id, "amount": payment.cents, "returned": ReturnedBy::of(row) });
    log::write(conn, &[NewLine::of(payment.account, HEARD, body)], None, stamp).await?;
    Ok(true)
}

impl Backend {
    pub async fn entries(&self, account: AccountId) -> Result<Vec<Entry>> {
        let mut tx = self.read().await?;
        entries_known(&mut tx, account, None).await
    }

    pub async fn open_items(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<AccountItems>> {
        let mut tx = self.read().await?;
        let found: Vec<(i64, String, String, i64)> = sqlx::query_as(
            "SELECT account.id, account.number, account.customer_name, review.unapplied_cents
             FROM account JOIN review ON review.account_id = account.id
             WHERE account.id > $1
               AND (review.unapplied_cents <> 0
                    OR EXISTS (SELECT 1 FROM open_item WHERE open_item.account_id = account.id))
             ORDER BY account.id LIMIT $2",
        )
        .bind(after.map_or(0, |after| after.0))
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        let accounts: Vec<AccountId> = found.iter().map(|row| AccountId(row.0)).collect();
        let mut items = open_items_of(&mut tx, &accounts).await?;
        Ok(found
            .into_iter()
            .map(|(id, number, customer_name, unapplied)| AccountItems {
                account: AccountId(id),
                number: AccountNumber::from(number),
                customer_name,
                items: items.remove(&AccountId(id)).unwrap_or_default(),
                unapplied: Cents::new(unapplied),
            })
            .collect())
    }

    pub async fn counter_payment(
        &self,
        account: AccountId,
        payment: &CounterPayment,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<EntryId> {
        if !payment.amount.is_positive() {
            return Err(StoreError::Conflict(format!(
                "a payment of {} is none: give an amount above zero",
                payment.amount
            )));
        }
        let mut tx = self.write().await?;
        // A file under way may bring this receipt.
        sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let row = EntryRow {
            account,
            service: Service::General,
            kind: EntryKind::Payment,
            cents: -payment.amount,
            effective_on: payment.received_on,
            due_on: None,
            printed: BTreeMap::new(),
            designated_item: None,
            designated_service: None,
            reverses: None,
            channel: Some(PaymentChannel::Counter),
            source: COUNTER_SOURCE.to_owned(),
            reference: payment.reference.clone(),
            memo: payment.memo.clone(),
        };
        let (id, new) = post_one(&mut tx, row, rules, stamp).await?;
        if new {
            let body = json!({ "entry": id, "amount": payment.amount, "received_on": payment.received_on });
            log::write(&mut tx, &[NewLine::of(account, COUNTER_PAYMENT, body)], None, stamp).await?;
        } else if reversal_of(&mut tx, id).await?.is_some() {
            return Err(StoreError::Conflict(format!(
                "receipt {} was posted and voided: give the number of the receipt that replaces it",
                payment.reference
            )));
        }
        tx.commit().await?;
        Ok(id)
    }

    pub async fn account_of_receipt(&self, receipt: &str) -> Result<Option<AccountId>> {
        let mut tx = self.read().await?;
        Ok(by_reference(&mut tx, COUNTER_SOURCE, receipt).await?.map(|entry| entry.account))
    }

    pub async fn void_counter_payment(
        &self,
        receipt: &str,
        reason: &str,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<VoidedPayment> {
        let mut tx = self.write().await?;
        // A file under way may bring the bank's return of this payment.
        sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let payment = by_reference(&mut tx, COUNTER_SOURCE, receipt).await?;
        let payment = payment.ok_or_else(|| StoreError::not_found("counter payment with receipt", receipt))?;
        if !was_taken_here(&mut tx, &payment).await? {
            return Err(StoreError::Conflict(format!(
                "receipt {receipt} came by a file: reverse it there, and import the reversal"
            )));
        }
        let voided = |is_new| VoidedPayment { account: payment.account, amount: payment.amount.abs(), is_new };
        if reversal_of(&mut tx, payment.id).await?.is_some() {
            return Ok(voided(false));
        }
        undo(&mut tx, &payment, "counter payment voided", reason, rules, stamp).await?;
        tx.commit().await?;
        Ok(voided(true))
    }

    pub async fn watermarks(&self) -> Result<BTreeMap<PaymentChannel, Day>> {
        let found: Vec<(String, Day)> =
            sqlx::query_as("SELECT channel, loaded_through FROM watermark").fetch_all(&self.reader).await?;
        found.into_iter().map(|(channel, day)| Ok((word(PaymentChannel::from_word, &channel)?, day))).collect()
    }

    pub async fn raise_watermark(&self, channel: PaymentChannel, through: Day, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        raise(&mut tx, channel, through).await?;
        let body = json!({ "channel": channel, "through": through });
        log::write(&mut tx, &[NewLine { account: None, what: "channel loaded", body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }
}

/// Raises a channel's watermark; never lowers it.
pub(super) async fn raise(conn: &mut Conn, channel: PaymentChannel, through: Day) -> Result<()> {
    sqlx::query(
        "INSERT INTO watermark (channel, loaded_through) VALUES ($1, $2)
         ON CONFLICT (channel) DO UPDATE SET loaded_through = excluded.loaded_through
         WHERE watermark.loaded_through < excluded.loaded_through",
    )
    .bind(channel.word())
    .bind(through)
    .execute(conn)
    .await?;
    Ok(())
}

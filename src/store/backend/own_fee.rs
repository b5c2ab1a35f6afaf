//! What Arrears posted itself (fees, deposits, and what two people agreed on: adjustments, write-offs, transfers) on its way into the billing system's
//! books: listed for it once, and known when it comes back.
//!
//! A list is recorded, with its bytes, before its file is written: whoever is killed between the two finds the same list
//! to write again, and no fee ever stands on two.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{FeeExport, FeeLine, NewFeeExport, Stamp};
use super::log::{self, NewLine};
use super::snapshot::By;
use super::{Backend, Conn, LOCK_EXPORT, Result, StoreError, document, ids, rows, sql, word};
use crate::domain::balance::{ON_THE_WAY_DAYS, OnTheWay};
use crate::domain::day::plus_days;
use crate::domain::own_name::OwnNames;
use crate::domain::{AccountId, AccountNumber, Cents, Day, EntryId, EntryKind, Service};

/// What goes out: what is on no list, unless it was taken back before; and what takes back an entry that is on a list or in
/// the billing system's books.
const WAITING: &str = "
    SELECT own.id, account.number, own.service, own.kind, own.cents, own.effective_on, own.due_on, own.memo, own.reverses
    FROM entry AS own JOIN account ON account.id = own.account_id
    WHERE own.source = 'arrears' AND own.kind IN ('fee', 'adjustment', 'write_off', 'deposit', 'transfer')
        AND NOT EXISTS (SELECT 1 FROM entry AS undoing WHERE undoing.reverses = own.id)
        AND NOT EXISTS (SELECT 1 FROM fee_export_line AS line WHERE line.entry_id = own.id)
        AND NOT EXISTS (SELECT 1 FROM taken_over WHERE taken_over.entry_id = own.id)
    UNION ALL
    SELECT own.id, account.number, fee.service, own.kind, own.cents, own.effective_on, own.due_on, fee.memo, own.reverses
    FROM entry AS fee JOIN entry AS own ON own.reverses = fee.id JOIN account ON account.id = own.account_id
    WHERE fee.source = 'arrears' AND fee.kind IN ('fee', 'adjustment', 'write_off', 'deposit', 'transfer') AND own.source = 'arrears'
        AND (EXISTS (SELECT 1 FROM fee_export_line AS line WHERE line.entry_id = fee.id)
            OR EXISTS (SELECT 1 FROM taken_over WHERE taken_over.entry_id = fee.id))
        AND NOT EXISTS (SELECT 1 FROM fee_export_line AS line WHERE line.entry_id = own.id)
        AND NOT EXISTS (SELECT 1 FROM taken_over WHERE taken_over.entry_id = own.id)
    ORDER BY 1";

/// The names under which the billing system knows our entries.
pub(super) async fn names(conn: &mut Conn) -> Result<OwnNames> {
    let found: Vec<(i64, DateTime<Utc>)> =
        sqlx::query_as("SELECT last_entry, restored_at FROM restoration WHERE last_entry IS NOT NULL")
            .fetch_all(conn)
            .await?;
    Ok(OwnNames::new(found.into_iter().map(|(last, at)| (EntryId(last), at)).collect()))
}

type LineColumns = (i64, String, String, String, i64, Day, Option<Day>, String, Option<i64>);

fn line(row: LineColumns, names: &OwnNames) -> Result<FeeLine> {
    let (id, account, service, kind, cents, on, due_on, name, reverses) = row;
    Ok(FeeLine {
        entry: EntryId(id),
        reference: names.name(EntryId(id)),
        account: AccountNumber::from(account),
        service: word(Service::from_word, &service)?,
        kind: word(EntryKind::from_word, &kind)?,
        amount: Cents::new(cents),
        on,
        due_on,
        name,
        reverses: reverses.map(|fee| names.name(EntryId(fee))),
    })
}

async fn waiting(conn: &mut Conn) -> Result<Vec<FeeLine>> {
    let names = names(conn).await?;
    let found: Vec<LineColumns> = sqlx::query_as(WAITING).fetch_all(conn).await?;
    found.into_iter().map(|row| line(row, &names)).collect()
}

/// All lists, oldest first.
pub(super) async fn all(conn: &mut Conn) -> Result<Vec<FeeExport>> {
    lists(conn, "id > 0 ORDER BY id").await
}

async fn lists(conn: &mut Conn, condition: &str) -> Result<Vec<FeeExport>> {
    let select = format!("SELECT body, written_at FROM fee_export WHERE {condition}");
    let found: Vec<(Json<FeeExport>, Option<DateTime<Utc>>)> = sqlx::query_as(sql(select)).fetch_all(conn).await?;
    Ok(found.into_iter().map(|(Json(export), written_at)| FeeExport { written_at, ..export }).collect())
}

impl Backend {
    pub async fn fees_to_export(&self) -> Result<Vec<FeeLine>> {
        let mut tx = self.read().await?;
        waiting(&mut tx).await
    }

    pub async fn make_fee_export(&self, new: &NewFeeExport, stamp: &Stamp) -> Result<FeeExport> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_EXPORT).execute(&mut *tx).await?;
        if waiting(&mut tx).await? != new.lines {
            return Err(StoreError::Stale);
        }
        let begins = format!("fees-{}-", stamp.on);
        let before: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM fee_export WHERE made_on = $1")
            .bind(stamp.on)
            .fetch_one(&mut *tx)
            .await?;
        let made = FeeExport {
            name: format!("{begins}{}", before + 1),
            made_on: stamp.on,
            made_by: stamp.by.to_string(),
            entries: new.lines.iter().map(|line| line.entry).collect(),
            total: new.lines.iter().map(|line| line.amount).sum(),
            document: new.document.hash.clone(),
            written_at: None,
        };
        let id: i64 =
            sqlx::query_scalar("INSERT INTO fee_export (made_on, name, body) VALUES ($1, $2, $3) RETURNING id")
                .bind(stamp.on)
                .bind(&made.name)
                .bind(Json(&made))
                .fetch_one(&mut *tx)
                .await?;
        let insert = format!(
            "INSERT INTO fee_export_line (entry_id, export_id) SELECT id, $2 FROM entry WHERE id IN {}",
            ids(1)
        );
        sqlx::query(sql(insert)).bind(Json(&made.entries)).bind(id).execute(&mut *tx).await?;
        document::keep(&mut tx, &new.document, None, &format!("export {}", made.name), stamp).await?;
        let body =
            json!({ "export": made.name, "entries": made.entries, "total": made.total, "document": made.document });
        log::write(&mut tx, &[NewLine { account: None, what: "fees exported", body }], None, stamp).await?;
        tx.commit().await?;
        Ok(made)
    }

    pub async fn fee_exports(&self, only_unwritten: bool) -> Result<Vec<FeeExport>> {
        let mut tx = self.read().await?;
        // The daemon asks on every tick.
        let condition = if only_unwritten { "written_at IS NULL ORDER BY id" } else { "id > 0 ORDER BY id DESC" };
        lists(&mut tx, condition).await
    }

    pub async fn fee_export_written(&self, name: &str, stamp: &Stamp) -> Result<()> {
        sqlx::query("UPDATE fee_export SET written_at = COALESCE(written_at, $2) WHERE name = $1")
            .bind(name)
            .bind(stamp.at)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

/// An entry of Arrears' own and the name that the billing system gives it.
#[derive(Clone, Serialize)]
pub(super) struct TakenOver {
    pub account: AccountId,
    pub entry: EntryId,
    pub source: String,
    pub reference: String,
    /// The day from which it counts there.
    pub on_day: Day,
}

/// Records that the billing system has the entries in its books.
pub(super) async fn take_over(conn: &mut Conn, taken: &[TakenOver], stamp: &Stamp) -> Result<()> {
    if taken.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO taken_over (entry_id, source, reference, on_day, recorded_at)
         SELECT r.entry, r.source, r.reference, r.on_day, $2 FROM {}",
        rows(1, "entry bigint, source text, reference text, on_day date")
    );
    sqlx::query(sql(insert)).bind(Json(taken)).bind(stamp.at).execute(&mut *conn).await?;
    let lines: Vec<NewLine> = taken
        .iter()
        .map(|taken| {
            let body = json!({ "entry": taken.entry, "source": taken.source, "reference": taken.reference });
            NewLine::of(taken.account, "fee taken over", body)
        })
        .collect();
    log::write(conn, &lines, None, stamp).await
}

type WayColumns = (i64, i64, i64, Day, Option<Day>);

/// What the billing system need not have, or need not have had some weeks ago, of the accounts' own fees and of what takes
/// them back: not sent, sent in the last weeks and not come back, or come back in the last weeks.
pub(super) async fn on_the_way(conn: &mut Conn, accounts: &[AccountId], on: Day) -> Result<By<OnTheWay>> {
    let select = format!(
        "SELECT own.id, own.account_id, own.cents, own.effective_on, taken.on_day
         FROM (SELECT fee.id, fee.account_id, fee.cents, fee.effective_on FROM entry AS fee
               WHERE fee.source = 'arrears' AND fee.kind IN ('fee', 'adjustment', 'write_off', 'deposit', 'transfer') AND fee.account_id IN {0}
               UNION ALL
               SELECT undoing.id, undoing.account_id, undoing.cents, undoing.effective_on
               FROM entry AS fee JOIN entry AS undoing ON undoing.reverses = fee.id
               WHERE fee.source = 'arrears' AND fee.kind IN ('fee', 'adjustment', 'write_off', 'deposit', 'transfer') AND fee.account_id IN {0}) AS own
         LEFT JOIN fee_export_line AS line ON line.entry_id = own.id
         LEFT JOIN fee_export AS export ON export.id = line.export_id
         LEFT JOIN taken_over AS taken ON taken.entry_id = own.id
         WHERE taken.on_day >= $2 OR (taken.on_day IS NULL AND (export.made_on IS NULL OR export.made_on >= $2))
         ORDER BY own.id",
        ids(1)
    );
    let found: Vec<WayColumns> =
        sqlx::query_as(sql(select)).bind(Json(accounts)).bind(plus_days(on, -ON_THE_WAY_DAYS)).fetch_all(conn).await?;
    let mut fees: BTreeMap<AccountId, Vec<OnTheWay>> = BTreeMap::new();
    for (id, account, cents, on, taken_over_on) in found {
        let fee = OnTheWay { entry: EntryId(id), amount: Cents::new(cents), on, taken_over_on };
        fees.entry(AccountId(account)).or_default().push(fee);
    }
    Ok(fees)
}

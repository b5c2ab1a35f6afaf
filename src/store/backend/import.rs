//! Files that come in: taken whole, or refused whole with every row that stands against them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::doubtful::{Doubtful, Doubts};
use super::event::{self, NewEvent};
use super::given::{ExceptionKind, ImportRecord, ImportResult, Stamp};
use super::judge::Judged;
use super::known::{Known, KnownEntry, UnmatchedBody};
use super::ledger::{self, EntryRow};
use super::log::{self, NewLine};
use super::own_fee::{self, TakenOver};
use super::paid_after::{self, Paid};
use super::settle::resettle;
use super::{
    Backend, Conn, LOCK_IMPORT, Result, balance, correction, deposit_file, exception, rebill, redispute, touch,
    unmatched, word,
};
use crate::domain::day::plus_days;
use crate::domain::deposit::NewDeposit;
use crate::domain::import::{FileKind, ImportFile, ImportOutcome, ImportRows, NewEntry, RefusedRow};
use crate::domain::{AccountId, DocumentHash, EntryId, EntryKind, EventKind};
use crate::rulebook::policy::LedgerRules;

/// How many rows go into one set of statements.
pub(super) const PAGE: usize = 10_000;

impl Backend {
    pub async fn import(&self, file: &ImportFile, rules: &LedgerRules, stamp: &Stamp) -> Result<ImportResult> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_IMPORT).execute(&mut *tx).await?;
        let known: Option<Json<ImportOutcome>> = sqlx::query_scalar("SELECT outcome FROM import_file WHERE hash = $1")
            .bind(file.hash.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        // Entries stand in the books once and for all; an account's record says what is so now, and one that came before
        // may be so again. A payment that matched no account may match one now.
        if let (Some(Json(outcome)), ImportRows::Entries(entries)) = (&known, &file.rows)
            && !unmatched::is_one_open(&mut tx, entries).await?
        {
            raise_watermarks(&mut tx, file, stamp).await?;
            tx.commit().await?;
            return Ok(ImportResult::AlreadyImported(outcome.clone()));
        }
        let mut taking = Taking::new(file);
        match &file.rows {
            ImportRows::Accounts(accounts) => taking.accounts(&mut tx, accounts, stamp).await?,
            ImportRows::Entries(entries) => taking.entries(&mut tx, entries, rules, stamp).await?,
            ImportRows::Balances(balances) => {
                let held = balance::take(&mut tx, balances, &file.name, stamp).await?;
                taking.outcome.rows = held.rows;
                taking.outcome.unchanged = held.unchanged;
                taking.outcome.added = held.rows - held.unchanged;
                taking.outcome.balances = Some(held.counts);
                taking.refused = held.refused;
                taking.touched = held.touched;
            }
            ImportRows::Returns(returns) => taking.returns(&mut tx, returns, stamp).await?,
            ImportRows::Deposits(deposits) => taking.deposits(&mut tx, deposits, stamp).await?,
        }
        taking.outcome.doubts = taking.doubts.told(&file.name);
        if !taking.refused.is_empty() {
            tx.rollback().await?;
            taking.refused.sort_by_key(|row| row.line);
            return Ok(ImportResult::Refused(taking.refused));
        }
        if let Some(Json(before)) = known.filter(|_| taking.outcome.unchanged == taking.outcome.rows) {
            raise_watermarks(&mut tx, file, stamp).await?;
            tx.commit().await?;
            return Ok(ImportResult::AlreadyImported(before));
        }
        if matches!(file.rows, ImportRows::Entries(_)) {
            let followed = rebill::follow(&mut tx, &taking.reversed, &taking.touched, stamp).await?;
            (taking.outcome.carried, taking.outcome.awaited) = (followed.carried, followed.awaited);
            redispute::follow(&mut tx, &taking.reversed, &taking.touched, stamp).await?;
        }
        let touched: Vec<AccountId> = taking.touched.iter().copied().collect();
        for page in touched.chunks(PAGE) {
            touch(&mut tx, page, stamp.on).await?;
        }
        if matches!(file.rows, ImportRows::Entries(_)) {
            resettle(&mut tx, &touched, rules, stamp).await?;
            paid_after::tell(&mut tx, &taking.paid, stamp).await?;
        }
        for doubt in &taking.outcome.doubts {
            exception::open(&mut tx, None, ExceptionKind::FileDoubtful, doubt, stamp).await?;
        }
        raise_watermarks(&mut tx, file, stamp).await?;
        record(&mut tx, file, &taking.outcome, stamp).await?;
        tx.commit().await?;
        Ok(ImportResult::Done(taking.outcome))
    }

    pub async fn imports(&self, limit: u32) -> Result<Vec<ImportRecord>> {
        let found: Vec<ImportColumns> = sqlx::query_as(
            "SELECT hash, name, kind, outcome, imported_at FROM import_file ORDER BY imported_at DESC, name LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        found
            .into_iter()
            .map(|(hash, name, kind, Json(outcome), imported_at)| {
                let kind = word(FileKind::from_word, &kind)?;
                Ok(ImportRecord { hash: DocumentHash::from(hash), name, kind, outcome, imported_at })
            })
            .collect()
    }
}

type ImportColumns = (String, String, String, Json<ImportOutcome>, DateTime<Utc>);

/// What the file's control records say. It is heard also where the rows came before: a record of an evening counts through
/// the day before, and through its day when the file comes again on the next.
async fn raise_watermarks(conn: &mut Conn, file: &ImportFile, stamp: &Stamp) -> Result<()> {
    // No file can know that a day which is not over is complete; a typing error must not open the years ahead.
    let over = plus_days(stamp.on, -1);
    for (channel, through) in &file.loaded_through {
        ledger::raise(conn, *channel, (*through).min(over)).await?;
    }
    Ok(())
}

async fn record(conn: &mut Conn, file: &ImportFile, outcome: &ImportOutcome, stamp: &Stamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO import_file (hash, name, kind, outcome, imported_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (hash) DO UPDATE
         SET name = excluded.name, outcome = excluded.outcome, imported_at = excluded.imported_at",
    )
    .bind(file.hash.as_str())
    .bind(&file.name)
    .bind(file.kind.word())
    .bind(Json(outcome))
    .bind(stamp.at)
    .execute(&mut *conn)
    .await?;
    let body = json!({ "hash": file.hash, "outcome": outcome });
    log::write(conn, &[NewLine { account: None, what: "file imported", body }], None, stamp).await
}

/// A file as it is being taken.
pub(super) struct Taking<'a> {
    file: &'a ImportFile,
    pub outcome: ImportOutcome,
    pub refused: Vec<RefusedRow>,
    pub touched: BTreeSet<AccountId>,
    /// Debts that the file reverses.
    reversed: Vec<(AccountId, EntryId)>,
    /// Payments on accounts of which something was written off.
    paid: Vec<Paid>,
    doubts: Doubts,
}

impl<'a> Taking<'a> {
    fn new(file: &'a ImportFile) -> Self {
        let (content, columns) = (Some(file.content.clone()), file.columns.clone());
        let outcome = ImportOutcome { file: file.name.clone(), content, columns, ..ImportOutcome::default() };
        Self {
            file,
            outcome,
            refused: Vec::new(),
            touched: BTreeSet::new(),
            reversed: Vec::new(),
            paid: Vec::new(),
            doubts: Doubts::default(),
        }
    }

    async fn deposits(&mut self, conn: &mut Conn, deposits: &[NewDeposit], stamp: &Stamp) -> Result<()> {
        for page in deposits.chunks(PAGE) {
            let taken = deposit_file::take(conn, page, stamp).await?;
            self.outcome.rows += u32::try_from(page.len()).unwrap_or(u32::MAX);
            self.outcome.added += taken.added;
            self.outcome.updated += taken.updated;
            self.outcome.unchanged += taken.unchanged;
            self.outcome.added_amount += taken.amount;
            self.refused.extend(taken.refused);
            self.touched.extend(taken.touched);
        }
        Ok(())
    }

    async fn entries(
        &mut self,
        conn: &mut Conn,
        entries: &[NewEntry],
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut rest = entries;
        while !rest.is_empty() {
            let (page, later) = rest.split_at(page_length(rest));
            self.entries_page(conn, page, rules, stamp).await?;
            rest = later;
        }
        Ok(())
    }

    async fn entries_page(
        &mut self,
        conn: &mut Conn,
        page: &[NewEntry],
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<()> {
        let books = Known::read(conn, page, &stamp.by).await?;
        let mut doubtful = Doubtful::read(conn, page).await?;
        let (mut post, mut events, mut strays) = (Vec::new(), Vec::new(), Vec::new());
        let (mut found, mut returned, mut renamed, mut voided) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut taken: Vec<TakenOver> = Vec::new();
        let mut reversed: BTreeSet<(String, String)> = BTreeSet::new();
        for row in page {
            self.outcome.rows += 1;
            match books.judge(row, &mut reversed) {
                Err(refusal) => self.refused.push(RefusedRow { line: row.line, refusal }),
                Ok(Judged::Unchanged) => self.outcome.unchanged += 1,
                Ok(Judged::Unmatched) => {
                    self.outcome.unmatched += 1;
                    strays.push(UnmatchedBody::new(row));
                }
                Ok(Judged::Renamed(before)) => {
                    self.outcome.unmatched += 1;
                    renamed.push((row, before));
                    strays.push(before.body.renamed(row));
                }
                Ok(Judged::Returned(payment)) => {
                    self.outcome.returned += 1;
                    returned.push((row, payment));
                }
                Ok(Judged::Voided(payment)) => {
                    self.outcome.unchanged += 1;
                    voided.push((row, payment));
                }
                Ok(Judged::TakenOver(own)) => {
                    self.outcome.taken_over += 1;
                    taken.push(TakenOver {
                        account: own.account,
                        entry: own.id,
                        source: row.source.clone(),
                        reference: row.reference.clone(),
                        on_day: row.effective_on,
                    });
                }
                Ok(Judged::TakenBack { account, reversal }) => {
                    self.outcome.taken_over += 1;
                    taken.push(TakenOver {
                        account,
                        entry: reversal,
                        source: row.source.clone(),
                        reference: row.reference.clone(),
                        on_day: row.effective_on,
                    });
                }
                Ok(Judged::Found { unmatched, account, designated }) => {
                    self.outcome.added += 1;
                    self.outcome.added_amount += row.amount;
                    self.touched.insert(account);
                    post.push(entry_row(row, account, None, designated, rules));
                    found.push((row, account, unmatched));
                }
                Ok(Judged::New { .. }) if doubtful.is_respelled(row, &mut self.doubts) => self.outcome.unchanged += 1,
                Ok(Judged::New { account, original, designated }) => {
                    doubtful.look_at_service(row, &mut self.doubts);
                    doubtful.look_at_waivers(row, &mut self.doubts);
                    self.outcome.added += 1;
                    self.touched.insert(account);
                    if original.is_some_and(|original| original.kind == EntryKind::Payment) {
                        events.push(NewEvent {
                            account,
                            kind: EventKind::PaymentReturned,
                            on_day: row.effective_on,
                            stage: None,
                        });
                    }
                    let debt = original.filter(|original| original.cents.is_positive());
                    self.reversed.extend(debt.map(|debt| (account, debt.id)));
                    let entry = entry_row(row, account, original, designated, rules);
                    self.outcome.added_amount += entry.cents;
                    post.push(entry);
                }
            }
        }
        // Also when a row stands against the file: later rows may name these, and all that is wrong is told at once.
        self.post(conn, post, stamp).await?;
        event::record(conn, &events, stamp).await?;
        for (row, account, payment) in found {
            unmatched::find_account(conn, row, account, payment, stamp).await?;
        }
        for (row, payment) in returned {
            unmatched::take_back(conn, row, payment, stamp).await?;
        }
        for (row, payment) in voided {
            if ledger::hear_return(conn, payment, row, stamp).await? {
                self.touched.insert(payment.account);
            }
        }
        for (row, before) in renamed {
            unmatched::rename(conn, row, before, stamp).await?;
        }
        own_fee::take_over(conn, &taken, stamp).await?;
        unmatched::add(conn, &strays, &self.file.name, stamp).await
    }
}

impl Taking<'_> {
    /// Posts new entries, and notes of which of them a person has to hear.
    async fn post(&mut self, conn: &mut Conn, mut new: Vec<EntryRow>, stamp: &Stamp) -> Result<()> {
        correction::date(conn, &mut new).await?;
        ledger::post_new(conn, &new, stamp.at).await?;
        self.paid.extend(paid_after::among(conn, &new).await?);
        let corrected: Vec<AccountId> = correction::in_question(&new).into_iter().collect();
        correction::ask(conn, &corrected, stamp).await
    }
}

/// How many of the rows can be judged together: a row that names an entry of the same page begins the next one.
fn page_length(entries: &[NewEntry]) -> usize {
    let mut references: BTreeSet<&str> = BTreeSet::new();
    for (length, row) in entries.iter().enumerate() {
        let reversed = row.reverses.as_ref().map(|(_, reference)| reference.as_str());
        let named = [Some(row.reference.as_str()), row.designated_reference.as_deref(), reversed];
        if length == PAGE || named.into_iter().flatten().any(|name| references.contains(name)) {
            return length.max(1);
        }
        references.insert(&row.reference);
    }
    entries.len()
}

fn entry_row(
    row: &NewEntry,
    account: AccountId,
    original: Option<&KnownEntry>,
    designated_item: Option<EntryId>,
    rules: &LedgerRules,
) -> EntryRow {
    let cents = original.map_or(row.amount, |original| -original.cents);
    let is_debt = row.kind != EntryKind::Reversal && cents.is_positive();
    let by_rule = plus_days(row.effective_on, i64::from(rules.due_days.unwrap_or(0)));
    EntryRow {
        account,
        service: original.map_or(row.service, |original| original.service),
        kind: row.kind,
        cents,
        effective_on: row.effective_on,
        due_on: is_debt.then(|| row.due_on.unwrap_or(by_rule)),
        printed: row.printed.clone(),
        designated_item,
        designated_service: row.designated_service,
        reverses: original.map(|original| original.id),
        channel: row.channel,
        source: row.source.clone(),
        reference: row.reference.clone(),
        memo: row.memo.clone(),
    }
}

//! Files that come in: taken whole, or refused whole with every row that stands against them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{ImportRecord, ImportResult, Stamp};
use super::ledger::{self, EntryRow};
use super::log::{self, NewLine};
use super::settle::resettle;
use super::{Backend, Conn, LOCK_IMPORT, Result, rows, sql, texts, touch, word};
use crate::domain::day::plus_days;
use crate::domain::import::{FileKind, ImportFile, ImportOutcome, ImportRows, NewEntry, RefusedRow, RowRefusal};
use crate::domain::{
    AccountId, AccountNumber, Cents, Day, DocumentHash, EntryId, EntryKind, EventKind, Profile, Service,
};
use crate::rulebook::policy::LedgerRules;

/// How many rows go into one set of statements.
const PAGE: usize = 10_000;

impl Backend {
    pub async fn import(&self, file: &ImportFile, rules: &LedgerRules, stamp: &Stamp) -> Result<ImportResult> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_IMPORT).execute(&mut *tx).await?;
        let known: Option<Json<ImportOutcome>> = sqlx::query_scalar("SELECT outcome FROM import_file WHERE hash = $1")
            .bind(file.hash.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        // Entries stand in the books once and for all; an account's record says what is so now, and one that came before
        // may be so again.
        if let (Some(Json(outcome)), ImportRows::Entries(_)) = (&known, &file.rows) {
            raise_watermarks(&mut tx, file, stamp).await?;
            tx.commit().await?;
            return Ok(ImportResult::AlreadyImported(outcome.clone()));
        }
        let mut taking = Taking::new(file);
        match &file.rows {
            ImportRows::Accounts(accounts) => taking.accounts(&mut tx, accounts, stamp).await?,
            ImportRows::Entries(entries) => taking.entries(&mut tx, entries, rules, stamp).await?,
        }
        if !taking.refused.is_empty() {
            tx.rollback().await?;
            taking.refused.sort_by_key(|row| row.line);
            return Ok(ImportResult::Refused(taking.refused));
        }
        if let Some(Json(before)) = known.filter(|_| taking.outcome.unchanged == taking.outcome.rows) {
            return Ok(ImportResult::AlreadyImported(before));
        }
        let touched: Vec<AccountId> = taking.touched.into_iter().collect();
        for page in touched.chunks(PAGE) {
            touch(&mut tx, page, stamp.on).await?;
        }
        if matches!(file.rows, ImportRows::Entries(_)) {
            resettle(&mut tx, &touched, rules, stamp.on).await?;
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
struct Taking<'a> {
    file: &'a ImportFile,
    outcome: ImportOutcome,
    refused: Vec<RefusedRow>,
    touched: BTreeSet<AccountId>,
}

impl<'a> Taking<'a> {
    fn new(file: &'a ImportFile) -> Self {
        let outcome = ImportOutcome { file: file.name.clone(), ..ImportOutcome::default() };
        Self { file, outcome, refused: Vec::new(), touched: BTreeSet::new() }
    }

    async fn accounts(&mut self, conn: &mut Conn, profiles: &[(u32, Profile)], stamp: &Stamp) -> Result<()> {
        for page in profiles.chunks(PAGE) {
            self.accounts_page(conn, page, stamp).await?;
        }
        Ok(())
    }

    async fn accounts_page(&mut self, conn: &mut Conn, page: &[(u32, Profile)], stamp: &Stamp) -> Result<()> {
        // The last line of an account in the page is the one that counts.
        let latest: BTreeMap<&AccountNumber, &Profile> =
            page.iter().map(|(_, profile)| (&profile.number, profile)).collect();
        let numbers: Vec<&AccountNumber> = latest.keys().copied().collect();
        let select = format!("SELECT number, id, profile FROM account WHERE number IN {}", texts(1));
        let found: Vec<(String, i64, Json<Profile>)> =
            sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
        let known: BTreeMap<String, (i64, Profile)> =
            found.into_iter().map(|(number, id, Json(profile))| (number, (id, profile))).collect();
        let mut written: BTreeSet<&AccountNumber> = BTreeSet::new();
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (_, given) in page {
            self.outcome.rows += 1;
            let profile = latest.get(&given.number).copied().unwrap_or(given);
            if !written.insert(&profile.number) {
                self.outcome.unchanged += 1;
                continue;
            }
            match known.get(profile.number.as_str()) {
                None => new.push(AccountRow::new(None, profile)),
                Some((_, before)) if before == profile => self.outcome.unchanged += 1,
                Some((id, _)) => {
                    self.touched.insert(AccountId(*id));
                    changed.push(AccountRow::new(Some(*id), profile));
                }
            }
        }
        self.outcome.added += u32::try_from(new.len()).unwrap_or(u32::MAX);
        self.outcome.updated += u32::try_from(changed.len()).unwrap_or(u32::MAX);
        add_accounts(conn, &new, stamp).await?;
        change_accounts(conn, &changed).await
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
        let books = Known::read(conn, page).await?;
        let (mut post, mut events, mut unmatched) = (Vec::new(), Vec::new(), Vec::new());
        let mut reversed: BTreeSet<EntryId> = BTreeSet::new();
        for row in page {
            self.outcome.rows += 1;
            match books.judge(row, &mut reversed) {
                Err(refusal) => self.refused.push(RefusedRow { line: row.line, refusal }),
                Ok(Judged::Unchanged) => self.outcome.unchanged += 1,
                Ok(Judged::Unmatched) => {
                    self.outcome.unmatched += 1;
                    unmatched.push(row);
                }
                Ok(Judged::New { account, original, designated }) => {
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
                    let entry = entry_row(row, account, original, designated, rules);
                    self.outcome.added_amount += entry.cents;
                    post.push(entry);
                }
            }
        }
        // Also when a row stands against the file: later rows may name these, and all that is wrong is told at once.
        ledger::post(conn, &post, stamp.at).await?;
        event::record(conn, &events, stamp).await?;
        add_unmatched(conn, &unmatched, &self.file.name, stamp).await
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

/// An entry of the books, as far as a row of a file can be held against it.
struct KnownEntry {
    id: EntryId,
    account: AccountId,
    number: String,
    service: Service,
    kind: EntryKind,
    cents: Cents,
    effective_on: Day,
    due_on: Option<Day>,
    is_reversed: bool,
}

impl KnownEntry {
    /// Whether the row says the same; a reversal's amount and service are those of its original.
    fn says_the_same(&self, row: &NewEntry, account: Option<AccountId>) -> bool {
        let same_amount = row.kind == EntryKind::Reversal || (self.cents, self.service) == (row.amount, row.service);
        account.is_none_or(|account| account == self.account)
            && self.kind == row.kind
            && same_amount
            && self.effective_on == row.effective_on
            && (row.due_on.is_none() || row.due_on == self.due_on || self.due_on.is_none())
    }

    fn describe(&self) -> String {
        describe(self.kind, self.service, self.cents, self.effective_on, self.due_on, &self.number)
    }
}

fn describe(kind: EntryKind, service: Service, cents: Cents, on: Day, due: Option<Day>, number: &str) -> String {
    let due = due.map(|due| format!(" due {due}")).unwrap_or_default();
    format!("{kind} of {cents} for {service} on {on}{due}, account {number}")
}

/// What the books know that bears on a page of rows.
struct Known {
    accounts: BTreeMap<String, AccountId>,
    entries: BTreeMap<(String, String), KnownEntry>,
    /// Debts by account and reference, for designated payments.
    debts: BTreeMap<(AccountId, String), EntryId>,
    unmatched: BTreeMap<(String, String), (Cents, Day)>,
}

/// What a row is to the books.
enum Judged<'a> {
    Unchanged,
    Unmatched,
    New { account: AccountId, original: Option<&'a KnownEntry>, designated: Option<EntryId> },
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct KeyRow<'a> {
    source: &'a str,
    reference: &'a str,
}

type KnownColumns = (String, String, i64, i64, String, String, String, i64, Day, Option<Day>, bool);

impl Known {
    async fn read(conn: &mut Conn, page: &[NewEntry]) -> Result<Self> {
        let mut keys: BTreeSet<KeyRow<'_>> = BTreeSet::new();
        for row in page {
            keys.insert(KeyRow { source: &row.source, reference: &row.reference });
            if let Some((source, reference)) = &row.reverses {
                keys.insert(KeyRow { source, reference });
            }
        }
        let keys: Vec<KeyRow<'_>> = keys.into_iter().collect();
        let accounts = Self::read_accounts(conn, page).await?;
        Ok(Self {
            accounts,
            entries: Self::read_entries(conn, &keys).await?,
            debts: Self::read_debts(conn, page).await?,
            unmatched: Self::read_unmatched(conn, &keys).await?,
        })
    }

    async fn read_accounts(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<String, AccountId>> {
        let numbers: BTreeSet<&AccountNumber> = page.iter().map(|row| &row.account).collect();
        let select = format!("SELECT number, id FROM account WHERE number IN {}", texts(1));
        let found: Vec<(String, i64)> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(conn).await?;
        Ok(found.into_iter().map(|(number, id)| (number, AccountId(id))).collect())
    }

    async fn read_entries(conn: &mut Conn, keys: &[KeyRow<'_>]) -> Result<BTreeMap<(String, String), KnownEntry>> {
        let select = format!(
            "SELECT entry.source, entry.reference, entry.id, entry.account_id, account.number, entry.service,
                entry.kind, entry.cents, entry.effective_on, entry.due_on,
                EXISTS (SELECT 1 FROM entry AS later WHERE later.reverses = entry.id)
             FROM {} JOIN entry ON entry.reference = r.reference AND entry.source = r.source
             JOIN account ON account.id = entry.account_id",
            rows(1, "source text, reference text")
        );
        let found: Vec<KnownColumns> = sqlx::query_as(sql(select)).bind(Json(keys)).fetch_all(conn).await?;
        let mut entries = BTreeMap::new();
        for (source, reference, id, account, number, service, kind, cents, effective_on, due_on, is_reversed) in found {
            let known = KnownEntry {
                id: EntryId(id),
                account: AccountId(account),
                number,
                service: word(Service::from_word, &service)?,
                kind: word(EntryKind::from_word, &kind)?,
                cents: Cents::new(cents),
                effective_on,
                due_on,
                is_reversed,
            };
            entries.insert((source, reference), known);
        }
        Ok(entries)
    }

    async fn read_debts(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<(AccountId, String), EntryId>> {
        let references: BTreeSet<&String> = page.iter().filter_map(|row| row.designated_reference.as_ref()).collect();
        if references.is_empty() {
            return Ok(BTreeMap::new());
        }
        let select = format!(
            "SELECT account_id, reference, id FROM entry
             WHERE reference IN {} AND cents > 0 AND kind <> 'reversal' ORDER BY id",
            texts(1)
        );
        let found: Vec<(i64, String, i64)> = sqlx::query_as(sql(select)).bind(Json(references)).fetch_all(conn).await?;
        Ok(found.into_iter().map(|(account, reference, id)| ((AccountId(account), reference), EntryId(id))).collect())
    }

    async fn read_unmatched(conn: &mut Conn, keys: &[KeyRow<'_>]) -> Result<BTreeMap<(String, String), (Cents, Day)>> {
        let any: Option<i64> =
            sqlx::query_scalar("SELECT id FROM unmatched_payment LIMIT 1").fetch_optional(&mut *conn).await?;
        if any.is_none() {
            return Ok(BTreeMap::new());
        }
        let select = format!(
            "SELECT u.source, u.reference, u.body FROM {}
             JOIN unmatched_payment AS u ON u.reference = r.reference AND u.source = r.source",
            rows(1, "source text, reference text")
        );
        let found: Vec<(String, String, Json<NewEntry>)> =
            sqlx::query_as(sql(select)).bind(Json(keys)).fetch_all(conn).await?;
        Ok(found
            .into_iter()
            .map(|(source, reference, Json(row))| ((source, reference), (row.amount, row.effective_on)))
            .collect())
    }

    fn judge(&self, row: &NewEntry, reversed: &mut BTreeSet<EntryId>) -> Result<Judged<'_>, RowRefusal> {
        let key = (row.source.clone(), row.reference.clone());
        let account = self.accounts.get(row.account.as_str()).copied();
        let conflict = |before: String| RowRefusal::Conflict {
            source_id: row.source.clone(),
            reference: row.reference.clone(),
            before,
            now: describe(row.kind, row.service, row.amount, row.effective_on, row.due_on, row.account.as_str()),
        };
        if let Some(known) = self.entries.get(&key) {
            let same = known.says_the_same(row, account);
            return if same { Ok(Judged::Unchanged) } else { Err(conflict(known.describe())) };
        }
        if let Some((amount, on)) = self.unmatched.get(&key) {
            let same = (*amount, *on) == (row.amount, row.effective_on);
            return if same {
                Ok(Judged::Unchanged)
            } else {
                Err(conflict(format!("unmatched payment of {amount} on {on}")))
            };
        }
        if let Some((source, reference)) = &row.reverses {
            let original = self.original(source, reference, account, row)?;
            if original.is_reversed || !reversed.insert(original.id) {
                let (source_id, reference) = (source.clone(), reference.clone());
                return Err(RowRefusal::AlreadyReversed { source_id, reference });
            }
            return Ok(Judged::New { account: original.account, original: Some(original), designated: None });
        }
        let Some(account) = account else {
            let unmatched = row.kind == EntryKind::Payment;
            return if unmatched {
                Ok(Judged::Unmatched)
            } else {
                Err(RowRefusal::UnknownAccount { account: row.account.clone() })
            };
        };
        let designated = match &row.designated_reference {
            None => None,
            Some(reference) => Some(self.debts.get(&(account, reference.clone())).copied().ok_or_else(|| {
                RowRefusal::UnknownDesignation { reference: reference.clone(), account: row.account.clone() }
            })?),
        };
        Ok(Judged::New { account, original: None, designated })
    }

    /// The entry that the row undoes: known, of the row's account, and no reversal itself.
    fn original(
        &self,
        source: &str,
        reference: &str,
        account: Option<AccountId>,
        row: &NewEntry,
    ) -> Result<&KnownEntry, RowRefusal> {
        if account.is_none() {
            return Err(RowRefusal::UnknownAccount { account: row.account.clone() });
        }
        self.entries
            .get(&(source.to_owned(), reference.to_owned()))
            .filter(|known| Some(known.account) == account && known.kind != EntryKind::Reversal)
            .ok_or_else(|| RowRefusal::UnknownOriginal {
                source_id: source.to_owned(),
                reference: reference.to_owned(),
            })
    }
}

#[derive(Serialize)]
struct AccountRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    number: &'a AccountNumber,
    customer_name: &'a str,
    service_address: String,
    profile: &'a Profile,
}

impl<'a> AccountRow<'a> {
    fn new(id: Option<i64>, profile: &'a Profile) -> Self {
        let service_address = profile.service_address.one_line();
        Self { id, number: &profile.number, customer_name: &profile.customer_name, service_address, profile }
    }
}

async fn add_accounts(conn: &mut Conn, new: &[AccountRow<'_>], stamp: &Stamp) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO account (number, customer_name, service_address, profile, recorded_at)
         SELECT r.number, r.customer_name, r.service_address, r.profile, $2 FROM {}",
        rows(1, "number text, customer_name text, service_address text, profile jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(new)).bind(stamp.at).execute(&mut *conn).await?;
    let numbers: Vec<&AccountNumber> = new.iter().map(|row| row.number).collect();
    let review = format!(
        "INSERT INTO review (account_id, next_review, facts_seq, unapplied_cents)
         SELECT id, $2, 1, 0 FROM account WHERE number IN {} ORDER BY id",
        texts(1)
    );
    sqlx::query(sql(review)).bind(Json(numbers)).bind(stamp.on).execute(conn).await?;
    Ok(())
}

async fn change_accounts(conn: &mut Conn, changed: &[AccountRow<'_>]) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let update = format!(
        "UPDATE account SET customer_name = r.customer_name, service_address = r.service_address, profile = r.profile
         FROM {} WHERE account.id = r.id",
        rows(1, "id bigint, customer_name text, service_address text, profile jsonb")
    );
    sqlx::query(sql(update)).bind(Json(changed)).execute(conn).await?;
    Ok(())
}

#[derive(Serialize)]
struct UnmatchedRow<'a> {
    source: &'a str,
    reference: &'a str,
    body: &'a NewEntry,
}

async fn add_unmatched(conn: &mut Conn, payments: &[&NewEntry], file: &str, stamp: &Stamp) -> Result<()> {
    if payments.is_empty() {
        return Ok(());
    }
    let payments: Vec<UnmatchedRow<'_>> =
        payments.iter().map(|row| UnmatchedRow { source: &row.source, reference: &row.reference, body: row }).collect();
    let insert = format!(
        "INSERT INTO unmatched_payment (source, reference, file, body, state, recorded_at)
         SELECT r.source, r.reference, $2, r.body, 'open', $3 FROM {}",
        rows(1, "source text, reference text, body jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(payments)).bind(file).bind(stamp.at).execute(conn).await?;
    Ok(())
}

//! What the books know that bears on the rows of a file, read a page at a time.
//!
//! Here is no judgment: `judge` holds the rows against it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::ledger::{COUNTER_PAYMENT, COUNTER_SOURCE, OWN_SOURCE};
use super::{Conn, Result, ids, own_fee, rows, sql, texts, word};
use crate::domain::import::{NewEntry, ReturnedBy, UnmatchedState};
use crate::domain::{AccountId, AccountNumber, Actor, Cents, Day, EntryId, EntryKind, Service, UnmatchedId};

/// An entry of the books, as far as a row of a file can be held against it.
pub(super) struct KnownEntry {
    pub id: EntryId,
    pub account: AccountId,
    pub service: Service,
    pub kind: EntryKind,
    pub cents: Cents,
    pub number: String,
    pub effective_on: Day,
    pub due_on: Option<Day>,
    pub reference: String,
    /// The entry that undoes it, and its source.
    pub undone_by: Option<EntryId>,
    pub reversed_by: Option<String>,
    /// Source and reference of the entry that it undoes.
    pub reverses: Option<(String, String)>,
}

/// A payment on the unmatched list: its row, and the reversal that took it back where one did.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct UnmatchedBody {
    #[serde(flatten)]
    pub row: NewEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnedBy>,
    /// Numbers, unknown as well, under which it came before it came under the row's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub earlier_numbers: BTreeSet<AccountNumber>,
}

impl UnmatchedBody {
    /// As a file brings it the first time.
    pub(super) fn new(row: &NewEntry) -> Self {
        Self { row: row.clone(), returned: None, earlier_numbers: BTreeSet::new() }
    }

    /// As a file brings it under another number.
    pub(super) fn renamed(&self, row: &NewEntry) -> Self {
        let mut earlier_numbers = self.earlier_numbers.clone();
        earlier_numbers.insert(self.row.account.clone());
        Self { row: row.clone(), returned: self.returned.clone(), earlier_numbers }
    }

    /// Whether it came under the number. Who sends it keeps to that number, whatever was found out here.
    pub(super) fn came_under(&self, number: &AccountNumber) -> bool {
        self.row.account == *number || self.earlier_numbers.contains(number)
    }

    /// Whether the row is one that brought it.
    pub(super) fn is_as_it_came(&self, row: &NewEntry) -> bool {
        let before = &self.row;
        (row.kind, row.amount, row.effective_on) == (before.kind, before.amount, before.effective_on)
            && self.came_under(&row.account)
    }

    /// Whether the row, a reversal of it, names it as its files do, or is the one that was kept with it.
    pub(super) fn is_named_by(&self, row: &NewEntry) -> bool {
        self.came_under(&row.account) || self.returned.as_ref().is_some_and(|returned| returned.is(row))
    }
}

/// A payment that was on the unmatched list, as a row of a file finds it.
pub(super) struct Unmatched {
    pub id: UnmatchedId,
    pub file: String,
    pub state: UnmatchedState,
    pub decided_by: Option<String>,
    pub body: UnmatchedBody,
}

/// What the books know that bears on a page of rows.
pub(super) struct Known {
    pub accounts: BTreeMap<String, AccountId>,
    pub entries: BTreeMap<Key, KnownEntry>,
    /// Debts by account and reference, for designated payments.
    pub debts: BTreeMap<(AccountId, String), EntryId>,
    pub unmatched: BTreeMap<Key, Unmatched>,
    /// Payments of the unmatched list that came back, by their returns, which are in no ledger yet.
    pub returned: BTreeMap<Key, UnmatchedBody>,
    /// Counter payments that a person posted here, of those that a person's file would reverse.
    pub taken_here: BTreeSet<EntryId>,
    /// Arrears' own entries that rows bring back, by the name by which a row calls one: `ARR-1042`, or its whole reference.
    pub own: BTreeMap<String, KnownEntry>,
    /// Deposits that Arrears applied and that have not come back, of the accounts for which rows say that one was applied.
    pub own_deposits: Vec<KnownEntry>,
    /// Arrears' own entries that the billing system has in its books, by the name that it gives them.
    pub taken_over: BTreeMap<Key, KnownEntry>,
    /// That name, by the entry.
    pub names: BTreeMap<EntryId, Key>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct KeyRow<'a> {
    source: &'a str,
    reference: &'a str,
}

/// Source and reference.
pub(super) type Key = (String, String);

type KnownColumns = (
    String,
    String,
    i64,
    i64,
    String,
    String,
    String,
    i64,
    Day,
    Option<Day>,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
);

type UnmatchedColumns = (String, String, i64, String, String, Option<String>, Json<UnmatchedBody>);

/// The columns of a [`KnownEntry`] under a key, in the order in which [`known`] reads them.
fn select_known(key: &str, from: &str) -> String {
    format!(
        "SELECT {key}, entry.id, entry.account_id, account.number, entry.service, entry.kind, entry.cents,
            entry.effective_on, entry.due_on, entry.reference, later.id, later.source, undone.source, undone.reference
         FROM {from}
         JOIN account ON account.id = entry.account_id
         LEFT JOIN entry AS later ON later.reverses = entry.id
         LEFT JOIN entry AS undone ON undone.id = entry.reverses"
    )
}

fn known(row: KnownColumns) -> Result<(Key, KnownEntry)> {
    let (source, reference, id, account, number, service, kind, cents, effective_on, due_on, own_reference, ..) = row;
    let (undone_by, reversed_by, of_source, of_reference) = (row.11, row.12, row.13, row.14);
    let known = KnownEntry {
        id: EntryId(id),
        account: AccountId(account),
        number,
        service: word(Service::from_word, &service)?,
        kind: word(EntryKind::from_word, &kind)?,
        cents: Cents::new(cents),
        effective_on,
        due_on,
        reference: own_reference,
        undone_by: undone_by.map(EntryId),
        reversed_by,
        reverses: of_source.zip(of_reference),
    };
    Ok(((source, reference), known))
}

impl Known {
    pub(super) async fn read(conn: &mut Conn, page: &[NewEntry], by: &Actor) -> Result<Self> {
        let mut keys: BTreeSet<KeyRow<'_>> = BTreeSet::new();
        for row in page {
            keys.insert(KeyRow { source: &row.source, reference: &row.reference });
            // A correction may name a fee of ours by the name that the billing system gives it.
            if let Some(reference) = row.designated_reference.as_deref().filter(|_| row.kind == EntryKind::Adjustment) {
                keys.insert(KeyRow { source: &row.source, reference });
            }
            if let Some((source, reference)) = &row.reverses {
                keys.insert(KeyRow { source, reference });
            }
        }
        let keys: Vec<KeyRow<'_>> = keys.into_iter().collect();
        let accounts = Self::read_accounts(conn, page).await?;
        // A check that was taken at the counter bounces like any other, and the bank's file comes by the inbox. Who takes a
        // file in by hand could undo with it what only the lead may.
        let taken_here = match by {
            Actor::Person(_) => Self::read_taken_here(conn, page).await?,
            Actor::Daemon | Actor::File(_) => BTreeSet::new(),
        };
        Self {
            accounts,
            entries: Self::read_entries(conn, &keys).await?,
            debts: Self::read_debts(conn, page).await?,
            unmatched: Self::read_unmatched(conn, &keys).await?,
            returned: Self::read_returned(conn, page).await?,
            taken_here,
            own: Self::read_own(conn, page).await?,
            own_deposits: Self::read_own_deposits(conn, page).await?,
            taken_over: Self::read_taken_over(conn, &keys).await?,
            names: BTreeMap::new(),
        }
        .with_names(conn)
        .await
    }

    async fn read_accounts(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<String, AccountId>> {
        let numbers: BTreeSet<&AccountNumber> = page.iter().map(|row| &row.account).collect();
        let select = format!("SELECT number, id FROM account WHERE number IN {}", texts(1));
        let found: Vec<(String, i64)> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(conn).await?;
        Ok(found.into_iter().map(|(number, id)| (number, AccountId(id))).collect())
    }

    async fn read_entries(conn: &mut Conn, keys: &[KeyRow<'_>]) -> Result<BTreeMap<Key, KnownEntry>> {
        let from = format!(
            "{} JOIN entry ON entry.reference = r.reference AND entry.source = r.source",
            rows(1, "source text, reference text")
        );
        let select = select_known("entry.source, entry.reference", &from);
        let found: Vec<KnownColumns> = sqlx::query_as(sql(select)).bind(Json(keys)).fetch_all(conn).await?;
        found.into_iter().map(known).collect()
    }

    /// The entries of Arrears' own that rows name, which are few.
    async fn read_own(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<String, KnownEntry>> {
        let named: BTreeSet<&str> = page.iter().filter_map(|row| row.arrears_reference.as_deref()).collect();
        if named.is_empty() {
            return Ok(BTreeMap::new());
        }
        let names = own_fee::names(conn).await?;
        let numbers: Vec<EntryId> = named.iter().filter_map(|name| names.entry(name)).collect();
        let select = format!(
            "{} WHERE entry.source = '{OWN_SOURCE}' AND (entry.id IN {} OR entry.reference IN {})",
            select_known("entry.source, entry.reference", "entry"),
            ids(1),
            texts(2)
        );
        let found: Vec<KnownColumns> =
            sqlx::query_as(sql(select)).bind(Json(numbers)).bind(Json(&named)).fetch_all(conn).await?;
        let mut own = BTreeMap::new();
        for row in found {
            let ((_, reference), entry) = known(row)?;
            let short = names.name(entry.id);
            let name = if named.contains(short.as_str()) { short } else { reference };
            own.insert(name, entry);
        }
        Ok(own)
    }

    async fn read_own_deposits(conn: &mut Conn, page: &[NewEntry]) -> Result<Vec<KnownEntry>> {
        let applied = page.iter().filter(|row| row.kind == EntryKind::Deposit && row.arrears_reference.is_none());
        let numbers: BTreeSet<&AccountNumber> = applied.map(|row| &row.account).collect();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let select = format!(
            "{} WHERE account.number IN {} AND entry.source = '{OWN_SOURCE}' AND entry.kind = 'deposit' AND later.id IS NULL
                AND NOT EXISTS (SELECT 1 FROM taken_over WHERE taken_over.entry_id = entry.id)
             ORDER BY entry.id",
            select_known("entry.source, entry.reference", "entry"),
            texts(1)
        );
        let found: Vec<KnownColumns> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(conn).await?;
        found.into_iter().map(|row| known(row).map(|(_, entry)| entry)).collect()
    }

    async fn read_taken_over(conn: &mut Conn, keys: &[KeyRow<'_>]) -> Result<BTreeMap<Key, KnownEntry>> {
        let any: Option<i64> =
            sqlx::query_scalar("SELECT entry_id FROM taken_over LIMIT 1").fetch_optional(&mut *conn).await?;
        if any.is_none() {
            return Ok(BTreeMap::new());
        }
        let from = format!(
            "{} JOIN taken_over AS taken ON taken.reference = r.reference AND taken.source = r.source
             JOIN entry ON entry.id = taken.entry_id",
            rows(1, "source text, reference text")
        );
        let select = select_known("taken.source, taken.reference", &from);
        let found: Vec<KnownColumns> = sqlx::query_as(sql(select)).bind(Json(keys)).fetch_all(conn).await?;
        found.into_iter().map(known).collect()
    }

    /// Of the entries of Arrears' own that were found, how the billing system calls those that it has.
    async fn with_names(mut self, conn: &mut Conn) -> Result<Self> {
        let of_own_source = self.entries.iter().filter(|((source, _), _)| source == OWN_SOURCE).map(|(_, entry)| entry);
        let own: Vec<&KnownEntry> = self.own.values().chain(self.taken_over.values()).chain(of_own_source).collect();
        let mut found: BTreeSet<EntryId> = own.iter().map(|entry| entry.id).collect();
        found.extend(own.iter().filter_map(|entry| entry.undone_by));
        if !found.is_empty() {
            let select = format!("SELECT entry_id, source, reference FROM taken_over WHERE entry_id IN {}", ids(1));
            let names: Vec<(i64, String, String)> =
                sqlx::query_as(sql(select)).bind(Json(found)).fetch_all(conn).await?;
            self.names = names.into_iter().map(|(id, source, reference)| (EntryId(id), (source, reference))).collect();
        }
        Ok(self)
    }

    async fn read_debts(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<(AccountId, String), EntryId>> {
        let references: BTreeSet<&String> = page.iter().filter_map(|row| row.designated_reference.as_ref()).collect();
        if references.is_empty() {
            return Ok(BTreeMap::new());
        }
        let select = format!(
            "SELECT account_id, reference, id FROM entry
             WHERE reference IN {0} AND cents > 0 AND kind <> 'reversal'
             UNION ALL
             SELECT entry.account_id, taken.reference, entry.id
             FROM taken_over AS taken JOIN entry ON entry.id = taken.entry_id
             WHERE taken.reference IN {0} AND entry.cents > 0 AND entry.kind <> 'reversal' ORDER BY 3",
            texts(1)
        );
        let found: Vec<(i64, String, i64)> = sqlx::query_as(sql(select)).bind(Json(references)).fetch_all(conn).await?;
        Ok(found.into_iter().map(|(account, reference, id)| ((AccountId(account), reference), EntryId(id))).collect())
    }

    async fn read_unmatched(conn: &mut Conn, keys: &[KeyRow<'_>]) -> Result<BTreeMap<Key, Unmatched>> {
        let any: Option<i64> =
            sqlx::query_scalar("SELECT id FROM unmatched_payment LIMIT 1").fetch_optional(&mut *conn).await?;
        if any.is_none() {
            return Ok(BTreeMap::new());
        }
        let select = format!(
            "SELECT u.source, u.reference, u.id, u.file, u.state, u.decided_by, u.body FROM {}
             JOIN unmatched_payment AS u ON u.reference = r.reference AND u.source = r.source",
            rows(1, "source text, reference text")
        );
        let found: Vec<UnmatchedColumns> = sqlx::query_as(sql(select)).bind(Json(keys)).fetch_all(conn).await?;
        let mut unmatched = BTreeMap::new();
        for (source, reference, id, file, state, decided_by, Json(body)) in found {
            let state = word(UnmatchedState::from_word, &state)?;
            unmatched.insert((source, reference), Unmatched { id: UnmatchedId(id), file, state, decided_by, body });
        }
        Ok(unmatched)
    }

    async fn read_returned(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<Key, UnmatchedBody>> {
        let references: BTreeSet<&String> = page.iter().map(|row| &row.reference).collect();
        let select = format!(
            "SELECT body FROM unmatched_payment
             WHERE state = $2 AND body -> 'returned' ->> 'reference' IN {}",
            texts(1)
        );
        let found: Vec<Json<UnmatchedBody>> = sqlx::query_scalar(sql(select))
            .bind(Json(references))
            .bind(UnmatchedState::Returned.word())
            .fetch_all(conn)
            .await?;
        let by_return = |Json(body): Json<UnmatchedBody>| {
            let key = body.returned.as_ref().map(|returned| (returned.source.clone(), returned.reference.clone()));
            key.map(|key| (key, body))
        };
        Ok(found.into_iter().filter_map(by_return).collect())
    }

    async fn read_taken_here(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeSet<EntryId>> {
        let receipts: BTreeSet<&String> = page
            .iter()
            .filter_map(|row| row.reverses.as_ref())
            .filter(|(source, _)| source == COUNTER_SOURCE)
            .map(|(_, reference)| reference)
            .collect();
        if receipts.is_empty() {
            return Ok(BTreeSet::new());
        }
        let select = format!(
            "SELECT entry.id FROM entry
             JOIN log ON log.account_id = entry.account_id AND log.what = $3
                AND CAST(log.body ->> 'entry' AS TEXT) = CAST(entry.id AS TEXT)
             WHERE entry.reference IN {} AND entry.source = $2",
            texts(1)
        );
        let found: Vec<i64> = sqlx::query_scalar(sql(select))
            .bind(Json(receipts))
            .bind(COUNTER_SOURCE)
            .bind(COUNTER_PAYMENT)
            .fetch_all(conn)
            .await?;
        Ok(found.into_iter().map(EntryId).collect())
    }
}

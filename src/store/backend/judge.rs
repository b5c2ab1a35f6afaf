//! What a row of a file is to the books: new, known, a payment that finds its account, or a reason to refuse the file.
//!
//! Here is no writing: `import` does what is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::ledger::{COUNTER_PAYMENT, COUNTER_SOURCE, OWN_SOURCE};
use super::{Conn, Result, rows, sql, texts, word};
use crate::domain::import::{NewEntry, ReturnedBy, RowRefusal, UnmatchedState};
use crate::domain::{AccountId, AccountNumber, Actor, Cents, Day, EntryId, EntryKind, Service, UnmatchedId};

/// An entry of the books, as far as a row of a file can be held against it.
pub(super) struct KnownEntry {
    pub id: EntryId,
    pub account: AccountId,
    pub service: Service,
    pub kind: EntryKind,
    pub cents: Cents,
    number: String,
    effective_on: Day,
    due_on: Option<Day>,
    is_reversed: bool,
    /// Source and reference of the entry that it undoes.
    reverses: Option<(String, String)>,
}

impl KnownEntry {
    /// Whether the row says the same; a reversal's amount and service are those of its original.
    fn says_the_same(&self, row: &NewEntry) -> bool {
        let same_amount = row.kind == EntryKind::Reversal || (self.cents, self.service) == (row.amount, row.service);
        self.number == row.account.as_str()
            && self.kind == row.kind
            && same_amount
            && self.reverses == row.reverses
            && self.effective_on == row.effective_on
            && (row.due_on.is_none() || row.due_on == self.due_on || self.due_on.is_none())
    }

    fn describe(&self) -> String {
        let reverses = self.reverses.as_ref();
        describe(self.kind, reverses, self.service, self.cents, self.effective_on, self.due_on, &self.number)
    }
}

fn describe(
    kind: EntryKind,
    reverses: Option<&(String, String)>,
    service: Service,
    cents: Cents,
    on: Day,
    due: Option<Day>,
    number: &str,
) -> String {
    if let Some((source, reference)) = reverses {
        return format!("{kind} of {reference} of {source} on {on}, account {number}");
    }
    let due = due.map(|due| format!(" due {due}")).unwrap_or_default();
    format!("{kind} of {cents} for {service} on {on}{due}, account {number}")
}

/// A payment on the unmatched list: its row, and the reversal that took it back where one did.
#[derive(Serialize, Deserialize)]
pub(super) struct UnmatchedBody {
    #[serde(flatten)]
    pub row: NewEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnedBy>,
}

/// A payment that was on the unmatched list, as a row of a file finds it.
pub(super) struct Unmatched {
    pub id: UnmatchedId,
    pub file: String,
    pub state: UnmatchedState,
    pub decided_by: Option<String>,
    pub body: UnmatchedBody,
}

/// What a row is to the books.
pub(super) enum Judged<'a> {
    Unchanged,
    /// A payment of no known account.
    Unmatched,
    /// One that is on the unmatched list, with another number that is not known either.
    Renamed(&'a Unmatched),
    /// A payment of the unmatched list for an account that is known now.
    Found {
        unmatched: &'a Unmatched,
        account: AccountId,
        designated: Option<EntryId>,
    },
    /// The return of a payment on the unmatched list: of no account's ledger.
    Returned(&'a Unmatched),
    New {
        account: AccountId,
        original: Option<&'a KnownEntry>,
        designated: Option<EntryId>,
    },
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct KeyRow<'a> {
    source: &'a str,
    reference: &'a str,
}

/// Source and reference.
type Key = (String, String);

type KnownColumns =
    (String, String, i64, i64, String, String, String, i64, Day, Option<Day>, bool, Option<String>, Option<String>);

type UnmatchedColumns = (String, String, i64, String, String, Option<String>, Json<UnmatchedBody>);

/// What the books know that bears on a page of rows.
pub(super) struct Known {
    accounts: BTreeMap<String, AccountId>,
    entries: BTreeMap<Key, KnownEntry>,
    /// Debts by account and reference, for designated payments.
    debts: BTreeMap<(AccountId, String), EntryId>,
    unmatched: BTreeMap<Key, Unmatched>,
    /// Counter payments that a person posted here, of those that a person's file would reverse.
    taken_here: BTreeSet<EntryId>,
}

impl Known {
    pub(super) async fn read(conn: &mut Conn, page: &[NewEntry], by: &Actor) -> Result<Self> {
        let mut keys: BTreeSet<KeyRow<'_>> = BTreeSet::new();
        for row in page {
            keys.insert(KeyRow { source: &row.source, reference: &row.reference });
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
        Ok(Self {
            accounts,
            entries: Self::read_entries(conn, &keys).await?,
            debts: Self::read_debts(conn, page).await?,
            unmatched: Self::read_unmatched(conn, &keys).await?,
            taken_here,
        })
    }

    async fn read_accounts(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<String, AccountId>> {
        let numbers: BTreeSet<&AccountNumber> = page.iter().map(|row| &row.account).collect();
        let select = format!("SELECT number, id FROM account WHERE number IN {}", texts(1));
        let found: Vec<(String, i64)> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(conn).await?;
        Ok(found.into_iter().map(|(number, id)| (number, AccountId(id))).collect())
    }

    async fn read_entries(conn: &mut Conn, keys: &[KeyRow<'_>]) -> Result<BTreeMap<Key, KnownEntry>> {
        let select = format!(
            "SELECT entry.source, entry.reference, entry.id, entry.account_id, account.number, entry.service,
                entry.kind, entry.cents, entry.effective_on, entry.due_on,
                EXISTS (SELECT 1 FROM entry AS later WHERE later.reverses = entry.id),
                undone.source, undone.reference
             FROM {} JOIN entry ON entry.reference = r.reference AND entry.source = r.source
             JOIN account ON account.id = entry.account_id
             LEFT JOIN entry AS undone ON undone.id = entry.reverses",
            rows(1, "source text, reference text")
        );
        let found: Vec<KnownColumns> = sqlx::query_as(sql(select)).bind(Json(keys)).fetch_all(conn).await?;
        let mut entries = BTreeMap::new();
        for row in found {
            let (source, reference, id, account, number, service, kind, cents, effective_on, due_on, ..) = row;
            let (is_reversed, of_source, of_reference) = (row.10, row.11, row.12);
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
                reverses: of_source.zip(of_reference),
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

    /// What the row is. `reversed` are the entries that earlier rows of the page undo.
    pub(super) fn judge(&self, row: &NewEntry, reversed: &mut BTreeSet<Key>) -> Result<Judged<'_>, RowRefusal> {
        let key = (row.source.clone(), row.reference.clone());
        let account = self.accounts.get(row.account.as_str()).copied();
        let unmatched = self.unmatched.get(&key);
        if let Some(known) = self.entries.get(&key) {
            // A payment that a person matched has another account here than in its file, which says what it said.
            let same = known.says_the_same(row) || unmatched.is_some_and(|unmatched| is_as_it_came(unmatched, row));
            return if same { Ok(Judged::Unchanged) } else { Err(conflict(row, known.describe())) };
        }
        if let Some(unmatched) = unmatched {
            return self.judge_unmatched(row, unmatched, account);
        }
        if let Some(original) = &row.reverses {
            return self.judge_reversal(row, original, account, reversed);
        }
        let Some(account) = account else {
            let unmatched = row.kind == EntryKind::Payment;
            return if unmatched {
                Ok(Judged::Unmatched)
            } else {
                Err(RowRefusal::UnknownAccount { account: row.account.clone() })
            };
        };
        Ok(Judged::New { account, original: None, designated: self.designated(row, account)? })
    }

    /// A payment that is on the unmatched list, or was taken off it without coming to an account. One for an account that
    /// is known is taken, whatever a person said of the number that nobody knew.
    fn judge_unmatched<'a>(
        &self,
        row: &NewEntry,
        unmatched: &'a Unmatched,
        account: Option<AccountId>,
    ) -> Result<Judged<'a>, RowRefusal> {
        let before = &unmatched.body.row;
        if (row.kind, row.amount, row.effective_on) != (before.kind, before.amount, before.effective_on) {
            let (amount, on) = (before.amount.abs(), before.effective_on);
            return Err(conflict(row, format!("unmatched payment of {amount} on {on}, account {}", before.account)));
        }
        match (account, unmatched.state) {
            (Some(account), _) => Ok(Judged::Found { unmatched, account, designated: self.designated(row, account)? }),
            (None, UnmatchedState::Open | UnmatchedState::Rejected) if row.account != before.account => {
                Ok(Judged::Renamed(unmatched))
            }
            (
                None,
                UnmatchedState::Open | UnmatchedState::Rejected | UnmatchedState::Returned | UnmatchedState::Matched,
            ) => Ok(Judged::Unchanged),
        }
    }

    fn judge_reversal(
        &self,
        row: &NewEntry,
        original: &Key,
        account: Option<AccountId>,
        reversed: &mut BTreeSet<Key>,
    ) -> Result<Judged<'_>, RowRefusal> {
        let (source_id, reference) = original.clone();
        let again = RowRefusal::AlreadyReversed { source_id: source_id.clone(), reference: reference.clone() };
        let early = |on: Day| RowRefusal::ReversedBefore {
            source_id: source_id.clone(),
            reference: reference.clone(),
            on,
            reversed_on: row.effective_on,
        };
        let Some(entry) = self.entries.get(original) else {
            // A check can come back before anybody found out whose it was.
            let Some(unmatched) = self.unmatched.get(original) else {
                return Err(match account {
                    None => RowRefusal::UnknownAccount { account: row.account.clone() },
                    Some(_) => RowRefusal::UnknownOriginal { source_id, reference },
                });
            };
            return match &unmatched.body.returned {
                Some(returned) if returned.is(row) => Ok(Judged::Unchanged),
                Some(_) => Err(again),
                None if row.effective_on < unmatched.body.row.effective_on => {
                    Err(early(unmatched.body.row.effective_on))
                }
                None if !reversed.insert(original.clone()) => Err(again),
                None => Ok(Judged::Returned(unmatched)),
            };
        };
        if account.is_none() {
            return Err(RowRefusal::UnknownAccount { account: row.account.clone() });
        }
        if Some(entry.account) != account || entry.kind == EntryKind::Reversal {
            return Err(RowRefusal::UnknownOriginal { source_id, reference });
        }
        if source_id == OWN_SOURCE {
            let account = row.account.clone();
            return Err(RowRefusal::OwnFee { reference, account, entry: entry.id });
        }
        if self.taken_here.contains(&entry.id) {
            return Err(RowRefusal::CounterPayment { reference });
        }
        if row.effective_on < entry.effective_on {
            return Err(early(entry.effective_on));
        }
        if entry.is_reversed || !reversed.insert(original.clone()) {
            return Err(again);
        }
        Ok(Judged::New { account: entry.account, original: Some(entry), designated: None })
    }

    /// The debt that the row designates.
    fn designated(&self, row: &NewEntry, account: AccountId) -> Result<Option<EntryId>, RowRefusal> {
        let Some(reference) = &row.designated_reference else { return Ok(None) };
        let debt = self.debts.get(&(account, reference.clone())).copied();
        debt.map(Some).ok_or_else(|| RowRefusal::UnknownDesignation {
            reference: reference.clone(),
            account: row.account.clone(),
        })
    }
}

/// Whether the row is the one that was put on the unmatched list.
fn is_as_it_came(unmatched: &Unmatched, row: &NewEntry) -> bool {
    let before = &unmatched.body.row;
    (row.kind, row.amount, row.effective_on) == (before.kind, before.amount, before.effective_on)
        && row.account == before.account
}

fn conflict(row: &NewEntry, before: String) -> RowRefusal {
    let number = row.account.as_str();
    let now = describe(row.kind, row.reverses.as_ref(), row.service, row.amount, row.effective_on, row.due_on, number);
    RowRefusal::Conflict { source_id: row.source.clone(), reference: row.reference.clone(), before, now }
}

//! What a row of a file is to the books: new, known, a payment that finds its account, or a reason to refuse the file.
//!
//! Here is no writing: `import` does what is judged.

use std::collections::BTreeSet;

use super::known::{Key, Known, KnownEntry, Unmatched, UnmatchedBody};
use super::ledger::{COUNTER_SOURCE, OWN_SOURCE};
use crate::domain::import::{NewEntry, RowRefusal, UnmatchedState};
use crate::domain::{AccountId, Cents, Day, EntryId, EntryKind, Service};

impl KnownEntry {
    /// Whether the row says the same of the account that it names.
    fn says_the_same(&self, row: &NewEntry) -> bool {
        self.number == row.account.as_str() && self.says_the_same_but_for_the_number(row)
    }

    /// Whether the row says the same of whatever account; a reversal's amount and service are those of its original.
    fn says_the_same_but_for_the_number(&self, row: &NewEntry) -> bool {
        let same_amount = row.kind == EntryKind::Reversal || (self.cents, self.service) == (row.amount, row.service);
        self.kind == row.kind
            && same_amount
            && self.reverses == row.reverses
            && self.effective_on == row.effective_on
            && (row.due_on.is_none() || row.due_on == self.due_on || self.due_on.is_none())
    }

    /// Whether the row is this entry of Arrears' own under the billing system's name: the account and the amount are the same.
    /// Its dates and its kind are the billing system's to choose.
    fn comes_back_as(&self, row: &NewEntry) -> bool {
        let same_amount = match row.kind {
            EntryKind::Reversal => self.kind == EntryKind::Reversal,
            EntryKind::Charge
            | EntryKind::Fee
            | EntryKind::Interest
            | EntryKind::Payment
            | EntryKind::Adjustment
            | EntryKind::Deposit
            | EntryKind::Transfer
            | EntryKind::WriteOff => self.cents == row.amount,
        };
        self.number == row.account.as_str() && same_amount
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
    /// The bank's return of a counter payment that was voided here already: the ledger has what it says.
    Voided(&'a KnownEntry),
    /// An entry of Arrears' own, as the billing system has it in its books now.
    TakenOver(&'a KnownEntry),
    /// What took an entry of Arrears' own back, as the billing system has it in its books now, under a name of its own.
    TakenBack {
        account: AccountId,
        reversal: EntryId,
    },
    New {
        account: AccountId,
        original: Option<&'a KnownEntry>,
        designated: Option<EntryId>,
    },
}

impl Known {
    /// What the row is. `reversed` are the entries that earlier rows of the page undo.
    pub(super) fn judge(&self, row: &NewEntry, reversed: &mut BTreeSet<Key>) -> Result<Judged<'_>, RowRefusal> {
        let key = (row.source.clone(), row.reference.clone());
        if let Some(name) = &row.arrears_reference {
            return self.judge_own(row, &key, name, reversed);
        }
        if let Some(own) = self.taken_over.get(&key) {
            return if own.comes_back_as(row) { Ok(Judged::Unchanged) } else { Err(conflict(row, own.describe())) };
        }
        let account = self.accounts.get(row.account.as_str()).copied();
        let unmatched = self.unmatched.get(&key);
        if let Some(known) = self.entries.get(&key) {
            // A payment that was matched has another account here than in its file, which says what it said; so has its return.
            let original = row.reverses.as_ref().and_then(|original| self.unmatched.get(original));
            let same = known.says_the_same(row)
                || unmatched.is_some_and(|unmatched| unmatched.body.is_as_it_came(row))
                || original.is_some_and(|original| original.body.is_named_by(row))
                    && known.says_the_same_but_for_the_number(row);
            if !same {
                return Err(conflict(row, known.describe()));
            }
            // The billing system may keep our name for a fee of ours.
            let is_news = row.source == OWN_SOURCE && !self.names.contains_key(&known.id);
            return Ok(if is_news && reversed.insert(key) { Judged::TakenOver(known) } else { Judged::Unchanged });
        }
        if let Some(UnmatchedBody { row: payment, returned: Some(kept), .. }) = self.returned.get(&key) {
            // Should the payment find its account, its return is posted under this reference.
            let of = (payment.source.clone(), payment.reference.clone());
            if row.reverses.as_ref() == Some(&of) && kept.is(row) {
                return Ok(Judged::Unchanged);
            }
            let (service, amount, number) = (payment.service, payment.amount, payment.account.as_str());
            let before = describe(EntryKind::Reversal, Some(&of), service, amount, kept.on, None, number);
            return Err(conflict(row, before));
        }
        if let Some(unmatched) = unmatched {
            return self.judge_unmatched(row, unmatched, account);
        }
        if let Some(original) = &row.reverses {
            return self.judge_reversal(row, original, account, reversed);
        }
        if let Some(own) = self.own_deposit(row, reversed) {
            return Ok(Judged::TakenOver(own));
        }
        if let Some((account, reversal)) = self.own_waiver(row, reversed) {
            return Ok(Judged::TakenBack { account, reversal });
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

    /// The deposit that Arrears applied itself, where the row says of its account that one of that amount was applied: it is
    /// the same one, also where the billing system does not name ours.
    fn own_deposit(&self, row: &NewEntry, claimed: &mut BTreeSet<Key>) -> Option<&KnownEntry> {
        let own = |own: &&KnownEntry| row.kind == EntryKind::Deposit && own.comes_back_as(row);
        let mut found = self.own_deposits.iter().filter(own);
        found.find(|own| claimed.insert((OWN_SOURCE.to_owned(), own.reference.clone())))
    }

    /// What took a fee of ours back, where the row is a credit that names the fee as the billing system calls it, of its amount:
    /// it is the same waiver, also where the billing system does not say that it is ours.
    fn own_waiver(&self, row: &NewEntry, claimed: &mut BTreeSet<Key>) -> Option<(AccountId, EntryId)> {
        let named = row.designated_reference.as_ref().filter(|_| row.kind == EntryKind::Adjustment)?;
        let fee = self.taken_over.get(&(row.source.clone(), named.clone()))?;
        let reversal = fee.undone_by.filter(|reversal| !self.names.contains_key(reversal))?;
        let is_it = fee.kind == EntryKind::Fee
            && fee.number == row.account.as_str()
            && fee.cents + row.amount == Cents::ZERO
            && fee.reversed_by.as_deref() == Some(OWN_SOURCE);
        (is_it && claimed.insert((OWN_SOURCE.to_owned(), fee.reference.clone()))).then_some((fee.account, reversal))
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
            (None, UnmatchedState::Open | UnmatchedState::Rejected) if !unmatched.body.came_under(&row.account) => {
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
        if let Some(fee) = self.taken_over.get(original) {
            return self.judge_own_taken_back(row, fee, original, reversed);
        }
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
        // The bank does not learn whose payment it was: its return names the number under which it came.
        let payment = self.unmatched.get(original).filter(|payment| payment.body.came_under(&row.account));
        let account = payment.map(|_| entry.account).or(account);
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
        // A clerk may hear of a bounced check before the bank's file does.
        if source_id == COUNTER_SOURCE && entry.reversed_by.as_deref() == Some(OWN_SOURCE) {
            return Ok(Judged::Voided(entry));
        }
        if entry.reversed_by.is_some() || !reversed.insert(original.clone()) {
            return Err(again);
        }
        Ok(Judged::New { account: entry.account, original: Some(entry), designated: None })
    }

    /// The billing system takes back an entry of Arrears' own under its own name. Where it was taken back here too, that is one
    /// and the same: it is told nothing of it any more. Where it was not, it is waived here.
    fn judge_own_taken_back(
        &self,
        row: &NewEntry,
        fee: &KnownEntry,
        original: &Key,
        reversed: &mut BTreeSet<Key>,
    ) -> Result<Judged<'_>, RowRefusal> {
        let Some(reversal) = fee.undone_by.filter(|_| fee.number == row.account.as_str()) else {
            let (reference, account) = (row.reference.clone(), row.account.clone());
            return Err(RowRefusal::OwnFee { reference, account, entry: fee.id });
        };
        if self.names.contains_key(&reversal) || !reversed.insert(original.clone()) {
            let (source_id, reference) = original.clone();
            return Err(RowRefusal::AlreadyReversed { source_id, reference });
        }
        Ok(Judged::TakenBack { account: fee.account, reversal })
    }

    /// A row that says itself that it is an entry of Arrears' own. `claimed` are those that earlier rows of the page bring
    /// back.
    fn judge_own(
        &self,
        row: &NewEntry,
        key: &Key,
        name: &str,
        claimed: &mut BTreeSet<Key>,
    ) -> Result<Judged<'_>, RowRefusal> {
        let Some(own) = self.own.get(name) else {
            return Err(RowRefusal::UnknownOwn { reference: name.to_owned() });
        };
        if let Some(twin) = self.entries.get(key).filter(|twin| twin.id != own.id && twin.reversed_by.is_none()) {
            if twin.comes_back_as(row) || twin.says_the_same(row) {
                let (source_id, reference) = key.clone();
                return Err(RowRefusal::CountedTwice { source_id, reference, own: name.to_owned() });
            }
            return Err(conflict(row, twin.describe()));
        }
        if !own.comes_back_as(row) {
            let number = row.account.as_str();
            let (service, on) = (row.service, row.effective_on);
            return Err(RowRefusal::OwnDiffers {
                reference: name.to_owned(),
                ours: own.describe(),
                theirs: describe(row.kind, row.reverses.as_ref(), service, row.amount, on, row.due_on, number),
            });
        }
        match self.names.get(&own.id) {
            Some(before) if before == key => Ok(Judged::Unchanged),
            Some((source, reference)) => {
                Err(RowRefusal::OwnTwice { reference: name.to_owned(), before: format!("{reference} of {source}") })
            }
            None if claimed.insert((OWN_SOURCE.to_owned(), own.reference.clone())) => Ok(Judged::TakenOver(own)),
            None => Err(RowRefusal::OwnTwice { reference: name.to_owned(), before: "another row of this file".into() }),
        }
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

fn conflict(row: &NewEntry, before: String) -> RowRefusal {
    let number = row.account.as_str();
    let now = describe(row.kind, row.reverses.as_ref(), row.service, row.amount, row.effective_on, row.due_on, number);
    RowRefusal::Conflict { source_id: row.source.clone(), reference: row.reference.clone(), before, now }
}

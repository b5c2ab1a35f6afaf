//! What was taken off debts and is no money: corrections in the customer's favor, and debts that were given up or moved.
//!
//! A payment makes nothing of what was said before untrue. These do: a letter that asked for a bill which was corrected
//! since has asked for too much, and a debt that was written off is not paid.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::day::Day;
use super::ids::{EntryId, ItemId};
use super::ledger::{Entry, EntryKind};
use super::money::Cents;

/// An entry that takes something off a debt and is no money; itself not taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOff {
    pub entry: EntryId,
    /// An adjustment, a reversal of a debt (a bill taken back, a fee waived), a write-off or a transfer away.
    pub kind: EntryKind,
    /// The debt that it names; none where it is for whatever is oldest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt: Option<ItemId>,
    pub service: Service,
    /// The day from which it counts.
    pub on: Day,
    /// Above zero.
    pub amount: Cents,
}

impl TakenOff {
    /// The entry as such; `None` where it takes nothing off, or is money. Whether it was taken back is not asked.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let debt = match entry.kind {
            EntryKind::Adjustment | EntryKind::WriteOff | EntryKind::Transfer => entry.designated_item,
            EntryKind::Reversal => entry.reverses,
            EntryKind::Charge | EntryKind::Fee | EntryKind::Interest | EntryKind::Payment | EntryKind::Deposit => {
                return None;
            }
        };
        entry.amount.is_negative().then(|| Self {
            entry: entry.id,
            kind: entry.kind,
            debt,
            service: entry.designated_service.unwrap_or(entry.service),
            on: entry.effective_on,
            amount: -entry.amount,
        })
    }
}

/// What was taken off an account's debts, in the order of the entries' numbers.
#[must_use]
pub fn taken_off(entries: &[Entry]) -> Vec<TakenOff> {
    let undone: BTreeSet<EntryId> = entries.iter().filter_map(|entry| entry.reverses).collect();
    let standing = entries.iter().filter(|entry| !undone.contains(&entry.id));
    let mut found: Vec<TakenOff> = standing.filter_map(TakenOff::of).collect();
    found.sort_by_key(|off| off.entry);
    found
}

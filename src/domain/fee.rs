//! Fees that Arrears has posted, and whether the ledger as it is known now still bears them out.
//!
//! A payment counts from the day on which it was received, not from the day on which we learned of it. So a bill
//! can turn out to have been paid in time after a fee for its lateness was posted. In time is what was received
//! through the day before the fee's own: the fee is of the night with which its day begins, and a payment later that
//! day does not undo it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::decision::ActKey;
use super::ids::{EntryId, ItemId, StageId, TrackId};
use super::ledger::{ApplicationOrder, Entry, OpenItem, PlanSpan, settle};
use super::money::Cents;
use super::person::Override;
use super::petition::Petition;

/// A fee that a decision posted, in this case or an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedFee {
    /// The ledger entry.
    pub entry: ItemId,
    /// The act that ordered it.
    pub key: ActKey,
    /// What the ledger calls it.
    pub name: String,
    pub amount: Cents,
    /// The day for which it was posted.
    pub on: Day,
    /// Billed and due dates of the debt that its run was anchored on; `None` when that entry is not known.
    pub bill: Option<(Day, Day)>,
    /// Set once it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// What a person says of a fee of ours and one of the billing system's that look like one counted twice: they are two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoFees {
    /// The ledger entry of ours.
    pub own: EntryId,
    /// That of the billing system's.
    pub other: EntryId,
    pub said: Override,
}

impl TwoFees {
    /// Whether the pair is among those of which it was said.
    #[must_use]
    pub fn are(said: &[Self], own: EntryId, other: EntryId) -> bool {
        said.iter().any(|two| (two.own, two.other) == (own, other))
    }
}

/// How a fee was undone, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// It had no ground on its day: as if it had never been posted.
    TakenBack(Day),
    /// A person let it go. The bill has had its fee all the same.
    Waived(Day),
}

impl PostedFee {
    /// Whether the stage has charged this bill: a fee that was taken back was never due, one that was waived was.
    #[must_use]
    pub fn charges(&self, track: &TrackId, stage: &StageId, bill: (Day, Day)) -> bool {
        self.key.of.track == *track
            && self.key.of.stage == *stage
            && self.bill == Some(bill)
            && !matches!(self.undone, Some(Undone::TakenBack(_)))
    }

    /// The key of the act that takes it back: one for each fee, so that however often it is decided, it is done once.
    #[must_use]
    pub fn reversal_key(&self) -> ActKey {
        let mut key = self.key.clone();
        key.of.stage = StageId::from(format!("{}.taken_back", key.of.stage));
        key
    }
}

/// The fees that were taken back.
#[must_use]
pub fn taken_back(fees: &[PostedFee]) -> BTreeSet<ItemId> {
    let never_due = |fee: &&PostedFee| matches!(fee.undone, Some(Undone::TakenBack(_)));
    fees.iter().filter(never_due).map(|fee| fee.entry).collect()
}

/// What was owed as the fee's day began, by the dates that count and all that is known now. `never_due` are the fees that
/// are taken back: nothing was owed of them on any day.
///
/// A payment of that day comes after the fee. One that came back never paid, whenever it came back.
#[must_use]
pub fn owed_before(
    fee: &PostedFee,
    never_due: &BTreeSet<ItemId>,
    ledger: &[Entry],
    order: &ApplicationOrder,
    plans: &[PlanSpan],
) -> Vec<OpenItem> {
    let returned: BTreeSet<EntryId> = ledger.iter().filter_map(|entry| entry.reverses).collect();
    let paid_nothing = |entry: &Entry| entry.is_credit() && returned.contains(&entry.id);
    let came_after = |entry: &Entry| !entry.is_debt() && entry.effective_on >= fee.on;
    let stands = |entry: &&Entry| !paid_nothing(entry) && !came_after(entry) && !never_due.contains(&entry.id);
    let standing: Vec<Entry> = ledger.iter().filter(stands).cloned().collect();
    settle(&standing, order, plans, fee.on).items
}

/// Whether a credit that counts from a day before the fee's was learned after the fee was posted, or a petition of such
/// a day that stays the debt: only then can the fee have lost its ground.
#[must_use]
pub fn is_overtaken(fee: &PostedFee, ledger: &[Entry], petitions: &[Petition]) -> bool {
    let paid = || ledger.iter().any(|entry| entry.id > fee.entry && entry.is_credit() && entry.effective_on < fee.on);
    let stayed = || petitions.iter().any(|stay| stay.known_through >= fee.entry && stay.petition_on < fee.on);
    fee.undone.is_none() && (paid() || stayed())
}

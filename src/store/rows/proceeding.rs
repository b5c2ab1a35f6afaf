//! Disputes, petitions and estates, as they are about to be recorded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::NewHold;
use crate::domain::dispute::Side;
use crate::domain::notice::NewNotice;
use crate::domain::petition::{Assurance, Chapter, OfAfter, StayEnd};
use crate::domain::placement::ReturnReason;
use crate::domain::proposal::Proposed;
use crate::domain::{AccountId, Cents, Day, ItemId};

/// What files changed of an account's record, at an instant: each field as it was and as it became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    pub at: DateTime<Utc>,
    pub fields: BTreeMap<String, [Value; 2]>,
}

/// What became of an account's record behind an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSince {
    /// When the account itself became known.
    pub came_at: DateTime<Utc>,
    /// Newest first.
    pub changes: Vec<RecordChange>,
    /// Files that changed records, of this account or of others, before the log kept what they changed.
    pub unkept: Vec<(String, DateTime<Utc>)>,
}

/// A dispute about to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDispute {
    /// Empty for the whole account.
    pub items: Vec<ItemId>,
    pub reason: String,
    pub raised_on: Day,
    pub stops_clock: bool,
}

/// A dispute or an appeal about to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRuling {
    pub side: Side,
    pub findings: String,
    /// The last day for an appeal.
    pub appeal_by: Option<Day>,
    /// What is proposed in the customer's favor, each with its size and reason.
    pub proposals: Vec<(Proposed, Cents, String)>,
    /// What the customer is to be told, in words.
    pub tell: String,
    /// What is left for the lead to do.
    pub task: Option<String>,
    /// The account's facts on which the proposals rest: where they have moved on since, nothing is done.
    pub seen: Option<i64>,
}

/// The letter on a ruling about to be planned, or its time to appeal made longer without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulingTold {
    pub pieces: Vec<NewNotice>,
    /// The last day for an appeal, where it is a later one than before.
    pub appeal_by: Option<Day>,
    /// In the log.
    pub why: String,
}

/// A petition about to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPetition {
    pub chapter: Chapter,
    pub court: String,
    pub case_number: String,
    pub petition_on: Day,
    pub relief_on: Day,
    pub learned_on: Day,
    /// What was done since the petition, for the exceptions list.
    pub late: Option<String>,
    /// The holds of the customer's other accounts.
    pub others: Vec<HeldWithTask>,
}

/// A hold about to be placed, and the task of the lead that belongs to it: one is not there without the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldWithTask {
    pub account: AccountId,
    pub hold: NewHold,
    /// What the task is about, behind the hold's number: one of a kind for each hold.
    pub about: &'static str,
    /// The task, with [`HeldWithTask::NUMBER`] where the hold's number belongs.
    pub task: String,
}

impl HeldWithTask {
    /// Stands in a task's text for the number that the hold will have.
    pub const NUMBER: &'static str = "{hold}";

    /// What the task is about, where a hold waits for somebody to record what was learned on the customer's other account.
    #[must_use]
    pub const fn of_customer(said: ReturnReason) -> &'static str {
        match said {
            ReturnReason::Bankrupt => "same customer, bankrupt",
            ReturnReason::Deceased => "same customer, deceased",
            ReturnReason::Disputed
            | ReturnReason::Paid
            | ReturnReason::Uncollectable
            | ReturnReason::Skip
            | ReturnReason::Closed => "same customer",
        }
    }
}

/// What a petition learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PetitionNews {
    Assured(Assurance),
    /// The debt is discharged; what is stayed is proposed for write-off.
    Discharged(Day),
    /// The first day on which nothing is stayed, the day of the court's order, and how it ended.
    Ended(Day, Day, StayEnd),
    /// A person says of a correction that it is of the time after.
    OfAfter(OfAfter),
}

//! Disputes, petitions and estates, as they are about to be recorded.

use crate::domain::dispute::Side;
use crate::domain::petition::{Assurance, Chapter, StayEnd};
use crate::domain::proposal::Proposed;
use crate::domain::{Cents, Day, ItemId};

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
    /// For the lead: what the customer is to be told.
    pub task: Option<String>,
    /// The account's facts on which the proposals rest: where they have moved on since, nothing is done.
    pub seen: Option<i64>,
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
}

/// What a petition learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PetitionNews {
    Assured(Assurance),
    /// The debt is discharged; what is stayed is proposed for write-off.
    Discharged(Day),
    /// The first day on which nothing is stayed, the day of the court's order, and how it ended.
    Ended(Day, Day, StayEnd),
}

//! A case: one episode of delinquency, and how far each of its tracks has come.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::day::Day;
use super::ids::{EntryId, ItemId, PolicyHash, StageId, TrackId};
use super::money::Cents;
use super::person::Override;

/// An account's open case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The how manieth case of the account, from 1.
    pub number: u32,
    pub opened_on: Day,
    /// The policy version that it follows.
    pub policy: PolicyHash,
    pub tracks: Vec<TrackRun>,
}

impl Case {
    /// Whether a notice that leads to a shut-off stands: what was paid since is to be known.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.tracks.iter().any(|run| !run.asked.is_empty())
    }

    /// The debts that other open runs of the track keep for themselves.
    #[must_use]
    pub fn kept_elsewhere(&self, track: &TrackId, anchor: ItemId) -> BTreeSet<ItemId> {
        let others = self.tracks.iter().filter(|run| run.track == *track && run.anchor != anchor);
        others.filter(|run| run.closed.is_none()).flat_map(|run| run.own.iter().copied()).collect()
    }
}

/// A track of a policy as it runs in a case, on its anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRun {
    pub track: TrackId,
    /// The item that made it start.
    pub anchor: ItemId,
    pub anchor_billed_on: Day,
    pub anchor_due_on: Day,
    pub opened_on: Day,
    pub steps: Vec<Step>,
    /// Days that a released notice has announced for a later stage: no act of that stage before them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub announced: BTreeMap<StageId, Day>,
    /// What the notices that lead to a shut-off asked for, while they stand. Who pays as much is not shut off on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asked: BTreeMap<StageId, Asked>,
    /// Amounts frozen by a stage ("arrears of October 1"), by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frozen: BTreeMap<String, Cents>,
    /// Stages that found no destination for the debt, of which the lead was told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unrouted: BTreeSet<StageId>,
    /// The debts that it keeps for itself: they went out, and what has fallen due since has a run of its own. Empty while it is
    /// about whatever no other run of its track keeps.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub own: BTreeSet<ItemId>,
    /// Closed with its cause; a closed track does nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<(Day, Cause)>,
}

/// What a notice asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The day on which it was decided: nobody can answer it before.
    pub on: Day,
    pub amount: Cents,
}

/// A stage that was reached. Stages still ahead have no step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub stage: StageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// From 1; a stage whose notice expired or was spent comes around again.
    pub round: u16,
    pub state: StepState,
    /// The items on which it rests: what its notice listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemId>,
    /// Of a stage that acted: the last entry that took something off a debt, of those known then; zero where there was none.
    /// What has a higher number was learned after it. None of a step that was written before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<EntryId>,
}

/// What has become of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its acts were decided on the day; what came of them are events.
    Acted(Day),
    Skipped(Override),
    Canceled(Day, Cause),
    /// Its window closed before it was done; the track passes over it.
    Expired(Day),
    /// It acted on the first day and lost its force on the second: what rested on it lapsed, or its notice did not
    /// list the debt. It comes around again.
    Spent(Day, Day),
}

impl Step {
    /// The day on which the step reached its state.
    #[must_use]
    pub const fn on(&self) -> Day {
        match &self.state {
            StepState::Acted(day)
            | StepState::Canceled(day, _)
            | StepState::Expired(day)
            | StepState::Spent(_, day) => *day,
            StepState::Skipped(by) => by.on,
        }
    }
}

/// Why a case, a track or something pending was canceled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The counted arrears fell to the cure threshold.
    Cured,
    /// The anchor was paid and the policy closes or restarts the track then.
    AnchorPaid,
    /// A petition in bankruptcy stays the debt it began with: what is owed since is worked in a case of its own.
    Stayed,
    /// Referred, and nothing more is to be done here.
    Referred,
    /// The policy no longer has the track or stage.
    PolicyChanged,
    /// Its window closed.
    Expired,
    /// The service that it shut off was turned on again.
    Restored,
    /// As much was paid as its notice asked for, and went to other debts.
    Answered,
    /// Nobody can be called: there is no number, or the customer asked not to be called.
    Unreachable,
    /// Another person has taken the customer's place since.
    Follows,
    /// What it stated was corrected since, in the customer's favor.
    Corrected,
    /// The customer contests what it asks for.
    Contested,
    /// A person, with a reason.
    Person(Override),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cured => f.write_str("the debt was paid"),
            Self::AnchorPaid => f.write_str("the bill it began with was paid"),
            Self::Stayed => f.write_str("a petition in bankruptcy stays the debt (11 USC 362)"),
            Self::Referred => f.write_str("the debt was referred"),
            Self::PolicyChanged => f.write_str("the policy changed"),
            Self::Expired => f.write_str("its time ran out"),
            Self::Restored => f.write_str("service was restored"),
            Self::Answered => f.write_str("as much was paid as the notice asked for"),
            Self::Unreachable => f.write_str("the customer cannot be telephoned"),
            Self::Follows => f.write_str("it was meant for somebody who is not the customer any more"),
            Self::Corrected => f.write_str("what it stated was corrected since"),
            Self::Contested => f.write_str("the customer contests what it asks for"),
            Self::Person(by) => write!(f, "{}: {}", by.by, by.reason),
        }
    }
}

/// A stage of a case, so that an event can say what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StageRef {
    pub case: u32,
    pub track: TrackId,
    pub anchor: ItemId,
    pub stage: StageId,
    pub round: u16,
}

//! A case: one episode of delinquency, and how far each of its tracks has come.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::day::Day;
use super::ids::{ItemId, PolicyHash, StageId, TrackId};
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
    /// Amounts frozen by a stage ("arrears of October 1"), by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frozen: BTreeMap<String, Cents>,
    /// Stages that found no destination for the debt, of which the lead was told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unrouted: BTreeSet<StageId>,
    /// Closed with its cause; a closed track does nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<(Day, Cause)>,
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
    /// Nobody can be called: there is no number, or the customer asked not to be called.
    Unreachable,
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
            Self::Unreachable => f.write_str("the customer cannot be telephoned"),
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

//! A decision: acts, findings for what did not happen, and the day on which to look again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::action::Action;
use super::case::{Case, Cause, StageRef};
use super::day::Day;
use super::event::EventKind;
use super::ids::{AccountId, PolicyHash, RuleId, StageId, TrackId};
use super::money::Cents;
use super::notice::NoticeFacts;
use super::person::Override;

/// What is decided for one account on one business date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub account: AccountId,
    /// The `facts_seq` of the snapshot that it saw.
    pub seen_seq: i64,
    pub on: Day,
    pub policy: PolicyHash,
    /// The case as it shall be; `None` when none is open afterwards.
    pub case: Option<Case>,
    /// Set when the open case ends today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Cause>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<Act>,
    /// Pending acts to cancel: those of the stages named, or of the whole case when `closed` is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancels: Vec<(StageRef, Cause)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The first day on which the acts or the case could differ without a new fact.
    pub next_review: Option<Day>,
}

impl Decision {
    /// Whether anything but the explanations would change: acts, cancellations, or the case.
    #[must_use]
    pub fn changes(&self, before: Option<&Case>) -> bool {
        !self.acts.is_empty() || !self.cancels.is_empty() || self.closed.is_some() || self.case.as_ref() != before
    }
}

/// The key of an act: the same act has the same key however often it is decided, so that a retry is harmless.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActKey {
    pub account: AccountId,
    pub of: StageRef,
    pub service: Option<Service>,
    /// The how manieth act of the stage, from 0.
    pub n: u8,
}

/// `17/1/shut_off/204/final_notice/1/-/0`: account, case, track, anchor, stage, round, service, number.
impl fmt::Display for ActKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StageRef { case, track, anchor, stage, round } = &self.of;
        let service = self.service.map_or("-", Service::word);
        write!(f, "{}/{case}/{track}/{anchor}/{stage}/{round}/{service}/{}", self.account, self.n)
    }
}

impl std::str::FromStr for ActKey {
    type Err = NotAnActKey;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotAnActKey> {
        let parts: Vec<&str> = text.split('/').collect();
        let [account, case, track, anchor, stage, round, service, n] = parts[..] else { return Err(NotAnActKey) };
        Ok(Self {
            account: AccountId(account.parse().map_err(|_| NotAnActKey)?),
            of: StageRef {
                case: case.parse().map_err(|_| NotAnActKey)?,
                track: track.into(),
                anchor: super::ids::EntryId(anchor.parse().map_err(|_| NotAnActKey)?),
                stage: stage.into(),
                round: round.parse().map_err(|_| NotAnActKey)?,
            },
            service: match service {
                "-" => None,
                word => Some(Service::from_word(word).ok_or(NotAnActKey)?),
            },
            n: n.parse().map_err(|_| NotAnActKey)?,
        })
    }
}

/// A text that is no key of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the key of an act: account/case/track/anchor/stage/round/service/number")]
pub struct NotAnActKey;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    pub key: ActKey,
    pub action: Action,
    /// Fees: the amount. Disconnections and referrals: the debt that they rest on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Cents>,
    /// The day for which it is meant: today, or a missed fee's own day.
    pub for_day: Day,
    /// What a notice or tag states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeFacts>,
    /// Waits for a person of the division to release it.
    pub needs_release: bool,
    pub because: Finding,
}

/// Why something happens, or why it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that decided.
    pub rule: RuleId,
    pub track: Option<TrackId>,
    pub stage: Option<StageId>,
    pub verdict: Verdict,
    /// The facts it read, in words: `debt at least 60 days old` = `$26.00`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, String)>,
    /// The first day on which it could differ without a new fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Acts,
    /// Done earlier, on the day.
    Done(Day),
    /// Its day has not come.
    WaitsUntil(Day),
    /// It waits for something to happen, for the stage named where there is one.
    WaitsFor(EventKind, Option<StageId>),
    /// An earlier stage of the track comes first.
    WaitsForStage(StageId),
    /// Its condition does not hold.
    NotMet,
    /// What the account is rules its condition out, on whatever day and whatever happens.
    NotForAccount,
    /// The facts do not say; an adverse act is barred and the account listed.
    Unknown(String),
    /// A rule, guard, hold, promise, arrangement or closed day bars it.
    Barred(Bar),
    Expired(Day),
    /// A person canceled what it ordered before anyone was told; it is made anew on the day, unless it is skipped.
    CanceledBy(Override, Day),
    /// A fee is taken back, today or on the day given, since the debt was paid in time.
    TakenBack(Day),
    Overridden(Override),
}

/// What bars an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// A bar or guard of the policy or of a pack it extends.
    Rule(RuleId),
    Hold(super::hold::HoldKind),
    /// A petition in bankruptcy stays the debt of the time before it: the amount, and which petition.
    Stayed(Cents, String),
    /// The ruling on a dispute can be appealed through the day.
    Appealable(super::ids::DisputeId, Day),
    Promise,
    Arrangement,
    Moratorium(String),
    ClosedDay(String),
    /// The debt that the notice listed does not carry it; the new debt needs a notice of its own.
    NotListed,
    /// An exception stands on the account.
    Frozen(String),
    /// Service has ended, and so much of a deposit is held: it is applied before anybody is dunned.
    Deposit(Cents),
    /// The debt is out with a destination since the day.
    Placed(super::referral::Destination, Day),
    /// What a shut-off would be of is off already, and nobody is told of another.
    Off(Vec<Service>),
    /// So much of what the service was shut off for was written off or moved to another account, and not paid: the lead
    /// decides whether it is turned on.
    GivenUp(Service, Cents),
}

//! Disputes: what a customer says is billed wrongly, how it was decided, and the appeal against that.
//!
//! What bars an act while a dispute is open is its hold ([`super::hold`]); here stands what the dispute is about. It changes
//! nothing in how money is applied: what pays a disputed bill, pays it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::Day;
use super::ids::{DisputeId, HoldId, ItemId, ProposalId};

words! {
    /// For whom a dispute was decided.
    Side {
        Customer = "customer",
        City = "city",
    }
}

/// One dispute of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub id: DisputeId,
    /// The debts that are disputed; empty for the whole account.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub items: BTreeSet<ItemId>,
    /// In the customer's words.
    pub reason: String,
    /// The day on which the customer raised it; the hold begins on it.
    pub raised_on: Day,
    pub opened_on: Day,
    pub opened_by: String,
    /// The hold that stands for it.
    pub hold: HoldId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<Appeal>,
}

/// How a dispute, or the appeal against its first ruling, was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    pub side: Side,
    pub findings: String,
    pub by: String,
    pub on: Day,
    /// The last day on which it can be appealed; `None` where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal_by: Option<Day>,
    /// What was proposed in the customer's favor. The hold stands until all of it was approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<ProposalId>,
    /// The day on which the hold ended: that of the ruling, or of the last approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_on: Option<Day>,
}

/// An appeal against the ruling on a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    pub on: Day,
    pub reason: String,
    pub recorded_by: String,
    /// The hold that stands for it.
    pub hold: HoldId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
}

/// How far a dispute has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    Open,
    Appealed,
    /// Decided for the customer; what was proposed waits for a second person, and the hold stands.
    Settling,
    /// Decided for the city; the last day for an appeal, where one is possible.
    ForCity(Option<Day>),
    ForCustomer,
}

impl Dispute {
    #[must_use]
    pub fn state(&self) -> DisputeState {
        let ruling = match &self.appeal {
            Some(appeal) => match &appeal.ruling {
                Some(ruling) => ruling,
                None => return DisputeState::Appealed,
            },
            None => match &self.ruling {
                Some(ruling) => ruling,
                None => return DisputeState::Open,
            },
        };
        match (ruling.side, ruling.settled_on) {
            (Side::City, _) => DisputeState::ForCity(ruling.appeal_by),
            (Side::Customer, None) => DisputeState::Settling,
            (Side::Customer, Some(_)) => DisputeState::ForCustomer,
        }
    }

    /// The ruling that stands: that on the appeal, where there is one.
    #[must_use]
    pub fn standing_ruling(&self) -> Option<&Ruling> {
        match &self.appeal {
            Some(appeal) => appeal.ruling.as_ref(),
            None => self.ruling.as_ref(),
        }
    }

    /// The hold that stands for it now, or stood last.
    #[must_use]
    pub fn last_hold(&self) -> HoldId {
        self.appeal.as_ref().map_or(self.hold, |appeal| appeal.hold)
    }

    /// In words, for pages and papers: `open`, `decided for the city, appeal until 2026-06-12`.
    #[must_use]
    pub fn state_words(&self) -> String {
        match self.state() {
            DisputeState::Open => "open".to_owned(),
            DisputeState::Appealed => "appealed, not decided yet".to_owned(),
            DisputeState::Settling => "decided for the customer; the credit waits for approval".to_owned(),
            DisputeState::ForCity(Some(day)) => format!("decided for the city, appeal until {day}"),
            DisputeState::ForCity(None) => "decided for the city".to_owned(),
            DisputeState::ForCustomer => "decided for the customer".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::day::parse;
    use super::super::ids::EntryId;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn dispute() -> Dispute {
        Dispute {
            id: DisputeId(1),
            items: BTreeSet::from([EntryId(7)]),
            reason: "the meter was misread".into(),
            raised_on: day("2026-05-01"),
            opened_on: day("2026-05-01"),
            opened_by: "Omar".into(),
            hold: HoldId(1),
            ruling: None,
            appeal: None,
        }
    }

    fn ruling(side: Side, settled: Option<&str>) -> Ruling {
        Ruling {
            side,
            findings: "read right".into(),
            by: "Ruth".into(),
            on: day("2026-05-12"),
            appeal_by: None,
            proposals: Vec::new(),
            settled_on: settled.map(day),
        }
    }

    #[test]
    fn an_appeal_reopens_what_was_decided_for_the_city() {
        let mut dispute = dispute();
        assert_eq!(dispute.state(), DisputeState::Open);
        let appeal_by = Some(day("2026-05-22"));
        dispute.ruling = Some(Ruling { appeal_by, ..ruling(Side::City, Some("2026-05-12")) });
        assert_eq!(dispute.state(), DisputeState::ForCity(appeal_by));
        dispute.appeal = Some(Appeal {
            on: day("2026-05-20"),
            reason: "a plumber found a leak".into(),
            recorded_by: "Omar".into(),
            hold: HoldId(2),
            ruling: None,
        });
        assert_eq!(dispute.state(), DisputeState::Appealed);
        assert_eq!(dispute.last_hold(), HoldId(2));
    }

    #[test]
    fn what_was_decided_for_the_customer_is_settled_when_the_credit_is_approved() {
        let mut dispute = dispute();
        dispute.ruling = Some(ruling(Side::Customer, None));
        assert_eq!(dispute.state(), DisputeState::Settling);
        dispute.ruling = Some(ruling(Side::Customer, Some("2026-05-13")));
        assert_eq!(dispute.state(), DisputeState::ForCustomer);
    }
}

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
    /// Rulings whose credit was declined, in the order in which they fell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<Withdrawn>,
}

/// A ruling that stands no more, for what it gave was declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    pub ruling: Ruling,
    pub on: Day,
    /// Whether an appeal had been taken against it, which is still to be decided.
    #[serde(default)]
    pub appealed: bool,
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
    /// What the customer is to be told, in words; the letter says it in its own. Absent of rulings from before there was a letter,
    /// which people told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell: Option<String>,
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
        let Some(ruling) = self.standing_ruling() else {
            return if self.appeal.is_some() { DisputeState::Appealed } else { DisputeState::Open };
        };
        // What was given before an appeal was taken may still wait for its approval.
        if self.rulings().any(|ruling| ruling.side == Side::Customer && ruling.settled_on.is_none()) {
            return DisputeState::Settling;
        }
        match ruling.side {
            Side::City => DisputeState::ForCity(ruling.appeal_by),
            Side::Customer => DisputeState::ForCustomer,
        }
    }

    /// The rulings: the first, and that on the appeal.
    pub fn rulings(&self) -> impl Iterator<Item = &Ruling> {
        self.ruling.iter().chain(self.appeal.iter().flat_map(|appeal| &appeal.ruling))
    }

    /// What rulings proposed in the customer's favor, of those that were withdrawn as well: of several proposals one may have
    /// been posted before another was declined.
    pub fn proposals(&self) -> impl Iterator<Item = ProposalId> {
        let withdrawn = self.withdrawn.iter().map(|withdrawn| &withdrawn.ruling);
        self.rulings().chain(withdrawn).flat_map(|ruling| ruling.proposals.iter().copied())
    }

    /// Who decided what the appeal is against: whoever did decides nothing on the appeal.
    pub fn appealed_from(&self) -> impl Iterator<Item = &str> {
        let withdrawn = self.withdrawn.iter().filter(|withdrawn| withdrawn.appealed).map(|withdrawn| &withdrawn.ruling);
        self.appeal
            .iter()
            .flat_map(move |_| self.ruling.iter().chain(withdrawn.clone()))
            .map(|ruling| ruling.by.as_str())
    }

    /// The last day on which its ruling can be appealed: one for the city, or one that gave less than was claimed. None where
    /// it cannot, or was.
    #[must_use]
    pub fn appeal_by(&self) -> Option<Day> {
        self.ruling.as_ref().filter(|_| self.appeal.is_none()).and_then(|ruling| ruling.appeal_by)
    }

    /// The ruling that stands: that on the appeal, where there is one.
    #[must_use]
    pub fn standing_ruling(&self) -> Option<&Ruling> {
        match &self.appeal {
            Some(appeal) => appeal.ruling.as_ref(),
            None => self.ruling.as_ref(),
        }
    }

    /// The ruling that is to be told by letter: one that stands, with all that was given approved.
    #[must_use]
    pub fn to_be_told(&self) -> Option<&Ruling> {
        let is_settled = matches!(self.state(), DisputeState::ForCity(_) | DisputeState::ForCustomer);
        self.standing_ruling().filter(|ruling| is_settled && ruling.tell.is_some())
    }

    /// The last day of the time to appeal its first ruling, while that runs on `day`: an appeal must be worth something, and
    /// so nobody is shut off or referred meanwhile. None once the appeal is taken; its hold stands then.
    #[must_use]
    pub fn appealable_through(&self, day: Day) -> Option<Day> {
        let is_taken = self.appeal.as_ref().is_some_and(|appeal| appeal.on <= day);
        let ruling = self.ruling.as_ref().filter(|ruling| ruling.on <= day && !is_taken)?;
        ruling.appeal_by.filter(|last| day <= *last)
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
            DisputeState::Settling => match self.appeal_by() {
                Some(day) => {
                    format!("decided for the customer, appeal for the rest until {day}; the credit waits for approval")
                }
                None => "decided for the customer; the credit waits for approval".to_owned(),
            },
            DisputeState::ForCity(Some(day)) => format!("decided for the city, appeal until {day}"),
            DisputeState::ForCity(None) => "decided for the city".to_owned(),
            DisputeState::ForCustomer => match self.appeal_by() {
                Some(day) => format!("decided for the customer, appeal for the rest until {day}"),
                None => "decided for the customer".to_owned(),
            },
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
            withdrawn: Vec::new(),
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
            tell: None,
        }
    }

    #[test]
    fn an_appeal_reopens_what_was_decided_for_the_city() {
        let mut dispute = dispute();
        assert_eq!(dispute.state(), DisputeState::Open);
        let appeal_by = Some(day("2026-05-22"));
        dispute.ruling = Some(Ruling { appeal_by, ..ruling(Side::City, Some("2026-05-12")) });
        assert_eq!(dispute.state(), DisputeState::ForCity(appeal_by));
        assert_eq!(dispute.appealable_through(day("2026-05-11")), None);
        assert_eq!(dispute.appealable_through(day("2026-05-22")), appeal_by);
        assert_eq!(dispute.appealable_through(day("2026-05-23")), None);
        dispute.appeal = Some(Appeal {
            on: day("2026-05-20"),
            reason: "a plumber found a leak".into(),
            recorded_by: "Omar".into(),
            hold: HoldId(2),
            ruling: None,
        });
        assert_eq!(dispute.state(), DisputeState::Appealed);
        assert_eq!(dispute.last_hold(), HoldId(2));
        assert_eq!(dispute.appealable_through(day("2026-05-20")), None, "the appeal's hold stands");
    }

    #[test]
    fn an_appeal_for_the_rest_leaves_what_was_given_to_its_approval() {
        let mut dispute = dispute();
        let appeal_by = Some(day("2026-05-22"));
        dispute.ruling = Some(Ruling { appeal_by, ..ruling(Side::Customer, None) });
        assert_eq!((dispute.state(), dispute.appeal_by()), (DisputeState::Settling, appeal_by));
        let on_appeal = ruling(Side::City, Some("2026-06-01"));
        let (on, reason, recorded_by) = (day("2026-05-20"), "all of it".into(), "Omar".into());
        dispute.appeal = Some(Appeal { on, reason, recorded_by, hold: HoldId(2), ruling: None });
        assert_eq!((dispute.state(), dispute.appeal_by()), (DisputeState::Appealed, None));
        dispute.appeal.as_mut().unwrap().ruling = Some(on_appeal);
        assert_eq!(dispute.state(), DisputeState::Settling, "the first ruling's credit waits");
        dispute.ruling.as_mut().unwrap().settled_on = Some(day("2026-06-02"));
        assert_eq!(dispute.state(), DisputeState::ForCity(None));
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

//! Holds: what is suspended on one account, why, by whom and until when.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::Day;
use super::ids::{HoldId, ItemId};

words! {
    /// Why an account is held. A policy says what each kind blocks; [`HoldKind::always_blocks`] is the floor.
    HoldKind {
        /// A bill is disputed.
        Dispute = "dispute",
        /// The governing body has an appeal before it.
        Appeal = "appeal",
        /// A complaint or request is under investigation.
        Investigation = "investigation",
        /// Time to pay was granted.
        Extension = "extension",
        /// A provider certified that shut-off would threaten health.
        Medical = "medical",
        /// A petition in bankruptcy stays collection (11 USC 362).
        Bankruptcy = "bankruptcy",
        /// The customer died; the estate is found first.
        Deceased = "deceased",
        /// An agency has pledged to pay.
        Assistance = "assistance",
        /// The owner's or master meter's tenants are protected.
        Tenants = "tenants",
        /// The lead wants to look first.
        Review = "review",
    }
}

words! {
    /// What a hold or bar can strike.
    Blocks {
        Notices = "notices",
        Calls = "calls",
        Fees = "fees",
        Disconnect = "disconnect",
        Referral = "referral",
    }
}

impl HoldKind {
    /// What the kind blocks whatever a policy says (invariant: none of these ever cuts or refers).
    #[must_use]
    pub fn always_blocks(self) -> BTreeSet<Blocks> {
        match self {
            Self::Bankruptcy | Self::Deceased => Blocks::ALL.iter().copied().collect(),
            Self::Dispute | Self::Appeal | Self::Investigation => {
                BTreeSet::from([Blocks::Fees, Blocks::Disconnect, Blocks::Referral])
            }
            Self::Extension | Self::Medical | Self::Assistance | Self::Tenants | Self::Review => {
                BTreeSet::from([Blocks::Disconnect, Blocks::Referral])
            }
        }
    }

    /// Ends only when a person decides it, never by its date.
    #[must_use]
    pub const fn ends_by_decision(self) -> bool {
        matches!(self, Self::Dispute | Self::Appeal | Self::Medical | Self::Investigation | Self::Bankruptcy)
    }
}

/// One hold on one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub id: HoldId,
    pub kind: HoldKind,
    pub from: Day,
    /// The last day, inclusive; `None` until decided.
    pub through: Option<Day>,
    /// The day on which a person ended it; from then on it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<Day>,
    /// The items it concerns; empty for the whole account.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub items: BTreeSet<ItemId>,
    /// Whether the days under it do not count as policy days.
    #[serde(default)]
    pub stops_clock: bool,
    pub reason: String,
    pub placed_by: String,
    pub placed_on: Day,
}

impl Hold {
    /// Whether the hold is in force on `day`. One that ends only by decision outlives its date.
    #[must_use]
    pub fn holds_on(&self, day: Day) -> bool {
        self.from <= day
            && self.ended_on.is_none_or(|ended| day < ended)
            && (self.kind.ends_by_decision() || self.through.is_none_or(|through| day <= through))
    }

    /// The next day after `day` on which [`Self::holds_on`] differs without anyone acting.
    #[must_use]
    pub fn changes_after(&self, day: Day) -> Option<Day> {
        let through = if self.kind.ends_by_decision() { None } else { self.through };
        let after_last = through.map(|last| super::day::plus_days(last, 1));
        [Some(self.from), after_last, self.ended_on].into_iter().flatten().filter(|change| *change > day).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::day::parse;
    use super::*;

    fn hold(kind: HoldKind) -> Hold {
        Hold {
            id: HoldId(1),
            kind,
            from: parse("2026-05-01").unwrap(),
            through: parse("2026-05-10"),
            ended_on: None,
            items: BTreeSet::new(),
            stops_clock: false,
            reason: "test".into(),
            placed_by: "test".into(),
            placed_on: parse("2026-05-01").unwrap(),
        }
    }

    #[test]
    fn a_hold_runs_through_its_last_day() {
        let hold = hold(HoldKind::Extension);
        assert!(hold.holds_on(parse("2026-05-10").unwrap()));
        assert!(!hold.holds_on(parse("2026-05-11").unwrap()));
        assert_eq!(hold.changes_after(parse("2026-05-05").unwrap()), parse("2026-05-11"));
    }

    #[test]
    fn a_dispute_outlives_its_date_until_it_is_decided() {
        let mut hold = hold(HoldKind::Dispute);
        assert!(hold.holds_on(parse("2026-06-30").unwrap()));
        hold.ended_on = parse("2026-06-30");
        assert!(!hold.holds_on(parse("2026-06-30").unwrap()));
    }
}

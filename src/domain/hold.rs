//! Holds: what is suspended on one account, why, by whom and until when.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::{Address, Party, Profile, words};
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
        /// Somebody outside has said that the customer is bankrupt, has died or disputes the debt, and nobody has recorded it.
        Reported = "reported",
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
            Self::Bankruptcy | Self::Deceased | Self::Reported => Blocks::ALL.iter().copied().collect(),
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
        match self {
            Self::Dispute
            | Self::Appeal
            | Self::Medical
            | Self::Investigation
            | Self::Bankruptcy
            | Self::Deceased
            | Self::Reported => true,
            Self::Extension | Self::Assistance | Self::Tenants | Self::Review => false,
        }
    }

    /// Whether such a hold contests a bill: while it stands nobody is shut off and no debt is referred, whichever bill it
    /// is about; and the bill that it is about is asked for by nobody and counts toward nothing.
    #[must_use]
    pub const fn contests(self) -> bool {
        match self {
            Self::Dispute | Self::Appeal | Self::Investigation => true,
            Self::Extension
            | Self::Medical
            | Self::Bankruptcy
            | Self::Deceased
            | Self::Assistance
            | Self::Tenants
            | Self::Review
            | Self::Reported => false,
        }
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
    /// Of a hold for a customer who died: what is known of the estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estate: Option<Estate>,
}

/// The estate of a customer who died.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estate {
    /// The customer, as the account bore the name when the death was told.
    pub of: String,
    pub died_on: Option<Day>,
    /// Who told of the death, and how.
    pub told_by: String,
    /// Whom the lead has named: letters go to the estate at this address, and to nobody before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representative: Option<Party>,
    /// The day on which letters (testamentary, or of administration) were issued to the representative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters_on: Option<Day>,
    /// The day on which the city was given notice of the administration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_on: Option<Day>,
    /// The day on which the claim against the estate was filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_on: Option<Day>,
}

impl Estate {
    /// Addresses the account's letters to the estate, in care of its representative, and nothing to the customer's email.
    pub fn address(&self, profile: &mut Profile) {
        let Some(representative) = &self.representative else { return };
        profile.customer_name = format!("Estate of {}", self.of);
        let Address { line1, line2, city, state, zip } = representative.address.clone();
        let street = if line2.is_empty() { line1 } else { format!("{line1}, {line2}") };
        profile.mailing_address =
            Address { line1: format!("c/o {}", representative.name), line2: street, city, state, zip };
        profile.email = None;
    }
}

impl Hold {
    /// Whether the hold is in force on `day`. One that ends only by decision outlives its date.
    #[must_use]
    pub fn holds_on(&self, day: Day) -> bool {
        self.from <= day
            && self.ended_on.is_none_or(|ended| day < ended)
            && (self.kind.ends_by_decision() || self.through.is_none_or(|through| day <= through))
    }

    /// Whether it leaves letters free that the kind blocks: once the lead has named who acts for the estate, letters that
    /// the law does not ask for go there. None that announces a shut-off does.
    #[must_use]
    pub fn frees_letters(&self) -> bool {
        self.kind == HoldKind::Deceased && self.estate.as_ref().is_some_and(|estate| estate.representative.is_some())
    }

    /// The estate to which letters go, once it has a representative.
    #[must_use]
    pub fn addressed(&self) -> Option<&Estate> {
        self.estate.as_ref().filter(|_| self.frees_letters())
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
            estate: None,
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

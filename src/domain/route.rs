//! Routes: the destination of a debt, read off a table by its amount, its age, the customer's class, and whether the debtor
//! owns the premises.
//!
//! The first line that holds names the destination. A debt that no line covers has none: it is shown to the lead and goes
//! nowhere by itself.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::account::CustomerClass;
use super::ids::RuleId;
use super::money::Cents;
use super::referral::Destination;

/// A table by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub name: String,
    /// In the order in which they are read.
    pub lines: Vec<RouteLine>,
    /// What no line covers, in words: the policy says that the lead decides it.
    pub gaps: Vec<String>,
}

/// One line of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteLine {
    pub rule: RuleId,
    pub to: Destination,
    /// The least amount that it takes.
    pub from: Cents,
    /// It takes less than this. A cap of the court is in it already.
    pub below: Option<Cents>,
    /// Days past due of the oldest debt, at least.
    pub age_days: u16,
    /// Empty for all.
    pub classes: BTreeSet<CustomerClass>,
    /// Where it asks whether the debtor owns the premises.
    pub owner: Option<bool>,
}

/// What a route asks about a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutedDebt {
    pub amount: Cents,
    /// Days past due of its oldest item.
    pub age_days: i64,
    pub class: CustomerClass,
    pub is_owner: bool,
}

impl RouteLine {
    /// Whether it takes the debt.
    #[must_use]
    pub fn takes(&self, debt: &RoutedDebt) -> bool {
        self.from <= debt.amount
            && self.below.is_none_or(|below| debt.amount < below)
            && i64::from(self.age_days) <= debt.age_days
            && (self.classes.is_empty() || self.classes.contains(&debt.class))
            && self.owner.is_none_or(|owner| owner == debt.is_owner)
    }
}

impl Route {
    /// The first line that takes the debt.
    #[must_use]
    pub fn line(&self, debt: &RoutedDebt) -> Option<&RouteLine> {
        self.lines.iter().find(|line| line.takes(debt))
    }

    /// The next age in days at which another line could take the debt.
    #[must_use]
    pub fn next_age(&self, debt: &RoutedDebt) -> Option<i64> {
        self.lines.iter().map(|line| i64::from(line.age_days)).filter(|age| *age > debt.age_days).min()
    }

    /// What the lead is told of a debt that no line takes.
    #[must_use]
    pub fn no_destination(&self, debt: &RoutedDebt) -> String {
        format!(
            "no destination for {debt}: no line of the route `{}` covers it. Decide it by hand (`arrears writeoff`, an \
             arrangement, a hold), or add a line to the policy",
            self.name
        )
    }
}

/// `$42.10, residential, 210 days past due, not the owner`
impl fmt::Display for RoutedDebt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = if self.is_owner { "the owner" } else { "not the owner" };
        write!(f, "{}, {}, {} days past due, {owner}", self.amount, self.class, self.age_days)
    }
}

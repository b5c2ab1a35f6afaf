//! A snapshot: all that is known of one account, and all that a decision about it may use.

use serde::{Deserialize, Serialize};

use super::account::Profile;
use super::arrangement::{Arrangement, ArrangementState, Standing};
use super::arrears::is_past_due;
use super::case::Case;
use super::day::Day;
use super::deposit::Deposit;
use super::event::Event;
use super::fee::PostedFee;
use super::hold::Hold;
use super::ids::AccountId;
use super::ledger::{Application, Entry, OpenItem};
use super::money::Cents;
use super::promise::Promise;

/// One account at one moment. `facts_seq` names the moment: a decision commits only while it still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub account: AccountId,
    /// Raised by every new fact of the account.
    pub facts_seq: i64,
    pub profile: Profile,
    /// Oldest due first.
    pub items: Vec<OpenItem>,
    /// Credit that no debt has taken.
    pub unapplied: Cents,
    /// In the order in which they were recorded.
    pub events: Vec<Event>,
    pub holds: Vec<Hold>,
    pub promises: Vec<Promise>,
    pub arrangements: Vec<Arrangement>,
    /// What the arrangements' and promises' standing is computed from; empty when there are none.
    pub payments: Vec<Entry>,
    pub applications: Vec<Application>,
    /// Fees that decisions have posted, of whatever case, in the order in which they were posted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<PostedFee>,
    /// The whole ledger, where a credit of an earlier day was learned after such a fee; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<Entry>,
    /// Services that are shut off now, by the crew's results.
    pub shut_off: Vec<super::account::Service>,
    /// Those of them that a crew shut off although the order was canceled: they are restored whatever is owed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_leave: Vec<super::account::Service>,
    /// The open case, and how many the account has had.
    pub case: Option<Case>,
    pub cases_so_far: u32,
    /// In the order in which they were received: held, applied and given back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposits: Vec<Deposit>,
    /// The day of the first bill since service ended, where there is a deposit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_bill: Option<Day>,
    /// A person must clear it first: an exception stands (balance differs from the billing system, audit refusal).
    pub frozen: Option<String>,
}

impl Snapshot {
    /// Debts less unapplied credit.
    #[must_use]
    pub fn balance(&self) -> Cents {
        self.items.iter().map(|item| item.open).sum::<Cents>() - self.unapplied
    }

    /// What is held on the day of deposits of an account whose service has ended: it is applied before anybody is dunned.
    #[must_use]
    pub fn deposit_due(&self, day: Day) -> Cents {
        if self.profile.ended.is_none_or(|ended| day < ended) {
            return Cents::ZERO;
        }
        self.deposits.iter().map(|deposit| deposit.held_on(day)).sum()
    }

    /// Whether an arrangement that performs covers all that is past due on `day`: nobody is called about it then.
    #[must_use]
    pub fn is_arranged(&self, day: Day, de_minimis: Cents) -> bool {
        let mut plans = self.arrangements.iter().filter(|plan| plan.made_on <= day);
        plans.any(|plan| {
            let mut past_due = self.items.iter().filter(|item| is_past_due(item, day, de_minimis));
            plan.standing(&self.applications, &self.items, day).state == ArrangementState::Performing
                && past_due.all(|item| plan.covers.contains(&item.id))
        })
    }

    /// The arrangement that is not canceled, and how it stands on `day`: the latest made, where there are several.
    #[must_use]
    pub fn arrangement_on(&self, day: Day) -> Option<(&Arrangement, Standing)> {
        self.arrangements
            .iter()
            .filter(|plan| plan.made_on <= day && plan.canceled_on.is_none_or(|canceled| day < canceled))
            .max_by_key(|plan| (plan.made_on, plan.id))
            .map(|plan| (plan, plan.standing(&self.applications, &self.items, day)))
    }
}

//! A snapshot: all that is known of one account, and all that a decision about it may use.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::Profile;
use super::arrangement::{Arrangement, ArrangementState, Standing};
use super::arrears::is_past_due;
use super::case::Case;
use super::day::Day;
use super::deposit::Deposit;
use super::dispute::Dispute;
use super::event::Event;
use super::fee::PostedFee;
use super::hold::Hold;
use super::ids::{AccountId, ItemId};
use super::ledger::{Application, Entry, IdleWriteOff, OpenItem, PlanSpan};
use super::money::Cents;
use super::petition::Petition;
use super::placement::Placed;
use super::promise::Promise;
use super::proof::Proof;
use super::referral::Destination;
use super::taken_off::TakenOff;

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
    /// Write-offs whose debts were paid after all or taken back: what is left of them is nobody's, and pays nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<IdleWriteOff>,
    /// What was taken off debts and is no money, in the order of the entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_off: Vec<TakenOff>,
    /// What petitions in bankruptcy stay: owed, and no part of `items`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stayed: Vec<OpenItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub petitions: Vec<Petition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
    /// In the order in which they were recorded.
    pub events: Vec<Event>,
    pub holds: Vec<Hold>,
    /// What the household has shown, in the order in which it was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    pub promises: Vec<Promise>,
    pub arrangements: Vec<Arrangement>,
    /// What the arrangements' and promises' standing is computed from, and what was paid since a shut-off or since a notice that
    /// leads to one; empty where there is none of these.
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
    /// Debts that are out with a destination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placed: Vec<super::placement::Placed>,
    /// Debts that were out and came back: what was announced meanwhile has become untrue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub came_back: Vec<super::placement::Placed>,
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
    /// An account of which nothing is known but who it is.
    #[must_use]
    pub fn new(account: AccountId, facts_seq: i64, profile: Profile) -> Self {
        Self {
            account,
            facts_seq,
            profile,
            items: Vec::new(),
            unapplied: Cents::ZERO,
            idle: Vec::new(),
            taken_off: Vec::new(),
            stayed: Vec::new(),
            petitions: Vec::new(),
            disputes: Vec::new(),
            events: Vec::new(),
            holds: Vec::new(),
            proofs: Vec::new(),
            promises: Vec::new(),
            arrangements: Vec::new(),
            payments: Vec::new(),
            applications: Vec::new(),
            fees: Vec::new(),
            ledger: Vec::new(),
            shut_off: Vec::new(),
            without_leave: Vec::new(),
            placed: Vec::new(),
            came_back: Vec::new(),
            case: None,
            cases_so_far: 0,
            deposits: Vec::new(),
            final_bill: None,
            frozen: None,
        }
    }

    /// Debts less unapplied credit, without what a petition in bankruptcy stays: what the customer can be asked for.
    #[must_use]
    pub fn balance(&self) -> Cents {
        self.items.iter().map(|item| item.open).sum::<Cents>() - self.unapplied
    }

    /// The debts that are out with a destination: no letter of the city's asks for them meanwhile.
    #[must_use]
    pub fn out(&self) -> BTreeSet<ItemId> {
        self.placed.iter().flat_map(|placed| placed.items.iter().copied()).collect()
    }

    /// How much of the balance is out, by destination.
    #[must_use]
    pub fn out_with(&self) -> Vec<(Destination, Cents)> {
        let open = |placed: &Placed| {
            self.items.iter().filter(|item| placed.items.contains(&item.id)).map(|item| item.open).sum::<Cents>()
        };
        let with = self.placed.iter().map(|placed| (placed.to, open(placed)));
        with.filter(|(_, open)| open.is_positive()).collect()
    }

    /// What petitions in bankruptcy stay.
    #[must_use]
    pub fn stayed_amount(&self) -> Cents {
        self.stayed.iter().map(|item| item.open).sum()
    }

    /// What directs how money is applied: arrangements and petitions.
    #[must_use]
    pub fn spans(&self) -> Vec<PlanSpan> {
        spans(&self.arrangements, &self.petitions)
    }

    /// The debts about which a dispute of them stands on `day`: they are asked for by nobody until it is decided.
    #[must_use]
    pub fn disputed(&self, day: Day) -> BTreeSet<ItemId> {
        let standing = || self.holds.iter().filter(|hold| hold.kind.contests() && hold.holds_on(day));
        let named = standing().flat_map(|hold| hold.items.iter().copied());
        // A dispute of the whole account is about what was billed by the day on which it was opened.
        let whole = self.disputes.iter().filter(|dispute| dispute.items.is_empty());
        let stands =
            |dispute: &&Dispute| standing().any(|hold| hold.id == dispute.last_hold() || hold.id == dispute.hold);
        let of_whole = whole.filter(stands).flat_map(|dispute| {
            self.items.iter().filter(|item| item.billed_on <= dispute.opened_on).map(|item| item.id)
        });
        named.chain(of_whole).collect()
    }

    /// The arrangement on debts that a petition stays, until a person cancels it. Its installments are asked for by nobody;
    /// what it protected is not cut for being older than the petition, until somebody has looked.
    #[must_use]
    pub fn arranged_before_petition(&self, day: Day) -> Option<&Arrangement> {
        self.arrangements.iter().find(|plan| {
            plan.made_on <= day
                && plan.canceled_on.is_none_or(|canceled| day < canceled)
                && self.stayed.iter().any(|item| plan.covers.contains(&item.id))
        })
    }

    /// The petition that stays debts on `day`.
    #[must_use]
    pub fn stay_on(&self, day: Day) -> Option<&Petition> {
        self.petitions.iter().find(|petition| petition.stays_on(day))
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

/// What directs how money is applied.
#[must_use]
pub fn spans(arrangements: &[Arrangement], petitions: &[Petition]) -> Vec<PlanSpan> {
    arrangements.iter().map(Arrangement::span).chain(petitions.iter().map(Petition::span)).collect()
}

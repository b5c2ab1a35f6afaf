//! A payment arrangement: installments on what is owed, kept beside the current bills.
//!
//! Its standing is never stored. It is computed from the ledger, so that a payment received in time and learned
//! late undoes a default by itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::day::{Day, plus_days};
use super::ids::{ArrangementId, ItemId};
use super::ledger::{Application, PlanSpan};
use super::money::Cents;

/// One installment. The down payment, where there is one, is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installment {
    pub due_on: Day,
    pub amount: Cents,
}

/// An arrangement as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    pub id: ArrangementId,
    pub made_on: Day,
    pub made_by: String,
    /// The debts that it covers.
    pub covers: BTreeSet<ItemId>,
    /// In order of their due dates.
    pub installments: Vec<Installment>,
    /// Days after an installment's due date that are still in time.
    pub grace_days: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_on: Option<Day>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How an arrangement stands on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub state: ArrangementState,
    /// What has been paid on the covered debts since it was made.
    pub paid: Cents,
    /// Due dates of installments that were unpaid after their grace, in order; empty once cured. Of a canceled
    /// arrangement those that had come due before it was canceled: canceling undoes no default.
    pub missed: Vec<Day>,
    /// The next installment that is not yet paid.
    pub next: Option<Installment>,
    /// The next day on which the standing changes without a new fact.
    pub until: Option<Day>,
}

/// The states of an arrangement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrangementState {
    Performing,
    /// An installment is unpaid after its grace, since the day given: what that allows is the policy's.
    Missed(Day),
    Completed,
    Canceled(Day),
}

impl Arrangement {
    /// The sum of the installments.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.installments.iter().map(|installment| installment.amount).sum()
    }

    /// The time in which money pays current charges before the covered debts.
    #[must_use]
    pub fn span(&self) -> PlanSpan {
        PlanSpan { from: self.made_on, until: self.canceled_on, covers: self.covers.clone() }
    }

    /// How it stands at the end of `on`, by what was applied to the covered debts since it was made.
    #[must_use]
    pub fn standing(&self, applications: &[Application], on: Day) -> Standing {
        let paid_by = |day: Day| -> Cents {
            applications
                .iter()
                .filter(|a| self.covers.contains(&a.debt) && a.on >= self.made_on && a.on <= day)
                .map(|a| a.amount)
                .sum()
        };
        let paid = paid_by(on);
        let canceled = self.canceled_on.filter(|canceled| *canceled <= on);
        let mut asked = Cents::ZERO;
        let mut missed = Vec::new();
        let mut next = None;
        let mut until: Option<Day> = None;
        for installment in &self.installments {
            asked += installment.amount;
            let last_day = plus_days(installment.due_on, i64::from(self.grace_days));
            if paid >= asked {
                continue;
            }
            next = next.or(Some(*installment));
            if let Some(canceled) = canceled {
                // The grace ends with the arrangement, and what was to come due after it is not asked for.
                if canceled > installment.due_on {
                    missed.push(installment.due_on);
                }
            } else if on > last_day {
                missed.push(installment.due_on);
            } else {
                let change = plus_days(last_day, 1);
                until = Some(until.map_or(change, |u| u.min(change)));
            }
        }
        let state = match (canceled, missed.first()) {
            _ if next.is_none() => ArrangementState::Completed,
            (Some(canceled), _) => ArrangementState::Canceled(canceled),
            (_, Some(first)) => ArrangementState::Missed(*first),
            _ => ArrangementState::Performing,
        };
        Standing { state, paid, missed, next, until }
    }
}

impl Standing {
    /// The due date from which the wait after a default runs: of the first installment that is missed, or was when the
    /// arrangement was canceled. `None` once it was paid.
    #[must_use]
    pub fn defaulted_on(&self) -> Option<Day> {
        match self.state {
            ArrangementState::Missed(first) => Some(first),
            ArrangementState::Canceled(_) => self.missed.first().copied(),
            ArrangementState::Performing | ArrangementState::Completed => None,
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

    fn arrangement() -> Arrangement {
        Arrangement {
            id: ArrangementId(1),
            made_on: day("2026-05-15"),
            made_by: "test".into(),
            covers: BTreeSet::from([EntryId(1)]),
            installments: ["2026-06-01", "2026-07-01"]
                .map(|due| Installment { due_on: day(due), amount: Cents::new(6_000) })
                .to_vec(),
            grace_days: 0,
            canceled_on: None,
            note: String::new(),
        }
    }

    fn paid(on: &str) -> Application {
        Application { credit: EntryId(9), debt: EntryId(1), amount: Cents::new(6_000), on: day(on) }
    }

    #[test]
    fn an_installment_paid_on_its_day_performs_and_the_day_after_is_missed() {
        let plan = arrangement();
        assert_eq!(plan.standing(&[], day("2026-06-01")).state, ArrangementState::Performing);
        assert_eq!(plan.standing(&[], day("2026-06-02")).state, ArrangementState::Missed(day("2026-06-01")));
        assert_eq!(plan.standing(&[paid("2026-06-01")], day("2026-06-02")).state, ArrangementState::Performing);
    }

    #[test]
    fn a_timely_payment_learned_late_undoes_the_default() {
        let plan = arrangement();
        let known_late = [paid("2026-06-01"), paid("2026-07-01")];
        assert_eq!(plan.standing(&known_late[..1], day("2026-07-20")).missed, [day("2026-07-01")]);
        assert_eq!(plan.standing(&known_late, day("2026-07-20")).state, ArrangementState::Completed);
    }

    #[test]
    fn canceling_keeps_what_was_missed_before_it_and_adds_nothing_that_would_have_come_due_later() {
        let canceled = |on: &str| Arrangement { grace_days: 5, canceled_on: Some(day(on)), ..arrangement() };
        let standing = canceled("2026-06-08").standing(&[], day("2026-07-20"));
        assert_eq!(standing.state, ArrangementState::Canceled(day("2026-06-08")));
        assert_eq!((standing.defaulted_on(), standing.missed.len()), (Some(day("2026-06-01")), 1));
        // Within the grace it was unpaid all the same; on the due date itself it could still have been paid.
        assert_eq!(canceled("2026-06-03").standing(&[], day("2026-06-03")).defaulted_on(), Some(day("2026-06-01")));
        assert_eq!(canceled("2026-06-01").standing(&[], day("2026-07-20")).defaulted_on(), None);
        assert_eq!(canceled("2026-06-08").standing(&[paid("2026-06-01")], day("2026-06-09")).defaulted_on(), None);
    }
}

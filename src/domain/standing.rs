//! How a payment arrangement stands on a day: what is paid, what is missed, what comes next.
//!
//! It is computed from what the ledger's money was applied to, and never stored.

use serde::{Deserialize, Serialize};

use super::arrangement::{Arrangement, Installment};
use super::day::{Day, plus_days};
use super::ledger::{Application, OpenItem};
use super::money::Cents;

/// How an arrangement stands on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub state: ArrangementState,
    /// What has been paid on the covered debts since it was made, with the down payment.
    pub paid: Cents,
    /// Due dates of installments that were unpaid after their grace, in order; empty once cured, and once nothing that it
    /// covers is owed. Of a canceled arrangement those that had come due before it was canceled: canceling undoes no
    /// default.
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
    /// The installments are paid, or nothing that it covers is owed any more.
    Completed,
    Canceled(Day),
}

impl Arrangement {
    /// What money of its own time pays on bills beside it that are not past due on `on` yet.
    ///
    /// Current charges come first, also those that fall due after the installment for which the money was sent. Whoever has
    /// paid in all what was due by then has kept the terms (Health and Safety Code 116910 speaks of who fails to comply with
    /// them), so that such money stands for installments until its bill is past due.
    #[must_use]
    pub fn paid_ahead(&self, applications: &[Application], on: Day) -> Cents {
        self.ahead(applications, on).map(|application| application.amount).sum()
    }

    fn ahead<'a>(&'a self, applications: &'a [Application], on: Day) -> impl Iterator<Item = &'a Application> {
        applications.iter().filter(move |application| {
            self.made_on < application.on
                && application.on <= on
                && on <= application.due_on
                && !self.covers.contains(&application.debt)
        })
    }

    /// When an installment is due by what is known on a day, and the last day on which it is in time: anew, where it was
    /// missed and the arrangement was then taken up again.
    #[must_use]
    pub fn asked_for(&self, installment: &Installment, on: Day) -> (Day, Day) {
        let due_on = installment.due_on;
        let agreed = (due_on, plus_days(due_on, i64::from(self.grace_days)));
        self.reinstated.iter().filter(|again| again.on <= on).fold(agreed, |(due_on, last_day), again| {
            if last_day < again.on { (again.pay_by, again.pay_by) } else { (due_on, last_day) }
        })
    }

    /// What is left to pay on `on`, each part with the day by which it is asked for then; parts of one day are one.
    #[must_use]
    pub fn left(&self, applications: &[Application], on: Day) -> Vec<Installment> {
        let mut paid = self.paid_by(applications, on);
        let mut left: Vec<Installment> = Vec::new();
        for installment in &self.installments {
            let of_this = paid.min(installment.amount).max(Cents::ZERO);
            paid -= of_this;
            let amount = installment.amount - of_this;
            if !amount.is_positive() {
                continue;
            }
            let (due_on, _) = self.asked_for(installment, on);
            match left.iter_mut().find(|part| part.due_on == due_on) {
                Some(part) => part.amount += amount,
                None => left.push(Installment { due_on, amount }),
            }
        }
        left.sort_by_key(|part| part.due_on);
        left
    }

    /// How it stands at the end of `on`, by what was applied to the covered debts, and by what is `open` of them.
    #[must_use]
    pub fn standing(&self, applications: &[Application], open: &[OpenItem], on: Day) -> Standing {
        let paid = self.paid_by(applications, on);
        let ahead = self.paid_ahead(applications, on);
        let canceled = self.canceled_on.filter(|canceled| *canceled <= on);
        let mut asked = Cents::ZERO;
        let mut missed = Vec::new();
        let mut next = None;
        let mut unpaid = None;
        let mut until: Option<Day> = None;
        for installment in &self.installments {
            asked += installment.amount;
            let (due_on, last_day) = self.asked_for(installment, on);
            if paid >= asked {
                continue;
            }
            unpaid = unpaid.or(Some(Installment { due_on, ..*installment }));
            if paid + ahead >= asked {
                let falls_due = self.ahead(applications, on).map(|application| plus_days(application.due_on, 1)).min();
                until = until.into_iter().chain(falls_due).min();
                continue;
            }
            next = next.or(Some(Installment { due_on, ..*installment }));
            if let Some(canceled) = canceled {
                // The grace ends with the arrangement, and what was to come due after it is not asked for. A reinstatement
                // does not outlive it either.
                if canceled > installment.due_on {
                    missed.push(due_on.min(canceled));
                }
            } else if on > last_day {
                missed.push(due_on);
            } else {
                let change = plus_days(last_day, 1);
                until = Some(until.map_or(change, |u| u.min(change)));
            }
        }
        next = next.or(unpaid);
        missed.sort_unstable();
        missed.dedup();
        let is_owed = open.iter().any(|item| item.open.is_positive() && self.covers.contains(&item.id));
        if !is_owed && self.reversed.unreplaced.is_empty() {
            missed.clear();
            until = None;
            // A canceled arrangement remains one, unless it was paid as agreed.
            next = next.filter(|_| canceled.is_some());
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

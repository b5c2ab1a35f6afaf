//! Arrangements as they went: each installment with what was paid toward it and in time.

use super::input::PacketInput;
use crate::domain::arrangement::{Arrangement, ArrangementState, Standing};
use crate::domain::{Cents, Day};

/// An arrangement with its installments' results at the cut-off.
#[derive(Debug)]
pub struct Plan<'a> {
    pub arrangement: &'a Arrangement,
    pub standing: Standing,
    pub installments: Vec<InstallmentLine>,
}

/// One installment and what became of it.
#[derive(Debug)]
pub struct InstallmentLine {
    pub due_on: Day,
    /// With its grace; anew, where the arrangement was taken up again.
    pub last_day: Day,
    pub amount: Cents,
    /// Of what was paid on the covered debts, earlier installments first, this one's part.
    pub paid: Cents,
    pub result: InstallmentResult,
}

/// What became of an installment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallmentResult {
    InTime,
    Late,
    Missed,
    /// Its day has not come.
    Ahead,
    /// Unpaid when the arrangement was canceled, before its day.
    Canceled,
    /// Not paid as agreed, and nothing that the arrangement covers is owed any more.
    Settled,
}

impl InstallmentResult {
    /// As the tables show it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InTime => "paid in time",
            Self::Late => "paid late",
            Self::Missed => "missed",
            Self::Ahead => "not yet due",
            Self::Canceled => "canceled",
            Self::Settled => "debt paid",
        }
    }
}

impl Plan<'_> {
    /// How the arrangement stands, in words, with days as `show` writes them.
    #[must_use]
    pub fn state_word(&self, show: fn(&Day) -> String) -> String {
        match self.standing.state {
            ArrangementState::Performing => "performing".to_owned(),
            ArrangementState::Missed(day) => format!("in default since the installment due {}", show(&day)),
            ArrangementState::Completed => "completed".to_owned(),
            ArrangementState::Canceled(day) => format!("canceled {}", show(&day)),
        }
    }
}

/// The arrangements made through the cut-off, in order of making.
#[must_use]
pub fn plans(input: &PacketInput) -> Vec<Plan<'_>> {
    let mut made: Vec<&Arrangement> =
        input.arrangements.iter().map(|r| &r.arrangement).filter(|plan| plan.made_on <= input.cut_off).collect();
    made.sort_by_key(|plan| (plan.made_on, plan.id));
    made.into_iter().map(|plan| follow(plan, input)).collect()
}

fn follow<'a>(plan: &'a Arrangement, input: &PacketInput) -> Plan<'a> {
    let applications = &input.books.applications;
    let standing = plan.standing(applications, &input.owed(), input.cut_off);
    let mut asked_before = Cents::ZERO;
    let mut installments = Vec::new();
    for installment in &plan.installments {
        let asked = asked_before + installment.amount;
        let (_, last_day) = plan.asked_for(installment, input.cut_off);
        let by = last_day.min(input.cut_off);
        let paid_in_time = plan.paid_by(applications, by) + plan.paid_ahead(applications, by);
        let stands = standing.paid + plan.paid_ahead(applications, input.cut_off) >= asked;
        let ended_before = plan.canceled_on.is_some_and(|canceled| canceled <= last_day && canceled <= input.cut_off);
        let result = if paid_in_time >= asked && stands {
            InstallmentResult::InTime
        } else if standing.paid >= asked {
            InstallmentResult::Late
        } else if standing.state == ArrangementState::Completed {
            InstallmentResult::Settled
        } else if ended_before {
            InstallmentResult::Canceled
        } else if input.cut_off > last_day {
            InstallmentResult::Missed
        } else {
            InstallmentResult::Ahead
        };
        let paid = (standing.paid - asked_before).max(Cents::ZERO).min(installment.amount);
        installments.push(InstallmentLine {
            due_on: installment.due_on,
            last_day,
            amount: installment.amount,
            paid,
            result,
        });
        asked_before = asked;
    }
    Plan { arrangement: plan, standing, installments }
}

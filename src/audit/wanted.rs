//! Whether what is about to be carried out is still wanted: its case, its stage and its debt are there, and owed as it says.

use super::protection::Bench;
use super::reexamine::{Ordered, Pending, Refusal};
use crate::domain::day::short;
use crate::domain::{Cents, OpenItem, StepState};

impl Bench<'_> {
    /// The case, the stage and the debt are still there.
    pub(super) fn is_still_wanted(self, pending: &Pending) -> Result<(), Refusal> {
        // A referral may outlive its case, which it closes itself.
        let outlives = matches!(pending.ordered, Ordered::Referral(_) | Ordered::WriteOff);
        let case = self.snapshot.case.as_ref().filter(|case| case.number == pending.of.case);
        match case {
            None if !outlives => return Err(Refusal::CaseClosed),
            None => {}
            Some(case) => {
                let runs = case.tracks.iter().filter(|r| r.track == pending.of.track && r.anchor == pending.of.anchor);
                for run in runs {
                    if let Some((_, cause)) = run.closed.as_ref().filter(|_| !outlives) {
                        return Err(Refusal::StageCanceled(cause.clone()));
                    }
                    let steps = run.steps.iter().filter(|s| s.stage == pending.of.stage && s.round == pending.of.round);
                    for step in steps.filter(|s| s.service.is_none() || s.service == pending.service) {
                        match &step.state {
                            StepState::Acted(_) => {}
                            StepState::Canceled(_, cause) => return Err(Refusal::StageCanceled(cause.clone())),
                            StepState::Skipped(by) => {
                                return Err(Refusal::StageOver { how: format!("skipped by {}: {}", by.by, by.reason) });
                            }
                            StepState::Spent(_, on) => {
                                return Err(Refusal::StageOver { how: format!("it lost its force {}", short(*on)) });
                            }
                            StepState::Expired(on) => {
                                return Err(Refusal::StageOver { how: format!("its window closed {}", short(*on)) });
                            }
                        }
                    }
                }
            }
        }
        self.is_still_owed(pending)
    }

    pub(super) fn is_still_owed(self, pending: &Pending) -> Result<(), Refusal> {
        let open = self.open_of(pending);
        if let Some(kind) = self.is_withdrawn(pending).filter(|_| !open.is_positive()) {
            return Err(Refusal::Protected(kind));
        }
        if !open.is_positive() || open < self.policy.cure_below {
            return Err(Refusal::Paid);
        }
        match pending.ordered {
            // What is printed must be true when it leaves.
            Ordered::Notice | Ordered::Tag if open != pending.amount => {
                Err(Refusal::AmountChanged { stated: pending.amount, open })
            }
            Ordered::ShutOff if pending.for_day != self.world.today => {
                Err(Refusal::WrongDay { for_day: pending.for_day, today: self.world.today })
            }
            Ordered::Notice
            | Ordered::Agreement(_)
            | Ordered::Ruling(_)
            | Ordered::Tag
            | Ordered::Call
            | Ordered::ShutOff
            | Ordered::Referral(_)
            | Ordered::WriteOff
            | Ordered::Restore => Ok(()),
        }
    }

    /// What is still open of the items; of all that is past due where none are named.
    pub(super) fn open_of(self, pending: &Pending) -> Cents {
        let contested = self.contested(self.world.today);
        let at_stake = |item: &&OpenItem| {
            if contested.contains(&item.id) {
                return false;
            }
            if pending.items.is_empty() { item.due_on < self.world.today } else { pending.items.contains(&item.id) }
        };
        self.snapshot.items.iter().filter(at_stake).map(|item| item.open).sum()
    }
}

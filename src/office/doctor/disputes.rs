//! Disputes: one that is not decided has a hold that stands, and one that is has none.

use super::{Check, Examination, Finding, Result, TAMPERED};
use crate::domain::dispute::{DisputeState, Ruling};
use crate::domain::hold::{Hold, HoldKind};
use crate::office::NIGHT;
use crate::office::ruling_letters::by_person;

impl Examination<'_> {
    pub(super) async fn disputes(&self) -> Result<Check> {
        let mut check = Check::new(
            "disputes",
            "each that is not decided holds its account, none that is decided does, and its ruling is told",
        );
        for (account, dispute, hold) in self.office.store.dispute_holds().await? {
            let is_open = match dispute.state() {
                DisputeState::Open | DisputeState::Appealed | DisputeState::Settling => true,
                DisputeState::ForCity(_) | DisputeState::ForCustomer => false,
            };
            let kind = if dispute.appeal.is_some() { HoldKind::Appeal } else { HoldKind::Dispute };
            let stands = hold.as_ref().is_some_and(|hold| {
                hold.kind == kind && hold.items == dispute.items && hold.ended_on.is_none() == is_open
            });
            for debt in self.office.store.debts_gone_from(account).await? {
                let is_about = is_open && (dispute.items.is_empty() || dispute.items.contains(&debt.item));
                if !is_about {
                    continue;
                }
                let held = self.office.store.holds_of(debt.to).await?;
                let holds = |hold: &Hold| {
                    let covers = hold.items.is_empty() || hold.items.contains(&debt.now);
                    hold.kind.contests() && hold.ended_on.is_none() && covers
                };
                check.expects(held.iter().any(holds), || {
                    Finding::at(format!("dispute {}", dispute.id))
                        .of(debt.to)
                        .found(format!("{}, and {} of it is owed here and not held", dispute.state_words(), debt.open))
                        .expected("a hold on what is contested, where it is owed now")
                        .remedy("hold it there: `arrears hold place` of kind appeal, with the debt as its item")
                });
            }
            check.expects(stands, || {
                let found = hold.as_ref().map_or_else(
                    || "no hold".to_owned(),
                    |hold| {
                        format!(
                            "hold {} ({}), {}",
                            hold.id,
                            hold.kind,
                            if hold.ended_on.is_some() { "ended" } else { "in force" }
                        )
                    },
                );
                Finding::at(format!("dispute {}", dispute.id))
                    .of(account)
                    .found(format!("{}, and {found}", dispute.state_words()))
                    .expected("a hold on the same debts, in force while it is not decided")
                    .remedy(TAMPERED)
            });
        }
        self.rulings_are_told(&mut check).await?;
        self.watch(&check);
        Ok(check)
    }

    /// What stood before the last night is told by a letter, or by a task where none may go.
    async fn rulings_are_told(&self, check: &mut Check) -> Result<()> {
        let store = &self.office.store;
        let Some(night) = store.last_finished(NIGHT).await? else { return Ok(()) };
        let tasks = store.tasks(false).await?;
        for (account, dispute) in store.disputes().await? {
            let stood = |ruling: &Ruling| ruling.settled_on.is_some_and(|settled| settled < night);
            if !dispute.to_be_told().is_some_and(stood) {
                continue;
            }
            let by_person = by_person(&dispute);
            let is_told = store.notices_of(account).await?.iter().any(|piece| piece.tells_ruling_on(&dispute))
                || tasks.iter().any(|task| task.account == account && task.text.contains(&by_person));
            check.expects(is_told, || {
                Finding::at(format!("dispute {}", dispute.id))
                    .of(account)
                    .found(format!("{}, and nobody was told", dispute.state_words()))
                    .expected("a letter on the ruling, or a task to tell it")
                    .remedy("the next night plans it; tell the customer meanwhile")
            });
        }
        Ok(())
    }
}

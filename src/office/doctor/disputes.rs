//! Disputes: one that is not decided has a hold that stands, and one that is has none.

use super::{Check, Examination, Finding, Result, TAMPERED};
use crate::domain::dispute::DisputeState;
use crate::domain::hold::HoldKind;

impl Examination<'_> {
    pub(super) async fn disputes(&self) -> Result<Check> {
        let mut check =
            Check::new("disputes", "each that is not decided holds its account, and none that is decided does");
        for (account, dispute, hold) in self.office.store.dispute_holds().await? {
            let is_open = match dispute.state() {
                DisputeState::Open | DisputeState::Appealed | DisputeState::Settling => true,
                DisputeState::ForCity(_) | DisputeState::ForCustomer => false,
            };
            let kind = if dispute.appeal.is_some() { HoldKind::Appeal } else { HoldKind::Dispute };
            let stands = hold.as_ref().is_some_and(|hold| {
                hold.kind == kind && hold.items == dispute.items && hold.ended_on.is_none() == is_open
            });
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
        self.watch(&check);
        Ok(check)
    }
}

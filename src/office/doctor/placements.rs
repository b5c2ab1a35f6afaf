//! Debts that are out: the balance there what was placed and every change that is told.

use std::collections::BTreeMap;

use super::{Check, Examination, Finding, PAGE, Result, TAMPERED};
use crate::domain::ledger::settle;
use crate::domain::placement::{Placement, ReportLine};
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{AccountId, Cents, ReferralId};

impl Examination<'_> {
    pub(super) async fn placements(&mut self) -> Result<Check> {
        let mut check = Check::new(
            "placements",
            "a debt's balance at its destination is what was placed and what was reported since",
        );
        let mut told: BTreeMap<ReferralId, Vec<ReportLine>> = BTreeMap::new();
        for line in self.reading.report_lines().await? {
            told.entry(line.referral).or_default().push(line);
        }
        let mut after = 0;
        loop {
            let page = self.reading.referrals(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for referral in &page {
                let Some(placement) = &referral.placement else { continue };
                let told = told.remove(&referral.id).unwrap_or_default();
                follows(&mut check, referral, placement, &told);
                if referral.state == ReferralState::Placed {
                    self.balances(&mut check, referral, placement, &told).await?;
                }
            }
            self.watch(&check);
        }
        Ok(check)
    }

    /// What is told and what is still to be told sum to what the ledger says is left of the debt.
    async fn balances(
        &mut self,
        check: &mut Check,
        referral: &Referral,
        placement: &Placement,
        told: &[ReportLine],
    ) -> Result<()> {
        let today = self.office.today();
        let order = self.office.rules_on(today).await?.policy.ledger.order.clone();
        let Some(mut books) = self.reading.books(AccountId(referral.account.0 - 1), 1).await?.pop() else {
            return Ok(());
        };
        books.entries.retain(|entry| entry.effective_on <= today);
        let settled = settle(&books.entries, &order, &books.plans, today);
        let items = placement.items();
        let owed = settled.items.iter().chain(&settled.stayed).filter(|item| items.contains(&item.id));
        let left: Cents = owed.map(|item| item.open).sum();
        let untold = placement.untold(referral.id, &books.entries, &settled.applications, told);
        let there = placement.amount + told.iter().chain(&untold).map(|line| line.amount).sum();
        check.expects(there == left, || {
            Finding::at(format!("referral {}", referral.id))
                .of(referral.account)
                .found(format!("{there} by what was placed and every change since"))
                .expected(format!("{left}, what the ledger has left of these debts"))
        });
        Ok(())
    }
}

/// Each line of a report follows the one before it: its number, and its balance.
fn follows(check: &mut Check, referral: &Referral, placement: &Placement, told: &[ReportLine]) {
    let mut balance = placement.amount;
    for (index, line) in told.iter().enumerate() {
        balance += line.amount;
        let is_next = usize::try_from(line.n).is_ok_and(|n| n == index + 1);
        check.expects(is_next && line.balance == balance, || {
            Finding::at(format!("line {} of a report", line.name()))
                .of(referral.account)
                .found(format!("line {} with a balance of {}", line.n, line.balance))
                .expected(format!("line {} with {balance}", index + 1))
                .remedy(TAMPERED)
        });
    }
}

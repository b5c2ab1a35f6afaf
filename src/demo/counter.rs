//! The office's money and paper by day: receipts, the bank's misreadings, arrangements, disputes, and what one person proposes
//! and another approves.

use super::city::Behavior;
use super::day::Division;
use super::{APPROVER, LEAD, REPRESENTATIVES};
use crate::domain::arrangement::Installment;
use crate::domain::day::plus_days;
use crate::domain::dispute::Side;
use crate::domain::import::UnmatchedState;
use crate::domain::ledger::OWN_SOURCE;
use crate::domain::petition::Chapter;
use crate::domain::{AccountId, Cents, Day, EntryKind};
use crate::office::{DisputeRequest, OfficeError, PetitionRequest, Result, RulingRequest};
use crate::store::CounterPayment;

/// Days until a dispute is decided.
const DISPUTE_DAYS: i64 = 12;
/// Days after which the court's notice of a petition is in the mail.
const COURT_DAYS: i64 = 4;
/// The day of the story, counted from its first, on which somebody's petition arrives; and of how many accounts one is chosen.
const PETITION_DAY: i64 = 85;

impl Division<'_> {
    /// Promises that are kept are paid at the counter. Some ask there to have a late fee waived.
    pub(super) async fn counter(&mut self, day: Day) -> Result<()> {
        let due: Vec<Day> = self.promised.range(..=day).map(|(due, _)| *due).collect();
        for due in due {
            for (account, amount) in self.promised.remove(&due).unwrap_or_default() {
                self.receipts += 1;
                let payment = CounterPayment {
                    amount,
                    received_on: day,
                    reference: format!("R-{:06}", self.receipts),
                    memo: "promise kept".into(),
                };
                self.office.confirmed_counter_payment(account, &payment, REPRESENTATIVES[0]).await?;
                let number = self.office.store.account(account).await?.profile.number;
                self.billing.received(&number, amount, day);
                if account.0 % 4 == 0 {
                    self.asks_for_a_waiver(account).await?;
                }
            }
        }
        Ok(())
    }

    /// The newest late fee of the account, where it has one that counts.
    async fn asks_for_a_waiver(&mut self, account: AccountId) -> Result<()> {
        let entries = self.office.store.entries(account).await?;
        let is_undone = |id| entries.iter().any(|entry| entry.reverses == Some(id));
        let fee = entries
            .iter()
            .rev()
            .find(|entry| entry.kind == EntryKind::Fee && entry.source == OWN_SOURCE && !is_undone(entry.id));
        let Some(fee) = fee else { return Ok(()) };
        let reason = "paid in person, first time late in a year";
        match self.office.propose_waiver(account, fee.id, reason, REPRESENTATIVES[0]).await {
            // It may be proposed already.
            Ok(_) | Err(OfficeError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What was proposed before today is approved; what the ledger has overtaken is declined, what is above the approver waits.
    pub(super) async fn approvals(&mut self, day: Day) -> Result<()> {
        for proposal in self.office.store.proposals(true).await? {
            if proposal.proposed_on >= day || proposal.proposed_by == APPROVER {
                continue;
            }
            match self.office.approve_proposal(proposal.id, APPROVER).await {
                Ok(_) => self.shown.approved += 1,
                Err(OfficeError::Refused { .. } | OfficeError::Store(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Payments that the bank misread are matched two days later.
    pub(super) async fn matching(&mut self, day: Day) -> Result<()> {
        for unmatched in self.office.store.unmatched_payments(Some(UnmatchedState::Open)).await? {
            let row = &unmatched.row;
            let misread = self.city.misread.iter().find(|m| m.source == row.source && m.reference == row.reference);
            if let Some(misread) = misread.filter(|misread| plus_days(misread.arrives_on, 2) <= day) {
                let account = self.office.account(misread.right_account.as_str()).await?;
                self.office.match_payment(unmatched.id, account.id, LEAD).await?;
                self.billing.matched(misread, row.effective_on);
            }
        }
        Ok(())
    }

    pub(super) async fn arrangements(&mut self, day: Day) -> Result<()> {
        // People ask on the day on which the office is next open.
        let asked =
            self.city.plans.iter().filter(|(_, plan)| plan.asked_on <= day && plus_days(plan.asked_on, 4) > day);
        for (number, plan) in asked {
            let account = self.office.account(number.as_str()).await?;
            if !self.office.store.arrangements_of(account.id).await?.is_empty() {
                continue;
            }
            let mut installments = Vec::new();
            if plan.down_payment.is_positive() {
                installments.push(Installment { due_on: day, amount: plan.down_payment });
            }
            installments.extend(
                plan.installments.iter().map(|(due_on, amount)| Installment { due_on: *due_on, amount: *amount }),
            );
            installments.retain(|installment| installment.due_on >= day);
            match self.office.agree(account.id, installments, "asked at the counter", REPRESENTATIVES[1]).await {
                Ok(_) => self.shown.arrangements += 1,
                // The person paid meanwhile, or owes less than was planned: there is nothing to arrange.
                Err(OfficeError::Input { .. } | OfficeError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A dispute that was told on the telephone is opened, about the oldest unpaid bill.
    pub(super) async fn disputes_a_bill(&mut self, day: Day, account: AccountId) -> Result<()> {
        let oldest = self.office.snapshot(account).await?.items.first().map(|item| item.id.to_string());
        let request = DisputeRequest {
            items: oldest.into_iter().collect(),
            reason: "the reading is too high; there was a leak".to_owned(),
            raised_on: None,
        };
        match self.office.open_dispute(account, &request, LEAD).await {
            Ok(dispute) => {
                self.shown.disputes += 1;
                self.disputes.entry(plus_days(day, DISPUTE_DAYS)).or_default().push(dispute.id);
                Ok(())
            }
            // The bill is disputed already.
            Err(OfficeError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The meter was tested: two of three bills stand, of the third a quarter is taken off.
    pub(super) async fn decide_disputes(&mut self, day: Day) -> Result<()> {
        let due: Vec<Day> = self.disputes.range(..=day).map(|(due, _)| *due).collect();
        for id in due.into_iter().flat_map(|due| self.disputes.remove(&due).unwrap_or_default()) {
            let (account, dispute) = self.office.store.dispute(id).await?;
            let disputed: Cents = self
                .office
                .snapshot(account)
                .await?
                .items
                .iter()
                .filter(|item| dispute.items.contains(&item.id))
                .map(|item| item.open)
                .sum();
            let request = if id.0 % 3 == 0 && disputed.is_positive() {
                RulingRequest {
                    side: Side::Customer,
                    findings: "the meter runs fast".to_owned(),
                    credit: Some(Cents::new(disputed.get() / 4)),
                }
            } else {
                let findings = "the meter was tested and is within tolerance".to_owned();
                RulingRequest { side: Side::City, findings, credit: None }
            };
            self.office.decide_dispute(id, &request, LEAD).await?;
        }
        Ok(())
    }

    /// Once, the court's notice of a petition comes, of somebody who stopped paying.
    pub(super) async fn court(&mut self, day: Day) -> Result<()> {
        let first = self.city.days.first().map_or(day, |first| first.day);
        if self.shown.petitions > 0 || day < plus_days(first, PETITION_DAY) {
            return Ok(());
        }
        let debtor = self.city.people.iter().find(|(_, persona)| {
            persona.behavior == Behavior::StoppedPaying && persona.turns_on.is_some_and(|since| since < first)
        });
        let Some((number, _)) = debtor else { return Ok(()) };
        let account = self.office.account(number.as_str()).await?;
        let request = PetitionRequest {
            chapter: Chapter::Seven,
            court: "United States Bankruptcy Court, Eastern District of California".to_owned(),
            case_number: "26-20417".to_owned(),
            petition_on: plus_days(day, -COURT_DAYS),
            relief_on: None,
            learned_on: None,
        };
        self.office.record_petition(account.id, &request, LEAD).await?;
        self.shown.petitions += 1;
        Ok(())
    }

    /// The day's list of fees goes to the billing system, which reads it in the evening.
    pub(super) async fn fees(&mut self) -> Result<()> {
        let Some(list) = self.office.export_fees(LEAD).await? else { return Ok(()) };
        let path = self.office.fee_export_path(&list);
        let text = std::fs::read_to_string(&path).map_err(|source| OfficeError::file(&path, source))?;
        self.billing.told(&list.name, &text);
        Ok(())
    }
}

//! What is agreed with one account at the counter: holds, promises, arrangements.

use super::{Office, OfficeError, Result, Rules};
use crate::domain::arrangement::Installment;
use crate::domain::day::{plus_days, plus_months};
use crate::domain::{AccountId, ArrangementId, Cents, Day, HoldId, ItemId, PromiseId, Snapshot};
use crate::store::{Account, NewArrangement, NewPromise, StoreError};
use std::sync::Arc;

/// An arrangement as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRequest {
    /// Paid on the day it is made; zero for none.
    pub down_payment: Cents,
    /// How many installments follow, monthly.
    pub installments: u16,
    pub first_due: Day,
    pub note: String,
}

impl Office {
    /// The account of a number as people type it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn account(&self, number: &str) -> Result<Account> {
        self.store
            .account_by_number(number.trim())
            .await?
            .ok_or_else(|| OfficeError::NotFound { what: "account", id: number.to_owned() })
    }

    /// All that is known of an account now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn snapshot(&self, account: AccountId) -> Result<Snapshot> {
        let mut found = self.store.snapshots(&[account]).await?;
        found.pop().ok_or_else(|| OfficeError::NotFound { what: "account", id: account.to_string() })
    }

    /// The rules that the account's case follows, or those in force today.
    ///
    /// # Errors
    /// When none are.
    pub async fn rules_of_case(&self, snapshot: &Snapshot) -> Result<Arc<Rules>> {
        match &snapshot.case {
            Some(case) => self.rules_of(&case.policy).await,
            None => self.rules_on(self.today()).await,
        }
    }

    /// Ends a hold today.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn end_hold(&self, hold: HoldId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        Ok(self.store.end_hold(hold, reason, &self.stamp(by)).await?)
    }

    /// Records a promise to pay, within the policy's limits. It replaces one that is still open: what was promised last
    /// holds.
    ///
    /// # Errors
    /// When the day is past or too far ahead, or the amount is nothing or more than is owed.
    pub async fn promise(&self, account: AccountId, amount: Cents, pay_by: Day, by: &str) -> Result<PromiseId> {
        let promise = self.new_promise(account, amount, pay_by).await?;
        let id = match self.store.add_promise(account, &promise, &self.stamp(by)).await {
            Err(StoreError::Stale) => {
                let again = self.new_promise(account, amount, pay_by).await?;
                self.store.add_promise(account, &again, &self.stamp(by)).await?
            }
            done => done?,
        };
        self.settle_accounts(&[account]).await?;
        Ok(id)
    }

    /// Cancels a promise with a reason; from today on it extends nothing.
    ///
    /// # Errors
    /// When it gives no reason, or was canceled before.
    pub async fn cancel_promise(&self, id: PromiseId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let account = self.store.cancel_promise(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// The promise by what is known now. Where a fact comes in before it is recorded, the store calls it stale, and it is
    /// taken once more: the amount and the day are the customer's words, and hold while they are within the limits.
    pub(super) async fn new_promise(&self, account: AccountId, amount: Cents, pay_by: Day) -> Result<NewPromise> {
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let limits = &rules.policy.promises;
        let today = self.today();
        let latest = plus_days(today, i64::from(limits.max_days));
        if pay_by < today || pay_by > latest {
            return Err(OfficeError::Input {
                what: "the day of a promise",
                given: pay_by.to_string(),
                expected: format!("a day from {today} through {latest} ({} days)", limits.max_days),
            });
        }
        positive(amount, "the amount of a promise")?;
        let owed = snapshot.balance();
        if amount > owed {
            return Err(OfficeError::Input {
                what: "the amount of a promise",
                given: amount.to_string(),
                expected: format!("no more than what is owed, {}", owed.max(Cents::ZERO)),
            });
        }
        Ok(NewPromise { seen_seq: snapshot.facts_seq, amount, pay_by, grace_days: limits.grace_days })
    }

    /// The installments that a request would make of what is past due, to be shown before it is agreed.
    ///
    /// # Errors
    /// Each limit of the policy that stands against it, the first.
    pub async fn propose_arrangement(&self, account: AccountId, request: &PlanRequest) -> Result<NewArrangement> {
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let limits = &rules.policy.arrangements;
        let today = self.today();
        let past_due: Vec<_> = snapshot.items.iter().filter(|item| item.due_on < today).collect();
        let owed: Cents = past_due.iter().map(|item| item.open).sum();
        positive(owed, "an arrangement's debt: nothing is past due, and it")?;
        if snapshot.arrangement_on(today).is_some_and(|(_, standing)| standing.next.is_some()) {
            return Err(OfficeError::refused("an arrangement runs already", "cancel it first, with a reason"));
        }
        let from = plus_months(today, -12);
        let lately = snapshot.arrangements.iter().filter(|plan| plan.made_on > from).count();
        if lately >= usize::from(limits.per_12_months) {
            return Err(OfficeError::refused(
                format!(
                    "{lately} arrangements were made in the last 12 months, and the policy allows {}",
                    limits.per_12_months
                ),
                "the lead may place an extension hold instead",
            ));
        }
        if request.installments == 0 || request.installments > limits.max_months {
            return Err(OfficeError::Input {
                what: "the number of installments",
                given: request.installments.to_string(),
                expected: format!("1 through {}", limits.max_months),
            });
        }
        if request.first_due < today || request.first_due > plus_months(today, 2) {
            return Err(OfficeError::Input {
                what: "the first due date",
                given: request.first_due.to_string(),
                expected: format!("a day from {today} within two months"),
            });
        }
        if request.down_payment.is_negative() || request.down_payment >= owed {
            return Err(OfficeError::Input {
                what: "the down payment",
                given: request.down_payment.to_string(),
                expected: format!("less than what is past due, {owed}"),
            });
        }
        Ok(NewArrangement {
            seen_seq: snapshot.facts_seq,
            covers: past_due.iter().map(|item| item.id).collect::<Vec<ItemId>>(),
            installments: schedule(owed, request, today, &rules),
            grace_days: limits.grace_days,
            note: request.note.clone(),
        })
    }

    /// Makes an arrangement.
    ///
    /// # Errors
    /// As [`Self::propose_arrangement`].
    pub async fn arrange(&self, account: AccountId, request: &PlanRequest, by: &str) -> Result<ArrangementId> {
        let plan = self.propose_arrangement(account, request).await?;
        match self.make(account, &plan, by).await {
            Err(OfficeError::Store(StoreError::Stale)) => {
                let again = self.propose_arrangement(account, request).await?;
                same_terms(&plan, &again)?;
                self.make(account, &again, by).await
            }
            done => done,
        }
    }

    /// Makes an arrangement with installments as agreed one by one, where equal months do not fit.
    ///
    /// # Errors
    /// As [`Self::propose_arrangement`]; and when the installments are not in order or exceed what is past due.
    pub async fn agree(
        &self,
        account: AccountId,
        installments: Vec<Installment>,
        note: &str,
        by: &str,
    ) -> Result<ArrangementId> {
        let first_due = installments.first().map_or_else(|| self.today(), |first| first.due_on);
        let request = PlanRequest { down_payment: Cents::ZERO, installments: 1, first_due, note: note.to_owned() };
        let proposed = self.propose_arrangement(account, &request).await?;
        let plan = NewArrangement { installments: in_order(&proposed, installments)?, ..proposed.clone() };
        match self.make(account, &plan, by).await {
            Err(OfficeError::Store(StoreError::Stale)) => {
                let again = self.propose_arrangement(account, &request).await?;
                same_terms(&proposed, &again)?;
                self.make(account, &NewArrangement { seen_seq: again.seen_seq, ..plan }, by).await
            }
            done => done,
        }
    }

    async fn make(&self, account: AccountId, plan: &NewArrangement, by: &str) -> Result<ArrangementId> {
        let rules = self.rules_on(self.today()).await?;
        let id = self.store.add_arrangement(account, plan, &rules.policy.ledger, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(id)
    }

    /// Cancels an arrangement from today on.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn cancel_arrangement(&self, id: ArrangementId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let rules = self.rules_on(self.today()).await?;
        Ok(self.store.cancel_arrangement(id, reason, &rules.policy.ledger, &self.stamp(by)).await?)
    }
}

/// A fact that came in meanwhile may be a note or a payment. Only the terms that were agreed are made.
fn same_terms(agreed: &NewArrangement, now: &NewArrangement) -> Result<()> {
    if (&agreed.covers, &agreed.installments) == (&now.covers, &now.installments) {
        return Ok(());
    }
    Err(StoreError::Stale.into())
}

/// The installments as agreed one by one, where what was proposed allows them.
fn in_order(proposed: &NewArrangement, installments: Vec<Installment>) -> Result<Vec<Installment>> {
    let owed: Cents = proposed.installments.iter().map(|installment| installment.amount).sum();
    let agreed: Cents = installments.iter().map(|installment| installment.amount).sum();
    let in_order = installments.windows(2).all(|pair| pair[0].due_on < pair[1].due_on);
    if !in_order || agreed > owed || installments.iter().any(|installment| !installment.amount.is_positive()) {
        return Err(OfficeError::Input {
            what: "the schedule of an arrangement",
            given: format!("{} installments that sum to {agreed}", installments.len()),
            expected: format!("dates in order, amounts above zero, no more in all than what is past due, {owed}"),
        });
    }
    Ok(installments)
}

/// Monthly installments on office days; the cents that do not divide fall on the last.
fn schedule(owed: Cents, request: &PlanRequest, today: Day, rules: &Rules) -> Vec<Installment> {
    let mut installments = Vec::new();
    if request.down_payment.is_positive() {
        installments.push(Installment { due_on: today, amount: request.down_payment });
    }
    let rest = (owed - request.down_payment).get();
    let count = i64::from(request.installments.max(1));
    for n in 0..count {
        let amount = if n + 1 == count { rest - (rest / count) * (count - 1) } else { rest / count };
        let due = plus_months(request.first_due, i32::try_from(n).unwrap_or(i32::MAX));
        installments.push(Installment { due_on: rules.calendar.next_office_day(due), amount: Cents::new(amount) });
    }
    installments
}

pub(super) fn need_reason(reason: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(OfficeError::Input {
            what: "the reason",
            given: String::new(),
            expected: "a few words that the log can show".into(),
        });
    }
    Ok(())
}

/// What has happened has happened by today.
pub(super) fn not_ahead(day: Day, today: Day, what: &'static str) -> Result<()> {
    if day <= today {
        return Ok(());
    }
    Err(OfficeError::Input { what, given: day.to_string(), expected: format!("today, {today}, or a day before") })
}

pub(super) fn positive(amount: Cents, what: &'static str) -> Result<()> {
    if amount.is_positive() {
        return Ok(());
    }
    Err(OfficeError::Input { what, given: amount.to_string(), expected: "an amount above zero".into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EntryId;
    use crate::domain::day::parse;

    #[test]
    fn an_arrangement_is_proposed_anew_only_with_the_terms_that_were_agreed() {
        let terms = |seen_seq, cents| NewArrangement {
            seen_seq,
            covers: vec![EntryId(1)],
            installments: vec![Installment { due_on: parse("2026-06-01").unwrap(), amount: Cents::new(cents) }],
            grace_days: 0,
            note: String::new(),
        };
        // A telephone number came in meanwhile; then a payment of $90.00.
        assert!(same_terms(&terms(4, 18_000), &terms(5, 18_000)).is_ok());
        let refused = same_terms(&terms(4, 18_000), &terms(5, 9_000)).unwrap_err();
        assert_eq!(refused.to_string(), "something came in meanwhile: look at the account and propose again");
    }
}

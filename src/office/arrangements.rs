//! Payment arrangements: proposed point by point, agreed, canceled. One against limits of the policy is in `against_limits`; how a
//! missed one is taken up again is in `reinstate`; the letter is in `agreement`.

use std::collections::BTreeSet;

use super::accounts::need_reason;
use super::agreement::letter_of;
use super::{Office, OfficeError, Result, Rules};
use crate::decide::eligibility::{Asked, Eligibility, Point, eligibility};
pub use crate::domain::arrangement::PlanRequest;
use crate::domain::arrangement::{Installment, Taken};
use crate::domain::day::{plus_days, short};
use crate::domain::{AccountId, ArrangementId, Cents, Day, Entry, EntryKind, ItemId, Snapshot};
use crate::store::{NewArrangement, StoreError};

/// What a request would make, and each condition of the policy on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    pub eligibility: Eligibility,
    pub taken: Taken,
    pub(super) plan: NewArrangement,
}

impl Office {
    /// What a request would make of what is past due, with each condition of the policy, to be shown before it is agreed.
    /// Nothing is refused but a receipt that is not known, is used up or is too old.
    ///
    /// # Errors
    /// When there is no such receipt, it was a down payment before, or it is older than the policy's `taken_within`.
    pub async fn look_at_arrangement(&self, account: AccountId, request: &PlanRequest) -> Result<Proposed> {
        self.look_at_plan(account, request, self.today()).await
    }

    /// The same, where money that was received from `since` on counts toward the down payment.
    pub(super) async fn look_at_plan(&self, account: AccountId, request: &PlanRequest, since: Day) -> Result<Proposed> {
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let today = self.today();
        let within = rules.policy.arrangements.taken_within_days;
        let taken = taken(&self.store.entries(account).await?, &snapshot, request, within, (since, today))?;
        let asked = Asked {
            down_payment: request.down_payment.max(taken.amount),
            taken: taken.amount,
            installments: request.installments,
            first_due: request.first_due,
        };
        let asked = if request.down_payment.is_negative() {
            Asked { down_payment: request.down_payment, ..asked }
        } else {
            asked
        };
        let eligibility = eligibility(&snapshot, &rules.policy, &rules.calendar, today, &asked);
        let plan = self.plan(&snapshot, &rules, request, &eligibility, taken.clone());
        Ok(Proposed { eligibility, taken, plan })
    }

    fn plan(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        request: &PlanRequest,
        eligibility: &Eligibility,
        taken: Taken,
    ) -> NewArrangement {
        let today = self.today();
        let contested = snapshot.disputed(today);
        let past_due = snapshot.items.iter().filter(|item| item.due_on < today && !contested.contains(&item.id));
        let plan = NewArrangement {
            seen_seq: snapshot.facts_seq,
            covers: past_due.map(|item| item.id).collect::<Vec<ItemId>>(),
            installments: eligibility.installments.clone(),
            grace_days: rules.policy.arrangements.grace_days,
            note: request.note.clone(),
            taken: Some(taken),
            overridden: None,
            letter: Vec::new(),
        };
        NewArrangement { letter: letter_of(&plan, snapshot, &rules.policy, today), ..plan }
    }

    /// The arrangement that a request would make of what is past due.
    ///
    /// # Errors
    /// The conditions of the policy that do not hold.
    pub async fn propose_arrangement(&self, account: AccountId, request: &PlanRequest) -> Result<NewArrangement> {
        let Proposed { eligibility, plan, .. } = self.look_at_arrangement(account, request).await?;
        let failing: Vec<&Point> = eligibility.failing().collect();
        let hard: Vec<&Point> = failing.iter().copied().filter(|point| !point.overridable).collect();
        if !hard.is_empty() {
            return Err(not_eligible(&hard, "`arrears arrange propose` shows every condition"));
        }
        if !failing.is_empty() {
            return Err(not_eligible(&failing, "with `--override REASON` it is proposed to somebody who approves"));
        }
        Ok(plan)
    }

    /// Makes an arrangement, with its letter.
    ///
    /// # Errors
    /// As [`Self::propose_arrangement`].
    pub async fn arrange(&self, account: AccountId, request: &PlanRequest, by: &str) -> Result<ArrangementId> {
        self.not_of_household(by, account).await?;
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
        let request = PlanRequest { installments: 1, first_due, note: note.to_owned(), ..PlanRequest::default() };
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

    /// Cancels an arrangement from today on, and its letter where it has not left.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn cancel_arrangement(&self, id: ArrangementId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        self.not_of_household(by, self.store.arrangement(id).await?.0).await?;
        let rules = self.rules_on(self.today()).await?;
        Ok(self.store.cancel_arrangement(id, reason, &rules.policy.ledger, &self.stamp(by)).await?)
    }
}

pub(super) fn not_eligible(points: &[&Point], way_forward: &str) -> OfficeError {
    let why: Vec<String> = points.iter().map(ToString::to_string).collect();
    OfficeError::refused(why.join("; "), way_forward)
}

/// What has been taken of the down payment already, so that what is owed is less by it: under the receipt named, or else of
/// the money received since it was asked for, as much as was agreed. A receipt is no older than `within` days before: what was
/// paid last year was paid on what was owed then.
fn taken(
    entries: &[Entry],
    snapshot: &Snapshot,
    request: &PlanRequest,
    within: u16,
    (since, today): (Day, Day),
) -> Result<Taken> {
    let undone: BTreeSet<_> = entries.iter().filter_map(|entry| entry.reverses).collect();
    let stands = |entry: &&Entry| entry.kind == EntryKind::Payment && entry.is_credit() && !undone.contains(&entry.id);
    let Some(receipt) = &request.receipt else {
        let lately = |entry: &&Entry| since <= entry.effective_on && entry.effective_on <= today;
        let of_late: Vec<&Entry> = entries.iter().filter(stands).filter(lately).collect();
        let received: Cents = of_late.iter().map(|entry| Cents::ZERO - entry.amount).sum();
        let amount = received.min(request.down_payment).max(Cents::ZERO);
        let receipts = of_late.iter().map(|entry| entry.reference.clone()).filter(|_| amount.is_positive());
        return Ok(Taken { amount, receipts: receipts.collect() });
    };
    let used = snapshot
        .arrangements
        .iter()
        .find(|plan| plan.taken.as_ref().is_some_and(|taken| taken.receipts.contains(receipt)));
    if let Some(plan) = used {
        return Err(OfficeError::refused(
            format!("receipt {receipt} was the down payment of arrangement {} of {}", plan.id, plan.made_on),
            "a payment counts toward one arrangement",
        ));
    }
    let entry = entries.iter().filter(stands).find(|entry| entry.reference == *receipt && entry.effective_on <= today);
    let entry = entry.ok_or_else(|| OfficeError::NotFound {
        what: "payment on this account that stands, under receipt",
        id: receipt.clone(),
    })?;
    let (received, first) = (entry.effective_on, plus_days(since.min(today), -i64::from(within)));
    if received < first {
        return Err(OfficeError::refused(
            format!(
                "receipt {receipt} is of {}, and a down payment that was taken before is one of the last {within} days, since {}",
                short(received),
                short(first)
            ),
            "take the down payment now, or make the arrangement without that receipt: what it paid is not owed any more",
        ));
    }
    Ok(Taken { amount: Cents::ZERO - entry.amount, receipts: vec![receipt.clone()] })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EntryId;
    use crate::domain::day::parse;

    #[tokio::test]
    async fn a_receipt_of_two_months_ago_is_no_down_payment() {
        let city = crate::office::testing::City::new().await;
        city.lockbox("10-000417", "30.00", "2026-03-02").await;
        let debtor = city.debtor().await;
        let request = PlanRequest {
            down_payment: Cents::new(3_000),
            receipt: Some("LB-10-000417-30.00-2026-03-02".into()),
            installments: 4,
            first_due: parse("2026-06-15").unwrap(),
            ..PlanRequest::default()
        };
        city.at("2026-05-04", "09:00");
        let refused = city.office.look_at_arrangement(debtor, &request).await.unwrap_err().to_string();
        let said = "receipt LB-10-000417-30.00-2026-03-02 is of Mon 2026-03-02, and a down payment that was taken before is one of \
                    the last 30 days, since Sat 2026-04-04";
        assert!(refused.starts_with(said), "{refused}");
        // On the last of the thirty days it is one.
        city.at("2026-04-01", "09:00");
        let proposed = city.office.look_at_arrangement(debtor, &request).await.unwrap();
        assert_eq!(proposed.taken.amount, Cents::new(3_000));
    }

    #[test]
    fn an_arrangement_is_proposed_anew_only_with_the_terms_that_were_agreed() {
        let terms = |seen_seq, cents| NewArrangement {
            seen_seq,
            covers: vec![EntryId(1)],
            installments: vec![Installment { due_on: parse("2026-06-01").unwrap(), amount: Cents::new(cents) }],
            grace_days: 0,
            note: String::new(),
            taken: None,
            overridden: None,
            letter: Vec::new(),
        };
        // A telephone number came in meanwhile; then a payment of $90.00.
        assert!(same_terms(&terms(4, 18_000), &terms(5, 18_000)).is_ok());
        let refused = same_terms(&terms(4, 18_000), &terms(5, 9_000)).unwrap_err();
        assert_eq!(refused.to_string(), "something came in meanwhile: look at the account and propose again");
    }
}

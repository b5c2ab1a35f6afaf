//! An arrangement against limits of the policy: one person proposes it, another approves it, and with the approval it is made.
//!
//! Until then nothing is agreed, and notices and shut-offs go on. What is made is what was looked at by who approves: where the
//! account or the policy no longer gives the same terms, the proposal is stale, and is declined and made anew.

use std::collections::BTreeSet;

use super::accounts::need_reason;
use super::arrangements::{PlanRequest, Proposed as Looked, not_eligible};
use super::{Office, OfficeError, Result};
use crate::decide::eligibility::Point;
use crate::domain::arrangement::{Installment, Overridden};
use crate::domain::day::short;
use crate::domain::person::Override;
use crate::domain::proposal::{Proposal, ProposalState, Proposed};
use crate::domain::{AccountId, ArrangementId, Cents, Day, ItemId, ProposalId, Snapshot};
use crate::store::{NewArrangement, StoreError};

impl Office {
    /// Proposes an arrangement against the limits of the policy that stand against it. Gives these limits, in a sentence each.
    ///
    /// # Errors
    /// When no reason is given, no limit stands against it, or something does that nobody overrides.
    pub async fn propose_against_limits(
        &self,
        account: AccountId,
        request: &PlanRequest,
        reason: &str,
        by: &str,
    ) -> Result<(ProposalId, Vec<String>)> {
        need_reason(reason)?;
        let Looked { eligibility, plan, .. } = self.look_at_arrangement(account, request).await?;
        let hard: Vec<&Point> = eligibility.failing().filter(|point| !point.overridable).collect();
        if !hard.is_empty() {
            return Err(not_eligible(&hard, "nobody overrides that"));
        }
        let limits: Vec<String> = eligibility.failing().map(ToString::to_string).collect();
        if limits.is_empty() {
            return Err(OfficeError::refused(
                "no limit of the policy stands against this arrangement",
                "make it without `--override`",
            ));
        }
        let amount = plan.installments.iter().map(|installment| installment.amount).sum::<Cents>();
        let what = Proposed::Arrangement {
            request: request.clone(),
            covers: plan.covers.iter().copied().collect(),
            installments: plan.installments,
            limits: limits.clone(),
        };
        let id = self.propose(account, &what, amount, reason, by).await?;
        Ok((id, limits))
    }

    /// Makes the arrangement that was proposed, on terms that are looked at again.
    pub(super) async fn approve_arrangement(&self, proposal: &Proposal, by: &str) -> Result<ArrangementId> {
        let made = self.make_proposed(proposal, by).await;
        match made {
            // A fact came in between look and act: it is looked at once more.
            Err(OfficeError::Store(StoreError::Stale)) => self.make_proposed(proposal, by).await,
            done => done,
        }
    }

    async fn make_proposed(&self, proposal: &Proposal, by: &str) -> Result<ArrangementId> {
        let (looked, changed) = self.look_again(proposal).await?;
        if let Some(changed) = changed {
            return Err(OfficeError::refused(
                format!("proposal {} is stale: {changed}", proposal.id),
                format!("decline it (`arrears approvals decline {} --reason TEXT`), and propose anew", proposal.id),
            ));
        }
        let limits: Vec<String> = looked.eligibility.failing().map(ToString::to_string).collect();
        let approval = Override { by: by.to_owned(), reason: proposal.reason.clone(), on: self.today() };
        // Where the limits have moved meanwhile, none may be left.
        let overridden = (!limits.is_empty()).then_some(limits).map(|limits| Overridden {
            approval,
            limits,
            proposal: Some(proposal.id),
        });
        let plan = NewArrangement { overridden, ..looked.plan };
        let rules = self.rules_on(self.today()).await?;
        Ok(self.store.approve_arrangement(proposal, &plan, &rules.policy.ledger, &self.stamp(by)).await?)
    }

    /// Why a proposal that waits can no longer be approved as it is; `None` where it can, and of all but arrangements.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn stale(&self, proposal: &Proposal) -> Result<Option<String>> {
        match &proposal.what {
            Proposed::Arrangement { .. } if proposal.state == ProposalState::Proposed => {
                match self.look_again(proposal).await {
                    Ok((_, changed)) => Ok(changed),
                    // The database failed, and says nothing of the proposal.
                    Err(OfficeError::Store(error)) => Err(error.into()),
                    // The receipt of its down payment was voided since, or another arrangement has it.
                    Err(refused) => Ok(Some(refused.to_string())),
                }
            }
            Proposed::Arrangement { .. }
            | Proposed::Waiver { .. }
            | Proposed::Adjustment { .. }
            | Proposed::WriteOff { .. }
            | Proposed::Transfer { .. }
            | Proposed::Reinstatement { .. } => Ok(None),
        }
    }

    /// What `why` says on a day of arrangements against limits of the policy.
    pub(super) async fn told_of_limits(&self, snapshot: &Snapshot, on: Day) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for proposal in self.store.proposals_of(snapshot.account).await? {
            let Proposed::Arrangement { limits, .. } = &proposal.what else { continue };
            let is_decided = proposal.decided_on.is_some_and(|decided| decided <= on);
            if on < proposal.proposed_on || is_decided {
                continue;
            }
            told.push(format!(
                "An arrangement of {} against limits of the policy waits for somebody who approves (proposal {} of {} by {}: {}; \
                 {}). Until then nothing is agreed, and nothing waits for it.",
                proposal.amount,
                proposal.id,
                short(proposal.proposed_on),
                proposal.proposed_by,
                proposal.reason,
                limits.join("; ")
            ));
        }
        if let Some((plan, _)) = snapshot.arrangement_on(on)
            && let Some(overridden) = &plan.overridden
        {
            let approval = &overridden.approval;
            told.push(format!(
                "The arrangement of {} was made against limits of the policy ({}); {} approved it on {}: {}.",
                short(plan.made_on),
                overridden.limits.join("; "),
                approval.by,
                short(approval.on),
                approval.reason
            ));
        }
        Ok(told)
    }

    /// What the request would make today, and what of it is no longer as it was proposed.
    async fn look_again(&self, proposal: &Proposal) -> Result<(Looked, Option<String>)> {
        let Proposed::Arrangement { request, covers, installments, limits } = &proposal.what else {
            let kind = proposal.what.kind();
            return Err(StoreError::Corrupt(format!("proposal {} is a {kind} and no arrangement", proposal.id)).into());
        };
        // The customer may have paid the down payment while the proposal waited.
        let looked = self.look_at_plan(proposal.account, request, proposal.proposed_on).await?;
        let changed = changed(&looked, request, covers, installments, limits);
        Ok((looked, changed))
    }
}

/// What of the terms differs from those that were proposed. The down payment may have been taken since, or be due on the day of
/// the approval instead; all else is the same to the cent and the day.
fn changed(
    looked: &Looked,
    request: &PlanRequest,
    covers: &BTreeSet<ItemId>,
    installments: &[Installment],
    limits: &[String],
) -> Option<String> {
    let (now, points) = (&looked.plan, &looked.eligibility);
    if let Some(hard) = points.failing().find(|point| !point.overridable) {
        return Some(hard.to_string());
    }
    if !now.covers.iter().eq(covers.iter()) {
        return Some("the debts that are past due are no longer those that it would cover".to_owned());
    }
    let (then, today) = (monthly(installments, request), monthly(&now.installments, request));
    if then != today {
        return Some(format!("its installments would be {} today, and not {}", said(today), said(then)));
    }
    let new = points.failing().find(|point| !limits.iter().any(|limit| limit.starts_with(&point.limit())));
    new.map(|point| format!("it is against a limit that was not named: {point}"))
}

/// The installments without the down payment that is to come.
fn monthly<'a>(installments: &'a [Installment], request: &PlanRequest) -> &'a [Installment] {
    let first = installments.len().saturating_sub(usize::from(request.installments).max(1));
    installments.get(first..).unwrap_or_default()
}

fn said(installments: &[Installment]) -> String {
    let total: Cents = installments.iter().map(|installment| installment.amount).sum();
    let first = installments.first().map_or_else(String::new, |first| format!(" from {}", first.due_on));
    format!("{} in {}{first}", total, installments.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::proposal::ProposalKind;
    use crate::domain::{Language, Role, Service};
    use crate::office::testing::{City, day};
    use crate::store::StaffMember;

    /// May 1: the bill of $224.20 is 39 days past due, and the policy gives twelve months. Ruth leads, Omar calls, Ida approves.
    async fn city() -> (City, AccountId) {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city.at("2026-05-01", "09:00");
        let account = city.debtor().await;
        (city, account)
    }

    fn long() -> PlanRequest {
        PlanRequest { installments: 20, first_due: day("2026-05-15"), ..PlanRequest::default() }
    }

    async fn plans(city: &City, account: AccountId) -> usize {
        city.office.store.arrangements_of(account).await.unwrap().len()
    }

    #[tokio::test]
    async fn an_arrangement_beyond_the_limits_is_made_when_another_approves_it() {
        let (city, account) = city().await;
        let (id, limits) = city.office.propose_against_limits(account, &long(), "in hospital", "Omar").await.unwrap();
        assert!(limits[0].starts_with("number of installments: 1 through "), "{limits:?}");
        let own = city.office.approve_proposal(id, "Omar").await.unwrap_err().to_string();
        assert!(own.contains("nobody approves their own"), "{own}");
        assert_eq!(plans(&city, account).await, 0, "nothing is agreed until then");
        let done = city.office.approve_proposal(id, "Ida").await.unwrap();
        assert_eq!((done.what.kind(), done.amount), (ProposalKind::Arrangement, Cents::new(22_420)));
        let plan = city.office.store.arrangements_of(account).await.unwrap().remove(0);
        let overridden = plan.overridden.unwrap();
        assert_eq!((plan.made_by.as_str(), overridden.approval.by.as_str()), ("Omar", "Ida"));
        assert_eq!((overridden.limits, overridden.proposal), (limits, Some(id)));
        let letters = city.office.store.notices_of(account).await.unwrap();
        assert!(letters.iter().any(|letter| letter.arrangement == Some(plan.id)), "it has its letter");
    }

    #[tokio::test]
    async fn a_payment_that_came_in_between_makes_the_proposal_stale() {
        let (city, account) = city().await;
        let (id, _) = city.office.propose_against_limits(account, &long(), "in hospital", "Omar").await.unwrap();
        city.lockbox("10-000417", "24.20", "2026-05-01").await;
        let stale = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
        assert!(stale.contains("stale") && stale.contains("$200.00 in 20"), "{stale}");
        let proposal = city.office.store.proposal(id).await.unwrap();
        assert_eq!((proposal.state, plans(&city, account).await), (ProposalState::Proposed, 0), "both or neither");
        assert!(city.office.stale(&proposal).await.unwrap().unwrap().contains("$200.00"));
        city.office.decline_proposal(id, "paid in part", "Ida").await.unwrap();
        assert_eq!(plans(&city, account).await, 0);
    }

    #[tokio::test]
    async fn the_down_payment_may_be_paid_while_the_proposal_waits() {
        let (city, account) = city().await;
        let request = PlanRequest { down_payment: Cents::new(2_420), ..long() };
        let (id, _) = city.office.propose_against_limits(account, &request, "in hospital", "Omar").await.unwrap();
        city.lockbox("10-000417", "24.20", "2026-05-01").await;
        city.at("2026-05-04", "09:00");
        city.office.approve_proposal(id, "Ida").await.unwrap();
        let plan = city.office.store.arrangements_of(account).await.unwrap().remove(0);
        assert_eq!((plan.taken.as_ref().unwrap().amount, plan.total()), (Cents::new(2_420), Cents::new(20_000)));
        assert_eq!(plan.installments.len(), 20);
    }

    #[tokio::test]
    async fn a_receipt_that_another_arrangement_has_makes_the_proposal_stale_and_hides_no_other() {
        let (city, account) = city().await;
        let (received_on, reference) = (day("2026-05-01"), "R-1".to_owned());
        let payment =
            crate::store::CounterPayment { amount: Cents::new(2_420), received_on, reference, memo: String::new() };
        city.office.counter_payment(account, &payment, "Omar").await.unwrap();
        let request = PlanRequest { down_payment: Cents::new(2_420), receipt: Some("R-1".into()), ..long() };
        let (id, _) = city.office.propose_against_limits(account, &request, "in hospital", "Omar").await.unwrap();
        city.office.arrange(account, &PlanRequest { installments: 4, ..request }, "Omar").await.unwrap();
        let stale = city.office.stale(&city.office.store.proposal(id).await.unwrap()).await.unwrap().unwrap();
        assert!(stale.contains("R-1 was the down payment of arrangement 1"), "{stale}");
    }

    #[tokio::test]
    async fn a_first_due_date_that_has_passed_makes_the_proposal_stale() {
        let (city, account) = city().await;
        let (id, _) = city.office.propose_against_limits(account, &long(), "in hospital", "Omar").await.unwrap();
        city.at("2026-05-18", "09:00");
        let stale = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
        assert!(stale.contains("first due date"), "{stale}");
    }

    #[tokio::test]
    async fn what_no_limit_stands_against_is_made_and_not_proposed() {
        let (city, account) = city().await;
        let request = PlanRequest { installments: 4, ..long() };
        let refused = city.office.propose_against_limits(account, &request, "x", "Omar").await.unwrap_err().to_string();
        assert!(refused.contains("no limit of the policy stands against"), "{refused}");
        let nobody = PlanRequest { first_due: day("2027-05-15"), ..long() };
        let refused = city.office.propose_against_limits(account, &nobody, "x", "Omar").await.unwrap_err().to_string();
        assert!(refused.contains("first due date") && refused.contains("nobody overrides that"), "{refused}");
    }

    #[tokio::test]
    async fn who_approves_is_asked_for_the_role_and_the_limit_and_is_of_no_such_household() {
        let (city, account) = city().await;
        let (id, _) = city.office.propose_against_limits(account, &long(), "in hospital", "Ruth").await.unwrap();
        let refused = city.office.approve_proposal(id, "Omar").await.unwrap_err().to_string();
        assert!(refused.contains("Omar, a representative, may not approve"), "{refused}");
        city.office.set_household("Ida", &["10-000417".to_owned()], "Ruth").await.unwrap();
        let refused = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
        assert!(refused.contains("own household"), "{refused}");
        // What else waits on the account is none of its terms.
        let change = Cents::new(-100);
        city.office.propose_adjustment(account, Service::Water, change, "leak", "Omar").await.unwrap();
        assert_eq!(city.office.stale(&city.office.store.proposal(id).await.unwrap()).await.unwrap(), None);
    }
}

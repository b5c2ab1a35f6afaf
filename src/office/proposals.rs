//! Proposals: fees waived, amounts corrected, debts written off, arrangements beyond the limits. One person proposes, another
//! approves.

use super::accounts::{need_reason, positive};
use super::looks::LOOKS;
use super::{Duty, Office, OfficeError, Result, Rules};
use crate::audit::{Ordered, Pending, Refusal};
use crate::domain::day::plus_months;
use crate::domain::day::short;
use crate::domain::proof::{self, ProofKind};
use crate::domain::proposal::{Proposal, ProposalKind, ProposalState, Proposed, WrittenOff, to_write_off};
use crate::domain::{
    AccountId, ActKey, Action, Cents, DisputeId, EntryId, EntryKind, ProposalId, Role, Service, Snapshot,
};

/// The ground of a waiver that the law gives to a household with a low income.
const INTEREST_WAIVED: &str = "Health and Safety Code 116914(a)(2)";

impl Office {
    /// Proposes to waive a fee that Arrears posted to the account, whole.
    ///
    /// # Errors
    /// When the entry is no fee of the account, it is waived already, or no reason is given.
    pub async fn propose_waiver(
        &self,
        account: AccountId,
        entry: EntryId,
        reason: &str,
        by: &str,
    ) -> Result<(ProposalId, Cents)> {
        self.waiver_of(account, entry, false, reason, by).await
    }

    async fn waiver_of(
        &self,
        account: AccountId,
        entry: EntryId,
        by_law: bool,
        reason: &str,
        by: &str,
    ) -> Result<(ProposalId, Cents)> {
        need_reason(reason)?;
        let entries = self.store.entries(account).await?;
        let Some(fee) = entries.iter().find(|known| known.id == entry) else {
            return Err(OfficeError::NotFound { what: "entry in the account's ledger:", id: entry.to_string() });
        };
        let ledger = "`arrears account ACCOUNT` shows the ledger with the entries' numbers";
        if !matches!(fee.kind, EntryKind::Fee | EntryKind::Interest) {
            return Err(OfficeError::refused(
                format!("entry {entry} is a {}, and only fees are waived", fee.kind),
                ledger,
            ));
        }
        if fee.source != crate::domain::ledger::OWN_SOURCE {
            return Err(OfficeError::refused(
                format!("entry {entry} comes from {}", fee.source),
                "reverse it there, and import the reversal",
            ));
        }
        if entries.iter().any(|other| other.reverses == Some(entry)) {
            return Err(OfficeError::refused(format!("entry {entry} is reversed already"), ledger));
        }
        let id = self.propose(account, &Proposed::Waiver { fee: entry, by_law }, fee.amount, reason, by).await?;
        Ok((id, fee.amount))
    }

    /// Proposes to waive interest or a late fee of a household that has shown a low income, as the law has it once in 12 months.
    ///
    /// # Errors
    /// As [`Self::propose_waiver`]; when no low income is shown today, the fee is for something else than paying late, or the
    /// law's waiver was given or proposed in the last 12 months.
    pub async fn propose_lawful_waiver(
        &self,
        account: AccountId,
        entry: EntryId,
        by: &str,
    ) -> Result<(ProposalId, Cents)> {
        let today = self.today();
        let proofs = self.store.proofs_of(account).await?;
        let Some(proof) = proof::shown(&proofs, ProofKind::LowIncome, today) else {
            return Err(OfficeError::refused(
                format!("this household has not shown a low income ({INTEREST_WAIVED})"),
                "`arrears protection record ACCOUNT low_income --evidence TEXT` records what it shows",
            ));
        };
        let since = plus_months(today, -12);
        let given = self.store.proposals_of(account).await?.into_iter().find(|proposal| {
            matches!(proposal.what, Proposed::Waiver { by_law: true, .. })
                && proposal.state != ProposalState::Declined
                && since < proposal.proposed_on
        });
        if let Some(given) = given {
            return Err(OfficeError::refused(
                format!("the law's waiver of {} was {} on {}", given.amount, given.state, given.proposed_on),
                format!("it is given once in 12 months: again from {}", plus_months(given.proposed_on, 12)),
            ));
        }
        self.is_for_lateness(account, entry).await?;
        let reason = format!("{INTEREST_WAIVED}: low income shown since {}, {}", proof.from, proof.evidence);
        self.waiver_of(account, entry, true, &reason, by).await
    }

    /// What the law waives is the price of paying late: interest, and late fees in its place. A fee for turning a service on has
    /// its own limits, and one for a returned check is no interest.
    async fn is_for_lateness(&self, account: AccountId, entry: EntryId) -> Result<()> {
        let snapshot = self.snapshot(account).await?;
        let Some(fee) = snapshot.fees.iter().find(|fee| fee.entry == entry) else { return Ok(()) };
        let rules = self.rules_of_case(&snapshot).await?;
        let track = rules.policy.track(&fee.key.of.track);
        let stage = track.and_then(|track| track.stages.iter().find(|stage| stage.id == fee.key.of.stage));
        let mut acts = stage.iter().flat_map(|stage| &stage.acts);
        let reconnects = acts.any(|act| matches!(act, Action::Fee(of) if of.reconnects.is_some()));
        if fee.bill.is_some() && !reconnects {
            return Ok(());
        }
        Err(OfficeError::refused(
            format!(
                "entry {entry}, {}, is no interest and no late fee, and the law waives no other ({INTEREST_WAIVED})",
                fee.name
            ),
            "`arrears fee waive` without --low-income proposes to waive it all the same",
        ))
    }

    /// Proposes to correct what is owed on a service: below zero in the customer's favor.
    ///
    /// # Errors
    /// When the change is nothing, or no reason is given.
    pub async fn propose_adjustment(
        &self,
        account: AccountId,
        service: Service,
        change: Cents,
        reason: &str,
        by: &str,
    ) -> Result<ProposalId> {
        need_reason(reason)?;
        positive(change.abs(), "an adjustment")?;
        self.propose(account, &Proposed::Adjustment { service, change, item: None }, change.abs(), reason, by).await
    }

    /// Proposes to write off all that is past due. The debt is not forgotten: it stands in the ledger.
    ///
    /// # Errors
    /// When nothing is past due, a referral of the debt is out, a deposit is held that pays it first, or no reason is given.
    pub async fn propose_write_off(&self, account: AccountId, reason: &str, by: &str) -> Result<(ProposalId, Cents)> {
        need_reason(reason)?;
        let snapshot = self.snapshot(account).await?;
        let debts = to_write_off(&snapshot.items, self.today());
        none_is_out(&snapshot, &debts)?;
        self.no_deposit_is_held(&snapshot)?;
        let amount: Cents = debts.iter().map(|debt| debt.open).sum();
        if debts.is_empty() {
            return Err(OfficeError::refused("nothing of this account is past due", "there is nothing to write off"));
        }
        let id = self.propose(account, &Proposed::WriteOff { debts }, amount, reason, by).await?;
        Ok((id, amount))
    }

    pub(super) async fn propose(
        &self,
        account: AccountId,
        what: &Proposed,
        amount: Cents,
        reason: &str,
        by: &str,
    ) -> Result<ProposalId> {
        self.not_of_household(by, account).await?;
        Ok(self.store.propose(account, what, amount, reason, &self.stamp(by)).await?)
    }

    /// Approves another's proposal, and posts it; of an arrangement, makes it.
    ///
    /// # Errors
    /// When it is one's own or of one's own household, its amount is above what the person may approve, it is decided already,
    /// or the ledger has moved on.
    pub async fn approve_proposal(&self, id: ProposalId, by: &str) -> Result<Proposal> {
        let proposal = self.store.proposal(id).await?;
        if proposal.state != ProposalState::Proposed {
            let decided = proposal.decided_by.as_deref().unwrap_or("somebody");
            return Err(OfficeError::refused(
                format!("proposal {id} was {} by {decided}", proposal.state),
                "`arrears approvals list` shows what waits",
            ));
        }
        if proposal.proposed_by == by {
            return Err(OfficeError::refused(
                format!("{by} proposed it, and nobody approves their own"),
                "ask somebody else who may",
            ));
        }
        self.not_of_household(by, proposal.account).await?;
        let rules = self.rules_on(self.today()).await?;
        self.tier_allows(&rules.policy.approvals, &proposal, by).await?;
        let touched: Vec<AccountId> = std::iter::once(proposal.account).chain(proposal.other_account()).collect();
        for _ in 0..LOOKS {
            // What is seen first is what every check below rests on, and what the approval is held against.
            let seen = self.store.snapshots(&touched).await?;
            let facts: Vec<(AccountId, i64)> = seen.iter().map(|known| (known.account, known.facts_seq)).collect();
            self.may_still_be_posted(&proposal, by).await?;
            if self.post(&proposal, &facts, &rules, by).await? {
                self.tell_rulings(proposal.account, &self.stamp(by)).await?;
                self.settle_accounts(&touched).await?;
                return self.store.proposal(id).await.map_err(Into::into);
            }
        }
        Err(OfficeError::Reexamined(Refusal::Overtaken))
    }

    /// Posts what is proposed, or makes the arrangement; false where something was learned since the facts were seen.
    async fn post(&self, proposal: &Proposal, seen: &[(AccountId, i64)], rules: &Rules, by: &str) -> Result<bool> {
        match &proposal.what {
            Proposed::Arrangement { .. } => {
                self.approve_arrangement(proposal, by).await?;
                Ok(true)
            }
            Proposed::Waiver { .. }
            | Proposed::Adjustment { .. }
            | Proposed::WriteOff { .. }
            | Proposed::Transfer { .. }
            | Proposed::Reinstatement { .. } => {
                let ledger = &rules.policy.ledger;
                Ok(self.store.approve_proposal(proposal.id, seen, ledger, &self.stamp(by)).await?)
            }
        }
    }

    /// Nothing stands against what the proposal would post.
    async fn may_still_be_posted(&self, proposal: &Proposal, by: &str) -> Result<()> {
        if let Proposed::WriteOff { debts } = &proposal.what {
            let snapshot = self.snapshot(proposal.account).await?;
            none_is_out(&snapshot, debts)?;
            self.no_deposit_is_held(&snapshot)?;
            self.still_proposed(proposal, debts, &snapshot).await?;
        }
        // Of what is left over of a write-off nobody is asked for a cent.
        if matches!(&proposal.what, Proposed::Reinstatement { left_over, .. } if left_over.is_empty()) {
            self.is_not_in_bankruptcy(proposal.account).await?;
        }
        self.still_may_transfer(proposal, by).await
    }

    /// Declines a proposal with a reason. Whoever made it may take it back so.
    ///
    /// # Errors
    /// When it is decided already, or no reason is given.
    pub async fn decline_proposal(&self, id: ProposalId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let proposal = self.store.proposal(id).await?;
        self.not_of_household(by, proposal.account).await?;
        // Whoever proposed it takes it back; of others' it takes somebody who approves.
        if proposal.proposed_by != by {
            self.person_may(by, Duty::Approve).await?;
        }
        Ok(self.store.decline_proposal(id, reason, &self.stamp(by)).await?)
    }

    /// What the policy proposed is looked at again: its stage, its condition, and what protects the account today.
    async fn still_proposed(&self, proposal: &Proposal, debts: &[WrittenOff], snapshot: &Snapshot) -> Result<()> {
        let Some(key) = proposal.act_key.as_deref() else { return Ok(()) };
        let key: ActKey = key.parse().map_err(|error| {
            crate::store::StoreError::Corrupt(format!("{key} of proposal {}: {error}", proposal.id))
        })?;
        let rules = self.rules_of_case(snapshot).await?;
        let pending = Pending {
            account: proposal.account,
            ordered: Ordered::WriteOff,
            of: key.of,
            service: key.service,
            items: debts.iter().map(|debt| debt.item).collect(),
            amount: proposal.amount,
            for_day: proposal.proposed_on,
        };
        self.leave(snapshot, &rules, &pending, self.today()).map(|_| ()).map_err(OfficeError::Reexamined)
    }

    async fn tier_allows(
        &self,
        rules: &crate::rulebook::policy::ApprovalRules,
        proposal: &Proposal,
        by: &str,
    ) -> Result<()> {
        let staff = self.store.staff().await?;
        // Before anybody is on the staff nobody has a role, and whoever works may do everything.
        if staff.is_empty() {
            return Ok(());
        }
        let Some(member) = staff.iter().find(|member| member.name == by) else {
            let why = format!("{by} is not on the staff, and has no role that the policy's `approvals` name");
            return Err(OfficeError::refused(why, "`arrears staff list` shows who is"));
        };
        let kind = proposal.what.kind();
        // A ruling is one decision, over however many bills it is spread.
        let ruling = self.ruling_of(proposal).await?;
        let amount = ruling.as_ref().map_or(proposal.amount, |(_, sum)| *sum);
        let approvers = rules.approvers(kind, amount);
        if approvers.contains(&member.role) {
            return Ok(());
        }
        let roles: Vec<&str> = approvers.iter().map(|role| role.word()).collect();
        let may = |person: &&crate::store::StaffMember| {
            approvers.contains(&person.role) && person.name != proposal.proposed_by
        };
        let people: Vec<&str> = staff.iter().filter(may).map(|person| person.name.as_str()).collect();
        let way_forward = match (roles.is_empty(), people.is_empty()) {
            (true, _) => "the policy's `approvals` name nobody for so much".to_owned(),
            (false, true) => format!("it takes a {}, and there is none besides", roles.join(" or ")),
            (false, false) => format!("ask {}", people.join(" or ")),
        };
        let article = if member.role == Role::Representative { "a representative" } else { member.role.word() };
        let in_all = ruling.map_or(String::new(), |(dispute, _)| format!(", which dispute {dispute} takes off in all"));
        let kind = if kind == ProposalKind::Adjustment { format!("an {kind}") } else { format!("a {kind}") };
        Err(OfficeError::refused(format!("{by}, {article}, may not approve {kind} of {amount}{in_all}"), way_forward))
    }

    /// The dispute whose ruling made the proposal, and what its rulings give in all.
    async fn ruling_of(&self, proposal: &Proposal) -> Result<Option<(DisputeId, Cents)>> {
        let disputes = self.store.disputes_of(proposal.account).await?;
        let Some(dispute) = disputes.iter().find(|known| known.proposals().any(|given| given == proposal.id)) else {
            return Ok(None);
        };
        let given: Vec<ProposalId> = dispute.proposals().collect();
        let of_account = self.store.proposals_of(proposal.account).await?;
        let of_ruling = of_account.iter().filter(|known| given.contains(&known.id));
        let sum = of_ruling.filter(|known| known.state != ProposalState::Declined).map(|known| known.amount).sum();
        Ok(Some((dispute.id, sum)))
    }

    /// Refuses what somebody would decide on an account of their own household.
    ///
    /// # Errors
    /// The refusal.
    pub(super) async fn not_of_household(&self, by: &str, account: AccountId) -> Result<()> {
        match self.household_refusal(by, account).await? {
            None => Ok(()),
            Some(why) => Err(OfficeError::refused(why, "ask somebody else who may")),
        }
    }

    /// Why somebody may decide nothing on the account, where that is so.
    pub(super) async fn household_refusal(&self, by: &str, account: AccountId) -> Result<Option<String>> {
        let households = self.store.households().await?;
        if !households.iter().any(|(name, theirs)| name == by && *theirs == account) {
            return Ok(None);
        }
        let number = self.store.account(account).await?.profile.number;
        Ok(Some(format!("account {number} is of {by}'s own household")))
    }

    /// Tells which accounts are of a person's household, in place of those told before.
    ///
    /// # Errors
    /// When there is no such account or no such person.
    pub async fn set_household(&self, name: &str, accounts: &[String], by: &str) -> Result<()> {
        if self.store.staff_login(name).await?.is_none() {
            return Err(OfficeError::NotFound { what: "person", id: name.to_owned() });
        }
        let mut ids = Vec::with_capacity(accounts.len());
        for number in accounts {
            ids.push(self.account(number).await?.id);
        }
        ids.sort_unstable();
        ids.dedup();
        // Anybody tells of their own; whoever could take one of them off again would decide on it after all.
        let told = self.store.households().await?;
        let removed = told.iter().find(|(person, account)| person == name && !ids.contains(account));
        if let Some((_, account)) = removed.filter(|_| by == name) {
            let number = self.store.account(*account).await?.profile.number;
            return Err(OfficeError::refused(
                format!("account {number} is of {name}'s own household, and nobody takes their own off"),
                "ask another who may change who is on the staff",
            ));
        }
        Ok(self.store.set_household(name, &ids, &self.stamp(by)).await?)
    }
}

/// A debt that is out is called back before it is written off: its destination would go on collecting it.
fn none_is_out(snapshot: &Snapshot, debts: &[WrittenOff]) -> Result<()> {
    let out = snapshot.placed.iter().find(|placed| debts.iter().any(|debt| placed.items.contains(&debt.item)));
    match out {
        None => Ok(()),
        Some(placed) => Err(OfficeError::refused(
            format!("the debt is out: referral {} with {} since {}", placed.referral, placed.to, short(placed.on)),
            format!("call it back first: `arrears referrals recall {} --reason TEXT`", placed.referral),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;
    use crate::office::testing::{City, day};
    use crate::store::StaffMember;

    /// May 1: the bill of $224.20 is 39 days past due. Ruth leads, Omar calls, Ida approves.
    async fn city() -> City {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city.at("2026-05-01", "09:00");
        city
    }

    #[tokio::test]
    async fn what_one_person_proposes_another_approves() {
        let city = city().await;
        let account = city.debtor().await;
        let proposed = city.office.propose_write_off(account, "moved, no address", "Ruth").await.unwrap();
        assert_eq!(proposed.1, Cents::new(22_420));
        let own = city.office.approve_proposal(proposed.0, "Ruth").await.unwrap_err().to_string();
        assert!(own.contains("nobody approves their own"), "{own}");
        city.office.approve_proposal(proposed.0, "Ida").await.unwrap();
        assert_eq!(city.office.snapshot(account).await.unwrap().balance(), Cents::ZERO);
        let again = city.office.approve_proposal(proposed.0, "Ida").await.unwrap_err().to_string();
        assert!(again.contains("was approved by Ida"), "{again}");
    }

    #[tokio::test]
    async fn a_debt_that_was_paid_in_part_meanwhile_is_not_written_off_as_it_was() {
        let city = city().await;
        let account = city.debtor().await;
        let (id, _) = city.office.propose_write_off(account, "moved", "Omar").await.unwrap();
        city.lockbox("10-000417", "24.20", "2026-05-01").await;
        let stale = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
        assert!(stale.contains("from $224.20 to $200.00") && stale.contains("propose anew"), "{stale}");
        assert_eq!(city.office.store.proposal(id).await.unwrap().state, ProposalState::Proposed);
    }

    #[tokio::test]
    async fn a_small_write_off_is_the_leads_and_a_large_one_is_not() {
        let city = city().await;
        let account = city.debtor().await;
        let (large, _) = city.office.propose_write_off(account, "moved", "Omar").await.unwrap();
        let refused = city.office.approve_proposal(large, "Ruth").await.unwrap_err().to_string();
        assert_eq!(refused, "Ruth, lead, may not approve a write_off of $224.20; ask Ida");
        city.office.decline_proposal(large, "ask again after a payment", "Ida").await.unwrap();
        city.lockbox("10-000417", "150.00", "2026-05-01").await;
        let (small, amount) = city.office.propose_write_off(account, "the rest", "Omar").await.unwrap();
        assert_eq!(amount, Cents::new(7_420));
        city.office.approve_proposal(small, "Ruth").await.unwrap();
    }

    #[tokio::test]
    async fn nobody_decides_on_an_account_of_their_own_household() {
        let city = city().await;
        let account = city.debtor().await;
        city.office.set_household("Ida", &["10-000417".to_owned()], "Ruth").await.unwrap();
        let change = Cents::new(-2_000);
        let id = city.office.propose_adjustment(account, Service::Water, change, "leak", "Omar").await.unwrap();
        let refused = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
        assert!(refused.contains("Ida's own household"), "{refused}");
        let order = city.to_the_approval().await;
        city.office.set_household("Ruth", &["10-000417".to_owned()], "Ida").await.unwrap();
        let handled = city.office.approve_orders(&[order], "Ruth").await.unwrap();
        assert!(handled.done.is_empty() && handled.refused[0].1.contains("own household"), "{handled:?}");
        let skip = city.office.skip_stage(account, "shut_off", "x", "Ruth").await.unwrap_err().to_string();
        assert!(skip.contains("own household"), "{skip}");
        assert_eq!(city.office.today(), day("2026-05-22"));
    }

    #[tokio::test]
    async fn nobody_spares_their_own_household_or_takes_it_off_the_list() {
        let city = city().await;
        let account = city.debtor().await;
        let own = ["10-000417".to_owned()];
        city.office.set_household("Ruth", &own, "Ruth").await.unwrap();
        let off = city.office.set_household("Ruth", &[], "Ruth").await.unwrap_err().to_string();
        assert!(off.contains("nobody takes their own off"), "{off}");
        let order = city.to_the_approval().await;
        let (office, by) = (&city.office, "Ruth");
        let plan = crate::office::PlanRequest { installments: 2, first_due: day("2026-06-15"), ..Default::default() };
        let refused = [
            office.cancel_order(order, "called", by).await.map(drop),
            office.hold(account, crate::domain::hold::HoldKind::Review, (None, None), "look", by).await.map(drop),
            office.promise(account, Cents::new(5_000), day("2026-05-29"), by).await.map(drop),
            office.arrange(account, &plan, by).await.map(drop),
        ];
        for (n, refused) in refused.into_iter().enumerate() {
            let why = refused.unwrap_err().to_string();
            assert!(why.contains("own household"), "{n}: {why}");
        }
        city.office.cancel_order(order, "called", "Ida").await.unwrap();
        city.office.set_household("Ruth", &[], "Ida").await.unwrap();
    }

    #[tokio::test]
    async fn nobody_changes_their_own_role() {
        let city = city().await;
        let as_role = |role| StaffMember { name: "Ruth".into(), role, languages: Vec::new(), capacity: 20 };
        let refused = city.office.put_staff(&as_role(Role::Administrator), "Ruth").await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "Ruth is lead, and nobody changes their own role; ask another who may change who is on the staff"
        );
        city.office.put_staff(&as_role(Role::Lead), "Ruth").await.unwrap();
    }

    #[tokio::test]
    async fn an_adjustment_in_the_customers_favor_lowers_what_is_owed_on_its_service() {
        let city = city().await;
        let account = city.debtor().await;
        let change = Cents::new(-2_420);
        let id = city.office.propose_adjustment(account, Service::Water, change, "leak credit", "Omar").await.unwrap();
        city.office.approve_proposal(id, "Ruth").await.unwrap();
        assert_eq!(city.office.snapshot(account).await.unwrap().balance(), Cents::new(20_000));
    }

    #[tokio::test]
    async fn nobody_from_outside_the_staff_approves_whatever_the_amount() {
        let city = city().await;
        let account = city.debtor().await;
        let (id, _) = city.office.propose_write_off(account, "moved", "Omar").await.unwrap();
        let refused = city.office.approve_proposal(id, "Somebody Else").await.unwrap_err().to_string();
        assert!(refused.contains("Somebody Else is not on the staff"), "{refused}");
        assert_eq!(city.office.store.proposal(id).await.unwrap().state, ProposalState::Proposed);
    }
}

//! Debts that go with their customer: proposed by the policy or by a person, approved by another, never to somebody else.

use super::accounts::need_reason;
use super::{Office, OfficeError, Result, Rules};
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::{plus_days, short};
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::kinship::KinshipState;
use crate::domain::proposal::{Proposal, ProposalState, Proposed};
use crate::domain::referral::ReferralState;
use crate::domain::transfer::{MovedDebt, to_move};
use crate::domain::{AccountId, Cents, Day, ItemId, ProposalId, Snapshot};
use crate::referral::limitation::{Clock, Limitation, of_due};
use crate::store::StoreError;

impl Office {
    /// Proposes that all that is past due on an account that has ended goes to another account of the same customer.
    ///
    /// # Errors
    /// When the customers are two, an account does not fit, something protects the debt, or no reason is given.
    pub async fn propose_transfer(
        &self,
        from: AccountId,
        to: AccountId,
        reason: &str,
        by: &str,
    ) -> Result<(ProposalId, Cents)> {
        need_reason(reason)?;
        let rules = self.rules_on(self.today()).await?;
        let (from, to) = (self.snapshot(from).await?, self.snapshot(to).await?);
        let debts = to_move(&from.items, self.today(), 0);
        if debts.is_empty() {
            let number = &from.profile.number;
            return Err(OfficeError::refused(
                format!("nothing of account {number} is past due"),
                "there is nothing to transfer",
            ));
        }
        let mut facts = self.may_transfer(&from, &to, &debts, &rules).await?;
        facts.extend(ages(&debts, self.today(), rules.policy.referral.limitation_years));
        self.not_of_household(by, to.account).await?;
        let amount: Cents = debts.iter().map(|debt| debt.open).sum();
        let what = Proposed::Transfer { to: to.account, number: to.profile.number.clone(), debts, facts };
        let id = self.propose(from.account, &what, amount, reason, by).await?;
        Ok((id, amount))
    }

    /// Proposes what the policy lets follow the customers of these accounts, once for each debt: what was declined is not
    /// proposed again. A debt upon which nobody can sue any more stays where it is. Gives the accounts whose debt is kept where
    /// it is by something that can pass without a fact.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn propose_debts_that_follow(
        &self,
        customers_of: &[AccountId],
        rules: &Rules,
        day: Day,
    ) -> Result<Vec<AccountId>> {
        let Some(follow) = rules.policy.debts_follow else { return Ok(Vec::new()) };
        let years = rules.policy.referral.limitation_years;
        let citation = rules.policy.origin(follow.rule).map(|origin| origin.citation.clone()).unwrap_or_default();
        let mut again = Vec::new();
        let due_by = plus_days(day, -follow.least_days());
        for (from, active) in self.store.debts_that_may_follow(due_by, customers_of).await? {
            let from = self.snapshot(from).await?;
            let before = self.store.proposals_of(from.account).await?;
            let mut debts = to_move(&from.items, day, follow.after_days);
            debts
                .retain(|debt| !is_passed(debt, day, years) && !before.iter().any(|known| speaks_of(known, debt.item)));
            if debts.is_empty() {
                continue;
            }
            for to in active {
                let to = self.snapshot(to).await?;
                let Ok(mut facts) = self.may_transfer(&from, &to, &debts, rules).await else {
                    if may_pass(&from, &to, day) {
                        again.push(from.account);
                    }
                    continue;
                };
                facts.extend(ages(&debts, day, years));
                let amount: Cents = debts.iter().map(|debt| debt.open).sum();
                let what = Proposed::Transfer { to: to.account, number: to.profile.number.clone(), debts, facts };
                let reason = format!("the policy lets debts follow their customer ({citation})");
                let stamp = self.daemon_stamp(day);
                match self.store.propose(from.account, &what, amount, &reason, &stamp).await {
                    Ok(_) | Err(StoreError::Conflict(_)) => {}
                    Err(error) => return Err(error.into()),
                }
                break;
            }
        }
        Ok(again)
    }

    /// Whether a transfer may still be posted as it was proposed.
    pub(super) async fn still_may_transfer(&self, proposal: &Proposal, by: &str) -> Result<()> {
        let Proposed::Transfer { to, debts, .. } = &proposal.what else { return Ok(()) };
        self.not_of_household(by, *to).await?;
        let rules = self.rules_on(self.today()).await?;
        let (from, to) = (self.snapshot(proposal.account).await?, self.snapshot(*to).await?);
        self.may_transfer(&from, &to, debts, &rules).await.map(|_| ())
    }

    /// Whether the debts may go from the one account to the other; what both have in common.
    async fn may_transfer(
        &self,
        from: &Snapshot,
        to: &Snapshot,
        debts: &[MovedDebt],
        rules: &Rules,
    ) -> Result<Vec<String>> {
        let today = self.today();
        let (left, here) = (&from.profile, &to.profile);
        let refuse = |what: String, way: &str| Err(OfficeError::refused(what, way));
        let facts = self.same_customer(from, to).await?;
        if left.ended.is_none_or(|ended| today < ended) {
            return refuse(format!("service of account {} goes on", left.number), "its debt is collected there");
        }
        if let Some(ended) = here.ended.filter(|ended| *ended <= today) {
            return refuse(format!("account {} has ended {}", here.number, short(ended)), "name an active account");
        }
        if rules.policy.debts_follow.is_none_or(|follow| follow.same_class) && left.class != here.class {
            return refuse(
                format!("account {} is {}, and account {} {}", left.number, left.class, here.number, here.class),
                "a debt follows within one class, unless the policy says `debts_follow: {classes: any}`",
            );
        }
        for snapshot in [from, to] {
            let number = &snapshot.profile.number;
            if let Some(petition) = snapshot.stay_on(today) {
                return refuse(
                    format!("a petition in bankruptcy stands on account {number} ({})", petition.words()),
                    "what was owed before it is not moved (11 USC 362(a)(6)); wait for the court",
                );
            }
        }
        for snapshot in [from, to] {
            let number = &snapshot.profile.number;
            if let Some(why) = &snapshot.frozen {
                return refuse(format!("account {number} waits for a person: {why}"), "clear that line first");
            }
            for hold in snapshot.holds.iter().filter(|hold| hold.holds_on(today)) {
                let concerns = hold.items.is_empty() || debts.iter().any(|debt| hold.items.contains(&debt.item));
                if hold.kind == HoldKind::Bankruptcy {
                    return refuse(
                        format!(
                            "a bankruptcy hold stands on account {number}: what was owed before the petition is not moved"
                        ),
                        "11 USC 362(a)(6); wait for the court",
                    );
                }
                let blocks = rules.policy.hold_blocks(hold.kind).contains(&Blocks::Referral);
                if concerns && blocks && snapshot.account == from.account {
                    return refuse(format!("a {} hold stands on account {number}", hold.kind), "wait until it ends");
                }
            }
        }
        let held = from.deposit_due(today);
        if held.is_positive() {
            return refuse(
                format!("a deposit of {held} is held for account {}", left.number),
                "it is applied to what is owed first, with the final bill",
            );
        }
        if let Some((plan, standing)) = from.arrangement_on(today)
            && standing.state == ArrangementState::Performing
            && debts.iter().any(|debt| plan.covers.contains(&debt.item))
        {
            return refuse(
                format!("the arrangement of {} on account {} is being kept", short(plan.made_on), left.number),
                "let it go on, or cancel it first",
            );
        }
        let referrals = self.store.referrals_of(from.account).await?;
        let is_out = |state| matches!(state, ReferralState::Placed | ReferralState::Approved);
        if let Some(out) = referrals.iter().find(|referral| is_out(referral.state)) {
            return refuse(
                format!("the debt of account {} is referred ({})", left.number, out.to),
                "`arrears referrals recall` calls it back first",
            );
        }
        Ok(facts)
    }

    /// What says that both accounts are one customer's: the billing system's number, or a person's word.
    async fn same_customer(&self, from: &Snapshot, to: &Snapshot) -> Result<Vec<String>> {
        let (left, here) = (&from.profile, &to.profile);
        if from.account == to.account {
            return Err(OfficeError::refused("a debt stays on its account", "name another account"));
        }
        if let Some(customer) = left.customer().filter(|customer| here.customer() == Some(customer)) {
            return Ok(vec![format!("both accounts are of customer {customer}")]);
        }
        let pairs = self.store.kinships_of(from.account).await?;
        let mut confirmed = pairs.iter().filter(|pair| pair.state == KinshipState::Confirmed);
        if let Some(pair) = confirmed.find(|pair| pair.other(from.account) == to.account) {
            let by = pair.decided_by.as_deref().unwrap_or("somebody");
            return Ok(vec![format!("the same customer by {} (confirmed by {by})", pair.matches.join(", "))]);
        }
        let who = |profile: &crate::domain::Profile| {
            let number =
                profile.customer().map_or_else(|| "no customer number".to_owned(), |c| format!("customer {c}"));
            format!("account {} is of {} ({number})", profile.number, profile.customer_name)
        };
        Err(OfficeError::refused(
            format!("{}, {}: an occupant never owes a former occupant's debt", who(left), who(here)),
            "where both are one customer, the billing system says so by `customer`, or a lead confirms it: \
             `arrears returning list`",
        ))
    }
}

/// Whether the proposal waits or was declined, and would move the debt.
fn speaks_of(proposal: &Proposal, item: ItemId) -> bool {
    let Proposed::Transfer { debts, .. } = &proposal.what else { return false };
    proposal.state != ProposalState::Approved && debts.iter().any(|debt| debt.item == item)
}

/// Whether what keeps a debt where it is can pass on a day, without a fact: a hold's, the end of service, a missed installment.
fn may_pass(from: &Snapshot, to: &Snapshot, day: Day) -> bool {
    let dated =
        |known: &Snapshot| known.frozen.is_some() || known.holds.iter().any(|hold| hold.changes_after(day).is_some());
    let ends = from.profile.ended.is_some_and(|ended| day < ended);
    ends || dated(from) || dated(to) || from.arrangement_on(day).is_some()
}

fn is_passed(debt: &MovedDebt, day: Day, years: u16) -> bool {
    matches!(of_due(debt.item, debt.due_on, years).on(day), Clock::Passed(_))
}

/// The oldest due date, and the last day to sue, which a transfer does not move.
fn ages(debts: &[MovedDebt], day: Day, years: u16) -> Vec<String> {
    let Some(oldest) = debts.iter().min_by_key(|debt| debt.due_on) else { return Vec::new() };
    let limitation = of_due(oldest.item, oldest.due_on, years);
    vec![format!("oldest due {}", short(oldest.due_on)), last_day(&limitation, day)]
}

/// `the last day to sue is 2030-04-01`, or that it has passed.
pub(super) fn last_day(limitation: &Limitation, day: Day) -> String {
    let last = short(limitation.last_day);
    match limitation.on(day) {
        Clock::Passed(_) => format!("the last day to sue has passed, {last}"),
        Clock::Near(_) | Clock::Runs(_) | Clock::NotAccrued => format!("the last day to sue is {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hold::HoldKind;
    use crate::domain::{EntryKind, Language, Role};
    use crate::office::testing::{City, day};
    use crate::store::StaffMember;

    const ACCOUNTS: &str = "account,customer_name,customer,service_address,service_city,service_state,service_zip,phone,\
                            services,occupancy,class,service_ended\n";
    const CHARGES: &str = "account,service,amount,billed_on,due_on,source,reference\n";

    /// May 20: Rosa Muñoz has left Alder Street, where $224.20 is owed since March 23, and lives at Quarry Road; Omar Diaz lives
    /// at Alder Street now. The final bill of $30.00 was due on May 11.
    async fn moved() -> City {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city.at("2026-04-15", "09:00");
        accounts(&city, "").await;
        let bills = "10-000417,water,30.00,2026-04-20,2026-05-11,cis,B2-W\n10-000900,water,40.00,2026-05-04,2026-05-25,cis,N-1\n";
        city.at("2026-05-04", "09:00");
        city.takes("charges-2.csv", &format!("{CHARGES}{bills}")).await;
        city.at("2026-05-20", "09:00");
        city
    }

    /// The three accounts; the new one of the class.
    async fn accounts(city: &City, class: &str) {
        let rows = format!(
            "10-000417,Rosa Muñoz,C-20417,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,,2026-04-15\n\
             10-000900,Rosa Muñoz,C-20417,77 Quarry Rd,Riverbend,CA,95600,(916) 555-0142,water,tenant,{class},\n\
             10-000950,Omar Diaz,C-30001,418 Alder St,Riverbend,CA,95600,(916) 555-0177,water,tenant,,\n"
        );
        city.takes("accounts-2.csv", &format!("{ACCOUNTS}{rows}")).await;
    }

    async fn id(city: &City, number: &str) -> AccountId {
        city.office.account(number).await.unwrap().id
    }

    async fn refused(city: &City, to: &str) -> String {
        let (from, to) = (id(city, "10-000417").await, id(city, to).await);
        city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap_err().to_string()
    }

    async fn balances(city: &City) -> (i64, i64) {
        let balance = |number: &'static str| async move {
            city.office.snapshot(id(city, number).await).await.unwrap().balance().get()
        };
        (balance("10-000417").await, balance("10-000900").await)
    }

    #[tokio::test]
    async fn a_debt_goes_with_its_customer_when_another_person_approves_it_and_keeps_its_age() {
        let city = moved().await;
        let (from, to) = (id(&city, "10-000417").await, id(&city, "10-000900").await);
        let (proposal, amount) = city.office.propose_transfer(from, to, "moved to Quarry Rd", "Omar").await.unwrap();
        assert_eq!(amount, Cents::new(25_420));
        let known = city.office.store.proposal(proposal).await.unwrap().reason_with_facts();
        assert_eq!(
            known,
            "moved to Quarry Rd; both accounts are of customer C-20417; oldest due Mon 2026-03-23; the last day to sue is \
             Thu 2028-03-23"
        );
        assert_eq!(balances(&city).await, (25_420, 4_000), "nothing moves until it is approved");
        let own = city.office.approve_proposal(proposal, "Omar").await.unwrap_err().to_string();
        assert!(own.contains("nobody approves their own"), "{own}");
        city.office.approve_proposal(proposal, "Ida").await.unwrap();
        assert_eq!(balances(&city).await, (0, 29_420));
        let items = city.office.snapshot(to).await.unwrap().items;
        let moved: Vec<_> = items.iter().filter(|item| item.kind == EntryKind::Transfer).collect();
        assert_eq!(moved.iter().map(|item| item.due_on).collect::<Vec<_>>(), [day("2026-03-23"), day("2026-05-11")]);
        assert_eq!(moved[0].printed["first_billed"], day("2026-03-02"));
        // Each half names the other, and the billing system is told of both.
        let entry = |entries: Vec<crate::domain::Entry>| {
            entries.into_iter().find(|entry| entry.kind == EntryKind::Transfer).unwrap()
        };
        let arrived = entry(city.office.store.entries(to).await.unwrap());
        let left = entry(city.office.store.entries(from).await.unwrap());
        assert_eq!(arrived.memo, format!("From account 10-000417, billed 2026-03-02, entry {}", left.id));
        assert_eq!(left.memo, "To account 10-000900");
        let list = city.office.export_fees("Ruth").await.unwrap().unwrap();
        assert_eq!((list.entries.len(), list.total), (4, Cents::ZERO));
        let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
        assert!(checkup.is_clean(), "{:?}", checkup.checks);
        let transfers = checkup.checks.iter().find(|check| check.name == "transfers").unwrap();
        assert_eq!(transfers.looked_at, 4);
    }

    #[tokio::test]
    async fn an_occupant_never_owes_a_former_occupants_debt() {
        let city = moved().await;
        let said = refused(&city, "10-000950").await;
        assert!(
            said.contains(
                "account 10-000417 is of Rosa Muñoz (customer C-20417), account 10-000950 is of Omar Diaz (customer \
                 C-30001): an occupant never owes a former occupant's debt"
            ),
            "{said}"
        );
    }

    #[tokio::test]
    async fn what_protects_a_debt_keeps_it_where_it_is() {
        let city = moved().await;
        let to = id(&city, "10-000900").await;
        let back = city.office.propose_transfer(to, id(&city, "10-000417").await, "x", "Omar").await.unwrap_err();
        assert!(back.to_string().contains("nothing of account 10-000900 is past due"), "{back}");
        let hold = city.office.hold(to, HoldKind::Bankruptcy, (None, None), "case 26-1", "Omar").await.unwrap();
        let said = refused(&city, "10-000900").await;
        assert!(
            said.contains("a bankruptcy hold stands on account 10-000900") && said.contains("11 USC 362"),
            "{said}"
        );
        city.office.end_hold(hold, "dismissed", "Ruth").await.unwrap();
        accounts(&city, "commercial").await;
        let said = refused(&city, "10-000900").await;
        assert!(said.contains("10-000417 is residential, and account 10-000900 commercial"), "{said}");
    }

    #[tokio::test]
    async fn a_petition_on_either_account_keeps_older_debt_where_it_is() {
        let city = moved().await;
        let request = crate::office::PetitionRequest {
            chapter: crate::domain::petition::Chapter::Seven,
            court: "Eastern District of California".into(),
            case_number: "26-20417".into(),
            petition_on: day("2026-05-10"),
            relief_on: None,
            learned_on: None,
        };
        let (from, to) = (id(&city, "10-000417").await, id(&city, "10-000900").await);
        let (earlier, _) = city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap();
        let recorded = city.office.record_petition(to, &request, "Omar").await.unwrap();
        assert_eq!(recorded.held, ["10-000417"], "the customer's other account waits for somebody to look");
        let said = refused(&city, "10-000900").await;
        assert!(said.contains("case 26-20417") && said.contains("11 USC 362"), "{said}");
        let late = city.office.approve_proposal(earlier, "Ida").await.unwrap_err().to_string();
        assert!(late.contains("case 26-20417"), "{late}");
        let hold = city.office.snapshot(from).await.unwrap().holds[0].id;
        city.office.end_hold(hold, "the petition names one account", "Ruth").await.unwrap();
        city.at("2026-05-21", "04:00");
        city.office.night(day("2026-05-21")).await.unwrap();
        let proposed = city.office.store.proposals(false).await.unwrap();
        assert_eq!(proposed.len(), 1, "the night proposes none: {proposed:?}");
    }

    #[tokio::test]
    async fn a_debt_that_was_paid_since_is_not_transferred_as_it_was() {
        let city = moved().await;
        let (from, to) = (id(&city, "10-000417").await, id(&city, "10-000900").await);
        let (proposal, _) = city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap();
        city.lockbox("10-000417", "24.20", "2026-05-20").await;
        let stale = city.office.approve_proposal(proposal, "Ida").await.unwrap_err().to_string();
        assert!(stale.contains("from $224.20 to $200.00"), "{stale}");
        assert_eq!(balances(&city).await, (23_000, 4_000));
    }

    #[tokio::test]
    async fn the_policy_proposes_what_follows_once_and_a_person_decides() {
        let city = moved().await;
        city.at("2026-05-20", "04:00");
        city.office.night(day("2026-05-20")).await.unwrap();
        let waiting = city.office.store.proposals(true).await.unwrap();
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        // Thirty days past due is the bill of March alone.
        assert_eq!((waiting[0].amount, waiting[0].proposed_by.as_str()), (Cents::new(22_420), "Arrears"));
        city.office.decline_proposal(waiting[0].id, "she pays it there", "Ruth").await.unwrap();
        city.at("2026-05-21", "04:00");
        city.office.night(day("2026-05-21")).await.unwrap();
        assert!(city.office.store.proposals(true).await.unwrap().is_empty(), "what was declined is not proposed again");
    }

    #[tokio::test]
    async fn a_debt_that_came_with_its_customer_shuts_off_no_water_and_is_told_anew() {
        let city = moved().await;
        let (from, to) = (id(&city, "10-000417").await, id(&city, "10-000900").await);
        let (proposal, _) = city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap();
        city.office.approve_proposal(proposal, "Ida").await.unwrap();
        // Her own bill of $40.00 alone is below what a final notice is about.
        let told = |name: &'static str| {
            let (city, to) = (&city, to);
            async move {
                let notices = city.office.store.notices_of(to).await.unwrap();
                notices.into_iter().find(|notice| notice.template.as_str() == name)
            }
        };
        for on in ["2026-05-21", "2026-06-22", "2026-07-20", "2026-08-20", "2026-08-21"] {
            city.at(on, "04:00");
            city.office.night(day(on)).await.unwrap();
            assert_eq!(told("final_notice").await, None, "{on}");
        }
        let demand = told("demand").await.unwrap();
        let listed = demand.facts.items.iter().filter(|item| item.kind == EntryKind::Transfer);
        assert_eq!(listed.map(|item| item.due_on).collect::<Vec<_>>(), [day("2026-03-23"), day("2026-05-11")]);
        let fees = city.office.store.entries(to).await.unwrap();
        let fees = fees.iter().filter(|entry| entry.kind == EntryKind::Fee);
        assert_eq!(fees.count(), 1, "the late fee of her own bill; the others had theirs where they were billed");
    }
}

//! Debts that go with their customer: proposed by the policy or by a person, approved by another, never to somebody else.

use super::accounts::need_reason;
use super::{Office, OfficeError, Result, Rules};
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::{plus_days, short};
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::kinship::KinshipState;
use crate::domain::proposal::{Proposal, ProposalState, Proposed};
use crate::domain::referral::ReferralState;
use crate::domain::transfer::{MovedDebt, to_move, to_take_back};
use crate::domain::{AccountId, Cents, Day, ItemId, ProposalId, Snapshot};
use crate::referral::limitation::{Clock, Limitation, of_due};
use crate::store::StoreError;

impl Office {
    /// Proposes that all that is past due on an account that has ended goes to another account of the same customer; or that a
    /// debt goes back where it came from, as far as the money that lies there pays it.
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
        let mut debts = to_move(&from.items, self.today(), 0);
        if to.unapplied.is_positive() {
            let came = self.store.debts_from(from.account, to.account).await?;
            if !came.is_empty() {
                debts.retain(|debt| came.contains(&debt.item));
                debts = to_take_back(debts, to.unapplied);
            }
        }
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
        not_contested(from, today)?;
        if let Some(lies) = self.goes_back(from, to, debts).await? {
            no_petition(&[from, to], today)?;
            return Ok(vec![format!("{lies} lies on account {}, where the debt came from", here.number)]);
        }
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
        no_petition(&[from, to], today)?;
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

    /// What lies where the debts came from, if that pays them: then they go back to the money, whatever else stands on either
    /// account, for all that comes of it is that they are paid.
    async fn goes_back(&self, from: &Snapshot, to: &Snapshot, debts: &[MovedDebt]) -> Result<Option<Cents>> {
        let moved: Cents = debts.iter().map(|debt| debt.open).sum();
        if from.account == to.account || to.unapplied < moved {
            return Ok(None);
        }
        let came = self.store.debts_from(from.account, to.account).await?;
        Ok(debts.iter().all(|debt| came.contains(&debt.item)).then_some(to.unapplied))
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

/// A debt stays on the account on which it is disputed, and on which an appeal may still be taken: what protects its customer
/// meanwhile, whichever bill it is about, is asked of that account.
fn not_contested(from: &Snapshot, today: Day) -> Result<()> {
    let number = &from.profile.number;
    if let Some(hold) = from.holds.iter().find(|hold| hold.kind.contests() && hold.holds_on(today)) {
        let what = format!("a {} hold stands on account {number}", hold.kind);
        return Err(OfficeError::refused(what, "wait until it is decided"));
    }
    let running = from.disputes.iter().find_map(|known| Some((known.id, known.appealable_through(today)?)));
    let Some((dispute, last)) = running else { return Ok(()) };
    Err(OfficeError::refused(
        format!("the ruling on dispute {dispute} of account {number} can be appealed until {}", short(last)),
        "wait until then: an appeal holds the account on which the debt was disputed",
    ))
}

/// What was owed before a petition stays where it is.
fn no_petition(accounts: &[&Snapshot], today: Day) -> Result<()> {
    for snapshot in accounts {
        if let Some(petition) = snapshot.stay_on(today) {
            let number = &snapshot.profile.number;
            return Err(OfficeError::refused(
                format!("a petition in bankruptcy stands on account {number} ({})", petition.words()),
                "what was owed before it is not moved (11 USC 362(a)(6)); wait for the court",
            ));
        }
    }
    Ok(())
}

/// Whether the proposal waits or was declined, and would move the debt.
fn speaks_of(proposal: &Proposal, item: ItemId) -> bool {
    let Proposed::Transfer { debts, .. } = &proposal.what else { return false };
    proposal.state != ProposalState::Approved && debts.iter().any(|debt| debt.item == item)
}

/// Whether what keeps a debt where it is can pass on a day, without a fact: a hold's, the end of service or of the time to
/// appeal, a missed installment.
fn may_pass(from: &Snapshot, to: &Snapshot, day: Day) -> bool {
    let dated =
        |known: &Snapshot| known.frozen.is_some() || known.holds.iter().any(|hold| hold.changes_after(day).is_some());
    let ends = from.profile.ended.is_some_and(|ended| day < ended);
    let appealable = from.disputes.iter().any(|dispute| dispute.appealable_through(day).is_some());
    ends || dated(from) || dated(to) || appealable || from.arrangement_on(day).is_some()
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
    use crate::domain::{EntryKind, Language, Role, Service};
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
    async fn money_under_the_old_number_stops_what_is_done_for_the_debt_under_the_new_one() {
        let city = moved().await;
        let (from, to) = (id(&city, "10-000417").await, id(&city, "10-000900").await);
        let (proposal, _) = city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap();
        city.office.approve_proposal(proposal, "Ida").await.unwrap();
        let frozen = || async { city.office.snapshot(to).await.unwrap().frozen };
        assert_eq!(frozen().await, None);
        // She pays with the stub of the old bill.
        city.lockbox("10-000417", "224.20", "2026-05-20").await;
        let told = frozen().await.unwrap();
        assert!(told.contains("lies on account 10-000417 and pays nothing there"), "{told}");
        city.at("2026-05-21", "09:00");
        let snapshot = city.office.snapshot(from).await.unwrap();
        let credit = snapshot.unapplied;
        let back =
            city.office.propose_adjustment(from, Service::Water, credit, "paid for 10-000900", "Omar").await.unwrap();
        city.office.approve_proposal(back, "Ida").await.unwrap();
        assert_eq!(frozen().await, None, "nothing lies there any more");
    }

    #[tokio::test]
    async fn what_was_disputed_stays_where_it_is_until_no_appeal_can_come_and_is_disputed_where_it_is() {
        let city = moved().await;
        let (from, to) = (id(&city, "10-000417").await, id(&city, "10-000900").await);
        let request = |item: &str| crate::office::DisputeRequest {
            items: vec![item.into()],
            reason: "the meter was misread".into(),
            raised_on: None,
        };
        let (earlier, _) = city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap();
        let dispute = city.office.open_dispute(from, &request("B1-W"), "Omar").await.unwrap();
        assert!(refused(&city, "10-000900").await.contains("a dispute hold stands on account 10-000417"));
        city.at("2026-05-21", "09:00");
        let ruling = crate::office::RulingRequest {
            side: crate::domain::dispute::Side::City,
            findings: "the meter was tested".into(),
            credit: None,
        };
        let decided = city.office.decide_dispute(dispute.id, &ruling, "Ruth").await.unwrap();
        let last = crate::domain::day::short(decided.appeal_by().unwrap());
        let words = format!("the ruling on dispute {} of account 10-000417 can be appealed until {last}", dispute.id);
        assert!(refused(&city, "10-000900").await.contains(&words));
        let late = city.office.approve_proposal(earlier, "Ida").await.unwrap_err().to_string();
        assert!(late.contains(&words), "{late}");
        // A transfer of before this was barred: the appeal holds what it is about where that is owed.
        let rules = city.office.rules_on(day("2026-05-21")).await.unwrap();
        let stamp = city.office.stamp("Ida");
        assert!(city.office.store.approve_proposal(earlier, &[], &rules.policy.ledger, &stamp).await.unwrap());
        let again = city.office.open_dispute(from, &request("B1-W"), "Omar").await.unwrap_err().to_string();
        assert!(again.contains("$224.20 of it went to account 10-000900 and is owed there"), "{again}");
        city.office.appeal_dispute(dispute.id, "a plumber found a leak", "Omar").await.unwrap();
        let here = city.office.snapshot(to).await.unwrap();
        let moved = here.items.iter().find(|item| item.open == Cents::new(22_420)).unwrap();
        assert!(here.holds.iter().any(|hold| hold.kind == HoldKind::Appeal && hold.items.contains(&moved.id)));
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
        let hold = here.holds[0].id;
        city.office.end_hold(hold, "too early", "Ruth").await.unwrap();
        let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
        assert!(!checkup.is_clean(), "what is contested is not held where it is owed");
    }

    /// Rosa had two accounts that ended, and the debts of both went with her.
    async fn moved_from_two() -> (City, [AccountId; 3]) {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        let rows = "10-000417,Rosa Muñoz,C-20417,418 Alder St,Riverbend,CA,95600,,water,owner,,2026-03-20\n\
                    10-000418,Rosa Muñoz,C-20417,420 Alder St,Riverbend,CA,95600,,water,owner,,2026-03-20\n\
                    10-000900,Rosa Muñoz,C-20417,77 Quarry Rd,Riverbend,CA,95600,,water,tenant,,\n";
        city.takes("accounts-2.csv", &format!("{ACCOUNTS}{rows}")).await;
        let bill = "10-000418,water,110.00,2026-03-02,2026-03-23,cis,B2-W\n";
        city.takes("charges-2.csv", &format!("{CHARGES}{bill}")).await;
        city.at("2026-05-14", "09:00");
        let ids = [id(&city, "10-000417").await, id(&city, "10-000418").await, id(&city, "10-000900").await];
        for from in &ids[..2] {
            let (proposal, _) = city.office.propose_transfer(*from, ids[2], "moved", "Omar").await.unwrap();
            city.office.approve_proposal(proposal, "Ida").await.unwrap();
        }
        (city, ids)
    }

    async fn behind(city: &City) -> Vec<(i64, String)> {
        let lines = city.office.store.exceptions_of_kind(crate::store::ExceptionKind::MoneyLeftBehind).await.unwrap();
        let place = |text: &str| text.split(" and pays").next().unwrap_or_default().to_owned();
        lines.into_iter().map(|line| (line.id, place(&line.text))).collect()
    }

    #[tokio::test]
    async fn what_lies_under_one_old_number_is_told_until_it_is_looked_at_whatever_comes_under_another() {
        let (city, [_, _, here]) = moved_from_two().await;
        city.at("2026-05-20", "09:00");
        city.lockbox("10-000417", "224.20", "2026-05-20").await;
        assert_eq!(behind(&city).await, [(1, "$224.20 lies on account 10-000417".to_owned())]);
        city.at("2026-05-27", "09:00");
        city.lockbox("10-000418", "1.00", "2026-05-27").await;
        let both =
            [(1, "$224.20 lies on account 10-000417".to_owned()), (2, "$1.00 lies on account 10-000418".to_owned())];
        assert_eq!(behind(&city).await, both);
        let back = "account,reversed_on,reverses_source,reverses_reference,source,reference\n\
                    10-000418,2026-05-28,lockbox,LB-10-000418-1.00-2026-05-27,lockbox,NSF-1\n";
        city.at("2026-05-28", "09:00");
        city.takes("reversals.csv", back).await;
        assert_eq!(behind(&city).await, both[..1]);
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
        // A person says that it is meant for something else, and is asked again only when more comes.
        city.office.clear_exception(1, Some("a deposit of hers, by her letter"), "Ruth").await.unwrap();
        city.at("2026-05-29", "09:00");
        city.lockbox("10-000900", "10.00", "2026-05-29").await;
        assert_eq!(city.office.snapshot(here).await.unwrap().frozen, None);
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
        city.lockbox("10-000417", "5.00", "2026-05-29").await;
        assert_eq!(behind(&city).await, [(3, "$229.20 lies on account 10-000417".to_owned())]);
        // What came from there is paid where it is now: nothing is in doubt any more.
        city.lockbox("10-000900", "324.20", "2026-05-29").await;
        assert_eq!(behind(&city).await, []);
    }

    #[tokio::test]
    async fn a_debt_goes_back_to_the_money_in_one_act_and_until_then_all_waits() {
        let (city, [old, _, here]) = moved_from_two().await;
        city.at("2026-05-20", "09:00");
        city.lockbox("10-000417", "100.00", "2026-05-20").await;
        let (back, amount) = city.office.propose_transfer(here, old, "paid by the old stub", "Omar").await.unwrap();
        assert_eq!(amount, Cents::new(10_000), "no more than the money pays");
        let known = city.office.store.proposal(back).await.unwrap().reason_with_facts();
        assert!(known.contains("$100.00 lies on account 10-000417, where the debt came from"), "{known}");
        assert!(city.office.snapshot(here).await.unwrap().frozen.is_some());
        city.office.approve_proposal(back, "Ida").await.unwrap();
        let (left, now) = (city.office.snapshot(old).await.unwrap(), city.office.snapshot(here).await.unwrap());
        assert_eq!((left.balance(), now.balance()), (Cents::ZERO, Cents::new(12_420 + 11_000)));
        assert_eq!((behind(&city).await, now.frozen), (vec![], None));
        let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
        assert!(checkup.is_clean(), "{:?}", checkup.checks);
        // The check bounces: it is owed on the old account again, and follows her as before.
        let bounced = "account,reversed_on,reverses_source,reverses_reference,source,reference\n\
                       10-000417,2026-05-28,lockbox,LB-10-000417-100.00-2026-05-20,lockbox,NSF-1\n";
        city.at("2026-05-28", "09:00");
        city.takes("reversals.csv", bounced).await;
        assert_eq!(city.office.snapshot(old).await.unwrap().balance(), Cents::new(10_000));
    }

    #[tokio::test]
    async fn money_that_is_gone_again_takes_no_debt_back() {
        let (city, [old, _, here]) = moved_from_two().await;
        city.at("2026-05-20", "09:00");
        city.lockbox("10-000417", "100.00", "2026-05-20").await;
        let (back, _) = city.office.propose_transfer(here, old, "paid by the old stub", "Omar").await.unwrap();
        let bounced = "account,reversed_on,reverses_source,reverses_reference,source,reference\n\
                       10-000417,2026-05-20,lockbox,LB-10-000417-100.00-2026-05-20,lockbox,NSF-1\n";
        city.takes("reversals.csv", bounced).await;
        let refused = city.office.approve_proposal(back, "Ida").await.unwrap_err().to_string();
        assert!(refused.contains("service of account 10-000900 goes on"), "{refused}");
    }

    /// May 22: a crew is out for 10-000417, to which $100.00 came from 10-000300, where the same customer lived before.
    async fn crew_is_out() -> (City, AccountId, AccountId, crate::domain::OrderId) {
        let city = City::new().await;
        for (name, role) in [("Ruth", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        let rows = "10-000417,Rosa Muñoz,C-20417,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,,\n\
                    10-000300,Rosa Muñoz,C-20417,9 Mill St,Riverbend,CA,95600,,water,owner,,2026-01-31\n";
        city.takes("accounts-2.csv", &format!("{ACCOUNTS}{rows}")).await;
        let bill = "10-000300,water,100.00,2026-01-02,2026-01-23,cis,B0-W\n";
        city.takes("charges-2.csv", &format!("{CHARGES}{bill}")).await;
        let (old, here) = (id(&city, "10-000300").await, city.debtor().await);
        let (proposal, _) = city.office.propose_transfer(old, here, "moved", "Omar").await.unwrap();
        city.office.approve_proposal(proposal, "Ida").await.unwrap();
        let order = city.to_the_shut_off().await;
        city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
        city.at("2026-05-22", "09:30");
        (city, old, here, order)
    }

    #[tokio::test]
    async fn who_pays_what_the_water_was_shut_off_for_is_restored_whatever_came_under_the_old_number() {
        let (city, _, here, order) = crew_is_out().await;
        let result = crate::store::CrewResult {
            done: true,
            on: day("2026-05-22"),
            at: Some("09:10".into()),
            crew: "Crew 4".into(),
            note: String::new(),
        };
        city.office.record_order_result(order, result, "Omar").await.unwrap();
        city.at("2026-05-26", "04:00");
        city.office.night(day("2026-05-26")).await.unwrap();
        city.at("2026-05-26", "10:00");
        let rows = "account,amount,received_on,channel,source,reference,for_reference\n\
                    10-000417,224.20,2026-05-26,lockbox,lockbox,LB-1,B1-W\n\
                    10-000300,5.00,2026-05-26,lockbox,lockbox,LB-2,\n";
        city.takes("payments.csv", rows).await;
        city.office.settle().await.unwrap();
        let orders = city.office.store.orders_of(here).await.unwrap();
        let restores = orders.iter().filter(|order| order.kind == crate::domain::field_order::OrderKind::Restore);
        assert_eq!(restores.count(), 1, "{orders:?}");
        assert_eq!(behind(&city).await.len(), 1);
    }

    #[tokio::test]
    async fn money_under_the_old_number_calls_the_crew_back_from_the_new_account() {
        let (city, old, here, order) = crew_is_out().await;
        let payment = crate::store::CounterPayment {
            amount: Cents::new(10_000),
            received_on: day("2026-05-22"),
            reference: "R-1".into(),
            memo: String::new(),
        };
        let taken = city.office.confirmed_counter_payment(old, &payment, "Omar").await.unwrap();
        assert_eq!(
            taken.recalled.iter().map(|order| order.id).collect::<Vec<_>>(),
            [order],
            "whoever takes it is told"
        );
        let recalls = city.office.recalls(here).await.unwrap();
        assert!(recalls[0].contains("call the crew back"), "{recalls:?}");
        // Taken by mistake, it is voided: nothing is in doubt, and the account is decided anew at once.
        city.office.void_payment("R-1", "keyed twice", "Omar").await.unwrap();
        assert_eq!(city.office.snapshot(here).await.unwrap().frozen, None);
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn a_debt_stays_where_it_is_while_the_ruling_on_it_can_be_appealed() {
        let city = moved().await;
        let from = id(&city, "10-000417").await;
        let request = crate::office::DisputeRequest {
            items: vec!["B1-W".into()],
            reason: "the meter was misread".into(),
            raised_on: None,
        };
        let dispute = city.office.open_dispute(from, &request, "Omar").await.unwrap();
        assert!(refused(&city, "10-000900").await.contains("a dispute hold stands"));
        let ruling = crate::office::RulingRequest {
            side: crate::domain::dispute::Side::City,
            findings: "it was read right".into(),
            credit: None,
        };
        let ruled = city.office.decide_dispute(dispute.id, &ruling, "Ruth").await.unwrap();
        let last = ruled.appeal_by().unwrap();
        let said = refused(&city, "10-000900").await;
        assert!(said.contains(&format!("can be appealed until {}", short(last))), "{said}");
        city.at(&crate::domain::day::plus_days(last, 1).to_string(), "09:00");
        let to = id(&city, "10-000900").await;
        city.office.propose_transfer(from, to, "moved", "Omar").await.unwrap();
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

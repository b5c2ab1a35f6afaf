//! Disputes: opened at the counter or by telephone, decided by the lead, appealed, settled by a second person's approval.

use super::accounts::{need_reason, not_ahead};
use super::rulings::{Known, appeal_words, last_to_appeal};
use super::{Office, OfficeError, Result, Rules};
use crate::domain::dispute::{Dispute, DisputeState, Side};
use crate::domain::hold::HoldKind;
use crate::domain::{AccountId, Cents, Day, DisputeId, Entry, ItemId, Snapshot};
use crate::store::{NewDispute, NewRuling};

/// A dispute about to be opened, as it is told.
#[derive(Clone, Debug)]
pub struct DisputeRequest {
    /// References of the billing system or numbers of entries; none for the whole account.
    pub items: Vec<String>,
    pub reason: String,
    /// Today where it is not said.
    pub raised_on: Option<Day>,
}

/// How a dispute is decided, as it is told.
#[derive(Clone, Debug)]
pub struct RulingRequest {
    pub side: Side,
    pub findings: String,
    /// For the customer: what is taken off, all of what was billed of the disputed debts where it is not said, paid or not. Zero
    /// for nothing.
    pub credit: Option<Cents>,
}

impl Office {
    /// Opens a dispute of debts of an account, or of the whole account. Whatever it is about, nobody is shut off and nothing
    /// referred while it is open; what it is about gets no fee and counts toward nothing.
    ///
    /// # Errors
    /// When a debt is not the account's or is disputed already, the day lies ahead, or no reason is given.
    pub async fn open_dispute(&self, account: AccountId, request: &DisputeRequest, by: &str) -> Result<Dispute> {
        need_reason(&request.reason)?;
        self.not_of_household(by, account).await?;
        let today = self.today();
        let raised_on = request.raised_on.unwrap_or(today);
        not_ahead(raised_on, today, "the day on which a dispute was raised")?;
        let entries = self.store.entries(account).await?;
        let items = request.items.iter().map(|name| named(&entries, name)).collect::<Result<Vec<ItemId>>>()?;
        self.are_owed_here(account, &items).await?;
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let stops_clock = rules.policy.holds.iter().any(|rule| rule.kind == HoldKind::Dispute && rule.stops_clock);
        let new = NewDispute { items, reason: request.reason.clone(), raised_on, stops_clock };
        let dispute = self.store.open_dispute(account, &new, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(dispute)
    }

    /// What is disputed is owed on the account: a debt that went to another is disputed there, for there it is asked for.
    async fn are_owed_here(&self, account: AccountId, items: &[ItemId]) -> Result<()> {
        let mut gone = self.store.debts_gone_from(account).await?;
        gone.retain(|debt| items.is_empty() || items.contains(&debt.item));
        let Some(first) = gone.first() else { return Ok(()) };
        let owed: Cents = gone.iter().filter(|debt| debt.to == first.to).map(|debt| debt.open).sum();
        let there: Vec<String> =
            gone.iter().filter(|debt| debt.to == first.to).map(|debt| format!("--item {}", debt.now)).collect();
        let rest = if items.is_empty() { "; dispute what is left here by its --item" } else { "" };
        Err(OfficeError::refused(
            format!("{owed} of it went to account {} and is owed there", first.number),
            format!(
                "dispute it there: `arrears dispute open {} {} --reason TEXT`{rest}",
                first.number,
                there.join(" ")
            ),
        ))
    }

    /// Decides a dispute that is open, or the appeal against its first ruling.
    ///
    /// For the city: what it was about counts again, and a letter to the customer is planned, with the last day for an
    /// appeal where the policy has one; until then nobody is shut off. For the customer: the credit, and what the late fees of
    /// the bill come to less by it, are proposed for somebody else to approve; until then all stays as it is. A ruling that
    /// gives less than was claimed can be appealed for the rest.
    ///
    /// # Errors
    /// When it is decided already, the account is of one's own household, an appeal is decided by who decided first, or
    /// the credit is more than is disputed.
    pub async fn decide_dispute(&self, id: DisputeId, request: &RulingRequest, by: &str) -> Result<Dispute> {
        need_reason(&request.findings)?;
        let (account, dispute) = self.store.dispute(id).await?;
        self.not_of_household(by, account).await?;
        if dispute.state() == DisputeState::Appealed && dispute.appealed_from().any(|first| first == by) {
            return Err(OfficeError::refused(
                format!("{by} decided dispute {id}, and nobody decides on the appeal against their own ruling"),
                "ask somebody else who may",
            ));
        }
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let new = match request.side {
            Side::City => self.for_city(&dispute, request, &rules, &snapshot)?,
            Side::Customer => {
                let entries = self.store.entries(account).await?;
                let proposals = self.store.proposals_of(account).await?;
                let known = Known { dispute: &dispute, snapshot: &snapshot, entries: &entries, proposals: &proposals };
                known.for_customer(request, &rules.policy, self.today())?
            }
        };
        self.store.rule_on_dispute(id, &new, &self.stamp(by)).await?;
        self.tell_rulings(account, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(self.store.dispute(id).await?.1)
    }

    fn for_city(
        &self,
        dispute: &Dispute,
        request: &RulingRequest,
        rules: &Rules,
        snapshot: &Snapshot,
    ) -> Result<NewRuling> {
        if request.credit.is_some_and(|credit| !credit.is_zero()) {
            return Err(OfficeError::refused("a ruling for the city takes nothing off", "decide it for the customer"));
        }
        let appeal_by = last_to_appeal(dispute, &rules.policy, self.today());
        let appeal = appeal_words(appeal_by, &rules.policy);
        let tell = format!("dispute {} was decided for the city: {}; {appeal}", dispute.id, request.findings);
        Ok(NewRuling {
            side: Side::City,
            findings: request.findings.clone(),
            appeal_by,
            proposals: Vec::new(),
            tell,
            task: None,
            seen: Some(snapshot.facts_seq),
        })
    }

    /// Takes an appeal against a ruling for the city, or against one that gave less than was claimed: from now on all stops
    /// again, until it is decided. What the ruling gave waits for its approval as before.
    ///
    /// # Errors
    /// When there is no such ruling, its time for an appeal is over, or no reason is given.
    pub async fn appeal_dispute(&self, id: DisputeId, reason: &str, by: &str) -> Result<Dispute> {
        need_reason(reason)?;
        let (account, _) = self.store.dispute(id).await?;
        self.not_of_household(by, account).await?;
        let dispute = self.store.appeal_dispute(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(dispute)
    }
}

/// The debt that a reference or a number names.
fn named(entries: &[Entry], name: &str) -> Result<ItemId> {
    let undone = |debt: &Entry| entries.iter().any(|entry| entry.reverses == Some(debt.id));
    let debts = || entries.iter().filter(|entry| entry.is_debt() && !undone(entry));
    let by_reference = debts().find(|debt| debt.reference == name);
    let by_number = || name.parse().ok().and_then(|number: i64| debts().find(|debt| debt.id.0 == number));
    by_reference.or_else(by_number).map(|debt| debt.id).ok_or_else(|| {
        OfficeError::refused(
            format!("the account has no debt {name:?}"),
            "`arrears account ACCOUNT` shows the ledger with references and numbers",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::CallOutcome;
    use crate::domain::notice::NoticeState;
    use crate::domain::proposal::{ProposalState, Proposed};
    use crate::domain::{Language, NoticeId, ProposalId, Role};
    use crate::office::IfLate;
    use crate::office::testing::{City, day, report};
    use crate::store::StaffMember;

    /// Ruth leads, Vale leads too, Omar calls, Ida approves.
    async fn city() -> City {
        // No payments are loaded from day to day here.
        let city = City::configured("guards: {data_days: 0}\n").await;
        let roles =
            [("Ruth", Role::Lead), ("Vale", Role::Lead), ("Omar", Role::Representative), ("Ida", Role::Approver)];
        for (name, role) in roles {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city
    }

    async fn opened(city: &City, items: &[&str]) -> Dispute {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        let request = DisputeRequest { items, reason: "the meter was misread".into(), raised_on: None };
        city.office.open_dispute(city.debtor().await, &request, "Omar").await.unwrap()
    }

    fn ruling(side: Side, credit: Option<i64>) -> RulingRequest {
        RulingRequest { side, findings: "the meter was tested".into(), credit: credit.map(Cents::new) }
    }

    async fn decided(city: &City, id: DisputeId, side: Side, credit: Option<i64>) -> Dispute {
        city.office.decide_dispute(id, &ruling(side, credit), "Ruth").await.unwrap()
    }

    async fn nights(city: &City, from: &str, through: &str) {
        let mut today = day(from);
        while today <= day(through) {
            city.at(&today.to_string(), "04:00");
            city.office.night(today).await.unwrap();
            today = crate::domain::day::plus_days(today, 1);
        }
    }

    async fn final_notices(city: &City) -> Vec<(Day, NoticeState)> {
        let notices = city.office.store.notices_of(city.debtor().await).await.unwrap();
        notices
            .iter()
            .filter(|notice| notice.of.stage.as_str() == "final_notice")
            .map(|notice| (notice.planned_on, notice.state))
            .collect()
    }

    async fn pending_orders(city: &City) -> usize {
        let orders = city.office.store.orders_of(city.debtor().await).await.unwrap();
        orders.iter().filter(|order| order.state.is_pending()).count()
    }

    async fn why(city: &City) -> String {
        let why = city.office.why(city.debtor().await, None).await.unwrap();
        why.explained.iter().map(|one| format!("{}: {}", one.stage, one.says)).collect::<Vec<_>>().join("\n")
    }

    async fn proposed(city: &City) -> Vec<(ProposalId, Proposed, Cents)> {
        let waiting = city.office.store.proposals(true).await.unwrap();
        waiting.into_iter().map(|one| (one.id, one.what, one.amount)).collect()
    }

    async fn tasks(city: &City) -> String {
        let tasks = city.office.store.tasks(true).await.unwrap();
        tasks.into_iter().map(|task| task.text).collect::<Vec<_>>().join("\n")
    }

    /// The letter on the ruling goes out.
    async fn told(city: &City) {
        let planned = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
        let letters = planned.iter().filter(|piece| piece.template.as_str() == "dispute_ruling");
        let letters: Vec<NoticeId> = letters.map(|piece| piece.id).collect();
        city.office.release_notices(&letters, "Ruth").await.unwrap();
        city.office.work_outbox(&city.mailer()).await.unwrap();
        let today = city.office.today();
        city.office.mark_mailed(&letters, today, IfLate::Refuse, "PS 3665", "Ruth").await.unwrap();
    }

    #[tokio::test]
    async fn nobody_is_shut_off_inside_the_time_to_appeal_and_the_notice_behind_it_is_served_anew() {
        let city = city().await;
        city.to_the_call().await;
        city.office.night(day("2026-05-08")).await.unwrap();
        city.office.release_call_list(day("2026-05-08"), "Ruth").await.unwrap();
        city.at("2026-05-08", "10:00");
        let call = city.office.store.call_list(day("2026-05-08")).await.unwrap()[0].id;
        city.office.record_call(call, report(CallOutcome::Reached, "10:00"), "Omar").await.unwrap();
        city.at("2026-05-12", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        city.at("2026-05-18", "09:00");
        assert_eq!(decided(&city, dispute.id, Side::City, None).await.appeal_by(), Some(day("2026-05-28")));
        told(&city).await;
        // The final notice announced May 22: it passes inside the time to appeal.
        nights(&city, "2026-05-19", "2026-05-28").await;
        assert_eq!((pending_orders(&city).await, final_notices(&city).await.len()), (0, 1));
        let told = why(&city).await;
        assert!(
            told.contains("shut_off: barred: the ruling on dispute 1 can be appealed until Thu 2026-05-28 (")
                && told.contains("Health and Safety Code 116908(b)"),
            "{told}"
        );
        nights(&city, "2026-05-29", "2026-06-01").await;
        assert_eq!(pending_orders(&city).await, 0);
        let notices = final_notices(&city).await;
        assert_eq!(notices.last(), Some(&(day("2026-05-29"), NoticeState::Planned)), "{notices:?}");
    }

    #[tokio::test]
    async fn a_dispute_of_the_very_day_of_the_shut_off_leads_to_a_new_notice_too() {
        let city = city().await;
        let order = city.to_the_shut_off().await;
        city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
        city.at("2026-05-22", "09:30");
        let dispute = opened(&city, &["B1-W"]).await;
        let recalls = city.office.recalls(city.debtor().await).await.unwrap();
        assert!(recalls[0].contains("call the crew back"), "{recalls:?}");
        city.at("2026-05-27", "09:00");
        decided(&city, dispute.id, Side::City, None).await;
        told(&city).await;
        nights(&city, "2026-05-28", "2026-06-08").await;
        assert_eq!(pending_orders(&city).await, 0);
        // June 7 is a Sunday.
        let notices = final_notices(&city).await;
        assert_eq!(notices.last(), Some(&(day("2026-06-08"), NoticeState::Planned)), "{notices:?}");
    }

    #[tokio::test]
    async fn a_letter_of_between_the_ruling_and_the_appeal_does_not_leave_under_the_appeal() {
        let city = city().await;
        city.at("2026-04-20", "09:00");
        let dispute = opened(&city, &[]).await;
        nights(&city, "2026-04-21", "2026-05-04").await;
        assert_eq!(final_notices(&city).await, [], "what is disputed stands in no letter");
        city.at("2026-05-04", "09:00");
        decided(&city, dispute.id, Side::City, None).await;
        let notices = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
        let planned: Vec<NoticeId> = notices.iter().map(|notice| notice.id).collect();
        assert_eq!(final_notices(&city).await.len(), 1);
        city.office.appeal_dispute(dispute.id, "a plumber found a leak", "Omar").await.unwrap();
        city.at("2026-05-06", "09:00");
        let released = city.office.release_notices(&planned, "Ruth").await.unwrap();
        assert_eq!(released.released, []);
        assert_eq!(final_notices(&city).await, [(day("2026-05-04"), NoticeState::Canceled)]);
        // The appeal is lost: now the letter is made anew, of that day.
        nights(&city, "2026-05-07", "2026-05-10").await;
        city.at("2026-05-11", "09:00");
        city.office.decide_dispute(dispute.id, &ruling(Side::City, None), "Vale").await.unwrap();
        nights(&city, "2026-05-12", "2026-05-12").await;
        let anew = final_notices(&city).await;
        assert_eq!(anew.last(), Some(&(day("2026-05-11"), NoticeState::Planned)), "{anew:?}");
    }

    #[tokio::test]
    async fn a_letter_that_waits_is_made_anew_without_the_bill_that_is_disputed_meanwhile() {
        let city = city().await;
        city.takes("more.csv", "account,service,amount,billed_on,due_on,source,reference\n10-000417,water,90.00,2026-03-02,2026-03-23,cis,B9-W\n").await;
        city.at("2026-05-01", "04:00");
        city.office.night(day("2026-05-01")).await.unwrap();
        opened(&city, &["B1-W"]).await;
        let notices = city.office.store.notices_of(city.debtor().await).await.unwrap();
        let told = notices.iter().filter(|notice| notice.of.stage.as_str() == "final_notice");
        let told: Vec<_> = told.map(|notice| (notice.state, notice.facts.amount)).collect();
        let (both, rest) = (Cents::new(31_420), Cents::new(9_000));
        assert_eq!(told, [(NoticeState::Canceled, both), (NoticeState::Planned, rest)]);
    }

    #[tokio::test]
    async fn a_ruling_that_gives_less_than_was_claimed_can_be_appealed_and_its_credit_stands() {
        let city = city().await;
        city.at("2026-05-01", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        let ruled = decided(&city, dispute.id, Side::Customer, Some(2_000)).await;
        assert_eq!((ruled.state(), ruled.appeal_by()), (DisputeState::Settling, Some(day("2026-05-11"))));
        let told = ruled.ruling.as_ref().and_then(|ruling| ruling.tell.clone()).unwrap();
        assert!(told.contains("decided for them with $20.00 of $224.20"), "{told}");
        assert!(told.contains("it can be appealed until Mon 2026-05-11"), "{told}");
        city.at("2026-05-05", "09:00");
        let appealed = city.office.appeal_dispute(dispute.id, "all of it is wrong", "Omar").await.unwrap();
        assert_eq!(appealed.state(), DisputeState::Appealed);
        // What was given is approved meanwhile; the appeal's hold stands on.
        let [(credit, _, amount)] = proposed(&city).await[..] else { panic!("one credit") };
        assert_eq!(amount, Cents::new(2_000));
        city.office.approve_proposal(credit, "Ida").await.unwrap();
        let account = city.debtor().await;
        let standing = |holds: &[crate::domain::hold::Hold]| -> Vec<HoldKind> {
            holds.iter().filter(|hold| hold.ended_on.is_none()).map(|hold| hold.kind).collect()
        };
        assert_eq!(standing(&city.office.snapshot(account).await.unwrap().holds), [HoldKind::Appeal]);
        // The governing body gives the rest: $204.20, and no more.
        let more = ruling(Side::Customer, Some(20_421));
        let refused = city.office.decide_dispute(dispute.id, &more, "Vale").await.unwrap_err().to_string();
        assert!(refused.contains("$204.20"), "{refused}");
        let ruled = city.office.decide_dispute(dispute.id, &ruling(Side::Customer, None), "Vale").await.unwrap();
        assert_eq!((ruled.state(), ruled.appeal_by()), (DisputeState::Settling, None));
        for (id, _, _) in proposed(&city).await {
            city.office.approve_proposal(id, "Ida").await.unwrap();
        }
        let known = city.office.snapshot(account).await.unwrap();
        assert_eq!((standing(&known.holds), known.balance()), (vec![], Cents::ZERO));
        assert_eq!(known.disputes[0].state(), DisputeState::ForCustomer);
    }

    #[tokio::test]
    async fn an_appeal_is_not_decided_by_who_decided_first_though_what_they_gave_was_declined() {
        let city = city().await;
        nights(&city, "2026-04-02", "2026-04-03").await;
        city.at("2026-04-20", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        decided(&city, dispute.id, Side::Customer, Some(2_000)).await;
        city.office.appeal_dispute(dispute.id, "all of it is wrong", "Omar").await.unwrap();
        // Its part of the late fee is posted before the credit of the bill is declined.
        let given = proposed(&city).await;
        city.office.approve_proposal(given[1].0, "Ida").await.unwrap();
        city.office.decline_proposal(given[0].0, "not proven", "Ida").await.unwrap();
        let (_, known) = city.office.store.dispute(dispute.id).await.unwrap();
        assert_eq!((known.state(), known.ruling.is_none()), (DisputeState::Appealed, true));
        assert_eq!((known.withdrawn[0].ruling.by.as_str(), known.withdrawn[0].appealed), ("Ruth", true));
        assert!(tasks(&city).await.contains("somebody else than Ruth decides it"));
        let own = city.office.decide_dispute(dispute.id, &ruling(Side::City, None), "Ruth").await.unwrap_err();
        assert!(own.to_string().contains("nobody decides on the appeal against their own ruling"), "{own}");
        // What is posted of the withdrawn ruling is not taken off twice: $1.00 of the fee of $11.21.
        city.office.decide_dispute(dispute.id, &ruling(Side::Customer, Some(2_000)), "Vale").await.unwrap();
        let given: Vec<Cents> = proposed(&city).await.iter().map(|(_, _, amount)| *amount).collect();
        assert_eq!(given, [Cents::new(2_000)]);
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn an_appeal_decided_for_the_city_waits_for_what_the_first_ruling_gave() {
        let city = city().await;
        city.at("2026-05-01", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        decided(&city, dispute.id, Side::Customer, Some(2_000)).await;
        city.office.appeal_dispute(dispute.id, "all of it is wrong", "Omar").await.unwrap();
        let ruled = city.office.decide_dispute(dispute.id, &ruling(Side::City, None), "Vale").await.unwrap();
        assert_eq!(ruled.state(), DisputeState::Settling);
        let account = city.debtor().await;
        let stands = |known: &Snapshot| known.holds.iter().filter(|hold| hold.ended_on.is_none()).count();
        assert_eq!(stands(&city.office.snapshot(account).await.unwrap()), 1, "the full bill counts for nothing yet");
        let [(credit, _, _)] = proposed(&city).await[..] else { panic!("one credit") };
        city.office.approve_proposal(credit, "Ida").await.unwrap();
        let known = city.office.snapshot(account).await.unwrap();
        assert_eq!((stands(&known), known.disputes[0].state()), (0, DisputeState::ForCity(None)));
    }

    #[tokio::test]
    async fn a_part_of_the_bill_takes_its_part_of_the_late_fee() {
        let city = city().await;
        // Five percent of $224.20 is $11.21; of $204.20 it is $10.21.
        nights(&city, "2026-04-02", "2026-04-03").await;
        let account = city.debtor().await;
        let fee = city.office.snapshot(account).await.unwrap().fees[0].clone();
        assert_eq!(fee.amount, Cents::new(1_121));
        city.at("2026-04-10", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        let ruled = decided(&city, dispute.id, Side::Customer, Some(2_000)).await;
        let given: Vec<(Proposed, Cents)> =
            proposed(&city).await.into_iter().map(|(_, what, amount)| (what, amount)).collect();
        let of_fee = |change: i64| Proposed::Adjustment {
            service: crate::domain::Service::General,
            change: Cents::new(change),
            item: Some(fee.entry),
        };
        assert_eq!(given[1], (of_fee(-100), Cents::new(100)), "{given:?}");
        let told = ruled.ruling.as_ref().and_then(|ruling| ruling.tell.clone()).unwrap();
        assert!(told.contains("of the late fee of $11.21, $1.00 is taken off"), "{told}");
        for (id, _, _) in proposed(&city).await {
            city.office.approve_proposal(id, "Ida").await.unwrap();
        }
        assert_eq!(city.office.snapshot(account).await.unwrap().balance(), Cents::new(20_420 + 1_021));
    }

    #[tokio::test]
    async fn a_flat_late_fee_stays_while_the_bill_was_past_due_all_the_same() {
        let city = city().await;
        nights(&city, "2026-04-02", "2026-04-03").await;
        city.at("2026-04-10", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        // Of $44.20 five percent would be less than the least, $5.00; of $4.20 too.
        decided(&city, dispute.id, Side::Customer, Some(22_000)).await;
        let given: Vec<Cents> = proposed(&city).await.iter().map(|(_, _, amount)| *amount).collect();
        assert_eq!(given, [Cents::new(22_000), Cents::new(621)], "the fee comes to $5.00");
    }

    #[tokio::test]
    async fn a_dispute_won_after_the_bill_was_paid_gives_back_what_was_paid() {
        let city = city().await;
        city.at("2026-03-30", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        city.at("2026-04-01", "09:00");
        city.lockbox("10-000417", "224.20", "2026-04-01").await;
        let ruled = decided(&city, dispute.id, Side::Customer, None).await;
        assert_eq!((ruled.state(), ruled.appeal_by()), (DisputeState::Settling, None));
        let [(credit, _, amount)] = proposed(&city).await[..] else { panic!("one credit") };
        assert_eq!(amount, Cents::new(22_420));
        let told = tasks(&city).await;
        assert!(told.contains("$224.20 of what is taken off had been paid") && told.contains("refunded"), "{told}");
        city.office.approve_proposal(credit, "Ida").await.unwrap();
        let known = city.office.snapshot(city.debtor().await).await.unwrap();
        assert_eq!(known.balance(), Cents::new(-22_420));
    }

    #[tokio::test]
    async fn a_ruling_over_several_bills_takes_the_tier_of_its_sum() {
        let city = city().await;
        let head = "account,service,amount,billed_on,due_on,source,reference";
        let second = "10-000417,water,99.00,2026-03-02,2026-03-23,cis,B2-W";
        let third = "10-000417,water,99.00,2026-03-02,2026-03-23,cis,B3-W";
        city.takes("more.csv", &format!("{head}\n{second}\n{third}\n")).await;
        city.at("2026-03-30", "09:00");
        let dispute = opened(&city, &["B2-W", "B3-W"]).await;
        decided(&city, dispute.id, Side::Customer, None).await;
        let [(first, _, _), (second, _, _)] = proposed(&city).await[..] else { panic!("two credits") };
        for id in [first, second] {
            let refused = city.office.approve_proposal(id, "Vale").await.unwrap_err().to_string();
            assert!(
                refused.contains("may not approve an adjustment of $198.00, which dispute 1 takes off in all"),
                "{refused}"
            );
            city.office.approve_proposal(id, "Ida").await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_approval_whose_checks_were_overtaken_posts_nothing() {
        let city = city().await;
        let account = city.debtor().await;
        city.at("2026-05-01", "09:00");
        let (id, _) = city.office.propose_write_off(account, "moved", "Omar").await.unwrap();
        let seen = [(account, city.office.snapshot(account).await.unwrap().facts_seq)];
        // Between the look and the posting the customer disputes the bill.
        opened(&city, &["B1-W"]).await;
        let rules = city.office.rules_on(day("2026-05-01")).await.unwrap();
        let stamp = city.office.stamp("Ida");
        let posted = city.office.store.approve_proposal(id, &seen, &rules.policy.ledger, &stamp).await.unwrap();
        assert!(!posted);
        assert_eq!(city.office.store.proposal(id).await.unwrap().state, ProposalState::Proposed);
        assert_eq!(city.office.snapshot(account).await.unwrap().balance(), Cents::new(22_420));
    }

    const BILLS: &str =
        "account,service,amount,billed_on,due_on,printed.service_from,printed.service_through,source,reference\n";
    const REVERSALS: &str = "account,reversed_on,reverses_source,reverses_reference,source,reference\n";

    #[tokio::test]
    async fn a_dispute_goes_on_with_the_bill_that_comes_in_the_place_of_the_disputed_one() {
        let city = city().await;
        city.at("2026-05-01", "09:00");
        let dispute = opened(&city, &["B1-W"]).await;
        city.takes("reversals.csv", &format!("{REVERSALS}10-000417,2026-05-04,cis,B1-W,cis,X-1\n")).await;
        let told = tasks(&city).await;
        assert!(
            told.contains("B1-W of cis, $224.20 due Mon 2026-03-23, which dispute 1 is about, was reversed"),
            "{told}"
        );
        // Another bill is not it: it is due on another day.
        let other = "10-000417,water,90.00,2026-05-04,2026-05-25,2026-04-01,2026-04-30,cis,B2-W";
        let anew = "10-000417,water,180.00,2026-03-02,2026-03-23,cis,B1-W-2";
        city.at("2026-05-05", "09:00");
        city.inbox("other.csv", &format!("{BILLS}{other}\n"));
        city.office.take_inbox().await.unwrap();
        let account = city.debtor().await;
        let named = async || {
            let known = city.office.snapshot(account).await.unwrap();
            let references = city.office.store.entries(account).await.unwrap();
            let name = |item: &ItemId| references.iter().find(|entry| entry.id == *item).unwrap().reference.clone();
            let of_hold = known.holds.iter().find(|hold| hold.kind == HoldKind::Dispute).unwrap().items.clone();
            assert_eq!(of_hold, known.disputes[0].items, "the hold is of the same debts");
            known.disputes[0].items.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(named().await, ["B1-W"]);
        let head = "account,service,amount,billed_on,due_on,source,reference";
        city.takes("anew.csv", &format!("{head}\n{anew}\n")).await;
        assert_eq!(named().await, ["B1-W-2"]);
        let told = tasks(&city).await;
        assert!(!told.contains("was reversed") && told.contains("Dispute 1 goes on with B1-W-2 of $180.00"), "{told}");
        let lines = city.office.store.log(0, 1_000).await.unwrap();
        assert!(lines.iter().any(|line| line.what == "dispute carried over"));
        assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
        // The ruling is about the new bill.
        decided(&city, dispute.id, Side::Customer, None).await;
        let [(_, _, amount)] = proposed(&city).await[..] else { panic!("one credit") };
        assert_eq!(amount, Cents::new(18_000));
    }
}

//! The letter that tells a customer how their dispute was decided, and by when that can be appealed (Health and Safety Code
//! 116908(b), Public Utilities Code 10010).
//!
//! It is planned when a ruling stands and all that it gives is approved, and the lead releases it like any other. The time to
//! appeal runs from its release: a customer cannot appeal what they were not told. Nothing is kept of what is still to be told; it
//! follows from the disputes and the letters that there are, so that the night finds what a crash has left. Where no letter may be
//! made, the lead has a task that says so.

use super::{Office, Result, Rules};
use crate::domain::day::{plus_days, short};
use crate::domain::dispute::Dispute;
use crate::domain::hold::Blocks;
use crate::domain::notice::{ListedItem, NewNotice, Notice, NoticeFacts, NoticeState, Ruled};
use crate::domain::proposal::ProposalState;
use crate::domain::{AccountId, Cents, Day, OpenItem, ProposalId, Role, Snapshot};
use crate::notices::ruling_letter;
use crate::store::{RulingTold, Stamp, Task};

impl Office {
    /// Plans the letters on the rulings of an account that nobody was told of yet.
    pub(super) async fn tell_rulings(&self, account: AccountId, stamp: &Stamp) -> Result<()> {
        let snapshot = self.snapshot(account).await?;
        if snapshot.disputes.iter().all(|dispute| dispute.to_be_told().is_none()) {
            return Ok(());
        }
        let rules = self.rules_of_case(&snapshot).await?;
        let notices = self.store.notices_of(account).await?;
        for dispute in &snapshot.disputes {
            let of_ruling = notices.iter().filter(|piece| piece.tells_ruling_on(dispute));
            let told: Vec<&Notice> = of_ruling.collect();
            self.tell_ruling(&snapshot, &rules, dispute, &told, stamp).await?;
        }
        Ok(())
    }

    /// Looks at every ruling that is to be told: what no letter tells yet is planned, and while one lies here the time to appeal
    /// does not run out.
    pub(super) async fn tell_all_rulings(&self, day: Day) -> Result<()> {
        let stamp = self.daemon_stamp(day);
        let disputes = self.store.disputes().await?;
        let mut accounts: Vec<AccountId> =
            disputes.iter().filter(|(_, of)| of.to_be_told().is_some()).map(|(account, _)| *account).collect();
        accounts.dedup();
        for account in accounts {
            self.tell_rulings(account, &stamp).await?;
        }
        Ok(())
    }

    async fn tell_ruling(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        dispute: &Dispute,
        told: &[&Notice],
        stamp: &Stamp,
    ) -> Result<()> {
        let Some(ruling) = dispute.to_be_told() else { return Ok(()) };
        let appeal_by = dispute.appeal_by().map(|last| last.max(in_time(rules, stamp.on).unwrap_or(last)));
        if told.iter().any(|piece| piece.state != NoticeState::Voided) {
            let lies_here = told.iter().any(|piece| piece.state.is_pending());
            let runs_out = dispute.appeal_by().is_some_and(|last| last <= stamp.on);
            if lies_here && runs_out {
                let why = "the letter that tells the ruling has not left".to_owned();
                self.store.tell_ruling(dispute.id, &RulingTold { pieces: Vec::new(), appeal_by, why }, stamp).await?;
            }
            return Ok(());
        }
        // What a person was asked to tell, no letter tells again.
        let told_by_person = by_person(dispute);
        let is_task = |task: &Task| task.account == snapshot.account && task.text.contains(&told_by_person);
        if told.is_empty() && self.store.tasks(false).await?.iter().any(is_task) {
            return Ok(());
        }
        if let Some(because) = held_back(snapshot, rules, stamp.on) {
            let told = ruling.tell.as_deref().unwrap_or_default();
            let text = format!(
                "The {}, and no letter of it is made: {because}. Write to whoever stands for the customer, keep a \
                 copy, and close this task: {told}",
                by_person(dispute)
            );
            let key = format!(
                "dispute {}, told of {}",
                dispute.id,
                if dispute.appeal.is_some() { "appeal" } else { "first" }
            );
            return Ok(self.store.open_task(snapshot.account, &key, &text, Role::Lead, stamp).await?);
        }
        let credited = self.credited(snapshot.account, dispute).await?;
        let facts = facts_of(snapshot, rules, dispute, credited, appeal_by);
        let Some(facts) = facts else { return Ok(()) };
        let round = told.iter().map(|piece| piece.of.round).max().unwrap_or(0).saturating_add(1);
        let profile = &snapshot.profile;
        let required = rules.policy.languages(profile.class, &profile.services);
        let pieces: Vec<NewNotice> = ruling_letter(snapshot.account, profile, &facts, &required, round, stamp.on);
        let why = format!("the ruling on dispute {} is told", dispute.id);
        self.store.tell_ruling(dispute.id, &RulingTold { pieces, appeal_by, why }, stamp).await?;
        Ok(())
    }

    /// What the rulings on a dispute took off, late fees too.
    async fn credited(&self, account: AccountId, dispute: &Dispute) -> Result<Cents> {
        let given: Vec<ProposalId> = dispute.rulings().flat_map(|ruling| ruling.proposals.iter().copied()).collect();
        let proposals = self.store.proposals_of(account).await?;
        let posted = proposals.iter().filter(|one| one.state == ProposalState::Approved && given.contains(&one.id));
        Ok(posted.map(|one| one.amount).sum())
    }

    /// What a letter on a ruling says as of today, with the time to appeal that runs from today; `None` where the ruling no longer
    /// stands.
    pub(super) fn ruling_as_of_today(
        snapshot: &Snapshot,
        rules: &Rules,
        letter: &Notice,
        today: Day,
    ) -> Option<NoticeFacts> {
        let dispute = snapshot.disputes.iter().find(|dispute| letter.tells_ruling_on(dispute))?;
        let credited = letter.facts.ruled.as_ref()?.credited;
        let appeal_by = dispute.appeal_by().map(|last| last.max(in_time(rules, today).unwrap_or(last)));
        facts_of(snapshot, rules, dispute, credited, appeal_by)
    }

    /// The last day for an appeal moves with the release of the letter that tells it.
    pub(super) async fn extend_appeal(&self, facts: &NoticeFacts, stamp: &Stamp) -> Result<()> {
        let Some(ruled) = &facts.ruled else { return Ok(()) };
        let why = "the letter that tells the ruling is released".to_owned();
        let told = RulingTold { pieces: Vec::new(), appeal_by: ruled.appeal_by, why };
        self.store.tell_ruling(ruled.dispute, &told, stamp).await?;
        Ok(())
    }
}

/// How a task says that a person tells the ruling.
pub(super) fn by_person(dispute: &Dispute) -> String {
    let which = if dispute.appeal.is_some() { "the appeal of " } else { "" };
    format!("ruling on {which}dispute {} is to be told in writing", dispute.id)
}

/// The last day for an appeal of who is told on the day.
fn in_time(rules: &Rules, day: Day) -> Option<Day> {
    rules.policy.proceedings.disputes.appeal_days.map(|days| plus_days(day, i64::from(days)))
}

/// What keeps every letter from the customer, in words.
fn held_back(snapshot: &Snapshot, rules: &Rules, today: Day) -> Option<String> {
    if let Some(petition) = snapshot.petitions.iter().find(|petition| petition.stays_on(today)) {
        return Some(format!("a petition in bankruptcy of {} stays what is owed", short(petition.petition_on)));
    }
    let mut holds = snapshot.holds.iter().filter(|hold| hold.holds_on(today));
    let held =
        holds.find(|hold| !hold.kind.contests() && rules.policy.hold_blocks(hold.kind).contains(&Blocks::Notices))?;
    Some(format!("a hold ({}) keeps letters from the customer", held.kind))
}

/// What the letter states: the ruling, and what is owed of the disputed debts after it.
fn facts_of(
    snapshot: &Snapshot,
    rules: &Rules,
    dispute: &Dispute,
    credited: Cents,
    appeal_by: Option<Day>,
) -> Option<NoticeFacts> {
    let ruling = dispute.to_be_told()?;
    // What is out with a destination is asked for by whoever has it.
    let out = snapshot.out();
    let is_disputed =
        |item: &&OpenItem| (dispute.items.is_empty() || dispute.items.contains(&item.id)) && !out.contains(&item.id);
    let items: Vec<ListedItem> = snapshot.items.iter().filter(is_disputed).map(ListedItem::of).collect();
    Some(NoticeFacts {
        amount: items.iter().map(|item| item.open).sum(),
        items,
        balance: snapshot.balance(),
        days_past_due: 0,
        pay_by: None,
        shut_off_on: None,
        citation: rules.policy.proceedings.disputes.citation.clone(),
        deposit: None,
        reconnection: None,
        restores: None,
        agreed: None,
        ruled: Some(Box::new(Ruled {
            dispute: dispute.id,
            on_appeal: dispute.appeal.is_some(),
            raised_on: dispute.raised_on,
            disputed: dispute.reason.clone(),
            side: ruling.side,
            on: ruling.on,
            findings: ruling.findings.clone(),
            credited,
            appeal_by,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dispute::Side;
    use crate::domain::hold::HoldKind;
    use crate::domain::{Channel, DisputeId, Language, NoticeId};
    use crate::office::testing::{City, day};
    use crate::office::{DisputeRequest, IfLate, RulingRequest};
    use crate::store::{NewHold, StaffMember};

    /// Ruth leads, Vale hears appeals, Ida approves; on May 1 the only bill is disputed.
    async fn disputed() -> (City, DisputeId) {
        let city = City::configured("guards: {data_days: 0}\n").await;
        for (name, role) in [("Ruth", Role::Lead), ("Vale", Role::Lead), ("Ida", Role::Approver)] {
            let member = StaffMember { name: name.into(), role, languages: vec![Language::English], capacity: 0 };
            city.office.put_staff(&member, "setup").await.unwrap();
        }
        city.at("2026-05-01", "09:00");
        let reason = "the meter was misread".to_owned();
        let request = DisputeRequest { items: vec!["B1-W".into()], reason, raised_on: None };
        let dispute = city.office.open_dispute(city.debtor().await, &request, "Ruth").await.unwrap();
        (city, dispute.id)
    }

    async fn decided(city: &City, id: DisputeId, side: Side, credit: Option<i64>, by: &str) -> Dispute {
        let findings = "the meter was tested & reads right".to_owned();
        let request = RulingRequest { side, findings, credit: credit.map(Cents::new) };
        city.office.decide_dispute(id, &request, by).await.unwrap()
    }

    async fn letters(city: &City) -> Vec<Notice> {
        let mut letters = city.office.store.notices_of(city.debtor().await).await.unwrap();
        letters.retain(|piece| piece.facts.ruled.is_some() && piece.channel == Channel::Mail);
        letters
    }

    async fn approved(city: &City) {
        for proposal in city.office.store.proposals(true).await.unwrap() {
            city.office.approve_proposal(proposal.id, "Ida").await.unwrap();
        }
    }

    fn ruled(letter: &Notice) -> &Ruled {
        letter.facts.ruled.as_deref().unwrap()
    }

    async fn released(city: &City, id: NoticeId) {
        let outcome = city.office.release_notices(&[id], "Ruth").await.unwrap();
        assert_eq!(outcome.refused, []);
        city.office.work_outbox(&city.mailer()).await.unwrap();
    }

    #[tokio::test]
    async fn a_ruling_for_the_city_is_told_by_a_letter_that_the_lead_releases_and_not_by_a_task() {
        let (city, id) = disputed().await;
        let dispute = decided(&city, id, Side::City, None, "Ruth").await;
        assert_eq!(dispute.appeal_by(), Some(day("2026-05-11")));
        let [letter] = &letters(&city).await[..] else { panic!("one letter") };
        assert_eq!((letter.state, letter.template.as_str()), (NoticeState::Planned, "dispute_ruling"));
        assert_eq!(letter.languages.len(), 6);
        assert_eq!((ruled(letter).appeal_by, letter.facts.amount), (dispute.appeal_by(), Cents::new(22_420)));
        assert_eq!(city.office.store.tasks(true).await.unwrap(), []);
        released(&city, letter.id).await;
        let made = city.office.make_batch("Ruth").await.unwrap().made.unwrap();
        assert_eq!(made.pieces, 1);
        city.office.mark_batch_mailed(made.batch, day("2026-05-01"), IfLate::Refuse, "PS 3665", "Ruth").await.unwrap();
        assert_eq!(letters(&city).await[0].state, NoticeState::Mailed);
        // Nothing more is made of it, tonight or in any night.
        city.at("2026-05-02", "04:00");
        city.office.night(day("2026-05-02")).await.unwrap();
        assert_eq!(letters(&city).await.len(), 1);
    }

    #[tokio::test]
    async fn the_time_to_appeal_runs_from_the_release_of_the_letter() {
        let (city, id) = disputed().await;
        decided(&city, id, Side::City, None, "Ruth").await;
        city.at("2026-05-06", "09:00");
        released(&city, letters(&city).await[0].id).await;
        let letter = &letters(&city).await[0];
        assert_eq!(ruled(letter).appeal_by, Some(day("2026-05-16")));
        assert_eq!(city.office.store.dispute(id).await.unwrap().1.appeal_by(), Some(day("2026-05-16")));
    }

    #[tokio::test]
    async fn while_the_letter_lies_here_the_time_to_appeal_does_not_run_out() {
        let (city, id) = disputed().await;
        decided(&city, id, Side::City, None, "Ruth").await;
        for on in ["2026-05-10", "2026-05-11"] {
            city.at(on, "04:00");
            city.office.night(day(on)).await.unwrap();
        }
        assert_eq!(city.office.store.dispute(id).await.unwrap().1.appeal_by(), Some(day("2026-05-21")));
    }

    #[tokio::test]
    async fn a_letter_that_would_come_after_the_last_day_for_an_appeal_is_made_anew() {
        let (city, id) = disputed().await;
        decided(&city, id, Side::City, None, "Ruth").await;
        released(&city, letters(&city).await[0].id).await;
        city.at("2026-05-11", "09:00");
        let dropped = city.office.make_batch("Ruth").await.unwrap().dropped;
        assert!(dropped[0].1.contains("it states that the ruling can be appealed until 2026-05-11"), "{dropped:?}");
        city.at("2026-05-12", "04:00");
        city.office.night(day("2026-05-12")).await.unwrap();
        let [_, again] = &letters(&city).await[..] else { panic!("another letter") };
        assert_eq!((again.state, ruled(again).appeal_by), (NoticeState::Planned, Some(day("2026-05-22"))));
    }

    #[tokio::test]
    async fn a_credit_is_told_once_it_is_approved_with_what_is_owed_then() {
        let (city, id) = disputed().await;
        decided(&city, id, Side::Customer, Some(2_000), "Ruth").await;
        assert_eq!(letters(&city).await, [], "a second person has not approved it");
        city.at("2026-05-05", "09:00");
        approved(&city).await;
        let [letter] = &letters(&city).await[..] else { panic!("one letter") };
        assert_eq!((ruled(letter).credited, letter.facts.amount), (Cents::new(2_000), Cents::new(20_420)));
        assert_eq!(ruled(letter).appeal_by, Some(day("2026-05-15")), "from the day of the letter");
        let text = String::from_utf8_lossy(&city.office.preview_notice(letter.id).await.unwrap().bytes).len();
        assert!(text > 10_000, "it is set");
        // Who pays the rest meanwhile is told that nothing is owed.
        city.lockbox("10-000417", "204.20", "2026-05-05").await;
        released(&city, letter.id).await;
        assert_eq!(letters(&city).await[0].facts.amount, Cents::ZERO);
    }

    #[tokio::test]
    async fn an_appeal_ends_the_first_letter_and_is_told_by_its_own_without_a_further_appeal() {
        let (city, id) = disputed().await;
        decided(&city, id, Side::City, None, "Ruth").await;
        city.at("2026-05-04", "09:00");
        city.office.appeal_dispute(id, "a plumber found a leak", "Ruth").await.unwrap();
        let first = letters(&city).await[0].id;
        let outcome = city.office.release_notices(&[first], "Ruth").await.unwrap();
        assert!(outcome.refused[0].1.contains("does not stand any more"), "{outcome:?}");
        decided(&city, id, Side::City, None, "Vale").await;
        let [_, last] = &letters(&city).await[..] else { panic!("the appeal's letter") };
        assert_eq!((ruled(last).on_appeal, ruled(last).appeal_by), (true, None));
        released(&city, last.id).await;
        assert_eq!(city.office.make_batch("Ruth").await.unwrap().made.unwrap().pieces, 1);
    }

    #[tokio::test]
    async fn where_no_letter_may_go_the_lead_has_a_task_that_says_why_and_what_to_do() {
        let (city, id) = disputed().await;
        let (from, reason) = (day("2026-05-01"), "told by telephone".to_owned());
        let items = Vec::new();
        let hold = NewHold {
            kind: HoldKind::Bankruptcy,
            from,
            through: None,
            items,
            stops_clock: false,
            reason,
            estate: None,
        };
        city.office.store.place_hold(city.debtor().await, &hold, &city.office.stamp("Ruth")).await.unwrap();
        decided(&city, id, Side::City, None, "Ruth").await;
        assert_eq!(letters(&city).await, []);
        let tasks = city.office.store.tasks(true).await.unwrap();
        let told =
            tasks.iter().map(|task| task.text.as_str()).find(|text| text.contains("ruling on dispute 1")).unwrap();
        assert!(told.contains("no letter of it is made: a hold (bankruptcy)"), "{told}");
        assert!(told.contains("it can be appealed until Mon 2026-05-11"), "{told}");
    }
}

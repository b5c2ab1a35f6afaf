//! What the engine means by its words, each statement a dated scenario on the policy of Riverbend.
//!
//! The bill is of March 2, 2026, due Monday March 23: $240.00 of water unless a scenario says otherwise. Left alone it
//! gets a late fee on April 2, a final notice on May 1, the call on May 8, and is shut off on Friday May 22.

use super::account::{Account, Payment};
use super::division::Division;
use crate::decide::why;
use crate::domain::arrangement::Installment;
use crate::domain::day::plus_days;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::person::Override;
use crate::domain::testing::{day, profile};
use crate::domain::{Act, Action, Cents, Day, Decision, EventKind, HoldId, ItemId, Service, World};
use crate::rulebook::{self, Policy, calendar};

fn riverbend() -> Policy {
    rulebook::load(&rulebook::shipped(), "riverbend.yaml").unwrap()
}

/// An account as it is lived, and what was decided.
struct Tale<'a> {
    account: Account<'a>,
    division: Division,
    acts: Vec<Act>,
    last: Option<Decision>,
}

impl<'a> Tale<'a> {
    /// On March 2, owing $240.00 of water due March 23. Customers are reached when they are called.
    fn new(policy: &'a Policy) -> Self {
        let mut tale = Self::owing_nothing(policy);
        tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
        tale
    }

    fn owing_nothing(policy: &'a Policy) -> Self {
        let path = format!("calendars/{}.yaml", policy.calendar);
        let calendar = calendar::load(rulebook::shipped().get(&path).unwrap(), &path).unwrap();
        let world = World { today: day("2026-03-02"), calendar, moratoria: Vec::new() };
        Self {
            account: Account::new(policy, world, profile()),
            division: Division { contact: Some(true), ..Division::default() },
            acts: Vec::new(),
            last: None,
        }
    }

    /// Lives through the day before, and then tells the account what happens on the day.
    fn on(&mut self, on: &str, tell: impl FnOnce(&mut Account<'a>)) -> &mut Self {
        let on = day(on);
        while self.account.world.today < on {
            self.decide();
            self.account.begin(plus_days(self.account.world.today, 1));
        }
        tell(&mut self.account);
        self
    }

    /// Lives through the day.
    fn through(&mut self, last: &str) -> &mut Self {
        self.on(last, |_| {}).decide();
        self
    }

    /// The daemon is down until the day.
    fn down_until(&mut self, back: &str) -> &mut Self {
        self.account.begin(day(back));
        self
    }

    fn decide(&mut self) {
        let decision = self.account.decide().unwrap();
        self.account.carry_out(&decision, &self.division);
        self.acts.extend(decision.acts.clone());
        self.last = Some(decision);
    }

    /// The days for which the stage acted, as they are written.
    fn days(&self, stage: &str) -> Vec<String> {
        let of_stage = self.acts.iter().filter(|act| act.key.of.stage.as_str() == stage);
        of_stage.map(|act| act.for_day.to_string()).collect()
    }

    fn amounts(&self, stage: &str) -> Vec<i64> {
        let of_stage = self.acts.iter().filter(|act| act.key.of.stage.as_str() == stage);
        of_stage.filter_map(|act| act.amount.map(Cents::get)).collect()
    }
}

fn hold(kind: HoldKind, from: &str, through: Option<&str>) -> Hold {
    Hold {
        id: HoldId(0),
        kind,
        from: day(from),
        through: through.map(day),
        ended_on: None,
        items: std::collections::BTreeSet::new(),
        stops_clock: false,
        reason: "scenario".into(),
        placed_by: "scenario".into(),
        placed_on: day(from),
    }
}

fn pay(account: &mut Account, cents: i64) {
    let received_on = account.world.today;
    account.pay(Payment { amount: Cents::new(cents), received_on, item: None, service: None });
}

fn pay_for(account: &mut Account, cents: i64, item: ItemId) {
    let received_on = account.world.today;
    account.pay(Payment { amount: Cents::new(cents), received_on, item: Some(item), service: None });
}

#[test]
fn an_unpaid_bill_goes_from_a_late_fee_to_a_shut_off() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-06-10");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("contact"), ["2026-05-08"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_fee_missed_while_the_daemon_was_down_posts_on_its_own_date() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-30").down_until("2026-04-20").through("2026-04-20");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("courtesy_call"), ["2026-04-20"], "what people are told is of today");
}

#[test]
fn a_fee_missed_until_after_its_window_still_posts_on_its_own_date() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-26").down_until("2026-05-04").through("2026-05-04");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("reminder"), [""; 0], "its window is over, and outward acts are not caught up");
}

#[test]
fn a_fee_under_a_dispute_waits_for_its_end_and_is_not_dated_into_it() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-30", |account| {
        account.hold(hold(HoldKind::Dispute, "2026-03-30", None));
    });
    tale.on("2026-04-10", Account::end_hold).through("2026-04-12");
    assert_eq!(tale.days("late_fee"), ["2026-04-10"]);
}

#[test]
fn a_fee_whose_window_closes_under_a_dispute_is_never_charged() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-30", |account| {
        account.hold(hold(HoldKind::Dispute, "2026-03-30", None));
    });
    tale.on("2026-05-10", Account::end_hold).through("2026-05-20");
    assert_eq!(tale.days("late_fee"), [""; 0]);
}

#[test]
fn a_hold_runs_through_its_last_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-10", |account| {
        account.hold(hold(HoldKind::Extension, "2026-05-10", Some("2026-05-21")));
    });
    tale.through("2026-05-22");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_notice_whose_announced_day_passed_under_a_hold_is_served_anew() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-20", |account| {
        account.hold(hold(HoldKind::Extension, "2026-05-20", Some("2026-05-28")));
    });
    tale.through("2026-07-10");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-29"]);
    assert_eq!(tale.days("shut_off"), ["2026-06-15"], "fifteen days after the new notice is a Saturday: Monday");
}

#[test]
fn final_notices_do_not_pile_up_under_a_dispute() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-10", |account| {
        account.hold(hold(HoldKind::Dispute, "2026-05-10", None));
    });
    tale.on("2026-10-01", Account::end_hold).through("2026-10-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-10-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-10-16"]);
}

#[test]
fn a_review_of_one_bill_leaves_the_others_to_their_course() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    let in_review = tale.account.bill(Service::Water, Cents::new(10_000), day("2026-03-23"));
    tale.on("2026-05-15", |account| {
        account.hold(Hold { items: [in_review].into(), ..hold(HoldKind::Review, "2026-05-15", None) });
    });
    tale.through("2026-05-22");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
    assert_eq!(tale.amounts("shut_off"), [24_000]);
}

#[test]
fn a_promise_bars_the_shut_off_through_its_grace() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-20", |account| account.promise(Cents::new(24_000), day("2026-05-26")));
    tale.through("2026-05-27");
    assert_eq!(tale.days("shut_off"), [""; 0], "one day of grace");
    tale.through("2026-05-28");
    assert_eq!(tale.days("shut_off"), ["2026-05-28"]);
}

#[test]
fn a_missed_arrangement_is_cut_sixty_days_after_the_missed_date_at_the_earliest() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-04", |account| {
        account.arrange(vec![Installment { due_on: day("2026-06-01"), amount: Cents::new(30_000) }]);
    });
    tale.through("2026-09-30");
    let first = tale.days("shut_off");
    assert!(first.first().is_some_and(|on| on.as_str() >= "2026-07-31"), "{first:?}");
}

#[test]
fn a_missed_arrangement_that_is_canceled_afterwards_keeps_its_sixty_days() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-15", |account| {
        let june_and_july = ["2026-06-01", "2026-07-01"];
        account.arrange(june_and_july.map(|due| Installment { due_on: day(due), amount: Cents::new(12_600) }).to_vec());
    });
    tale.on("2026-06-08", Account::cancel_arrangement).through("2026-06-09");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    assert!(said.iter().any(|line| line.citation == "Health and Safety Code 116910(b)(4)"), "{said:#?}");
    tale.through("2026-09-30");
    let first = tale.days("shut_off");
    assert!(first.first().is_some_and(|on| on.as_str() >= "2026-07-31"), "{first:?}");
}

/// Riverbend, whose window of a final notice is so long that nothing is served anew meanwhile.
fn patient() -> Policy {
    let text = rulebook::shipped().get("riverbend.yaml").unwrap().replace("75 days after", "200 days after");
    rulebook::load(&rulebook::shipped().with("patient.yaml", text), "patient.yaml").unwrap()
}

/// The bill and its fee in two installments, due July 1 and October 1.
fn two_installments(account: &mut Account) {
    let due = ["2026-07-01", "2026-10-01"];
    account.arrange(due.map(|due| Installment { due_on: day(due), amount: Cents::new(12_600) }).to_vec());
}

#[test]
fn after_a_default_nobody_is_shut_off_without_a_posting_whatever_the_months() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.posts = false;
    tale.on("2026-04-20", two_installments).through("2026-09-01");
    assert_eq!(tale.days("default_posting"), ["2026-08-31", "2026-09-01"], "ordered again where it was not done");
    tale.through("2027-03-31");
    assert_eq!(tale.days("shut_off"), [""; 0]);
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    assert!(said.iter().all(|line| line.stage != "shut_off / shut_off" || line.says != "acts today"), "{said:#?}");
}

#[test]
fn the_wait_after_a_default_names_its_day_and_its_statute() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", two_installments).through("2026-08-25");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let waits = said.iter().find(|line| line.stage == "shut_off / default_posting").unwrap();
    assert_eq!(waits.says, "waits until Mon 2026-08-31");
    assert!(waits.citation.contains("Health and Safety Code 116910(b)(4)"), "{waits:?}");
    assert_eq!(tale.last.as_ref().unwrap().next_review, Some(day("2026-08-31")));
}

#[test]
fn an_installment_that_was_paid_in_time_and_learned_late_was_never_missed() {
    let policy = riverbend();
    for learned_on in ["2026-07-20", "2026-09-03"] {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", two_installments);
        tale.on(learned_on, |account| learn_late(account, 12_600, "2026-07-01")).through("2026-09-30");
        assert_eq!(tale.days("shut_off"), [""; 0], "learned {learned_on}");
        let posted = usize::from(learned_on > "2026-08-31");
        assert_eq!(tale.days("default_posting").len(), posted, "learned {learned_on}");
    }
}

#[test]
fn what_was_paid_earlier_on_the_day_of_an_arrangement_is_none_of_its_installments() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    // $126.00 at nine; at ten the other half is agreed for July 1. It is kept, and bars the shut-off of May 22.
    tale.on("2026-04-20", |account| {
        pay(account, 12_600);
        account.arrange(vec![Installment { due_on: day("2026-07-01"), amount: Cents::new(12_600) }]);
    });
    tale.through("2026-07-01");
    assert_eq!(tale.days("shut_off"), [""; 0]);
}

#[test]
fn a_payment_received_before_an_arrangement_and_learned_after_its_default_ends_it_and_its_wait() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", two_installments);
    // What the arrangement covers was paid on April 1. Another bill stays unpaid.
    tale.on("2026-05-01", |account| {
        account.bill(Service::Water, Cents::new(21_240), day("2026-05-22"));
    });
    tale.on("2026-07-10", |account| learn_late(account, 24_000, "2026-04-01")).through("2026-08-29");
    assert_eq!(tale.days("default_posting"), [""; 0], "nothing of the arrangement is owed");
    // The other bill is 60 days past due on July 21, and told of on July 10: 15 days later is a Saturday.
    assert_eq!(tale.days("shut_off"), ["2026-07-27"], "no wait from July 1");
}

#[test]
fn a_posting_before_the_default_does_not_count() {
    let policy = patient();
    let mut tale = Tale::new(&policy);
    tale.division.contact = Some(false);
    tale.on("2026-05-20", two_installments).through("2026-10-30");
    assert_eq!(tale.days("posting"), ["2026-05-19"]);
    assert_eq!(tale.days("default_posting"), ["2026-08-31"]);
    assert_eq!(tale.days("shut_off"), ["2026-09-08"]);
}

#[test]
fn the_only_posting_of_a_policy_comes_around_again_after_a_default() {
    let one = "default_posting:
        lead: 5 business days before shut_off
        if: arrangement missed
";
    let always = "posting_of_all:
        lead: 5 business days before shut_off
";
    let text = HASTY.replace(one, always);
    let policy = rulebook::load(&rulebook::shipped().with("hasty.yaml", text), "hasty.yaml").unwrap();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.division.contact = Some(false);
    // The contact is for large debts alone here: what is looked at is when the posting is made.
    tale.on("2026-05-20", two_installments).through("2026-10-30");
    assert_eq!(tale.days("posting_of_all"), ["2026-05-15", "2026-08-31"]);
}

#[test]
fn a_default_keeps_its_posting_when_the_arrangement_is_canceled_afterwards() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", two_installments);
    tale.on("2026-07-10", Account::cancel_arrangement).through("2026-09-30");
    assert_eq!(tale.days("default_posting"), ["2026-08-31"]);
    assert_eq!(tale.days("shut_off"), ["2026-09-08"]);
}

#[test]
fn nothing_is_posted_ahead_of_a_shut_off_whose_notice_will_have_grown_old_by_then() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    // The final notice of May 1 stands through July 15.
    tale.on("2026-05-04", two_installments).through("2026-10-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-08-31"]);
    let (posted, cut) = (tale.days("default_posting"), tale.days("shut_off"));
    assert_eq!((posted.len(), cut.len()), (1, 1), "{posted:?} {cut:?}");
    assert_eq!((posted[0].as_str(), cut[0].as_str()), ("2026-09-09", "2026-09-16"), "the call was on the 8th");
}

#[test]
fn a_voided_letter_is_decided_anew_the_next_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.mails_after_days = Some(4);
    tale.on("2026-05-04", Account::void_letter).through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-04"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-26"], "mailed May 8; 15 days are a Saturday, then Memorial Day");
}

#[test]
fn a_notice_that_a_person_canceled_is_no_notice_and_is_made_anew_the_day_after() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.mails_after_days = Some(4);
    tale.on("2026-05-04", |account| {
        let (by, reason) = ("Ana Ortiz".to_owned(), "the address is being checked".to_owned());
        account.cancel_letter(&Override { by, reason, on: day("2026-05-04") });
    });
    tale.through("2026-05-04");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let notice = said.iter().find(|line| line.stage == "shut_off / final_notice").unwrap();
    assert_eq!(
        notice.says,
        "canceled by Ana Ortiz on 2026-05-04: the address is being checked; made anew Tue 2026-05-05, unless the stage \
         is skipped"
    );
    tale.through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-05"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-26"], "mailed May 9; 15 days are a Sunday, then Memorial Day");
}

#[test]
fn a_stage_that_tells_and_charges_is_not_charged_again_when_its_letter_is_made_anew() {
    let text = format!(
        "{MONTHLY}  legal:\n    per: account\n    stages:\n      demand: {{start: 10 days after due, do: [{{notice: demand, by: mail}}, \
         {{fee: 25.00, name: demand fee}}], cite: c}}\n"
    );
    let policy = rulebook::load(&rulebook::shipped().with("demand.yaml", text), "demand.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.division.mails_after_days = Some(4);
    tale.on("2026-04-04", Account::void_letter).through("2026-04-20");
    let demanded = tale.acts.iter().filter(|act| act.key.of.stage.as_str() == "demand");
    let words: Vec<_> = demanded.map(|act| (act.for_day.to_string(), act.action.word())).collect();
    let expected = [("2026-04-02", "notice"), ("2026-04-02", "fee"), ("2026-04-04", "notice")];
    assert_eq!(words, expected.map(|(on, word)| (on.to_owned(), word)));
}

#[test]
fn a_tag_that_the_crew_could_not_leave_is_ordered_again_on_the_next_business_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.contact = Some(false);
    tale.division.posts = false;
    // Tuesday to Friday before Memorial Day.
    tale.through("2026-05-22");
    assert_eq!(tale.days("posting"), ["2026-05-19", "2026-05-20", "2026-05-21", "2026-05-22", "2026-05-22"]);
    let Action::Task { text, .. } = &tale.acts.last().unwrap().action else { panic!("no task") };
    assert!(text.starts_with("posting was ordered 3 times"), "{text}");
    tale.division.posts = true;
    tale.through("2026-06-10");
    assert_eq!(tale.days("shut_off"), ["2026-05-29"], "48 hours after it was left on May 26");
}

#[test]
fn a_canceled_shut_off_comes_around_again_the_next_open_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.cuts = false;
    tale.through("2026-05-26");
    assert_eq!(tale.days("shut_off"), ["2026-05-22", "2026-05-26"]);
}

#[test]
fn nobody_is_shut_off_before_the_required_call_has_ended() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.contact = None;
    tale.through("2026-06-05");
    assert_eq!(tale.days("shut_off"), [""; 0]);
}

#[test]
fn a_required_call_to_nobody_s_number_becomes_a_visit() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.account.change(|profile| profile.phones.clear());
    tale.through("2026-06-05");
    let contact = tale.acts.iter().filter(|act| act.key.of.stage.as_str() == "contact").collect::<Vec<_>>();
    assert!(matches!(contact[..], [Act { action: Action::Visit(_), .. }]), "{contact:?}");
    assert_eq!(contact[0].because.facts.last().unwrap().1, "there is no telephone number");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"], "somebody was spoken to at the door");
}

#[test]
fn an_opt_out_in_a_required_call_is_no_contact_and_becomes_a_visit_the_next_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.contact = None;
    tale.on("2026-05-11", |account| {
        account.change(|profile| drop(profile.attributes.insert("opt_out_calls".into(), "yes".into())));
    });
    tale.through("2026-06-05");
    assert_eq!(tale.days("contact"), ["2026-05-08", "2026-05-11"]);
    assert!(matches!(tale.acts.last().unwrap().action, Action::Visit(_)), "one visit, however long nobody goes");
    assert_eq!(tale.days("shut_off"), [""; 0]);
}

#[test]
fn a_visit_that_did_not_take_place_is_ordered_again_and_the_lead_told_after_the_third() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.contact = None;
    tale.account.change(|profile| profile.phones.clear());
    // Friday, Monday, Tuesday and Wednesday.
    for on in ["2026-05-08", "2026-05-11", "2026-05-12"] {
        tale.through(on);
        let of = tale.acts.last().unwrap().key.of.clone();
        tale.account.happens(EventKind::OrderCanceled, Some(&of));
    }
    tale.through("2026-05-20");
    assert_eq!(tale.days("contact"), ["2026-05-08", "2026-05-11", "2026-05-12", "2026-05-13", "2026-05-13"]);
    let Action::Task { text, .. } = &tale.acts.last().unwrap().action else { panic!("no task") };
    assert!(text.starts_with("contact was ordered 3 times and never done"), "{text}");
}

#[test]
fn a_required_call_without_a_visit_in_its_place_is_made_once_there_is_a_number() {
    let sources = rulebook::shipped();
    let text = sources.get("riverbend.yaml").unwrap().replace(", or: visit", "");
    let policy = rulebook::load(&sources.clone().with("no-visit.yaml", text), "no-visit.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.account.change(|profile| profile.phones.clear());
    tale.division.contact = None;
    tale.through("2026-06-05");
    assert_eq!(tale.days("contact"), ["2026-05-08"], "the lead is told once");
    assert_eq!(tale.days("shut_off"), [""; 0], "and nothing behind it moves");
    tale.division.contact = Some(true);
    tale.on("2026-06-08", |account| account.change(|profile| profile.phones.push("5305550100".into())));
    tale.through("2026-06-20");
    assert_eq!(tale.days("contact"), ["2026-05-08", "2026-06-08"]);
    assert_eq!(tale.days("shut_off"), ["2026-06-10"], "24 hours after the conversation, whatever its hour");
}

/// A policy under California's pack whose contact and posting are there, and may come to nothing.
const HASTY: &str = "
policy: hasty
title: The contact and the posting are passed over for small debts
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
extends: [us-ca-water]
tracks:
  shut_off:
    stages:
      final_notice:
        start: 39 days after due
        do: {notice: final_notice, by: mail, statutory: yes, copies: [occupant]}
        cite: a
      contact:
        start: 7 days after final_notice mailed
        if: past due >= 500.00
        do: {call: soon, attempts: 1, required: yes, or: visit}
        cite: b
      default_posting:
        lead: 5 business days before shut_off
        if: arrangement missed
        do: {tag: shut_off_tag, statutory: yes}
        cite: b
      posting: {start: 59 days after due, if: past due >= 500.00, do: {tag: shut_off_tag, statutory: yes}, cite: b}
      shut_off:
        start: [60 days after due, 15 days after final_notice mailed, 7 business days after final_notice mailed]
        do: disconnect
        cite: c
";

#[test]
fn california_bars_a_shut_off_without_contact_or_posting_at_the_run_and_names_the_statute() {
    let policy = rulebook::load(&rulebook::shipped().with("hasty.yaml", HASTY), "hasty.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.through("2026-06-30");
    assert_eq!(tale.days("shut_off"), [""; 0], "neither contact nor posting was ordered for $240.00");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let barred = said.iter().find(|line| line.stage == "shut_off / shut_off").unwrap();
    assert_eq!(barred.says, "waits for contact: contact made");
    assert_eq!(barred.citation, "Public Utilities Code 10010.1(b)");
    assert!(barred.place.starts_with("guards/us-ca-water.yaml:"), "{}", barred.place);
}

#[test]
fn california_gives_forty_eight_hours_from_a_posting_and_none_more_after_a_conversation() {
    let policy = rulebook::load(&rulebook::shipped().with("hasty.yaml", HASTY), "hasty.yaml").unwrap();
    for (contact, expected) in [(true, "2026-05-22"), (false, "2026-05-26")] {
        let mut tale = Tale::owing_nothing(&policy);
        tale.account.bill(Service::Water, Cents::new(60_000), day("2026-03-23"));
        tale.division.contact = Some(contact);
        tale.through("2026-06-30");
        assert_eq!(tale.days("posting"), ["2026-05-21"], "a Thursday");
        assert_eq!(tale.days("shut_off"), [expected], "Saturday, Sunday and Memorial Day are closed");
    }
}

#[test]
fn a_tag_left_on_tuesday_afternoon_allows_no_crew_on_thursday_morning() {
    // Tuesday 16:30 to Thursday 08:00 are 39.5 hours; no hour of Tuesday is less than 48 before any of Friday.
    for (posted_after, posted_on, shut_off_on) in [
        ("58 days after due", "2026-05-17", "2026-05-20"),
        ("60 days after due", "2026-05-19", "2026-05-22"),
        ("61 days after due", "2026-05-20", "2026-05-26"),
    ] {
        // Due March 20, the debt is old enough on May 19: the posting alone sets the day.
        let text = HASTY.replace("59 days after due", posted_after);
        let policy = rulebook::load(&rulebook::shipped().with("hasty.yaml", text), "hasty.yaml").unwrap();
        let mut tale = Tale::owing_nothing(&policy);
        tale.account.bill(Service::Water, Cents::new(60_000), day("2026-03-20"));
        tale.division.contact = Some(false);
        tale.through("2026-06-30");
        assert_eq!(tale.days("posting"), [posted_on]);
        assert_eq!(tale.days("shut_off"), [shut_off_on]);
    }
}

#[test]
fn the_audit_refuses_a_shut_off_whose_contact_failed_and_whose_posting_may_be_less_than_48_hours_old() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.contact = Some(false);
    tale.on("2026-05-22", |_| {});
    let decision = tale.account.decide().unwrap();
    assert!(decision.acts.iter().any(|act| matches!(act.action, Action::Disconnect { .. })));
    let mut snapshot = tale.account.snapshot();
    for event in snapshot.events.iter_mut().filter(|event| event.kind == EventKind::NoticePosted) {
        event.on = day("2026-05-20");
    }
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision.clone()).unwrap_err();
    let expected =
        "nobody was spoken to by Wed 2026-05-20, nor was a required notice left at the premises by Tue 2026-05-19";
    assert!(breach.to_string().contains(expected), "{breach}");
    assert!(breach.to_string().contains("Public Utilities Code 10010.1(b)"), "{breach}");
    snapshot.events.retain(|event| event.kind != EventKind::ContactFailed);
    assert!(crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).is_err(), "nobody tried");
}

#[test]
fn a_courtesy_call_to_nobody_s_number_holds_nothing_back() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.account.change(|profile| profile.phones.clear());
    tale.through("2026-04-30");
    assert!(!tale.acts.iter().any(|act| matches!(act.action, Action::Visit(_))));
}

#[test]
fn a_conversation_of_an_earlier_case_is_none_of_this_one() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-26", |account| account.happens(EventKind::ContactMade, None));
    tale.on("2026-03-27", |account| pay(account, 24_000));
    tale.division.contact = Some(false);
    tale.on("2026-04-01", |account| {
        account.bill(Service::Water, Cents::new(24_000), day("2026-04-22"));
    });
    tale.through("2026-06-30");
    assert_eq!(tale.days("posting").len(), 1, "{:?}", tale.days("posting"));
}

#[test]
fn a_returned_payment_brings_the_debt_back_with_a_fresh_notice_but_no_second_late_fee() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let water = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Sewer, Cents::new(9_000), day("2026-03-23"));
    // The sewer bill keeps the case open.
    tale.on("2026-05-10", |account| pay_for(account, 24_000, water));
    tale.on("2026-05-18", |account| account.return_payment(None)).through("2026-06-30");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-18"]);
    assert_eq!(tale.days("shut_off"), ["2026-06-02"]);
}

/// Learned today, received on the day given.
fn learn_late(account: &mut Account, cents: i64, received: &str) {
    account.pay(Payment { amount: Cents::new(cents), received_on: day(received), item: None, service: None });
}

#[test]
fn a_payment_in_time_that_is_learned_late_takes_the_late_fee_back_once() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", |account| learn_late(account, 24_000, "2026-04-01")).through("2026-04-20");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-20"]);
    assert_eq!(tale.amounts("late_fee.taken_back"), [1_200]);
    assert_eq!(tale.account.snapshot().balance(), Cents::ZERO);
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let fee = said.iter().find(|line| line.says.contains("fee taken back")).unwrap();
    assert_eq!(fee.facts[1], "past due on 2026-04-02 of the bill of 2026-03-02, due 2026-03-23 = $0.00");
    tale.through("2026-06-30");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-20"], "and never again");
}

#[test]
fn a_late_fee_that_was_paid_is_taken_back_too_and_its_money_is_credit() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-10", |account| pay(account, 25_200));
    tale.on("2026-04-20", |account| learn_late(account, 24_000, "2026-04-01")).through("2026-04-21");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-20"]);
    assert_eq!(tale.account.snapshot().unapplied, Cents::new(25_200));
}

#[test]
fn a_late_fee_stays_when_the_payment_that_is_learned_late_was_late_or_too_small() {
    let policy = riverbend();
    for (cents, received) in [(24_000, "2026-04-03"), (23_000, "2026-04-01")] {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", |account| learn_late(account, cents, received)).through("2026-06-30");
        assert_eq!(tale.days("late_fee.taken_back"), [""; 0], "{cents} received {received}");
    }
}

#[test]
fn the_late_fee_of_april_2_is_undone_by_what_came_on_april_1_and_not_by_what_came_that_day() {
    let policy = riverbend();
    let taken_back = |received: &str| {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", |account| learn_late(account, 24_000, received)).through("2026-04-30");
        tale.days("late_fee.taken_back")
    };
    assert_eq!(taken_back("2026-04-01"), ["2026-04-20"]);
    assert_eq!(taken_back("2026-04-02"), [""; 0]);
    assert_eq!(taken_back("2026-04-03"), [""; 0]);
}

#[test]
fn a_fee_posted_with_the_shut_off_stays_when_the_customer_pays_that_afternoon() {
    let savannah = include_str!("../../tests/policies/44-savannah.yaml");
    let policy = rulebook::load(&rulebook::shipped().with("savannah.yaml", savannah), "savannah.yaml").unwrap();
    let taken_back = |learned: &str, received: &str| {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-09", |_| {}).decide();
        assert_eq!(tale.days("shut_off"), ["2026-04-09"; 2], "the fee of the night, and the order");
        // The bill and its penalty of ten percent.
        tale.on(learned, |account| learn_late(account, 26_400, received)).through("2026-04-30");
        assert_eq!(tale.days("penalty.taken_back"), [""; 0], "{received}");
        tale.days("shut_off.taken_back")
    };
    assert_eq!(taken_back("2026-04-09", "2026-04-09"), [""; 0], "at 15:00, eighteen days overdue");
    assert_eq!(taken_back("2026-04-13", "2026-04-08"), ["2026-04-13"]);
    assert_eq!(taken_back("2026-04-13", "2026-04-09"), [""; 0]);
    assert_eq!(taken_back("2026-04-13", "2026-04-10"), [""; 0]);
}

const MONTHLY_FEE: &str = "
policy: monthly-fee
title: A late fee every month for an account
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
tracks:
  late:
    per: account
    stages:
      late: {start: 18 days after due, every: 1 month, do: {fee: 10.00, name: late fee}, cite: a}
";

#[test]
fn a_late_fee_that_was_upheld_by_another_alone_is_taken_back_with_it() {
    let policy = rulebook::load(&rulebook::shipped().with("fee.yaml", MONTHLY_FEE), "fee.yaml").unwrap();
    // The first fee, of April 10, is due May 1: it alone is past due on May 10.
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-01", |account| learn_late(account, 24_000, "2026-03-20")).through("2026-07-31");
    assert_eq!(tale.days("late"), ["2026-04-10", "2026-05-10"]);
    assert_eq!(tale.days("late.taken_back"), ["2026-06-01"; 2]);
    assert_eq!(tale.account.snapshot().balance(), Cents::ZERO);
    // Learned on the day of the next fee: none is posted for the two that are taken back.
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-10", |account| learn_late(account, 24_000, "2026-03-20")).through("2026-07-31");
    assert_eq!(tale.days("late"), ["2026-04-10", "2026-05-10"]);
    assert_eq!(tale.days("late.taken_back"), ["2026-06-10"; 2]);
    // A payment between the two: the first had its ground, and the second has it in the first.
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-01", |account| learn_late(account, 24_000, "2026-04-20")).through("2026-06-02");
    assert_eq!(tale.days("late.taken_back"), [""; 0]);
}

#[test]
fn the_audit_refuses_to_take_back_a_fee_while_the_one_that_upholds_it_stands() {
    let policy = rulebook::load(&rulebook::shipped().with("fee.yaml", MONTHLY_FEE), "fee.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-01", |account| learn_late(account, 24_000, "2026-03-20"));
    let mut decision = tale.account.decide().unwrap();
    decision.acts.remove(0);
    let breach = crate::audit::audit(&tale.account.snapshot(), &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("was past due on its day, Sun 2026-05-10"), "{breach}");
}

#[test]
fn a_check_in_time_that_came_back_takes_no_late_fee_back() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", |account| {
        learn_late(account, 24_000, "2026-04-01");
        account.return_payment(None);
    });
    tale.through("2026-04-30");
    assert_eq!(tale.days("late_fee.taken_back"), [""; 0]);
}

#[test]
fn a_fee_that_was_taken_back_is_charged_when_the_check_behind_it_comes_back() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-13", |account| learn_late(account, 24_000, "2026-04-01"));
    tale.on("2026-04-20", |account| account.return_payment(None)).through("2026-04-30");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-13"]);
    assert_eq!(tale.days("late_fee"), ["2026-04-02", "2026-04-20"], "once again, with the debt that came back");
    assert_eq!(tale.account.snapshot().balance(), Cents::new(25_200), "one fee is owed");
}

#[test]
fn the_audit_refuses_to_take_back_a_fee_that_had_its_ground() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", |account| learn_late(account, 24_000, "2026-04-01"));
    let decision = tale.account.decide().unwrap();
    let mut snapshot = tale.account.snapshot();
    let late = snapshot.ledger.iter_mut().find(|entry| entry.is_credit()).unwrap();
    late.effective_on = day("2026-04-03");
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("was past due on its day, Thu 2026-04-02"), "{breach}");
}

#[test]
fn a_bill_has_its_late_fee_once_though_a_returned_payment_opens_a_new_case() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-10", |account| pay(account, 24_000));
    tale.on("2026-04-20", |account| account.return_payment(None)).through("2026-04-30");
    assert_eq!(tale.account.case().map(|case| case.number), Some(2));
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
}

#[test]
fn a_fee_that_recurs_goes_on_in_a_new_case_from_its_last_day() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-10", |account| pay(account, 25_000));
    tale.on("2026-04-20", |account| account.return_payment(None)).through("2026-06-15");
    assert_eq!(tale.days("interest"), ["2026-04-02", "2026-05-02", "2026-06-02"]);
}

#[test]
fn the_audit_refuses_a_second_late_fee_for_the_same_bill() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-02", |_| {});
    let decision = tale.account.decide().unwrap();
    tale.account.carry_out(&decision, &tale.division);
    let mut snapshot = tale.account.snapshot();
    snapshot.fees[0].key.of.case = 7;
    snapshot.facts_seq = decision.seen_seq;
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("the bill due Mon 2026-03-23 had its fee on Thu 2026-04-02"), "{breach}");
}

#[test]
fn water_is_restored_when_the_water_is_paid_though_sewer_is_not() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let water = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Sewer, Cents::new(9_000), day("2026-03-23"));
    tale.on("2026-05-27", |account| pay_for(account, 24_000, water)).through("2026-05-28");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
    assert_eq!(tale.days("restore"), ["2026-05-27"]);
    assert!(tale.account.case().is_some());
}

#[test]
fn a_restoration_that_the_crew_could_not_do_is_ordered_anew_until_the_water_runs() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-27", |account| pay(account, 30_000));
    let ordered = |account: &Account| {
        let acts = account.decide().unwrap().acts;
        let restore = acts.iter().find(|act| matches!(act.action, Action::Restore { .. })).unwrap();
        restore.key.clone()
    };
    let first = ordered(&tale.account);
    assert_eq!(ordered(&tale.account), first, "decided again, it is the same order");
    tale.account.happens(EventKind::OrderCanceled, Some(&first.of));
    let second = ordered(&tale.account);
    assert_eq!(second.of.round, first.of.round + 1, "another order, with a key of its own");
    tale.account.happens(EventKind::OrderCanceled, Some(&second.of));
    assert_eq!(ordered(&tale.account).of.round, first.of.round + 2);
    tale.through("2026-05-28");
    assert!(tale.account.snapshot().shut_off.is_empty());
}

#[test]
fn a_cured_case_ends_and_its_pending_acts_with_it() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-18", |account| pay(account, 25_200)).through("2026-05-18");
    let last = tale.last.as_ref().unwrap();
    assert_eq!(last.closed, Some(crate::domain::case::Cause::Cured));
    assert_eq!((last.case.as_ref(), last.acts.as_slice()), (None, [].as_slice()));
}

#[test]
fn a_referral_rests_on_what_is_past_due_and_not_on_the_bill_of_today() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-09-20", |account| {
        account.bill(Service::Water, Cents::new(11_100), day("2026-10-12"));
    });
    tale.through("2026-09-30");
    let referred: Vec<i64> = tale
        .acts
        .iter()
        .filter(|a| matches!(a.action, Action::Refer { .. }))
        .filter_map(|a| a.amount)
        .map(Cents::get)
        .collect();
    assert_eq!(referred, [25_200], "the bill and its late fee");
}

const MONTHLY: &str = "
policy: monthly
title: Interest every month, and a charge for each bad check
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
tracks:
  interest:
    per: bill
    stages:
      interest: {start: 10 days after due, every: 1 month, do: {fee: 1% of unpaid charges, name: interest}, cite: a}
  bad_check:
    opens: payment returned
    stages:
      charge: {start: 0 days after payment returned, do: {fee: 25.00, name: returned payment}, cite: b}
";

fn monthly() -> Policy {
    rulebook::load(&rulebook::shipped().with("monthly.yaml", MONTHLY), "monthly.yaml").unwrap()
}

#[test]
fn a_recurring_fee_recurs_at_its_distance_and_not_every_day() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.through("2026-06-15");
    assert_eq!(tale.days("interest"), ["2026-04-02", "2026-05-02", "2026-06-02"]);
}

#[test]
fn recurring_fees_of_an_outage_post_each_on_its_own_date() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-30").down_until("2026-06-10").through("2026-06-15");
    assert_eq!(tale.days("interest"), ["2026-04-02", "2026-05-02", "2026-06-02"]);
}

#[test]
fn each_returned_payment_is_charged_once() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    for (paid, returned) in [("2026-03-10", "2026-03-16"), ("2026-03-17", "2026-03-24")] {
        tale.on(paid, |account| pay(account, 24_000));
        tale.on(returned, |account| account.return_payment(None));
    }
    tale.through("2026-03-31");
    assert_eq!(tale.days("charge"), ["2026-03-16", "2026-03-24"]);
}

#[test]
fn a_payment_returned_long_ago_opens_nothing_on_a_new_bill() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-10", |account| pay(account, 24_000));
    tale.on("2026-03-12", |account| account.return_payment(None));
    tale.on("2026-03-20", |account| pay(account, 30_000)).through("2026-05-31");
    tale.on("2026-06-01", |account| {
        account.bill(Service::Water, Cents::new(9_000), day("2026-06-22"));
    });
    tale.through("2026-06-10");
    assert!(tale.account.case().is_none());
}

#[test]
fn the_night_does_not_look_at_an_account_before_its_next_stage() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-02");
    let review = |tale: &Tale| tale.last.as_ref().and_then(|decision: &Decision| decision.next_review);
    let expected: Option<Day> = Some(day("2026-03-24"));
    assert_eq!(review(&tale), expected);
    tale.through("2026-03-24");
    assert_eq!(review(&tale), Some(day("2026-03-28")), "the reminder");
}

#[test]
fn the_audit_refuses_to_restore_what_is_not_off() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-27", |account| pay(account, 30_000));
    let decision = tale.account.decide().unwrap();
    assert!(decision.acts.iter().any(|act| matches!(act.action, Action::Restore { .. })));
    let mut snapshot = tale.account.snapshot();
    snapshot.shut_off.clear();
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("water is not shut off"), "{breach}");
}

//! Arrangements: what a default opens, how long it waits, and what undoes it.

use super::super::account::Account;
use super::{HASTY, Tale, learn_late, pay, riverbend};
use crate::decide::why;
use crate::domain::arrangement::Installment;
use crate::domain::testing::day;
use crate::domain::{Action, Cents, Decision, Service, Snapshot};
use crate::rulebook;
use crate::rulebook::Policy;

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

/// The bill and its fee are due in one installment on October 1; beside it $95.00 of water are due June 22.
fn beside(account: &mut Account) {
    account.arrange(vec![Installment { due_on: day("2026-10-01"), amount: Cents::new(25_200) }]);
    account.bill(Service::Water, Cents::new(9_500), day("2026-06-22"));
}

#[test]
fn a_bill_unpaid_beside_an_arrangement_is_cut_for_alone_and_only_where_the_policy_says_for_how_long() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", beside).through("2026-09-30");
    assert_eq!(tale.days("default_posting"), ["2026-08-21"]);
    assert_eq!((tale.days("shut_off"), tale.amounts("shut_off")), (vec!["2026-08-28".to_owned()], vec![9_500]));

    let text = rulebook::shipped().get("riverbend.yaml").unwrap().replace("  current_bills: 60 days ", "  #");
    let policy = rulebook::load(&rulebook::shipped().with("lenient.yaml", text), "lenient.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", beside).through("2026-09-30");
    assert_eq!(tale.days("shut_off"), [""; 0], "who keeps the arrangement keeps the water");
}

#[test]
fn a_bill_beside_an_arrangement_that_is_paid_before_the_crew_comes_leaves_the_arrangement_s_protection() {
    let policy = riverbend();
    for paid_on in ["2026-08-20", "2026-08-24", "2026-08-28"] {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", beside);
        tale.on(paid_on, |account| pay(account, 9_500)).through("2026-09-30");
        assert_eq!(tale.days("shut_off"), [""; 0], "paid {paid_on}");
    }
}

#[test]
fn the_audit_refuses_a_shut_off_for_what_a_kept_arrangement_covers_and_one_before_the_sixty_days_of_a_bill_beside_it() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", beside).on("2026-08-28", |_| {});
    let decision = tale.account.decide().unwrap();
    assert!(decision.acts.iter().any(|act| matches!(act.action, Action::Disconnect { .. })));
    let snapshot = tale.account.snapshot();
    let refuses = |snapshot: &Snapshot, decision: &Decision| {
        let breach = crate::audit::audit(snapshot, &policy, &tale.account.world, decision.clone()).unwrap_err();
        assert!(breach.to_string().contains("the arrangement of Mon 2026-04-20 is performing"), "{breach}");
    };
    // The bill of June comes due ten days later than the decision believed.
    let mut younger = snapshot.clone();
    younger
        .items
        .iter_mut()
        .filter(|item| item.open == Cents::new(9_500))
        .for_each(|item| item.due_on = day("2026-07-02"));
    refuses(&younger, &decision);
    // The decision asks for the arranged bill too.
    let mut greedy = decision.clone();
    for act in greedy.acts.iter_mut().filter(|act| matches!(act.action, Action::Disconnect { .. })) {
        act.amount = Some(Cents::new(33_500));
    }
    let all: Vec<_> = snapshot.items.iter().map(|item| item.id).collect();
    let steps = greedy.case.iter_mut().flat_map(|case| &mut case.tracks).flat_map(|run| &mut run.steps);
    steps.filter(|step| step.stage.as_str() == "shut_off").for_each(|step| step.items.clone_from(&all));
    refuses(&snapshot, &greedy);
}

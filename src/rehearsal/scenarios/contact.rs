//! Contact before a shut-off: calls, visits and postings, by the policy and by California.

use super::{Account, HASTY, Tale, pay, riverbend};
use crate::decide::why;
use crate::domain::testing::day;
use crate::domain::{Act, Action, Cents, EventKind, Service};
use crate::rulebook;

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
fn a_letter_that_came_back_is_followed_by_a_visit_and_a_notice_that_is_left_and_counts_from_there() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-06", Account::return_letter);
    tale.on("2026-06-10", |_| {});
    assert_eq!(tale.days("returned_mail"), ["2026-05-06"; 2], "before anybody was called");
    assert_eq!(tale.days("contact"), ["2026-05-13"], "seven days after the notice was left");
    assert_eq!(
        tale.days("shut_off"),
        ["2026-05-22"],
        "its fifteen days were over on May 21, the sixty of the bill on May 22"
    );
}

#[test]
fn a_letter_that_comes_back_after_the_calls_is_answered_all_the_same_and_once_for_each_return() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-20", Account::return_letter);
    tale.through("2026-05-26");
    tale.on("2026-05-27", Account::return_letter);
    tale.through("2026-06-30");
    assert_eq!(tale.days("returned_mail"), ["2026-05-20", "2026-05-20", "2026-05-27", "2026-05-27"]);
    assert_eq!(tale.days("shut_off"), ["2026-06-11"]);
}

#[test]
fn the_audit_refuses_a_shut_off_after_a_return_without_a_visit_or_without_a_notice_left_since() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-06", Account::return_letter);
    tale.on("2026-05-22", |_| {});
    let decision = tale.account.decide().unwrap();
    assert!(decision.acts.iter().any(|act| matches!(act.action, Action::Disconnect { .. })));
    let snapshot = tale.account.snapshot();
    let of_the_visit =
        |event: &crate::domain::Event| event.of.as_ref().is_some_and(|of| of.stage.as_str() == "returned_mail");
    for (kind, said) in [
        (EventKind::ContactMade, "nobody has visited the premises"),
        (EventKind::NoticePosted, "no required notice was left at the premises"),
    ] {
        let mut without = snapshot.clone();
        without.events.retain(|event| event.kind != kind || !of_the_visit(event));
        let breach = crate::audit::audit(&without, &policy, &tale.account.world, decision.clone()).unwrap_err();
        assert!(breach.to_string().contains("the notice came back Wed 2026-05-06"), "{breach}");
        assert!(breach.to_string().contains(said), "{breach}");
        assert!(breach.to_string().contains("Health and Safety Code 116908(a)(2)"), "{breach}");
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

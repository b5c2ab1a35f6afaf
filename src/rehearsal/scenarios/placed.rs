//! Debts that are out with a destination: what waits for them, and what comes around again when they are back.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::super::account::Account;
use super::{Tale, riverbend};
use crate::domain::day::plus_days;
use crate::domain::testing::day;
use crate::domain::{Cents, Day, EntryKind, ItemId, Service, StepState};

#[test]
fn a_notice_whose_announced_day_passed_while_the_debt_was_out_is_served_anew() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-20", |account| account.place([bill]));
    tale.on("2026-05-29", Account::recall).through("2026-07-10");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-29"], "it announced May 22");
    assert_eq!(tale.days("shut_off"), ["2026-06-15"], "fifteen days after the new notice is a Saturday: Monday");
}

#[test]
fn a_debt_that_was_back_before_the_announced_day_is_shut_off_for_on_it() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-10", |account| account.place([bill]));
    tale.on("2026-05-15", Account::recall).through("2026-05-22");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

/// What the demands and the referrals of the legal track rest on, each with its day.
fn legal(tale: &Tale<'_>, stage: &str) -> Vec<(String, i64)> {
    let of_stage = tale.acts.iter().filter(|act| act.key.of.stage.as_str() == stage);
    of_stage.map(|act| (act.for_day.to_string(), act.amount.map_or(0, Cents::get))).collect()
}

#[test]
fn what_falls_due_while_another_debt_is_out_is_reminded_demanded_and_referred_by_itself() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let first = tale.account.bill(Service::Sewer, Cents::new(90_000), day("2026-03-23"));
    tale.account.end_service();
    tale.through("2026-07-22");
    assert_eq!(legal(&tale, "referral").last(), Some(&("2026-07-21".to_owned(), 94_500)), "with its late fee");
    let fee = tale.account.snapshot().items.iter().map(|item| item.id).find(|id| *id != first).unwrap();
    tale.on("2026-07-23", |account| account.place([first, fee]));
    tale.on("2026-08-01", |account| {
        account.bill(Service::Sewer, Cents::new(65_000), day("2026-08-22"));
    });
    tale.through("2027-06-30");
    assert_eq!(tale.days("reminder").last().map(String::as_str), Some("2026-08-27"));
    let demanded = legal(&tale, "demand");
    assert_eq!(demanded.len(), 2, "{demanded:?}");
    let referred = legal(&tale, "referral");
    assert_eq!(referred.len(), 2, "{referred:?}");
    assert_eq!(referred[1], ("2026-12-20".to_owned(), 68_250), "its own, and its own late fee");
}

#[test]
fn a_write_off_after_a_return_takes_what_came_back_and_nothing_that_never_was_out() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let first = tale.account.bill(Service::Sewer, Cents::new(22_420), day("2026-03-23"));
    tale.on("2026-07-20", Account::end_service);
    tale.on("2026-07-23", |account| account.place([first]));
    tale.on("2026-09-10", |account| {
        account.bill(Service::Sewer, Cents::new(9_500), day("2026-10-01"));
    });
    tale.on("2026-09-22", Account::give_back).through("2026-10-22");
    assert_eq!(legal(&tale, "write_off"), [("2026-10-22".to_owned(), 22_420)]);
}

/// What happens to an account on one day.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Bills(i64),
    Recall,
    GivesBack,
}

fn happens() -> impl Strategy<Value = (i64, Happens)> {
    let what = prop_oneof![
        4 => (10_000_i64..40_000).prop_map(Happens::Bills),
        1 => Just(Happens::Recall),
        1 => Just(Happens::GivesBack),
    ];
    (5_i64..45, what)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is referred is placed the day after. No debt is demanded twice or referred twice, and none that was left
    /// alone is older than the policy's steps take.
    #[test]
    fn no_debt_is_forgotten_while_others_are_out_and_none_is_asked_for_twice(
        happened in prop::collection::vec(happens(), 8..22),
    ) {
        let policy = riverbend();
        let mut tale = Tale::owing_nothing(&policy);
        tale.account.end_service();
        let mut next = tale.account.world.today;
        let mut story: VecDeque<(Day, Happens)> = happened.iter().map(|(after, what)| {
            next = plus_days(next, *after);
            (next, *what)
        }).collect();
        let mut demanded: BTreeMap<ItemId, usize> = BTreeMap::new();
        let mut referred: BTreeMap<ItemId, usize> = BTreeMap::new();
        let mut goes_out: Vec<ItemId> = Vec::new();
        let last = plus_days(next, 260);
        while tale.account.world.today < last {
            let today = tale.account.world.today;
            if !goes_out.is_empty() {
                tale.account.place(std::mem::take(&mut goes_out));
            }
            while story.front().is_some_and(|(on, _)| *on <= today) {
                match story.pop_front().map(|(_, what)| what) {
                    Some(Happens::Bills(cents)) => {
                        tale.account.bill(Service::Sewer, Cents::new(cents), plus_days(today, 21));
                    }
                    Some(Happens::Recall) => tale.account.recall(),
                    Some(Happens::GivesBack) => tale.account.give_back(),
                    None => {}
                }
            }
            if tale.account.is_due() {
                tale.decide();
                let decision = tale.last.clone().unwrap();
                let runs = decision.case.iter().flat_map(|case| &case.tracks).filter(|run| run.track.as_str() == "legal");
                for step in runs.flat_map(|run| &run.steps).filter(|step| step.state == StepState::Acted(today)) {
                    let counts = match step.stage.as_str() {
                        "demand" => &mut demanded,
                        "referral" => &mut referred,
                        _ => continue,
                    };
                    step.items.iter().for_each(|item| *counts.entry(*item).or_default() += 1);
                    if step.stage.as_str() == "referral" {
                        goes_out.extend(&step.items);
                    }
                }
            }
            tale.account.begin(plus_days(today, 1));
        }
        let snapshot = tale.account.snapshot();
        for (item, times) in demanded.iter().chain(&referred) {
            prop_assert!(*times == 1, "{item} {times} times: {demanded:?} {referred:?}");
        }
        // A demand after ninety days, a referral thirty days after it; the younger of a run wait for the next one.
        for item in snapshot.items.iter().filter(|item| item.kind == EntryKind::Charge && item.open == item.amount) {
            let old = plus_days(item.due_on, 245) < last;
            prop_assert!(!old || referred.contains_key(&item.id), "{item:?} is forgotten: {demanded:?} {referred:?}");
        }
    }
}

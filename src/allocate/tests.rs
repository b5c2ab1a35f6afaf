//! The call list on a few accounts, and its limits over random histories.

use proptest::prelude::*;

use super::*;
use crate::domain::call::CallOutcome;
use crate::domain::day::{days_between, plus_days};
use crate::domain::testing::day;

const TODAY: &str = "2026-05-22";

fn candidate(id: i64, cents: i64, days_past_due: i64) -> Candidate {
    Candidate {
        call: CallId(id),
        account: AccountId(id),
        language: Language::English,
        amount: Cents::new(cents),
        days_past_due,
        not_before: day("2026-01-01"),
        required: false,
        has_phone: true,
        opted_out: false,
        held: None,
        arranged: false,
        broken_promise: false,
        no_contact: false,
        shut_off_on: None,
    }
}

fn desk(name: &str, languages: &[Language], capacity: u16) -> StaffMember {
    StaffMember { name: name.into(), languages: languages.iter().copied().collect(), capacity }
}

fn attempt(account: i64, on: Day, outcome: CallOutcome) -> CallAttempt {
    CallAttempt {
        call: CallId(account),
        account: AccountId(account),
        made_on: on,
        at: "10:15".into(),
        by: "Ana".into(),
        outcome,
        phone: "5305550100".into(),
        note: String::new(),
    }
}

fn list(candidates: &[Candidate], attempts: &[CallAttempt]) -> Allocation {
    let staff = [desk("Ana", &[Language::English, Language::Spanish], 40)];
    allocate(candidates, &staff, &CallRules::default(), day(TODAY), attempts)
}

fn order(allocation: &Allocation) -> Vec<i64> {
    allocation.listed.iter().map(|ranked| ranked.call.0).collect()
}

fn only_reason(allocation: &Allocation) -> String {
    assert!(allocation.listed.is_empty());
    allocation.left_out[0].1.to_string()
}

#[test]
fn the_score_shows_its_parts_and_they_sum_to_it() {
    let owes = Candidate {
        broken_promise: true,
        no_contact: true,
        shut_off_on: Some(day("2026-06-01")),
        ..candidate(1, 18_000, 60)
    };
    let ranked = &list(&[owes], &[]).listed[0];
    let parts: Vec<(&str, i64)> = ranked.parts.iter().map(|part| (part.name.as_str(), part.milli)).collect();
    // $180.00 at 5 points per $100, 60 days at 10 points per 30 days.
    assert_eq!(
        parts,
        [
            ("amount", 9_000),
            ("age", 20_000),
            ("broken_promise", 25_000),
            ("shut_off_soon", 20_000),
            ("no_contact", 5_000)
        ]
    );
    assert_eq!(ranked.score_milli, 79_000);
}

#[test]
fn equal_scores_go_by_days_past_due_and_then_by_account() {
    // $200.00 and 30 days, and nothing less than $400.00 just due: 20 points each.
    let same = [candidate(3, 40_000, 0), candidate(2, 20_000, 30), candidate(1, 20_000, 30)];
    assert_eq!(order(&list(&same, &[])), [1, 2, 3]);
}

#[test]
fn required_calls_come_first_and_fill_nobody_s_day() {
    let required = |id| Candidate { required: true, ..candidate(id, 1_000, 1) };
    let staff = [desk("Ana", &[Language::English], 1)];
    let candidates = [candidate(1, 90_000, 200), candidate(2, 80_000, 200), required(3), required(4)];
    let allocation = allocate(&candidates, &staff, &CallRules::default(), day(TODAY), &[]);
    assert_eq!(order(&allocation), [3, 4, 1]);
    assert_eq!(allocation.left_out, [(CallId(2), WhyNot::NoCapacity)]);
    let without_staff = allocate(&candidates, &[], &CallRules::default(), day(TODAY), &[]);
    assert_eq!(order(&without_staff), [3, 4]);
    assert_eq!(without_staff.listed[0].assigned_to, None);
}

#[test]
fn the_bilingual_desk_is_kept_for_those_who_need_it() {
    let spanish = |id, cents| Candidate { language: Language::Spanish, ..candidate(id, cents, 30) };
    let staff = [desk("Ana", &[Language::English, Language::Spanish], 1), desk("Bob", &[Language::English], 2)];
    let candidates = [candidate(1, 90_000, 30), spanish(2, 80_000), spanish(3, 70_000)];
    let allocation = allocate(&candidates, &staff, &CallRules::default(), day(TODAY), &[]);
    let seats: Vec<(i64, Option<&str>)> =
        allocation.listed.iter().map(|ranked| (ranked.call.0, ranked.assigned_to.as_deref())).collect();
    // The third has to take the language line with Bob: Ana's day is full.
    assert_eq!(seats, [(1, Some("Bob")), (2, Some("Ana")), (3, Some("Bob"))]);
}

#[test]
fn after_seven_attempts_in_seven_days_the_next_waits_until_the_first_has_passed() {
    let attempts: Vec<CallAttempt> =
        (16..23).map(|d| attempt(1, day(&format!("2026-05-{d}")), CallOutcome::NoAnswer)).collect();
    let owes = [candidate(1, 18_000, 60)];
    assert_eq!(
        only_reason(&list(&owes, &attempts)),
        "7 attempts were made in 7 days; the next may be on Sat 2026-05-23"
    );
    let left = list(&owes, &attempts[..6]).listed[0].attempts_left;
    assert_eq!(left, 1);
    let next_day = allocate(&owes, &[desk("Ana", &[], 1)], &CallRules::default(), day("2026-05-23"), &attempts);
    assert_eq!(order(&next_day), [1]);
}

#[test]
fn the_day_of_a_conversation_is_the_first_of_seven_quiet_days() {
    let owes = [candidate(1, 18_000, 60)];
    let spoken = |on: &str| [attempt(1, day(on), CallOutcome::Refused)];
    assert_eq!(
        only_reason(&list(&owes, &spoken("2026-05-16"))),
        "somebody was spoken to on Sat 2026-05-16; the next call may be on Sat 2026-05-23"
    );
    assert_eq!(order(&list(&owes, &spoken("2026-05-15"))), [1]);
    // A voicemail is an attempt, not a conversation.
    assert_eq!(order(&list(&owes, &[attempt(1, day("2026-05-21"), CallOutcome::LeftMessage)])), [1]);
}

#[test]
fn who_keeps_an_arrangement_is_not_called_about_what_it_settles() {
    let arranged = Candidate { arranged: true, required: true, ..candidate(1, 20_000, 40) };
    assert_eq!(only_reason(&list(&[arranged], &[])), "an arrangement is being kept");
}

#[test]
fn an_opt_out_is_kept_for_good_and_turns_a_required_call_into_a_visit() {
    let said_so_once = [attempt(1, day("2025-01-02"), CallOutcome::OptOut)];
    let owes = candidate(1, 18_000, 60);
    assert_eq!(
        only_reason(&list(std::slice::from_ref(&owes), &said_so_once)),
        "the customer asked not to be telephoned"
    );
    let required = Candidate { required: true, opted_out: true, ..owes };
    assert_eq!(list(&[required], &[]).left_out, [(CallId(1), WhyNot::OptedOut { needs_visit: true })]);
}

#[test]
fn whoever_is_not_called_has_a_reason_and_an_account_is_listed_once() {
    let again = Candidate { call: CallId(9), account: AccountId(1), ..candidate(9, 100, 1) };
    let candidates = [
        candidate(1, 18_000, 60),
        Candidate { has_phone: false, ..candidate(2, 18_000, 60) },
        Candidate { held: Some(HoldKind::Bankruptcy), ..candidate(3, 18_000, 60) },
        Candidate { not_before: day("2026-05-23"), ..candidate(4, 18_000, 60) },
        candidate(5, 0, 0),
        again,
    ];
    let allocation = list(&candidates, &[]);
    assert_eq!(order(&allocation), [1]);
    let reasons: Vec<String> = allocation.left_out.iter().map(|(call, why)| format!("{call}: {why}")).collect();
    assert_eq!(
        reasons,
        [
            "2: there is no telephone number",
            "3: a bankruptcy hold blocks calls",
            "4: it is wanted from Sat 2026-05-23 on",
            "5: nothing is past due",
            "9: the account is on the list already, with call 1",
        ]
    );
}

#[test]
fn calls_are_made_from_eight_to_nine_at_night() {
    let rules = CallRules::default();
    assert!(!is_calling_hour(&rules, 7) && is_calling_hour(&rules, 8));
    assert!(is_calling_hour(&rules, 20) && !is_calling_hour(&rules, 21));
}

fn outcomes() -> impl Strategy<Value = CallOutcome> {
    prop::sample::select(CallOutcome::ALL.to_vec())
}

prop_compose! {
    fn candidates()(rows in prop::collection::vec(
        (1_i64..30, 0_i64..100_000, 0_i64..400, any::<[bool; 6]>(), prop::sample::select(Language::ALL.to_vec())),
        0..40,
    )) -> Vec<Candidate> {
        (1_i64..).zip(rows).map(|(id, (account, cents, age, [required, phone, out, broken, fresh, held], language))| {
            Candidate {
                account: AccountId(account),
                language,
                required,
                has_phone: phone,
                opted_out: out && !phone,
                held: (held && required).then_some(HoldKind::Deceased),
                broken_promise: broken,
                no_contact: fresh,
                shut_off_on: fresh.then(|| day("2026-05-25")),
                ..candidate(id, cents, age)
            }
        }).collect()
    }
}

proptest! {
    #[test]
    fn every_call_is_listed_or_left_out_once_and_the_order_of_arrival_changes_nothing(
        (given, shuffled) in candidates().prop_flat_map(|c| (Just(c.clone()), Just(c).prop_shuffle())),
        capacity in 0_u16..12,
    ) {
        let staff = [desk("Ana", &[Language::English, Language::Spanish], capacity), desk("Bob", &[Language::English], capacity)];
        let rules = CallRules::default();
        let allocation = allocate(&given, &staff, &rules, day(TODAY), &[]);
        prop_assert_eq!(&allocation, &allocate(&shuffled, &staff, &rules, day(TODAY), &[]));

        let mut all: Vec<CallId> = allocation.listed.iter().map(|ranked| ranked.call).collect();
        all.extend(allocation.left_out.iter().map(|(call, _)| *call));
        all.sort_unstable();
        prop_assert_eq!(all, given.iter().map(|c| c.call).collect::<Vec<_>>());

        let required = |ranked: &Ranked| given.iter().any(|c| c.call == ranked.call && c.required);
        for (at, ranked) in allocation.listed.iter().enumerate() {
            prop_assert_eq!(ranked.rank as usize, at + 1);
            prop_assert_eq!(ranked.parts.iter().map(|part| part.milli).sum::<i64>(), ranked.score_milli);
        }
        for pair in allocation.listed.windows(2) {
            prop_assert!((!required(&pair[0]), -pair[0].score_milli) <= (!required(&pair[1]), -pair[1].score_milli));
        }
        for member in &staff {
            let own = allocation.listed.iter().filter(|r| r.assigned_to.as_deref() == Some(&member.name) && !required(r));
            prop_assert!(own.count() <= usize::from(member.capacity));
        }
    }

    #[test]
    fn whoever_works_the_list_to_its_end_never_passes_a_limit(
        days in prop::collection::vec(prop::collection::vec(outcomes(), 0..5), 40),
        max_attempts in 0_u8..8,
        within_days in 1_u16..10,
        quiet in 0_u16..10,
        required in any::<bool>(),
    ) {
        let rules = CallRules { max_attempts, within_days, quiet_days_after_contact: quiet, ..CallRules::default() };
        let owes = [Candidate { required, ..candidate(1, 18_000, 60) }];
        let staff = [desk("Ana", &[Language::English], 5)];
        let mut made: Vec<CallAttempt> = Vec::new();
        for (today, outcomes) in (0_i64..).map(|n| plus_days(day("2026-05-01"), n)).zip(days) {
            // The list is made anew before each call, as the next attempt asks again.
            for outcome in outcomes {
                if let Some(ranked) = allocate(&owes, &staff, &rules, today, &made).listed.first() {
                    prop_assert!(ranked.attempts_left > 0);
                    made.push(attempt(1, today, outcome));
                }
            }
        }
        for (at, last) in made.iter().enumerate() {
            let earlier = &made[..at];
            let near = earlier.iter().filter(|a| days_between(a.made_on, last.made_on) < i64::from(within_days)).count();
            prop_assert!(near < usize::from(max_attempts));
            for contact in earlier.iter().filter(|a| a.outcome.is_contact()) {
                prop_assert!(days_between(contact.made_on, last.made_on) >= i64::from(quiet));
            }
            prop_assert!(earlier.iter().all(|a| a.outcome != CallOutcome::OptOut));
        }
    }
}

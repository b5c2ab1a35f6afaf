//! What becomes of money and debts when more is learned of them, on both databases.

use std::collections::BTreeMap;

use arrears::domain::hold::HoldKind;
use arrears::domain::import::UnmatchedState;
use arrears::domain::petition::OfAfter;
use arrears::domain::proposal::{LeftOver, Proposed, to_write_off};
use arrears::domain::{AccountId, Cents, EntryId, EntryKind, EventKind};
use arrears::store::{ExceptionKind, HeldWithTask, ImportResult, NewHold, PetitionNews, Store};

use super::debts::{apply, deposits_file};
use super::{
    account, accounts_file, at, balance_of, charge, day, decide, entry, lead, one_debtor, one_misread, open_cents,
    payment, petitioning, profile, reversal, rules, snapshot, take, take_entries, took,
};

async fn told(store: &Store, kind: ExceptionKind) -> Vec<String> {
    let lines = store.exceptions(true).await.unwrap().into_iter();
    lines.filter(|line| line.kind == kind).map(|line| line.text).collect()
}

/// The debt of $180.00 is written off on May 21.
async fn written_off(store: &Store) -> (AccountId, EntryId) {
    let debtor = one_debtor(store).await;
    let debts = to_write_off(&snapshot(store, debtor).await.items, day("2026-05-20"));
    let what = Proposed::WriteOff { debts };
    let id = store.propose(debtor, &what, Cents::new(18_000), "moved", &lead("2026-05-20")).await.unwrap();
    store.approve_proposal(id, &[], &rules(), &at("2026-05-21")).await.unwrap();
    let entries = store.entries(debtor).await.unwrap();
    (debtor, entries.iter().find(|entry| entry.kind == EntryKind::WriteOff).unwrap().id)
}

pub async fn a_correction_after_a_petition_is_stayed_until_a_person_says_what_time_it_is_of(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let id = store.record_petition(debtor, &petitioning("2026-04-20"), &rules(), &lead("2026-05-04")).await.unwrap();
    let mut named = entry("1001", "ADJ-1", EntryKind::Adjustment, 1_000, "2026-05-05");
    named.designated_reference = Some(store.entries(debtor).await.unwrap()[0].reference.clone());
    let unknown = entry("1001", "ADJ-2", EntryKind::Adjustment, 2_000, "2026-05-05");
    take_entries(&store, vec![named, unknown], &at("2026-05-05")).await;
    assert_eq!(snapshot(&store, debtor).await.stayed_amount(), Cents::new(21_000));
    let asked = told(&store, ExceptionKind::CorrectionStayed).await;
    assert!(asked.len() == 1 && asked[0].starts_with("ADJ-2 of cis added $20.00"), "{asked:?}");
    let entry = store.entries(debtor).await.unwrap().into_iter().find(|entry| entry.reference == "ADJ-2").unwrap().id;
    let said = OfAfter { entry, by: "Ruth".into(), on: day("2026-05-06"), reason: "of May".into() };
    let news = PetitionNews::OfAfter(said);
    store.petition_news(id, &news, &rules(), &lead("2026-05-06")).await.unwrap();
    assert_eq!(open_cents(&store, debtor).await, [2_000]);
    assert!(told(&store, ExceptionKind::CorrectionStayed).await.is_empty());
    assert!(store.petition_news(id, &news, &rules(), &lead("2026-05-07")).await.is_err(), "said once");
}

pub async fn a_deposit_that_is_given_back_after_it_was_applied_freezes_its_account(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take(&store, &deposits_file(&[("1001", "D-1", 5_000, 0)]), &at("2026-04-01")).await;
    let held = store.deposits_of(debtor).await.unwrap().remove(0);
    decide(&store, debtor, vec![apply(debtor, held.id, 5_000, 0)], &[], "2026-04-21").await;
    let mut back = deposits_file(&[("1001", "D-1", 5_000, 0)]);
    if let arrears::domain::import::ImportRows::Deposits(rows) = &mut back.rows {
        rows[0].returned_on = Some(day("2026-04-20"));
    }
    back.hash = arrears::domain::document::sha256(b"given back");
    back.content = back.hash.clone();
    let ImportResult::Done(_) = take(&store, &back, &at("2026-04-23")).await else { panic!("taken, and told") };
    let lines = told(&store, ExceptionKind::DepositGivenBack).await;
    assert!(lines.len() == 1 && lines[0].contains("`arrears adjust 1001 --amount 50.00 --reason TEXT`"), "{lines:?}");
    assert!(snapshot(&store, debtor).await.frozen.is_some());
    // Every file says it again; who has cleared the line is not asked again.
    let line = store.exceptions(true).await.unwrap()[0].id;
    store.clear_exception(line, Some("posted back"), &lead("2026-04-24")).await.unwrap();
    take(&store, &back, &at("2026-04-25")).await;
    assert!(told(&store, ExceptionKind::DepositGivenBack).await.is_empty());
    assert_eq!(snapshot(&store, debtor).await.frozen, None);
}

pub async fn what_is_left_of_a_deposit_is_not_refunded_while_debts_are_written_off(store: Store, _: String) {
    let (debtor, _) = written_off(&store).await;
    take(&store, &deposits_file(&[("1001", "D-1", 20_000, 0)]), &at("2026-05-25")).await;
    let held = store.deposits_of(debtor).await.unwrap().remove(0);
    let mut act = apply(debtor, held.id, 20_000, 20_000);
    act.for_day = day("2026-05-26");
    decide(&store, debtor, vec![act], &[], "2026-05-26").await;
    assert!(store.tasks(true).await.unwrap().is_empty(), "nobody is told to refund it");
    let lines = told(&store, ExceptionKind::WrittenOffBefore).await;
    assert!(
        lines.len() == 1
            && lines[0].starts_with("$200.00 is left over of deposit D-1 of $200.00, and $180.00 was written off")
            && lines[0].contains("`arrears writeoff 1001 --reverse --amount 180.00 --reason TEXT`"),
        "{lines:?}"
    );
}

pub async fn money_for_a_debt_that_was_written_off_is_told_and_as_much_of_it_is_brought_back(store: Store, _: String) {
    let (debtor, write_off) = written_off(&store).await;
    take_entries(&store, vec![charge("1001", "C-2", 4_000, "2026-06-01", "2026-06-22")], &at("2026-06-01")).await;
    let mut named = payment("1001", "P-1", 5_000, "2026-06-10");
    named.designated_reference = Some(store.entries(debtor).await.unwrap()[0].reference.clone());
    take_entries(&store, vec![named], &at("2026-06-10")).await;
    assert_eq!(open_cents(&store, debtor).await, [0; 0], "it paid the younger bill");
    let lines = told(&store, ExceptionKind::PaidAfterWriteOff).await;
    assert!(
        lines.len() == 1
            && lines[0].starts_with("$50.00 of Wed 2026-06-10 (P-1 of ")
            && lines[0].contains("names a debt (")
            && lines[0].contains("`arrears writeoff 1001 --reverse --amount 50.00 --reason TEXT`"),
        "{lines:?}"
    );
    let part = LeftOver { write_off, left: Cents::new(5_000) };
    let what = Proposed::Reinstatement {
        write_offs: vec![write_off],
        facts: Vec::new(),
        left_over: Vec::new(),
        partly: vec![part],
    };
    let id = store.propose(debtor, &what, Cents::new(5_000), "she paid", &lead("2026-06-11")).await.unwrap();
    store.approve_proposal(id, &[], &rules(), &at("2026-06-12")).await.unwrap();
    // The money goes where it was meant to go; $130.00 stays written off, and the younger bill is owed.
    assert_eq!(open_cents(&store, debtor).await, [4_000]);
    assert_eq!(snapshot(&store, debtor).await.idle, []);
    assert!(told(&store, ExceptionKind::PaidAfterWriteOff).await.is_empty());
    // Without a name it is told where it pays nothing.
    take_entries(&store, vec![payment("1001", "P-2", 4_000, "2026-06-13")], &at("2026-06-13")).await;
    assert!(told(&store, ExceptionKind::PaidAfterWriteOff).await.is_empty(), "it pays the bill");
    take_entries(&store, vec![payment("1001", "P-3", 15_000, "2026-06-14")], &at("2026-06-14")).await;
    let lines = told(&store, ExceptionKind::PaidAfterWriteOff).await;
    assert!(
        lines.len() == 1
            && lines[0].contains("pays nothing here, and $130.00 was written off")
            && lines[0].contains("--amount 130.00"),
        "{lines:?}"
    );
}

pub async fn a_payment_that_came_back_before_it_was_matched_can_still_be_matched_by_a_person(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    one_misread(&store).await;
    let before = open_cents(&store, debtor).await;
    let returned = reversal("1010", "R-1", "P-1", "2026-04-15");
    took(&store, vec![returned.clone()], "2026-04-15").await;
    let listed = store.unmatched_payments(None).await.unwrap().remove(0);
    assert_eq!(listed.state, UnmatchedState::Returned);
    store.match_payment(listed.id, debtor, &rules(), &lead("2026-04-16")).await.unwrap();
    assert_eq!(open_cents(&store, debtor).await, before, "paid, and owed again");
    let kinds: Vec<EntryKind> = store.entries(debtor).await.unwrap().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds[kinds.len() - 2..], [EntryKind::Payment, EntryKind::Reversal]);
    let events = snapshot(&store, debtor).await.events;
    assert!(events.iter().any(|event| event.kind == EventKind::PaymentReturned && event.on == day("2026-04-15")));
    // The bank's file again says nothing new, and nobody matches it twice.
    let again = vec![returned, payment("1001", "P-9", 1, "2026-04-17")];
    assert_eq!(took(&store, again, "2026-04-17").await.unchanged, 1);
    assert!(store.match_payment(listed.id, debtor, &rules(), &lead("2026-04-18")).await.is_err());
}

pub async fn holds_and_the_tasks_that_belong_to_them_are_placed_together_or_not_at_all(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    take(&store, &accounts_file(&[profile("1002")]), &at("2026-05-01")).await;
    let other = account(&store, "1002").await;
    let held = |account, through: Option<&str>| HeldWithTask {
        account,
        hold: NewHold {
            kind: HoldKind::Review,
            from: day("2026-05-04"),
            through: through.map(day),
            items: Vec::new(),
            stops_clock: true,
            reason: "a death".into(),
            estate: None,
        },
        about: "same customer",
        task: format!("end it with `arrears hold end {}`", HeldWithTask::NUMBER),
    };
    let stamp = lead("2026-05-04");
    // The second cannot be: it would end before it begins.
    let broken = [held(debtor, None), held(other, Some("2026-05-01"))];
    assert!(store.place_holds_with_tasks(&broken, &stamp).await.is_err());
    assert_eq!((store.holds_of(debtor).await.unwrap().len(), store.tasks(true).await.unwrap().len()), (0, 0));
    let placed = store.place_holds_with_tasks(&[held(debtor, None), held(other, None)], &stamp).await.unwrap();
    let tasks: BTreeMap<AccountId, String> =
        store.tasks(true).await.unwrap().into_iter().map(|task| (task.account, task.text)).collect();
    assert_eq!(tasks[&other], format!("end it with `arrears hold end {}`", placed[1]));
    assert_eq!(tasks.len(), 2);
    assert_eq!(balance_of(&store, other).await, Cents::ZERO);
}

//! Deposits, held to their dates: from the file that brings one to the bill that it pays.

use crate::domain::hold::HoldKind;
use crate::domain::notice::NoticeState;
use crate::domain::{Cents, EntryKind};
use crate::office::testing::{City, day};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,\
                        occupancy,service_ended\n";
const DEPOSITS: &str = "account,deposit,interest,received_on,returned_on,source,reference\n";
const CHARGES: &str = "account,service,amount,billed_on,due_on,source,reference\n";
const ADJUSTMENTS: &str = "account,kind,amount,adjusted_on,source,reference,arrears_reference\n";

/// April 15: service has ended, $224.20 is owed since March, and a deposit of $150.00 with $4.20 of interest is held.
async fn moved_out() -> City {
    let city = City::new().await;
    city.takes("deposits.csv", &format!("{DEPOSITS}10-000417,150.00,4.20,2019-08-01,,cis,D-2071\n")).await;
    city.at("2026-04-15", "09:00");
    ends(&city, "2026-04-15").await;
    city
}

async fn ends(city: &City, on: &str) {
    let row = format!("10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,{on}\n");
    city.takes("accounts.csv", &format!("{ACCOUNTS}{row}")).await;
}

async fn final_bill(city: &City, amount: &str) {
    let row = format!("10-000417,water,{amount},2026-04-20,2026-05-11,cis,B2-W\n");
    city.takes("final.csv", &format!("{CHARGES}{row}")).await;
}

/// Runs the night of a day.
async fn night(city: &City, on: &str) {
    city.at(on, "04:00");
    city.office.night(day(on)).await.unwrap();
}

/// What is open of each debt, by the day on which it was billed.
async fn open(city: &City) -> Vec<(String, i64)> {
    let items = city.office.snapshot(city.debtor().await).await.unwrap().items;
    let bills = items.iter().filter(|item| item.kind == EntryKind::Charge);
    bills.map(|item| (item.billed_on.to_string(), item.open.get())).collect()
}

async fn credits(city: &City) -> Vec<(String, i64)> {
    let entries = city.office.store.entries(city.debtor().await).await.unwrap();
    let deposits = entries.iter().filter(|entry| entry.kind == EntryKind::Deposit);
    deposits.map(|entry| (entry.effective_on.to_string(), entry.amount.get())).collect()
}

async fn why(city: &City) -> String {
    let why = city.office.why(city.debtor().await, None).await.unwrap();
    let told = why.explained.iter().map(|one| format!("{}: {} [{}]", one.stage, one.says, one.facts.join("; ")));
    told.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_night_after_the_final_bill_applies_the_deposit_once_and_to_that_bill_first() {
    let city = moved_out().await;
    night(&city, "2026-04-16").await;
    assert!(credits(&city).await.is_empty(), "the final bill has not come");
    assert!(why(&city).await.contains("deposit: waits until Sun 2026-06-14"), "{}", why(&city).await);
    city.at("2026-04-20", "09:00");
    final_bill(&city, "100.00").await;
    for on in ["2026-04-21", "2026-04-22"] {
        night(&city, on).await;
        assert_eq!(credits(&city).await, [("2026-04-21".to_owned(), -15_420)], "once, dated its day");
    }
    // $100.00 to the final bill, $54.20 to the bill of March.
    assert_eq!(open(&city).await, [("2026-03-02".to_owned(), 17_000)]);
    let told = why(&city).await;
    assert!(told.contains("deposit: done Tue 2026-04-21 [deposit = $154.20, received 2019-08-01; interest"), "{told}");
    let lines = city.office.store.log(0, 1000).await.unwrap();
    let line = lines.iter().find(|line| line.what == "deposit applied").unwrap();
    assert_eq!(line.body["deposit"], "D-2071");
    assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
}

#[tokio::test]
async fn nobody_is_dunned_for_a_final_bill_before_the_deposit_is_applied_and_the_letter_then_shows_it() {
    let city = moved_out().await;
    // Thirty-nine days after its due date the bill of March would have its final notice, were there anything to shut off.
    night(&city, "2026-05-01").await;
    assert!(city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap().is_empty());
    assert!(why(&city).await.contains("final_notice: does not apply"), "{}", why(&city).await);
    // A bill of $50.00 at the end: the rest pays the bill of March.
    city.at("2026-05-04", "09:00");
    final_bill(&city, "50.00").await;
    night(&city, "2026-05-05").await;
    night(&city, "2026-06-22").await;
    let planned = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
    let notice = planned.iter().find(|notice| notice.template.as_str() == "demand").unwrap();
    assert_eq!(notice.facts.deposit, Some((day("2026-05-05"), Cents::new(15_420))));
    assert_eq!(notice.facts.amount, city.office.snapshot(city.debtor().await).await.unwrap().balance());
}

#[tokio::test]
async fn a_notice_that_was_planned_before_the_deposit_was_known_is_not_released() {
    let city = City::new().await;
    night(&city, "2026-05-01").await;
    city.at("2026-05-01", "09:00");
    city.takes("deposits.csv", &format!("{DEPOSITS}10-000417,150.00,,2019-08-01,,cis,D-2071\n")).await;
    let planned = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
    ends(&city, "2026-05-01").await;
    let released = city.office.release_notices(&[planned[0].id], "Ruth").await.unwrap();
    assert!(released.released.is_empty(), "{released:?}");
}

#[tokio::test]
async fn what_is_left_over_is_a_task_for_the_lead_and_nothing_is_paid_out() {
    let city = moved_out().await;
    city.lockbox("10-000417", "224.20", "2026-04-16").await;
    city.at("2026-04-20", "09:00");
    final_bill(&city, "100.00").await;
    night(&city, "2026-04-21").await;
    let tasks = city.office.store.tasks(true).await.unwrap();
    let task = tasks.iter().find(|task| task.text.starts_with("Refund")).unwrap();
    assert!(task.text.starts_with("Refund $54.20 to Rosa Muñoz, 418 Alder St, Riverbend, CA 95600"), "{}", task.text);
    assert_eq!(city.office.snapshot(task.account).await.unwrap().balance(), Cents::new(-5_420));
}

#[tokio::test]
async fn a_deposit_that_the_billing_system_applied_itself_is_not_applied_again() {
    let city = moved_out().await;
    city.at("2026-04-20", "09:00");
    final_bill(&city, "100.00").await;
    city.takes("adjustments.csv", &format!("{ADJUSTMENTS}10-000417,deposit,-154.20,2026-04-20,cis,ADJ-1,\n")).await;
    night(&city, "2026-04-21").await;
    assert_eq!(credits(&city).await, [("2026-04-20".to_owned(), -15_420)]);
}

#[tokio::test]
async fn an_applied_deposit_goes_to_the_billing_system_and_is_known_when_it_comes_back_named_or_not() {
    for named in [true, false] {
        let city = moved_out().await;
        city.at("2026-04-20", "09:00");
        final_bill(&city, "100.00").await;
        night(&city, "2026-04-21").await;
        let owed = city.office.snapshot(city.debtor().await).await.unwrap().balance();
        // Its balance of that day is without the deposit, and no difference.
        city.at("2026-04-22", "09:00");
        let theirs = owed + Cents::new(15_420);
        let said = |amount: Cents, on: &str| format!("account,balance,as_of\n10-000417,{},{on}\n", amount.to_plain());
        city.takes("balances.csv", &said(theirs, "2026-04-21")).await;
        assert_eq!(city.office.snapshot(city.debtor().await).await.unwrap().frozen, None);
        let list = city.office.export_fees("Ruth").await.unwrap().unwrap();
        let text = std::fs::read_to_string(city.office.fee_export_path(&list)).unwrap();
        let line = text.lines().find(|line| line.contains(",deposit,10-000417,general,-154.20,2026-04-21")).unwrap();
        let reference = if named { line.split(',').next().unwrap() } else { "" };
        let row = format!("10-000417,deposit,-154.20,2026-04-23,cis,ADJ-9,{reference}\n");
        city.at("2026-04-23", "09:00");
        city.takes("adjustments.csv", &format!("{ADJUSTMENTS}{row}")).await;
        assert_eq!(credits(&city).await.len(), 1, "counted once, named: {named}");
        city.at("2026-04-24", "09:00");
        city.takes("balances-2.csv", &said(owed, "2026-04-23")).await;
        assert_eq!(city.office.snapshot(city.debtor().await).await.unwrap().frozen, None);
    }
}

#[tokio::test]
async fn a_deposit_waits_under_a_dispute_and_is_applied_without_a_bill_after_sixty_days() {
    let city = moved_out().await;
    city.at("2026-06-10", "09:00");
    let account = city.debtor().await;
    let hold = city.office.hold(account, HoldKind::Dispute, (None, None), "reads high", "Omar").await.unwrap();
    night(&city, "2026-06-14").await;
    assert!(credits(&city).await.is_empty());
    assert!(why(&city).await.contains("deposit: barred: a hold stands (dispute)"), "{}", why(&city).await);
    city.at("2026-06-15", "09:00");
    city.office.end_hold(hold, "meter tested", "Ruth").await.unwrap();
    night(&city, "2026-06-16").await;
    assert_eq!(credits(&city).await.len(), 1);
}

#[tokio::test]
async fn a_deposit_is_set_off_against_nothing_under_a_petition_until_the_court_dismisses_it() {
    let city = moved_out().await;
    final_bill(&city, "30.00").await;
    city.at("2026-04-20", "09:00");
    let request = crate::office::PetitionRequest {
        chapter: crate::domain::petition::Chapter::Seven,
        court: "Eastern District of California".into(),
        case_number: "26-20417".into(),
        petition_on: day("2026-04-18"),
        relief_on: None,
        learned_on: None,
    };
    let recorded = city.office.record_petition(city.debtor().await, &request, "Ruth").await.unwrap();
    assert!(recorded.late.unwrap().contains("a deposit of $154.20 is held"));
    night(&city, "2026-04-22").await;
    assert!(credits(&city).await.is_empty());
    assert!(why(&city).await.contains("is stayed (chapter 7, case 26-20417"), "{}", why(&city).await);
    city.at("2026-06-15", "09:00");
    let dismissed = crate::domain::petition::StayEnd::Dismissed;
    city.office.petition_ended(recorded.id, day("2026-06-15"), dismissed, "Ruth").await.unwrap();
    assert_eq!(credits(&city).await, [("2026-06-15".to_owned(), -15_420)]);
}

#[tokio::test]
async fn a_deposit_comes_again_with_more_interest_and_never_with_another_amount() {
    let city = moved_out().await;
    city.takes("deposits-2.csv", &format!("{DEPOSITS}10-000417,150.00,4.35,2019-08-01,,cis,D-2071\n")).await;
    let held = city.office.store.deposits_of(city.debtor().await).await.unwrap();
    assert_eq!((held.len(), held[0].interest), (1, Cents::new(435)));
    city.inbox("deposits-3.csv", &format!("{DEPOSITS}10-000417,160.00,4.35,2019-08-01,,cis,D-2071\n"));
    assert_eq!(city.office.take_inbox().await.unwrap().refused, 1);
    let report = std::fs::read_to_string(city.office.dir.join("refused/deposits-3.csv.report.txt")).unwrap();
    assert!(report.contains("deposit of $150.00 received 2019-08-01, account 10-000417"), "{report}");
    // It was given back before service ended: nothing is held.
    city.takes("deposits-4.csv", &format!("{DEPOSITS}10-000417,150.00,4.35,2019-08-01,2026-04-14,cis,D-2071\n")).await;
    city.at("2026-04-20", "09:00");
    final_bill(&city, "100.00").await;
    night(&city, "2026-04-21").await;
    assert!(credits(&city).await.is_empty());
}

#[tokio::test]
async fn a_deposit_that_the_billing_system_gives_back_after_it_was_applied_stops_everything_until_somebody_has_looked()
{
    let city = moved_out().await;
    city.at("2026-04-20", "09:00");
    final_bill(&city, "100.00").await;
    night(&city, "2026-04-21").await;
    city.at("2026-04-22", "09:00");
    let back = |on: &str| format!("{DEPOSITS}10-000417,150.00,4.20,2019-08-01,{on},cis,D-2071\n");
    city.takes("deposits-2.csv", &back("2026-04-20")).await;
    let account = city.debtor().await;
    let frozen = city.office.snapshot(account).await.unwrap().frozen.unwrap();
    assert!(
        frozen.contains(
            "deposit D-2071 of cis was given back to the customer on Mon 2026-04-20, and $154.20 of it was applied"
        ) && frozen.contains("`arrears adjust 10-000417 --amount 154.20 --reason TEXT`"),
        "{frozen}"
    );
    assert_eq!(city.office.why(account, None).await.unwrap().frozen, Some(frozen));
    let line = city.office.store.exceptions(true).await.unwrap().remove(0).id;
    assert!(city.office.clear_exception(line, None, "Ruth").await.is_err(), "it takes a reason");
    city.office.clear_exception(line, Some("given back by mistake, and paid in again"), "Ruth").await.unwrap();
    // What was said once is not said again by the next file; something else is.
    city.takes("deposits-3.csv", &back("2026-04-20")).await;
    assert_eq!(city.office.snapshot(account).await.unwrap().frozen, None);
    city.takes("deposits-4.csv", &back("2026-04-21")).await;
    assert!(city.office.snapshot(account).await.unwrap().frozen.is_some());
    assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
}

#[tokio::test]
async fn nothing_is_written_off_ahead_of_a_deposit_that_is_held() {
    let city = moved_out().await;
    city.at("2026-04-16", "09:00");
    let account = city.debtor().await;
    let refused = city.office.propose_write_off(account, "moved", "Ruth").await.unwrap_err().to_string();
    assert!(refused.contains("a deposit of $154.20 is held for this account"), "{refused}");
    final_bill(&city, "10.00").await;
    night(&city, "2026-04-21").await;
    city.at("2026-05-21", "09:00");
    // Approved, it is looked at again: a deposit that was learned meanwhile comes first.
    let (id, amount) = city.office.propose_write_off(account, "moved", "Ruth").await.unwrap();
    assert_eq!(amount, Cents::new(8_000));
    city.takes("deposits-2.csv", &format!("{DEPOSITS}10-000417,50.00,,2020-08-01,,cis,D-3000\n")).await;
    let refused = city.office.approve_proposal(id, "Ida").await.unwrap_err().to_string();
    assert!(refused.contains("a deposit of $50.00 is held"), "{refused}");
}

#[tokio::test]
async fn a_deposit_that_was_learned_after_a_write_off_is_no_task_to_refund_until_the_debt_was_brought_back() {
    let city = City::new().await;
    city.at("2026-04-15", "09:00");
    ends(&city, "2026-04-15").await;
    let account = city.debtor().await;
    let (id, _) = city.office.propose_write_off(account, "moved", "Ruth").await.unwrap();
    city.office.approve_proposal(id, "Ida").await.unwrap();
    city.takes("deposits.csv", &format!("{DEPOSITS}10-000417,150.00,4.20,2019-08-01,,cis,D-2071\n")).await;
    night(&city, "2026-06-15").await;
    assert_eq!(credits(&city).await.len(), 1);
    assert!(city.office.store.tasks(true).await.unwrap().iter().all(|task| !task.text.starts_with("Refund")));
    let lines = city.office.store.exceptions(true).await.unwrap();
    assert!(lines[0].text.contains("--reverse --amount 154.20"), "{}", lines[0].text);
    let amount = Some(Cents::new(15_420));
    let (id, ..) = city.office.propose_reinstatement(account, amount, "the deposit pays it", "Ruth").await.unwrap();
    city.office.approve_proposal(id, "Ida").await.unwrap();
    let snapshot = city.office.snapshot(account).await.unwrap();
    assert_eq!((snapshot.balance(), snapshot.unapplied, snapshot.idle.len()), (Cents::ZERO, Cents::ZERO, 0));
    let too_much = city.office.propose_reinstatement(account, Some(Cents::new(7_001)), "x", "Ruth").await.unwrap_err();
    assert!(too_much.to_string().contains("$70.00"), "{too_much}");
    assert!(city.office.doctor(&|_, _| {}).await.unwrap().is_clean());
}

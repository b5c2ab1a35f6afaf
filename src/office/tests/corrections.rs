//! Corrections that come after a petition in bankruptcy, from their file to what may be asked for.

use crate::domain::EntryId;
use crate::domain::petition::Chapter;
use crate::office::PetitionRequest;
use crate::office::testing::{City, day};
use crate::store::ExceptionKind;

const ADJUSTMENTS: &str =
    "account,amount,adjusted_on,due_on,for_reference,service_from,service_through,source,reference\n";

/// June 1: a petition of April 10 is recorded; the bill of March 23 is stayed.
async fn petitioned() -> City {
    let city = City::new().await;
    city.at("2026-06-01", "09:00");
    record(&city).await;
    city
}

async fn record(city: &City) {
    let request = PetitionRequest {
        chapter: Chapter::Seven,
        court: "Eastern District of California".into(),
        case_number: "26-20417".into(),
        petition_on: day("2026-04-10"),
        relief_on: None,
        learned_on: None,
    };
    city.office.record_petition(city.debtor().await, &request, "Ruth").await.unwrap();
}

async fn corrected(city: &City, row: &str) {
    city.takes("adjustments.csv", &format!("{ADJUSTMENTS}10-000417,150.00,2026-06-02,2026-06-23,{row}\n")).await;
}

/// What is asked for, and what is stayed.
async fn stands(city: &City) -> (i64, i64) {
    let snapshot = city.office.snapshot(city.debtor().await).await.unwrap();
    (snapshot.items.iter().map(|item| item.open.get()).sum(), snapshot.stayed_amount().get())
}

async fn questions(city: &City) -> Vec<(i64, String)> {
    let lines = city.office.store.exceptions(true).await.unwrap().into_iter();
    lines.filter(|line| line.kind == ExceptionKind::CorrectionStayed).map(|line| (line.id, line.text)).collect()
}

async fn is_clean(city: &City) {
    let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
    assert!(checkup.is_clean(), "{:?}", checkup.checks.iter().flat_map(|c| &c.findings).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_correction_of_which_nothing_says_what_time_it_is_of_is_stayed_until_the_lead_says_that_it_is_of_the_time_after()
 {
    let city = petitioned().await;
    city.at("2026-06-02", "09:00");
    corrected(&city, ",,,cis,ADJ-1").await;
    assert_eq!(stands(&city).await, (0, 37_420));
    let [(line, text)] = &questions(&city).await[..] else { panic!("one line") };
    assert!(
        text.contains("ADJ-1 of cis added $150.00 on Tue 2026-06-02 (entry 2), after the petition in bankruptcy (chapter 7, case 26-20417")
            && text.contains("`arrears bankruptcy after 1 2 --reason TEXT`"),
        "{text}"
    );
    is_clean(&city).await;
    let petition = crate::domain::PetitionId(1);
    let none = city.office.correction_after(petition, EntryId(2), " ", "Ruth").await.unwrap_err().to_string();
    assert!(none.contains("reason"), "{none}");
    let bill = city.office.correction_after(petition, EntryId(1), "x", "Ruth").await.unwrap_err().to_string();
    assert!(bill.contains("entry 1 is no correction"), "{bill}");
    city.office.correction_after(petition, EntryId(2), "the slow meter of May", "Ruth").await.unwrap();
    assert_eq!((stands(&city).await, questions(&city).await), ((15_000, 22_420), vec![]));
    let cleared = city.office.store.exceptions(false).await.unwrap();
    assert!(cleared.iter().any(|known| known.id == *line && known.cleared_by.as_deref() == Some("Ruth")));
    let said = city.office.store.log(0, 1_000).await.unwrap();
    assert!(said.iter().any(|line| line.what == "correction of after the petition"), "the log has it");
    is_clean(&city).await;
    let again = city.office.correction_after(petition, EntryId(2), "again", "Ruth").await.unwrap_err().to_string();
    assert!(again.contains("Ruth said so of entry 2"), "{again}");
}

#[tokio::test]
async fn a_correction_goes_by_the_bill_that_it_names_or_by_its_own_days_and_nobody_is_asked() {
    for (row, (asked_for, stayed)) in [
        ("B1-W,,,cis,ADJ-1", (0, 37_420)),
        (",2026-02-01,2026-02-28,cis,ADJ-1", (0, 37_420)),
        // Thirty days, of which ten are through April 10.
        (",2026-04-01,2026-04-30,cis,ADJ-1", (10_000, 27_420)),
        (",2026-05-01,2026-05-31,cis,ADJ-1", (15_000, 22_420)),
    ] {
        let city = petitioned().await;
        city.at("2026-06-02", "09:00");
        corrected(&city, row).await;
        assert_eq!(stands(&city).await, (asked_for, stayed), "{row}");
        assert_eq!(questions(&city).await, [], "{row}");
        is_clean(&city).await;
    }
}

#[tokio::test]
async fn a_correction_that_came_before_the_petition_was_learned_is_asked_about_when_it_is_recorded_and_only_once() {
    let city = City::new().await;
    city.at("2026-06-02", "09:00");
    corrected(&city, ",,,cis,ADJ-1").await;
    assert_eq!((stands(&city).await, questions(&city).await), ((37_420, 0), vec![]));
    record(&city).await;
    assert_eq!(stands(&city).await, (0, 37_420));
    let [(line, _)] = questions(&city).await[..] else { panic!("one line") };
    // Nobody can tell: it stays stayed, and is not asked about again.
    let blank = city.office.clear_exception(line, None, "Ruth").await.unwrap_err().to_string();
    assert!(blank.contains("reason"), "{blank}");
    city.office.clear_exception(line, Some("the billing system cannot say"), "Ruth").await.unwrap();
    city.takes("more.csv", &format!("{ADJUSTMENTS}10-000417,10.00,2026-06-02,2026-06-23,B1-W,,,cis,ADJ-2\n")).await;
    assert_eq!((stands(&city).await, questions(&city).await), ((0, 38_420), vec![]));
    is_clean(&city).await;
}

//! Petitions in bankruptcy: which part of the debt they stay, and how they end.
//!
//! What was owed for the time through the day of the petition is stayed (11 USC 362): nobody asks for it, and no service
//! is shut off for it. What is owed for the time after it is owed like any debt. The parts are computed by
//! [`super::ledger::settle`] from the entries each time, so that a bill that comes in, is reversed or is billed anew falls into
//! them by itself. How many days the customer has to give adequate assurance of payment (11 USC 366) is a policy's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::account::{Service, words};
use super::day::{Day, days_between, plus_days};
use super::ids::{EntryId, ItemId, PetitionId};
use super::ledger::{Entry, EntryKind, PlanSpan};
use super::money::Cents;
use super::transfer::FIRST_BILLED;

words! {
    /// The chapter of title 11 under which the petition was filed.
    Chapter {
        Seven = "7",
        Nine = "9",
        Eleven = "11",
        Twelve = "12",
        Thirteen = "13",
    }
}

words! {
    /// How the stay ended.
    StayEnd {
        /// The case was dismissed: the debts return with their original due dates.
        Dismissed = "dismissed",
        /// The case was closed without a discharge: the stay ends with it (11 USC 362(c)(2)).
        Closed = "closed",
    }
}

/// The names of the printed dates that bound the service period of a bill, where a file gave them.
pub const PERIOD_FROM: &str = "service_from";
pub const PERIOD_THROUGH: &str = "service_through";

/// One petition of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Petition {
    pub id: PetitionId,
    pub chapter: Chapter,
    /// `U.S. Bankruptcy Court, Eastern District of California`.
    pub court: String,
    pub case_number: String,
    pub petition_on: Day,
    /// The order for relief: in a voluntary case the petition itself (11 USC 301(b)).
    pub relief_on: Day,
    /// The day on which notice of it was received.
    pub learned_on: Day,
    pub recorded_on: Day,
    pub recorded_by: String,
    /// The account's last entry when it was recorded.
    pub known_through: EntryId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// The debt of the time before is discharged: it stays uncollected (11 USC 524).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharged_on: Option<Day>,
    /// The first day on which nothing is stayed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<(Day, StayEnd)>,
    /// The day of the court's order behind it, or behind the discharge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_on: Option<Day>,
    /// Corrections of which nothing else says what time they are of, and of which a person has said that it is that after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_after: Vec<OfAfter>,
}

/// What a person said of a correction that was posted after the petition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfAfter {
    pub entry: EntryId,
    pub by: String,
    pub on: Day,
    pub reason: String,
}

/// Adequate assurance of payment for service after the petition: a deposit, a bond, a prepayment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    pub on: Day,
    pub form: String,
    pub recorded_by: String,
}

impl Petition {
    /// Whether it stays debts on the day. A discharge goes on staying them; dismissal, and closing without a discharge, do
    /// not.
    #[must_use]
    pub fn stays_on(&self, day: Day) -> bool {
        self.petition_on <= day && self.ended.is_none_or(|(ended, _)| day < ended)
    }

    /// By this span the ledger keeps money of later days from what is stayed.
    #[must_use]
    pub fn span(&self) -> PlanSpan {
        PlanSpan {
            from: self.petition_on,
            known_through: EntryId(i64::MAX),
            until: self.ended.map(|(ended, _)| plus_days(ended, -1)),
            covers: BTreeSet::new(),
            installments: BTreeSet::new(),
            carried: Vec::new(),
            stays: Some(self.petition_on),
            discharged: self.discharged_on,
            of_after: self.of_after.iter().map(|said| said.entry).collect(),
        }
    }

    /// `chapter 13, case 26-20417, petition of 2026-05-04`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("chapter {}, case {}, petition of {}", self.chapter, self.case_number, self.petition_on)
    }

    /// How it stands, in words.
    #[must_use]
    pub fn state_words(&self) -> String {
        match (self.ended, self.discharged_on, &self.assurance) {
            (Some((day, how)), ..) => format!("{how} {day}"),
            (None, Some(day), _) => format!("discharged {day}"),
            (None, None, Some(assurance)) => format!("stayed; assurance of {}: {}", assurance.on, assurance.form),
            (None, None, None) => "stayed; no assurance recorded".to_owned(),
        }
    }
}

/// The part of a debt, as posted, that is of the time through the petition's day.
///
/// A bill whose service period is known is split by days, the petition's own among those before, and the cent that does
/// not divide with them. One whose period is not known is stayed whole where it was billed or due by then, and where it
/// is the first of its service after (`is_first_after`), since its period may span the day. A debt that came from another
/// account goes by its first bill and its due date. A correction goes by the days that it is for, or by the bill that it
/// corrects; where nothing says them it is stayed, whenever it was posted. Other debts go by their day.
#[must_use]
pub fn share_before(entry: &Entry, petition_on: Day, is_first_after: bool) -> Cents {
    let whole = |is_before: bool| if is_before { entry.amount } else { Cents::ZERO };
    if entry.kind == EntryKind::Transfer {
        // The day of a transfer makes no debt younger: it is of the time in which it was billed first, and due.
        let billed_on = entry.printed.get(FIRST_BILLED).copied().unwrap_or(entry.effective_on);
        let due_on = entry.due_on.unwrap_or(entry.effective_on);
        return whole(billed_on.min(due_on) <= petition_on);
    }
    let is_correction = entry.kind == EntryKind::Adjustment;
    if entry.kind != EntryKind::Charge && !is_correction {
        return whole(entry.effective_on <= petition_on);
    }
    if let Some((from, through)) = period(entry) {
        let days = days_between(from, through) + 1;
        let before = (days_between(from, petition_on) + 1).clamp(0, days);
        let cents = i128::from(entry.amount.get()) * i128::from(before);
        let up = (cents + i128::from(days) - 1).div_euclid(i128::from(days));
        return Cents::new(i64::try_from(up).unwrap_or(i64::MAX));
    }
    match billed_on(entry) {
        Some(billed_on) => {
            let due_on = entry.due_on.unwrap_or(entry.effective_on);
            whole(billed_on <= petition_on || due_on <= petition_on || is_first_after)
        }
        None => whole(true),
    }
}

/// The days for which a debt is, where they are known.
fn period(entry: &Entry) -> Option<(Day, Day)> {
    let (from, through) = (entry.printed.get(PERIOD_FROM)?, entry.printed.get(PERIOD_THROUGH)?);
    (from <= through).then_some((*from, *through))
}

/// The day of the bill by which a debt without its days goes: of a correction that of the bill which it corrects, where it
/// names one.
fn billed_on(entry: &Entry) -> Option<Day> {
    if entry.kind == EntryKind::Adjustment {
        entry.printed.get(FIRST_BILLED).copied()
    } else {
        Some(entry.effective_on)
    }
}

/// Whether it is a correction that was posted after the petition and of which nothing says what time it is of: a person has to.
#[must_use]
pub fn is_of_unknown_time(entry: &Entry, petition_on: Day) -> bool {
    entry.kind == EntryKind::Adjustment
        && entry.is_debt()
        && entry.effective_on > petition_on
        && period(entry).is_none()
        && billed_on(entry).is_none()
}

/// The parts, of those of `standing` that have one, by debt.
#[must_use]
pub fn shares_before(standing: &[&Entry], petition_on: Day, of_after: &BTreeSet<EntryId>) -> BTreeMap<ItemId, Cents> {
    let is_after =
        |entry: &&&Entry| entry.kind == EntryKind::Charge && entry.is_debt() && entry.effective_on > petition_on;
    let mut first: BTreeMap<Service, Day> = BTreeMap::new();
    for charge in standing.iter().filter(is_after) {
        let day = first.entry(charge.service).or_insert(charge.effective_on);
        *day = charge.effective_on.min(*day);
    }
    let share = |entry: &&Entry| {
        let is_first = billed_on(entry).is_some_and(|day| first.get(&entry.service) == Some(&day));
        (entry.id, share_before(entry, petition_on, is_first))
    };
    let debts = standing.iter().filter(|entry| entry.is_debt() && !of_after.contains(&entry.id));
    debts.map(share).filter(|(_, share)| share.is_positive()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::day::parse;
    use super::super::ids::AccountId;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn charge(cents: i64, billed: &str, due: &str, period: Option<(&str, &str)>) -> Entry {
        let printed = period.map_or_else(BTreeMap::new, |(from, through)| {
            BTreeMap::from([(PERIOD_FROM.to_owned(), day(from)), (PERIOD_THROUGH.to_owned(), day(through))])
        });
        Entry {
            id: EntryId(1),
            account: AccountId(1),
            service: Service::Water,
            kind: EntryKind::Charge,
            amount: Cents::new(cents),
            effective_on: day(billed),
            due_on: Some(day(due)),
            printed,
            designated_item: None,
            designated_service: None,
            reverses: None,
            channel: None,
            source: "cis".into(),
            reference: "B1".into(),
            memo: String::new(),
            recorded_at: DateTime::UNIX_EPOCH,
        }
    }

    fn share(entry: &Entry, first: bool) -> i64 {
        share_before(entry, day("2026-05-10"), first).get()
    }

    #[test]
    fn a_bill_that_spans_the_petition_is_split_by_days_and_its_day_belongs_to_the_time_before() {
        // 30 days of April 26 to May 25, of which 15 end on May 10.
        let spans = charge(9_001, "2026-05-26", "2026-06-16", Some(("2026-04-26", "2026-05-25")));
        assert_eq!(share(&spans, true), 4_501, "the cent that does not divide is not asked for");
        let before = charge(9_000, "2026-05-26", "2026-06-16", Some(("2026-04-11", "2026-05-10")));
        assert_eq!(share(&before, true), 9_000);
        let after = charge(9_000, "2026-06-26", "2026-07-16", Some(("2026-05-11", "2026-06-10")));
        assert_eq!(share(&after, true), 0);
    }

    #[test]
    fn a_bill_without_its_period_is_stayed_whole_where_it_may_be_of_the_time_before() {
        assert_eq!(share(&charge(9_000, "2026-05-02", "2026-05-23", None), false), 9_000);
        assert_eq!(share(&charge(9_000, "2026-06-02", "2026-06-23", None), true), 9_000, "the first one after");
        assert_eq!(share(&charge(9_000, "2026-07-02", "2026-07-23", None), false), 0);
        assert_eq!(share(&charge(9_000, "2026-07-02", "2026-04-23", None), false), 9_000, "an old bill billed anew");
    }

    #[test]
    fn a_correction_goes_by_its_days_or_its_bill_and_where_nothing_says_them_it_is_stayed() {
        let correction = |period, billed: Option<&str>| {
            let mut entry = Entry { kind: EntryKind::Adjustment, ..charge(3_000, "2026-07-01", "2026-07-22", period) };
            entry.printed.extend(billed.map(|on| (FIRST_BILLED.to_owned(), day(on))));
            entry
        };
        let unknown = correction(None, None);
        assert_eq!(share(&unknown, false), 3_000);
        assert!(is_of_unknown_time(&unknown, day("2026-05-10")));
        assert!(!is_of_unknown_time(&unknown, day("2026-07-01")), "it was there before the petition");
        let spans = correction(Some(("2026-05-01", "2026-05-30")), Some("2026-06-02"));
        assert_eq!((share(&spans, false), is_of_unknown_time(&spans, day("2026-05-10"))), (1_000, false));
        assert_eq!(share(&correction(None, Some("2026-05-02")), false), 3_000);
        assert_eq!(share(&correction(None, Some("2026-07-01")), false), 0);
        assert_eq!(share(&correction(None, Some("2026-06-02")), true), 3_000, "of the first bill after");
    }

    #[test]
    fn of_a_correction_of_unknown_time_a_person_says_that_it_is_of_the_time_after() {
        let unknown = Entry { kind: EntryKind::Adjustment, ..charge(3_000, "2026-07-01", "2026-07-22", None) };
        let shares =
            |of_after: &[EntryId]| shares_before(&[&unknown], day("2026-05-10"), &of_after.iter().copied().collect());
        assert_eq!(shares(&[]), BTreeMap::from([(EntryId(1), Cents::new(3_000))]));
        assert_eq!(shares(&[EntryId(1)]), BTreeMap::new());
    }

    #[test]
    fn a_fee_goes_by_its_own_day() {
        let fee = |on: &str| Entry { kind: EntryKind::Fee, ..charge(1_000, on, on, None) };
        assert_eq!((share(&fee("2026-05-10"), true), share(&fee("2026-05-11"), true)), (1_000, 0));
    }
}

//! Parts of the sentences in which the audit says what is broken.

use crate::domain::calendar::DayKind;
use crate::domain::day::short;
use crate::domain::referral::Destination;
use crate::domain::{Cents, Day};

pub(super) fn now_phrase(now: Option<Destination>) -> String {
    now.map_or_else(|| "nowhere".to_owned(), |to| format!("to {to}"))
}

pub(super) fn cite_phrase(citation: &str) -> String {
    if citation.is_empty() { String::new() } else { format!(" ({citation})") }
}

pub(super) fn found_phrase(found: Option<Day>) -> String {
    found.map_or_else(|| "none stands".to_owned(), |day| format!("the one that stands counts from {}", short(day)))
}

pub(super) const fn unanswered_phrase(is_visited: bool, is_left: bool) -> &'static str {
    match (is_visited, is_left) {
        (true, _) => "no required notice was left at the premises",
        (false, true) => "nobody has visited the premises",
        (false, false) => "nobody has visited the premises and left a required notice there",
    }
}

pub(super) fn open_phrase(open: Option<Cents>) -> String {
    open.map_or_else(|| "no such open item".to_owned(), |open| open.to_string())
}

pub(super) fn amount_phrase(amount: Option<Cents>) -> String {
    amount.map_or_else(|| "no amount".to_owned(), |amount| amount.to_string())
}

pub(super) fn not_before_phrase(from: Option<Day>) -> String {
    from.map_or_else(|| "service has ended".to_owned(), short)
}

pub(super) const fn kind_phrase(kind: DayKind) -> &'static str {
    match kind {
        DayKind::Monday => "a Monday",
        DayKind::Tuesday => "a Tuesday",
        DayKind::Wednesday => "a Wednesday",
        DayKind::Thursday => "a Thursday",
        DayKind::Friday => "a Friday",
        DayKind::Saturday => "a Saturday",
        DayKind::Sunday => "a Sunday",
        DayKind::Holiday => "a legal holiday",
        DayKind::OfficeClosed => "a day on which the office is closed",
        DayKind::WeekendEve => "the day before a weekend",
        DayKind::HolidayEve => "the day before a legal holiday",
        DayKind::ClosedEve => "the day before a day on which the office is closed",
    }
}

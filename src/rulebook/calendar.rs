//! Calendar files: holidays by rule, observed days, and days on which the office is closed.
//!
//! A calendar names all of its holidays itself, so that the council's list can be laid beside it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

use crate::domain::day::plus_days;
use crate::domain::{Calendar, Day};

use super::day_rules;
use super::document::{self, Entry, Node, Value};
use super::error::{Fault, Report, RuleErrors};
use super::fields::{self, Fields};
use super::sources::Sources;
use super::tokens::Phrase;

/// The years for which holidays are computed.
const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2100;

/// When a holiday is.
enum HolidayRule {
    /// A month and day of each year.
    Fixed(u32, u32),
    /// A weekday of a month, counted from its beginning or (negative) its end, and so many days later.
    Weekday(i8, Weekday, u32, i64),
    /// Days named one by one.
    Dates(Vec<Day>),
}

/// Where a holiday on a weekend is observed.
#[derive(Clone, Copy, Default)]
struct Observed {
    sunday_on_monday: bool,
    saturday_on_friday: bool,
}

/// Reads a calendar.
///
/// # Errors
/// Everything that is wrong with `text`, with `file` as its name.
pub fn load(text: &str, file: &str) -> Result<Calendar, RuleErrors> {
    let mut report = Report::new(file, text);
    let calendar = document::parse(text, &mut report).and_then(|node| read(&node, &mut report));
    let errors = report.into_errors();
    match calendar {
        Some(calendar) if errors.is_empty() => Ok(calendar),
        _ => Err(RuleErrors(errors)),
    }
}

/// Reads the calendar `calendars/NAME.yaml` of `sources`: the one that a policy names.
///
/// # Errors
/// There is no such file, or everything that is wrong with it.
pub fn named(sources: &Sources, name: &str) -> Result<Calendar, RuleErrors> {
    let path = format!("calendars/{name}.yaml");
    sources.get(&path).map_or_else(|| Err(sources.missing(&path)), |text| load(text, &path))
}

fn read(node: &Node, report: &mut Report<'_>) -> Option<Calendar> {
    let mut fields = Fields::of(node, "a calendar", report)?;
    let name = fields.need("calendar", report).and_then(|node| report.take(fields::text(node, "a calendar's name")));
    let _ = fields.take("title", report).and_then(|node| report.take(fields::text(node, "a title")));
    let _ = fields.take("authority", report).and_then(|node| report.take(fields::text(node, "an authority")));
    let observed = fields.take("observed", report).map(|node| observed(node, report)).unwrap_or_default();
    let first = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1)?;
    let last = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31)?;
    let mut holidays: BTreeMap<Day, String> = BTreeMap::new();
    if let Some(entries) = fields.need("holidays", report).and_then(|n| fields::entries(n, "holidays", report)) {
        for entry in entries {
            for (day, named) in holiday(entry, observed, report) {
                if (first..=last).contains(&day) {
                    holidays.entry(day).and_modify(|names| *names = format!("{names}, {named}")).or_insert(named);
                }
            }
        }
    }
    let mut closures = BTreeSet::new();
    if let Some(node) = fields.take("closures", report) {
        for item in node.each() {
            let days = closure(item, last);
            closures.extend(report.take(days).unwrap_or_default());
        }
    }
    fields.done(report);
    Some(Calendar { name: name?.to_owned(), holidays, closures, known: Some((first, last)) })
}

/// `{sunday: next monday, saturday: friday before}`.
fn observed(node: &Node, report: &mut Report<'_>) -> Observed {
    let mut found = Observed::default();
    let Some(mut fields) = Fields::of(node, "observed days", report) else { return found };
    if let Some(node) = fields.take("sunday", report) {
        let read = fields::word(node, "where a Sunday's holiday is observed", &["next monday"], |word| word);
        found.sunday_on_monday = report.take(read).is_some();
    }
    if let Some(node) = fields.take("saturday", report) {
        let read = fields::word(node, "where a Saturday's holiday is observed", &["friday before"], |word| word);
        found.saturday_on_friday = report.take(read).is_some();
    }
    fields.done(report);
    found
}

/// All days of one holiday, as observed.
fn holiday(entry: &Entry, observed: Observed, report: &mut Report<'_>) -> Vec<(Day, String)> {
    let (node, since) = match &entry.value.value {
        Value::Map(_) => {
            let Some(mut fields) = Fields::of(&entry.value, "a holiday", report) else { return Vec::new() };
            let on = fields.need("on", report);
            let since = fields.take("since", report).and_then(|node| {
                let parsed = fields::text(node, "a year").and_then(|text| fields::count(text, node.at, "a year"));
                report.take(parsed)
            });
            fields.done(report);
            let Some(on) = on else { return Vec::new() };
            (on, since.map_or(FIRST_YEAR - 1, i32::from))
        }
        Value::Empty | Value::Text(_) | Value::List(_) => (&entry.value, FIRST_YEAR - 1),
    };
    let Some(rule) = holiday_rule(node, report) else { return Vec::new() };
    // A New Year's Day of the year after may be observed in December.
    let years = since.max(FIRST_YEAR - 1)..=LAST_YEAR + 1;
    let days: Vec<Day> = match rule {
        HolidayRule::Fixed(month, day) => {
            years.filter_map(|year| NaiveDate::from_ymd_opt(year, month, day)).map(|day| observed.shift(day)).collect()
        }
        HolidayRule::Weekday(nth, weekday, month, later) => {
            years.filter_map(|year| nth_weekday(year, month, weekday, nth)).map(|day| plus_days(day, later)).collect()
        }
        HolidayRule::Dates(days) => days,
    };
    days.into_iter().map(|day| (day, entry.key.clone())).collect()
}

impl Observed {
    fn shift(self, day: Day) -> Day {
        match day.weekday() {
            Weekday::Sun if self.sunday_on_monday => plus_days(day, 1),
            Weekday::Sat if self.saturday_on_friday => plus_days(day, -1),
            _ => day,
        }
    }
}

/// `july 4`, `fourth thursday of november`, `day after fourth thursday of november`, `2026-03-31` or a list of dates.
fn holiday_rule(node: &Node, report: &mut Report<'_>) -> Option<HolidayRule> {
    let is_date =
        |node: &Node| matches!(&node.value, Value::Text(text) if text.starts_with(|c: char| c.is_ascii_digit()));
    if node.each().iter().any(is_date) {
        let days: Vec<Option<Day>> =
            node.each().iter().map(|item| report.take(fields::date(item, "a holiday"))).collect();
        return days.into_iter().collect::<Option<Vec<Day>>>().map(HolidayRule::Dates);
    }
    let text = report.take(fields::text(node, "a holiday"))?;
    if let Some(rest) = text.strip_prefix("day after ") {
        let moved = Node { at: node.at, value: Value::Text(rest.to_owned()) };
        let (nth, weekday, month) = report.take(day_rules::weekday_of_month(&moved))?;
        return Some(HolidayRule::Weekday(nth, weekday, month, 1));
    }
    if text.contains(" of ") {
        let (nth, weekday, month) = report.take(day_rules::weekday_of_month(node))?;
        return Some(HolidayRule::Weekday(nth, weekday, month, 0));
    }
    report.take(day_rules::year_day(node)).map(|(month, day)| HolidayRule::Fixed(month, day))
}

/// The `nth` weekday of a month; negative from its end.
fn nth_weekday(year: i32, month: u32, weekday: Weekday, nth: i8) -> Option<Day> {
    if nth > 0 {
        return NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth.unsigned_abs());
    }
    (1..=5).rev().find_map(|n| NaiveDate::from_weekday_of_month_opt(year, month, weekday, n))
}

/// `every 2 weeks from 2026-01-09`, or one date.
fn closure(node: &Node, last: Day) -> Result<Vec<Day>, Fault> {
    let mut phrase = Phrase::of(node, "a closure")?;
    if !phrase.eat("every") {
        return fields::date(node, "a closure")
            .map(|day| vec![day])
            .map_err(|fault| fault.expected("a date, or `every 2 weeks from 2026-01-09`"));
    }
    let at = phrase.here();
    let weeks = phrase.number("weeks")?;
    if weeks == 0 {
        return Err(Fault::new(at, "every 0 weeks is never"));
    }
    if !phrase.eat("weeks") {
        phrase.need("week")?;
    }
    phrase.need("from")?;
    let at = phrase.here();
    let text = phrase.bump().map_or("", |token| token.text);
    let mut day = fields::date_of(text, at, "the first closure")?;
    phrase.end()?;
    let mut days = Vec::new();
    while day <= last {
        days.push(day);
        day = plus_days(day, i64::from(weeks) * 7);
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;

    fn on(text: &str, day: &str) -> Option<String> {
        load(text, "test.yaml").unwrap().holiday(parse(day).unwrap()).map(str::to_owned)
    }

    #[test]
    fn a_holiday_on_a_saturday_is_observed_on_friday_only_where_the_calendar_says_so() {
        let federal = "calendar: f\nobserved: {sunday: next monday, saturday: friday before}\nholidays: {Independence Day: july 4}\n";
        assert_eq!(on(federal, "2026-07-03").as_deref(), Some("Independence Day"));
        assert_eq!(on(federal, "2027-07-05").as_deref(), Some("Independence Day"));
        let city = "calendar: c\nobserved: {sunday: next monday}\nholidays: {Independence Day: july 4}\n";
        assert_eq!(on(city, "2026-07-03"), None);
        assert_eq!(on(city, "2026-07-04").as_deref(), Some("Independence Day"));
    }

    #[test]
    fn weekdays_of_a_month_count_from_either_end() {
        let text = "calendar: c\nholidays:\n  Memorial Day: last monday of may\n  Thanksgiving: fourth thursday of november\n  Day after Thanksgiving: day after fourth thursday of november\n";
        assert_eq!(on(text, "2026-05-25").as_deref(), Some("Memorial Day"));
        assert_eq!(on(text, "2026-11-26").as_deref(), Some("Thanksgiving"));
        assert_eq!(on(text, "2026-11-27").as_deref(), Some("Day after Thanksgiving"));
    }

    #[test]
    fn alternate_fridays_are_closed_but_remain_business_days() {
        let text = "calendar: c\nholidays: {}\nclosures: [every 2 weeks from 2026-01-09, 2026-12-24]\n";
        let calendar = load(text, "test.yaml").unwrap();
        let day = |text: &str| parse(text).unwrap();
        assert!(!calendar.is_office_open(day("2026-01-23")) && calendar.is_business_day(day("2026-01-23")));
        assert!(calendar.is_office_open(day("2026-01-16")));
        assert!(!calendar.is_office_open(day("2026-12-24")));
    }

    #[test]
    fn new_years_day_of_the_next_year_may_be_observed_in_december() {
        let text = "calendar: f\nobserved: {saturday: friday before}\nholidays: {\"New Year's Day\": january 1}\n";
        assert_eq!(on(text, "2027-12-31").as_deref(), Some("New Year's Day"));
    }

    #[test]
    fn a_month_without_that_day_is_refused_with_its_place() {
        let errors = load("calendar: c\nholidays:\n  Leap: february 31\n", "c.yaml").unwrap_err();
        assert_eq!(errors.0[0].message, "february has no day 31");
        assert_eq!((errors.0[0].place.at.line, errors.0[0].place.at.column), (3, 18));
    }
}

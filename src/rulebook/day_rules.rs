//! Days by rule: `last wednesday of the month`, `october 15`, and the kinds of days on which something never happens.

use chrono::Weekday;

use crate::domain::calendar::DayKind;

use super::document::Node;
use super::error::{Fault, one_of};
use super::policy::DateRule;
use super::tokens::Phrase;

/// The kinds of days by their words.
pub(super) const DAY_KINDS: &[DayKind] = &[
    DayKind::Monday,
    DayKind::Tuesday,
    DayKind::Wednesday,
    DayKind::Thursday,
    DayKind::Friday,
    DayKind::Saturday,
    DayKind::Sunday,
    DayKind::Holiday,
    DayKind::OfficeClosed,
    DayKind::WeekendEve,
    DayKind::HolidayEve,
    DayKind::ClosedEve,
];

/// The word of a kind of day.
pub(super) const fn day_kind_word(kind: DayKind) -> &'static str {
    match kind {
        DayKind::Monday => "monday",
        DayKind::Tuesday => "tuesday",
        DayKind::Wednesday => "wednesday",
        DayKind::Thursday => "thursday",
        DayKind::Friday => "friday",
        DayKind::Saturday => "saturday",
        DayKind::Sunday => "sunday",
        DayKind::Holiday => "holiday",
        DayKind::OfficeClosed => "office_closed",
        DayKind::WeekendEve => "weekend_eve",
        DayKind::HolidayEve => "holiday_eve",
        DayKind::ClosedEve => "closed_eve",
    }
}

const WEEKDAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Days of the longest year's months.
const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const ORDINALS: &[(&str, i8)] = &[("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("fifth", 5), ("last", -1)];

/// `last wednesday of the month`, `third business day`, `25th of the month`, `october 15`.
pub(super) fn date_rule(node: &Node) -> Result<DateRule, Fault> {
    let mut phrase = Phrase::of(node, "a rule of days")?;
    let rule = rule_of(&mut phrase)?;
    if !matches!(rule, DateRule::YearDay(..)) {
        let _ = phrase.eat("of the month") || phrase.eat("of each month");
    }
    phrase.end()?;
    Ok(rule)
}

/// `august 10`, as month and day.
pub(super) fn month_day(node: &Node) -> Result<(u8, u8), Fault> {
    match date_rule(node)? {
        DateRule::YearDay(month, day) => Ok((month, day)),
        DateRule::MonthDay(_) | DateRule::NthWeekday(..) | DateRule::NthBusinessDay(_) => {
            Err(Fault::new(node.at, "this is no day of the year").expected("such as august 10"))
        }
    }
}

fn rule_of(phrase: &mut Phrase<'_>) -> Result<DateRule, Fault> {
    let expected = "such as `last wednesday of the month`, `fifth business day`, `25th of the month` or `october 15`";
    let Some(token) = phrase.bump() else {
        return Err(Fault::new(phrase.whole(), "expected a rule of days, but the text ends").expected(expected));
    };
    let month = MONTHS
        .iter()
        .position(|month| *month == token.text)
        .and_then(|index| Some((u8::try_from(index + 1).ok()?, *MONTH_DAYS.get(index)?)));
    if let Some((month, last)) = month {
        let at = phrase.here();
        let day = phrase.number("the day of the month")?;
        return match u8::try_from(day) {
            Ok(day) if (1..=last).contains(&day) => Ok(DateRule::YearDay(month, day)),
            _ => Err(Fault::new(at, format!("{} has no day {day}", token.text)).expected(format!("1 to {last}"))),
        };
    }
    if let Some(day) = numbered_day(token.text) {
        return Ok(DateRule::MonthDay(day));
    }
    let Some((_, nth)) = ORDINALS.iter().find(|(word, _)| *word == token.text) else {
        let words = ORDINALS.iter().map(|(word, _)| *word).chain(MONTHS);
        return Err(Fault::new(token.at, format!("`{}` begins no rule of days", token.text))
            .near(token.text, words)
            .expected(expected));
    };
    if phrase.eat("business day") {
        return Ok(DateRule::NthBusinessDay(*nth));
    }
    if phrase.eat("day") {
        return Ok(DateRule::MonthDay(*nth));
    }
    let at = phrase.here();
    let Some(day) = phrase.bump() else {
        return Err(
            Fault::new(at, format!("expected a weekday after `{}`, but the text ends", token.text)).expected(expected)
        );
    };
    match WEEKDAYS.iter().find(|(word, _)| *word == day.text) {
        Some((_, weekday)) => Ok(DateRule::NthWeekday(*nth, *weekday)),
        None => {
            let words = || WEEKDAYS.iter().map(|(word, _)| *word);
            Err(Fault::new(at, format!("`{}` is not a weekday", day.text))
                .near(day.text, words())
                .expected(one_of(words())))
        }
    }
}

/// `1st`, `22nd`, `25th`.
fn numbered_day(word: &str) -> Option<i8> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|suffix| word.strip_suffix(suffix))?;
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

/// `october 15` as month and day, and nothing else.
pub(super) fn year_day(node: &Node) -> Result<(u32, u32), Fault> {
    match date_rule(node)? {
        DateRule::YearDay(month, day) => Ok((u32::from(month), u32::from(day))),
        DateRule::MonthDay(_) | DateRule::NthWeekday(..) | DateRule::NthBusinessDay(_) => {
            Err(Fault::new(node.at, "expected a day of the year").expected("a month and a day, such as `october 15`"))
        }
    }
}

/// `third monday of january`: the weekday's number in its month, and the month.
pub(super) fn weekday_of_month(node: &Node) -> Result<(i8, Weekday, u32), Fault> {
    let mut phrase = Phrase::of(node, "a weekday of a month")?;
    let at = phrase.here();
    let DateRule::NthWeekday(nth, weekday) = rule_of(&mut phrase)? else {
        return Err(Fault::new(at, "expected a weekday of a month").expected("such as `third monday of january`"));
    };
    phrase.need("of")?;
    let at = phrase.here();
    let month = phrase.bump().map_or("", |token| token.text);
    let Some(index) = MONTHS.iter().position(|known| *known == month) else {
        return Err(Fault::new(at, "expected a month").near(month, MONTHS).expected(one_of(MONTHS)));
    };
    phrase.end()?;
    Ok((nth, weekday, u32::try_from(index + 1).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::super::document::Value;
    use super::super::error::Span;
    use super::*;

    fn node(text: &str) -> Node {
        let width = u32::try_from(text.len()).unwrap();
        Node { at: Span { line: 1, column: 1, width }, value: Value::Text(text.into()) }
    }

    #[test]
    fn days_of_the_month_and_year_are_named_as_people_name_them() {
        let read = |text: &str| date_rule(&node(text)).unwrap();
        assert_eq!(read("last wednesday of the month"), DateRule::NthWeekday(-1, Weekday::Wed));
        assert_eq!(read("third tuesday"), DateRule::NthWeekday(3, Weekday::Tue));
        assert_eq!(read("fifth business day of the month"), DateRule::NthBusinessDay(5));
        assert_eq!(read("25th of the month"), DateRule::MonthDay(25));
        assert_eq!(read("october 15"), DateRule::YearDay(10, 15));
    }

    #[test]
    fn a_day_that_no_month_has_is_refused() {
        assert_eq!(date_rule(&node("february 30")).unwrap_err().message, "february has no day 30");
    }
}

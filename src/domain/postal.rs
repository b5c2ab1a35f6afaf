//! Days on which the post office takes no mail: Sundays and the holidays of 5 USC 6103(a). A city's own holidays are none of it.

use chrono::{Datelike, Weekday};

use super::day::{Day, plus_days};

/// Why the post office takes no mail on the day; `None` on a day when it does. A holiday that falls on a Sunday is kept on the
/// Monday; one on a Saturday stays there.
#[must_use]
pub fn closed(day: Day) -> Option<&'static str> {
    if day.weekday() == Weekday::Sun {
        return Some("a Sunday");
    }
    let observed = (day.weekday() == Weekday::Mon).then(|| plus_days(day, -1));
    holiday(day).or_else(|| observed.and_then(fixed))
}

fn holiday(day: Day) -> Option<&'static str> {
    // The how manieth of its weekday in the month.
    let nth = day.day0() / 7 + 1;
    let is_last = plus_days(day, 7).month() != day.month();
    match (day.month(), day.weekday(), nth) {
        (1, Weekday::Mon, 3) => Some("Martin Luther King Jr. Day"),
        (2, Weekday::Mon, 3) => Some("Washington's Birthday"),
        (5, Weekday::Mon, _) if is_last => Some("Memorial Day"),
        (9, Weekday::Mon, 1) => Some("Labor Day"),
        (10, Weekday::Mon, 2) => Some("Columbus Day"),
        (11, Weekday::Thu, 4) => Some("Thanksgiving Day"),
        _ => fixed(day),
    }
}

fn fixed(day: Day) -> Option<&'static str> {
    match (day.month(), day.day()) {
        (1, 1) => Some("New Year's Day"),
        (6, 19) if day.year() >= 2021 => Some("Juneteenth"),
        (7, 4) => Some("Independence Day"),
        (11, 11) => Some("Veterans Day"),
        (12, 25) => Some("Christmas Day"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::day::parse;
    use super::*;

    fn on(text: &str) -> Option<&'static str> {
        closed(parse(text).unwrap())
    }

    #[test]
    fn no_mail_is_taken_on_sundays_and_federal_holidays_and_on_the_citys_own_it_is() {
        assert_eq!(on("2026-05-24"), Some("a Sunday"));
        assert_eq!(on("2026-05-25"), Some("Memorial Day"));
        assert_eq!((on("2026-05-18"), on("2026-11-26")), (None, Some("Thanksgiving Day")));
        assert_eq!((on("2026-11-27"), on("2026-03-31")), (None, None), "of California, not of the post office");
        assert_eq!((on("2027-07-05"), on("2026-07-03")), (Some("Independence Day"), None));
        assert_eq!((on("2026-10-12"), on("2020-06-19")), (Some("Columbus Day"), None));
    }
}

//! Dates, words and numbers as the pages show them.

use chrono::{DateTime, Utc};

use crate::domain::{Day, Language, Profile};

use super::templates::encoded;

/// `Fri May 22, 2026`.
pub fn day(day: Day) -> String {
    day.format("%a %b %-d, %Y").to_string()
}

/// `Friday, May 22, 2026`.
pub fn long_day(day: Day) -> String {
    crate::domain::day::long(day)
}

/// A day that may be missing; empty then.
pub fn maybe_day(of: Option<Day>) -> String {
    of.map(day).unwrap_or_default()
}

/// An instant, in the city's time: `Fri May 22, 2026 09:30 PDT`.
pub fn instant(at: DateTime<Utc>, zone: chrono_tz::Tz) -> String {
    at.with_timezone(&zone).format("%a %b %-d, %Y %H:%M %Z").to_string()
}

/// A text of the core with its dates as the pages show them: `done Thu 2026-05-07` as `done Thu May 7, 2026`.
pub fn us_dates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let inside = out.ends_with(|before: char| before.is_ascii_digit());
        if !inside
            && let Some((head, tail)) = rest.split_at_checked(10)
            && !tail.starts_with(|after: char| after.is_ascii_digit())
            && let Some(day) = crate::domain::day::parse(head).filter(|_| letter.is_ascii_digit())
        {
            out.push_str(&day.format("%b %-d, %Y").to_string());
            rest = tail;
        } else {
            out.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    out
}

/// A file's or policy's word as people read it: `left_message` as `Left message`.
pub fn plain(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `(530) 555-0142`, where the number has ten digits.
pub fn phone(digits: &str) -> String {
    match (digits.get(..3), digits.get(3..6), digits.get(6..)) {
        (Some(area), Some(exchange), Some(line)) if digits.len() == 10 => format!("({area}) {exchange}-{line}"),
        _ => digits.to_owned(),
    }
}

/// A language by its English name.
pub const fn language(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Spanish",
        Language::Chinese => "Chinese",
        Language::Tagalog => "Tagalog",
        Language::Vietnamese => "Vietnamese",
        Language::Korean => "Korean",
    }
}

/// The address of an account's page.
pub fn account_path(profile: &Profile) -> String {
    numbered_path(profile.number.as_str())
}

/// The page of the account of that number.
pub fn numbered_path(number: &str) -> String {
    format!("/accounts/{}", encoded(number))
}

/// Thousandths of a point as points: `18.5`.
pub fn points(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    // To the nearest tenth, half away from zero.
    let tenths = (milli.unsigned_abs() + 50) / 100;
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

/// `1 notice`, `1,204 notices`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_dates_and_numbers_are_shown_as_people_read_them() {
        assert_eq!(day(crate::domain::day::parse("2026-05-22").unwrap()), "Fri May 22, 2026");
        assert_eq!(plain("left_message"), "Left message");
        assert_eq!(phone("5305550142"), "(530) 555-0142");
        assert_eq!(phone("555"), "555");
        assert_eq!(us_dates("done Thu 2026-05-07"), "done Thu May 7, 2026");
        assert_eq!(us_dates("12026-05-07 ñ 2026-13-01 2026-05-2"), "12026-05-07 ñ 2026-13-01 2026-05-2");
        assert_eq!(points(18_049), "18.0");
        assert_eq!(points(-50), "-0.1");
        assert_eq!(count(1, "notice", "notices"), "1 notice");
        assert_eq!(count(12_040, "notice", "notices"), "12,040 notices");
    }
}

//! A city's own dates, amounts and file names, as a mapping describes them.

use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::day::{FIRST_DAY, LAST_DAY};
use crate::domain::{Cents, Day};

/// How dates are written: `MM/DD/YYYY`, `YYYYMMDD`, `M/D/YY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatePattern {
    pub text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Year4,
    Year2,
    /// With a leading zero, or without one where the second is false.
    Month(bool),
    Day(bool),
    Mark(char),
}

impl DatePattern {
    /// Reads a pattern. `None`: it does not name a year, a month and a day, each once.
    pub fn new(text: &str) -> Option<Self> {
        let letters: Vec<char> = text.chars().collect();
        let runs = letters.chunk_by(|one, other| one == other && one.is_ascii_alphabetic());
        let parts: Vec<Part> = runs
            .map(|run| match (run[0], run.len()) {
                ('Y', 4) => Some(Part::Year4),
                ('Y', 2) => Some(Part::Year2),
                ('M', length @ 1..=2) => Some(Part::Month(length == 2)),
                ('D', length @ 1..=2) => Some(Part::Day(length == 2)),
                (mark, 1) if !mark.is_ascii_alphanumeric() => Some(Part::Mark(mark)),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let count = |wanted: fn(&Part) -> bool| parts.iter().filter(|part| wanted(part)).count();
        let is_whole = count(|part| matches!(part, Part::Year4 | Part::Year2)) == 1
            && count(|part| matches!(part, Part::Month(_))) == 1
            && count(|part| matches!(part, Part::Day(_))) == 1;
        is_whole.then(|| Self { text: text.to_owned(), parts })
    }

    /// Reads a date. Years of two digits are those from 1970 to 2069.
    pub fn parse(&self, text: &str) -> Option<Day> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for part in &self.parts {
            match part {
                Part::Year4 => year = i32::try_from(number(&mut rest, 4, 4)?).ok()?,
                Part::Year2 => {
                    let short = i32::try_from(number(&mut rest, 2, 2)?).ok()?;
                    year = if short < 70 { 2000 + short } else { 1900 + short };
                }
                Part::Month(zero) => month = number(&mut rest, if *zero { 2 } else { 1 }, 2)?,
                Part::Day(zero) => day = number(&mut rest, if *zero { 2 } else { 1 }, 2)?,
                Part::Mark(mark) => rest = rest.strip_prefix(*mark)?,
            }
        }
        let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| rest.is_empty())?;
        (FIRST_DAY..=LAST_DAY).contains(&date).then_some(date)
    }
}

/// Takes a number of so many digits from the front.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, behind) = rest.split_at_checked(digits).filter(|_| digits >= least)?;
    *rest = behind;
    number.parse().ok()
}

/// How amounts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmountForm {
    #[serde(rename = "in")]
    pub unit: Unit,
    pub negative: Negative,
    /// Whether the sign is turned: a city that writes payments below zero.
    pub turned: bool,
}

/// What the number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `1,308.40`, `$180`
    #[default]
    Dollars,
    /// `130840`, `0000130840`
    Cents,
}

/// How an amount below zero is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// `-25.00`
    #[default]
    Minus,
    /// `25.00-`
    TrailingMinus,
    /// `(25.00)`
    Parentheses,
    /// `25.00 CR`
    Cr,
}

impl AmountForm {
    /// Reads an amount.
    pub fn parse(self, text: &str) -> Option<Cents> {
        let inside = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
        let below = match self.negative {
            Negative::Minus => text.strip_prefix('-'),
            Negative::TrailingMinus => text.strip_suffix('-'),
            Negative::Parentheses => inside('(', ')'),
            Negative::Cr => text.strip_suffix("CR").or_else(|| text.strip_suffix("cr")),
        };
        let (is_below, plain) = below.map_or((false, text), |plain| (true, plain.trim()));
        // A sign in another place than the mapping says is a typing error, or another form.
        let starts_well = plain.starts_with(|c: char| c.is_ascii_digit() || c == '$' || c == '.');
        let amount: Cents = match self.unit {
            Unit::Dollars => plain.parse().ok().filter(|_| starts_well)?,
            Unit::Cents => {
                let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
                let cents: i64 = plain.parse().ok().filter(|_| digits)?;
                // Through the form of dollars, which knows how much is too much.
                Cents::new(cents).to_plain().parse().ok()?
            }
        };
        Some(if is_below == self.turned { amount } else { -amount })
    }

    /// Completes "expected …".
    pub const fn expected(self) -> &'static str {
        match (self.unit, self.negative) {
            (Unit::Dollars, Negative::Minus) => "an amount like 1308.40 or -25.00",
            (Unit::Dollars, Negative::TrailingMinus) => "an amount like 1308.40 or 25.00-",
            (Unit::Dollars, Negative::Parentheses) => "an amount like 1308.40 or (25.00)",
            (Unit::Dollars, Negative::Cr) => "an amount like 1308.40 or 25.00 CR",
            (Unit::Cents, Negative::Minus) => "an amount in cents like 130840 or -2500",
            (Unit::Cents, Negative::TrailingMinus) => "an amount in cents like 130840 or 2500-",
            (Unit::Cents, Negative::Parentheses) => "an amount in cents like 130840 or (2500)",
            (Unit::Cents, Negative::Cr) => "an amount in cents like 130840 or 2500 CR",
        }
    }
}

/// Whether a file's name is one of the pattern: `*` stands for any letters, `?` for one; capitals do not matter.
pub fn matches(pattern: &str, name: &str) -> bool {
    fn rest_matches(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', behind @ ..], _) => (0..=name.len()).any(|taken| rest_matches(behind, &name[taken..])),
            (['?', behind @ ..], [_, rest @ ..]) => rest_matches(behind, rest),
            ([one, behind @ ..], [other, rest @ ..]) => one == other && rest_matches(behind, rest),
            _ => false,
        }
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    rest_matches(&letters(pattern), &letters(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;

    #[test]
    fn a_date_is_read_as_the_pattern_says_and_in_no_other_way() {
        let may_2 = parse("2026-05-02");
        for (pattern, text) in
            [("MM/DD/YYYY", "05/02/2026"), ("M/D/YY", "5/2/26"), ("YYYYMMDD", "20260502"), ("DD.MM.YYYY", "02.05.2026")]
        {
            assert_eq!(DatePattern::new(pattern).unwrap().parse(text), may_2, "{pattern}");
        }
        for (pattern, text) in
            [("MM/DD/YYYY", "5/2/2026"), ("YYYYMMDD", "2026050"), ("YYMMDD", "2605021"), ("MMDDYY", "133126")]
        {
            assert_eq!(DatePattern::new(pattern).unwrap().parse(text), None, "{pattern} {text}");
        }
        for pattern in ["", "MM/DD", "YYYY-MM-DD-DD", "YYY-MM-DD", "month/day/year"] {
            assert_eq!(DatePattern::new(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn an_amount_is_read_in_the_form_that_the_mapping_names() {
        let form = |unit, negative| AmountForm { unit, negative, turned: false };
        for (form, text, cents) in [
            (form(Unit::Dollars, Negative::Minus), "$1,308.40", 130_840),
            (form(Unit::Dollars, Negative::TrailingMinus), "25.00-", -2_500),
            (form(Unit::Dollars, Negative::Parentheses), "(25.00)", -2_500),
            (form(Unit::Dollars, Negative::Cr), "25.00 CR", -2_500),
            (form(Unit::Cents, Negative::Minus), "0000070000", 70_000),
            (AmountForm { turned: true, ..AmountForm::default() }, "-25.00", 2_500),
        ] {
            assert_eq!(form.parse(text), Some(Cents::new(cents)), "{text}");
        }
        for text in ["25.00-", "(25.00)", "12,34", "--1", "", "1.234", "25.00 CR"] {
            assert_eq!(AmountForm::default().parse(text), None, "{text}");
        }
        assert_eq!(form(Unit::Cents, Negative::Minus).parse("25.00"), None);
    }

    #[test]
    fn a_pattern_of_names_knows_stars_and_question_marks() {
        assert!(matches("LBX*.txt", "lbx20260520.TXT"));
        assert!(matches("bill-????.csv", "bill-2026.csv"));
        assert!(!matches("LBX*.txt", "LBX20260520.csv"));
        assert!(!matches("bill-????.csv", "bill-26.csv"));
    }
}

//! Money as integer cents.
//!
//! One type for every amount. Rates and rounding go through [`rust_decimal`]; a float never appears.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// The largest amount that is read from outside, in cents: ten billion dollars.
///
/// Nine million entries of this size still sum within an `i64`, so that plain addition cannot overflow.
pub const MAX_CENTS: i64 = 1_000_000_000_000;

/// An amount of US dollars in cents; negative amounts are credits.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// The text is not a decimal number, optionally with `$`, thousands commas or a sign.
    #[error("not an amount of money; write it like 180.00")]
    Malformed,
    /// More than two digits behind the point.
    #[error("an amount has at most two digits for cents")]
    TooFine,
    /// Beyond ten billion dollars.
    #[error("an amount may not exceed $10,000,000,000.00")]
    TooLarge,
}

impl Cents {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of `cents` hundredths of a dollar.
    #[must_use]
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }

    /// The amount in hundredths of a dollar.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Greater than zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Less than zero, which is a credit.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Exactly zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The amount without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// `percent` of this amount, rounded half away from zero to the cent (the usual rounding of bills).
    ///
    /// A result beyond [`MAX_CENTS`] is held at it.
    #[must_use]
    pub fn percent(self, percent: Decimal) -> Self {
        let exact = Decimal::from(self.0) * percent / Decimal::ONE_HUNDRED;
        let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Self(rounded.to_i64().unwrap_or(MAX_CENTS).clamp(-MAX_CENTS, MAX_CENTS))
    }

    /// The amount without a dollar sign or commas, for CSV files: `-1234.56`.
    #[must_use]
    pub fn to_plain(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", whole / 100, whole % 100)
    }
}

/// As people write it: `$1,234.56`, a credit as `-$1,234.56`.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.unsigned_abs();
        let dollars = (whole / 100).to_string();
        let mut grouped = String::with_capacity(dollars.len() + dollars.len() / 3);
        for (index, digit) in dollars.chars().enumerate() {
            if index > 0 && (dollars.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}${grouped}.{:02}", whole % 100))
    }
}

/// Reads `180`, `180.5`, `180.00`, `$1,234.56`, `-5.00` and `(5.00)`.
impl FromStr for Cents {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let text = text.trim();
        let (negative, text) = match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            Some(inner) => (true, inner),
            None => match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix('+').unwrap_or(text)),
            },
        };
        let text = text.strip_prefix('$').unwrap_or(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole = without_commas(whole)?;
        if whole.is_empty() && fraction.is_empty() {
            return Err(NotMoney::Malformed);
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(NotMoney::Malformed);
        }
        if fraction.len() > 2 {
            return Err(NotMoney::TooFine);
        }
        if whole.len() > 11 {
            return Err(NotMoney::TooLarge);
        }
        let dollars: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| NotMoney::Malformed)? };
        let cents: i64 = format!("{fraction:0<2}").parse().map_err(|_| NotMoney::Malformed)?;
        let total = dollars * 100 + cents;
        if total > MAX_CENTS {
            return Err(NotMoney::TooLarge);
        }
        Ok(Self(if negative { -total } else { total }))
    }
}

/// Removes thousands commas, and refuses commas that stand elsewhere: `1,23` is a typing error, not 123.
fn without_commas(whole: &str) -> Result<String, NotMoney> {
    let groups: Vec<&str> = whole.split(',').collect();
    let well_grouped =
        groups.len() == 1 || ((1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|g| g.len() == 3));
    if well_grouped { Ok(groups.concat()) } else { Err(NotMoney::Malformed) }
}

impl Add for Cents {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Cents {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl SubAssign for Cents {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Neg for Cents {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

impl<'a> Sum<&'a Cents> for Cents {
    fn sum<I: Iterator<Item = &'a Cents>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_and_systems_write_them() {
        for (text, cents) in [
            ("180", 18_000),
            ("180.5", 18_050),
            ("$1,234.56", 123_456),
            ("-5.00", -500),
            ("(5.00)", -500),
            (".75", 75),
            ("10000000000.00", MAX_CENTS),
        ] {
            assert_eq!(text.parse(), Ok(Cents::new(cents)), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused_by_name() {
        assert_eq!("".parse::<Cents>(), Err(NotMoney::Malformed));
        assert_eq!("12,34.00".parse::<Cents>(), Err(NotMoney::Malformed));
        assert_eq!("1e3".parse::<Cents>(), Err(NotMoney::Malformed));
        assert_eq!("1.005".parse::<Cents>(), Err(NotMoney::TooFine));
        assert_eq!("10000000000.01".parse::<Cents>(), Err(NotMoney::TooLarge));
    }

    #[test]
    fn ten_percent_rounds_half_a_cent_up() {
        assert_eq!(Cents::new(5).percent(Decimal::TEN), Cents::new(1));
        assert_eq!(Cents::new(18_000).percent(Decimal::TEN), Cents::new(1_800));
        assert_eq!(Cents::new(-5).percent(Decimal::TEN), Cents::new(-1));
    }

    #[test]
    fn amounts_are_shown_with_commas_and_a_leading_minus() {
        assert_eq!(Cents::new(123_456_789).to_string(), "$1,234,567.89");
        assert_eq!(Cents::new(-5).to_string(), "-$0.05");
        assert_eq!(Cents::new(-123_456).to_plain(), "-1234.56");
    }
}

//! Whose an unmatched payment may be: accounts that speak for themselves, each with why, the likeliest first.
//!
//! A suggestion posts nothing; a person matches or rejects. Deliberately absent: likeness of sounds, and guesses from who
//! paid how much in other months.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::day::{Day, short};
use super::ids::{AccountId, AccountNumber};
use super::import::NewEntry;
use super::money::Cents;

/// So many are shown of one payment.
const SHOWN: usize = 5;
/// Where more accounts than this owe the amount, it says nothing of any of them.
pub const COMMON: usize = 3;
/// A number longer than this was not mistyped; nobody's account has one.
const LONGEST: usize = 40;

/// How a number as it was given differs from an account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slip {
    /// In blanks, dashes or capitals alone.
    Written,
    /// Two neighbors are in the other order.
    Swapped,
    /// One character is another.
    Other,
    /// One character was left out.
    Missing,
    /// One character too many.
    Extra,
}

/// What speaks for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A person matched a payment to it that came under the same number.
    MatchedBefore(Day),
    Number(Slip),
    /// Its customer's name stands in the memo.
    Name,
    /// It owes just that, all in all.
    Owes,
    /// A notice of that day asked for just that.
    Noticed(Day),
    /// Its customer had the account that the number is of, or nearly of, and which has ended.
    SameCustomer(AccountNumber),
}

impl Reason {
    /// How much it counts; what counts alike is added up.
    const fn weight(&self) -> u32 {
        match self {
            Self::MatchedBefore(_) => 100,
            Self::Number(Slip::Written) => 80,
            Self::Number(Slip::Swapped) => 60,
            Self::Number(Slip::Other | Slip::Missing | Slip::Extra) => 50,
            Self::SameCustomer(_) => 65,
            Self::Name => 45,
            Self::Owes | Self::Noticed(_) => 30,
        }
    }

    const fn is_amount(&self) -> bool {
        matches!(self, Self::Owes | Self::Noticed(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MatchedBefore(on) => write!(f, "a payment of {} under that number was matched to it", short(*on)),
            Self::Number(Slip::Written) => f.write_str("its number, written otherwise"),
            Self::Number(Slip::Swapped) => f.write_str("two digits of its number are swapped"),
            Self::Number(Slip::Other) => f.write_str("one digit of its number is another"),
            Self::Number(Slip::Missing) => f.write_str("one digit of its number is missing"),
            Self::Number(Slip::Extra) => f.write_str("its number with one digit too many"),
            Self::Name => f.write_str("the payer's name"),
            Self::Owes => f.write_str("owes just that"),
            Self::Noticed(on) => write!(f, "the notice of {} asked for just that", short(*on)),
            Self::SameCustomer(of) => write!(f, "the customer of {of}, which has ended"),
        }
    }
}

/// What is looked up for a payment: whatever an account could be found by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The number as it was given.
    pub given: String,
    /// Numbers that it may have been meant for.
    pub numbers: BTreeSet<String>,
    /// Names that may be the payer's, folded as customers' names are.
    pub names: BTreeSet<String>,
    pub amount: Cents,
}

impl Lookup {
    #[must_use]
    pub fn of(row: &NewEntry) -> Self {
        let given = row.account.as_str().to_owned();
        Self { numbers: variants(&given), names: payers(&row.memo), amount: row.amount.abs(), given }
    }
}

/// An account that a look-up found, with what it is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub account: AccountId,
    pub number: AccountNumber,
    pub name: String,
    /// The name as names are compared.
    pub name_key: String,
    /// What it owes, due or not.
    pub owed: Cents,
    /// What notices of the last months asked for, and of which day they are.
    pub noticed: Vec<(Cents, Day)>,
    /// The day of a payment of the same given number that a person matched to it, with that number.
    pub matched: Vec<(String, Day)>,
    /// Ended accounts of the same customer.
    pub formerly: Vec<AccountNumber>,
    pub ended: Option<Day>,
}

/// An account that a payment may be for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    pub account: AccountId,
    pub number: AccountNumber,
    pub name: String,
    pub owed: Cents,
    /// The weightiest first.
    pub reasons: Vec<Reason>,
}

impl Suggestion {
    /// The reasons in words.
    #[must_use]
    pub fn why(&self) -> String {
        self.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    fn weight(&self) -> u32 {
        self.reasons.iter().map(Reason::weight).sum()
    }
}

/// The accounts that a payment may be for, likeliest first. Where many owe the amount, it alone speaks for none.
#[must_use]
pub fn suggest(lookup: &Lookup, candidates: &[Candidate]) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = candidates
        .iter()
        .map(|candidate| judged(lookup, candidate))
        .filter(|found| !found.reasons.is_empty())
        .collect();
    if found.iter().filter(|found| found.reasons.iter().any(Reason::is_amount)).count() > COMMON {
        found.retain(|found| !found.reasons.iter().all(Reason::is_amount));
    }
    found.sort_by(|one, other| other.weight().cmp(&one.weight()).then_with(|| one.number.cmp(&other.number)));
    found.truncate(SHOWN);
    found
}

fn judged(lookup: &Lookup, candidate: &Candidate) -> Suggestion {
    let mut reasons = Vec::new();
    let matched = candidate.matched.iter().filter(|(given, _)| *given == lookup.given).map(|(_, on)| *on).max();
    reasons.extend(matched.map(Reason::MatchedBefore));
    reasons.extend(slip(&lookup.given, candidate.number.as_str()).map(Reason::Number));
    reasons.extend(lookup.names.contains(&candidate.name_key).then_some(Reason::Name));
    let former = candidate
        .formerly
        .iter()
        .find(|former| former.as_str() == lookup.given || slip(&lookup.given, former.as_str()).is_some());
    if candidate.ended.is_none() {
        reasons.extend(former.cloned().map(Reason::SameCustomer));
    }
    if candidate.owed == lookup.amount && lookup.amount.is_positive() {
        reasons.push(Reason::Owes);
    } else {
        let noticed = candidate.noticed.iter().filter(|(amount, _)| *amount == lookup.amount).map(|(_, on)| *on).max();
        reasons.extend(noticed.map(Reason::Noticed));
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.weight()));
    let Candidate { account, number, name, owed, .. } = candidate.clone();
    Suggestion { account, number, name, owed, reasons }
}

/// How a given number may have come from an account's by one slip of the pen; `None` where it did not.
#[must_use]
pub fn slip(given: &str, number: &str) -> Option<Slip> {
    let folded = |text: &str| -> Vec<char> {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    if given == number {
        return None;
    }
    let (given, number) = (folded(given), folded(number));
    if given.is_empty() || number.is_empty() {
        return None;
    }
    if given == number {
        return Some(Slip::Written);
    }
    let differ = given.iter().zip(&number).position(|(one, other)| one != other);
    let at = differ.unwrap_or_else(|| given.len().min(number.len()));
    let rest = |text: &[char], from: usize| text.get(from..).map(<[char]>::to_vec).unwrap_or_default();
    let is_same = |one: usize, other: usize| rest(&given, one) == rest(&number, other);
    if given.len() == number.len() {
        let is_swapped = given.get(at) == number.get(at + 1) && given.get(at + 1) == number.get(at);
        if is_swapped && is_same(at + 2, at + 2) {
            return Some(Slip::Swapped);
        }
        return is_same(at + 1, at + 1).then_some(Slip::Other);
    }
    if given.len() + 1 == number.len() {
        return is_same(at, at + 1).then_some(Slip::Missing);
    }
    if given.len() == number.len() + 1 {
        return is_same(at + 1, at).then_some(Slip::Extra);
    }
    None
}

/// Every number that is one slip away from what was given, as account numbers are written: with or without its dashes, and
/// with one dash more.
fn variants(given: &str) -> BTreeSet<String> {
    let given: Vec<char> = given.trim().chars().collect();
    let mut found = BTreeSet::new();
    if given.is_empty() || given.len() > LONGEST {
        return found;
    }
    let bare: Vec<char> = given.iter().copied().filter(|letter| letter.is_alphanumeric()).collect();
    for text in [&given, &bare] {
        let mut put = |letters: Vec<char>| found.insert(letters.into_iter().collect::<String>());
        put(text.clone());
        put(text.iter().flat_map(|letter| letter.to_uppercase()).collect());
        for at in 0..=text.len() {
            for letter in ('0'..='9').chain(['-']) {
                let mut with = text.clone();
                with.insert(at, letter);
                put(with);
                if let Some(other) = text.get(at).filter(|there| there.is_ascii_digit() && letter != '-') {
                    let mut changed = text.clone();
                    changed[at] = if *other == letter { continue } else { letter };
                    put(changed);
                }
            }
            if at < text.len() {
                let mut without = text.clone();
                without.remove(at);
                put(without);
            }
            if at + 1 < text.len() {
                let mut swapped = text.clone();
                swapped.swap(at, at + 1);
                put(swapped);
            }
        }
    }
    found.remove("");
    found
}

/// Names that a memo may bear: its parts, without what has digits and without words of the trade; also with the family name
/// behind a comma.
fn payers(memo: &str) -> BTreeSet<String> {
    const WORDS: [&str; 9] = ["CHECK", "CK", "CHK", "PAYMENT", "PMT", "FROM", "BY", "PAID", "PAYER"];
    let words = |part: &str| -> Vec<String> {
        part.split_whitespace()
            .filter(|word| !word.chars().any(|letter| letter.is_ascii_digit() || letter == '#'))
            .map(|word| word.trim_matches(|letter: char| letter == ':' || letter == '.').to_uppercase())
            .filter(|word| !word.is_empty() && !WORDS.contains(&word.as_str()))
            .collect()
    };
    let mut names = BTreeSet::new();
    for part in memo.split([';', '/', '|']) {
        if let Some((family, given)) = part.split_once(',') {
            names.insert([words(given), words(family)].concat().join(" "));
        }
        names.insert(words(&part.replace(',', " ")).join(" "));
    }
    // One word is no name of a person; and of a company it would be too much of a guess.
    names.retain(|name| name.contains(' '));
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::day::parse;
    use super::*;

    fn lookup(given: &str, cents: i64, memo: &str) -> Lookup {
        Lookup { given: given.into(), numbers: variants(given), names: payers(memo), amount: Cents::new(cents) }
    }

    fn candidate(number: &str, name: &str, owed: i64) -> Candidate {
        Candidate {
            account: AccountId(1),
            number: number.into(),
            name: name.into(),
            name_key: name.to_uppercase(),
            owed: Cents::new(owed),
            noticed: Vec::new(),
            matched: Vec::new(),
            formerly: Vec::new(),
            ended: None,
        }
    }

    fn said(lookup: &Lookup, candidates: &[Candidate]) -> Vec<String> {
        suggest(lookup, candidates).iter().map(|found| format!("{}: {}", found.number, found.why())).collect()
    }

    #[test]
    fn the_number_with_one_slip_and_the_amount_together_come_first() {
        let candidates = [
            candidate("10-000471", "Ana Ruiz", 9_000),
            candidate("10-000417", "Rosa Munoz", 22_420),
            candidate("10-000999", "Lee Wong", 22_420),
            candidate("10-555555", "Nobody", 100),
        ];
        assert_eq!(
            said(&lookup("10-000427", 22_420, ""), &candidates),
            ["10-000417: one digit of its number is another; owes just that", "10-000999: owes just that"]
        );
        assert_eq!(
            said(&lookup("10-000741", 5_000, ""), &candidates),
            ["10-000471: two digits of its number are swapped"]
        );
        assert_eq!(
            said(&lookup("10000417", 5_000, ""), &candidates[1..]),
            ["10-000417: its number, written otherwise"]
        );
    }

    #[test]
    fn an_amount_that_many_owe_speaks_for_none_of_them() {
        let flat: Vec<Candidate> = (0..4).map(|n| candidate(&format!("20-00000{n}"), "A Customer", 5_000)).collect();
        assert!(said(&lookup("99", 5_000, ""), &flat).is_empty());
        assert_eq!(said(&lookup("99", 5_000, ""), &flat[..3]).len(), 3);
        assert_eq!(
            said(&lookup("20-000012", 5_000, ""), &flat),
            ["20-000002: one digit of its number is another; owes just that"],
            "beside the number it still counts"
        );
    }

    #[test]
    fn what_a_notice_asked_for_counts_though_another_bill_has_come_since() {
        let noticed = vec![(Cents::new(22_420), parse("2026-05-01").unwrap())];
        let account = Candidate { noticed, ..candidate("10-000417", "Rosa Munoz", 30_000) };
        assert_eq!(
            said(&lookup("?", 22_420, ""), &[account]),
            ["10-000417: the notice of Fri 2026-05-01 asked for just that"]
        );
    }

    #[test]
    fn the_payers_name_in_the_memo_speaks_for_the_account_also_with_the_family_name_first() {
        let account = candidate("10-000417", "Rosa Munoz", 100);
        for memo in ["Rosa Munoz", "MUNOZ, ROSA", "Check 1187; from Rosa Munoz", "CK# 1187 / Rosa  Munoz"] {
            assert_eq!(
                said(&lookup("?", 5_000, memo), std::slice::from_ref(&account)),
                ["10-000417: the payer's name"],
                "{memo}"
            );
        }
        assert!(said(&lookup("?", 5_000, "Rosa"), &[account]).is_empty());
    }

    #[test]
    fn an_account_that_has_ended_stands_for_its_customers_new_one() {
        let old = Candidate { ended: Some(parse("2025-12-31").unwrap()), ..candidate("10-000417", "Rosa Munoz", 0) };
        let new = Candidate { formerly: vec!["10-000417".into()], ..candidate("30-000001", "Rosa Munoz", 5_000) };
        assert_eq!(
            said(&lookup("10-000471", 5_000, ""), &[old, new]),
            [
                "30-000001: the customer of 10-000417, which has ended; owes just that",
                "10-000417: two digits of its number are swapped"
            ]
        );
    }

    #[test]
    fn what_a_person_matched_before_comes_first_of_all() {
        let on = parse("2026-04-02").unwrap();
        let before = Candidate { matched: vec![("UNIT 4".into(), on)], ..candidate("30-000001", "Lee Wong", 1) };
        let other = candidate("10-000417", "Rosa Munoz", 5_000);
        assert_eq!(
            said(&lookup("UNIT 4", 5_000, ""), &[other, before]),
            ["30-000001: a payment of Thu 2026-04-02 under that number was matched to it", "10-000417: owes just that"]
        );
    }

    proptest! {
        /// Whatever slip is made of a number, the number is looked up, and the slip is known for one.
        #[test]
        fn a_number_with_one_slip_is_looked_up_and_known(
            number in "[0-9]{2}-[0-9]{4,8}", kind in 0_u8..4, at in 0_usize..12, digit in 0_u8..10,
        ) {
            let mut letters: Vec<char> = number.chars().collect();
            let at = at % letters.len();
            let digit = char::from(b'0' + digit);
            match kind {
                0 if letters[at].is_ascii_digit() => letters[at] = digit,
                1 => { letters.remove(at); }
                2 => letters.insert(at, digit),
                _ if at + 1 < letters.len() => letters.swap(at, at + 1),
                _ => {}
            }
            let given: String = letters.into_iter().collect();
            prop_assert!(variants(&given).contains(&number), "{} {}", given, number);
            prop_assert_eq!(slip(&given, &number).is_some(), given != number);
        }
    }
}

//! The forms of values: dates, amounts, words, names, postal and telephone data. Each says what it expects.

use chrono::NaiveDate;

use super::columns::Form;
use crate::domain::day::{FIRST_DAY, LAST_DAY};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountNumber, Cents, CustomerClass, Day, Language, Occupancy, Service};

/// Declares a form: its type, what completes "expected …", and its parser.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident: $value:ty, $expected:expr, $parse:expr) => {
        $(#[$doc])*
        pub static $name: Form<$value> = Form { parse: $parse, expected: || $expected.to_owned(), words: Vec::new };
    };
}

/// Declares a form of words: those of a closed enum, or some of them.
macro_rules! word_form {
    ($(#[$doc:meta])* $name:ident: $value:ty, $of:expr) => {
        $(#[$doc])*
        pub static $name: Form<$value> = Form {
            parse: |text| {
                let word = text.to_ascii_lowercase();
                $of.iter().copied().find(|value: &$value| value.word() == word)
            },
            expected: || one_of(&$of.iter().map(|value: &$value| value.word()).collect::<Vec<_>>()),
            words: || $of.iter().map(|value: &$value| value.word()).collect(),
        };
    };
}
pub(super) use word_form;

form! {
    /// An account's number, letter for letter.
    ACCOUNT: AccountNumber, "an account number of up to 40 letters, digits and any of - . / _",
    |text| is_code(text, b"-./_", 40).then(|| text.into())
}
form! {
    /// The name of a system.
    SOURCE: String, "a system's name of up to 40 letters, digits and any of - . _",
    |text| is_code(text, b"-._", 40).then(|| text.to_owned())
}
form! {
    /// A reference within a system.
    REFERENCE: String, "a reference of up to 100 characters", |text| text_of(text, 100)
}
form! {
    /// Free text on one line.
    TEXT: String, "text of up to 200 characters on one line", |text| text_of(text, 200)
}
form! {
    /// A day, in the ISO form or the American one.
    DATE: Day, "a date as YYYY-MM-DD or MM/DD/YYYY, from 1970 to 2199", date
}
form! {
    /// An amount that is a debt in a charge and a credit in a payment.
    AMOUNT: Cents, "an amount above zero with at most two digits for cents",
    |text| text.parse().ok().filter(|amount: &Cents| amount.is_positive())
}
form! {
    /// An amount with its effect on the balance.
    SIGNED_AMOUNT: Cents, "an amount other than zero: above zero adds to what is owed, below zero takes from it",
    |text| text.parse().ok().filter(|amount: &Cents| !amount.is_zero())
}
form! {
    /// What an account owes, or has to its credit.
    BALANCE: Cents, "an amount with at most two digits for cents: above zero owed, below zero a credit",
    |text| text.parse().ok()
}
form! {
    /// A state of the United States.
    STATE: String, "a state's two letters",
    |text| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}
form! {
    /// A ZIP code.
    ZIP: String, "a ZIP code of five digits, or five and four with a hyphen", zip
}
form! {
    /// An email address. Whether it exists, only a message tells; whether it could break a header is seen here.
    EMAIL: String, "one email address", email
}
form! {
    /// Ten digits, however they are grouped.
    PHONE: String, "a telephone number of ten digits", phone
}
form! {
    /// Yes or no.
    FLAG: bool, "yes or no", crate::domain::account::yes_or_no
}
form! {
    /// A whole number from 1.
    COUNT: u16, "a whole number from 1", |text| text.parse().ok().filter(|count| *count > 0)
}

word_form! { SERVICE: Service, Service::ALL }
word_form! { CHANNEL: PaymentChannel, PaymentChannel::ALL }
word_form! { CLASS: CustomerClass, CustomerClass::ALL }
word_form! { OCCUPANCY: Occupancy, Occupancy::ALL }
word_form! { LANGUAGE: Language, Language::ALL }

/// Services, separated by semicolons or spaces; repeated ones count once.
pub static SERVICES: Form<Vec<Service>> = Form {
    parse: |text| {
        let mut services = Vec::new();
        for word in text.split([';', ' ']).filter(|word| !word.is_empty()) {
            let service = (SERVICE.parse)(word)?;
            if !services.contains(&service) {
                services.push(service);
            }
        }
        (!services.is_empty()).then_some(services)
    },
    expected: || format!("services separated by semicolons, each {}", (SERVICE.expected)()),
    words: Vec::new,
};

/// `one of water, sewer, refuse`.
pub fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

/// ASCII letters, digits and `marks` only. A spreadsheet's `1.2E+11` has a `+` and is refused: digits are lost in it.
fn is_code(text: &str, marks: &[u8], longest: usize) -> bool {
    text.len() <= longest && text.bytes().all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
}

/// The first mark in a text that turns the direction of writing, or ends the line where no control character does. In a
/// name it would make a letter, a list or the log say something else than what is recorded.
pub fn unseen(text: &str) -> Option<char> {
    let is_unseen =
        |c: &char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.is_ascii() { None } else { text.chars().find(is_unseen) }
}

/// Text without control characters: a NUL, say, could not be stored.
fn text_of(text: &str, longest: usize) -> Option<String> {
    (text.chars().count() <= longest && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// `2026-05-20`, `05/20/2026` or `5/20/2026`, digits only; two-digit years are refused.
fn date(text: &str) -> Option<Day> {
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| -> Option<u32> {
        (lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let (year, month, day) = if text.contains('-') {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        (digits(year, 4..=4)?, digits(month, 2..=2)?, digits(day, 2..=2)?)
    } else {
        let (month, rest) = text.split_once('/')?;
        let (day, year) = rest.split_once('/')?;
        (digits(year, 4..=4)?, digits(month, 1..=2)?, digits(day, 1..=2)?)
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    (FIRST_DAY..=LAST_DAY).contains(&date).then_some(date)
}

fn zip(text: &str) -> Option<String> {
    let all_digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let good = match text.split_once('-') {
        None => all_digits(text, 5),
        Some((five, four)) => all_digits(five, 5) && all_digits(four, 4),
    };
    good.then(|| text.to_owned())
}

fn email(text: &str) -> Option<String> {
    let (mailbox, host) = text.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "@,;:<>()[]\"\\".contains(c))
    };
    let labels_good = host.contains('.') && host.split('.').all(|label| !label.is_empty());
    (text.len() <= 254 && plain(mailbox) && plain(host) && labels_good).then(|| text.to_owned())
}

/// Ten digits; a leading country code 1 is dropped. Area codes and exchanges begin with 2 to 9.
fn phone(text: &str) -> Option<String> {
    if !text.chars().all(|c| c.is_ascii_digit() || " ().-+".contains(c)) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let ten = if digits.len() == 11 { digits.strip_prefix('1')?.to_owned() } else { digits };
    let begins_well = |at: usize| ten.as_bytes().get(at).is_some_and(|digit| (b'2'..=b'9').contains(digit));
    (ten.len() == 10 && begins_well(0) && begins_well(3)).then_some(ten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day;

    #[test]
    fn a_date_is_read_in_the_iso_form_and_both_american_ones() {
        let may_2 = day::parse("2026-05-02");
        assert_eq!(date("2026-05-02"), may_2);
        assert_eq!(date("05/02/2026"), may_2);
        assert_eq!(date("5/2/2026"), may_2);
        for bad in
            ["5/2/26", "2026-5-2", "20/05/2026", "2026-02-30", "2026-05-02T00:00", "46144", "+2026-05-02", "0026-01-01"]
        {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_account_number_that_a_spreadsheet_has_rounded_is_refused() {
        assert!((ACCOUNT.parse)("10-000417").is_some());
        assert!((ACCOUNT.parse)("1.00417E+11").is_none());
    }

    #[test]
    fn a_telephone_number_is_kept_as_ten_digits() {
        for good in ["(916) 555-0142", "916.555.0142", "+1 916 555 0142", "9165550142"] {
            assert_eq!(phone(good).as_deref(), Some("9165550142"), "{good}");
        }
        for bad in ["555-0142", "916-155-0142", "0165550142", "916-555-0142 x12", "29165550142"] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_email_address_cannot_carry_a_second_header() {
        assert!(email("rosa.munoz@example.com").is_some());
        for bad in
            ["rosa", "rosa@example", "a@b.com, c@d.com", "a@b.com\r\nBcc: x@y.com", "Rosa <rosa@example.com>", "@b.com"]
        {
            assert_eq!(email(bad), None, "{bad}");
        }
    }

    #[test]
    fn services_are_separated_by_semicolons_or_spaces() {
        assert_eq!((SERVICES.parse)("water;Sewer; water"), Some(vec![Service::Water, Service::Sewer]));
        assert_eq!((SERVICES.parse)(";"), None);
        assert_eq!((SERVICES.parse)("water,sewer"), None);
    }
}

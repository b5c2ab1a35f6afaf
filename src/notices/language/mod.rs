//! The words that stand around a wording: labels, dates, names of services and debts. A file a language.

mod chinese;
mod english;
mod korean;
mod spanish;
mod tagalog;
mod vietnamese;

use serde::Serialize;

use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Language, Service};

/// The languages in which wordings are written, in the order in which a statutory notice prints them: those of
/// California's Health and Safety Code 116922 with Civil Code 1632.
pub const WRITTEN: &[Language] = &[
    Language::English,
    Language::Spanish,
    Language::Chinese,
    Language::Tagalog,
    Language::Vietnamese,
    Language::Korean,
];

/// All that stands around a wording in one language.
struct Words {
    labels: Labels,
    /// A day as a sentence says it, with its weekday.
    long: fn(Day) -> String,
    /// A day as a table says it.
    medium: fn(Day) -> String,
    /// A service's name, in lower case as within a sentence.
    service: fn(Service) -> &'static str,
    /// What a debt is.
    kind: fn(EntryKind) -> &'static str,
    /// Between the names of a list, and before the last of them.
    comma: &'static str,
    and: &'static str,
}

const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &english::WORDS,
        Language::Spanish => &spanish::WORDS,
        Language::Chinese => &chinese::WORDS,
        Language::Tagalog => &tagalog::WORDS,
        Language::Vietnamese => &vietnamese::WORDS,
        Language::Korean => &korean::WORDS,
    }
}

/// The labels of letters and emails in one language.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Labels {
    pub account: &'static str,
    pub account_of: &'static str,
    pub service_address: &'static str,
    pub date: &'static str,
    pub amount_due: &'static str,
    pub pay_by: &'static str,
    pub shut_off_on: &'static str,
    pub service: &'static str,
    pub kind: &'static str,
    pub billed: &'static str,
    pub due: &'static str,
    pub amount: &'static str,
    pub total: &'static str,
    pub reconnection: &'static str,
    pub deposit_applied: &'static str,
    pub installment: &'static str,
    pub online: &'static str,
    pub by_mail: &'static str,
    pub in_person: &'static str,
    pub by_phone: &'static str,
    pub payable_to: &'static str,
    pub detach: &'static str,
    pub enclosed: &'static str,
    pub write_account: &'static str,
    pub page: &'static str,
    pub of: &'static str,
    /// Says, in this language, that it follows.
    pub follows: &'static str,
    pub automatic: &'static str,
}

/// The labels in `language`.
#[must_use]
pub const fn labels(language: Language) -> &'static Labels {
    &words(language).labels
}

/// A day as a sentence says it: `Friday, May 22, 2026`, `viernes 22 de mayo de 2026`.
#[must_use]
pub fn long_date(day: Day, language: Language) -> String {
    (words(language).long)(day)
}

/// A day as a table says it: `May 22, 2026`, `22 de mayo de 2026`.
#[must_use]
pub fn medium_date(day: Day, language: Language) -> String {
    (words(language).medium)(day)
}

/// A service's name, in lower case as within a sentence.
#[must_use]
pub fn service_name(service: Service, language: Language) -> &'static str {
    (words(language).service)(service)
}

/// What a debt is.
#[must_use]
pub fn kind_name(kind: EntryKind, language: Language) -> &'static str {
    (words(language).kind)(kind)
}

/// `water, sewer and refuse`; `agua, alcantarillado y recolección de basura`; `自來水、下水道和垃圾清運`.
#[must_use]
pub fn listed(names: &[&str], language: Language) -> String {
    let Words { comma, and, .. } = words(language);
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{}{and}{last}", first.join(comma)),
    }
}

/// The language's own name, for people who choose it.
#[must_use]
pub const fn english_name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Spanish",
        Language::Chinese => "Chinese",
        Language::Tagalog => "Tagalog",
        Language::Vietnamese => "Vietnamese",
        Language::Korean => "Korean",
    }
}

/// The first letter in upper case.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;

    #[test]
    fn dates_are_written_as_each_language_writes_them() {
        let day = parse("2026-05-22").unwrap();
        let written: Vec<String> = WRITTEN.iter().map(|language| long_date(day, *language)).collect();
        let expected = [
            "Friday, May 22, 2026",
            "viernes 22 de mayo de 2026",
            "2026年5月22日星期五",
            "Biyernes, Mayo 22, 2026",
            "thứ Sáu, ngày 22 tháng 5 năm 2026",
            "2026년 5월 22일 금요일",
        ];
        assert_eq!(written, expected);
        let first = parse("2026-01-01").unwrap();
        let written: Vec<String> = WRITTEN.iter().map(|language| medium_date(first, *language)).collect();
        let expected = [
            "January 1, 2026",
            "1 de enero de 2026",
            "2026年1月1日",
            "Enero 1, 2026",
            "ngày 1 tháng 1 năm 2026",
            "2026년 1월 1일",
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn services_are_listed_as_in_a_sentence() {
        assert_eq!(listed(&["water", "sewer", "refuse"], Language::English), "water, sewer and refuse");
        assert_eq!(listed(&["agua", "riego"], Language::Spanish), "agua y riego");
        assert_eq!(listed(&["自來水", "下水道", "垃圾清運"], Language::Chinese), "自來水、下水道和垃圾清運");
        assert_eq!(capitalized("agua"), "Agua");
    }

    #[test]
    fn what_a_reader_of_one_language_sees_is_in_no_other() {
        let english = labels(Language::English);
        for language in WRITTEN.iter().filter(|language| **language != Language::English) {
            let own = labels(*language);
            assert_ne!(own.pay_by, english.pay_by, "{language}");
            assert_ne!(own.follows, english.follows, "{language}");
            assert_ne!(service_name(Service::Water, *language), "water", "{language}");
            assert_ne!(kind_name(EntryKind::Payment, *language), "Payment", "{language}");
        }
    }
}

//! Conditions: phrases over facts, and `{all: []}`, `{any: []}`, `{none: []}` over them.
//!
//! A fact has a type, and what it is compared with must be of it: money with money, days with numbers.

use crate::domain::hold::HoldKind;
use crate::domain::proof::ProofKind;
use crate::domain::{CustomerClass, EventKind, Language, Occupancy, Service};

use super::document::{Node, Value as NodeValue};
use super::error::{Fault, Report, nearest, one_of};
use super::fields;
use super::phrase;
use super::policy::{Cmp, Cond, Fact, Value};
use super::tokens::{Phrase, Token};

/// The type of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactType {
    /// An amount: `60.00`.
    Money,
    /// A count: `60`.
    Number,
    /// One of a list of words.
    Word,
    /// Holds or does not; it is not compared.
    Flag,
    /// An attribute: whatever it is compared with.
    Open,
}

/// The facts, each with its type, what it means, and an example: the source of `rules explain`.
pub const FACTS: &[(&str, FactType, &str, &str)] = &[
    ("balance", FactType::Money, "all that is owed, less credit not yet applied", "balance >= 100.00"),
    ("past due", FactType::Money, "what is past due, without items below the de-minimis", "past due >= 60.00"),
    ("unpaid charges", FactType::Money, "past-due charges without fees and interest", "unpaid charges > 0.00"),
    (
        "debt at least N days old",
        FactType::Money,
        "past-due items that are each at least N days past due",
        "debt at least 60 days old >= 60.00",
    ),
    ("days past due", FactType::Number, "days past due of the oldest item", "days past due > 60"),
    ("class", FactType::Word, "the customer class", "class = residential"),
    ("occupancy", FactType::Word, "who lives at the service address", "occupancy = tenant"),
    ("language", FactType::Word, "the customer's language", "language = es"),
    ("has email", FactType::Flag, "an email address is known", "has email"),
    ("has SERVICE", FactType::Flag, "the account has the service", "has water"),
    ("mailing address differs", FactType::Flag, "mail does not reach the service address", "mailing address differs"),
    ("debtor is owner", FactType::Flag, "the customer owns the premises", "debtor is owner"),
    ("landlord account", FactType::Flag, "the customer is the landlord of those who live there", "landlord account"),
    ("master meter", FactType::Flag, "a landlord's account whose tenants share a meter, or may", "master meter"),
    ("hold KIND", FactType::Flag, "a hold of the kind is in force", "hold dispute"),
    ("shown WHAT", FactType::Flag, "the household has shown it, with evidence", "shown low_income"),
    ("contact made", FactType::Flag, "there was a conversation in this case", "contact made since final_notice"),
    ("contact failed", FactType::Flag, "the attempts asked for ended without one", "contact failed"),
    ("shut off SERVICE", FactType::Flag, "the service is off now", "shut off water"),
    ("arrangement performing", FactType::Flag, "an arrangement is kept", "arrangement performing"),
    (
        "current bill unpaid",
        FactType::Flag,
        "beside an arrangement that is kept, a bill is unpaid for as long as `arrangements: current_bills` gives",
        "current bill unpaid",
    ),
    ("arrangement missed", FactType::Flag, "an installment is unpaid after its grace", "arrangement missed"),
    ("open promise", FactType::Flag, "a promise to pay has not run out", "open promise"),
    ("service ended", FactType::Flag, "the account is closed or ended", "service ended"),
    ("STAGE returned", FactType::Flag, "the piece that the stage mailed came back", "final_notice returned"),
    (
        "count of EVENT in N months",
        FactType::Number,
        "how often it happened",
        "count of payment returned in 12 months >= 2",
    ),
    ("customer.NAME", FactType::Open, "an attribute of the customer, as the file gave it", "customer.age >= 65"),
    ("premises.NAME", FactType::Open, "an attribute of the premises", "premises.basement = yes"),
];

/// Comparisons by their words; the longest first where one begins another.
const COMPARISONS: &[(&str, Cmp)] = &[
    (">=", Cmp::Ge),
    ("<=", Cmp::Le),
    ("!=", Cmp::Ne),
    (">", Cmp::Gt),
    ("<", Cmp::Lt),
    ("=", Cmp::Eq),
    ("at least", Cmp::Ge),
    ("at most", Cmp::Le),
    ("more than", Cmp::Gt),
    ("less than", Cmp::Lt),
    ("is not", Cmp::Ne),
    ("is", Cmp::Eq),
];

/// The condition of a node, or `None` with what is wrong on record.
pub(super) fn parse(node: &Node, stages: &[String], report: &mut Report<'_>) -> Option<Cond> {
    match &node.value {
        NodeValue::Empty => {
            report.add(Fault::new(node.at, "expected a condition, but nothing stands there"));
            None
        }
        NodeValue::Text(_) => {
            let parsed = Phrase::of(node, "a condition").and_then(|mut phrase| simple(&mut phrase, stages));
            report.take(parsed)
        }
        NodeValue::List(items) => Some(Cond::All(each(items, stages, report)?)),
        NodeValue::Map(entries) if entries.is_empty() => {
            report.add(
                Fault::new(node.at, "the condition is empty").expected("all, any or none with a list of conditions"),
            );
            None
        }
        NodeValue::Map(entries) => {
            let mut parts = Vec::new();
            for entry in entries {
                let items = each(entry.value.each(), stages, report);
                let part = match entry.key.as_str() {
                    "all" => items.map(Cond::All),
                    "any" => items.map(Cond::Any),
                    "none" => items.map(|items| Cond::Not(Box::new(Cond::Any(items)))),
                    other => {
                        let fault = Fault::new(entry.at, format!("a condition has no key `{other}`"))
                            .near(other, ["all", "any", "none"])
                            .expected("all, any or none with a list of conditions");
                        report.add(fault);
                        None
                    }
                };
                parts.push(part?);
            }
            match parts.len() {
                1 => parts.pop(),
                _ => Some(Cond::All(parts)),
            }
        }
    }
}

fn each(items: &[Node], stages: &[String], report: &mut Report<'_>) -> Option<Vec<Cond>> {
    // Every item is read before the first failure counts, so that all errors are found.
    let read: Vec<Option<Cond>> = items.iter().map(|item| parse(item, stages, report)).collect();
    read.into_iter().collect()
}

/// `[not] FACT [COMPARISON VALUE]`.
fn simple(phrase: &mut Phrase<'_>, stages: &[String]) -> Result<Cond, Fault> {
    if phrase.eat("always") {
        phrase.end()?;
        return Ok(Cond::Always);
    }
    let not = phrase.eat("not");
    let begin = phrase.here();
    let (fact, kind) = fact(phrase, stages)?;
    let comparison = COMPARISONS.iter().find(|(words, _)| phrase.eat(words)).map(|(_, cmp)| *cmp);
    let (cmp, value) = match (comparison, kind) {
        (None, FactType::Flag | FactType::Open) => {
            phrase.end()?;
            (Cmp::Eq, Value::Flag(true))
        }
        (None, FactType::Money | FactType::Number | FactType::Word) => {
            let example = if kind == FactType::Money { ">= 60.00" } else { "and a value" };
            let fault = Fault::new(phrase.here(), format!("expected a comparison, but {}", phrase.found()));
            return Err(fault.expected(format!("=, !=, <, <=, > or >= {example}")));
        }
        (Some(cmp), _) => (cmp, value(phrase, &fact, kind)?),
    };
    let ordered = !matches!(cmp, Cmp::Eq | Cmp::Ne);
    if ordered && matches!(value, Value::Word(_) | Value::Flag(_)) {
        return Err(Fault::new(begin, "words are equal or not, but never more or less").expected("= or !="));
    }
    phrase.end()?;
    let cond = Cond::Is(fact, cmp, value);
    Ok(if not { Cond::Not(Box::new(cond)) } else { cond })
}

/// The fact that the phrase begins with.
fn fact(phrase: &mut Phrase<'_>, stages: &[String]) -> Result<(Fact, FactType), Fault> {
    let begin = phrase.here();
    let all = phrase.rest();
    let plain: &[(&str, Fact, FactType)] = &[
        ("balance", Fact::Balance, FactType::Money),
        ("past due", Fact::PastDue, FactType::Money),
        ("unpaid charges", Fact::UnpaidCharges, FactType::Money),
        ("days past due", Fact::DaysPastDue, FactType::Number),
        ("class", Fact::Class, FactType::Word),
        ("occupancy", Fact::Occupancy, FactType::Word),
        ("language", Fact::Language, FactType::Word),
        ("has email", Fact::HasEmail, FactType::Flag),
        ("mailing address differs", Fact::MailsElsewhere, FactType::Flag),
        ("debtor is owner", Fact::DebtorIsOwner, FactType::Flag),
        ("landlord account", Fact::LandlordAccount, FactType::Flag),
        ("master meter", Fact::MasterMeter, FactType::Flag),
        ("arrangement performing", Fact::ArrangementPerforming, FactType::Flag),
        ("arrangement missed", Fact::ArrangementMissed, FactType::Flag),
        ("current bill unpaid", Fact::CurrentUnpaid, FactType::Flag),
        ("open promise", Fact::OpenPromise, FactType::Flag),
        ("service ended", Fact::ServiceEnded, FactType::Flag),
    ];
    if let Some((_, fact, kind)) = plain.iter().find(|(words, ..)| phrase.eat(words)) {
        return Ok((fact.clone(), *kind));
    }
    if phrase.eat("debt at least") {
        let days = phrase::calendar_days(phrase)?;
        phrase.need("old")?;
        return Ok((Fact::DebtAged(days), FactType::Money));
    }
    if phrase.eat("hold") {
        let kind = named(phrase, "a kind of hold", HoldKind::ALL, HoldKind::word)?;
        return Ok((Fact::Hold(kind), FactType::Flag));
    }
    if phrase.eat("shown") {
        let kind = named(phrase, "what a household shows", ProofKind::ALL, ProofKind::word)?;
        return Ok((Fact::Shown(kind), FactType::Flag));
    }
    if phrase.eat("has") {
        let service = named(phrase, "a service", Service::ALL, Service::word)?;
        return Ok((Fact::HasService(service), FactType::Flag));
    }
    if phrase.eat("shut off") {
        let service = named(phrase, "a service", Service::ALL, Service::word)?;
        return Ok((Fact::IsShutOff(service), FactType::Flag));
    }
    if phrase.eat("contact made") {
        return Ok((Fact::ContactMade(since(phrase, stages)?), FactType::Flag));
    }
    if phrase.eat("contact failed") {
        return Ok((Fact::ContactFailed(since(phrase, stages)?), FactType::Flag));
    }
    if phrase.eat("count of") {
        return counted(phrase);
    }
    let first = phrase.peek().map_or("", |token| token.text);
    if first.starts_with("customer.") || first.starts_with("premises.") {
        phrase.bump();
        return Ok((Fact::Attribute(first.to_owned()), FactType::Open));
    }
    if stages.iter().any(|stage| stage == first) {
        let stage = phrase::stage(phrase, stages)?;
        phrase.need("returned")?;
        return Ok((Fact::NoticeReturned(stage), FactType::Flag));
    }
    let words = || FACTS.iter().map(|(words, ..)| *words);
    let left = all.split(['<', '>', '=', '!']).next().unwrap_or_default().trim();
    let mut fault = Fault::new(begin, format!("`{left}` is not a fact that a condition can ask about"));
    fault.nearest = nearest(left, words()).or_else(|| nearest(first, words())).map(str::to_owned);
    Err(fault.expected(one_of(words())))
}

/// The next word as one of a list.
fn named<T: Copy>(
    phrase: &mut Phrase<'_>,
    what: &str,
    all: &'static [T],
    of: impl Fn(T) -> &'static str,
) -> Result<T, Fault> {
    let at = phrase.here();
    let Some(Token { text, at }) = phrase.bump() else {
        let words = all.iter().map(|value| of(*value));
        return Err(Fault::new(at, format!("expected {what}, but the text ends")).expected(one_of(words)));
    };
    fields::known(text, at, what, all, of)
}

fn since(phrase: &mut Phrase<'_>, stages: &[String]) -> Result<Option<crate::domain::StageId>, Fault> {
    if phrase.eat("since") { phrase::stage(phrase, stages).map(Some) } else { Ok(None) }
}

/// `count of payment returned in 12 months`.
fn counted(phrase: &mut Phrase<'_>) -> Result<(Fact, FactType), Fault> {
    let at = phrase.here();
    let Some(kind) = EventKind::ALL.iter().find(|kind| phrase.eat(kind.word())) else {
        let words = || EventKind::ALL.iter().map(|kind| kind.word());
        let rest = phrase.rest();
        let written = rest.split(" in ").next().unwrap_or_default();
        return Err(Fault::new(at, format!("`{written}` is not an event"))
            .near(written, words())
            .expected(one_of(words())));
    };
    phrase.need("in")?;
    let months = phrase.number("months")?;
    if !phrase.eat("months") {
        phrase.need("month")?;
    }
    Ok((Fact::Count(*kind, months), FactType::Number))
}

/// What the fact is compared with, of its type.
fn value(phrase: &mut Phrase<'_>, fact: &Fact, kind: FactType) -> Result<Value, Fault> {
    let at = phrase.here();
    let Some(Token { text, at }) = phrase.bump() else {
        return Err(Fault::new(at, format!("expected a value after `{}`, but the text ends", phrase.last())));
    };
    match kind {
        FactType::Money => {
            if let Some(unit) = phrase.peek().filter(|token| !matches!(token.text, "and" | "or")) {
                let message = format!("an amount of money cannot be compared with `{text} {}`", unit.text);
                return Err(Fault::new(at, message).expected("an amount such as 60.00").help(
                    "`days past due > 60` compares days; `debt at least 60 days old >= 60.00` sums what is old",
                ));
            }
            fields::amount(text, at, "a comparison").map(Value::Money)
        }
        FactType::Number => {
            if text.contains(['.', '$']) {
                return Err(Fault::new(at, format!("a number cannot be compared with the amount `{text}`"))
                    .expected("a whole number such as 60")
                    .help("`past due` and `balance` are amounts of money"));
            }
            let n = fields::count(text, at, "this")?;
            if *fact == Fact::DaysPastDue && !phrase.eat("days") {
                let _ = phrase.eat("day");
            }
            Ok(Value::Number(i64::from(n)))
        }
        FactType::Word => {
            let word = if *fact == Fact::Class {
                fields::known(text, at, "a customer class", CustomerClass::ALL, CustomerClass::word)?.word()
            } else if *fact == Fact::Occupancy {
                fields::known(text, at, "an occupancy", Occupancy::ALL, Occupancy::word)?.word()
            } else {
                fields::known(text, at, "a language", Language::ALL, Language::word)?.word()
            };
            Ok(Value::Word(word.to_owned()))
        }
        FactType::Flag => yes_or_no(text).map(Value::Flag).ok_or_else(|| {
            Fault::new(at, format!("this holds or does not; it is not `{text}`")).expected("yes, no, or nothing")
        }),
        FactType::Open => Ok(open(text)),
    }
}

/// An attribute is compared as what its value looks like.
fn open(text: &str) -> Value {
    if let Ok(n) = text.parse::<i64>() {
        return Value::Number(n);
    }
    if text.contains(['.', '$'])
        && let Ok(amount) = text.parse()
    {
        return Value::Money(amount);
    }
    yes_or_no(text).map_or_else(|| Value::Word(text.to_owned()), Value::Flag)
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use crate::domain::Cents;

    fn read(text: &str) -> Result<Cond, String> {
        let stages = ["final_notice".to_owned()];
        let mut report = Report::new("test.yaml", text);
        let node = document::parse(text, &mut report).unwrap();
        parse(&node, &stages, &mut report).ok_or_else(|| report.into_errors()[0].message.clone())
    }

    #[test]
    fn every_example_of_a_fact_is_read() {
        for (words, _, _, example) in FACTS {
            assert!(read(example).is_ok(), "{words}: {example}: {:?}", read(example));
        }
    }

    #[test]
    fn an_old_debt_is_compared_with_an_amount() {
        let expected = Cond::Is(Fact::DebtAged(60), Cmp::Ge, Value::Money(Cents::new(6_000)));
        assert_eq!(read("debt at least 60 days old >= 60.00"), Ok(expected.clone()));
        assert_eq!(read("debt at least 60 days old at least $60"), Ok(expected));
    }

    #[test]
    fn maps_and_lists_join_conditions() {
        let hold = Cond::Is(Fact::Hold(HoldKind::Dispute), Cmp::Eq, Value::Flag(true));
        let failed = Cond::Is(Fact::ContactFailed(None), Cmp::Eq, Value::Flag(true));
        assert_eq!(read("[hold dispute, contact failed]"), Ok(Cond::All(vec![hold.clone(), failed.clone()])));
        assert_eq!(read("{none: [hold dispute]}"), Ok(Cond::Not(Box::new(Cond::Any(vec![hold.clone()])))));
        assert_eq!(read("not hold dispute"), Ok(Cond::Not(Box::new(hold))));
    }

    #[test]
    fn money_is_not_compared_with_days() {
        assert_eq!(read("past due >= 60 days"), Err("an amount of money cannot be compared with `60 days`".into()));
        assert_eq!(read("days past due > 60.00"), Err("a number cannot be compared with the amount `60.00`".into()));
        assert_eq!(read("class > residential"), Err("words are equal or not, but never more or less".into()));
    }

    #[test]
    fn what_is_not_known_is_named() {
        assert_eq!(read("past do >= 60.00"), Err("`past do` is not a fact that a condition can ask about".into()));
        assert_eq!(read("hold dispuet"), Err("`dispuet` is not a kind of hold".into()));
        assert_eq!(read("balance >= 5.00 and contact failed"), Err("`and contact failed` is too much here".into()));
    }
}

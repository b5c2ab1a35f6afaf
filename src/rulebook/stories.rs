//! `tests:` in a policy: a dated story and what must follow.

use std::collections::BTreeMap;

use crate::domain::hold::HoldKind;
use crate::domain::proof::ProofKind;
use crate::domain::{Cents, CustomerClass, Day, EventKind, Service, StageId, day};

use super::document::{Entry, Node, Value};
use super::error::{Fault, Report};
use super::fields::{self, Fields};
use super::phrase;
use super::policy::{Expected, Story, StoryBill, StoryFacts};
use super::tokens::Phrase;

/// What stories can refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// Of all tracks.
    pub stages: &'a [String],
    pub due_days: Option<u16>,
    /// The service of a bill that names none.
    pub service: Service,
}

/// All stories, in the order of the file.
pub(super) fn stories(node: Option<&Node>, context: Context<'_>, report: &mut Report<'_>) -> Vec<Story> {
    node.map(Node::each).unwrap_or_default().iter().filter_map(|item| story(item, context, report)).collect()
}

fn story(node: &Node, context: Context<'_>, report: &mut Report<'_>) -> Option<Story> {
    let mut fields = Fields::of(node, "a test", report)?;
    let name = fields.take("name", report).and_then(|node| report.take(fields::text(node, "a name")));
    let facts = fields.need("story", report).and_then(|node| facts(node, context, report));
    let expect = fields.need("expect", report).map(|node| expectations(node, context.stages, report));
    fields.done(report);
    let name = name.map_or_else(|| format!("line {}", node.at.line), str::to_owned);
    Some(Story { name, line: node.at.line, facts: facts?, expect: expect? })
}

fn facts(node: &Node, context: Context<'_>, report: &mut Report<'_>) -> Option<StoryFacts> {
    let mut fields = Fields::of(node, "a story", report)?;
    let mut facts = StoryFacts::default();
    if let Some(list) = fields.take("bills", report) {
        facts.bills = list.each().iter().filter_map(|item| listed_bill(item, context, report)).collect();
    }
    facts.bills.extend(bill(&mut fields, context, report));
    facts.payments = dated(fields.take("paid", report), "a payment", report, |node| fields::money(node, "a payment"));
    facts.returned =
        dated(fields.take("returned", report), "a return", report, |node| fields::money(node, "a returned payment"));
    facts.contact = fields
        .take("contact", report)
        .and_then(|node| {
            report.take(fields::word(node, "how contact ends", &[("made", true), ("failed", false)], |(word, _)| word))
        })
        .map(|(_, made)| made);
    facts.mailed = mailed(fields.take("mailed", report), context.stages, report);
    facts.events = dated(fields.take("events", report), "an event", report, |node| {
        fields::word(node, "an event", EventKind::ALL, EventKind::word)
    });
    facts.arrangements = arrangements(fields.take("arrangements", report), report);
    if let Some(list) = fields.take("reinstated", report) {
        facts.reinstated =
            list.each().iter().filter_map(|item| report.take(fields::date(item, "a reinstatement"))).collect();
    }
    if let Some(list) = fields.take("holds", report) {
        facts.holds = list.each().iter().filter_map(|item| hold(item, report)).collect();
    }
    if let Some(list) = fields.take("shown", report) {
        facts.shown = list.each().iter().filter_map(|item| shown(item, report)).collect();
    }
    facts.class = fields
        .take("class", report)
        .and_then(|node| report.take(fields::word(node, "a customer class", CustomerClass::ALL, CustomerClass::word)));
    facts.mails_elsewhere = fields
        .take("mailing_address_differs", report)
        .and_then(|node| report.take(fields::yes(node, "mailing_address_differs")))
        .unwrap_or(false);
    if let Some(entries) = fields.take("attributes", report).and_then(|n| fields::entries(n, "attributes", report)) {
        facts.attributes = entries
            .iter()
            .filter_map(|entry| {
                let value = report.take(fields::text(&entry.value, "an attribute"))?;
                Some((entry.key.clone(), value.to_owned()))
            })
            .collect();
    }
    facts.until = fields.take("until", report).and_then(|node| report.take(fields::date(node, "the last day")));
    let at = fields.at();
    fields.done(report);
    if facts.bills.is_empty() {
        report.add(
            Fault::new(at, "a story has at least one bill").expected("such as `{billed: 2026-03-02, owes: 180.00}`"),
        );
    }
    Some(facts)
}

fn listed_bill(node: &Node, context: Context<'_>, report: &mut Report<'_>) -> Option<StoryBill> {
    let mut fields = Fields::of(node, "a bill", report)?;
    let bill = bill(&mut fields, context, report);
    fields.done(report);
    bill
}

/// `billed`, `due`, `owes`, `service`, of a bill or of a story with one.
fn bill(fields: &mut Fields<'_>, context: Context<'_>, report: &mut Report<'_>) -> Option<StoryBill> {
    let billed = fields.take("billed", report).and_then(|node| report.take(fields::date(node, "a bill")));
    let due = fields.take("due", report).and_then(|node| report.take(fields::date(node, "a due date")));
    let amount: Option<Cents> =
        fields.take("owes", report).and_then(|node| report.take(fields::money(node, "what is owed")));
    let service = fields
        .take("service", report)
        .and_then(|node| report.take(fields::word(node, "a service", Service::ALL, Service::word)))
        .unwrap_or(context.service);
    if !fields.has("billed") && !fields.has("due") && !fields.has("owes") {
        return None;
    }
    let after = i64::from(context.due_days.unwrap_or(0));
    let (billed, due) = match (billed, due) {
        (Some(billed), Some(due)) => (billed, due),
        (Some(billed), None) => (billed, day::plus_days(billed, after)),
        (None, Some(due)) => (day::plus_days(due, -after), due),
        (None, None) => {
            report.add(Fault::new(fields.at(), "a bill has the date on which it was billed or is due"));
            return None;
        }
    };
    if due < billed {
        report.add(Fault::new(fields.at(), "the bill is due before it is billed"));
    }
    let Some(amount) = amount.filter(|amount| amount.is_positive()) else {
        report.add(Fault::new(fields.at(), "a bill has an amount").expected("such as `owes: 180.00`"));
        return None;
    };
    Some(StoryBill { billed, due, amount, service })
}

/// A map from days to values.
fn dated<T>(
    node: Option<&Node>,
    what: &str,
    report: &mut Report<'_>,
    read: impl Fn(&Node) -> Result<T, Fault>,
) -> Vec<(Day, T)> {
    let Some(entries) = node.and_then(|node| fields::entries(node, what, report)) else { return Vec::new() };
    let mut values = Vec::new();
    for entry in entries {
        let day = report.take(fields::date_of(&entry.key, entry.at, what));
        for item in entry.value.each() {
            if let (Some(day), Some(value)) = (day, report.take(read(item))) {
                values.push((day, value));
            }
        }
    }
    values
}

/// `{2026-06-15: {2026-07-01: 60.00, 2026-08-01: 60.00}}`.
fn arrangements(node: Option<&Node>, report: &mut Report<'_>) -> Vec<(Day, Vec<(Day, Cents)>)> {
    let made = node.and_then(|node| fields::entries(node, "arrangements", report)).unwrap_or_default();
    made.iter()
        .filter_map(|entry| {
            let day = report.take(fields::date_of(&entry.key, entry.at, "an arrangement"))?;
            let installments = dated(Some(&entry.value), "an installment", report, |node| {
                let amount = fields::money(node, "an installment")?;
                let asked = "an installment asks for money, and falls due on the day of the arrangement or later";
                if amount.is_positive() { Ok(amount) } else { Err(Fault::new(node.at, asked)) }
            });
            Some((day, installments))
        })
        .collect()
}

/// `{final_notice: 2026-06-05}`.
fn mailed(node: Option<&Node>, stages: &[String], report: &mut Report<'_>) -> BTreeMap<StageId, Day> {
    let Some(entries) = node.and_then(|node| fields::entries(node, "what is mailed", report)) else {
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|Entry { key, at, value, .. }| {
            let stage = report.take(phrase::known_stage(key, *at, stages));
            let day = report.take(fields::date(value, "a mailing"));
            Some((stage?, day?))
        })
        .collect()
}

fn hold(node: &Node, report: &mut Report<'_>) -> Option<(HoldKind, Day, Option<Day>)> {
    let mut fields = Fields::of(node, "a hold", report)?;
    let kind = fields
        .need("kind", report)
        .and_then(|node| report.take(fields::word(node, "a kind of hold", HoldKind::ALL, HoldKind::word)));
    let from = fields.need("from", report).and_then(|node| report.take(fields::date(node, "a hold")));
    let through = fields.take("through", report).and_then(|node| report.take(fields::date(node, "a hold")));
    fields.done(report);
    Some((kind?, from?, through))
}

fn shown(node: &Node, report: &mut Report<'_>) -> Option<(ProofKind, Day, Option<Day>)> {
    let mut fields = Fields::of(node, "what is shown", report)?;
    let kind = fields
        .need("what", report)
        .and_then(|node| report.take(fields::word(node, "what a household shows", ProofKind::ALL, ProofKind::word)));
    let from = fields.need("from", report).and_then(|node| report.take(fields::date(node, "the first day")));
    let through = fields.take("through", report).and_then(|node| report.take(fields::date(node, "the last day")));
    fields.done(report);
    Some((kind?, from?, through))
}

/// `{2026-05-06: notice, 2026-05-21: [shut_off, late_fee 10.00]}`, or `nothing`.
fn expectations(node: &Node, stages: &[String], report: &mut Report<'_>) -> Vec<(Day, Vec<Expected>)> {
    if matches!(&node.value, Value::Text(text) if text == "nothing") {
        return Vec::new();
    }
    let Some(entries) = fields::entries(node, "what is expected", report) else { return Vec::new() };
    let mut expected = Vec::new();
    for entry in entries {
        let day = report.take(fields::date_of(&entry.key, entry.at, "what is expected"));
        let acts: Vec<Expected> = entry
            .value
            .each()
            .iter()
            .filter_map(|item| {
                let parsed = Phrase::of(item, "a stage").and_then(|mut phrase| expectation(&mut phrase, stages));
                report.take(parsed)
            })
            .collect();
        if let Some(day) = day {
            expected.push((day, acts));
        }
    }
    expected
}

/// `late_fee 10.00`.
fn expectation(phrase: &mut Phrase<'_>, stages: &[String]) -> Result<Expected, Fault> {
    let stage = phrase::stage(phrase, stages)?;
    let fee = match phrase.bump() {
        Some(token) => Some(fields::amount(token.text, token.at, "a fee")?),
        None => None,
    };
    phrase.end()?;
    Ok(Expected { stage, fee })
}

//! The parts of a policy besides its tracks: ledger, holds, bars, calls, promises, arrangements, referral.

use crate::domain::arrears::BucketLimits;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::ledger::{ApplicationOrder, FeeRank};
use crate::domain::referral::Destination;
use crate::domain::{Cents, Service};

use super::condition;
use super::document::{Node, Value};
use super::error::{Fault, Report};
use super::fields::{self, Fields};
use super::origins::Origins;
use super::phrase;
use super::policy::{BarRule, CallRules, HoldRule, LedgerRules, PromiseRules, ReferralRules};
use super::routes::{self, Reads};
use super::tokens::Phrase;

/// The words of [`FeeRank`].
const FEE_RANKS: &[(&str, FeeRank)] = &[("as_due", FeeRank::AsDue), ("first", FeeRank::First), ("last", FeeRank::Last)];

/// Parts of the call list's score.
const WEIGHTS: &[&str] =
    &["amount", "age", "broken_promise", "shut_off_soon", "no_contact", "required", "first_contact"];

/// How debts age and are paid.
pub(super) fn ledger(node: Option<&Node>, report: &mut Report<'_>) -> LedgerRules {
    let mut rules = LedgerRules {
        due_days: None,
        order: ApplicationOrder::default(),
        de_minimis: Cents::ZERO,
        buckets: BucketLimits::default(),
    };
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "the ledger", report)) else { return rules };
    rules.due_days = fields
        .take("due", report)
        .and_then(|node| report.take(phrase::days_after(node, "billed", "when a bill is due")));
    if let Some(amount) =
        fields.take("de_minimis", report).and_then(|n| report.take(fields::money(n, "the de-minimis")))
    {
        rules.de_minimis = amount;
    }
    if let Some(node) = fields.take("buckets", report)
        && let Some(limits) = buckets(node, report)
    {
        rules.buckets = limits;
    }
    if let Some(node) = fields.take("order", report) {
        rules.order = order(node, report);
    }
    fields.done(report);
    rules
}

fn buckets(node: &Node, report: &mut Report<'_>) -> Option<BucketLimits> {
    let read: Vec<Option<u16>> = node
        .each()
        .iter()
        .map(|item| {
            let parsed = fields::text(item, "a bucket").and_then(|text| fields::count(text, item.at, "days"));
            report.take(parsed)
        })
        .collect();
    let limits: Vec<u16> = read.into_iter().collect::<Option<_>>()?;
    if limits.first().is_none_or(|first| *first == 0) || limits.windows(2).any(|pair| pair[0] >= pair[1]) {
        report.add(
            Fault::new(node.at, "buckets are limits in days, each more than the last").expected("such as [30, 60, 90]"),
        );
        return None;
    }
    Some(BucketLimits(limits))
}

fn order(node: &Node, report: &mut Report<'_>) -> ApplicationOrder {
    let mut order = ApplicationOrder::default();
    if let Value::Text(text) = &node.value {
        if text != "oldest due first" {
            let fault = Fault::new(node.at, format!("`{text}` is no order of payment"));
            report.add(fault.expected("`oldest due first`, or a map with `fees` and `services`"));
        }
        return order;
    }
    let Some(mut fields) = Fields::of(node, "an order of payment", report) else { return order };
    if let Some(node) = fields.take("fees", report) {
        let rank = fields::word(node, "a place for fees", FEE_RANKS, |(word, _)| word);
        order.fees = report.take(rank).map(|(_, rank)| rank).unwrap_or_default();
    }
    if let Some(node) = fields.take("services", report) {
        order.services = fields::words(node, "a service", Service::ALL, Service::word, report);
    }
    fields.done(report);
    order
}

/// What each kind of hold does.
pub(super) fn holds(node: Option<&Node>, origins: &mut Origins, report: &mut Report<'_>) -> Vec<HoldRule> {
    let Some(entries) = node.and_then(|node| fields::entries(node, "holds", report)) else { return Vec::new() };
    let mut rules = Vec::new();
    for entry in entries {
        let kind = fields::known(&entry.key, entry.at, "a kind of hold", HoldKind::ALL, HoldKind::word);
        let kind = report.take(kind);
        let Some(mut fields) = Fields::of(&entry.value, "a hold", report) else { continue };
        let blocks = fields
            .take("blocks", report)
            .map(|node| fields::words(node, "what a hold blocks", Blocks::ALL, Blocks::word, report))
            .unwrap_or_default();
        let stops_clock = fields
            .take("stops_clock", report)
            .and_then(|node| report.take(fields::yes(node, "stops_clock")))
            .unwrap_or(false);
        let lasts_days = fields.take("lasts", report).and_then(|node| lasts(node, kind, report));
        let citation = citation(&mut fields, report);
        fields.done(report);
        if let Some(kind) = kind {
            let rule = origins.add(report.file, entry.at, format!("hold {kind}"), citation);
            rules.push(HoldRule { rule, kind, blocks: blocks.into_iter().collect(), stops_clock, lasts_days });
        }
    }
    rules
}

/// `until decided`, `as granted`, `30 days`.
fn lasts(node: &Node, kind: Option<HoldKind>, report: &mut Report<'_>) -> Option<u16> {
    if let Value::Text(text) = &node.value
        && matches!(text.as_str(), "until decided" | "as granted")
    {
        return None;
    }
    let days = phrase::days(node, "how long a hold lasts");
    let days =
        report.take(days.map_err(|fault| fault.expected("`until decided`, `as granted` or days such as `30 days`")))?;
    if kind.is_some_and(HoldKind::ends_by_decision) {
        let fault = Fault::new(node.at, "a hold of this kind ends only when a person decides it");
        report.add(fault.expected("`until decided`"));
        return None;
    }
    Some(days)
}

/// What conditions strike.
pub(super) fn bars(node: Option<&Node>, origins: &mut Origins, report: &mut Report<'_>) -> Vec<BarRule> {
    let Some(entries) = node.and_then(|node| fields::entries(node, "bars", report)) else { return Vec::new() };
    let mut bars = Vec::new();
    for entry in entries {
        let Some(mut fields) = Fields::of(&entry.value, "a bar", report) else { continue };
        let blocks = fields.need("blocks", report).and_then(|node| {
            let parsed = Phrase::of(node, "what a bar blocks").and_then(|mut phrase| blocked(&mut phrase));
            report.take(parsed)
        });
        let when = fields.need("when", report).and_then(|node| condition::parse(node, &[], report));
        let citation = citation(&mut fields, report);
        fields.done(report);
        if let (Some((blocks, service)), Some(when)) = (blocks, when) {
            let rule = origins.add(report.file, entry.at, format!("bar {}", entry.key), citation);
            bars.push(BarRule { rule, blocks, service, when });
        }
    }
    bars
}

/// `disconnect electric`.
fn blocked(phrase: &mut Phrase<'_>) -> Result<(Blocks, Option<Service>), Fault> {
    let Some(token) = phrase.bump() else { return Err(Fault::new(phrase.whole(), "expected what the bar blocks")) };
    let blocks = fields::known(token.text, token.at, "what a bar blocks", Blocks::ALL, Blocks::word)?;
    let service = match phrase.bump() {
        Some(token) => Some(fields::known(token.text, token.at, "a service", Service::ALL, Service::word)?),
        None => None,
    };
    phrase.end()?;
    Ok((blocks, service))
}

/// Limits and weights of the call list.
pub(super) fn calls(node: Option<&Node>, report: &mut Report<'_>) -> CallRules {
    let mut rules = CallRules::default();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "calls", report)) else { return rules };
    if let Some((attempts, days)) = fields.take("attempts", report).and_then(|node| {
        let parsed = Phrase::of(node, "attempts").and_then(|mut phrase| per_days(&mut phrase));
        report.take(parsed)
    }) {
        (rules.max_attempts, rules.within_days) = (attempts, days);
    }
    if let Some(days) = fields
        .take("quiet", report)
        .and_then(|node| report.take(phrase::days_after(node, "contact", "the quiet after contact")))
    {
        rules.quiet_days_after_contact = days;
    }
    if let Some(hours) = fields.take("hours", report).and_then(|node| report.take(hours(node))) {
        rules.hours = hours;
    }
    if let Some(n) = count(&mut fields, "per_representative", report) {
        rules.per_representative = n;
    }
    if let Some(entries) = fields.take("weights", report).and_then(|node| fields::entries(node, "weights", report)) {
        for entry in entries {
            let name = report.take(fields::known(&entry.key, entry.at, "a part of the score", WEIGHTS, |word| word));
            let points = report.take(
                fields::text(&entry.value, "points").and_then(|text| fields::count(text, entry.value.at, "points")),
            );
            if let (Some(name), Some(points)) = (name, points) {
                rules.weights.insert(name.to_owned(), i64::from(points));
            }
        }
    }
    let _ = citation(&mut fields, report);
    fields.done(report);
    rules
}

/// `7 in 7 days`.
fn per_days(phrase: &mut Phrase<'_>) -> Result<(u8, u16), Fault> {
    let at = phrase.here();
    let n = phrase.number("attempts")?;
    phrase.need("in")?;
    let days = phrase::calendar_days(phrase)?;
    phrase.end()?;
    let n = u8::try_from(n).map_err(|_| Fault::new(at, "more than 255 attempts are no limit"))?;
    Ok((n, days))
}

/// `08:00 to 21:00`.
fn hours(node: &Node) -> Result<(u8, u8), Fault> {
    let mut phrase = Phrase::of(node, "hours")?;
    let from = hour(&mut phrase)?;
    phrase.need("to")?;
    let to = hour(&mut phrase)?;
    phrase.end()?;
    if from >= to {
        return Err(Fault::new(node.at, "the hours end before they begin").expected("such as 08:00 to 21:00"));
    }
    Ok((from, to))
}

fn hour(phrase: &mut Phrase<'_>) -> Result<u8, Fault> {
    let at = phrase.here();
    let text = phrase.bump().map_or("", |token| token.text);
    let hour = text.strip_suffix(":00").and_then(|hour| hour.parse::<u8>().ok()).filter(|hour| *hour <= 24);
    hour.ok_or_else(|| Fault::new(at, format!("`{text}` is no full hour")).expected("such as 08:00"))
}

/// What a promise to pay may be.
pub(super) fn promises(node: Option<&Node>, report: &mut Report<'_>) -> PromiseRules {
    let mut rules = PromiseRules::default();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "promises", report)) else { return rules };
    if let Some(days) = days(&mut fields, "within", report) {
        rules.max_days = days;
    }
    if let Some(days) = days(&mut fields, "grace", report) {
        rules.grace_days = days;
    }
    let _ = citation(&mut fields, report);
    fields.done(report);
    rules
}

/// Legal action.
pub(super) fn referral(node: Option<&Node>, reads: &mut Reads<'_, '_>, report: &mut Report<'_>) -> ReferralRules {
    let mut rules = ReferralRules::default();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "the referral", report)) else { return rules };
    if let Some(years) = fields.need("limitation", report).and_then(|node| {
        let parsed = Phrase::of(node, "the limitation period").and_then(|mut phrase| {
            let years = phrase.number("years")?;
            if !phrase.eat("years") {
                phrase.need("year")?;
            }
            phrase.end()?;
            Ok(years)
        });
        report.take(parsed)
    }) {
        rules.limitation_years = years;
    }
    if let Some(text) = fields.need("limitation_cite", report).and_then(|n| report.take(fields::text(n, "a citation")))
    {
        text.clone_into(&mut rules.limitation_citation);
    }
    if let Some(node) = fields.take("to", report) {
        let to = fields::words(node, "a destination", Destination::ALL, Destination::word, report);
        rules.destinations = to.into_iter().collect();
    }
    if let Some(text) = fields.take("declaration_cite", report).and_then(|n| report.take(fields::text(n, "a citation")))
    {
        text.clone_into(&mut rules.declaration_citation);
    }
    routes::rest(&mut fields, &mut rules, reads, report);
    fields.done(report);
    rules
}

/// The citation of a rule, or an empty text.
pub(super) fn citation(fields: &mut Fields<'_>, report: &mut Report<'_>) -> String {
    fields
        .take("cite", report)
        .and_then(|node| report.take(fields::text(node, "a citation")))
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

pub(super) fn days(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<u16> {
    fields.take(key, report).and_then(|node| report.take(phrase::days(node, key)))
}

pub(super) fn count(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<u16> {
    let node = fields.take(key, report)?;
    let parsed = fields::text(node, key).and_then(|text| fields::count(text, node.at, key));
    report.take(parsed)
}

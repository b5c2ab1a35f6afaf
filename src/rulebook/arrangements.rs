//! The part `arrangements` of a policy: what may be agreed with whom, and when a missed one is taken up again.

use rust_decimal::Decimal;

use crate::domain::hold::HoldKind;

use super::document::Node;
use super::error::{Fault, Report};
use super::fields::{self, Fields};
use super::origins::Origins;
use super::phrase;
use super::policy::{ArrangementRules, LeastDown, ReinstateRules};
use super::settings::{citation, count, days};
use super::tokens::Phrase;

/// What an arrangement may be.
pub(super) fn arrangements(node: Option<&Node>, origins: &mut Origins, report: &mut Report<'_>) -> ArrangementRules {
    let mut rules = ArrangementRules::default();
    let Some(node) = node else { return rules };
    let Some(mut fields) = Fields::of(node, "arrangements", report) else { return rules };
    if let Some(n) = count(&mut fields, "max_months", report) {
        rules.max_months = n;
    }
    if let Some(days) = days(&mut fields, "grace", report) {
        rules.grace_days = days;
    }
    if let Some(n) = at_most(&mut fields, "arrangements", report) {
        rules.per_12_months = n;
    }
    rules.current_days = days(&mut fields, "current_bills", report);
    rules.down_payment = fields.take("down_payment", report).and_then(|node| report.take(least_down(node)));
    if let Some(days) = days(&mut fields, "taken_within", report) {
        rules.taken_within_days = days;
    }
    let mut money = |key, what| fields.take(key, report).and_then(|node| report.take(fields::money(node, what)));
    rules.minimum_installment = money("minimum_installment", "the least installment");
    rules.max_balance = money("max_balance", "the most that is arranged");
    rules.after_default_days = days(&mut fields, "after_default", report);
    if let Some(node) = fields.take("not_under", report) {
        rules.not_under.extend(fields::words(node, "a kind of hold", HoldKind::ALL, HoldKind::word, report));
    }
    rules.reinstate = fields.take("reinstate", report).and_then(|node| reinstate(node, report));
    let citation = citation(&mut fields, report);
    fields.done(report);
    rules.rule = Some(origins.add(report.file, node.at, "arrangements".to_owned(), citation));
    rules
}

/// `2 in 12 months`.
fn at_most(fields: &mut Fields<'_>, what: &str, report: &mut Report<'_>) -> Option<u16> {
    let node = fields.take("at_most", report)?;
    let parsed = Phrase::of(node, "a number").and_then(|mut phrase| {
        let n = phrase.number(what)?;
        phrase.need("in 12 months")?;
        phrase.end()?;
        Ok(n)
    });
    report.take(parsed)
}

/// `20%` or `50.00`.
fn least_down(node: &Node) -> Result<LeastDown, Fault> {
    let text = fields::text(node, "the least down payment")?.trim();
    let Some(percent) = text.strip_suffix('%') else {
        let money = fields::money(node, "the least down payment");
        return money
            .map(LeastDown::Amount)
            .map_err(|fault| fault.expected("an amount such as 50.00, or a share such as 20%"));
    };
    let rate = percent.trim().parse::<Decimal>().ok();
    let rate = rate.filter(|rate| *rate > Decimal::ZERO && *rate < Decimal::ONE_HUNDRED);
    let fault = || Fault::new(node.at, format!("`{text}` is no share of what is past due"));
    rate.map(LeastDown::Percent).ok_or_else(|| fault().expected("more than 0% and less than 100%, such as 20%"))
}

/// `{at_most: 1 in 12 months, within: 30 days after missed, pay: missed installments within 5 days}`.
fn reinstate(node: &Node, report: &mut Report<'_>) -> Option<ReinstateRules> {
    let mut fields = Fields::of(node, "reinstate", report)?;
    let per_12_months = at_most(&mut fields, "reinstatements", report);
    let within = fields.need("within", report);
    let within = within
        .and_then(|node| report.take(phrase::days_after(node, "missed", "the time in which it is taken up again")));
    let pay = match fields.take("pay", report) {
        Some(node) => report.take(pay(node)),
        None => Some(0),
    };
    fields.done(report);
    Some(ReinstateRules { per_12_months: per_12_months.unwrap_or(1), within_days: within?, pay_days: pay? })
}

/// `missed installments`, on the same day; `missed installments within 5 days`.
fn pay(node: &Node) -> Result<u16, Fault> {
    let mut phrase = Phrase::of(node, "what is paid when it is taken up again")?;
    phrase.need("missed installments")?;
    let days = if phrase.eat("within") { phrase::calendar_days(&mut phrase)? } else { 0 };
    phrase.end()?;
    Ok(days)
}

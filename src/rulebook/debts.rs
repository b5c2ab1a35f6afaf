//! The parts `deposits` and `debts_follow` of a policy: what a deposit pays, and which debts go with their customer.

use crate::domain::deposit::DepositOrder;

use super::document::Node;
use super::error::Report;
use super::fields::{self, Fields};
use super::origins::Origins;
use super::policy::{DepositRules, FollowRules};
use super::settings::{citation, days};

/// To whom a debt may follow: to nobody else.
const SAME_CUSTOMER: &[(&str, ())] = &[("same customer", ())];
/// Between which classes.
const CLASSES: &[(&str, bool)] = &[("same", true), ("any", false)];

/// `{pays: final bill first, without_bill: 60 days, cite: ...}`.
pub(super) fn deposits(node: Option<&Node>, origins: &mut Origins, report: &mut Report<'_>) -> DepositRules {
    let mut rules = DepositRules::default();
    let Some(node) = node else { return rules };
    let Some(mut fields) = Fields::of(node, "deposits", report) else { return rules };
    if let Some(node) = fields.take("pays", report) {
        let order = fields::text(node, "what a deposit pays first").and_then(|text| {
            fields::known(text, node.at, "what a deposit pays first", DepositOrder::ALL, DepositOrder::word)
        });
        rules.pays = report.take(order).unwrap_or(rules.pays);
    }
    rules.without_bill_days = days(&mut fields, "without_bill", report).unwrap_or(rules.without_bill_days);
    let cite = citation(&mut fields, report);
    fields.done(report);
    rules.rule = Some(origins.add(report.file, node.at, "deposits".to_owned(), cite));
    rules
}

/// `{to: same customer, classes: same, after: 30 days, cite: ...}`.
pub(super) fn follow(node: Option<&Node>, origins: &mut Origins, report: &mut Report<'_>) -> Option<FollowRules> {
    let node = node?;
    let mut fields = Fields::of(node, "debts_follow", report)?;
    if let Some(node) = fields.need("to", report) {
        let _ = report.take(fields::word(node, "to whom a debt follows", SAME_CUSTOMER, |(word, ())| word));
    }
    let same_class = fields.take("classes", report).and_then(|node| {
        report.take(fields::word(node, "between which classes a debt follows", CLASSES, |(word, _)| word))
    });
    let after_days = days(&mut fields, "after", report).unwrap_or(0);
    let counts_toward_shut_off = fields
        .take("counts_toward_shut_off", report)
        .and_then(|node| report.take(fields::yes(node, "counts_toward_shut_off")))
        .unwrap_or(false);
    let cite = citation(&mut fields, report);
    fields.done(report);
    let rule = origins.add(report.file, node.at, "debts_follow".to_owned(), cite);
    Some(FollowRules { rule, same_class: same_class.is_none_or(|(_, same)| same), after_days, counts_toward_shut_off })
}

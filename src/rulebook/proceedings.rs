//! The parts `disputes`, `bankruptcy` and `estates` of a policy: the times of proceedings that people conduct.

use super::document::Node;
use super::error::Report;
use super::fields::Fields;
use super::policy::{BankruptcyRules, DisputeRules, EstateRules, ProceedingRules};
use super::settings::{citation, days};
use super::tokens::Phrase;

/// All three, each where the policy speaks of it.
pub(super) fn proceedings(fields: &mut Fields<'_>, report: &mut Report<'_>) -> ProceedingRules {
    ProceedingRules {
        disputes: disputes(fields.take("disputes", report), report),
        bankruptcy: bankruptcy(fields.take("bankruptcy", report), report),
        estates: estates(fields.take("estates", report), report),
    }
}

/// `{appeal: 10 days, cite: …}`.
fn disputes(node: Option<&Node>, report: &mut Report<'_>) -> DisputeRules {
    let mut rules = DisputeRules::default();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "disputes", report)) else { return rules };
    rules.appeal_days = days(&mut fields, "appeal", report);
    rules.citation = citation(&mut fields, report);
    fields.done(report);
    rules
}

/// `{assurance: 20 days, chapter_11: 30 days, cite: 11 USC 366}`.
fn bankruptcy(node: Option<&Node>, report: &mut Report<'_>) -> BankruptcyRules {
    let mut rules = BankruptcyRules::default();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "bankruptcy", report)) else { return rules };
    if let Some(days) = days(&mut fields, "assurance", report) {
        rules.assurance_days = days;
    }
    if let Some(days) = days(&mut fields, "chapter_11", report) {
        rules.chapter_11_days = days;
    }
    let cited = citation(&mut fields, report);
    if !cited.is_empty() {
        rules.citation = cited;
    }
    fields.done(report);
    rules
}

/// `{after_letters: 4 months, after_notice: 60 days, warn: 30 days, cite: …}`.
fn estates(node: Option<&Node>, report: &mut Report<'_>) -> EstateRules {
    let mut rules = EstateRules::default();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "estates", report)) else { return rules };
    rules.claim_months_after_letters = fields.take("after_letters", report).and_then(|node| {
        let parsed = Phrase::of(node, "the time for a claim").and_then(|mut phrase| {
            let months = phrase.number("months")?;
            if !phrase.eat("months") {
                phrase.need("month")?;
            }
            phrase.end()?;
            Ok(months)
        });
        report.take(parsed)
    });
    rules.claim_days_after_notice = days(&mut fields, "after_notice", report);
    if let Some(days) = days(&mut fields, "warn", report) {
        rules.warn_days = days;
    }
    rules.citation = citation(&mut fields, report);
    fields.done(report);
    rules
}

#[cfg(test)]
mod tests {
    use crate::rulebook;

    #[test]
    fn riverbend_says_the_times_of_its_proceedings() {
        let policy = rulebook::load(&rulebook::shipped(), "riverbend.yaml").unwrap();
        let rules = &policy.proceedings;
        assert_eq!(rules.disputes.appeal_days, Some(10));
        assert_eq!((rules.bankruptcy.assurance_days, rules.bankruptcy.chapter_11_days), (20, 30));
        assert_eq!(
            (rules.estates.claim_months_after_letters, rules.estates.claim_days_after_notice),
            (Some(4), Some(60))
        );
        assert!(rules.estates.citation.contains("9100"));
    }
}

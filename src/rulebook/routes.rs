//! The part `referral` of a policy: where debts go, and the tables that say so.
//!
//! A table is looked at whole when it is read: a line that can never be reached is refused, and what no line covers must be
//! left to the lead in so many words (`otherwise: lead`).

use std::collections::BTreeSet;

use crate::domain::hold::Blocks;
use crate::domain::referral::Destination;
use crate::domain::route::{Route, RouteLine, RoutedDebt};
use crate::domain::{Cents, CustomerClass};

use super::day_rules;
use super::document::{Node, Value};
use super::error::{Fault, Report, RuleError, Span, one_of};
use super::fields::{self, Fields};
use super::layouts;
use super::origins::Origins;
use super::phrase;
use super::policy::{ReferralRules, SmallClaimsRules, TaxRollRules};
use super::settings::citation;
use super::sources::Sources;
use super::tokens::Phrase;

/// Where the parts of a policy are read from.
pub(super) struct Reads<'a, 'r> {
    pub sources: &'a Sources,
    pub origins: &'a mut Origins,
    pub others: &'a mut Vec<RuleError>,
    /// The texts of layouts that are used: they are part of the policy's hash.
    pub texts: &'r mut Vec<String>,
}

/// What goes on besides the limitation and the destinations themselves.
pub(super) fn rest(
    fields: &mut Fields<'_>,
    rules: &mut ReferralRules,
    reads: &mut Reads<'_, '_>,
    report: &mut Report<'_>,
) {
    rules.warn_days = fields.take("warn", report).and_then(|node| report.take(phrase::days(node, "the warning")));
    if let Some(node) = fields.take("while_placed", report) {
        let goes_on = fields::words(node, "what goes on", Blocks::ALL, Blocks::word, report);
        if goes_on.contains(&Blocks::Referral) {
            let fault = Fault::new(node.at, "a debt is at one destination at a time");
            report.add(fault.expected("notices, calls, fees or disconnect"));
        }
        rules.while_placed = goes_on.into_iter().collect();
    }
    rules.small_claims = fields.take("small_claims", report).and_then(|node| small_claims(node, report));
    rules.tax_roll = fields.take("tax_roll", report).and_then(|node| tax_roll(node, report));
    if let Some(entries) = fields.take("layouts", report).and_then(|node| fields::entries(node, "layouts", report)) {
        for entry in entries {
            let to = fields::known(&entry.key, entry.at, "a destination", Destination::ALL, Destination::word);
            let name = report.take(fields::text(&entry.value, "a layout"));
            let (Some(to), Some(name)) = (report.take(to), name) else { continue };
            let path = format!("layouts/{name}.yaml");
            let Some(text) = reads.sources.get(&path) else {
                let known = || reads.sources.names("layouts");
                let fault = Fault::new(entry.value.at, format!("there is no layout `{name}`")).near(name, known());
                report.add(fault.expected(one_of(known())));
                continue;
            };
            reads.texts.push(text.to_owned());
            match layouts::load(text, &path) {
                Ok(layout) => drop(rules.layouts.insert(to, layout)),
                Err(errors) => reads.others.extend(errors),
            }
        }
    }
    if let Some(entries) = fields.take("routes", report).and_then(|node| fields::entries(node, "routes", report)) {
        for entry in entries {
            if report.take(fields::name(&entry.key, entry.at, "a route")).is_none() {
                continue;
            }
            if let Some(route) = route(&entry.key, entry.at, &entry.value, rules, reads.origins, report) {
                rules.routes.push(route);
            }
        }
    }
}

/// `{cap: 6250.00, filings: 2 a year over 5000.00, cite: ..}`
fn small_claims(node: &Node, report: &mut Report<'_>) -> Option<SmallClaimsRules> {
    let mut fields = Fields::of(node, "small claims", report)?;
    let cap = fields.need("cap", report).and_then(|node| report.take(fields::money(node, "the largest claim")));
    let filings = fields.take("filings", report).and_then(|node| {
        let read = Phrase::of(node, "the filings").and_then(|mut phrase| {
            let n = phrase.number("filings")?;
            phrase.need("a")?;
            phrase.need("year")?;
            phrase.need("over")?;
            let at = phrase.here();
            let amount = fields::amount(&phrase.rest(), at, "a claim")?;
            Ok((n, amount))
        });
        report.take(read.map_err(|fault| fault.expected("such as 2 a year over 5000.00")))
    });
    let cited = fields.has("cite");
    let citation = citation(&mut fields, report);
    let at = fields.at();
    fields.done(report);
    if !cited {
        report.add(Fault::new(at, "the court's limits name their law").expected("`cite:`"));
    }
    Some(SmallClaimsRules { cap: cap?, citation, filings })
}

/// `{by: August 10, cite: ..}`
fn tax_roll(node: &Node, report: &mut Report<'_>) -> Option<TaxRollRules> {
    let mut fields = Fields::of(node, "the tax roll", report)?;
    let by = fields.need("by", report).and_then(|node| report.take(day_rules::month_day(node)));
    let citation = citation(&mut fields, report);
    fields.done(report);
    Some(TaxRollRules { by: by?, citation })
}

fn route(
    name: &str,
    at: Span,
    node: &Node,
    rules: &ReferralRules,
    origins: &mut Origins,
    report: &mut Report<'_>,
) -> Option<Route> {
    let (lines, otherwise) = match &node.value {
        Value::List(_) => (node, None),
        Value::Map(_) | Value::Empty | Value::Text(_) => {
            let mut fields = Fields::of(node, "a route", report)?;
            let lines = fields.need("lines", report);
            let otherwise = fields
                .take("otherwise", report)
                .and_then(|node| report.take(fields::word(node, "who decides", &["lead"], |word| word)));
            fields.done(report);
            (lines?, otherwise)
        }
    };
    let mut read: Vec<(RouteLine, Span)> = Vec::new();
    let mut sound = true;
    for item in lines.each() {
        match line(name, item, rules, origins, report) {
            Some(line) => read.push((line, item.at)),
            None => sound = false,
        }
    }
    if !sound {
        return None;
    }
    let mut route = Route { name: name.to_owned(), lines: Vec::new(), gaps: Vec::new() };
    for (line, at) in read {
        route.lines.push(line);
        let debts = every_kind(&route.lines);
        let last = route.lines.len() - 1;
        let is_reached = debts.iter().any(|debt| route.lines.iter().position(|line| line.takes(debt)) == Some(last));
        if !is_reached {
            let fault =
                Fault::new(at, format!("this line of `{name}` is never reached: those before it take all of it"));
            report.add(fault.help("the first line that holds names the destination; put the narrower line first"));
        }
    }
    route.gaps = gaps(&route);
    if let (false, None) = (route.gaps.is_empty(), otherwise) {
        let fault = Fault::new(at, format!("`{name}` covers not every debt: {}", route.gaps.join("; ")));
        report.add(fault.help(
            "add a line, or leave these to the lead: `routes: {NAME: {lines: [..], otherwise: lead}}`; a debt without a \
             destination then stands on the exceptions list",
        ));
    }
    Some(route)
}

/// `{to: agency, from: 100.00, below: 1000.00, age: 120 days, class: residential, debtor: owner, cite: ..}`
fn line(
    route: &str,
    node: &Node,
    rules: &ReferralRules,
    origins: &mut Origins,
    report: &mut Report<'_>,
) -> Option<RouteLine> {
    let mut fields = Fields::of(node, "a line of a route", report)?;
    let to_node = fields.need("to", report);
    let to =
        to_node.and_then(|node| report.take(fields::word(node, "a destination", Destination::ALL, Destination::word)));
    let from = fields.take("from", report).map(|node| report.take(fields::money(node, "the least amount")));
    let below = fields.take("below", report).map(|node| report.take(fields::money(node, "the amount")));
    let up_to = fields.take("up_to", report).map(|node| report.take(fields::money(node, "the largest amount")));
    let age = fields.take("age", report).map(|node| report.take(phrase::days(node, "the age")));
    let classes: BTreeSet<CustomerClass> = fields
        .take("class", report)
        .map(|node| fields::words(node, "a customer class", CustomerClass::ALL, CustomerClass::word, report))
        .unwrap_or_default()
        .into_iter()
        .collect();
    let debtor = fields.take("debtor", report).map(|node| {
        report.take(fields::word(node, "whose the premises are", &[("owner", true), ("not owner", false)], |(w, _)| w))
    });
    let citation = citation(&mut fields, report);
    fields.done(report);
    let (to, at) = (to?, to_node?.at);
    if !rules.destinations.contains(&to) {
        let fault = Fault::new(at, format!("`{to}` is not among the destinations of `referral:`"));
        report.add(fault.help(format!("add `{to}` to its `to:`")));
        return None;
    }
    let flatten = |read: Option<Option<Cents>>| match read {
        None => Some(None),
        Some(read) => read.map(Some),
    };
    let from = flatten(from)?.unwrap_or(Cents::ZERO);
    let cent = Cents::new(1);
    let mut below = match (flatten(below)?, flatten(up_to)?) {
        (Some(_), Some(_)) => {
            report.add(Fault::new(node.at, "a line has `below` or `up_to`, not both"));
            return None;
        }
        (below, up_to) => below.or(up_to.map(|up_to| up_to + cent)),
    };
    if let (Destination::SmallClaims, Some(court)) = (to, &rules.small_claims) {
        let cap = court.cap + cent;
        below = Some(below.map_or(cap, |below| below.min(cap)));
    }
    if below.is_some_and(|below| below <= from) {
        report.add(Fault::new(node.at, "this line takes no amount at all").expected("`from` below `below`"));
        return None;
    }
    let mut owner = match debtor {
        None => None,
        Some(read) => Some(read?.1),
    };
    if to.reaches_property() {
        if owner == Some(false) {
            report.add(Fault::new(at, format!("{to} reaches the property of its owner, and nobody else's")));
            return None;
        }
        owner = Some(true);
    }
    let age_days = match age {
        None => 0,
        Some(read) => read?,
    };
    let rule = origins.add(report.file, node.at, format!("route {route} to {to}"), citation);
    Some(RouteLine { rule, to, from, below, age_days, classes, owner })
}

/// A debt of every kind that the lines can tell apart: between two limits all are alike.
fn every_kind(lines: &[RouteLine]) -> Vec<RoutedDebt> {
    let mut debts = Vec::new();
    for class in CustomerClass::ALL {
        for is_owner in [true, false] {
            for age_days in ages(lines) {
                for amount in amounts(lines) {
                    debts.push(RoutedDebt { amount, age_days, class: *class, is_owner });
                }
            }
        }
    }
    debts
}

fn amounts(lines: &[RouteLine]) -> BTreeSet<Cents> {
    let limits = lines.iter().flat_map(|line| [Some(line.from), line.below]).flatten();
    limits.filter(|amount| amount.is_positive()).chain([Cents::new(1)]).collect()
}

fn ages(lines: &[RouteLine]) -> BTreeSet<i64> {
    lines.iter().map(|line| i64::from(line.age_days)).chain([0]).collect()
}

/// What no line takes at any age: a debt that is too young for its line waits, and is no gap.
fn gaps(route: &Route) -> Vec<String> {
    // Which amounts are left out, and of whom.
    let mut found: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    let mut add = |left_out: Vec<String>, whose: String| match found.iter_mut().find(|(known, _)| *known == left_out) {
        Some((_, names)) => names.push(whose),
        None => found.push((left_out, vec![whose])),
    };
    for class in CustomerClass::ALL {
        let (owner, other) = (left_out(route, *class, true), left_out(route, *class, false));
        if owner == other {
            add(owner, class.to_string());
        } else {
            add(owner, format!("{class} owners"));
            add(other, format!("{class}, not the owner"));
        }
    }
    let whole: Vec<String> = CustomerClass::ALL.iter().map(ToString::to_string).collect();
    found
        .into_iter()
        .filter(|(left_out, _)| !left_out.is_empty())
        .map(|(left_out, names)| {
            let names = if names == whole { "any debtor".to_owned() } else { names.join("; ") };
            format!("{} ({names})", left_out.join(", "))
        })
        .collect()
}

/// The ranges of amounts that no line takes of such a debtor, the oldest debts at that.
fn left_out(route: &Route, class: CustomerClass, is_owner: bool) -> Vec<String> {
    let amounts: Vec<Cents> = amounts(&route.lines).into_iter().collect();
    let mut ranges = Vec::new();
    let mut open: Option<Cents> = None;
    for amount in &amounts {
        let debt = RoutedDebt { amount: *amount, age_days: i64::MAX, class, is_owner };
        match (route.line(&debt).is_none(), open) {
            (true, None) => open = Some(*amount),
            (false, Some(from)) => {
                ranges.push(range(from, Some(*amount)));
                open = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    ranges.extend(open.map(|from| range(from, None)));
    ranges
}

fn range(from: Cents, below: Option<Cents>) -> String {
    match below {
        Some(below) if from <= Cents::new(1) => format!("below {below}"),
        Some(below) => format!("from {from} to below {below}"),
        None if from <= Cents::new(1) => "any amount".to_owned(),
        None => format!("from {from}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::compile;
    use super::super::sources::shipped;
    use super::*;
    use crate::domain::CustomerClass;

    /// A policy with these lines, and whatever else of `referral:`.
    fn referral(routes: &str, rest: &str) -> Result<ReferralRules, String> {
        let policy = format!(
            "policy: city\nauthority: Code 1\neffective: {{from: 2026-01-01}}\ntime_zone: America/Los_Angeles\n\
             calendar: us-federal\nservices: [water]\ntracks:\n  legal:\n    stages:\n      out:\n        start: 30 days after due\n        \
             do: {{refer: by collection}}\n        cite: Code 2\nreferral:\n  limitation: 2 years\n  limitation_cite: Code 3\n  \
             to: [attorney, agency, small_claims, lien]\n{rest}  routes:\n    collection:\n{routes}"
        );
        let loaded = compile::load(&shipped().with("city.yaml", policy), "city.yaml");
        loaded.map(|policy| policy.referral).map_err(|errors| errors.to_string())
    }

    fn debt(cents: i64, age_days: i64, is_owner: bool) -> RoutedDebt {
        RoutedDebt { amount: Cents::new(cents), age_days, class: CustomerClass::Residential, is_owner }
    }

    #[test]
    fn the_first_line_that_holds_names_the_destination() {
        let lines = "      lines:\n        - {to: lien, from: 500.00, age: 120 days}\n        - {to: agency, from: 100.00, below: 1000.00}\n\
                     \x20       - {to: attorney, from: 1000.00}\n      otherwise: lead\n";
        let rules = referral(lines, "").unwrap();
        let to = |debt: RoutedDebt| rules.routes[0].line(&debt).map(|line| line.to);
        assert_eq!(to(debt(50_000, 120, true)), Some(Destination::Lien));
        assert_eq!(to(debt(50_000, 119, true)), Some(Destination::Agency), "not old enough for the lien");
        assert_eq!(to(debt(50_000, 120, false)), Some(Destination::Agency), "a lien does not reach a tenant");
        assert_eq!(to(debt(100_000, 120, false)), Some(Destination::Attorney));
        assert_eq!(to(debt(99_999, 120, false)), Some(Destination::Agency));
        assert_eq!(to(debt(9_999, 900, true)), None);
        assert_eq!(rules.routes[0].gaps, ["below $100.00 (any debtor)"]);
    }

    #[test]
    fn a_route_that_leaves_debts_out_says_so_or_is_refused_with_the_amounts() {
        let lines = "      - {to: agency, from: 100.00, below: 1000.00}\n      - {to: attorney, from: 2000.00, class: commercial}\n";
        let refused = referral(lines, "").unwrap_err();
        assert!(refused.contains("`collection` covers not every debt"), "{refused}");
        assert!(refused.contains("below $100.00, from $1,000.00 (residential"), "{refused}");
        assert!(refused.contains("below $100.00, from $1,000.00 to below $2,000.00 (commercial"), "{refused}");
        assert!(refused.contains("otherwise: lead"), "{refused}");
    }

    #[test]
    fn a_line_that_the_lines_before_it_take_whole_is_refused() {
        let lines = "      - {to: agency, from: 0.01}\n      - {to: attorney, from: 1000.00}\n";
        let refused = referral(lines, "").unwrap_err();
        assert!(refused.contains("this line of `collection` is never reached"), "{refused}");
    }

    #[test]
    fn small_claims_takes_no_more_than_its_cap_and_what_is_above_it_is_a_gap() {
        let court = "  small_claims: {cap: 6250.00, filings: 2 a year over 5000.00, cite: CCP 116.220}\n";
        let lines = "      - {to: agency, below: 1000.00}\n      - {to: small_claims, from: 1000.00}\n";
        let refused = referral(lines, court).unwrap_err();
        assert!(refused.contains("from $6,250.01 (any debtor)"), "{refused}");
        let lines = "      - {to: agency, below: 1000.00}\n      - {to: small_claims, from: 1000.00}\n      - {to: attorney, from: 0.01}\n";
        let rules = referral(lines, court).unwrap();
        let to = |cents| rules.routes[0].line(&debt(cents, 200, false)).map(|line| line.to);
        assert_eq!((to(625_000), to(625_001)), (Some(Destination::SmallClaims), Some(Destination::Attorney)));
        assert_eq!(rules.small_claims.unwrap().filings, Some((2, Cents::new(500_000))));
    }

    #[test]
    fn a_lien_on_whoever_owns_nothing_is_refused() {
        let refused = referral("      - {to: lien, debtor: not owner}\n      - {to: agency}\n", "").unwrap_err();
        assert!(refused.contains("lien reaches the property of its owner, and nobody else's"), "{refused}");
    }
}

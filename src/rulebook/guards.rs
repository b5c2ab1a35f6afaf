//! Guard packs: limits that no rule may cross, each with its citation.

use std::collections::BTreeSet;

use crate::domain::action::{ReconnectionLimits, Statement};
use crate::domain::{Channel, CustomerClass, Language, Service};

use super::condition;
use super::day_rules;
use super::document::{Entry, Node};
use super::error::{Fault, Place, Report, one_of};
use super::fields::{self, Fields};
use super::origins::Origins;
use super::phrase;
use super::policy::{Guard, Limit, Offset, ServedFrom};
use super::settings::citation;
use super::tokens::Phrase;

/// The kinds of limits by their keys.
pub const LIMITS: &[(&str, &str, &str)] = &[
    ("debt_age", "each debt is at least so old before a shut-off", "60 days"),
    ("notice", "a notice was served so long before a shut-off", "7 business days before disconnect"),
    ("occupant_copy", "the occupant had a copy so long before", "7 business days before disconnect"),
    (
        "contact",
        "somebody was spoken to so long before, or (`else_posted`) a notice left at the premises",
        "24 hours before disconnect",
    ),
    ("never_on", "no shut-off on such days", "[saturday, sunday, holiday]"),
    ("never_while", "no shut-off while a condition holds", "hold appeal"),
    ("never_refer_while", "no referral while a condition holds", "hold medical"),
    (
        "after_default",
        "no shut-off until so long after an installment was missed, nor (`then_posted`) until so long after a notice was \
         left at the premises from then on",
        "60 days",
    ),
    ("languages", "a statutory notice is in each of these languages", "[en, es, zh, tl, vi, ko]"),
    (
        "after_return",
        "no shut-off on mail that came back, before a crew has visited and left a notice at the premises",
        "[visit, posting]",
    ),
    (
        "tenants",
        "no shut-off of a landlord's account until so long after a notice was left for the tenants",
        "{individually_metered: 10 days before disconnect, master_meter: 15 days before disconnect}",
    ),
    (
        "after_shut_off",
        "who was shut off is told by a notice that the law requires how to have service restored",
        "notice",
    ),
    (
        "reconnection_fee",
        "a household with a low income pays no more to be turned on again",
        "{in_hours: 50.00, after_hours: 150.00, of: 2021}",
    ),
    ("states", "the notice before a shut-off says each of these, in every language", "[amount_due, pay_by]"),
    ("never_alone", "a statutory notice never goes by these channels alone", "[email]"),
];

/// A pack as read.
#[derive(Debug)]
pub(super) struct Pack {
    pub guards: Vec<GuardDraft>,
    /// What `disconnect` shuts off where the policy does not say.
    pub disconnects: Vec<Service>,
}

/// A guard with its place, for the message of a policy that breaks it.
#[derive(Debug)]
pub(super) struct GuardDraft {
    pub guard: Guard,
    pub place: Place,
    pub citation: String,
}

/// The pack of a file's tree.
pub(super) fn pack(node: &Node, origins: &mut Origins, report: &mut Report<'_>) -> Option<Pack> {
    let mut fields = Fields::of(node, "a guard pack", report)?;
    let name = fields.need("pack", report).and_then(|node| report.take(fields::text(node, "a pack's name")));
    let _ = fields.take("title", report).and_then(|node| report.take(fields::text(node, "a title")));
    let _ = fields.need("authority", report).and_then(|node| report.take(fields::text(node, "an authority")));
    let applies = fields.need("applies", report).and_then(|node| applies(node, report));
    let disconnects = fields
        .take("disconnects", report)
        .map(|node| fields::words(node, "a service", Service::ALL, Service::word, report))
        .unwrap_or_default();
    let entries = fields.need("guards", report).and_then(|node| fields::entries(node, "guards", report));
    fields.done(report);
    let (service, classes) = applies?;
    let header = Header { pack: name?, service, classes: &classes };
    let guards = entries?.iter().filter_map(|entry| guard(entry, header, origins, report)).collect();
    Some(Pack { guards, disconnects })
}

/// What all guards of a pack share.
#[derive(Clone, Copy)]
struct Header<'a> {
    pack: &'a str,
    service: Service,
    classes: &'a BTreeSet<CustomerClass>,
}

fn applies(node: &Node, report: &mut Report<'_>) -> Option<(Service, BTreeSet<CustomerClass>)> {
    let mut fields = Fields::of(node, "what a pack applies to", report)?;
    let service = fields
        .need("service", report)
        .and_then(|node| report.take(fields::word(node, "a service", Service::ALL, Service::word)));
    let classes = match fields.take("classes", report) {
        Some(node) => fields::words(node, "a customer class", CustomerClass::ALL, CustomerClass::word, report),
        None => CustomerClass::ALL.to_vec(),
    };
    fields.done(report);
    Some((service?, classes.into_iter().collect()))
}

fn guard(entry: &Entry, header: Header<'_>, origins: &mut Origins, report: &mut Report<'_>) -> Option<GuardDraft> {
    let mut fields = Fields::of(&entry.value, format!("the guard `{}`", entry.key), report)?;
    let named: Vec<&str> = LIMITS.iter().map(|(key, ..)| *key).filter(|key| fields.has(key)).collect();
    if named.len() != 1 {
        let fault = Fault::new(entry.at, format!("a guard has one limit, and `{}` has {}", entry.key, named.len()));
        report.add(fault.expected(one_of(LIMITS.iter().map(|(key, ..)| *key))));
    }
    let limit = limit(&mut fields, report);
    let citation = citation(&mut fields, report);
    fields.done(report);
    if citation.is_empty() {
        let fault = Fault::new(entry.at, format!("the guard `{}` names no law", entry.key));
        report.add(fault.expected("`cite:` with the statute that sets the limit"));
    }
    let rule = origins.add(report.file, entry.at, format!("guard {}", entry.key), citation.clone());
    let Header { pack, service, classes } = header;
    let guard = Guard { rule, pack: pack.to_owned(), service, classes: classes.clone(), limit: limit? };
    Some(GuardDraft { guard, place: report.place(entry.at), citation })
}

fn limit(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Limit> {
    let age = fields
        .take("debt_age", report)
        .and_then(|node| report.take(phrase::days(node, "the age of a debt")))
        .map(|days| Limit::DebtAge { days });
    let notice = fields.take("notice", report).and_then(|node| {
        let offset = report.take(before_disconnect(node));
        let by = fields
            .need("by", report)
            .map(|node| fields::words(node, "a channel", Channel::ALL, Channel::word, report))
            .unwrap_or_default();
        let words = &[("mailed", ServedFrom::Mailed), ("served", ServedFrom::Served)];
        let from = fields
            .take("from", report)
            .and_then(|node| report.take(fields::word(node, "what it is counted from", words, |(word, _)| word)))
            .map_or(ServedFrom::Served, |(_, from)| from);
        Some(Limit::NoticeBefore { offset: offset?, by, from })
    });
    let occupant = fields
        .take("occupant_copy", report)
        .and_then(|node| report.take(before_disconnect(node)))
        .map(|offset| Limit::OccupantCopy { offset });
    let contact = fields.take("contact", report).and_then(|node| {
        let contact = report.take(before_disconnect(node));
        let posted = fields.need("else_posted", report).and_then(|node| report.take(before_disconnect(node)));
        Some(Limit::Contact { contact: contact?, posted: posted? })
    });
    let never_on = fields.take("never_on", report).map(|node| {
        let days = fields::words(node, "a kind of day", day_rules::DAY_KINDS, day_rules::day_kind_word, report);
        Limit::NeverOn { days: days.into_iter().collect() }
    });
    let never_while = fields
        .take("never_while", report)
        .and_then(|node| condition::parse(node, &[], report))
        .map(|when| Limit::NeverWhile { when });
    let never_refer_while = fields
        .take("never_refer_while", report)
        .and_then(|node| condition::parse(node, &[], report))
        .map(|when| Limit::NeverReferWhile { when });
    let default = fields.take("after_default", report).and_then(|node| {
        let days = report.take(phrase::days(node, "the time after a default"));
        let posted = match fields.take("then_posted", report) {
            Some(node) => Some(report.take(length(node))?),
            None => None,
        };
        Some(Limit::ArrangementDefault { days: days?, posted })
    });
    let alone = fields
        .take("never_alone", report)
        .map(|node| Limit::NeverAlone { by: fields::words(node, "a channel", Channel::ALL, Channel::word, report) });
    let languages = fields.take("languages", report).map(|node| Limit::Languages {
        languages: fields::words(node, "a language", Language::ALL, Language::word, report),
    });
    let returned = fields.take("after_return", report).and_then(|node| {
        let asked = fields::words(node, "what is done", &["visit", "posting"], |word| word, report);
        if !["visit", "posting"].iter().all(|word| asked.contains(word)) {
            report.add(Fault::new(node.at, "mail that came back is answered by both").expected("`[visit, posting]`"));
            return None;
        }
        Some(Limit::AfterReturn)
    });
    let tenants = fields.take("tenants", report).and_then(|node| {
        let mut fields = Fields::of(node, "the notice to tenants", report)?;
        let individually =
            fields.need("individually_metered", report).and_then(|node| report.take(before_disconnect(node)));
        let master = fields.need("master_meter", report).and_then(|node| report.take(before_disconnect(node)));
        fields.done(report);
        Some(Limit::TenantsTold { individually_metered: individually?, master_meter: master? })
    });
    let restored = fields
        .take("after_shut_off", report)
        .and_then(|node| report.take(fields::word(node, "what follows a shut-off", &["notice"], |word| word)))
        .map(|_| Limit::ToldHowToRestore);
    let reconnection = fields.take("reconnection_fee", report).and_then(|node| reconnection(node, report));
    let states = fields.take("states", report).map(|node| Limit::Statements {
        statements: fields::words(node, "a statement", Statement::ALL, Statement::word, report),
    });
    age.or(notice)
        .or(occupant)
        .or(contact)
        .or(never_on)
        .or(never_while)
        .or(never_refer_while)
        .or(default)
        .or(languages)
        .or(returned)
        .or(tenants)
        .or(restored)
        .or(reconnection)
        .or(states)
        .or(alone)
}

/// `{in_hours: 50.00, after_hours: 150.00, of: 2021}`.
fn reconnection(node: &Node, report: &mut Report<'_>) -> Option<Limit> {
    let mut fields = Fields::of(node, "the limit of a reconnection fee", report)?;
    let in_hours = fields.need("in_hours", report).and_then(|node| report.take(fields::money(node, "the limit")));
    let after_hours = fields.need("after_hours", report).and_then(|node| report.take(fields::money(node, "the limit")));
    let of = fields.need("of", report).and_then(|node| {
        let text = report.take(fields::text(node, "the year of the amounts"))?;
        report.take(fields::count(text, node.at, "the year of the amounts"))
    });
    fields.done(report);
    let limits = ReconnectionLimits { in_hours: in_hours?, after_hours: after_hours?, of: of? };
    Some(Limit::ReconnectionFee { limits })
}

/// `5 business days`.
fn length(node: &Node) -> Result<Offset, Fault> {
    let mut phrase = Phrase::of(node, "a limit")?;
    let offset = phrase::offset(&mut phrase)?;
    phrase.end()?;
    Ok(offset)
}

/// `7 business days before disconnect`.
fn before_disconnect(node: &Node) -> Result<Offset, Fault> {
    let mut phrase = Phrase::of(node, "a limit")?;
    let offset = phrase::offset(&mut phrase)?;
    phrase.need("before")?;
    phrase.need("disconnect")?;
    phrase.end()?;
    Ok(offset)
}

//! What the packet's pages say: the statement and the records in words, ready for the layout.
//!
//! The layout places; it computes nothing. Every sentence here claims only what is recorded.

mod account;
mod protections;
mod records;

use chrono::Datelike;
use serde_json::{Value, json};

use super::input::PacketInput;
use super::limitation::{Clock, WARN_DAYS};
use super::packet::Part;
use super::refusal::is_same_name;
use super::statement::Statement;
use super::timeline::{self, words};
use crate::domain::{Cents, Day, Language, Occupancy};

/// The data of the layout `packet`.
#[must_use]
pub fn data(input: &PacketInput, statement: &Statement<'_>, exhibits: &[Part]) -> Value {
    json!({
        "city": {
            "name": input.city.name,
            "department": input.city.department,
            "address": input.city.address.one_line(),
            "phone": phone(&input.city.phone),
        },
        "account": input.profile.number,
        "cut_off": long(input.cut_off),
        "checked_on": long(input.checked_on),
        "debtor": input.profile.customer_name,
        "destination": capital(&words(input.referral.to.word())),
        "total": statement.claim.total.to_string(),
        "summary": summary(input, statement),
        "warnings": warnings(input, statement),
        "claim": account::claim(statement),
        "timeline": pairs(timeline::tell(input, statement).into_iter().map(|m| (us(m.on), m.text))),
        "statement": account::periods(statement),
        "later": records::later(statement),
        "items": account::items(statement),
        "limitation": account::limitation_note(input),
        "aging": account::aging(statement),
        "calls": records::calls(input),
        "promises": records::promises(input),
        "arrangements": records::arrangements(input),
        "protections": protections::checked(input),
        "checks": protections::background(input),
        "field_orders": records::field_orders(input),
        "notices": records::notices(input),
        "history": records::history(input),
        "policy": policy(input),
        "declaration": declaration(input, statement),
        "exhibits": records::exhibits(input, exhibits),
    })
}

/// What the lead and counsel must not overlook.
#[must_use]
pub fn warnings(input: &PacketInput, statement: &Statement<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let passed: Vec<_> = statement.items.iter().filter(|l| matches!(l.clock, Clock::Passed(_))).collect();
    if !passed.is_empty() {
        let amount: Cents = passed.iter().map(|line| line.item.open).sum();
        let by = input.limitation_override.as_ref();
        let by = by.map(|by| format!(" Included by {} on {}: {}.", by.by, us(by.on), by.reason.trim_end_matches('.')));
        warnings.push(format!("The limitation of {amount} of the claim has passed.{}", by.unwrap_or_default()));
    }
    let near = statement.items.iter().filter(|line| matches!(line.clock, Clock::Near(_)));
    if let Some(line) = near.min_by_key(|line| line.limitation.last_day) {
        let last_day = line.limitation.last_day;
        let ending: Cents =
            statement.items.iter().filter(|l| l.limitation.last_day == last_day).map(|l| l.item.open).sum();
        warnings.push(format!(
            "The limitation of {ending} of the claim ends on {}, within {WARN_DAYS} days: file before then.",
            long(last_day)
        ));
    }
    if statement.claim.not_due.is_positive() {
        warnings.push(format!("{} of the balance was not yet past due at the cut-off.", statement.claim.not_due));
    }
    let since: Cents = statement.later.iter().map(|entry| entry.amount).sum();
    if !statement.later.is_empty() {
        warnings.push(format!(
            "Entries after the cut-off are known ({} in all, net {since}). They are listed after the statement and are no part of the claim.",
            statement.later.len()
        ));
    }
    for two in &input.two_fees {
        let entry = |id| input.entries.iter().find(|entry| entry.id == id && entry.effective_on <= input.cut_off);
        let (Some(own), Some(other)) = (entry(two.own), entry(two.other)) else { continue };
        warnings.push(format!(
            "The fee of {} of {} and {} of {} of {} are two fees and no double entry. Said by {} on {}: {}.",
            own.amount,
            us(own.effective_on),
            other.reference,
            other.source,
            us(other.effective_on),
            two.said.by,
            us(two.said.on),
            two.said.reason.trim_end_matches('.')
        ));
    }
    let stayed: Cents = input.books.stayed.iter().map(|item| item.open).sum();
    if stayed.is_positive() {
        warnings.push(format!(
            "{stayed} of the balance is stayed by a petition in bankruptcy. It is in the statement, and no part of the claim."
        ));
    }
    let beside: Cents = input.beside.iter().map(|item| item.open).sum();
    if beside.is_positive() {
        warnings.push(format!(
            "{beside} of the balance is not referred: not past due, contested, or placed before. It is in the statement, and no part of the claim."
        ));
    }
    if input.referral.approved_by.is_none() {
        warnings.push("This referral has not been approved.".to_owned());
    }
    warnings
}

fn summary(input: &PacketInput, statement: &Statement<'_>) -> Vec<Value> {
    let profile = &input.profile;
    let referral = &input.referral;
    let services: Vec<String> = profile.services.iter().map(|service| capital(service.word())).collect();
    let phones: Vec<String> = profile.phones.iter().map(|number| phone(number)).collect();
    let service = match (profile.since, profile.ended) {
        (Some(since), Some(ended)) => format!("From {} to {}", us(since), us(ended)),
        (Some(since), None) => format!("Since {}; not ended", us(since)),
        (None, Some(ended)) => format!("Ended {}; its beginning is not recorded", us(ended)),
        (None, None) => "Not ended; its beginning is not recorded".to_owned(),
    };
    let approved = match (&referral.approved_by, referral.approved_on) {
        (Some(by), Some(on)) => format!("approved by {by} on {}", us(on)),
        _ => "not approved".to_owned(),
    };
    let placed = referral.placed_on.map(|on| format!("; placed {}", us(on))).unwrap_or_default();
    let last_payment = statement.last_payment.map_or_else(
        || "None recorded".to_owned(),
        |entry| format!("{} on {}", entry.amount.abs(), us(entry.effective_on)),
    );
    let limitation = statement.first_limitation().map_or_else(String::new, |l| long(l.limitation.last_day));
    pairs(
        [
            ("Debtor (customer of record)", profile.customer_name.clone()),
            ("Mailing address", profile.mailing_address.one_line()),
            ("Telephone", or_none(&phones.join(", "))),
            ("Email", or_none(profile.email.as_deref().unwrap_or_default())),
            ("Language", language(profile.language).to_owned()),
            ("Service address", profile.service_address.one_line()),
            ("Occupancy", occupancy(profile.occupancy).to_owned()),
            ("Owner of the premises", owner(input)),
            ("Class and services", format!("{}: {}", capital(&words(profile.class.word())), services.join(", "))),
            ("Service", service),
            ("Oldest open debt delinquent since", statement.first_delinquent_on().map(long).unwrap_or_default()),
            ("Last payment", last_payment),
            ("Shortest limitation", limitation),
            ("Referral", format!("No. {}, {approved}{placed}", referral.id)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}

/// Debtor and owner are different facts: the sentence says which is recorded and draws no conclusion.
fn owner(input: &PacketInput) -> String {
    let profile = &input.profile;
    match &profile.owner {
        Some(owner) if is_same_name(&owner.name, &profile.customer_name) => format!("{}, the debtor", owner.name),
        Some(owner) => format!("{}, {} (not the debtor)", owner.name, owner.address.one_line()),
        None => match profile.occupancy {
            Occupancy::Owner => "Recorded as the occupant; no separate owner recorded".to_owned(),
            Occupancy::Tenant | Occupancy::Vacant => "Not recorded".to_owned(),
        },
    }
}

fn policy(input: &PacketInput) -> Value {
    let policy = &input.policy;
    json!({
        "title": policy.title,
        "authority": policy.authority,
        "effective": long(policy.effective_from),
        "sha256": policy.hash,
        "citations": pairs(policy.citations.iter().cloned()),
    })
}

fn declaration(input: &PacketInput, statement: &Statement<'_>) -> Value {
    let city = &input.city;
    json!({
        "custodian": city.custodian_name,
        "title": city.custodian_title,
        "state": city.state_name,
        // CCP 98 is California's; elsewhere the paragraph would claim a law that the court does not have.
        "california": city.address.state == "CA",
        "citation": input.policy.declaration_citation,
        "lines": statement.periods.iter().map(|period| period.lines.len()).sum::<usize>(),
        "year": input.cut_off.year(),
    })
}

fn pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Vec<Value> {
    pairs.into_iter().map(|(name, value)| json!([name, value])).collect()
}

/// As American courts read it: `05/22/2026`.
pub(super) fn us(day: Day) -> String {
    day.format("%m/%d/%Y").to_string()
}

/// `May 22, 2026`.
fn long(day: Day) -> String {
    day.format("%B %-d, %Y").to_string()
}

/// With commas and without the dollar sign, which the column's heading carries.
fn plain(amount: Cents) -> String {
    amount.to_string().replace('$', "")
}

fn blank_zero(amount: Cents) -> String {
    if amount.is_zero() { "–".to_owned() } else { plain(amount) }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "None recorded".to_owned() } else { text.to_owned() }
}

/// With its first letter in upper case.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// `(555) 123-4567` for ten digits; anything else as it is.
fn phone(number: &str) -> String {
    match (number.len(), number.get(..3), number.get(3..6), number.get(6..)) {
        (10, Some(area), Some(exchange), Some(line)) if number.bytes().all(|b| b.is_ascii_digit()) => {
            format!("({area}) {exchange}-{line}")
        }
        _ => number.to_owned(),
    }
}

fn language(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Spanish",
        Language::Chinese => "Chinese",
        Language::Tagalog => "Tagalog",
        Language::Vietnamese => "Vietnamese",
        Language::Korean => "Korean",
    }
}

fn occupancy(occupancy: Occupancy) -> &'static str {
    match occupancy {
        Occupancy::Owner => "Occupied by the owner",
        Occupancy::Tenant => "Occupied by a tenant",
        Occupancy::Vacant => "Vacant",
    }
}

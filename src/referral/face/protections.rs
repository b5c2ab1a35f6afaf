//! What protects a customer, one line a kind: looked for, and what was found. And the checks that people make.

use serde_json::{Value, json};

use super::super::input::{CheckKind, HoldRecord, PacketInput};
use super::us;
use crate::domain::arrangement::ArrangementState;
use crate::domain::hold::HoldKind;
use crate::domain::petition::Petition;
use crate::domain::promise::PromiseState;
use crate::domain::proof::ProofKind;

/// Every kind of protection with the outcome. The examination has refused what still stands, so each of these is past.
pub fn checked(input: &PacketInput) -> Vec<Value> {
    let mut lines = Vec::new();
    for kind in HoldKind::ALL {
        let mut of_kind: Vec<&HoldRecord> = input.holds.iter().filter(|record| record.hold.kind == *kind).collect();
        of_kind.sort_by_key(|record| (record.hold.from, record.hold.id));
        if of_kind.is_empty() {
            lines.push(line(name(*kind), "None recorded", ""));
        }
        for record in of_kind {
            let (found, outcome) = told(record, input);
            lines.push(line(name(*kind), &found, &outcome));
        }
    }
    lines.extend(points(input));
    lines.extend(promises(input));
    lines.extend(arrangements(input));
    lines.push(line("Exception on the account", "None stands", ""));
    lines
}

fn told(record: &HoldRecord, input: &PacketInput) -> (String, String) {
    let hold = &record.hold;
    let end = match (hold.ended_on, hold.through) {
        (Some(ended), _) if ended <= input.checked_on => format!("ended {}", us(ended)),
        (_, Some(through)) => format!("ran through {}", us(through)),
        (_, None) => "without end".to_owned(),
    };
    let found = format!("From {}, {end}. {} ({})", us(hold.from), hold.reason, hold.placed_by);
    let outcome = record.outcome.clone().unwrap_or_else(|| "No decision recorded".to_owned());
    (found, outcome)
}

/// The three points about health (Health and Safety Code 116910(a)): each with all that was shown of it.
fn points(input: &PacketInput) -> Vec<Value> {
    if input.proofs.is_empty() {
        return vec![line("Certificate, means and will to pay", "None shown", "")];
    }
    let lines = ProofKind::ALL.iter().flat_map(|kind| {
        let of_kind = input.proofs.iter().filter(|proof| proof.kind == *kind);
        of_kind.map(|proof| {
            let outcome = match (proof.ended_on, proof.through) {
                (Some(ended), _) => format!("Ended {}", us(ended)),
                (None, Some(through)) => format!("Through {}", us(through)),
                (None, None) => "Until ended by a person".to_owned(),
            };
            let found = format!("From {}. {} ({})", us(proof.from), proof.evidence, proof.recorded_by);
            line(title(*kind), &found, &outcome)
        })
    });
    lines.collect()
}

const fn title(kind: ProofKind) -> &'static str {
    match kind {
        ProofKind::MedicalCertificate => "Certificate of a provider",
        ProofKind::UnableToPay => "Unable to pay",
        ProofKind::LowIncome => "Low income",
        ProofKind::WillingToPlan => "Willing to enter into a plan",
    }
}

fn promises(input: &PacketInput) -> Vec<Value> {
    if input.promises.is_empty() {
        return vec![line("Promise to pay", "None recorded", "")];
    }
    let lines = input.promises.iter().map(|promise| {
        let outcome = match promise.state(&input.entries, input.checked_on) {
            PromiseState::Open => "Open".to_owned(),
            PromiseState::Kept(day) => format!("Kept {}", us(day)),
            PromiseState::Broken(day) => format!("Broken {}", us(day)),
            PromiseState::Canceled(day) => format!("Canceled {}", us(day)),
        };
        let found = format!("{} by {}, made {}", promise.amount, us(promise.pay_by), us(promise.made_on));
        line("Promise to pay", &found, &outcome)
    });
    lines.collect()
}

fn arrangements(input: &PacketInput) -> Vec<Value> {
    if input.arrangements.is_empty() {
        return vec![line("Arrangement", "None recorded", "")];
    }
    let lines = input.arrangements.iter().map(|record| {
        let outcome = match record.standing.state {
            ArrangementState::Performing => "Performing".to_owned(),
            ArrangementState::Missed(day) => format!("In default since the installment due {}", us(day)),
            ArrangementState::Completed => "Completed".to_owned(),
            ArrangementState::Canceled(day) => format!("Canceled {}", us(day)),
        };
        let plan = &record.arrangement;
        line("Arrangement", &format!("{} in all, made {}", plan.total(), us(plan.made_on)), &outcome)
    });
    lines.collect()
}

/// Bankruptcy and military service: only what a person checked and recorded is called checked.
pub fn background(input: &PacketInput) -> Vec<Value> {
    [(CheckKind::Bankruptcy, "Bankruptcy (11 U.S.C. 362)"), (CheckKind::Military, "Military service (50 U.S.C. 3931)")]
        .into_iter()
        .flat_map(|(kind, title)| {
            let mut made: Vec<_> = input.checks.iter().filter(|check| check.kind == kind).collect();
            made.sort_by_key(|check| check.made_on);
            if kind == CheckKind::Bankruptcy && !input.petitions.is_empty() {
                let told = |petition: &Petition| {
                    let found =
                        format!("{} ({}, notice of {})", petition.words(), petition.court, us(petition.learned_on));
                    line(title, &found, &petition.state_words())
                };
                return input.petitions.iter().map(told).collect();
            }
            if made.is_empty() {
                return vec![line(title, "Not checked", "To be checked before filing")];
            }
            let lines = made.into_iter().map(|check| {
                line(title, &format!("Checked {} by {} ({})", us(check.made_on), check.by, check.source), &check.result)
            });
            lines.collect()
        })
        .collect()
}

fn line(kind: &str, found: &str, outcome: &str) -> Value {
    json!([kind, found, outcome])
}

fn name(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Dispute => "Dispute of a bill",
        HoldKind::Appeal => "Appeal to the governing body",
        HoldKind::Investigation => "Investigation of a complaint",
        HoldKind::Extension => "Extension of time",
        HoldKind::Medical => "Medical protection",
        HoldKind::Bankruptcy => "Stay in bankruptcy",
        HoldKind::Deceased => "Death of the customer",
        HoldKind::Assistance => "Pledge of assistance",
        HoldKind::Tenants => "Protection of tenants",
        HoldKind::Review => "Review by the lead",
        HoldKind::Reported => "Word of a petition, a death or a dispute",
    }
}

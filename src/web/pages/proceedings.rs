//! Disputes, petitions in bankruptcy and estates, as the page of an account shows them.

use serde::Serialize;

use super::super::words;
use crate::domain::day::Day;
use crate::domain::{Cents, ItemId, OpenItem, Snapshot};

/// What stands with an account besides holds.
#[derive(Serialize)]
pub struct Proceedings {
    disputes: Vec<DisputeRow>,
    petitions: Vec<PetitionRow>,
    /// What the customer contests of the balance, where something is.
    contested: Option<String>,
    /// How much is out, and with whom.
    out: Option<String>,
    /// What a petition stays, where something is: no part of the balance.
    stayed: Option<String>,
    estate: Option<String>,
}

#[derive(Serialize)]
struct DisputeRow {
    id: i64,
    raised_on: String,
    about: String,
    reason: String,
    state: String,
    findings: String,
}

#[derive(Serialize)]
struct PetitionRow {
    id: i64,
    petition: String,
    court: String,
    learned_on: String,
    state: String,
}

impl Proceedings {
    pub fn of(snapshot: &Snapshot, today: Day) -> Self {
        let contested = snapshot.disputed(today);
        let contested: Cents =
            snapshot.items.iter().filter(|item| contested.contains(&item.id)).map(|item| item.open).sum();
        let some = |amount: Cents| amount.is_positive().then(|| amount.to_string());
        let estate = snapshot.holds.iter().filter(|hold| hold.holds_on(today)).find_map(|hold| {
            let estate = hold.estate.as_ref()?;
            let party = estate.representative.as_ref();
            let letters = party.map_or_else(
                || "nobody is named who acts for the estate, and no letter goes out".to_owned(),
                |party| format!("letters go to {}, {}", party.name, party.address.one_line()),
            );
            Some(format!("{} died, as {} told; {letters}", estate.of, estate.told_by))
        });
        let out: Vec<String> = snapshot
            .out_with()
            .iter()
            .map(|(to, amount)| format!("{amount} with the {}", words::plain(to.word())))
            .collect();
        Self {
            disputes: disputes(snapshot),
            petitions: petitions(snapshot),
            contested: some(contested),
            out: (!out.is_empty()).then(|| out.join(", ")),
            stayed: some(snapshot.stayed_amount()),
            estate,
        }
    }
}

fn disputes(snapshot: &Snapshot) -> Vec<DisputeRow> {
    let debt = |id: &ItemId| {
        let of_id = |item: &&OpenItem| item.id == *id;
        snapshot.items.iter().find(of_id).map_or_else(
            || format!("entry {id}"),
            |item| format!("{} due {}", words::plain(item.service.word()), words::day(item.due_on)),
        )
    };
    let row = |dispute: &crate::domain::dispute::Dispute| {
        let appealed =
            dispute.appeal.iter().map(|appeal| format!("appealed {}: {}", words::day(appeal.on), appeal.reason));
        let rulings = dispute.ruling.iter().chain(dispute.appeal.iter().flat_map(|appeal| &appeal.ruling));
        let ruled = rulings.map(|ruling| format!("{} ({}, {})", ruling.findings, ruling.by, words::day(ruling.on)));
        let withdrawn = dispute.withdrawn.iter().map(|fallen| {
            let ruling = &fallen.ruling;
            format!("withdrawn {}: {} ({})", words::day(fallen.on), ruling.findings, ruling.by)
        });
        DisputeRow {
            id: dispute.id.0,
            raised_on: words::day(dispute.raised_on),
            about: if dispute.items.is_empty() {
                "the account".to_owned()
            } else {
                dispute.items.iter().map(debt).collect::<Vec<_>>().join("; ")
            },
            reason: dispute.reason.clone(),
            state: words::us_dates(&dispute.state_words()),
            findings: withdrawn.chain(ruled).chain(appealed).collect::<Vec<_>>().join("; "),
        }
    };
    snapshot.disputes.iter().rev().map(row).collect()
}

fn petitions(snapshot: &Snapshot) -> Vec<PetitionRow> {
    let row = |petition: &crate::domain::petition::Petition| PetitionRow {
        id: petition.id.0,
        petition: words::us_dates(&petition.words()),
        court: petition.court.clone(),
        learned_on: words::day(petition.learned_on),
        state: words::us_dates(&petition.state_words()),
    };
    snapshot.petitions.iter().rev().map(row).collect()
}

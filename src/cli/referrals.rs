//! `referrals`: candidates for legal action decided, placed, called back.

use clap::Subcommand;

use super::args::{By, Json, word};
use super::show::{Numbered, maybe, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{ReferralId, day};
use crate::office::{Duty, Office};
use crate::store::{ExportPart, ReferralExport};

#[derive(Debug, Subcommand)]
pub enum Referrals {
    /// Referrals that are not over, or those in one state
    List {
        #[arg(long, value_parser = word!(ReferralState))]
        state: Option<ReferralState>,
        #[command(flatten)]
        json: Json,
    },
    /// Approve a candidate
    Approve {
        id: i64,
        #[command(flatten)]
        by: By,
    },
    /// Decline a candidate
    Decline {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Call a referral back
    Recall {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Write the packets and the list of all approved referrals to a destination, and place them
    Export {
        #[arg(long, value_parser = word!(Destination))]
        to: Destination,
        #[command(flatten)]
        by: By,
    },
    /// The lists that went out
    Exports {
        #[command(flatten)]
        json: Json,
    },
}

impl Referrals {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { state, json } => {
                let mut referrals = office.store.referrals(state).await?;
                if state.is_none() {
                    use ReferralState::{Approved, Candidate, Placed};
                    referrals.retain(|referral| matches!(referral.state, Candidate | Approved | Placed));
                }
                let rows = numbered(&office, referrals, |referral| referral.account).await?;
                json.or(&rows, || table(&rows))
            }
            Self::Approve { id, by } => {
                office.approve_referral(ReferralId(id), by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!("Referral {id} is approved")))
            }
            Self::Decline { id, reason, by } => {
                office.decline_referral(ReferralId(id), &reason, by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!("Referral {id} is declined")))
            }
            Self::Recall { id, reason, by } => {
                office.recall_referral(ReferralId(id), &reason, by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!("Referral {id} is called back")))
            }
            Self::Export { to, by } => {
                let exported = office.export_referrals(to, by.may(&office, Duty::Approve).await?).await?;
                let text = match exported.list {
                    Some(list) => {
                        format!("The list for {to} is {}", office.export_path(&list, &ExportPart::List).display())
                    }
                    None => format!("Nothing was placed with {to}"),
                };
                Ok(Answer::done(text).with_refusals(
                    exported.refused.iter().map(|(id, why)| format!("referral {id}: not placed: {why}")),
                ))
            }
            Self::Exports { json } => {
                let lists = office.store.exports(u32::MAX).await?;
                json.or(&lists, || exports(&office, &lists))
            }
        }
    }
}

fn exports(office: &Office, lists: &[ReferralExport]) -> String {
    use Column::{Left, Right};
    let mut table =
        Table::new(&[Left("List"), Left("Made"), Left("By"), Right("Referrals"), Right("Total"), Left("File")]);
    for list in lists {
        let file = office.export_path(list, &ExportPart::List).display().to_string();
        table.row([
            list.name.clone(),
            day::short(list.made_on),
            list.made_by.clone(),
            list.referrals.len().to_string(),
            list.total.to_string(),
            if list.written_at.is_some() { file } else { "not written yet".into() },
        ]);
    }
    table.show("No list went out.")
}

/// Referrals as a table.
pub fn table(rows: &[Numbered<Referral>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Left("To"),
        Right("Amount"),
        Left("Proposed"),
        Left("State"),
        Left("Approved by"),
        Left("Placed"),
        Left("Why"),
    ]);
    for Numbered { account_number, row: referral } in rows {
        table.row([
            referral.id.to_string(),
            account_number.to_string(),
            referral.to.to_string(),
            referral.amount.to_string(),
            day::short(referral.proposed_on),
            referral.state.to_string(),
            maybe(referral.approved_by.as_ref()),
            maybe_day(referral.placed_on),
            maybe(referral.cause.as_ref()),
        ]);
    }
    table.show("No referrals.")
}

//! `dispute`: opened, decided, appealed, listed.

use clap::Subcommand;

use super::args::{By, Json, date, money, word};
use super::show::{Numbered, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::dispute::{Dispute, DisputeState, Side};
use crate::domain::{Cents, Day, DisputeId, day};
use crate::office::{DisputeRequest, Duty, RulingRequest};

#[derive(Debug, Subcommand)]
pub enum DisputeCommand {
    /// Record that a customer disputes what is billed: the whole account, or the debts named
    Open {
        account: String,
        /// A disputed bill by its reference, or by its number in the ledger; again for each further one
        #[arg(long, value_name = "REF")]
        item: Vec<String>,
        /// What is disputed, in the customer's words
        #[arg(long)]
        reason: String,
        /// The day on which the customer raised it; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        raised_on: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// Decide a dispute, or the appeal against its first ruling
    Decide {
        id: i64,
        #[arg(long = "for", value_parser = word!(Side))]
        side: Side,
        #[arg(long)]
        findings: String,
        /// For the customer: what is taken off; all that was billed where absent, paid or not, 0.00 for nothing
        #[arg(long, value_parser = money)]
        credit: Option<Cents>,
        #[command(flatten)]
        by: By,
    },
    /// Take an appeal against a ruling for the city, or for the rest where it gave less than was claimed
    Appeal {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// All disputes, or those of one account
    List {
        account: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

impl DisputeCommand {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Open { account, item, reason, raised_on, by } => {
                let account = office.account(&account).await?;
                let request = DisputeRequest { items: item, reason, raised_on };
                let by = by.may(&office, Duty::Write).await?;
                let dispute = office.open_dispute(account.id, &request, by).await?;
                Ok(Answer::done(format!(
                    "Dispute {id} of account {}: hold {} stands until it is decided with `arrears dispute decide {id}`",
                    account.profile.number,
                    dispute.hold,
                    id = dispute.id
                )))
            }
            Self::Decide { id, side, findings, credit, by } => {
                let request = RulingRequest { side, findings, credit };
                let by = by.may(&office, Duty::Release).await?;
                let dispute = office.decide_dispute(DisputeId(id), &request, by).await?;
                Ok(Answer::done(decided(&dispute)))
            }
            Self::Appeal { id, reason, by } => {
                let by = by.may(&office, Duty::Write).await?;
                let dispute = office.appeal_dispute(DisputeId(id), &reason, by).await?;
                Ok(Answer::done(format!(
                    "Dispute {id} is appealed: hold {} stands until that is decided",
                    dispute.last_hold()
                )))
            }
            Self::List { account, json } => {
                let found = match account {
                    Some(number) => {
                        let id = office.account(&number).await?.id;
                        office.store.disputes_of(id).await?.into_iter().map(|dispute| (id, dispute)).collect()
                    }
                    None => office.store.disputes().await?,
                };
                let rows: Vec<Numbered<Dispute>> = numbered(&office, found, |(account, _)| *account)
                    .await?
                    .into_iter()
                    .map(|Numbered { account_number, row: (_, row) }| Numbered { account_number, row })
                    .collect();
                json.or(&rows, || table(&rows))
            }
        }
    }
}

fn decided(dispute: &Dispute) -> String {
    let id = dispute.id;
    match dispute.state() {
        DisputeState::Settling => {
            let ruling = dispute.standing_ruling();
            let numbers: Vec<String> =
                ruling.into_iter().flat_map(|ruling| &ruling.proposals).map(ToString::to_string).collect();
            let rest = dispute.appeal_by().map_or_else(String::new, |last| {
                format!(
                    ". A letter then tells the customer, who can appeal for the rest until {} or later",
                    day::short(last)
                )
            });
            format!(
                "Dispute {id} is decided for the customer. Somebody else approves proposal {} (`arrears approvals approve`); \
                 until then the hold stands{rest}",
                numbers.join(" and ")
            )
        }
        DisputeState::ForCity(Some(last)) => format!(
            "Dispute {id} is decided for the city: the debt counts again. The letter that tells the customer \
             waits for its release (`arrears notices list --state planned`); they can appeal until {}, or later where the letter is \
             released later: through that day nobody is shut off or referred",
            day::short(last)
        ),
        DisputeState::ForCity(None) => {
            format!(
                "Dispute {id} is decided for the city: the debt counts again. The letter that tells the customer waits for its release (`arrears notices list --state planned`)"
            )
        }
        DisputeState::Open | DisputeState::Appealed | DisputeState::ForCustomer => {
            format!("Dispute {id} is {}", dispute.state_words())
        }
    }
}

/// Disputes as a table.
pub fn table(rows: &[Numbered<Dispute>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Left("Raised"),
        Left("About"),
        Left("State"),
        Left("Reason"),
        Left("Findings"),
    ]);
    for Numbered { account_number, row: dispute } in rows {
        let items: Vec<String> = dispute.items.iter().map(|item| format!("entry {item}")).collect();
        let findings: Vec<String> = dispute
            .ruling
            .iter()
            .chain(dispute.appeal.iter().flat_map(|appeal| &appeal.ruling))
            .map(|ruling| format!("{} ({}, {})", ruling.findings, ruling.by, day::short(ruling.on)))
            .chain(dispute.withdrawn.iter().map(|fallen| {
                format!("withdrawn {}: {} ({})", day::short(fallen.on), fallen.ruling.findings, fallen.ruling.by)
            }))
            .collect();
        table.row([
            dispute.id.to_string(),
            account_number.to_string(),
            day::short(dispute.raised_on),
            if items.is_empty() { "the account".to_owned() } else { items.join(", ") },
            dispute.state_words(),
            dispute.reason.clone(),
            findings.join("; "),
        ]);
    }
    table.show("No disputes.")
}

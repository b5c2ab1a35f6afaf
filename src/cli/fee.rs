//! `fee`: fees that Arrears posted: waivers are proposed, and the billing system is told of them.

use clap::Subcommand;

use super::args::{By, Json};
use super::exit::counted;
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::{EntryId, day};
use crate::office::{Duty, Office};
use crate::store::{FeeExport, FeeLine};

#[derive(Debug, Subcommand)]
pub enum Fee {
    /// Propose to waive a fee that Arrears posted: it is undone whole when somebody else approves
    Waive {
        account: String,
        /// The entry's number, as `arrears account` shows it in the ledger
        entry: i64,
        #[arg(long, required_unless_present = "low_income")]
        reason: Option<String>,
        /// Interest or a late fee that the law waives once in 12 months for a household that has shown a low income
        #[arg(long, conflicts_with = "reason")]
        low_income: bool,
        #[command(flatten)]
        by: By,
    },
    /// Say that a fee of ours and one of the billing system's of the same amount are two, and not one counted twice
    Both {
        account: String,
        /// The number of our entry, as `arrears account` shows it in the ledger
        ours: i64,
        /// The number of the billing system's
        theirs: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Write the fees that the billing system was not told of yet, and what takes fees back, into a list for it
    Export {
        #[command(flatten)]
        by: By,
    },
    /// What the next list will tell the billing system, each with its reference
    Waiting {
        #[command(flatten)]
        json: Json,
    },
    /// The lists that went out
    Exports {
        #[command(flatten)]
        json: Json,
    },
    /// Write a list again, with the same bytes
    Rewrite {
        /// As `arrears fee exports` shows it
        list: String,
        #[command(flatten)]
        by: By,
    },
}

impl Fee {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Waive { account, entry, reason, low_income, by } => {
                let account = office.account(&account).await?;
                let by = by.may(&office, Duty::Write).await?;
                let fee = EntryId(entry);
                let (id, amount) = if low_income {
                    office.propose_lawful_waiver(account.id, fee, by).await?
                } else {
                    office.propose_waiver(account.id, fee, &reason.unwrap_or_default(), by).await?
                };
                Ok(Answer::done(super::approvals::waits(id, &format!("The waiver of the fee of {amount}"), "posted")))
            }
            Self::Both { account, ours, theirs, reason, by } => {
                let account = office.account(&account).await?;
                let by = by.may(&office, Duty::Approve).await?;
                let amount = office.two_fees(account.id, EntryId(ours), EntryId(theirs), &reason, by).await?;
                Ok(Answer::done(format!(
                    "Entries {ours} and {theirs} are two fees of {amount}: the packet shows who said so, and why"
                )))
            }
            Self::Export { by } => {
                let by = by.may(&office, Duty::Release).await?;
                Ok(Answer::done(match office.export_fees(by).await? {
                    Some(list) => format!(
                        "{}, {} in all: {}",
                        counted(list.entries.len(), "line", "lines"),
                        list.total,
                        office.fee_export_path(&list).display()
                    ),
                    None => "The billing system was told of every fee".to_owned(),
                }))
            }
            Self::Waiting { json } => {
                let lines = office.store.fees_to_export().await?;
                json.or(&lines, || waiting(&lines))
            }
            Self::Exports { json } => {
                let lists = office.store.fee_exports(false).await?;
                json.or(&lists, || exports(&office, &lists))
            }
            Self::Rewrite { list, by } => {
                by.may(&office, Duty::Release).await?;
                Ok(Answer::done(format!("Written again: {}", office.rewrite_fee_export(&list).await?.display())))
            }
        }
    }
}

fn waiting(lines: &[FeeLine]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[Left("Reference"), Left("Account"), Left("What"), Right("Amount"), Left("Posted")]);
    for line in lines {
        let what = if line.name.is_empty() { line.kind.to_string() } else { line.name.clone() };
        let account = line.account.to_string();
        table.row([line.reference.clone(), account, what, line.amount.to_string(), day::short(line.on)]);
    }
    table.show("The billing system was told of every fee.")
}

fn exports(office: &Office, lists: &[FeeExport]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[Left("List"), Left("Made"), Left("By"), Right("Lines"), Right("Total"), Left("File")]);
    for list in lists {
        table.row([
            list.name.clone(),
            day::short(list.made_on),
            list.made_by.clone(),
            list.entries.len().to_string(),
            list.total.to_string(),
            office.fee_export_path(list).display().to_string(),
        ]);
    }
    table.show("No list of fees was made.")
}

//! `fee`: a fee that Arrears posted is waived.

use clap::Subcommand;

use super::args::By;
use super::{Answer, Desk, Result};
use crate::domain::EntryId;
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Fee {
    /// Waive a fee that Arrears posted: it is undone whole
    Waive {
        account: String,
        /// The entry's number, as `arrears account` shows it in the ledger
        entry: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

impl Fee {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Waive { account, entry, reason, by } => {
                let account = office.account(&account).await?;
                let by = by.may(&office, Duty::Release).await?;
                let amount = office.waive_fee(account.id, EntryId(entry), &reason, by).await?;
                let balance = office.snapshot(account.id).await?.balance();
                let number = &account.profile.number;
                Ok(Answer::done(format!("The fee of {amount} is waived; the balance of account {number} is {balance}")))
            }
        }
    }
}

//! `fee`: the waiver of a fee that Arrears posted is proposed.

use clap::Subcommand;

use super::args::By;
use super::{Answer, Desk, Result};
use crate::domain::EntryId;
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Fee {
    /// Propose to waive a fee that Arrears posted: it is undone whole when somebody else approves
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
                let by = by.may(&office, Duty::Write).await?;
                let (id, amount) = office.propose_waiver(account.id, EntryId(entry), &reason, by).await?;
                Ok(Answer::done(super::approvals::waits(id, &format!("The waiver of the fee of {amount}"))))
            }
        }
    }
}

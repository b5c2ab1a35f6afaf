//! `transfer`: debts that go with their customer to another account.

use clap::Subcommand;

use super::args::By;
use super::{Answer, Desk, Result};
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Transfer {
    /// Propose that all that is past due on an account that has ended goes to another account of the same customer
    Propose {
        /// The account that has ended
        from: String,
        /// The customer's active account
        to: String,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

impl Transfer {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let Self::Propose { from, to, reason, by } = self;
        let (from, to) = (office.account(&from).await?, office.account(&to).await?);
        let by = by.may(&office, Duty::Write).await?;
        let (id, amount) = office.propose_transfer(from.id, to.id, &reason, by).await?;
        let what = format!("The transfer of {amount} from {} to {}", from.profile.number, to.profile.number);
        Ok(Answer::done(super::approvals::waits(id, &what, "posted")))
    }
}

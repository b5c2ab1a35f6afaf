//! `promise`: a customer promises to pay.

use clap::Subcommand;

use super::args::{By, date, money};
use super::{Answer, Desk, Result};
use crate::domain::{Cents, Day, PromiseId, day};
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Promise {
    /// Record a promise; it replaces one that is still open
    Make {
        account: String,
        #[arg(value_parser = money)]
        amount: Cents,
        /// The day by which it is to be paid
        #[arg(value_name = "DATE", value_parser = date)]
        pay_by: Day,
        #[command(flatten)]
        by: By,
    },
    /// Cancel a promise: from today on it extends nothing
    Cancel {
        /// As `arrears account` shows it
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

impl Promise {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Make { account, amount, pay_by, by } => {
                let account = office.account(&account).await?;
                let by = by.may(&office, Duty::Write).await?;
                let id = office.promise(account.id, amount, pay_by, by).await?;
                let number = &account.profile.number;
                let said = format!("Promise {id}: account {number} pays {amount} by {}", day::short(pay_by));
                Ok(Answer::done(said).urgent(office.recalls(account.id).await?))
            }
            Self::Cancel { id, reason, by } => {
                office.cancel_promise(PromiseId(id), &reason, by.may(&office, Duty::Write).await?).await?;
                Ok(Answer::done(format!("Promise {id} is canceled from today on")))
            }
        }
    }
}

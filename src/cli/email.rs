//! `email`: what the mailbox says of the emails that were sent.

use clap::Subcommand;

use super::args::{By, date};
use super::{Answer, Desk, Result};
use crate::domain::{Day, NoticeId};
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Email {
    /// Record that an email came back
    Bounced {
        /// The notice
        id: i64,
        /// The day on which it came back; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        on: Option<Day>,
        /// What the mail server says: mailbox full, no such user
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

impl Email {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Bounced { id, on, reason, by } => {
                let on = on.unwrap_or_else(|| office.today());
                office.email_bounced(NoticeId(id), on, &reason, by.may(&office, Duty::Write).await?).await?;
                Ok(Answer::done(format!("Notice {id} bounced: it counts as sent no longer")))
            }
        }
    }
}

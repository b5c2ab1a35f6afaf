//! `email`: what comes back of the emails that were sent.

use clap::Subcommand;

use super::args::{By, date};
use super::{Answer, Desk, Result};
use crate::domain::{Day, NoticeId};
use crate::office::{Duty, Reports};

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
    /// Take in the reports of mail systems that wait in bounces/, as the daemon does
    Bounces {
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
            Self::Bounces { by } => {
                let stamp = office.stamp(by.may(&office, Duty::Write).await?);
                Ok(Answer::done(told(&office.take_bounces(&stamp).await?)))
            }
        }
    }
}

fn told(reports: &Reports) -> String {
    let mut lines = vec![format!("{} emails bounced, {} reports noted", reports.bounced.len(), reports.noted)];
    lines.extend(reports.bounced.iter().map(|(id, words)| format!("  notice {id}: {words}")));
    if !reports.unmatched.is_empty() {
        lines.push(format!(
            "{} files are of no email from here; they are in bounces/unmatched/",
            reports.unmatched.len()
        ));
        lines.extend(reports.unmatched.iter().map(|(name, why)| format!("  {name}: {why}")));
    }
    lines.extend(reports.stuck.iter().cloned());
    lines.join("\n")
}

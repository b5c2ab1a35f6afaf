//! `override`: a person acts against the policy, with a reason that the log keeps.

use clap::Subcommand;

use super::args::By;
use super::{Answer, Desk, Result};
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum OverrideCommand {
    /// Skip the stage at which an account's case stands
    Skip {
        account: String,
        /// STAGE, or TRACK/STAGE, as `arrears why` shows it
        stage: String,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

impl OverrideCommand {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Skip { account, stage, reason, by } => {
                let account = office.account(&account).await?;
                let of = office.skip_stage(account.id, &stage, &reason, by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!(
                    "{} / {} of account {} is skipped",
                    of.track, of.stage, account.profile.number
                )))
            }
        }
    }
}

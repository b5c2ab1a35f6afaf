//! `packet`: the papers for legal action.

use clap::Args;

use super::args::By;
use super::{Answer, Desk, Result};
use crate::domain::person::Override;
use crate::office::Duty;

#[derive(Args, Debug)]
pub struct Packet {
    account: String,
    /// Build it although the time to sue has run out for some of the debt, for this reason
    #[arg(long, value_name = "REASON")]
    override_limitation: Option<String>,
    #[command(flatten)]
    by: By,
}

impl Packet {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let account = office.account(&self.account).await?;
        let on = office.today();
        let duty = if self.override_limitation.is_some() { Duty::Approve } else { Duty::Write };
        let by = self.by.may(&office, duty).await?.to_owned();
        let limitation = self.override_limitation.map(|reason| Override { by, reason, on });
        let made = office.packet(&account, limitation).await?;
        Ok(Answer::done(format!(
            "The packet of account {} is {}",
            account.profile.number,
            office.dir.join(&made.path).display()
        )))
    }
}

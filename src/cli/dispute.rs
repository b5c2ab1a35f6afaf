//! `dispute`: a customer disputes what is billed.

use clap::Args;

use super::args::By;
use super::{Answer, Desk, Result};
use crate::domain::hold::HoldKind;
use crate::office::Duty;

#[derive(Args, Debug)]
pub struct Dispute {
    account: String,
    /// What is disputed, in the customer's words
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: By,
}

impl Dispute {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let account = office.account(&self.account).await?;
        let hold = office
            .hold(account.id, HoldKind::Dispute, (None, None), &self.reason, self.by.may(&office, Duty::Write).await?)
            .await?;
        Ok(Answer::done(format!(
            "Account {} is disputed: hold {hold} stands until it is decided with `arrears hold end {hold} --reason \
             DECISION --by NAME`",
            account.profile.number
        )))
    }
}

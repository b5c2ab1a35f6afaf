//! `promise`: a customer promises to pay.

use clap::Args;

use super::args::{By, date, money};
use super::{Answer, Desk, Result};
use crate::domain::{Cents, Day, day};
use crate::office::Duty;

#[derive(Args, Debug)]
pub struct PromiseArgs {
    account: String,
    #[arg(value_parser = money)]
    amount: Cents,
    /// The day by which it is to be paid
    #[arg(value_name = "DATE", value_parser = date)]
    pay_by: Day,
    #[command(flatten)]
    by: By,
}

impl PromiseArgs {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let account = office.account(&self.account).await?;
        let id = office.promise(account.id, self.amount, self.pay_by, self.by.may(&office, Duty::Write).await?).await?;
        Ok(Answer::done(format!(
            "Promise {id}: account {} pays {} by {}",
            account.profile.number,
            self.amount,
            day::short(self.pay_by)
        )))
    }
}

//! `simulate`: the days ahead on a copy of the accounts.

use clap::Args;

use super::args::{Json, date};
use super::show::maybe;
use super::table::{Column, Table};
use super::{Desk, Failure, Result};
use crate::domain::{Day, day};

#[derive(Args, Debug)]
pub struct Simulate {
    /// The first day; today where absent
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<Day>,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Day,
    /// Only these accounts
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    #[command(flatten)]
    json: Json,
}

impl Simulate {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let today = office.today();
        let from = self.from.unwrap_or(today);
        if from < today || self.to < from {
            return Err(Failure::refused(format!(
                "a simulation runs from today, {today}, or later, and ends no earlier than it begins: not from {from} \
                 to {}",
                self.to
            )));
        }
        let mut chosen = Vec::with_capacity(self.accounts.len());
        for number in &self.accounts {
            chosen.push(office.account(number).await?.id);
        }
        let chosen = (!chosen.is_empty()).then_some(chosen.as_slice());
        let acts = office.simulate(from, self.to, chosen).await?;
        self.json.or(&acts, || {
            use Column::{Left, Right};
            let mut table = Table::new(&[
                Left("Day"),
                Left("Account"),
                Left("Stage"),
                Left("Act"),
                Right("Amount"),
                Left("Citation"),
            ]);
            for act in &acts {
                table.row([
                    day::short(act.on),
                    act.account.clone(),
                    act.stage.clone(),
                    act.act.clone(),
                    maybe(act.amount.as_ref()),
                    act.citation.clone(),
                ]);
            }
            table.show("Nothing would happen.")
        })
    }
}

//! `hold`: placed, ended, listed.

use clap::Subcommand;

use super::args::{By, Json, date, word};
use super::show::{Numbered, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::{Day, HoldId, day};
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Place a hold on an account
    Place {
        account: String,
        #[arg(value_parser = word!(HoldKind))]
        kind: HoldKind,
        #[arg(long)]
        reason: String,
        /// The first day; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        from: Option<Day>,
        /// The last day, inclusive; the policy's usual time where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        through: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// End a hold today
    End {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// The holds in force today, or all of one account
    List {
        account: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

impl HoldCommand {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Place { account, kind, reason, from, through, by } => {
                let account = office.account(&account).await?;
                let id = office
                    .hold(account.id, kind, (from, through), &reason, by.may(&office, Duty::Write).await?)
                    .await?;
                let said = format!("Hold {id} ({kind}) stands on account {}", account.profile.number);
                Ok(Answer::done(said).urgent(office.recalls(account.id).await?))
            }
            Self::End { id, reason, by } => {
                office.end_hold(HoldId(id), &reason, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Hold {id} ends today")))
            }
            Self::List { account, json } => {
                let today = office.today();
                let found = match account {
                    Some(number) => {
                        let id = office.account(&number).await?.id;
                        office.store.holds_of(id).await?.into_iter().map(|hold| (id, hold)).collect()
                    }
                    None => office.store.holds_on(today).await?,
                };
                let rows: Vec<Numbered<Hold>> = numbered(&office, found, |(account, _)| *account)
                    .await?
                    .into_iter()
                    .map(|Numbered { account_number, row: (_, row) }| Numbered { account_number, row })
                    .collect();
                json.or(&rows, || table(&rows, today))
            }
        }
    }
}

/// Holds as a table.
pub fn table(rows: &[Numbered<Hold>], today: Day) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Left("Kind"),
        Left("From"),
        Left("Through"),
        Left("Today"),
        Left("Placed by"),
        Left("Reason"),
    ]);
    for Numbered { account_number, row: hold } in rows {
        let through = match (hold.ended_on, hold.through) {
            (Some(ended), _) => format!("ended {}", day::short(ended)),
            (None, Some(through)) if !hold.kind.ends_by_decision() => day::short(through),
            (None, Some(through)) => format!("decided, {} at first", day::short(through)),
            (None, None) => "decided".to_owned(),
        };
        table.row([
            hold.id.to_string(),
            account_number.to_string(),
            hold.kind.to_string(),
            maybe_day(Some(hold.from)),
            through,
            if hold.holds_on(today) { "holds".into() } else { String::new() },
            hold.placed_by.clone(),
            hold.reason.clone(),
        ]);
    }
    table.show("No holds.")
}

//! `exceptions`: what needs a person.

use clap::Subcommand;

use super::args::{By, Json};
use super::show::maybe_day;
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::spoken::spoken;
use crate::domain::{AccountNumber, day};
use crate::office::Duty;
use crate::store::Exception;

#[derive(Debug, Subcommand)]
pub enum Exceptions {
    /// What stands on the list
    List {
        /// What was cleared, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Clear a line: it was seen to
    Clear {
        id: i64,
        /// What was found; needed where the line bars acts over money in doubt
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        by: By,
    },
}

#[derive(serde::Serialize)]
struct Line {
    account_number: Option<AccountNumber>,
    #[serde(flatten)]
    exception: Exception,
}

impl Exceptions {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { all, json } => {
                let mut lines = Vec::new();
                for exception in office.store.exceptions(!all).await? {
                    let account_number = match exception.account {
                        Some(account) => Some(office.store.account(account).await?.profile.number),
                        None => None,
                    };
                    lines.push(Line { account_number, exception });
                }
                json.or(&lines, || table(&lines))
            }
            Self::Clear { id, reason, by } => {
                office.clear_exception(id, reason.as_deref(), by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Exception {id} is cleared")))
            }
        }
    }
}

fn table(lines: &[Line]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Since"),
        Left("Kind"),
        Left("Account"),
        Left("What"),
        Left("Cleared"),
        Left("By"),
    ]);
    for Line { account_number, exception } in lines {
        table.row([
            exception.id.to_string(),
            day::short(exception.opened_on),
            spoken(exception.kind.word()),
            super::show::maybe(account_number.as_ref()),
            exception.text.clone(),
            maybe_day(exception.cleared_on),
            exception.cleared_by.clone().unwrap_or_default(),
        ]);
    }
    table.show("Nothing stands on the exceptions list.")
}

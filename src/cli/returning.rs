//! `returning`: customers who may have come back owing under another account.

use clap::Subcommand;

use super::args::{By, Json};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::{KinshipId, day};
use crate::office::{Duty, Returning as Shown};

#[derive(Debug, Subcommand)]
pub enum Returning {
    /// Accounts that may be of a customer who owes on another; with --all, what was decided too
    List {
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// It is the same customer: a transfer may be proposed, and what was written off may be proposed to be owed again
    Confirm {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// They are two customers: nobody is asked for the pair again
    Reject {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

impl Returning {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { all, json } => {
                let pairs = office.returning(!all).await?;
                json.or(&pairs, || table(&pairs))
            }
            Self::Confirm { id, reason, by } => {
                let by = by.may(&office, Duty::Release).await?;
                office.confirm_returning(KinshipId(id), &reason, by).await?;
                Ok(Answer::done(format!(
                    "Pair {id} is one customer. Nothing follows by itself: `arrears transfer propose` moves what is owed, \
                     `arrears writeoff ACCOUNT --reverse` proposes that what was written off is owed again"
                )))
            }
            Self::Reject { id, reason, by } => {
                let by = by.may(&office, Duty::Release).await?;
                office.reject_returning(KinshipId(id), &reason, by).await?;
                Ok(Answer::done(format!("Pair {id} is two customers; nobody is asked for it again")))
            }
        }
    }
}

fn table(pairs: &[Shown]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Since"),
        Left("Account"),
        Left("Owes on"),
        Left("The same"),
        Left("There"),
        Left("Now"),
    ]);
    for Shown { pair, number, debtor_number, owes } in pairs {
        let decided = match (&pair.decided_by, pair.decided_on) {
            (Some(by), Some(on)) => format!("{} by {by}, {}", pair.state, day::short(on)),
            _ => "waits".to_owned(),
        };
        table.row([
            pair.id.to_string(),
            day::short(pair.opened_on),
            number.to_string(),
            debtor_number.to_string(),
            pair.matches.join(", "),
            owes.join("; "),
            decided,
        ]);
    }
    table.show("No account seems to be of a customer who owes on another.")
}

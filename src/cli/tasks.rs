//! `tasks`: what a policy asks of people, by role.

use clap::Subcommand;

use super::args::{By, Json};
use super::show::{Numbered, maybe, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::day;
use crate::office::Duty;
use crate::store::Task;

#[derive(Debug, Subcommand)]
pub enum Tasks {
    /// The tasks that are open
    List {
        /// Those that were closed, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Close a task: it was seen to
    Close {
        id: i64,
        #[command(flatten)]
        by: By,
    },
}

impl Tasks {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { all, json } => {
                let tasks = office.store.tasks(!all).await?;
                let rows = numbered(&office, tasks, |task| task.account).await?;
                json.or(&rows, || table(&rows))
            }
            Self::Close { id, by } => {
                office.close_task(id, by.may(&office, Duty::Write).await?).await?;
                Ok(Answer::done(format!("Task {id} is closed")))
            }
        }
    }
}

fn table(rows: &[Numbered<Task>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Since"),
        Left("For"),
        Left("Account"),
        Left("What"),
        Left("Closed"),
        Left("By"),
    ]);
    for Numbered { account_number, row: task } in rows {
        table.row([
            task.id.to_string(),
            day::short(task.opened_on),
            task.role.to_string(),
            account_number.to_string(),
            task.text.clone(),
            maybe_day(task.closed_on),
            maybe(task.closed_by.as_ref()),
        ]);
    }
    table.show("No tasks.")
}

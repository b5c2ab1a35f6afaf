//! `imports`: the files that were taken.

use clap::Args;

use super::args::Json;
use super::table::{Column, Table};
use super::{Desk, Result};
use crate::domain::day;

#[derive(Args, Debug)]
pub struct Imports {
    /// The last so many files
    #[arg(long, default_value_t = 50, value_name = "FILES")]
    last: u32,
    #[command(flatten)]
    json: Json,
}

impl Imports {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let files = office.store.imports(self.last).await?;
        self.json.or(&files, || {
            use Column::{Left, Right};
            let mut table = Table::new(&[
                Left("Taken"),
                Left("File"),
                Left("Kind"),
                Right("Rows"),
                Right("New"),
                Right("Changed"),
                Right("Unmatched"),
                Right("Amount"),
            ]);
            for file in &files {
                let outcome = &file.outcome;
                table.row([
                    day::short(office.local_day(file.imported_at)),
                    file.name.clone(),
                    file.kind.to_string(),
                    outcome.rows.to_string(),
                    outcome.added.to_string(),
                    outcome.updated.to_string(),
                    outcome.unmatched.to_string(),
                    outcome.added_amount.to_string(),
                ]);
            }
            table.show("No file was taken.")
        })
    }
}

//! `log`: what was done, when and by whom.

use std::collections::VecDeque;

use clap::Args;

use super::args::Json;
use super::table::{Column, Table};
use super::{Desk, Result};
use crate::domain::AccountNumber;
use crate::office::{Office, log_lines};
use crate::store::LogLine;

/// Lines read at a time.
const PAGE: u32 = 5_000;

#[derive(Args, Debug)]
pub struct Log {
    /// Only this account
    account: Option<String>,
    /// The last so many lines
    #[arg(long, default_value_t = 100, value_name = "LINES")]
    last: u32,
    #[command(flatten)]
    json: Json,
}

#[derive(serde::Serialize)]
struct Line {
    account_number: Option<AccountNumber>,
    #[serde(flatten)]
    line: LogLine,
}

impl Log {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let found = match &self.account {
            Some(number) => {
                let account = office.account(number).await?;
                let mut lines = office.store.log_of(account.id, self.last).await?;
                lines.reverse();
                lines
            }
            None => tail(&office, self.last as usize).await?,
        };
        let mut lines = Vec::with_capacity(found.len());
        for line in found {
            let account_number = match line.account {
                Some(account) => Some(office.store.account(account).await?.profile.number),
                None => None,
            };
            lines.push(Line { account_number, line });
        }
        self.json.or(&lines, || table(&office, &lines))
    }
}

/// The last lines of the whole log, in its order.
async fn tail(office: &Office, last: usize) -> Result<Vec<LogLine>> {
    let mut kept: VecDeque<LogLine> = VecDeque::new();
    let mut after = 0;
    loop {
        let page = office.store.log(after, PAGE).await?;
        let Some(end) = page.last() else { return Ok(kept.into()) };
        after = end.seq;
        kept.extend(page);
        kept.drain(..kept.len().saturating_sub(last));
    }
}

fn table(office: &Office, lines: &[Line]) -> String {
    use Column::{Left, Right};
    let mut table =
        Table::new(&[Right("Line"), Left("Recorded"), Left("By"), Left("Account"), Left("What"), Left("Details")]);
    for Line { account_number, line } in lines {
        let local = line.recorded_at.with_timezone(&office.config.time_zone);
        table.row([
            line.seq.to_string(),
            local.format("%a %Y-%m-%d %H:%M").to_string(),
            line.actor.to_string(),
            super::show::maybe(account_number.as_ref()),
            line.what.clone(),
            log_lines::details(line),
        ]);
    }
    table.show("The log is empty.")
}

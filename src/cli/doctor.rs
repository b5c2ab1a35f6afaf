//! `doctor`: whether the record is whole, and whether what was done kept to the law.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use super::args::Json;
use super::exit::{Answer, Exit, counted};
use super::table::{Column, Table};
use super::{Desk, Result};
use crate::office::doctor::{Check, Checkup, Finding};

/// Exit 0 where everything is as it should be, 3 where something is not. Changes nothing, and may run beside the daemon.
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    json: Json,
}

impl Doctor {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.enable_steady_tick(Duration::from_millis(120));
        let watching = |what: &'static str, looked_at: u64| bar.set_message(format!("{what}: {looked_at} looked at"));
        let checkup = office.doctor(&watching).await?;
        bar.finish_and_clear();
        let exit = if checkup.is_clean() { Exit::Done } else { Exit::Refused };
        Ok(Answer { exit, ..self.json.or(&checkup, || text(&checkup))? })
    }
}

/// The checks as a table, and behind it each finding with what to do.
pub(super) fn text(checkup: &Checkup) -> String {
    let mut table = Table::new(&[
        Column::Left("Check"),
        Column::Right("Looked at"),
        Column::Right("Wrong"),
        Column::Left("What holds"),
    ]);
    for Check { name, holds, looked_at, wrong, .. } in &checkup.checks {
        table.row([(*name).to_owned(), looked_at.to_string(), wrong.to_string(), (*holds).to_owned()]);
    }
    let mut text = table.show("Nothing was checked.");
    if let Some(root) = &checkup.last_seal {
        text.push_str(&format!("Last seal: {root}\n"));
    }
    if checkup.is_clean() {
        text.push_str("Everything is as it should be.\n");
        return text;
    }
    for check in checkup.checks.iter().filter(|check| check.wrong > 0) {
        let mut remedy = None;
        for finding in &check.findings {
            text.push_str(&line(check.name, finding));
            remedy = Some(finding.remedy);
        }
        let untold = check.wrong.saturating_sub(check.findings.len() as u64);
        if untold > 0 {
            text.push_str(&format!("{}: {untold} more\n", check.name));
        }
        if let Some(remedy) = remedy {
            text.push_str(&format!("  What to do: {remedy}.\n"));
        }
    }
    text.push_str(&format!(
        "{} not as it should be.\n",
        counted(usize::try_from(checkup.wrong()).unwrap_or(usize::MAX), "thing is", "things are")
    ));
    text
}

fn line(check: &str, finding: &Finding) -> String {
    let account = finding.account.as_ref().map(|number| format!("account {number}, ")).unwrap_or_default();
    format!("{check}: {account}{}\n  found:    {}\n  expected: {}\n", finding.place, finding.found, finding.expected)
}

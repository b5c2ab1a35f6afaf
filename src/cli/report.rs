//! `report`: aging.

use clap::{Args, Subcommand};

use super::args::date;
use super::{Answer, Desk, Failure, Result};
use crate::domain::ledger::settle;
use crate::domain::{Day, OpenItem, day};
use crate::report::aging::{AgedAccount, Aging, Detail};

/// Accounts read at a time.
const PAGE: u32 = 2_000;

#[derive(Debug, Subcommand)]
pub enum Report {
    /// Who owes how much, how old, by service and class
    Aging(AgingArgs),
}

#[derive(Args, Debug)]
pub struct AgingArgs {
    /// As the ledger stood on that day, by what is known now; today where absent
    #[arg(long, value_name = "DATE", value_parser = date)]
    as_of: Option<Day>,
    /// A line for each account
    #[arg(long)]
    detail: bool,
    /// As JSON; amounts are integer cents
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As CSV, a line for each account and the total
    #[arg(long)]
    csv: bool,
}

impl Report {
    pub async fn run(self, desk: &Desk) -> Result {
        match self {
            Self::Aging(args) => args.run(desk).await,
        }
    }
}

impl AgingArgs {
    async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let today = office.today();
        let as_of = self.as_of.unwrap_or(today);
        if as_of > today {
            return Err(Failure::refused(format!(
                "{} has not come: today is {}",
                day::short(as_of),
                day::short(today)
            )));
        }
        let rules = office.rules_on(today).await?;
        let ledger = &rules.policy.ledger;
        let mut accounts = Vec::new();
        let mut after = None;
        loop {
            let page = office.store.account_ids(after, PAGE).await?;
            let Some(last) = page.last().copied() else { break };
            after = Some(last);
            for snapshot in office.store.snapshots(&page).await? {
                let spans = snapshot.spans();
                // What a petition stays is not asked for, and owed: the report is of the whole ledger.
                let all = |items: Vec<OpenItem>, stayed| items.into_iter().chain(stayed).collect::<Vec<OpenItem>>();
                let mut aged = AgedAccount {
                    number: snapshot.profile.number,
                    name: snapshot.profile.customer_name,
                    class: snapshot.profile.class,
                    items: all(snapshot.items, snapshot.stayed),
                    unapplied: snapshot.unapplied,
                };
                if as_of < today {
                    let entries = office.store.entries(snapshot.account).await?;
                    let books = settle(&entries, &ledger.order, &spans, as_of);
                    (aged.items, aged.unapplied) = (all(books.items, books.stayed), books.unapplied);
                }
                if !aged.items.is_empty() || !aged.unapplied.is_zero() {
                    accounts.push(aged);
                }
            }
        }
        let detail = if self.detail || self.csv { Detail::Accounts } else { Detail::Summary };
        self.shown(&Aging::of(accounts, &ledger.buckets, as_of, detail))
    }

    fn shown(&self, report: &Aging) -> Result {
        let written = if self.json {
            report.to_json().map_err(|error| error.to_string())
        } else if self.csv {
            report.to_csv().map_err(|error| error.to_string())
        } else {
            Ok(report.to_table())
        };
        written.map(Answer::done).map_err(|error| Failure::failed(format!("the report could not be written: {error}")))
    }
}

//! `report`: aging, the shut-offs of a year, and the write-offs for the council.

use chrono::Datelike;
use clap::{Args, Subcommand};

use super::args::{Json, date, word};
use super::exit::counted;
use super::show::maybe_day;
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::field_order::{OrderKind, OrderState};
use crate::domain::ledger::settle;
use crate::domain::proposal::Proposed;
use crate::domain::{Cents, Day, OpenItem, Service, day};
use crate::office::{Office, left_over_of};
use crate::report::aging::{AgedAccount, Aging, Detail};
use crate::report::shut_offs::{Cut, ShutOffs};
use crate::report::write_offs::{self, WriteOffLine};

/// Accounts read at a time.
const PAGE: u32 = 2_000;

#[derive(Debug, Subcommand)]
pub enum Report {
    /// Who owes how much, how old, by service and class
    Aging(AgingArgs),
    /// Write-offs that are proposed, approved and declined, for the council
    WriteOffs(WriteOffArgs),
    /// The shut-offs of a year by month: what is published and reported to the State Water Board
    Shutoffs(ShutOffArgs),
}

#[derive(Args, Debug)]
pub struct WriteOffArgs {
    /// Those proposed on the day or later
    #[arg(long, value_name = "DATE", value_parser = date)]
    since: Option<Day>,
    /// As JSON; amounts are integer cents
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As CSV, a line for each account and the total
    #[arg(long)]
    csv: bool,
}

#[derive(Args, Debug)]
pub struct ShutOffArgs {
    /// This year where absent
    #[arg(long)]
    year: Option<i32>,
    #[arg(long, value_parser = word!(Service), default_value = "water")]
    service: Service,
    /// As JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As CSV, a row a month
    #[arg(long)]
    csv: bool,
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
            Self::WriteOffs(args) => args.run(desk).await,
            Self::Shutoffs(args) => args.run(desk).await,
        }
    }
}

impl WriteOffArgs {
    async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let mut lines = Vec::new();
        for proposal in office.store.proposals(false).await? {
            let Proposed::WriteOff { debts } = &proposal.what else { continue };
            if self.since.is_some_and(|since| proposal.proposed_on < since) {
                continue;
            }
            let profile = office.store.account(proposal.account).await?.profile;
            let entries = office.store.entries(proposal.account).await?;
            let idle = office.snapshot(proposal.account).await?.idle;
            let left_over = left_over_of(proposal.id, &entries, &idle);
            let of = entries.iter().filter(|entry| debts.iter().any(|debt| debt.item == entry.id));
            lines.push(WriteOffLine {
                account: profile.number,
                name: profile.customer_name,
                class: profile.class,
                amount: proposal.amount,
                oldest_due_on: of.filter_map(|entry| entry.due_on).min(),
                state: proposal.state,
                proposed_on: proposal.proposed_on,
                proposed_by: proposal.proposed_by,
                reason: proposal.reason,
                decided_on: proposal.decided_on,
                decided_by: proposal.decided_by,
                left_over,
            });
        }
        if self.csv {
            let csv = write_offs::to_csv(&lines).map_err(|error| Failure::failed(error.to_string()))?;
            return Ok(Answer::done(csv));
        }
        Json { json: self.json }.or(&lines, || {
            use Column::{Left, Right};
            let mut table = Table::new(&[
                Left("Account"),
                Left("Name"),
                Right("Amount"),
                Left("Oldest due"),
                Left("State"),
                Left("Left over"),
                Left("Reason"),
            ]);
            for line in &lines {
                table.row([
                    line.account.to_string(),
                    line.name.clone(),
                    line.amount.to_string(),
                    maybe_day(line.oldest_due_on),
                    line.state.to_string(),
                    if line.left_over.is_zero() { String::new() } else { line.left_over.to_string() },
                    line.reason.clone(),
                ]);
            }
            let total = write_offs::total(&lines);
            format!("{}\nTotal {total}", table.show("No write-offs."))
        })
    }
}

impl ShutOffArgs {
    async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let today = office.today();
        let year = self.year.unwrap_or_else(|| today.year());
        let last = Day::from_ymd_opt(year, 12, 31).unwrap_or(today);
        let report = ShutOffs::of(&cuts(&office).await?, self.service, year, last.min(today));
        let written = if self.json {
            serde_json::to_string_pretty(&report).map_err(|error| error.to_string())
        } else if self.csv {
            report.to_csv().map_err(|error| error.to_string())
        } else {
            Ok(report.to_table())
        };
        written.map(Answer::done).map_err(|error| Failure::failed(format!("the report could not be written: {error}")))
    }
}

/// Every shut-off that a crew did, with the day on which the service was turned on again.
async fn cuts(office: &Office) -> Result<Vec<Cut>> {
    let done = office.store.field_orders(Some(OrderState::Done), None).await?;
    let mut cuts = Vec::new();
    for order in done.iter().filter(|order| order.kind == OrderKind::ShutOff) {
        let Some(on) = order.done_on else { continue };
        let restores = done.iter().filter(|other| {
            other.kind == OrderKind::Restore && (other.account, other.service) == (order.account, order.service)
        });
        let profile = office.store.account(order.account).await?.profile;
        cuts.push(Cut {
            account: profile.number,
            class: profile.class,
            service: order.service,
            on,
            restored_on: restores.filter(|other| order.id < other.id).filter_map(|other| other.done_on).min(),
            without_leave: order.is_done_without_leave(),
        });
    }
    Ok(cuts)
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
        let mut stayed_of: Vec<Cents> = Vec::new();
        let mut after = None;
        loop {
            let page = office.store.account_ids(after, PAGE).await?;
            let Some(last) = page.last().copied() else { break };
            after = Some(last);
            for snapshot in office.store.snapshots(&page).await? {
                let spans = snapshot.spans();
                // What a petition stays is not asked for, and owed: the report is of the whole ledger.
                let all = |items: Vec<OpenItem>, stayed| items.into_iter().chain(stayed).collect::<Vec<OpenItem>>();
                let mut stayed = snapshot.stayed_amount();
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
                    stayed = books.stayed.iter().map(|item| item.open).sum();
                    (aged.items, aged.unapplied) = (all(books.items, books.stayed), books.unapplied);
                }
                if stayed.is_positive() {
                    stayed_of.push(stayed);
                }
                if !aged.items.is_empty() || !aged.unapplied.is_zero() {
                    accounts.push(aged);
                }
            }
        }
        let detail = if self.detail || self.csv { Detail::Accounts } else { Detail::Summary };
        self.shown(&Aging::of(accounts, &ledger.buckets, as_of, detail), &stayed_of)
    }

    /// On the screen with a word on what petitions stay: an account's page and command show it beside the balance, not in it.
    fn shown(&self, report: &Aging, stayed: &[Cents]) -> Result {
        let written = if self.json {
            report.to_json().map_err(|error| error.to_string())
        } else if self.csv {
            report.to_csv().map_err(|error| error.to_string())
        } else {
            let all: Cents = stayed.iter().copied().sum();
            let accounts = counted(stayed.len(), "account", "accounts");
            let note =
                format!("{all} of it, of {accounts}, is stayed by petitions in bankruptcy: asked for by nobody\n");
            Ok(report.to_table() + if stayed.is_empty() { "" } else { &note })
        };
        written.map(Answer::done).map_err(|error| Failure::failed(format!("the report could not be written: {error}")))
    }
}

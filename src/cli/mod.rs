//! The command line: one file a command.
//!
//! A command reads its arguments, does one thing through the [`Office`], and gives an [`Answer`]: what to print, and
//! how to end. The environment and the clock are read here and passed on. Deliberately absent: any check of whether an act
//! is allowed (that is the office's, so that pages and commands refuse the same), and any printing below [`run`].

mod account;
mod approvals;
mod args;
mod arrange;
mod at_once;
mod backup;
mod bankruptcy;
mod bench;
mod calls;
mod deceased;
mod demo;
mod dispute;
mod doctor;
mod email;
mod exceptions;
pub mod exit;
mod fee;
mod hold;
mod import;
mod imports;
mod log;
mod night;
mod notices;
mod orders;
mod outbox;
mod packet;
mod payments;
mod promise;
mod protection;
mod referrals;
mod report;
mod returning;
mod rules;
mod run;
mod show;
mod simulate;
mod skip;
mod staff;
pub mod table;
mod tasks;
mod tenants;
mod today;
mod transfer;
mod why;
mod wordings;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::NaiveTime;
use clap::{Parser, Subcommand};

pub use args::Place;
use at_once::Watch;
pub use exit::{Answer, Exit, Failure, Result};

use crate::clock::{Clock, SetClock, SystemClock};
use crate::config::{Config, FILE};
use crate::domain::day;
use crate::office::Office;

/// The date that trials set: every command acts as if it were that date, at noon in the city.
const TODAY: &str = "ARREARS_TODAY";

/// Works a city utility's delinquent accounts by rules
#[derive(Debug, Parser)]
#[command(name = "arrears", version, about, max_term_width = 120, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed (database, disk), 2 not understood, 3 refused (file, act, policy), 4 not found.
Every act of a person needs --by NAME or ARREARS_BY. docs/CLI.md has a line on each command.";

/// The commands, in the order of a day's work.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What waits for people today
    Today(today::Today),
    /// Take in files: accounts, charges, payments, adjustments, reversals
    Import(import::Import),
    /// The files that were taken last
    Imports(imports::Imports),
    /// Payments: the counter, the unmatched, and through which day each channel is loaded
    #[command(subcommand)]
    Payments(payments::Payments),
    /// Propose to correct what is owed
    Adjust(approvals::Adjust),
    /// Propose to write off what is past due
    Writeoff(approvals::WriteOff),
    /// Debts that go with their customer to another account: propose
    #[command(subcommand)]
    Transfer(transfer::Transfer),
    /// Customers who may have come back owing: list, confirm, reject
    #[command(subcommand)]
    Returning(returning::Returning),
    /// What one person proposes and another approves: waivers, adjustments, write-offs, transfers
    #[command(subcommand)]
    Approvals(approvals::Approvals),
    /// Fees: waive
    #[command(subcommand)]
    Fee(fee::Fee),
    /// Policies: check, test, adopt, list, show
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Run one business date by hand: decide every account, let old orders lapse, build the call list
    Night(night::Night),
    /// Notices: list, show, release, cancel, batch, mailed, returned
    #[command(subcommand)]
    Notices(notices::Notices),
    /// Emails: those that bounced
    #[command(subcommand)]
    Email(email::Email),
    /// Do the work that waits: set released letters and emails, send the emails
    Outbox(outbox::Outbox),
    /// The day's call list: list, release, move, assign, drop, record
    #[command(subcommand)]
    Calls(calls::Calls),
    /// An account: people, debts, ledger, case, notices, calls, orders
    Account(account::AccountArgs),
    /// Why an account stands as it does, and what it waits for
    Why(why::WhyArgs),
    /// What the days ahead would bring if nobody paid; changes nothing
    Simulate(simulate::Simulate),
    /// Holds: place, end, list
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// Disputes: open, decide, appeal, list
    #[command(subcommand)]
    Dispute(dispute::DisputeCommand),
    /// Petitions in bankruptcy: record, assurance, discharged, dismissed, closed, list
    #[command(subcommand)]
    Bankruptcy(bankruptcy::Bankruptcy),
    /// Customers who died: record, representative, letters, noticed, claimed, end, list
    #[command(subcommand)]
    Deceased(deceased::Deceased),
    /// What a household shows toward the protections of the law: record, end, show
    #[command(subcommand)]
    Protection(protection::Protection),
    /// Tenants of a landlord's account ask to become customers: ask, decide
    #[command(subcommand)]
    Tenants(tenants::Tenants),
    /// Promises to pay: make, cancel
    #[command(subcommand)]
    Promise(promise::Promise),
    /// Payment arrangements: propose, make, cancel, list
    #[command(subcommand)]
    Arrange(arrange::Arrange),
    /// Field orders: list, approve, finalize, dispatch, result, cancel
    #[command(subcommand)]
    Orders(orders::Orders),
    /// Referrals for legal action: list, approve, decline, recall, export
    #[command(subcommand)]
    Referrals(referrals::Referrals),
    /// Build the packet for legal action of an account
    Packet(packet::Packet),
    /// Act against the policy, with a reason
    #[command(subcommand)]
    Override(skip::OverrideCommand),
    /// Reports
    #[command(subcommand)]
    Report(report::Report),
    /// Tasks that the policy gives to people: list, close
    #[command(subcommand)]
    Tasks(tasks::Tasks),
    /// What needs a person: files refused, returned mail, accounts that differ
    #[command(subcommand)]
    Exceptions(exceptions::Exceptions),
    /// The log: everything that was done, by whom
    Log(log::Log),
    /// The people of the division
    #[command(subcommand)]
    Staff(staff::Staff),
    /// What the notices say in each language, and the translations that the city has signed
    #[command(subcommand)]
    Wordings(wordings::WordingsCommand),
    /// Whether the record is whole and what was done was lawful: chains, seals, papers, books, the outbox, shut-offs
    Doctor(doctor::Doctor),
    /// Copy everything into one file, while the daemon works
    Backup(backup::Backup),
    /// Make a city of a backup, in a new directory
    Restore(backup::Restore),
    /// A restored city, from which nothing goes out until somebody has looked: show, release
    #[command(subcommand)]
    Restored(backup::Restored),
    /// Run by itself: dates, files, the outbox, and the pages where an address is given
    Run(run::Run),
    /// A made-up city, lived through in seconds: letters, emails, call lists, packets to look at
    Demo(demo::DemoArgs),
    /// Measurements on made-up data
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// Does the command, prints what it says, and gives the exit code.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Failure::failed(format!("the program could not start: {error}")))),
    };
    end(runtime.block_on(answer(cli)))
}

/// Does the command.
async fn answer(cli: Cli) -> Result {
    let desk = Desk { place: cli.place, watch: Watch::default() };
    let result = done(cli.command, &desk).await;
    desk.watch.tells(result).await
}

async fn done(command: Command, desk: &Desk) -> Result {
    match command {
        Command::Today(args) => args.run(desk).await,
        Command::Import(args) => args.run(desk).await,
        Command::Imports(args) => args.run(desk).await,
        Command::Payments(args) => args.run(desk).await,
        Command::Adjust(args) => args.run(desk).await,
        Command::Writeoff(args) => args.run(desk).await,
        Command::Transfer(args) => args.run(desk).await,
        Command::Returning(args) => args.run(desk).await,
        Command::Approvals(args) => args.run(desk).await,
        Command::Fee(args) => args.run(desk).await,
        Command::Rules(args) => args.run(desk).await,
        Command::Night(args) => args.run(desk).await,
        Command::Notices(args) => args.run(desk).await,
        Command::Email(args) => args.run(desk).await,
        Command::Outbox(args) => args.run(desk).await,
        Command::Calls(args) => args.run(desk).await,
        Command::Account(args) => args.run(desk).await,
        Command::Why(args) => args.run(desk).await,
        Command::Simulate(args) => args.run(desk).await,
        Command::Hold(args) => args.run(desk).await,
        Command::Dispute(args) => args.run(desk).await,
        Command::Bankruptcy(args) => args.run(desk).await,
        Command::Deceased(args) => args.run(desk).await,
        Command::Protection(args) => args.run(desk).await,
        Command::Tenants(args) => args.run(desk).await,
        Command::Promise(args) => args.run(desk).await,
        Command::Arrange(args) => args.run(desk).await,
        Command::Orders(args) => args.run(desk).await,
        Command::Referrals(args) => args.run(desk).await,
        Command::Packet(args) => args.run(desk).await,
        Command::Override(args) => args.run(desk).await,
        Command::Report(args) => args.run(desk).await,
        Command::Tasks(args) => args.run(desk).await,
        Command::Exceptions(args) => args.run(desk).await,
        Command::Log(args) => args.run(desk).await,
        Command::Staff(args) => args.run(desk).await,
        Command::Wordings(args) => args.run(desk).await,
        Command::Doctor(args) => args.run(desk).await,
        Command::Backup(args) => args.run(desk).await,
        Command::Restore(args) => args.run(desk).await,
        Command::Restored(args) => args.run(desk).await,
        Command::Run(args) => args.run(desk).await,
        Command::Demo(args) => args.run(desk).await,
        Command::Bench(args) => args.run(desk).await,
    }
}

/// Prints. A reader that went away (`| head`) is no failure.
fn end(result: Result) -> ExitCode {
    match result {
        Ok(answer) => {
            let printed = std::io::stdout().write_all(answer.out.as_bytes());
            // Nobody can be told that the error stream is closed.
            let _ = std::io::stderr().write_all(answer.err.as_bytes());
            match printed {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Failed.into(),
                _ => answer.exit.into(),
            }
        }
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "arrears: {}", failure.message);
            failure.exit.into()
        }
    }
}

/// Where a command works: it opens the office there.
#[derive(Clone, Debug)]
pub struct Desk {
    place: Place,
    watch: Watch,
}

impl Desk {
    /// The office of a place where Arrears works already.
    ///
    /// # Errors
    /// When there is none: a command in the wrong directory shall not leave an empty database there.
    pub async fn office(&self) -> Result<Office> {
        let dir = &self.place.dir;
        let config = Config::load(dir)?;
        if self.place.database.is_none() && config.database.is_none() && !dir.join("arrears.db").exists() {
            return Err(Failure {
                exit: Exit::NotFound,
                message: format!(
                    "{} holds no {FILE} with a database and no arrears.db: name the data directory with --dir, or begin \
                     one with `arrears rules adopt FILE --by NAME --dir DIR`",
                    dir.display()
                ),
            });
        }
        self.open(&config).await
    }

    /// The office, begun where there is none.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn new_office(&self) -> Result<Office> {
        self.open(&Config::load(&self.place.dir)?).await
    }

    async fn open(&self, config: &Config) -> Result<Office> {
        let office = Office::open(&self.place.dir, self.place.database.as_deref(), clock(config)?).await?;
        // A date that is set ahead, in a trial, shall not let entries count before their day by a look at an account.
        if office.now() <= SystemClock.now() {
            office.begin_day().await?;
        }
        if let Some(night) =
            office.store.last_finished(crate::office::NIGHT).await?.filter(|night| *night > office.today())
        {
            eprintln!(
                "warning: the clock says {}, and the night of {} was run: what is recorded now is dated before it. Set the clock \
                 right first, or {TODAY}",
                crate::domain::day::short(office.today()),
                crate::domain::day::short(night)
            );
        }
        self.watch.begins(&office).await?;
        Ok(office)
    }

    /// The database that the command line names.
    #[must_use]
    pub fn database(&self) -> Option<String> {
        self.place.database.clone()
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.place.dir
    }
}

/// What is to be said before anything is printed for a city that has not named itself; nothing in a trial.
fn unnamed_city(office: &Office) -> Option<String> {
    let lacks = office.config.unnamed()?;
    Some(format!("no letter, no email and no packet goes out: {lacks} (docs/CONFIGURATION.md)"))
}

/// The machine's clock; in trials, one that stands at noon of the date that the environment names, or at the time behind it.
fn clock(config: &Config) -> Result<Arc<dyn Clock>> {
    let given = std::env::var_os(TODAY).filter(|given| !given.is_empty());
    let Some(given) = given.or_else(|| config.trial_date.map(|day| day.to_string().into())) else {
        return Ok(Arc::new(SystemClock));
    };
    let instant = given
        .to_str()
        .and_then(|given| {
            let (date, time) = given.split_once('T').unwrap_or((given, "12:00"));
            Some(day::parse(date)?.and_time(NaiveTime::parse_from_str(time, "%H:%M").ok()?))
        })
        .and_then(|instant| instant.and_local_timezone(config.time_zone).earliest());
    match instant {
        Some(instant) => Ok(Arc::new(SetClock::new(instant.with_timezone(&chrono::Utc)))),
        None => Err(Failure {
            exit: Exit::Usage,
            message: format!(
                "{TODAY} is {}: expected a date like 2026-05-22, or with a time 2026-05-22T09:10",
                given.to_string_lossy()
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_exit_code() {
        for exit in Exit::ALL {
            assert!(EXIT_CODES.contains(&format!(" {} ", exit.code())), "{exit:?}");
        }
    }
}

//! `night`: one business date by hand, as the daemon runs it; and what is held for the lead.

use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde::Serialize;

use super::args::{By, Json, date};
use super::exit::counted;
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result, TODAY};
use crate::clock::{Clock, SystemClock};
use crate::domain::day::{plus_days, short};
use crate::domain::{Day, day};
use crate::office::{DayReport, Duty, NIGHT, NightReleased, Office};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Night {
    #[command(subcommand)]
    held: Option<Held>,
    /// The business date; today where absent. Dates between the last one run and this are recorded as missed. A trial
    /// under a date that has not come by the machine's clock must name it here
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<Day>,
    #[command(flatten)]
    json: Json,
}

/// What becomes of a night that was stopped because it is not like others.
#[derive(Debug, Subcommand)]
enum Held {
    /// Go on where it stopped, without the guard
    Release {
        /// What was looked at
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Cancel the notices that it planned, and leave the rest to the next night
    Drop {
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Serialize)]
struct Done {
    date: Day,
    missed: u32,
    lapsed_orders: u64,
    calls_listed: u64,
    /// The root over log and ledger as the night left them.
    seal: Option<String>,
    #[serde(flatten)]
    report: DayReport,
}

impl Night {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self.held {
            Some(Held::Release { reason, by }) => {
                let by = by.may(&office, Duty::Release).await?;
                return Ok(Answer::done(match office.release_night(&reason, by).await? {
                    NightReleased::NextNight => {
                        "Released. Tonight's run makes it good without the guard; `arrears night` runs it now".into()
                    }
                    NightReleased::GoesOn(report) => {
                        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                        let accounts = counted(count(report.changed), "account was", "accounts were");
                        let notices = counted(count(report.notices), "notice", "notices");
                        format!("Released. {accounts} decided, {notices} planned")
                    }
                }));
            }
            Some(Held::Drop { reason, by }) => {
                let by = by.may(&office, Duty::Release).await?;
                let canceled = counted(office.drop_night(&reason, by).await?, "notice is", "notices are");
                return Ok(Answer::done(format!("Dropped. {canceled} canceled; the next night decides anew")));
            }
            None => {}
        }
        if let Some(line) = office.held_night().await? {
            return Err(Failure::refused(format!("a night is held: {}", line.text)));
        }
        let today = office.today();
        let date = self.date.unwrap_or(today);
        if date > today {
            return Err(Failure::refused(format!("{} has not come: today is {}", short(date), short(today))));
        }
        let on_the_wall = office.local_day(SystemClock.now());
        if date > on_the_wall && self.date != Some(date) {
            return Err(Failure::refused(format!(
                "{TODAY} sets the date to {0}, and by this machine's clock it is {1}. A date that was run is never run again, nor \
                 any before it: no night would run until {0}. If this is a trial, say the date twice: `arrears night --date {2}`",
                short(date),
                short(on_the_wall),
                date
            )));
        }
        let last = office.store.last_finished(NIGHT).await?;
        if let Some(last) = last.filter(|last| date < *last) {
            return Err(Failure::refused(format!(
                "{} cannot be run any more, for {} was: what it missed is made good by the next run",
                short(date),
                short(last)
            )));
        }
        let mut missed = 0;
        if let Some(last) = last {
            let mut day = plus_days(last, 1);
            while day < date {
                office.record_missed_day(day).await?;
                missed += 1;
                day = plus_days(day, 1);
            }
        }
        let lapsed_orders = office.lapse_orders(date).await?;
        office.report_overdue(date).await?;
        let report = decided(&office, date).await?;
        if report.held {
            return Err(Failure::refused(office.why_held(date).await?));
        }
        let calls_listed = office.build_call_list(date).await?;
        let seal = office.seal_night(date).await?.map(|seal| seal.root);
        // Sent by the next `arrears outbox`, or by the daemon.
        office.make_digest().await?;
        let done = Done { date, missed, lapsed_orders, calls_listed, seal, report };
        self.json.or(&done, || text(&done))
    }
}

/// Runs the date; one that was run before is settled: what has come in since is decided.
async fn decided(office: &Office, date: Day) -> Result<DayReport> {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(120));
    let progress = |so_far: &DayReport| bar.set_message(format!("{} accounts decided", so_far.examined));
    let mut report = office.run_day(date, Some(&progress)).await?;
    if report.already_done && date == office.today() {
        report = DayReport { already_done: true, ..office.settle().await? };
    }
    bar.finish_and_clear();
    Ok(report)
}

fn text(done: &Done) -> String {
    let report = &done.report;
    let mut text = format!("{}\n", day::long(done.date));
    if report.already_done {
        text.push_str("This date was run before; what came in since was decided.\n");
    }
    if done.missed > 0 {
        let dates = counted(done.missed as usize, "date before it was", "dates before it were");
        text.push_str(&format!("{dates} never run: recorded as missed.\n"));
    }
    let of_people = [(done.lapsed_orders, "field orders lapsed"), (done.calls_listed, "calls on the list of the day")];
    let mut table = Table::new(&[Column::Right("Count"), Column::Left("What")]);
    let lines = report.lines().into_iter().chain(of_people.into_iter().filter(|(count, _)| *count > 0));
    for (count, what) in lines {
        table.row([count.to_string(), what.into()]);
    }
    text.push_str(&table.show("Nothing was due."));
    if let Some(root) = &done.seal {
        text.push_str(&format!("Seal: {root}\n"));
    }
    text
}

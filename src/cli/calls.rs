//! `calls`: the list of a day, changed and released by the lead, worked by the representatives.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{By, Json, date, money, word};
use super::exit::counted;
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::call::{Call, CallOutcome, CallState};
use crate::domain::spoken::spoken;
use crate::domain::{AccountNumber, CallId, Cents, Day, Language, day};
use crate::office::{CallReport, Duty, Office, OfficeError};

#[derive(Debug, Subcommand)]
pub enum Calls {
    /// The list of a day
    List(List),
    /// Release the list of a day to those who call
    Release {
        #[arg(long, value_name = "DATE", value_parser = date)]
        date: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// Move a call to another rank
    Move {
        id: i64,
        /// From 1
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        rank: u32,
        #[command(flatten)]
        by: By,
    },
    /// Assign a call to a person of the staff
    Assign {
        id: i64,
        #[arg(required_unless_present = "nobody", value_name = "NAME")]
        to: Option<String>,
        /// Take it from whoever has it
        #[arg(long, conflicts_with = "to")]
        nobody: bool,
        #[command(flatten)]
        by: By,
    },
    /// Drop a call
    Drop {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Record what came of a call
    Record(Record),
}

#[derive(Args, Debug)]
pub struct List {
    /// The day; today where absent
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<Day>,
    #[command(flatten)]
    json: Json,
    /// As CSV
    #[arg(long, conflicts_with_all = ["json", "pdf"])]
    csv: bool,
    /// Into a PDF, with room to note the outcome
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pdf: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Record {
    id: i64,
    #[arg(value_parser = word!(CallOutcome))]
    outcome: CallOutcome,
    /// Local time of the call, HH:MM; now where absent
    #[arg(long, value_name = "HH:MM")]
    at: Option<String>,
    /// The number that was called; the account's first where absent
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    #[arg(long, default_value = "")]
    note: String,
    /// What was promised, with the outcome promise
    #[arg(long, value_name = "AMOUNT", value_parser = money, requires = "pay_by")]
    promise: Option<Cents>,
    /// By when it was promised
    #[arg(long, value_name = "DATE", value_parser = date, requires = "promise")]
    pay_by: Option<Day>,
    /// When to call again; the next office day where absent and the call is not over
    #[arg(long, value_name = "DATE", value_parser = date)]
    again: Option<Day>,
    #[command(flatten)]
    by: By,
}

#[derive(Serialize)]
struct Line {
    account_number: AccountNumber,
    customer_name: String,
    phone: Option<String>,
    language: Language,
    #[serde(flatten)]
    call: Call,
}

impl Calls {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List(args) => args.run(&office).await,
            Self::Release { date, by } => {
                let date = date.unwrap_or_else(|| office.today());
                let released = office.release_call_list(date, by.may(&office, Duty::Release).await?).await?;
                let calls = counted(released.released.len(), "call", "calls");
                let mut text = format!("The list of {} is released: {calls}", day::short(date));
                for (id, why) in &released.withheld {
                    text.push_str(&format!("\nCall {id} is withheld: {why}"));
                }
                Ok(Answer::done(text))
            }
            Self::Move { id, rank, by } => {
                office.move_call(CallId(id), rank, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Call {id} stands at rank {rank}")))
            }
            Self::Assign { id, to, nobody: _, by } => {
                office.assign_call(CallId(id), to.as_deref(), by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Call {id} is {}'s", to.as_deref().unwrap_or("nobody"))))
            }
            Self::Drop { id, reason, by } => {
                office.drop_call(CallId(id), &reason, by.may(&office, Duty::Release).await?).await?;
                Ok(Answer::done(format!("Call {id} is dropped")))
            }
            Self::Record(args) => args.run(&office).await,
        }
    }
}

impl List {
    async fn run(self, office: &Office) -> Result {
        let date = self.date.unwrap_or_else(|| office.today());
        if self.csv {
            return Ok(Answer::done(office.call_list_csv(date).await?));
        }
        if let Some(path) = self.pdf {
            let bytes = office.call_list_pdf(date).await?;
            std::fs::write(&path, bytes).map_err(|source| Failure::from(OfficeError::file(&path, source)))?;
            return Ok(Answer::done(format!("The list of {} is in {}", day::short(date), path.display())));
        }
        let mut lines = Vec::new();
        for call in office.store.call_list(date).await? {
            let profile = office.store.account(call.account).await?.profile;
            lines.push(Line {
                account_number: profile.number,
                customer_name: profile.customer_name,
                phone: profile.phones.into_iter().next(),
                language: profile.language,
                call,
            });
        }
        let mut text = table(&lines, date);
        let waiting = office.store.calls_waiting(date).await?;
        for call in &waiting {
            if let Some(why) = call.cause.as_ref().filter(|_| call.state == CallState::Waiting) {
                let number = office.store.account(call.account).await?.profile.number;
                text.push_str(&format!("Call {} to account {number} is withheld: {why}\n", call.id));
            }
        }
        if lines.is_empty() {
            let waiting = waiting.len();
            let callers = office.store.staff().await?.iter().filter(|person| person.capacity > 0).count();
            if waiting > 0 && callers == 0 {
                text.push_str(&format!(
                    "{} and nobody on the staff makes calls: `arrears staff add NAME --role representative --capacity \
                     CALLS --by NAME`, then `arrears night`.\n",
                    counted(waiting, "call waits", "calls wait")
                ));
            }
        }
        self.json.or(&lines, || text)
    }
}

fn table(lines: &[Line], date: Day) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("Rank"),
        Right("ID"),
        Left("Account"),
        Left("Customer"),
        Left("Phone"),
        Left("Lang"),
        Right("Past due"),
        Right("Days"),
        Right("Score"),
        Left("Because"),
        Left("Required"),
        Left("Assigned to"),
        Left("State"),
        Left("Why"),
    ]);
    for line in lines {
        let call = &line.call;
        let parts: Vec<String> =
            call.score.iter().map(|part| format!("{} {}", spoken(&part.name), points(part.milli))).collect();
        table.row([
            super::show::maybe(call.rank.as_ref()),
            call.id.to_string(),
            line.account_number.to_string(),
            line.customer_name.clone(),
            line.phone.clone().unwrap_or_default(),
            line.language.to_string(),
            call.amount.to_string(),
            call.days_past_due.to_string(),
            points(call.score_milli),
            parts.join(", "),
            if call.required { "yes".into() } else { String::new() },
            call.assigned_to.clone().unwrap_or_default(),
            call.state.to_string(),
            call.cause.clone().unwrap_or_default(),
        ]);
    }
    table.show(&format!("No calls are listed for {}.", day::short(date)))
}

/// Thousandths of a point with one decimal: `18.3`.
fn points(milli: i64) -> String {
    let tenths = (milli.abs() + 50) / 100;
    let sign = if milli < 0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

impl Record {
    async fn run(self, office: &Office) -> Result {
        let call = office.store.call(CallId(self.id)).await?;
        let phone = match self.phone {
            Some(phone) => phone,
            None => office.store.account(call.account).await?.profile.phones.first().cloned().unwrap_or_default(),
        };
        let report = CallReport {
            outcome: self.outcome,
            phone,
            at: self.at.unwrap_or_else(|| office.time_of_day()),
            note: self.note,
            promise: self.promise.zip(self.pay_by),
            again_on: self.again,
        };
        office.record_call(CallId(self.id), report, self.by.may(office, Duty::Write).await?).await?;
        let call = office.store.call(CallId(self.id)).await?;
        let next = match call.state {
            CallState::Waiting => format!("to be made again from {}", day::short(call.not_before)),
            state => state.to_string(),
        };
        let number = office.store.account(call.account).await?.profile.number;
        let more = if self.outcome == CallOutcome::Hardship {
            format!(
                "\nNothing stops by that alone. Show what they have: `arrears protection record {number} ...` (a certificate, a low \
                 income), `arrears arrange propose {number}`, or hold the account until it is looked into: `arrears hold place \
                 {number} review --reason TEXT --through DATE`"
            )
        } else {
            String::new()
        };
        Ok(Answer::done(format!("Call {}: {}; it is {next}{more}", self.id, spoken(self.outcome.word()))))
    }
}

#[cfg(test)]
mod tests {
    use super::points;

    #[test]
    fn points_are_shown_to_the_tenth() {
        assert_eq!(points(18_250), "18.3");
        assert_eq!(points(-1_240), "-1.2");
        assert_eq!(points(-20), "0.0");
    }
}

//! `deceased`: customers who died, and their estates.

use clap::Subcommand;

use super::args::{By, Json, date};
use super::show::{Numbered, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::{Address, Day, HoldId, Party, day};
use crate::office::{Duty, EstateNews, KnownEstate};

#[derive(Debug, Subcommand)]
pub enum Deceased {
    /// Record that the customer of an account died: all collection stops, and nothing is shut off until a person decides
    Record {
        account: String,
        /// Who told of it, and how
        #[arg(long)]
        told_by: String,
        #[arg(long, value_name = "DATE", value_parser = date)]
        died_on: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// Name who acts for the estate: letters that announce no shut-off go there
    Representative {
        /// The hold that stands for the death
        id: i64,
        #[arg(long)]
        name: String,
        #[arg(long)]
        street: String,
        #[arg(long)]
        city: String,
        #[arg(long)]
        state: String,
        #[arg(long)]
        zip: String,
        #[command(flatten)]
        by: By,
    },
    /// Letters (testamentary, or of administration) were issued
    Letters(Dated),
    /// Notice of the administration was given to the city
    Noticed(Dated),
    /// The claim against the estate is filed
    Claimed(Dated),
    /// End the hold: what becomes of the service and the debt is decided
    End {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// What is known of estates
    List {
        #[command(flatten)]
        json: Json,
    },
}

/// What happened on a day.
#[derive(clap::Args, Debug)]
pub struct Dated {
    id: i64,
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Day,
    #[command(flatten)]
    by: By,
}

impl Deceased {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let (id, news, by) = match self {
            Self::Record { account, told_by, died_on, by } => {
                let account = office.account(&account).await?;
                let by = by.may(&office, Duty::Write).await?;
                let id = office.record_deceased(account.id, died_on, &told_by, by).await?;
                return Ok(Answer::done(format!(
                    "Hold {id} stands on account {}: nothing is collected and nothing shut off until `arrears deceased end {id}`; \
                     the lead has a task",
                    account.profile.number
                )));
            }
            Self::End { id, reason, by } => {
                office.end_deceased(HoldId(id), &reason, by.may(&office, Duty::Release).await?).await?;
                return Ok(Answer::done(format!("Hold {id} ends today")));
            }
            Self::List { json } => {
                let rows = numbered(&office, office.deceased().await?, |estate| estate.account).await?;
                return json.or(&rows, || table(&rows));
            }
            Self::Representative { id, name, street, city, state, zip, by } => {
                let address = Address { line1: street, line2: String::new(), city, state, zip };
                (id, EstateNews::Representative(Party { name, address }), by)
            }
            Self::Letters(Dated { id, on, by }) => (id, EstateNews::LettersIssued(on), by),
            Self::Noticed(Dated { id, on, by }) => (id, EstateNews::Noticed(on), by),
            Self::Claimed(Dated { id, on, by }) => (id, EstateNews::Claimed(on), by),
        };
        office.estate_news(HoldId(id), &news, by.may(&office, Duty::Release).await?).await?;
        Ok(Answer::done(format!("Written down with hold {id}")))
    }
}

fn table(rows: &[Numbered<KnownEstate>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("Hold"),
        Left("Account"),
        Left("Since"),
        Left("Estate of"),
        Left("Told by"),
        Left("Representative"),
        Left("Letters"),
        Left("Claim by"),
        Left("Claimed"),
    ]);
    for Numbered { account_number, row: KnownEstate { hold, claim_by, .. } } in rows {
        let estate = hold.estate.as_ref();
        let representative = estate.and_then(|estate| estate.representative.as_ref());
        table.row([
            hold.id.to_string(),
            account_number.to_string(),
            day::short(hold.from),
            estate.map(|estate| estate.of.clone()).unwrap_or_default(),
            estate.map_or_else(|| hold.placed_by.clone(), |estate| estate.told_by.clone()),
            representative.map(|party| format!("{}, {}", party.name, party.address.one_line())).unwrap_or_default(),
            maybe_day(estate.and_then(|estate| estate.letters_on)),
            maybe_day(*claim_by),
            maybe_day(estate.and_then(|estate| estate.claimed_on)),
        ]);
    }
    table.show("No customer is recorded as deceased.")
}

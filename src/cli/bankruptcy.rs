//! `bankruptcy`: petitions recorded, assured, discharged, ended.

use clap::Subcommand;

use super::args::{By, Json, date, word};
use super::show::{Numbered, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Result};
use crate::domain::petition::{Chapter, Petition, StayEnd};
use crate::domain::{Day, EntryId, PetitionId, day};
use crate::office::{Duty, PetitionRequest, RecordedPetition};

#[derive(Debug, Subcommand)]
pub enum Bankruptcy {
    /// Record a petition: what is owed for the time through its day is stayed
    Record {
        account: String,
        #[arg(long, value_parser = word!(Chapter))]
        chapter: Chapter,
        #[arg(long)]
        court: String,
        /// The court's case number
        #[arg(long = "case", value_name = "NUMBER")]
        case_number: String,
        #[arg(long, value_name = "DATE", value_parser = date)]
        petition_on: Day,
        /// The order for relief, in an involuntary case; the petition's day where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        relief_on: Option<Day>,
        /// The day on which notice was received; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        learned_on: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// Record adequate assurance of payment: a deposit, a bond, a prepayment
    Assurance {
        id: i64,
        /// What was given
        #[arg(long)]
        form: String,
        /// Today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        on: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// A correction that came after the petition is of the time after it: nothing else says so
    After {
        id: i64,
        /// The number of the entry
        entry: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// The debt was discharged: what is stayed is proposed for write-off
    Discharged(Order),
    /// The case was dismissed: the debts return with their own due dates, and notices are served anew
    Dismissed(Order),
    /// The case was closed without a discharge: as if dismissed
    Closed(Order),
    /// All petitions, or those of one account
    List {
        account: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

/// An order of the court.
#[derive(clap::Args, Debug)]
pub struct Order {
    id: i64,
    /// The day of the court's order; today where absent
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Option<Day>,
    #[command(flatten)]
    by: By,
}

impl Bankruptcy {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let today = office.today();
        match self {
            Self::Record { account, chapter, court, case_number, petition_on, relief_on, learned_on, by } => {
                let account = office.account(&account).await?;
                let request = PetitionRequest { chapter, court, case_number, petition_on, relief_on, learned_on };
                let by = by.may(&office, Duty::Write).await?;
                let RecordedPetition { id, late, held } = office.record_petition(account.id, &request, by).await?;
                let snapshot = office.snapshot(account.id).await?;
                let mut late = late.map_or_else(String::new, |text| format!("\n{text}"));
                if !held.is_empty() {
                    late.push_str(&format!(
                        "\nThe same customer has {}: held until you have looked (`arrears tasks list`)",
                        held.join(", ")
                    ));
                }
                Ok(Answer::done(format!(
                    "Petition {id} of account {}: {} is stayed, and the balance that can be asked for is {}{late}",
                    account.profile.number,
                    snapshot.stayed_amount(),
                    snapshot.balance()
                )))
            }
            Self::Assurance { id, form, on, by } => {
                let by = by.may(&office, Duty::Write).await?;
                office.petition_assured(PetitionId(id), on.unwrap_or(today), &form, by).await?;
                Ok(Answer::done(format!("Assurance is recorded for petition {id}: {form}")))
            }
            Self::After { id, entry, reason, by } => {
                let by = by.may(&office, Duty::Release).await?;
                office.correction_after(PetitionId(id), EntryId(entry), &reason, by).await?;
                Ok(Answer::done(format!("Entry {entry} is of the time after petition {id}: it is owed like any debt")))
            }
            Self::Discharged(Order { id, on, by }) => {
                let by = by.may(&office, Duty::Release).await?;
                let proposed = office.petition_discharged(PetitionId(id), on.unwrap_or(today), by).await?;
                Ok(Answer::done(match proposed {
                    Some(proposal) => format!(
                        "Petition {id} is discharged; what it stays is proposed for write-off: `arrears approvals approve \
                         {proposal} --by NAME`, by somebody else"
                    ),
                    None => format!("Petition {id} is discharged; nothing of the time before it is owed"),
                }))
            }
            Self::Dismissed(order) => ended(&office, order, StayEnd::Dismissed).await,
            Self::Closed(order) => ended(&office, order, StayEnd::Closed).await,
            Self::List { account, json } => {
                let found = match account {
                    Some(number) => {
                        let id = office.account(&number).await?.id;
                        office.store.petitions_of(id).await?.into_iter().map(|petition| (id, petition)).collect()
                    }
                    None => office.store.petitions().await?,
                };
                let rows: Vec<Numbered<Petition>> = numbered(&office, found, |(account, _)| *account)
                    .await?
                    .into_iter()
                    .map(|Numbered { account_number, row: (_, row) }| Numbered { account_number, row })
                    .collect();
                json.or(&rows, || table(&rows))
            }
        }
    }
}

async fn ended(office: &crate::office::Office, Order { id, on, by }: Order, how: StayEnd) -> Result {
    let by = by.may(office, Duty::Release).await?;
    office.petition_ended(PetitionId(id), on.unwrap_or_else(|| office.today()), how, by).await?;
    Ok(Answer::done(format!(
        "Petition {id} is {how}: the debts are owed again with their own due dates, and notices are served anew"
    )))
}

/// Petitions as a table.
pub fn table(rows: &[Numbered<Petition>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Account"),
        Right("Chapter"),
        Left("Case"),
        Left("Court"),
        Left("Petition"),
        Left("Learned"),
        Left("State"),
    ]);
    for Numbered { account_number, row: petition } in rows {
        table.row([
            petition.id.to_string(),
            account_number.to_string(),
            petition.chapter.to_string(),
            petition.case_number.clone(),
            petition.court.clone(),
            day::short(petition.petition_on),
            day::short(petition.learned_on),
            petition.state_words(),
        ]);
    }
    table.show("No petitions.")
}

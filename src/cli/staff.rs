//! `staff`: the people, their roles, and their passwords for the pages.

use std::io::IsTerminal;

use clap::Subcommand;

use super::args::{By, Json, word};
use super::exit::counted;
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::{Language, Role};
use crate::office::Duty;
use crate::store::StaffMember;

#[derive(Debug, Subcommand)]
pub enum Staff {
    /// Add a person, or change one's role, languages and calls
    Add {
        name: String,
        #[arg(long, value_parser = word!(Role))]
        role: Role,
        /// A language the person calls in; may be given more than once
        #[arg(long = "language", value_parser = word!(Language), default_value = "en")]
        languages: Vec<Language>,
        /// Calls a day; 0 for who makes none
        #[arg(long, default_value_t = 0, value_name = "CALLS")]
        capacity: u32,
        #[command(flatten)]
        by: By,
    },
    /// Everyone
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Take a person off the staff: sessions end, and what was done stays in the log under the name
    Remove {
        name: String,
        #[command(flatten)]
        by: By,
    },
    /// Tell which accounts are of a person's own household, who then decides nothing on them
    Household {
        name: String,
        /// The accounts, in place of those told before; none, to tell that there are none
        accounts: Vec<String>,
        #[command(flatten)]
        by: By,
    },
    /// Set a person's password, typed twice, or as one line of the input
    Password {
        name: String,
        #[command(flatten)]
        by: By,
    },
}

impl Staff {
    pub async fn run(self, desk: &Desk) -> Result {
        match self {
            Self::Add { name, role, languages, capacity, by } => {
                let member = StaffMember { name, role, languages, capacity };
                let office = desk.new_office().await?;
                office.put_staff(&member, by.may(&office, Duty::Administer).await?).await?;
                Ok(Answer::done(format!("{} is on the staff: {}", member.name, member.role)))
            }
            Self::List { json } => {
                let office = desk.office().await?;
                let people = office.store.staff().await?;
                json.or(&people, || {
                    let mut table = Table::new(&[
                        Column::Left("Name"),
                        Column::Left("Role"),
                        Column::Left("Languages"),
                        Column::Right("Calls a day"),
                    ]);
                    for person in &people {
                        let languages: Vec<&str> = person.languages.iter().map(|language| language.word()).collect();
                        table.row([
                            person.name.clone(),
                            person.role.to_string(),
                            languages.join(" "),
                            person.capacity.to_string(),
                        ]);
                    }
                    table.show("Nobody is on the staff: `arrears staff add NAME --role administrator --by NAME`")
                })
            }
            Self::Remove { name, by } => {
                let office = desk.office().await?;
                let unassigned = office.remove_staff(&name, by.may(&office, Duty::Administer).await?).await?;
                let mut said = format!("{name} is off the staff");
                if unassigned > 0 {
                    let calls = counted(unassigned, "call of today's list is", "calls of today's list are");
                    said.push_str(&format!("; {calls} assigned to nobody now: `arrears calls assign`"));
                }
                Ok(Answer::done(said))
            }
            Self::Household { name, accounts, by } => {
                let office = desk.office().await?;
                let by = by.is_or_may(&name, &office, Duty::Administer).await?;
                office.set_household(&name, &accounts, by).await?;
                let told = counted(accounts.len(), "account is", "accounts are");
                Ok(Answer::done(format!("{told} of {name}'s household")))
            }
            Self::Password { name, by } => {
                let office = desk.office().await?;
                // A name that is not there is said before a password is typed for it.
                if office.store.staff_login(&name).await?.is_none() {
                    return Err(crate::office::OfficeError::NotFound { what: "person", id: name }.into());
                }
                let by = by.is_or_may(&name, &office, Duty::Administer).await?;
                let password = typed(&name)?;
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a salt is chance, and the command line is where chance comes in"
                )]
                let salt = rand::random();
                office.set_password(&name, &password, salt, by).await?;
                Ok(Answer::done(format!("The password of {name} is set")))
            }
        }
    }
}

/// The password: without echo from a terminal, else the first line of the input.
fn typed(name: &str) -> Result<String> {
    let unread = |error: std::io::Error| Failure::failed(format!("the password could not be read: {error}"));
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(unread)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let terminal = console::Term::stderr();
    let ask = |prompt: String| -> std::io::Result<String> {
        terminal.write_str(&prompt)?;
        terminal.read_secure_line()
    };
    let first = ask(format!("New password of {name}: ")).map_err(unread)?;
    let second = ask("The same again: ".to_owned()).map_err(unread)?;
    if first != second {
        return Err(Failure::refused("the two passwords differ; nothing was changed"));
    }
    Ok(first)
}

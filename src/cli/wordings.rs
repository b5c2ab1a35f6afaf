//! `wordings`: what the notices say in each language, and the translations that the city has signed.

use std::path::PathBuf;

use clap::Subcommand;

use super::args::{By, Json, word};
use super::exit::counted;
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::{Language, Recipient, day};
use crate::notices::language::english_name;
use crate::office::{Duty, WordingStanding};

#[derive(Debug, Subcommand)]
pub enum WordingsCommand {
    /// Every notice in every language, and whether it may go out
    List {
        #[command(flatten)]
        json: Json,
    },
    /// The text of a notice in a language
    Show {
        name: String,
        #[arg(value_parser = word!(Language))]
        language: Language,
    },
    /// Print a notice for a made-up customer, for whoever reviews the translation
    Proof {
        name: String,
        /// The languages, with commas between them, in the order of printing
        #[arg(long = "language", value_parser = word!(Language), required = true, value_delimiter = ',')]
        languages: Vec<Language>,
        /// The copy of the customer, the occupant, the owner or a third party
        #[arg(long, value_parser = word!(Recipient), default_value = "customer")]
        to: Recipient,
        /// The PDF to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Sign translations as they stand: nothing goes out in a translation that is not signed
    Sign {
        /// The notice; all of them when none is named
        name: Option<String>,
        /// The languages, with commas between them
        #[arg(long = "language", value_parser = word!(Language), required = true, value_delimiter = ',')]
        languages: Vec<Language>,
        /// Who reviewed the translation, or where the review is filed
        #[arg(long)]
        note: String,
        #[command(flatten)]
        by: By,
    },
}

impl WordingsCommand {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { json } => {
                let states = office.wording_states().await?;
                json.or(&states, || {
                    let mut table = Table::new(&[
                        Column::Left("Notice"),
                        Column::Left("Language"),
                        Column::Left("Text"),
                        Column::Left("May go out"),
                    ]);
                    for state in &states {
                        let signed = match (&state.signed_by, state.signed_on) {
                            (Some(by), Some(on)) => format!("signed by {by} on {}", day::short(on)),
                            _ => String::new(),
                        };
                        let may = match state.standing {
                            WordingStanding::Original => "yes".to_owned(),
                            WordingStanding::Signed => format!("yes, {signed}"),
                            WordingStanding::Changed => format!("no: {signed}, and changed since"),
                            WordingStanding::Draft => "no: the city has not signed it".to_owned(),
                        };
                        let text = if state.own { "the city's own" } else { "the program's" };
                        table.row([state.name.into(), english_name(state.language).into(), text.into(), may]);
                    }
                    table.show("No wordings.")
                })
            }
            Self::Show { name, language } => Ok(Answer::done(office.wording_text(&name, language)?.to_owned())),
            Self::Proof { name, languages, to, out } => {
                let pdf = office.wording_proof(&name, &languages, to)?;
                std::fs::write(&out, pdf).map_err(|error| Failure::failed(format!("{}: {error}", out.display())))?;
                Ok(Answer::done(format!("The proof stands in {}", out.display())))
            }
            Self::Sign { name, languages, note, by } => {
                let by = by.may(&office, Duty::Adopt).await?;
                let signed = office.sign_wordings(name.as_deref(), &languages, &note, by).await?;
                Ok(Answer::done(format!(
                    "{} signed by {by}; notices in them go out from now on",
                    counted(signed.len(), "translation is", "translations are")
                )))
            }
        }
    }
}

//! What the commands' arguments have in common: who acts, dates, money, words.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::domain::{Cents, Day, day};
use crate::office::{Duty, Office};

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The data directory: the database, the configuration, and the folders for files in and out
    #[arg(long, global = true, env = "ARREARS_DIR", default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The database, sqlite:PATH or <postgres://USER@HOST/NAME>; without it arrears.yaml says, else DIR/arrears.db
    #[arg(long, global = true, env = "ARREARS_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
}

/// Who acts. Every act of a person bears a name into the log.
#[derive(Args, Clone, Debug)]
pub struct By {
    /// Who does it: someone of the staff, once there is one
    #[arg(long, env = "ARREARS_BY", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    by: String,
}

impl By {
    /// The name as it was given, where no staff is known yet.
    pub fn name(&self) -> &str {
        &self.by
    }

    /// The name, of someone who has the duty. Whoever works where there is a staff takes it from here, so that no command forgets to ask.
    pub async fn may(&self, office: &Office, duty: Duty) -> super::Result<&str> {
        office.person_may(&self.by, duty).await?;
        Ok(&self.by)
    }

    /// The name of someone who does it for themselves, or has the duty.
    pub async fn is_or_may(&self, person: &str, office: &Office, duty: Duty) -> super::Result<&str> {
        if self.by == person { Ok(&self.by) } else { self.may(office, duty).await }
    }
}

/// For programs instead of people.
#[derive(Args, Clone, Copy, Debug)]
pub struct Json {
    /// As JSON; amounts are integer cents
    #[arg(long)]
    pub json: bool,
}

impl Json {
    /// The rows as JSON, or as the text for people.
    pub fn or(self, rows: &impl serde::Serialize, text: impl FnOnce() -> String) -> super::Result {
        if !self.json {
            return Ok(super::Answer::done(text()));
        }
        match serde_json::to_string_pretty(rows) {
            Ok(json) => Ok(super::Answer::done(json)),
            Err(error) => Err(super::Failure::failed(format!("the answer could not be written as JSON: {error}"))),
        }
    }
}

/// A date as `2026-05-22` or `05/22/2026`.
pub fn date(text: &str) -> Result<Day, String> {
    let expected = "expected a date as YYYY-MM-DD or MM/DD/YYYY, from 1970 to 2199, like 2026-05-22 or 05/22/2026";
    day::given(text).ok_or_else(|| expected.to_owned())
}

/// An amount as `154.00`.
pub fn money(text: &str) -> Result<Cents, String> {
    text.parse().map_err(|error: crate::domain::money::NotMoney| error.to_string())
}

/// A parser of a closed enum's words for clap: the help lists them, and its errors name the nearest.
macro_rules! word {
    ($kind:ty) => {{
        use clap::builder::{PossibleValuesParser, TypedValueParser};
        let words = <$kind>::ALL.iter().map(|value| value.word());
        PossibleValuesParser::new(words)
            .try_map(|word| <$kind>::from_word(&word).ok_or_else(|| format!("{word} is none of the known words")))
    }};
}
pub(super) use word;

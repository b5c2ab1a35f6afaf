//! What a city says once about itself and its machines: `arrears.yaml` in the data directory. One file a section.
//!
//! Deliberately absent: anything that a policy says. Days, amounts and conditions are rules, and rules are adopted.

pub mod city;
pub mod digest;
pub mod guards;
pub mod imports;
pub mod mail;
pub mod schedule;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use city::CityProfile;
pub use digest::Digest;
pub use guards::Guards;
pub use imports::Imports;
pub use mail::MailConfig;
pub use schedule::Schedules;

use crate::domain::Day;
use crate::domain::world::Moratorium;

/// The file's name.
pub const FILE: &str = "arrears.yaml";

/// The configuration. What the file leaves out is as in [`Config::default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub city: CityProfile,
    /// The fields of `city:` that every letter bears and the file leaves out. A city that says it is Riverbend, which does not
    /// exist, lacks none; nor does the demonstration.
    #[serde(skip)]
    pub city_lacks: Vec<&'static str>,
    /// An IANA name, for example `America/Los_Angeles`. Business dates are dates there.
    pub time_zone: Tz,
    /// `sqlite:…` or `postgres://…`; `arrears.db` in the data directory when absent.
    pub database: Option<String>,
    pub mail: MailConfig,
    pub schedules: Schedules,
    /// How far ahead the rows of a file may be dated: `charges_ahead_days`, `payments_ahead_days`.
    pub imports: Imports,
    /// Whether `/metrics` answers, on the address of the pages.
    pub metrics: bool,
    /// Who gets the daily digest; without one there is none.
    pub digest: Digest,
    /// When a night or a file is so unusual that it waits for a person.
    pub guards: Guards,
    /// Who speaks for the records in a packet's declaration.
    pub custodian: Custodian,
    /// For trials: every command acts as if it were noon of this date. A demonstration stands still on its last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_date: Option<Day>,
    /// Times by order or weather in which nobody is shut off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moratoria: Vec<Moratorium>,
}

/// The custodian of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Custodian {
    pub name: String,
    pub title: String,
    /// The state's name in full.
    pub state: String,
}

impl Default for Custodian {
    fn default() -> Self {
        Self { name: String::new(), title: "Lead Customer Service Representative".into(), state: "California".into() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            city: CityProfile::default(),
            city_lacks: Vec::new(),
            time_zone: chrono_tz::America::Los_Angeles,
            database: None,
            mail: MailConfig::default(),
            schedules: Schedules::default(),
            imports: Imports::default(),
            metrics: true,
            digest: Digest::default(),
            guards: Guards::default(),
            custodian: Custodian::default(),
            trial_date: None,
            moratoria: Vec::new(),
        }
    }
}

/// What of the file says which city it is.
#[derive(Default, Deserialize)]
#[expect(clippy::zero_sized_map_values, reason = "which fields are given is asked, and not what they say")]
struct Named {
    city: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {message}", path.display())]
    Parse { path: PathBuf, message: String },
    #[error("{}: schedules: {field}: {given:?} is not a cron expression with seconds ({message}); for example 0 30 2 * * *", path.display())]
    Cron { path: PathBuf, field: &'static str, given: String, message: String },
    #[error("{}: moratoria: {name} ends {through}, before it begins {from}", path.display())]
    Moratorium { path: PathBuf, name: String, from: Day, through: Day },
}

impl Config {
    /// What keeps anything from being printed for the city, in words; `None` where it has said all that letters bear.
    #[must_use]
    pub fn unnamed(&self) -> Option<String> {
        if self.city_lacks.is_empty() {
            return None;
        }
        let fields: Vec<String> = self.city_lacks.iter().map(|field| format!("`{field}:`")).collect();
        Some(format!("`city:` in {FILE} does not say {}, which every letter bears", fields.join(", ")))
    }

    /// With a word that says what to write in the place of each field that the file leaves out.
    fn of_its_city(mut self, named: &Named) -> Self {
        if self.trial_date.is_some() {
            return self;
        }
        let given = named.city.as_ref();
        let is_given = |field: &str| given.is_some_and(|city| city.contains_key(field));
        let has_name = is_given("name") && !self.city.name.trim().is_empty();
        if has_name && self.city.name == CityProfile::default().name {
            return self;
        }
        self.city_lacks = CityProfile::BORNE.iter().copied().filter(|field| !is_given(field)).collect();
        if !has_name {
            self.city_lacks.retain(|field| *field != "name");
            self.city_lacks.insert(0, "name");
        }
        self.city = self.city.lacking(&self.city_lacks, is_given("payable_to"));
        self
    }

    /// Reads `arrears.yaml` of the data directory; the defaults when there is none.
    ///
    /// # Errors
    /// With the place in the file, and what was expected.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let path = dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        Self::parse(&text, &path)
    }

    /// Reads the text of a configuration; `path` names it in errors.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Self::default().of_its_city(&Named::default()));
        }
        let wrong =
            |error: serde_saphyr::Error| ConfigError::Parse { path: path.to_owned(), message: error.to_string() };
        let config: Self = serde_saphyr::from_str(text).map_err(wrong)?;
        let named: Named = serde_saphyr::from_str(text).map_err(wrong)?;
        let config = config.of_its_city(&named);
        for (field, given) in config.schedules.fields() {
            if let Err(error) = given.parse::<cron::Schedule>() {
                let (given, message) = (given.to_owned(), error.to_string());
                return Err(ConfigError::Cron { path: path.to_owned(), field, given, message });
            }
        }
        if let Some(m) = config.moratoria.iter().find(|m| m.through < m.from) {
            let (name, from, through) = (m.name.clone(), m.from, m.through);
            return Err(ConfigError::Moratorium { path: path.to_owned(), name, from, through });
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_a_city_that_has_not_named_itself() {
        let config = Config::parse("", Path::new(FILE)).unwrap();
        assert_eq!(config.city.name, "(name of the city: set city: in arrears.yaml)");
        assert_eq!(config.city_lacks.len(), CityProfile::BORNE.len());
        assert!(!format!("{:?}", config.city).contains("iverbend"), "{:?}", config.city);
        assert_eq!(config.time_zone, chrono_tz::America::Los_Angeles);
    }

    #[test]
    fn a_city_that_has_a_name_and_no_address_lacks_it_and_does_not_bear_another_citys() {
        let config = Config::parse("city: {name: City of Elm, phone: 555-0100}\n", Path::new(FILE)).unwrap();
        assert_eq!(config.city.address.line1, "(address of the city: set city: address: in arrears.yaml)");
        let told = config.unnamed().unwrap();
        assert!(told.contains("`address:`, `remit_to:`") && !told.contains("`phone:`"), "{told}");
        assert_eq!(config.city.payable_to, "City of Elm");
        let trial = Config::parse("trial_date: 2026-05-04\n", Path::new(FILE)).unwrap();
        assert_eq!((trial.city.name.as_str(), trial.unnamed()), ("City of Riverbend", None), "the demonstration");
    }

    #[test]
    fn an_unknown_word_is_refused_with_its_place() {
        let error = Config::parse("time_zone: America/Denver\nsmtp: x\n", Path::new(FILE)).unwrap_err().to_string();
        assert!(error.contains("smtp"), "{error}");
        assert!(error.contains('2'), "{error}");
    }

    #[test]
    fn a_schedule_that_is_no_cron_expression_is_refused_by_name() {
        let error = Config::parse("schedules: {night: at two}\n", Path::new(FILE)).unwrap_err().to_string();
        assert!(error.contains("night") && error.contains("at two"), "{error}");
    }

    #[test]
    fn the_configuration_that_the_documentation_shows_is_right() {
        let page = include_str!("../../docs/CONFIGURATION.md");
        let shown = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = Config::parse(shown, Path::new(FILE)).unwrap();
        assert_eq!((config.city.name.as_str(), config.unnamed()), ("City of Elm", None));
        assert_eq!((config.schedules, config.imports), (Schedules::default(), Imports::default()), "as it says");
        assert_eq!(config.guards, Guards::default(), "as it says");
        assert_eq!(config.moratoria.len(), 1);
    }
}

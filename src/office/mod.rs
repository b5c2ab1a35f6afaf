//! The office: what people and the daemon do, each as one act with all its checks.
//!
//! Command line, web and worker come through here, so that a release at the counter and a release on the page are the
//! same release. Here the pure core meets the store: snapshots are read, decided, audited, committed; protections are
//! looked at again before anything is carried out. Deliberately absent: schedules and leases (`worker`), forms and
//! pages (`web`), arguments and tables (`cli`).

mod accounts;
mod against_limits;
mod agreement;
mod arrangements;
mod backups;
mod became;
mod bounces;
mod call_sheets;
mod calls;
mod cores;
mod crews_out;
mod day_report;
mod decided;
mod digest;
mod disputes;
pub mod doctor;
mod duties;
mod error;
mod estates;
mod exports;
mod fee_exports;
mod files;
mod holds;
pub mod log_lines;
mod looks;
mod mailing;
mod mappings;
mod night;
mod notices;
mod orders;
mod outbox;
mod packets;
mod payments;
mod petitions;
mod pg_tools;
mod placements;
mod policies;
mod proposals;
mod protections;
mod record_then;
mod referral_reports;
mod reinstate;
mod reprint;
mod restorations;
mod returning;
mod ruling_letters;
mod rulings;
mod runaway;
mod same_customer;
mod seals;
mod skip;
pub mod staff;
mod strangers;
mod tags;
mod tasks;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transfers;
mod two_fees;
mod watching;
mod why;
mod wordings;
mod write_offs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, Utc};

pub use crate::decide::eligibility::{Condition, Eligibility, Point};
pub use arrangements::{PlanRequest, Proposed};
pub use backups::{BackedUp, MayBeDone, Restored, restore};
pub use bounces::Reports;
pub use calls::{CallReport, ListReleased};
pub use crews_out::CrewsOut;
pub use day_report::DayReport;
pub use disputes::{DisputeRequest, RulingRequest};
pub use duties::Duty;
pub use error::{ErrorKind, OfficeError, Result};
pub use estates::{EstateNews, KnownEstate};
pub use exports::Exported;
pub use files::{Checked, Importing, Intake, Taken};
pub use mailing::{BatchMade, Batching, IfLate, Marked};
pub use night::{NIGHT, Progress};
pub use notices::Released;
pub use orders::{Finalized, Handled};
pub use packets::PacketMade;
pub use payments::{AtCounter, Unmatched};
pub use petitions::{PetitionRequest, RecordedPetition};
pub use placements::{Approval, Out};
pub use policies::{Rules, read_policy, shipped_text};
pub use protections::{Recorded, ShownPoint, THREE_POINTS, points};
pub use reprint::Reprinted;
pub use returning::Returning;
pub use runaway::NightReleased;
pub use why::{Explained, Simulated, Why};
pub use wordings::{WordingStanding, WordingState, prints_every_language};
pub use write_offs::left_over_of;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Actor, Day, PolicyHash, World};
use crate::notices::{Press, Wordings};
use crate::store::{Stamp, Store};
use crate::typeset::Typesetter;

/// A version of the policy, and the version whose packs it stands under where that is another.
type Version = (PolicyHash, Option<PolicyHash>);

/// The division at work: its books, its rules, its clock and its folder.
pub struct Office {
    pub store: Store,
    pub config: Config,
    /// The data directory: `inbox/`, `mail/`, `print/`, `packets/`, `exports/` stand in it.
    pub dir: PathBuf,
    pub clock: Arc<dyn Clock>,
    rules: Mutex<BTreeMap<Version, Arc<Rules>>>,
    typesetter: OnceLock<Typesetter>,
    /// The wordings in force: the program's, and the city's own in their stead.
    wordings: Arc<Wordings>,
}

impl Office {
    /// Opens the office of a data directory: its configuration and its database, made when missing.
    ///
    /// # Errors
    /// When the configuration cannot be read or the database not opened.
    pub async fn open(dir: &Path, database: Option<&str>, clock: Arc<dyn Clock>) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(|source| OfficeError::file(dir, source))?;
        let config = Config::load(dir).map_err(OfficeError::Config)?;
        let url = match database.map(str::to_owned).or_else(|| config.database.clone()) {
            Some(url) => url,
            None => format!("sqlite:{}", dir.join("arrears.db").display()),
        };
        let wordings = wordings::in_force(dir)?;
        let store = Store::open(&url).await?;
        Ok(Self {
            store,
            config,
            dir: dir.to_owned(),
            clock,
            rules: Mutex::new(BTreeMap::new()),
            typesetter: OnceLock::new(),
            wordings: Arc::new(wordings),
        })
    }

    /// The instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The business date: the local calendar date of the city.
    #[must_use]
    pub fn today(&self) -> Day {
        self.now().with_timezone(&self.config.time_zone).date_naive()
    }

    /// The local time of day, `HH:MM`.
    #[must_use]
    pub fn time_of_day(&self) -> String {
        self.now().with_timezone(&self.config.time_zone).format("%H:%M").to_string()
    }

    /// The city as its letters show it.
    #[must_use]
    pub const fn city(&self) -> &crate::config::CityProfile {
        &self.config.city
    }

    /// The typesetter; its fonts are loaded when it is first asked for.
    pub fn typesetter(&self) -> &Typesetter {
        self.typesetter.get_or_init(Typesetter::new)
    }

    /// What notices are made with.
    pub(crate) fn press(&self) -> Press<'_> {
        Press { typesetter: self.typesetter(), city: self.city(), wordings: &self.wordings }
    }

    /// A stamp of today for a person's act.
    #[must_use]
    pub fn stamp(&self, by: &str) -> Stamp {
        Stamp { by: Actor::Person(by.to_owned()), on: self.today(), at: self.now() }
    }

    /// A stamp for what the daemon does on a business date.
    #[must_use]
    pub fn daemon_stamp(&self, on: Day) -> Stamp {
        Stamp { by: Actor::Daemon, on, at: self.now() }
    }

    /// The world of a business date under the rules.
    #[must_use]
    pub fn world(&self, rules: &Rules, today: Day) -> World {
        World { today, calendar: rules.calendar.clone(), moratoria: self.config.moratoria.clone() }
    }

    /// A folder of the data directory, made when missing.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        std::fs::create_dir_all(&path).map_err(|source| OfficeError::file(&path, source))?;
        Ok(path)
    }
}

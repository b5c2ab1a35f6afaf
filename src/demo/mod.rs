//! The demonstration: a made-up city lived through for months, through the same files and the same acts as any city.
//!
//! `city` makes the people, their bills and payments, as files. `day` plays a day: the files come in, the night runs,
//! the division works, `counter` its money. `billing` is the billing system, with books of its own. Everything goes through the office's acts, with a clock that is set; the same seed gives the
//! same bytes. Deliberately absent: any shortcut into the database.

mod billing;
pub mod city;
mod counter;
mod day;
mod people;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Duration, TimeZone, Utc};
use serde::Serialize;

use crate::clock::SetClock;
use crate::config::Config;
use crate::domain::day::plus_days;
use crate::domain::referral::{Destination, ReferralState};
use crate::domain::{Cents, Day, Language, Role};
use crate::notices::Mailer;
use crate::notices::files::write_whole;
use crate::office::{DayReport, Office, OfficeError, Result};
use crate::report::aging::{AgedAccount, Aging, Detail};
use crate::store::StaffMember;

/// What tells a folder of a demonstration from a city's own: only such a folder is made anew.
const MARKER: &str = ".arrears-demo";
/// The password of everybody in the demonstration.
pub const PASSWORD: &str = "riverbend-demo";
/// The lead of the demonstration.
pub const LEAD: &str = "Maria Delgado";
/// Who approves shut-offs and legal action.
pub const APPROVER: &str = "Robert Chen";
/// Who calls.
pub const REPRESENTATIVES: [&str; 2] = ["Ana Flores", "James Walker"];

/// What is to be shown.
#[derive(Clone, Debug)]
pub struct Demo {
    pub dir: PathBuf,
    pub database: Option<String>,
    pub accounts: u32,
    /// Business dates, weekends included.
    pub days: u32,
    pub seed: u64,
    /// The first business date.
    pub start: Day,
}

/// What was done in the days of the demonstration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub accounts: u64,
    pub last_day: Option<Day>,
    pub files: u64,
    pub nights: DayReport,
    pub letters_mailed: u64,
    pub emails_sent: u64,
    pub letters_returned: u64,
    pub calls_made: u64,
    pub promises: u64,
    pub arrangements: u64,
    pub disputes: u64,
    pub petitions: u64,
    /// Proposals that another person approved.
    pub approved: u64,
    pub shut_offs: u64,
    pub restorations: u64,
    pub shut_offs_stopped: u64,
    pub referrals: u64,
    pub packets: Vec<String>,
    pub past_due: Cents,
    /// A letter, an email, the call list of the last day: where to look first.
    pub look: Vec<(String, String)>,
    /// An account with a story to tell.
    pub account: Option<String>,
}

/// Told after each day.
pub type Told<'a> = &'a dyn Fn(Day, &Shown);

impl Demo {
    /// Lives the city's days in a fresh folder.
    ///
    /// # Errors
    /// When the folder holds something else, or an act fails that should not.
    pub async fn show(&self, told: Told<'_>) -> Result<Shown> {
        if !crate::office::prints_every_language() {
            return Err(OfficeError::refused(
                "the demonstration's notices are in Chinese and Korean too, and no font on this machine holds them",
                "install one with `apt-get install fonts-wqy-microhei`, and run this again",
            ));
        }
        prepare(&self.dir, plus_days(self.start, i64::from(self.days) - 1))?;
        let clock = Arc::new(SetClock::new(instant(self.start, 0)));
        let office = Office::open(&self.dir, self.database.as_deref(), clock.clone()).await?;
        hire(&office, self.seed).await?;
        office.adopt_shipped("riverbend", APPROVER).await?;
        let review = "read by the city's translators, file 2026-03";
        office.sign_wordings(None, Language::ALL, review, LEAD).await?;
        let city = city::city(self.seed, self.accounts, self.start, self.days);
        let mailer = Mailer::Folder(self.dir.join("mail"));
        let mut division = day::Division::new(&office, &clock, &city, mailer);
        division.opening(&city.opening).await?;
        for (day, n) in city.days.iter().zip(1..) {
            // The last day has only dawned: its work waits for whoever looks.
            if n == self.days {
                division.dawn(day).await?;
            } else {
                division.live(day).await?;
            }
            told(day.day, &division.shown);
        }
        let mut shown = division.shown;
        self.close(&office, &mut shown).await?;
        office.store.compact().await?;
        office.store.close().await;
        Ok(shown)
    }

    /// Leaves exports and a few packets behind, and says where to look.
    async fn close(&self, office: &Office, shown: &mut Shown) -> Result<()> {
        let today = office.today();
        shown.last_day = Some(today);
        let rules = office.rules_on(today).await?;
        let items = office.store.open_items(None, u32::MAX).await?;
        let mut aged = Vec::with_capacity(items.len());
        for account in items {
            let class = office.store.account(account.account).await?.profile.class;
            aged.push(AgedAccount {
                number: account.number,
                name: account.customer_name,
                class,
                items: account.items,
                unapplied: account.unapplied,
            });
        }
        let aging = Aging::of(aged, &rules.policy.ledger.buckets, today, Detail::Accounts);
        let csv = aging.to_csv().map_err(|error| OfficeError::Interrupted(error.to_string()))?;
        self.write("exports/aging.csv", csv.as_bytes())?;
        for referral in office.store.referrals(Some(ReferralState::Placed)).await?.iter().rev().take(3) {
            let account = office.store.account(referral.account).await?;
            if let Ok(made) = office.packet(&account, None).await {
                shown.account.get_or_insert(account.profile.number.to_string());
                shown.packets.push(made.path);
            }
        }
        let list_day = self.last_list(office, today).await?;
        let pdf = office.call_list_pdf(list_day).await?;
        self.write("exports/call-list.pdf", &pdf)?;
        self.write("exports/call-list.csv", office.call_list_csv(list_day).await?.as_bytes())?;
        shown.past_due = aging.total.buckets_cents.iter().skip(1).copied().filter(|amount| amount.is_positive()).sum();
        self.look(shown);
        Ok(())
    }

    /// The last day that has a call list.
    async fn last_list(&self, office: &Office, today: Day) -> Result<Day> {
        for back in 0..14 {
            let day = plus_days(today, -back);
            if !office.store.call_list(day).await?.is_empty() {
                return Ok(day);
            }
        }
        Ok(today)
    }

    fn look(&self, shown: &mut Shown) {
        let last = |place: &str, ending: &str| -> Option<String> {
            let (folder, beginning) = place.split_once('/').unwrap_or((place, ""));
            let mut names: Vec<String> = std::fs::read_dir(self.dir.join(folder))
                .ok()?
                .filter_map(|entry| entry.ok().map(|entry| entry.file_name().to_string_lossy().into_owned()))
                .filter(|name| name.starts_with(beginning) && name.ends_with(ending) && !name.contains(".control."))
                .collect();
            names.sort();
            names.pop().map(|name| self.dir.join(folder).join(name).display().to_string())
        };
        let places = [
            ("Letters, as printed", last("print", ".pdf")),
            ("An email", last("mail", ".eml")),
            ("The call list", last("exports", "call-list.pdf")),
            ("The aging report", last("exports", "aging.csv")),
            ("The attorney's list", last("exports/attorney-", ".csv")),
            ("Fees for the billing system", last("exports/fees-", ".csv")),
            ("A packet for legal action", last("packets", ".zip")),
        ];
        shown.look = places.into_iter().filter_map(|(what, path)| Some((what.to_owned(), path?))).collect();
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(name);
        write_whole(&path, bytes).map_err(|source| OfficeError::file(&path, source))
    }
}

/// The instant at minutes after midnight on a day of the city.
pub(crate) fn instant(day: Day, minutes: i64) -> chrono::DateTime<Utc> {
    let zone = Config::default().time_zone;
    let midnight = day.and_hms_opt(0, 0, 0).unwrap_or_default();
    let midnight = zone
        .from_local_datetime(&midnight)
        .earliest()
        .map_or_else(|| Utc.from_utc_datetime(&midnight), |local| local.with_timezone(&Utc));
    midnight + Duration::minutes(minutes)
}

/// Empties the folder of an earlier demonstration; refuses any other that is not empty.
fn prepare(dir: &Path, last_day: Day) -> Result<()> {
    let file = |source| OfficeError::file(dir, source);
    if dir.exists() {
        let marked = dir.join(MARKER).exists();
        let empty = std::fs::read_dir(dir).map_err(file)?.next().is_none();
        if !marked && !empty {
            return Err(OfficeError::refused(
                format!("{} is not empty and holds no demonstration", dir.display()),
                "name another folder with --dir",
            ));
        }
        if marked {
            std::fs::remove_dir_all(dir).map_err(file)?;
        }
    }
    std::fs::create_dir_all(dir).map_err(file)?;
    let marker = dir.join(MARKER);
    std::fs::write(&marker, "This folder was made by `arrears demo`, which may empty it.\n")
        .map_err(|source| OfficeError::file(&marker, source))?;
    let config = dir.join(crate::config::FILE);
    std::fs::write(
        &config,
        format!("{CONFIG}\n# The clock of the demonstration stands still on its last day.\ntrial_date: {last_day}\n"),
    )
    .map_err(|source| OfficeError::file(&config, source))
}

/// The configuration that a demonstration leaves, for reading and changing.
const CONFIG: &str = "# The configuration of the demonstration. What is left out is as the manual says.
time_zone: America/Los_Angeles
custodian:
  name: Maria Delgado
  title: Lead Customer Service Representative
  state: California
";

async fn hire(office: &Office, seed: u64) -> Result<()> {
    let people = [(LEAD, Role::Lead, 0), (APPROVER, Role::Approver, 0)]
        .into_iter()
        .chain(REPRESENTATIVES.map(|name| (name, Role::Representative, 40)));
    for (name, role, capacity) in people {
        let salt = crate::domain::document::sha256(format!("{seed}/{name}").as_bytes());
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&salt.as_str().as_bytes()[..16]);
        let hash = crate::office::staff::hash_password(PASSWORD, bytes)
            .map_err(|error| OfficeError::Interrupted(error.to_string()))?;
        let languages = vec![Language::English, Language::Spanish];
        let member = StaffMember { name: name.to_owned(), role, languages, capacity };
        office.store.put_staff(&member, Some(&hash), &office.stamp(APPROVER)).await?;
    }
    Ok(())
}

impl Shown {
    /// The account of a referral that went out, by destination, for the summary.
    pub(crate) const DESTINATIONS: [Destination; 2] = [Destination::Attorney, Destination::Agency];
}

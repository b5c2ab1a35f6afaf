//! A night of a large city.
//!
//! A tenth of the accounts have something to decide in the measured night: bills that fall past due, reminders, fees,
//! calls, final notices. Everybody else sleeps, as on any night.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock::SetClock;
use crate::demo::instant;
use crate::domain::account::Profile;
use crate::domain::day::{parse, plus_days};
use crate::domain::document::sha256;
use crate::domain::import::{FileKind, ImportFile, ImportRows, NewEntry};
use crate::domain::{AccountNumber, Address, Cents, CustomerClass, Day, EntryKind, Language, Occupancy, Service};
use crate::office::{DayReport, Office, OfficeError, Result};
use crate::store::ImportResult;

/// Accounts made and imported at a time.
const CHUNK: u32 = 10_000;
/// Who is how many days past due in the measured night, in percent of those with something to decide.
const GROUPS: [(u32, i64); 5] = [(40, 1), (25, 5), (20, 10), (10, 20), (5, 39)];

/// What a night came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub accounts: u32,
    /// Accounts that were decided in the measured night.
    pub decisions: u64,
    pub wall_ms: u128,
    pub accounts_per_s: u64,
    pub decisions_per_s: u64,
    /// The most memory that the process of the measured night ever held, in MiB; zero where the system does not tell.
    pub peak_mib: u64,
    /// A night in which nothing was due.
    pub idle_ms: u128,
    /// The seal of the measured night, made when it is over.
    pub seal_ms: u128,
    pub report: DayReport,
}

impl Measured {
    /// The last line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{} accounts/s, {} decisions/s, {:.2} s wall, {} MiB peak; its seal {} ms; a night with nothing due {} ms",
            self.accounts_per_s,
            self.decisions_per_s,
            Duration::from_millis(u64::try_from(self.wall_ms).unwrap_or(u64::MAX)).as_secs_f64(),
            self.peak_mib,
            self.seal_ms,
            self.idle_ms
        )
    }
}

/// The measured night.
const NIGHT: &str = "2026-05-20";

/// Makes the data in an empty folder, and runs two nights before the one to be measured.
///
/// # Errors
/// When the folder holds an office already, or the database fails.
pub async fn prepare(dir: &Path, database: Option<&str>, accounts: u32, say: &dyn Fn(&str)) -> Result<()> {
    let night = parse(NIGHT).unwrap_or_default();
    let (warm_up, after) = (plus_days(night, -3), plus_days(night, -2));
    let clock = Arc::new(SetClock::new(instant(warm_up, 60)));
    let office = Office::open(dir, database, clock.clone()).await?;
    if !office.store.account_ids(None, 1).await?.is_empty() {
        return Err(OfficeError::refused("the database holds accounts already", "name an empty folder with --dir"));
    }
    office.adopt_shipped("riverbend", "bench").await?;
    let began = Instant::now();
    for from in (0..accounts).step_by(CHUNK as usize) {
        let to = accounts.min(from + CHUNK);
        import(&office, night, from..to).await?;
        say(&format!("{to} of {accounts} accounts made, {:.0} s", began.elapsed().as_secs_f64()));
    }
    say("the nights before");
    office.run_day(warm_up, None).await?;
    // What acted is looked at again the next day; after that everybody sleeps.
    clock.set(instant(after, 60));
    office.run_day(after, None).await?;
    say("the seal over all of it");
    office.seal("made-up data").await?;
    Ok(())
}

/// Measures a night in which nothing is due and the night after it, on data that [`prepare`] has made.
///
/// # Errors
/// When the database fails.
pub async fn measure(dir: &Path, database: Option<&str>, accounts: u32) -> Result<Measured> {
    let night = parse(NIGHT).unwrap_or_default();
    let idle = plus_days(night, -1);
    let clock = Arc::new(SetClock::new(instant(idle, 60)));
    let office = Office::open(dir, database, clock.clone()).await?;
    let began = Instant::now();
    office.run_day(idle, None).await?;
    let idle_ms = began.elapsed().as_millis();
    clock.set(instant(night, 60));
    let began = Instant::now();
    let report = office.run_day(night, None).await?;
    let wall = began.elapsed();
    let began = Instant::now();
    office.seal_night(night).await?;
    let seal_ms = began.elapsed().as_millis();
    let per_second =
        |count: u64| u64::try_from(u128::from(count) * 1_000_000 / wall.as_micros().max(1)).unwrap_or(u64::MAX);
    Ok(Measured {
        accounts,
        decisions: report.examined,
        wall_ms: wall.as_millis(),
        accounts_per_s: per_second(u64::from(accounts)),
        decisions_per_s: per_second(report.examined),
        peak_mib: peak_mib(),
        idle_ms,
        seal_ms,
        report,
    })
}

async fn import(office: &Office, night: Day, range: std::ops::Range<u32>) -> Result<()> {
    let accounts: Vec<(u32, Profile)> = range.clone().map(|n| (n, profile(n))).collect();
    let entries: Vec<NewEntry> = range.clone().flat_map(|n| entries(n, night)).collect();
    let rules = office.rules_on(office.today()).await?;
    let stamp = office.stamp("bench");
    for (kind, rows) in
        [(FileKind::Accounts, ImportRows::Accounts(accounts)), (FileKind::Charges, ImportRows::Entries(entries))]
    {
        let name = format!("{kind}-{}.csv", range.start);
        let hash = sha256(name.as_bytes());
        let columns = std::collections::BTreeSet::new();
        let file = ImportFile { content: hash.clone(), hash, name, kind, columns, rows, loaded_through: Vec::new() };
        if let ImportResult::Refused(rows) = office.store.import(&file, &rules.policy.ledger, &stamp).await? {
            return Err(OfficeError::Interrupted(format!("the made-up data was refused: {rows:?}")));
        }
    }
    Ok(())
}

/// How many days past due the account's last bill is in the measured night; `None` for those who have paid.
fn days_past_due(n: u32) -> Option<i64> {
    if !n.is_multiple_of(10) {
        return None;
    }
    let percent = n / 10 % 100;
    let mut upto = 0;
    GROUPS.iter().find_map(|(share, days)| {
        upto += share;
        (percent < upto).then_some(*days)
    })
}

fn number(n: u32) -> AccountNumber {
    format!("{n:08}").into()
}

pub(super) fn profile(n: u32) -> Profile {
    let address = Address {
        line1: format!("{} Bench Street", n % 9_000 + 1),
        line2: String::new(),
        city: "Riverbend".into(),
        state: "CA".into(),
        zip: format!("956{:02}", n % 100),
    };
    Profile {
        number: number(n),
        customer_name: format!("Customer {n}"),
        service_address: address.clone(),
        mailing_address: address,
        email: n.is_multiple_of(2).then(|| format!("customer{n}@example.com")),
        phones: vec![format!("530555{:04}", n % 10_000)],
        language: if n.is_multiple_of(4) { Language::Spanish } else { Language::English },
        class: CustomerClass::Residential,
        services: vec![Service::Water],
        owner: None,
        occupancy: Occupancy::Tenant,
        third_party: None,
        since: None,
        // Of those who have paid a twentieth have left; the number of the customer is that of the account before.
        ended: (n % 20 == 1).then(|| parse("2026-02-01")).flatten(),
        attributes: BTreeMap::from([("customer".to_owned(), format!("C-{}", n / 2))]),
    }
}

/// Three monthly bills and two payments, or three for those who have paid.
fn entries(n: u32, night: Day) -> Vec<NewEntry> {
    let last_due = match days_past_due(n) {
        Some(days) => plus_days(night, -days),
        None => plus_days(night, -i64::from(n % 28) - 1),
    };
    let mut rows = Vec::with_capacity(6);
    for month in 0..3 {
        let due = plus_days(last_due, -30 * (2 - month));
        let billed = plus_days(due, -21);
        let cents = 8_000 + i64::from(n % 50) * 100;
        rows.push(entry(n, EntryKind::Charge, Cents::new(cents), billed, Some(due), month));
        let is_paid = month < 2 || days_past_due(n).is_none();
        if is_paid {
            rows.push(entry(n, EntryKind::Payment, Cents::new(-cents), plus_days(due, -2), None, month));
        }
    }
    rows
}

fn entry(n: u32, kind: EntryKind, amount: Cents, on: Day, due_on: Option<Day>, month: i64) -> NewEntry {
    NewEntry {
        line: n,
        account: number(n),
        service: if kind == EntryKind::Charge { Service::Water } else { Service::General },
        kind,
        amount,
        effective_on: on,
        due_on,
        printed: BTreeMap::new(),
        channel: (kind == EntryKind::Payment).then_some(crate::domain::ledger::PaymentChannel::Lockbox),
        designated_reference: None,
        arrears_reference: None,
        designated_service: None,
        reverses: None,
        source: "bench".into(),
        reference: format!("{kind}-{n}-{month}"),
        memo: String::new(),
    }
}

/// Linux tells; elsewhere it is zero.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

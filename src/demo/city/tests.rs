//! What the made-up city must be like to be worth showing.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::DateTime;

use super::*;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::import::{ImportFile, ImportRows, NewEntry};
use crate::domain::ledger::{ApplicationOrder, settle};
use crate::domain::{Entry, Language, Profile, day};
use crate::ingest;

fn small() -> CityFiles {
    city(7, 400, day::parse("2026-01-05").unwrap(), 120)
}

fn all_files(city: &CityFiles) -> impl Iterator<Item = &CityFile> {
    city.opening.iter().chain(city.days.iter().flat_map(|day| &day.files))
}

fn read_all(city: &CityFiles) -> Vec<ImportFile> {
    all_files(city)
        .map(|file| ingest::read(&file.name, file.text.as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.text())))
        .collect()
}

fn entries_of(files: &[ImportFile]) -> Vec<&NewEntry> {
    files
        .iter()
        .filter_map(|file| match &file.rows {
            ImportRows::Entries(entries) => Some(entries),
            ImportRows::Accounts(_) | ImportRows::Balances(_) | ImportRows::Deposits(_) | ImportRows::Returns(_) => {
                None
            }
        })
        .flatten()
        .collect()
}

fn profiles(files: &[ImportFile]) -> Vec<&Profile> {
    files
        .iter()
        .filter_map(|file| match &file.rows {
            ImportRows::Accounts(accounts) => Some(accounts),
            ImportRows::Entries(_) | ImportRows::Balances(_) | ImportRows::Deposits(_) | ImportRows::Returns(_) => None,
        })
        .flatten()
        .map(|(_, profile)| profile)
        .collect()
}

/// The ledgers of the city's accounts, as the books would hold them.
fn ledgers(files: &[ImportFile]) -> HashMap<AccountNumber, Vec<Entry>> {
    let entries = entries_of(files);
    let mut amounts = HashMap::new();
    let mut ids = HashMap::new();
    let mut ledgers: HashMap<AccountNumber, Vec<Entry>> = HashMap::new();
    for (row, id) in entries.into_iter().zip(1..) {
        let id = EntryId(id);
        let name = (row.source.clone(), row.reference.clone());
        amounts.insert(name.clone(), row.amount);
        ids.insert(name, id);
        let amount = row.reverses.as_ref().map_or(row.amount, |original| -amounts[original]);
        ledgers.entry(row.account.clone()).or_default().push(Entry {
            id,
            account: AccountId(1),
            service: row.service,
            kind: row.kind,
            amount,
            effective_on: row.effective_on,
            due_on: row.due_on,
            printed: BTreeMap::new(),
            designated_item: None,
            designated_service: None,
            reverses: row.reverses.as_ref().map(|original| ids[original]),
            channel: row.channel,
            source: row.source.clone(),
            reference: row.reference.clone(),
            memo: String::new(),
            recorded_at: DateTime::UNIX_EPOCH,
        });
    }
    ledgers
}

/// Of a thousand accounts, those with more than $60 at least so many days past due.
fn past_due_per_mille(files: &[ImportFile], on: Day, days: i64) -> usize {
    let order = ApplicationOrder::default();
    let ledgers = ledgers(files);
    let past_due = ledgers.values().filter(|entries| {
        let items = settle(entries, &order, &[], on).items;
        let owed: Cents = items.iter().filter(|item| days_between(item.due_on, on) >= days).map(|item| item.open).sum();
        owed > Cents::new(6_000)
    });
    past_due.count() * 1_000 / ledgers.len()
}

#[test]
fn every_file_of_the_city_is_read_without_an_error() {
    let city = small();
    let files = read_all(&city);
    assert_eq!(city.days.len(), 120);
    let kinds: BTreeSet<FileKind> = files.iter().map(|file| file.kind).collect();
    let mut brought: BTreeSet<FileKind> = FileKind::ALL.iter().copied().collect();
    // The balances and deposits are the billing system's, which is beside the city.
    brought.remove(&FileKind::Balances);
    brought.remove(&FileKind::Deposits);
    brought.remove(&FileKind::Returns);
    assert_eq!(kinds, brought);
    for (file, read) in all_files(&city).zip(&files) {
        assert!(file.name.starts_with(read.kind.word()), "{} was taken for {}", file.name, read.kind);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_another_city() {
    assert_eq!(small(), small());
    let text: String = all_files(&small()).map(|file| file.text.as_str()).collect();
    let hash = crate::domain::document::sha256(text.as_bytes());
    assert_eq!(hash.as_str(), "c2918d8646c8e1b5c0d22454505453d9f07d01e4ae1ee74060daa1fe5f26e9b3");
    assert_ne!(city(8, 400, day::parse("2026-01-05").unwrap(), 120), small());
}

#[test]
fn a_delinquent_city_is_a_believable_one() {
    let start = day::parse("2026-01-05").unwrap();
    let files = read_all(&city(1, 1_000, start, 180));
    for (on, days, low, high) in [
        (start, 1, 130, 260),
        (start, 60, 20, 60),
        (start, 180, 5, 30),
        (plus_days(start, 179), 1, 150, 300),
        (plus_days(start, 179), 60, 50, 110),
    ] {
        let share = past_due_per_mille(&files, on, days);
        println!("{on}: {share} of 1,000 accounts owe more than $60 at least {days} days past due");
        assert!((low..=high).contains(&share), "{share} on {on} at {days} days");
    }
}

#[test]
fn a_third_of_the_letters_are_spanish_and_two_thirds_of_the_people_have_email() {
    let files = read_all(&city(1, 1_000, day::parse("2026-01-05").unwrap(), 1));
    let profiles = profiles(&files);
    let share = |test: fn(&Profile) -> bool| profiles.iter().filter(|p| test(p)).count() * 1_000 / profiles.len();
    assert!((200..=350).contains(&share(|p| p.language == Language::Spanish)));
    assert!((600..=700).contains(&share(|p| p.email.is_some())));
    assert!((100..=300).contains(&share(Profile::mails_elsewhere)));
    assert!((50..=400).contains(&share(|p| p.owner.is_some())));
}

#[test]
fn no_telephone_number_or_mailbox_is_a_real_persons() {
    let files = read_all(&small());
    for profile in profiles(&files) {
        assert!(profile.phones.iter().all(|phone| phone[3..].starts_with("55501")), "{:?}", profile.phones);
        let is_example = |email: &String| email.ends_with("@example.com") || email.ends_with("@example.net");
        assert!(profile.email.iter().all(is_example), "{:?}", profile.email);
    }
}

#[test]
fn every_channel_is_loaded_through_the_day_before_each_weekday() {
    let city = small();
    let mut through: BTreeMap<PaymentChannel, Day> = BTreeMap::new();
    let mut read = |files: &[CityFile]| {
        for file in files {
            through.extend(ingest::read(&file.name, file.text.as_bytes()).unwrap().loaded_through);
        }
        through.clone()
    };
    read(&city.opening);
    for morning in &city.days {
        let through = read(&morning.files);
        if next_weekday(morning.day) == morning.day {
            for channel in PaymentChannel::ALL.iter().filter(|channel| channel.is_awaited()) {
                assert_eq!(through.get(channel), Some(&plus_days(morning.day, -1)), "{channel} on {}", morning.day);
            }
        }
    }
}

#[test]
fn a_row_arrives_once_and_a_payment_that_was_misread_matches_no_account() {
    let city = city(3, 1_000, day::parse("2026-01-05").unwrap(), 60);
    let files = read_all(&city);
    let entries = entries_of(&files);
    let known: HashSet<&AccountNumber> = city.people.keys().collect();
    let mut names = HashSet::new();
    let mut strangers = BTreeSet::new();
    for entry in entries {
        assert!(names.insert((&entry.source, &entry.reference)), "{} stands twice", entry.reference);
        if !known.contains(&entry.account) {
            strangers.insert(entry.reference.clone());
        }
    }
    assert!(!strangers.is_empty());
    assert_eq!(strangers, city.misread.iter().map(|misread| misread.reference.clone()).collect());
}

#[test]
fn every_behavior_lives_in_the_city() {
    let city = city(1, 2_000, day::parse("2026-01-05").unwrap(), 180);
    let behaviors: BTreeSet<Behavior> = city.people.values().map(|persona| persona.behavior).collect();
    assert_eq!(behaviors, Behavior::ALL.iter().copied().collect());
    assert!(city.plans.values().any(|plan| plan.is_kept) && city.plans.values().any(|plan| !plan.is_kept));
    for plan in city.plans.values() {
        let installments: Cents = plan.installments.iter().map(|(_, amount)| *amount).sum();
        assert_eq!(plan.down_payment + installments, plan.owed);
    }
}

#[test]
fn a_kept_arrangement_ends_with_nothing_past_due() {
    let city = city(1, 500, day::parse("2026-01-05").unwrap(), 240);
    let ledgers = ledgers(&read_all(&city));
    let misread: HashSet<&AccountNumber> = city.misread.iter().map(|misread| &misread.right_account).collect();
    for (number, plan) in city.plans.iter().filter(|(number, plan)| plan.is_kept && !misread.contains(number)) {
        let (last, _) = plan.installments.last().unwrap();
        let items = settle(&ledgers[number], &ApplicationOrder::default(), &[], *last).items;
        assert!(items.iter().all(|item| item.due_on >= *last), "{number} on {last}: {items:?}");
    }
}

#[test]
fn a_city_of_any_size_can_be_streamed() {
    let city = City { seed: 1, accounts: 1_000_000, start: day::parse("2026-01-05").unwrap(), days: 1 };
    let (mut accounts, mut charges, mut payments) = (Vec::new(), Vec::new(), Vec::new());
    let past = plus_days(city.start, -90)..city.start;
    accounts_csv(&mut accounts, &city, 999_900..1_000_000).unwrap();
    charges_csv(&mut charges, &city, 999_900..1_000_000, past.clone()).unwrap();
    payments_csv(&mut payments, &city, 999_900..1_000_000, past).unwrap();
    assert!(ingest::read("accounts.csv", &accounts).is_ok());
    assert!(ingest::read("charges.csv", &charges).is_ok());
    assert_eq!(ingest::read("payments.csv", &payments).unwrap().loaded_through.len(), 4);
}

//! Riverbend: a made-up Californian city, the same for the same seed, down to the byte.
//!
//! [`city`] gives the files that arrive each morning and the people behind the accounts, so that whoever plays them
//! knows who answers the telephone and who keeps a promise. For sizes that do not fit in memory, [`accounts_csv`],
//! [`charges_csv`] and [`payments_csv`] write the same people and money straight to a file.
//! Deliberately absent: any knowledge of what Arrears decides. People pay by the calendar.

mod chance;
mod files;
mod money;
mod names;
mod resident;

pub use files::{accounts_csv, charges_csv, payments_csv};
pub use money::{Bill, Money, Payment, PlannedArrangement};
pub use resident::{Behavior, Persona, PhoneManner, Reply, Resident};

use std::collections::BTreeMap;

use crate::domain::day::{days_between, plus_days};
use crate::domain::import::FileKind;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountNumber, Cents, Day};
use resident::next_weekday;

/// What a city follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct City {
    pub seed: u64,
    pub accounts: u32,
    /// The first business date of the story; before it lies the history.
    pub start: Day,
    /// How many business dates the story has.
    pub days: u32,
}

impl City {
    /// The day after the last business date.
    #[must_use]
    pub fn end(&self) -> Day {
        plus_days(self.start, i64::from(self.days))
    }
}

/// A file as it lies in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CityFile {
    pub name: String,
    pub text: String,
}

/// What arrives on the morning of a day, before its run, in the order in which it is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CityDay {
    pub day: Day,
    pub files: Vec<CityFile>,
}

/// A payment whose account number the bank misread: it goes to the unmatched list until a person matches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The morning on which its file arrives.
    pub arrives_on: Day,
    pub source: String,
    pub reference: String,
    pub right_account: AccountNumber,
}

/// A city's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CityFiles {
    /// What is there before the first day: accounts, and charges, payments and returns of the past.
    pub opening: Vec<CityFile>,
    /// A day for each business date.
    pub days: Vec<CityDay>,
    /// How the person behind each account is.
    pub people: BTreeMap<AccountNumber, Persona>,
    /// The arrangements that people will ask for.
    pub plans: BTreeMap<AccountNumber, PlannedArrangement>,
    /// By the day on which they arrive.
    pub misread: Vec<Misread>,
}

/// Makes a city's story.
#[must_use]
pub fn city(seed: u64, accounts: u32, start: Day, days: u32) -> CityFiles {
    let city = City { seed, accounts, start, days };
    let mut desk = Desk::new(city);
    for index in 0..accounts {
        desk.take(&Resident::of(&city, index));
    }
    desk.close()
}

/// The rows of one morning, by the file that they go into.
#[derive(Clone, Debug, Default)]
struct Tray {
    accounts: String,
    charges: String,
    payments: BTreeMap<PaymentChannel, (String, u64, Cents)>,
    adjustments: String,
    reversals: String,
}

/// Sorts rows into the mornings on which they arrive.
struct Desk {
    city: City,
    opening: Tray,
    mornings: Vec<Tray>,
    people: BTreeMap<AccountNumber, Persona>,
    plans: BTreeMap<AccountNumber, PlannedArrangement>,
    misread: Vec<Misread>,
}

impl Desk {
    fn new(city: City) -> Self {
        Self {
            city,
            opening: Tray::default(),
            mornings: vec![Tray::default(); city.days as usize],
            people: BTreeMap::new(),
            plans: BTreeMap::new(),
            misread: Vec::new(),
        }
    }

    fn take(&mut self, resident: &Resident) {
        let number = &resident.profile.number;
        let money = Money::of(&self.city, resident);
        self.take_record(resident);
        for bill in &money.bills {
            if let Some(tray) = self.tray(bill.billed_on, bill.billed_on) {
                tray.charges.push_str(&files::charge_rows(resident, bill));
            }
            if let Some((on, amount)) = bill.adjustment
                && let Some(tray) = self.tray(on, on)
            {
                tray.adjustments.push_str(&files::adjustment_row(resident, bill, on, amount));
            }
        }
        for payment in &money.payments {
            self.take_payment(resident, payment);
        }
        self.people.insert(number.clone(), resident.persona.clone());
        if let Some(plan) = money.plan {
            self.plans.insert(number.clone(), plan);
        }
    }

    /// The record as it is at the start; a later end of service brings it again.
    fn take_record(&mut self, resident: &Resident) {
        let mut profile = resident.profile.clone();
        let later_end = profile.ended.filter(|ended| *ended >= self.city.start);
        if let Some(ended) = later_end {
            if let Some(tray) = self.tray(ended, next_weekday(plus_days(ended, 1))) {
                tray.accounts.push_str(&files::account_row(&profile));
            }
            profile.ended = None;
        }
        self.opening.accounts.push_str(&files::account_row(&profile));
    }

    fn take_payment(&mut self, resident: &Resident, payment: &Payment) {
        let arrives_on = arrival(payment.channel, payment.received_on);
        let Some(tray) = self.tray(payment.received_on, arrives_on) else { return };
        let (rows, count, total) = tray.payments.entry(payment.channel).or_default();
        rows.push_str(&files::payment_row(resident, payment));
        *count += 1;
        *total += payment.amount;
        if payment.is_misread {
            self.misread.push(Misread {
                arrives_on: arrives_on.max(self.city.start),
                source: payment.channel.to_string(),
                reference: files::payment_reference(resident, payment),
                right_account: resident.profile.number.clone(),
            });
        }
        if let Some(on) = payment.returned_on
            && let Some(tray) = self.tray(on, next_weekday(plus_days(on, 1)))
        {
            tray.reversals.push_str(&files::reversal_row(resident, payment, on));
        }
    }

    /// Where a row of a day goes that arrives on a morning; `None`: after the story's end.
    fn tray(&mut self, of: Day, arrives_on: Day) -> Option<&mut Tray> {
        if of < self.city.start {
            return Some(&mut self.opening);
        }
        let index = usize::try_from(days_between(self.city.start, arrives_on)).ok()?;
        self.mornings.get_mut(index)
    }

    fn close(mut self) -> CityFiles {
        let City { start, .. } = self.city;
        let channels: Vec<PaymentChannel> =
            PaymentChannel::ALL.iter().copied().filter(|channel| channel.is_awaited()).collect();
        let mut opening = Vec::new();
        let through = plus_days(start, -1);
        opening.extend(master_files(&self.opening, "opening"));
        let mut payments = String::from(files::PAYMENTS_HEADER);
        let mut controls = String::new();
        for channel in &channels {
            let (rows, count, total) = self.opening.payments.remove(channel).unwrap_or_default();
            payments.push_str(&rows);
            controls.push_str(&files::control_row(*channel, through, count, total));
        }
        opening.push(file(FileKind::Payments, "opening", payments + &controls));
        opening.extend(correction_files(&self.opening, "opening"));

        let mut days = Vec::with_capacity(self.mornings.len());
        for (offset, mut tray) in (0..).zip(self.mornings) {
            let day = plus_days(start, offset);
            let stamp = day.to_string();
            let mut files = master_files(&tray, &stamp);
            for &channel in channels.iter().filter(|channel| offset > 0 && delivers_on(**channel, day)) {
                let (rows, count, total) = tray.payments.remove(&channel).unwrap_or_default();
                let control = files::control_row(channel, plus_days(day, -1), count, total);
                let text = [files::PAYMENTS_HEADER, &rows, &control].concat();
                files.push(file(FileKind::Payments, &format!("{channel}-{stamp}"), text));
            }
            files.extend(correction_files(&tray, &stamp));
            days.push(CityDay { day, files });
        }
        self.misread.sort_by(|a, b| (a.arrives_on, &a.reference).cmp(&(b.arrives_on, &b.reference)));
        CityFiles { opening, days, people: self.people, plans: self.plans, misread: self.misread }
    }
}

/// The morning on which a payment's file arrives: the next one; the bank and the counter deliver on weekdays.
fn arrival(channel: PaymentChannel, received_on: Day) -> Day {
    let next = plus_days(received_on, 1);
    if delivers_on(channel, next) { next } else { next_weekday(next) }
}

fn delivers_on(channel: PaymentChannel, day: Day) -> bool {
    match channel {
        PaymentChannel::Lockbox | PaymentChannel::Counter => next_weekday(day) == day,
        PaymentChannel::Online | PaymentChannel::Autopay | PaymentChannel::Agency => true,
    }
}

fn file(kind: FileKind, stamp: &str, text: String) -> CityFile {
    CityFile { name: format!("{kind}-{stamp}.csv"), text }
}

/// Accounts and charges, where there are any.
fn master_files(tray: &Tray, stamp: &str) -> Vec<CityFile> {
    let mut files = Vec::new();
    if !tray.accounts.is_empty() {
        files.push(file(FileKind::Accounts, stamp, files::accounts_header() + &tray.accounts));
    }
    if !tray.charges.is_empty() {
        files.push(file(FileKind::Charges, stamp, [files::CHARGES_HEADER, &tray.charges].concat()));
    }
    files
}

/// Adjustments and reversals, where there are any.
fn correction_files(tray: &Tray, stamp: &str) -> Vec<CityFile> {
    let mut files = Vec::new();
    if !tray.adjustments.is_empty() {
        files.push(file(FileKind::Adjustments, stamp, [files::ADJUSTMENTS_HEADER, &tray.adjustments].concat()));
    }
    if !tray.reversals.is_empty() {
        files.push(file(FileKind::Reversals, stamp, [files::REVERSALS_HEADER, &tray.reversals].concat()));
    }
    files
}

#[cfg(test)]
mod tests;

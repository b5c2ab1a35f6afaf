//! The city's people and money as the files that `docs/IMPORT.md` defines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;

use super::City;
use super::money::{Bill, Money, Payment};
use super::resident::Resident;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountNumber, Address, Cents, Day, Party, Profile, Service};

const ACCOUNT_COLUMNS: &[&str] = &[
    "account",
    "customer_name",
    "service_address",
    "service_address2",
    "service_city",
    "service_state",
    "service_zip",
    "mailing_address",
    "mailing_address2",
    "mailing_city",
    "mailing_state",
    "mailing_zip",
    "email",
    "phone",
    "phone2",
    "language",
    "class",
    "services",
    "occupancy",
    "owner_name",
    "owner_address",
    "owner_address2",
    "owner_city",
    "owner_state",
    "owner_zip",
    "third_party_name",
    "third_party_address",
    "third_party_address2",
    "third_party_city",
    "third_party_state",
    "third_party_zip",
    "service_began",
    "service_ended",
    "parcel",
    "opt_out_calls",
    "customer.age",
    "customer.low_income",
    "premises.meter",
    "premises.master_meter",
    "premises.units",
];
pub const CHARGES_HEADER: &str = "account,service,amount,billed_on,due_on,source,reference,memo\n";
pub const PAYMENTS_HEADER: &str = "account,amount,received_on,channel,source,reference,memo\n";
pub const ADJUSTMENTS_HEADER: &str = "account,service,amount,adjusted_on,source,reference,memo\n";
pub const REVERSALS_HEADER: &str = "account,reversed_on,reverses_source,reverses_reference,source,reference,memo\n";

/// The accounts at `indexes` as an accounts file.
///
/// # Errors
/// When `out` cannot be written.
pub fn accounts_csv(out: &mut impl Write, city: &City, indexes: Range<u32>) -> io::Result<()> {
    out.write_all(accounts_header().as_bytes())?;
    for index in indexes {
        out.write_all(account_row(&Resident::of(city, index).profile).as_bytes())?;
    }
    Ok(())
}

/// What the accounts at `indexes` are billed from a day until before another, as a charges file.
///
/// # Errors
/// When `out` cannot be written.
pub fn charges_csv(out: &mut impl Write, city: &City, indexes: Range<u32>, days: Range<Day>) -> io::Result<()> {
    out.write_all(CHARGES_HEADER.as_bytes())?;
    for index in indexes {
        let resident = Resident::of(city, index);
        for bill in Money::of(city, &resident).bills.iter().filter(|bill| days.contains(&bill.billed_on)) {
            out.write_all(charge_rows(&resident, bill).as_bytes())?;
        }
    }
    Ok(())
}

/// What the accounts at `indexes` pay from a day until before another, as a payments file with a control record for
/// each channel, loaded through the last of these days. Returned checks and unread account numbers are left out.
///
/// # Errors
/// When `out` cannot be written.
pub fn payments_csv(out: &mut impl Write, city: &City, indexes: Range<u32>, days: Range<Day>) -> io::Result<()> {
    out.write_all(PAYMENTS_HEADER.as_bytes())?;
    let mut totals: BTreeMap<PaymentChannel, (u64, Cents)> = BTreeMap::new();
    for index in indexes {
        let resident = Resident::of(city, index);
        for payment in &Money::of(city, &resident).payments {
            if days.contains(&payment.received_on) && payment.returned_on.is_none() && !payment.is_misread {
                out.write_all(payment_row(&resident, payment).as_bytes())?;
                let total = totals.entry(payment.channel).or_default();
                *total = (total.0 + 1, total.1 + payment.amount);
            }
        }
    }
    for &channel in PaymentChannel::ALL.iter().filter(|channel| channel.is_awaited()) {
        let (count, total) = totals.get(&channel).copied().unwrap_or_default();
        let through = crate::domain::day::plus_days(days.end, -1);
        out.write_all(control_row(channel, through, count, total).as_bytes())?;
    }
    Ok(())
}

/// The first line of an accounts file.
pub fn accounts_header() -> String {
    ACCOUNT_COLUMNS.join(",") + "\n"
}

/// An account's record, a value for each of [`ACCOUNT_COLUMNS`].
pub fn account_row(profile: &Profile) -> String {
    let attribute = |name: &str| profile.attributes.get(name).cloned().unwrap_or_default();
    let day = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
    let services: Vec<&str> = profile.services.iter().map(|service| service.word()).collect();
    let phone = |at: usize| profile.phones.get(at).cloned().unwrap_or_default();
    let mut row = vec![profile.number.to_string(), profile.customer_name.clone()];
    row.extend(address(Some(&profile.service_address)));
    row.extend(address(profile.mails_elsewhere().then_some(&profile.mailing_address)));
    row.extend([
        profile.email.clone().unwrap_or_default(),
        phone(0),
        phone(1),
        profile.language.word().to_owned(),
        profile.class.word().to_owned(),
        services.join(";"),
        profile.occupancy.word().to_owned(),
    ]);
    row.extend(party(profile.owner.as_ref()));
    row.extend(party(profile.third_party.as_ref()));
    row.extend([day(profile.since), day(profile.ended)]);
    for name in ["parcel", "opt_out_calls"] {
        row.push(attribute(name));
    }
    for name in ["customer.age", "customer.low_income", "premises.meter", "premises.master_meter", "premises.units"] {
        row.push(attribute(name));
    }
    let quoted: Vec<_> = row.iter().map(|value| quoted(value)).collect();
    quoted.join(",") + "\n"
}

/// A value as it stands in a CSV file.
fn quoted(value: &str) -> Cow<'_, str> {
    if value.contains([',', '"']) {
        Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(value)
    }
}

fn address(address: Option<&Address>) -> [String; 5] {
    let Some(Address { line1, line2, city, state, zip }) = address.cloned() else { return Default::default() };
    [line1, line2, city, state, zip]
}

fn party(party: Option<&Party>) -> Vec<String> {
    let mut row = vec![party.map(|party| party.name.clone()).unwrap_or_default()];
    row.extend(address(party.map(|party| &party.address)));
    row
}

/// A bill's charges, a row for each service.
pub fn charge_rows(resident: &Resident, bill: &Bill) -> String {
    let Bill { billed_on, due_on, .. } = bill;
    let number = &resident.profile.number;
    let mut rows = String::with_capacity(256);
    for (service, amount) in &bill.lines {
        let (amount, reference) = (amount.to_plain(), charge_reference(number, *billed_on, *service));
        rows.push_str(&format!(
            "{number},{service},{amount},{billed_on},{due_on},cis,{reference},Bill of {billed_on}\n"
        ));
    }
    rows
}

fn charge_reference(account: &AccountNumber, billed_on: Day, service: Service) -> String {
    format!("B{}-{account}-{service}", billed_on.format("%Y%m"))
}

/// A payment. Where the bank misread the account number, a digit is missing: no account has that number.
pub fn payment_row(resident: &Resident, payment: &Payment) -> String {
    let Payment { received_on, amount, channel, .. } = payment;
    let account =
        if payment.is_misread { misread(&resident.profile.number) } else { resident.profile.number.to_string() };
    let reference = payment_reference(resident, payment);
    let memo = match channel {
        PaymentChannel::Lockbox => format!("Check {}", 1_000 + (resident.index * 7) % 7_000 + check_number(payment)),
        PaymentChannel::Counter => "Paid at the counter".to_owned(),
        PaymentChannel::Online => "Paid online".to_owned(),
        PaymentChannel::Autopay => "Automatic payment".to_owned(),
        PaymentChannel::Agency => "Collected by the agency".to_owned(),
    };
    format!("{account},{},{received_on},{channel},{channel},{reference},{memo}\n", amount.to_plain())
}

fn check_number(payment: &Payment) -> u32 {
    u32::try_from(payment.number).unwrap_or(0)
}

/// The account number as the bank read it: without its first digit.
fn misread(account: &AccountNumber) -> String {
    account.as_str().chars().skip(1).collect()
}

/// Names a payment in its channel.
pub fn payment_reference(resident: &Resident, payment: &Payment) -> String {
    let prefix = match payment.channel {
        PaymentChannel::Lockbox => "LB",
        PaymentChannel::Counter => "CT",
        PaymentChannel::Online => "ON",
        PaymentChannel::Autopay => "AP",
        PaymentChannel::Agency => "AG",
    };
    let (day, number) = (payment.received_on.format("%Y%m%d"), &resident.profile.number);
    format!("{prefix}{day}-{number}-{}", payment.number)
}

/// A control record.
pub fn control_row(channel: PaymentChannel, through: Day, count: u64, total: Cents) -> String {
    format!("#control,{channel},{through},{count},{}\n", total.to_plain())
}

/// A leak adjustment.
pub fn adjustment_row(resident: &Resident, bill: &Bill, on: Day, amount: Cents) -> String {
    let number = &resident.profile.number;
    let reference = format!("ADJ{}-{number}", bill.billed_on.format("%Y%m"));
    format!("{number},water,{},{on},cis,{reference},Leak adjustment\n", (-amount).to_plain())
}

/// A returned check.
pub fn reversal_row(resident: &Resident, payment: &Payment, on: Day) -> String {
    let (number, reference) = (&resident.profile.number, payment_reference(resident, payment));
    format!("{number},{on},{},{reference},bank,RET-{reference},Insufficient funds\n", payment.channel)
}

//! Rows of a file that somebody is to look at although the file is taken: payments that stand in the books already under a
//! reference that differs in capitals alone, charges for services that their accounts do not have, and credits that may be a waiver
//! which is known here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::types::Json;

use super::known::Key;
use super::ledger::OWN_SOURCE;
use super::{Conn, Result, rows, sql, texts};
use crate::domain::import::NewEntry;
use crate::domain::{AccountNumber, Cents, Day, EntryKind, Service};

/// What is known of a page beside the books.
#[derive(Default)]
pub(super) struct Doubtful {
    /// Payments in the books of the same account, amount and day, by what is alike in their references.
    alike: BTreeMap<Alike, Key>,
    services: BTreeMap<String, BTreeSet<Service>>,
    /// Fees of ours that were waived here, and of which the billing system has not said that it took them back.
    waived: BTreeMap<(String, Cents), String>,
}

/// What two payments have in common whose references differ in capitals alone.
type Alike = (String, String, AccountNumber, Cents, Day);

fn alike(row: &NewEntry) -> Alike {
    let folded = |text: &str| text.to_ascii_lowercase();
    (folded(&row.source), folded(&row.reference), row.account.clone(), row.amount, row.effective_on)
}

/// What a file brought that somebody is to look at.
#[derive(Default)]
pub(super) struct Doubts {
    respelled: Vec<String>,
    unserved: Vec<String>,
    waived: Vec<String>,
}

#[derive(Serialize)]
struct PaymentRow<'a> {
    account: &'a str,
    source: &'a str,
    reference: &'a str,
    cents: Cents,
    on_day: Day,
}

impl Doubtful {
    pub(super) async fn read(conn: &mut Conn, page: &[NewEntry]) -> Result<Self> {
        Ok(Self {
            alike: read_alike(conn, page).await?,
            services: read_services(conn, page).await?,
            waived: read_waived(conn, page).await?,
        })
    }

    /// Whether a payment that would be new stands in the books already, or stood earlier in the file, under a reference that
    /// differs in capitals alone: then it is told, and not counted again.
    pub(super) fn is_respelled(&mut self, row: &NewEntry, doubts: &mut Doubts) -> bool {
        if row.kind != EntryKind::Payment {
            return false;
        }
        let key = (row.source.clone(), row.reference.clone());
        let known = self.alike.entry(alike(row)).or_insert_with(|| key.clone());
        if *known == key {
            return false;
        }
        doubts.respelled.push(format!("line {}, {} of {}, is {} of {}", row.line, key.1, key.0, known.1, known.0));
        true
    }

    /// Notes a credit that names no debt and is of the amount of a fee of ours which was waived here: it may be that waiver.
    pub(super) fn look_at_waivers(&self, row: &NewEntry, doubts: &mut Doubts) {
        let amount = (row.account.as_str().to_owned(), -row.amount);
        if let Some(fee) = self.waived.get(&amount).filter(|_| is_bare_credit(row)) {
            doubts.waived.push(format!("line {}, {} for account {}, and {fee}", row.line, row.reference, row.account));
        }
    }

    /// Notes a charge for a service that its account does not have.
    pub(super) fn look_at_service(&self, row: &NewEntry, doubts: &mut Doubts) {
        let services = self.services.get(row.account.as_str()).filter(|services| !services.is_empty());
        let is_charge = row.kind == EntryKind::Charge && row.service != Service::General;
        if is_charge && services.is_some_and(|services| !services.contains(&row.service)) {
            doubts.unserved.push(format!("line {}, {} for account {}", row.line, row.service, row.account));
        }
    }
}

impl Doubts {
    /// Sentences for whoever took the file.
    pub(super) fn told(&self, file: &str) -> Vec<String> {
        let mut told = Vec::new();
        if let Some(first) = self.respelled.first() {
            told.push(format!(
                "{file}: {} in the books already under references that differ in capitals alone (first: {first}): the same account, \
                 amount and day, and not counted again. Is one another payment, have it sent under another reference",
                counted(self.respelled.len(), "payment stands", "payments stand")
            ));
        }
        if let Some(first) = self.unserved.first() {
            told.push(format!(
                "{file}: {} for a service that the account does not have by its record (first: {first}): taken, and owed. \
                 Have the record or the charge corrected",
                counted(self.unserved.len(), "charge is", "charges are")
            ));
        }
        if let Some(first) = self.waived.first() {
            told.push(format!(
                "{file}: {} of the amount of a fee that was waived here (first: {first}): taken as another credit. Is it the waiver, the \
                 fee is taken back twice: have the credit reversed, and sent again with the fee's `arrears_reference`, or with its bill \
                 in `for_reference`",
                counted(self.waived.len(), "credit is", "credits are")
            ));
        }
        told
    }
}

fn is_bare_credit(row: &NewEntry) -> bool {
    row.kind == EntryKind::Adjustment
        && row.amount.is_negative()
        && row.arrears_reference.is_none()
        && row.designated_reference.is_none()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Payments of the page's accounts, amounts and days under references that differ from the page's in capitals alone.
async fn read_alike(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<Alike, Key>> {
    let payments: Vec<PaymentRow<'_>> = page
        .iter()
        .filter(|row| row.kind == EntryKind::Payment)
        .map(|row| PaymentRow {
            account: row.account.as_str(),
            source: &row.source,
            reference: &row.reference,
            cents: row.amount,
            on_day: row.effective_on,
        })
        .collect();
    if payments.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = format!(
        "SELECT r.account, entry.source, entry.reference, entry.cents, entry.effective_on
         FROM {} JOIN account ON account.number = r.account
         JOIN entry ON entry.account_id = account.id AND entry.kind = 'payment' AND entry.cents = r.cents
            AND entry.effective_on = r.on_day
         WHERE lower(entry.reference) = lower(r.reference) AND lower(entry.source) = lower(r.source) ORDER BY entry.id DESC",
        rows(1, "account text, source text, reference text, cents bigint, on_day date")
    );
    let found: Vec<(String, String, String, i64, Day)> =
        sqlx::query_as(sql(select)).bind(Json(payments)).fetch_all(conn).await?;
    let known = |(account, source, reference, cents, on): (String, String, String, i64, Day)| {
        let folded = |text: &str| text.to_ascii_lowercase();
        let number = AccountNumber::from(account);
        ((folded(&source), folded(&reference), number, Cents::new(cents), on), (source, reference))
    };
    Ok(found.into_iter().map(known).collect())
}

/// The services of the accounts that the page charges.
async fn read_services(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<String, BTreeSet<Service>>> {
    let charges = page.iter().filter(|row| row.kind == EntryKind::Charge && row.service != Service::General);
    let numbers: BTreeSet<&AccountNumber> = charges.map(|row| &row.account).collect();
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = format!("SELECT number, profile -> 'services' FROM account WHERE number IN {}", texts(1));
    let found: Vec<(String, Json<BTreeSet<Service>>)> =
        sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(conn).await?;
    Ok(found.into_iter().map(|(number, Json(services))| (number, services)).collect())
}

/// Fees of ours on accounts of the page to which a credit comes, that were waived here after the billing system was told of them, and
/// of which it has not said that it took them back: by account and amount.
async fn read_waived(conn: &mut Conn, page: &[NewEntry]) -> Result<BTreeMap<(String, Cents), String>> {
    let numbers: BTreeSet<&AccountNumber> =
        page.iter().filter(|row| is_bare_credit(row)).map(|row| &row.account).collect();
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = format!(
        "SELECT account.number, fee.cents, fee.memo, fee.effective_on FROM account
         JOIN entry AS fee ON fee.account_id = account.id AND fee.source = '{OWN_SOURCE}' AND fee.kind = 'fee'
         JOIN entry AS undoing ON undoing.reverses = fee.id AND undoing.source = '{OWN_SOURCE}'
         WHERE account.number IN {} AND NOT EXISTS (SELECT 1 FROM taken_over WHERE taken_over.entry_id = undoing.id)
            AND (EXISTS (SELECT 1 FROM taken_over WHERE taken_over.entry_id = fee.id)
                OR EXISTS (SELECT 1 FROM fee_export_line AS line WHERE line.entry_id = fee.id))
         ORDER BY fee.id",
        texts(1)
    );
    let found: Vec<(String, i64, String, Day)> =
        sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(conn).await?;
    let fee = |(number, cents, name, on)| ((number, Cents::new(cents)), format!("the {name} of {on}"));
    Ok(found.into_iter().map(fee).collect())
}

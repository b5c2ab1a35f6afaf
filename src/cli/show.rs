//! How rows of all commands are shown: days, account numbers, what is not there.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Result;
use crate::domain::{AccountId, AccountNumber, Day, day};
use crate::office::Office;

/// `Fri 2026-05-22`, or nothing.
#[must_use]
pub fn maybe_day(day: Option<Day>) -> String {
    day.map(day::short).unwrap_or_default()
}

/// The text, or nothing.
#[must_use]
pub fn maybe(text: Option<&impl ToString>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// A row with the number of its account, which people know it by.
#[derive(Debug, Serialize)]
pub struct Numbered<T> {
    pub account_number: AccountNumber,
    #[serde(flatten)]
    pub row: T,
}

/// Adds the accounts' numbers to rows.
///
/// # Errors
/// When the database fails.
pub async fn numbered<T>(office: &Office, rows: Vec<T>, account: impl Fn(&T) -> AccountId) -> Result<Vec<Numbered<T>>> {
    let mut known: BTreeMap<AccountId, AccountNumber> = BTreeMap::new();
    let mut numbered = Vec::with_capacity(rows.len());
    for row in rows {
        let id = account(&row);
        let account_number = match known.get(&id) {
            Some(number) => number.clone(),
            None => {
                let number = office.store.account(id).await?.profile.number;
                known.insert(id, number.clone());
                number
            }
        };
        numbered.push(Numbered { account_number, row });
    }
    Ok(numbered)
}

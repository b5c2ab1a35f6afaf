//! Rows that stand twice in one file. The same content twice does no harm: the books know the second one already.
//! Two contents under one reference cannot both be true, and the file does not say which one is.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::errors::{FileErrors, Problem};
use crate::domain::Profile;
use crate::domain::import::NewEntry;

/// Reports references that stand twice in a source with different contents.
pub fn report_entries(entries: &[NewEntry], errors: &mut FileErrors) {
    let mut first_of: HashMap<(&str, &str), &NewEntry> = HashMap::with_capacity(entries.len());
    for entry in entries {
        match first_of.entry((&entry.source, &entry.reference)) {
            Slot::Vacant(slot) => {
                slot.insert(entry);
            }
            Slot::Occupied(slot) => {
                let first = slot.get();
                let same = NewEntry { line: first.line, ..entry.clone() } == **first;
                if !same {
                    let problem = Problem::Repeated { first_line: first.line, differs: difference(first, entry) };
                    errors.add(entry.line, Some("reference"), Some(&entry.reference), problem);
                }
            }
        }
    }
}

/// Reports accounts that stand twice with different contents.
pub fn report_accounts(accounts: &[(u32, Profile)], errors: &mut FileErrors) {
    let mut first_of: HashMap<&str, &(u32, Profile)> = HashMap::with_capacity(accounts.len());
    for row in accounts {
        let (line, profile) = row;
        match first_of.entry(profile.number.as_str()) {
            Slot::Vacant(slot) => {
                slot.insert(row);
            }
            Slot::Occupied(slot) if slot.get().1 != *profile => {
                let differs = "the two rows do not say the same of the account".to_owned();
                let problem = Problem::Repeated { first_line: slot.get().0, differs };
                errors.add(*line, Some("account"), Some(profile.number.as_str()), problem);
            }
            Slot::Occupied(_) => {}
        }
    }
}

/// What differs, the weightiest first.
fn difference(first: &NewEntry, second: &NewEntry) -> String {
    if first.account != second.account {
        format!("there for account {}, here for {}", first.account, second.account)
    } else if first.amount != second.amount {
        format!("there {}, here {}", first.amount.abs(), second.amount.abs())
    } else if first.effective_on != second.effective_on {
        format!("there on {}, here on {}", first.effective_on, second.effective_on)
    } else if first.reverses != second.reverses {
        "the two rows reverse different entries".to_owned()
    } else {
        "account, amount and date are the same, another column differs".to_owned()
    }
}

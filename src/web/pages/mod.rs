//! One file a page: what it reads, how it shows it, and what its forms do.

pub mod account;
pub mod accounts;
pub mod approvals;
pub mod assets;
pub mod call;
pub mod calls;
pub mod exceptions;
pub mod health;
mod history;
pub mod login;
mod message;
pub mod metrics;
pub mod notices;
pub mod orders;
mod owing;
mod proceedings;
pub mod referrals;
pub mod today;

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::WebError;
use super::{Web, words};
use crate::domain::arrears::BucketLimits;
use crate::domain::{AccountId, Cents, Snapshot};
use crate::office::OfficeError;
use crate::store::Store;
use owing::Owing;

/// The page that is none.
pub async fn missing() -> WebError {
    WebError::NotFound("page at this address".to_owned())
}

/// An account as a line of a list names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    pub number: String,
    pub name: String,
    pub address: String,
    pub href: String,
}

impl Line {
    fn of(snapshot: &Snapshot) -> Self {
        let profile = &snapshot.profile;
        Self {
            number: profile.number.to_string(),
            name: profile.customer_name.clone(),
            address: profile.service_address.line1.clone(),
            href: words::account_path(profile),
        }
    }
}

/// An account as it is known now, and what it owes today by the rules it is under. Without a policy in force the usual
/// buckets are shown.
async fn current(web: &Web, account: AccountId) -> Result<(Snapshot, Owing), WebError> {
    let snapshot = web.office.snapshot(account).await?;
    let owing = match web.office.rules_of_case(&snapshot).await {
        Ok(rules) => {
            let ledger = &rules.policy.ledger;
            Owing::of(&snapshot, web.office.today(), &ledger.buckets, ledger.de_minimis)
        }
        Err(OfficeError::NoPolicy { .. }) => {
            Owing::of(&snapshot, web.office.today(), &BucketLimits::default(), Cents::ZERO)
        }
        Err(other) => return Err(other.into()),
    };
    Ok((snapshot, owing))
}

/// The accounts of a list, read at once.
async fn snapshots(
    store: &Store,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<BTreeMap<AccountId, Snapshot>, WebError> {
    let mut ids: Vec<AccountId> = accounts.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let found = store.snapshots(&ids).await?;
    Ok(found.into_iter().map(|snapshot| (snapshot.account, snapshot)).collect())
}

/// The names of the accounts of a list.
async fn lines(
    store: &Store,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<BTreeMap<AccountId, Line>, WebError> {
    let found = snapshots(store, accounts).await?;
    Ok(found.iter().map(|(id, snapshot)| (*id, Line::of(snapshot))).collect())
}

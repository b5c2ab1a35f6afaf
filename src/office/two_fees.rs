//! Two fees of one amount, of which a person says that they are two.
//!
//! A fee of ours that comes back under the billing system's name stands in the ledger twice, and a packet that bears it is
//! refused. Nothing tells it from a second fee but somebody who knows.

use super::accounts::need_reason;
use super::{Office, OfficeError, Result};
use crate::domain::fee::TwoFees;
use crate::domain::ledger::OWN_SOURCE;
use crate::domain::person::Override;
use crate::domain::{AccountId, Cents, Entry, EntryId, EntryKind};

impl Office {
    /// Says that a fee of ours and one of the billing system's are two; gives their amount.
    ///
    /// # Errors
    /// When they are no such pair, one of them was taken back, the account is of one's own household, or no reason is given.
    pub async fn two_fees(
        &self,
        account: AccountId,
        own: EntryId,
        other: EntryId,
        reason: &str,
        by: &str,
    ) -> Result<Cents> {
        need_reason(reason)?;
        self.not_of_household(by, account).await?;
        let entries = self.store.entries(account).await?;
        let ours = standing_fee(&entries, own)?;
        let theirs = standing_fee(&entries, other)?;
        let ledger = "`arrears account ACCOUNT` shows the ledger with the entries' numbers";
        if ours.source != OWN_SOURCE || theirs.source == OWN_SOURCE {
            return Err(OfficeError::refused(
                format!("entry {own} is of {}, and entry {other} of {}", ours.source, theirs.source),
                "name first the fee that Arrears posted, then the billing system's",
            ));
        }
        if ours.amount != theirs.amount {
            return Err(OfficeError::refused(
                format!("they are {} and {}, and nobody takes them for one", ours.amount, theirs.amount),
                ledger,
            ));
        }
        let said = Override { by: by.to_owned(), reason: reason.to_owned(), on: self.today() };
        self.store.say_two_fees(account, &TwoFees { own, other, said }, &self.stamp(by)).await?;
        Ok(ours.amount)
    }
}

fn standing_fee(entries: &[Entry], id: EntryId) -> Result<&Entry> {
    let fee = entries.iter().find(|entry| entry.id == id);
    let fee =
        fee.ok_or_else(|| OfficeError::NotFound { what: "entry in the account's ledger:", id: id.to_string() })?;
    let ledger = "`arrears account ACCOUNT` shows the ledger with the entries' numbers";
    if !matches!(fee.kind, EntryKind::Fee | EntryKind::Interest) {
        return Err(OfficeError::refused(format!("entry {id} is a {}, and no fee", fee.kind), ledger));
    }
    if entries.iter().any(|entry| entry.reverses == Some(id)) {
        return Err(OfficeError::refused(format!("entry {id} was taken back, and counts no longer"), ledger));
    }
    Ok(fee)
}

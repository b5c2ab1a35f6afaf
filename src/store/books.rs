//! The facade's use cases of the books: files that come in, the ledger, and the billing system's books beside ours.

use std::collections::BTreeMap;

use super::{
    AccountItems, CounterPayment, FeeExport, FeeLine, ImportRecord, ImportResult, NewFeeExport, Result, Stamp, Store,
    VoidedPayment,
};
use crate::domain::fee::TwoFees;
use crate::domain::import::{ImportFile, UnmatchedPayment, UnmatchedState};
use crate::domain::ledger::PaymentChannel;
use crate::domain::suggestion::{Candidate, Lookup};
use crate::domain::{AccountId, Day, Entry, EntryId, UnmatchedId};
use crate::rulebook::policy::LedgerRules;

// Files that come in.
use_cases! {
    /// Takes a file whole or refuses it whole. Known rows are left alone; touched accounts are settled anew and due today.
    fn import(&self, file: &ImportFile, rules: &LedgerRules, stamp: &Stamp) -> ImportResult;
    /// The files taken last, newest first.
    fn imports(&self, limit: u32) -> Vec<ImportRecord>;
    /// Settles the accounts that have entries whose effective date has come by the stamp's day; gives their number.
    /// So a post-dated payment counts from its day and no sooner.
    fn ripen(&self, rules: &LedgerRules, stamp: &Stamp) -> u64;
    /// Whether there is something to settle by `day`; it asks without writing.
    fn is_ripening(&self, day: Day) -> bool;
}

// The ledger.
use_cases! {
    /// The account's entries in the order of their effective dates.
    fn entries(&self, account: AccountId) -> Vec<Entry>;
    /// Accounts that owe or have credit, by id after the last of the previous page, for reports over all.
    fn open_items(&self, after: Option<AccountId>, limit: u32) -> Vec<AccountItems>;
    /// Posts a payment taken at the counter. The same receipt again is the same entry; another amount is a conflict.
    fn counter_payment(&self, account: AccountId, payment: &CounterPayment, rules: &LedgerRules, stamp: &Stamp) -> EntryId;
    /// The account to which a payment was posted at the counter, by its receipt.
    fn account_of_receipt(&self, receipt: &str) -> Option<AccountId>;
    /// Undoes a payment that was taken here, by its receipt. One that is voided already stays so, and that is said.
    fn void_counter_payment(&self, receipt: &str, reason: &str, rules: &LedgerRules, stamp: &Stamp) -> VoidedPayment;
    /// Payments that matched no account, in the order in which they came.
    fn unmatched_payments(&self, state: Option<UnmatchedState>) -> Vec<UnmatchedPayment>;
    /// Accounts that payments without one may be for, by the indexes: of the number with a slip of the pen, the amount, in notices
    /// since the day too, the payer's name, and what was matched before.
    fn candidates_for(&self, lookups: &[Lookup], since: Day) -> Vec<Candidate>;
    /// Posts an unmatched payment to the account.
    fn match_payment(&self, id: UnmatchedId, account: AccountId, rules: &LedgerRules, stamp: &Stamp) -> EntryId;
    /// Says that an unmatched payment is nobody's here.
    fn reject_payment(&self, id: UnmatchedId, stamp: &Stamp) -> ();
    /// Through which day each channel's payments are loaded.
    fn watermarks(&self) -> BTreeMap<PaymentChannel, Day>;
    /// Signs that the channel is complete through the day; an earlier day than the recorded one changes nothing.
    fn raise_watermark(&self, channel: PaymentChannel, through: Day, stamp: &Stamp) -> ();
}

// Fees of Arrears' own on their way into the billing system's books.
use_cases! {
    /// Fees that are on no list yet, and what takes back fees that are on one, by entry.
    fn fees_to_export(&self) -> Vec<FeeLine>;
    /// Records a list that goes out. It gets the next number of its day; its file can be written from now on, and written
    /// again. Stale, where the lines are no longer those that wait.
    fn make_fee_export(&self, export: &NewFeeExport, stamp: &Stamp) -> FeeExport;
    /// Lists of fees, newest first; or those whose file was not written yet, oldest first.
    fn fee_exports(&self, only_unwritten: bool) -> Vec<FeeExport>;
    /// Fees of the account of which a person said that they are two.
    fn two_fees_of(&self, account: AccountId) -> Vec<TwoFees>;
    /// Records what a person says of two fees that look like one; said again, the later word stands.
    fn say_two_fees(&self, account: AccountId, two: &TwoFees, stamp: &Stamp) -> ();
    /// The file of a list is written.
    fn fee_export_written(&self, name: &str, stamp: &Stamp) -> ();
}

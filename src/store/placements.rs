//! The facade's use cases of debts that are out: what their destinations are told, and what comes back.

use super::{Among, DebtReturn, LimitationTerms, NewReport, ReferralReport, Result, Stamp, Store};
use crate::domain::placement::ReportLine;
use crate::domain::referral::Referral;
use crate::domain::{AccountId, ReferralId};

use_cases! {
    /// The lines that destinations were told of these referrals, in their order.
    fn report_lines(&self, referrals: &[ReferralId]) -> Vec<ReportLine>;
    /// Records a report that goes out with its files. It gets the next number of its destination and day. Stale, where one
    /// of its lines has gone out meanwhile.
    fn make_report(&self, report: &NewReport, stamp: &Stamp) -> ReferralReport;
    /// Reports, newest first; or those whose files were not written yet, oldest first.
    fn referral_reports(&self, only_unwritten: bool) -> Vec<ReferralReport>;
    /// All files of a report are written.
    fn report_written(&self, name: &str, stamp: &Stamp) -> ();
    /// Destinations give debts back: all of them, or none is recorded.
    fn return_referrals(&self, returns: &[DebtReturn], stamp: &Stamp) -> Vec<Referral>;
    /// Withdraws a referral that was not placed: its route sends the debt elsewhere. Its stage is decided anew.
    fn reroute_referral(&self, id: ReferralId, cause: &str, stamp: &Stamp) -> ();
    /// Says on the exceptions list why the account's debt has to be called back, in place of what stands there; or that
    /// it has not.
    fn tell_recall(&self, account: AccountId, why: Option<&str>, stamp: &Stamp) -> ();
    /// The referrals of these accounts that are out.
    fn referrals_out(&self, accounts: &[AccountId]) -> Vec<Referral>;
    /// Puts accounts on the exceptions list with debts whose limitation ends within the days ahead, or has passed: each debt
    /// once for the one, and once for the other. Gives how many lines were added.
    fn warn_of_limitation(&self, terms: LimitationTerms, among: Among<'_>, stamp: &Stamp) -> u64;
}

//! The billing system's balances as a control over our ledger.
//!
//! The two books say the same of an account but for what is on its way from one to the other: a fee that Arrears posted
//! and that the billing system does not have yet. Whatever else differs, by a cent, is looked into by a person; until then
//! nobody is told of a debt, shut off or referred on figures that may be wrong.

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::day::{Day, short};
use super::ids::{AccountNumber, EntryId};
use super::ledger::Entry;
use super::money::Cents;
use super::own_name::OwnNames;

/// For how many days an exported fee counts as on its way. After that the billing system should have it, and one that has
/// not come back is part of the difference.
pub const ON_THE_WAY_DAYS: i64 = 45;

/// What a file says that an account owes; several rows of one account, a service each, are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBalance {
    /// The line in its file, from 1.
    pub line: u32,
    pub account: AccountNumber,
    pub service: Option<Service>,
    /// Debts less credits.
    pub amount: Cents,
    /// The day at whose end that was so.
    pub as_of: Day,
}

/// What a file of balances showed; every account of it is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceCounts {
    /// Accounts that agree to the cent.
    pub agree: u32,
    /// Of those, accounts that had differed: they are free again.
    pub cleared: u32,
    /// Accounts that differ: each is on the exceptions list.
    pub differ: u32,
    /// Accounts that differ as they did when a person cleared it.
    pub accepted: u32,
    /// Accounts of which a later balance is known.
    pub stale: u32,
}

/// An entry of Arrears' own that the billing system does not have yet, or that it has since a short while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnTheWay {
    pub entry: EntryId,
    pub amount: Cents,
    pub on: Day,
    /// The day from which it counts there; `None`: it has not come back.
    pub taken_over_on: Option<Day>,
}

impl OnTheWay {
    /// Whether our ledger has it at the end of the day, and theirs does not.
    #[must_use]
    pub fn is_ours_alone(&self, as_of: Day) -> bool {
        self.on <= as_of && self.taken_over_on.is_none_or(|there| as_of < there)
    }
}

/// The two books of one account, at the end of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub as_of: Day,
    /// Our ledger.
    pub ours: Cents,
    /// What of it the billing system need not have yet.
    pub on_the_way: Cents,
    pub theirs: Cents,
}

impl Comparison {
    /// Theirs less ours, without what is on its way. Zero: the books agree.
    #[must_use]
    pub fn difference(&self) -> Cents {
        self.theirs - (self.ours - self.on_the_way)
    }

    /// The line of the exceptions list: both figures, the difference, and what may have caused it.
    ///
    /// `ledger` is ours as of that day, `unmatched` the open payments without an account, by reference and amount.
    #[must_use]
    pub fn text(
        &self,
        ledger: &[Entry],
        doubled: &[(&OnTheWay, &Entry)],
        unmatched: &[(String, Cents)],
        names: &OwnNames,
    ) -> String {
        let on_the_way = if self.on_the_way.is_zero() {
            String::new()
        } else {
            format!(" ({} with {} of fees that are on their way to it)", self.ours, self.on_the_way)
        };
        format!(
            "As of {} the billing system says {}, and our ledger {}{on_the_way}: {} {} there. {} No notice, shut-off or \
             referral until this is cleared, with a reason, or a later file of balances agrees",
            short(self.as_of),
            self.theirs,
            self.ours - self.on_the_way,
            self.difference().abs(),
            if self.difference().is_negative() { "less" } else { "more" },
            self.cause(ledger, doubled, unmatched, names),
        )
    }

    fn cause(
        &self,
        ledger: &[Entry],
        doubled: &[(&OnTheWay, &Entry)],
        unmatched: &[(String, Cents)],
        names: &OwnNames,
    ) -> String {
        let difference = self.difference();
        if let Some((own, other)) = doubled.first() {
            return format!(
                "Likely counted twice: {} of {} ({}) looks like our own fee {} of {}; have it come back with that \
                 arrears_reference.",
                other.reference,
                other.source,
                other.amount,
                names.name(own.entry),
                short(own.on)
            );
        }
        if !self.on_the_way.is_zero() && difference == self.on_the_way {
            return "It has the fees that are on their way: have it send them back with their arrears_reference."
                .into();
        }
        // Exported long ago and never back: what is ours alone is no longer on its way.
        let own = ledger.iter().rev().find(|entry| entry.source == "arrears" && entry.amount == -difference);
        if let Some(own) = own {
            let what = if own.memo.is_empty() { own.kind.to_string() } else { own.memo.clone() };
            return format!(
                "Likely it lacks our {what} of {} ({}, {}).",
                own.amount,
                names.name(own.id),
                short(own.effective_on)
            );
        }
        if let Some((reference, amount)) = unmatched.iter().find(|(_, amount)| -*amount == difference) {
            return format!("Likely the unmatched payment {reference} of {amount}, which it has posted here.");
        }
        if let Some(entry) = ledger.iter().rev().find(|entry| entry.amount == -difference) {
            return format!(
                "Likely it lacks {} of {} ({} of {}).",
                entry.reference,
                entry.source,
                entry.amount,
                short(entry.effective_on)
            );
        }
        "No single entry explains it: compare the statements of both.".into()
    }
}

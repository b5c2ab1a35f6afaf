//! The facade's use cases of what people put their name to: proposals and translations.

use super::{NewArrangement, Result, Stamp, Store, WordingSignature};
use crate::domain::proposal::{Proposal, Proposed};
use crate::domain::{AccountId, ArrangementId, Cents, ProposalId};
use crate::rulebook::policy::LedgerRules;

// What one person proposes and another approves.
use_cases! {
    /// Records a proposal; the same one that still waits is a conflict.
    fn propose(&self, account: AccountId, what: &Proposed, amount: Cents, reason: &str, stamp: &Stamp) -> ProposalId;
    fn proposal(&self, id: ProposalId) -> Proposal;
    /// All proposals, or those that wait.
    fn proposals(&self, open_only: bool) -> Vec<Proposal>;
    /// Approves a proposal and posts it. A write-off whose debts have changed is a conflict.
    fn approve_proposal(&self, id: ProposalId, rules: &LedgerRules, stamp: &Stamp) -> ();
    /// Approves the proposal of an arrangement and makes it, in one transaction. Stale, where a fact came in since it was looked at.
    fn approve_arrangement(&self, proposed: &Proposal, plan: &NewArrangement, rules: &LedgerRules, stamp: &Stamp) -> ArrangementId;
    fn decline_proposal(&self, id: ProposalId, note: &str, stamp: &Stamp) -> ();
    /// The accounts of a person's household, in place of those told before.
    fn set_household(&self, name: &str, accounts: &[AccountId], stamp: &Stamp) -> ();
    /// Everyone's, by name.
    fn households(&self) -> Vec<(String, AccountId)>;
}

// Translations that the city has signed.
use_cases! {
    /// Signs them, each in place of an earlier signature of the same notice and language.
    fn sign_wordings(&self, signatures: &[WordingSignature], stamp: &Stamp) -> ();
    fn wording_signatures(&self) -> Vec<WordingSignature>;
}

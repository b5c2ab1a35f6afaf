//! The facade's use cases of disputes, petitions in bankruptcy, and estates.

use super::{HeldWithTask, NewDispute, NewPetition, NewRuling, PetitionNews, Result, RulingTold, Stamp, Store};
use crate::domain::dispute::Dispute;
use crate::domain::hold::{Estate, Hold};
use crate::domain::petition::Petition;
use crate::domain::{AccountId, DisputeId, HoldId, PetitionId, ProposalId, Role};
use crate::rulebook::policy::LedgerRules;

use_cases! {
    /// Opens a dispute with its hold. Bare holds of the kind, which no dispute stands behind, end in its favor.
    fn open_dispute(&self, account: AccountId, dispute: &NewDispute, stamp: &Stamp) -> Dispute;
    /// Decides a dispute that is open, or its appeal. For the city its hold ends at once; for the customer when all that was
    /// proposed is approved.
    fn rule_on_dispute(&self, id: DisputeId, ruling: &NewRuling, stamp: &Stamp) -> Dispute;
    /// Plans the letter on the ruling that stands, and moves the last day for an appeal to a later one.
    fn tell_ruling(&self, id: DisputeId, told: &RulingTold, stamp: &Stamp) -> Dispute;
    /// Takes an appeal against a ruling for the city: all stops again.
    fn appeal_dispute(&self, id: DisputeId, reason: &str, stamp: &Stamp) -> Dispute;
    fn dispute(&self, id: DisputeId) -> (AccountId, Dispute);
    fn disputes_of(&self, account: AccountId) -> Vec<Dispute>;
    fn disputes(&self) -> Vec<(AccountId, Dispute)>;
    /// Every dispute with the hold that stands for it, in one state of the database.
    fn dispute_holds(&self) -> Vec<(AccountId, Dispute, Option<Hold>)>;
    /// Records a petition: what it stays is no open debt from now on.
    fn record_petition(&self, account: AccountId, petition: &NewPetition, rules: &LedgerRules, stamp: &Stamp) -> PetitionId;
    /// Records what became of a petition; gives the write-off that is proposed after a discharge.
    fn petition_news(&self, id: PetitionId, news: &PetitionNews, rules: &LedgerRules, stamp: &Stamp) -> Option<ProposalId>;
    fn petition(&self, id: PetitionId) -> (AccountId, Petition);
    fn petitions_of(&self, account: AccountId) -> Vec<Petition>;
    /// Petitions that stay debts, and of which no assurance is recorded.
    fn petitions_unassured(&self) -> Vec<(AccountId, Petition)>;
    fn petitions(&self) -> Vec<(AccountId, Petition)>;
    /// Places holds, each with the lead's task that belongs to it, or none of them. Gives their numbers.
    fn place_holds_with_tasks(&self, held: &[HeldWithTask], stamp: &Stamp) -> Vec<HoldId>;
    /// Writes down what is known of the estate of a customer who died.
    fn put_estate(&self, hold: HoldId, estate: &Estate, what: &str, stamp: &Stamp) -> ();
    /// Opens a task of the daemon's own, once for its key.
    fn open_task(&self, account: AccountId, key: &str, text: &str, role: Role, stamp: &Stamp) -> ();
}

//! The use cases of deposits, and of customers with several accounts.

use super::{Result, Stamp, Store};
use crate::domain::deposit::Deposit;
use crate::domain::kinship::{Kinship, KinshipState};
use crate::domain::proposal::Proposal;
use crate::domain::{AccountId, Day, KinshipId};

use_cases! {
    /// The account's deposits, in the order in which they were received, and what became of each.
    fn deposits_of(&self, account: AccountId) -> Vec<Deposit>;
    /// Of the customers of these accounts: those accounts that have ended with a debt that was due by the day, each with the
    /// same customer's active accounts.
    fn debts_that_may_follow(&self, due_by: Day, customers_of: &[AccountId]) -> Vec<(AccountId, Vec<AccountId>)>;
    /// The other accounts with the same number of the customer, in the order of their ids; none where it has no number.
    fn accounts_of_customer(&self, account: AccountId) -> Vec<AccountId>;
    /// The account's proposals, oldest first.
    fn proposals_of(&self, account: AccountId) -> Vec<Proposal>;
    /// Pairs of accounts that may be one customer's: those that nobody has decided, or all.
    fn kinships(&self, open_only: bool) -> Vec<Kinship>;
    /// The pairs that nobody has decided and the exceptions list does not have yet.
    fn kinships_untold(&self) -> Vec<Kinship>;
    /// Notes which accounts that have ended, and on which something is owed, are like an active one: among these accounts, and
    /// those that have a number or a name in common with one of them. Who was in a pair before is left alone.
    fn note_returning(&self, accounts: &[AccountId], stamp: &Stamp) -> ();
    /// The pairs that the account is part of, oldest first.
    fn kinships_of(&self, account: AccountId) -> Vec<Kinship>;
    /// Puts a pair on the exceptions list, once.
    fn tell_kinship(&self, id: KinshipId, text: &str, stamp: &Stamp) -> ();
    /// Records what a person says of a pair, with the reason; its line of the exceptions list is cleared.
    fn decide_kinship(&self, id: KinshipId, state: KinshipState, reason: &str, stamp: &Stamp) -> Kinship;
}

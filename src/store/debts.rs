//! The use cases of deposits, and of customers with several accounts.

use super::{Result, Stamp, Store};
use crate::domain::deposit::Deposit;
use crate::domain::kinship::{Kinship, KinshipState};
use crate::domain::proposal::Proposal;
use crate::domain::{AccountId, Day, KinshipId};

use_cases! {
    /// The account's deposits, in the order in which they were received, and what became of each.
    fn deposits_of(&self, account: AccountId) -> Vec<Deposit>;
    /// Accounts that have ended with a debt that was due by the day, each with the same customer's active accounts.
    fn debts_that_may_follow(&self, due_by: Day) -> Vec<(AccountId, Vec<AccountId>)>;
    /// The other accounts with the same number of the customer, in the order of their ids; none where it has no number.
    fn accounts_of_customer(&self, account: AccountId) -> Vec<AccountId>;
    /// The account's proposals, oldest first.
    fn proposals_of(&self, account: AccountId) -> Vec<Proposal>;
    /// Pairs of accounts that may be one customer's: those that nobody has decided, or all.
    fn kinships(&self, open_only: bool) -> Vec<Kinship>;
    /// The pairs that the account is part of, oldest first.
    fn kinships_of(&self, account: AccountId) -> Vec<Kinship>;
    /// Puts a pair on the exceptions list, once.
    fn tell_kinship(&self, id: KinshipId, text: &str, stamp: &Stamp) -> ();
    /// Records what a person says of a pair, with the reason; its line of the exceptions list is cleared.
    fn decide_kinship(&self, id: KinshipId, state: KinshipState, reason: &str, stamp: &Stamp) -> Kinship;
}

//! The use cases of deposits, and of customers with several accounts.

use super::{Result, Stamp, Store};
use crate::domain::deposit::Deposit;
use crate::domain::kinship::{Kinship, KinshipState};
use crate::domain::proposal::Proposal;
use crate::domain::transfer::GoneDebt;
use crate::domain::{AccountId, Day, ItemId, KinshipId};

use_cases! {
    /// The account's deposits, in the order in which they were received, and what became of each.
    fn deposits_of(&self, account: AccountId) -> Vec<Deposit>;
    /// Of the customers of these accounts: those accounts that have ended with a debt that was due by the day, each with the
    /// same customer's active accounts.
    fn debts_that_may_follow(&self, due_by: Day, customers_of: &[AccountId]) -> Vec<(AccountId, Vec<AccountId>)>;
    /// The other accounts with the same number of the customer, in the order of their ids; none where it has no number.
    fn accounts_of_customer(&self, account: AccountId) -> Vec<AccountId>;
    /// The other accounts to which debts of these went, by one transfer or several.
    fn accounts_with_debts_of(&self, accounts: &[AccountId]) -> Vec<AccountId>;
    /// The debts of an account that are owed on others now.
    fn debts_gone_from(&self, account: AccountId) -> Vec<GoneDebt>;
    /// Puts on the exceptions list what lies where debts came from and no line tells: two that were settled at the same time do
    /// not see each other.
    fn tell_left_behind(&self, stamp: &Stamp) -> ();
    /// The debts of an account that came from another, by one transfer or several.
    fn debts_from(&self, here: AccountId, from: AccountId) -> Vec<ItemId>;
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
    fn tell_kinships(&self, pairs: &[KinshipId], account: Option<AccountId>, text: &str, stamp: &Stamp) -> ();
    /// Records what a person says of a pair, with the reason; its line of the exceptions list is cleared.
    fn decide_kinship(&self, id: KinshipId, state: KinshipState, reason: &str, stamp: &Stamp) -> Kinship;
}

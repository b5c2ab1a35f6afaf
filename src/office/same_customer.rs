//! What is learned of a customer on one account concerns their others: a petition in bankruptcy, and a death.
//!
//! Who the customer is, the billing system says by its number, or a person has confirmed it. What was learned is not
//! recorded there by itself, for a court's paper names its debts; until a person has looked, nothing is shut off or referred.

use super::{Office, Result};
use crate::domain::hold::HoldKind;
use crate::domain::kinship::KinshipState;
use crate::domain::{AccountId, Role};
use crate::store::NewHold;

impl Office {
    /// The other accounts of the account's customer, in the order of their ids.
    pub(super) async fn others_of_customer(&self, account: AccountId) -> Result<Vec<AccountId>> {
        let mut others = self.store.accounts_of_customer(account).await?;
        let pairs = self.store.kinships_of(account).await?;
        let confirmed = pairs.iter().filter(|pair| pair.state == KinshipState::Confirmed);
        others.extend(confirmed.map(|pair| pair.other(account)));
        others.sort_unstable();
        others.dedup();
        Ok(others)
    }

    /// Holds the customer's other accounts until a person has looked, and gives the lead a task on each. `what` was learned,
    /// and `record` is the command that records it there. Gives the accounts' numbers.
    pub(super) async fn hold_others_of_customer(
        &self,
        account: AccountId,
        what: &str,
        record: &str,
        by: &str,
    ) -> Result<Vec<String>> {
        let of = self.store.account(account).await?.profile.number;
        let stamp = self.stamp(by);
        let others = self.others_of_customer(account).await?;
        let mut numbers = Vec::new();
        for &other in &others {
            let number = self.store.account(other).await?.profile.number;
            let hold = NewHold {
                kind: HoldKind::Review,
                from: stamp.on,
                through: None,
                items: Vec::new(),
                stops_clock: true,
                reason: format!("{what}, on the customer's account {of}"),
                estate: None,
            };
            let id = self.store.place_hold(other, &hold, &stamp).await?;
            let text = format!(
                "{what}, on account {of} of the same customer. Does it concern this account too? Record it here \
                 (`{record} {number}`), or not; then end the hold (`arrears hold end {id}`)"
            );
            self.store.open_task(other, &format!("hold {id}, same customer"), &text, Role::Lead, &stamp).await?;
            numbers.push(number.to_string());
        }
        self.settle_accounts(&others).await?;
        Ok(numbers)
    }
}

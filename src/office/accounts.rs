//! What is agreed with one account at the counter: holds and promises. Arrangements are in `arrangements`.

use super::{Office, OfficeError, Result, Rules};
use crate::domain::day::plus_days;
use crate::domain::{AccountId, Cents, Day, HoldId, PromiseId, Snapshot};
use crate::store::{Account, NewPromise, StoreError};
use std::sync::Arc;

impl Office {
    /// The account of a number as people type it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn account(&self, number: &str) -> Result<Account> {
        self.store
            .account_by_number(number.trim())
            .await?
            .ok_or_else(|| OfficeError::NotFound { what: "account", id: number.to_owned() })
    }

    /// All that is known of an account now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn snapshot(&self, account: AccountId) -> Result<Snapshot> {
        let mut found = self.store.snapshots(&[account]).await?;
        found.pop().ok_or_else(|| OfficeError::NotFound { what: "account", id: account.to_string() })
    }

    /// The rules that the account's case follows, or those in force today.
    ///
    /// # Errors
    /// When none are.
    pub async fn rules_of_case(&self, snapshot: &Snapshot) -> Result<Arc<Rules>> {
        match &snapshot.case {
            Some(case) => self.rules_of(&case.policy).await,
            None => self.rules_on(self.today()).await,
        }
    }

    /// Ends a hold today.
    ///
    /// # Errors
    /// When it gives no reason, or the law upholds the hold.
    pub async fn end_hold(&self, hold: HoldId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        self.not_of_household(by, self.store.hold(hold).await?.0).await?;
        self.may_end(hold).await?;
        Ok(self.store.end_hold(hold, reason, &self.stamp(by)).await?)
    }

    /// Records a promise to pay, within the policy's limits. It replaces one that is still open: what was promised last
    /// holds.
    ///
    /// # Errors
    /// When the day is past or too far ahead, or the amount is nothing or more than is owed.
    pub async fn promise(&self, account: AccountId, amount: Cents, pay_by: Day, by: &str) -> Result<PromiseId> {
        self.not_of_household(by, account).await?;
        let promise = self.new_promise(account, amount, pay_by).await?;
        let id = match self.store.add_promise(account, &promise, &self.stamp(by)).await {
            Err(StoreError::Stale) => {
                let again = self.new_promise(account, amount, pay_by).await?;
                self.store.add_promise(account, &again, &self.stamp(by)).await?
            }
            done => done?,
        };
        self.settle_accounts(&[account]).await?;
        Ok(id)
    }

    /// Cancels a promise with a reason; from today on it extends nothing.
    ///
    /// # Errors
    /// When it gives no reason, or was canceled before.
    pub async fn cancel_promise(&self, id: PromiseId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        self.not_of_household(by, self.store.promise(id).await?.0).await?;
        let account = self.store.cancel_promise(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// The promise by what is known now. Where a fact comes in before it is recorded, the store calls it stale, and it is
    /// taken once more: the amount and the day are the customer's words, and hold while they are within the limits.
    pub(super) async fn new_promise(&self, account: AccountId, amount: Cents, pay_by: Day) -> Result<NewPromise> {
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let limits = &rules.policy.promises;
        let today = self.today();
        let latest = plus_days(today, i64::from(limits.max_days));
        if pay_by < today || pay_by > latest {
            return Err(OfficeError::Input {
                what: "the day of a promise",
                given: pay_by.to_string(),
                expected: format!("a day from {today} through {latest} ({} days)", limits.max_days),
            });
        }
        positive(amount, "the amount of a promise")?;
        let owed = snapshot.balance();
        if amount > owed {
            return Err(OfficeError::Input {
                what: "the amount of a promise",
                given: amount.to_string(),
                expected: format!("no more than what is owed, {}", owed.max(Cents::ZERO)),
            });
        }
        Ok(NewPromise { seen_seq: snapshot.facts_seq, amount, pay_by, grace_days: limits.grace_days })
    }
}

pub(super) fn need_reason(reason: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(OfficeError::Input {
            what: "the reason",
            given: String::new(),
            expected: "a few words that the log can show".into(),
        });
    }
    Ok(())
}

/// What has happened has happened by today.
pub(super) fn not_ahead(day: Day, today: Day, what: &'static str) -> Result<()> {
    if day <= today {
        return Ok(());
    }
    Err(OfficeError::Input { what, given: day.to_string(), expected: format!("today, {today}, or a day before") })
}

pub(super) fn positive(amount: Cents, what: &'static str) -> Result<()> {
    if amount.is_positive() {
        return Ok(());
    }
    Err(OfficeError::Input { what, given: amount.to_string(), expected: "an amount above zero".into() })
}

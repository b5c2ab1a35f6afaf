//! A promise to pay: a date and an amount given in a conversation. It extends the time to pay.

use serde::{Deserialize, Serialize};

use super::day::{Day, plus_days};
use super::ids::{EntryId, PromiseId};
use super::ledger::{Entry, EntryKind};
use super::money::Cents;

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub id: PromiseId,
    pub made_on: Day,
    pub amount: Cents,
    pub pay_by: Day,
    /// Days after `pay_by` that are still in time.
    pub grace_days: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_on: Option<Day>,
    pub taken_by: String,
}

/// What has become of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseState {
    /// Its time has not run out.
    Open,
    Kept(Day),
    Broken(Day),
    Canceled(Day),
}

impl Promise {
    /// The last day on which a payment keeps it.
    #[must_use]
    pub fn last_day(&self) -> Day {
        plus_days(self.pay_by, i64::from(self.grace_days))
    }

    /// What has become of it by `on`, from the ledger alone: a timely payment learned late keeps it after all.
    #[must_use]
    pub fn state(&self, entries: &[Entry], on: Day) -> PromiseState {
        let undone: Vec<EntryId> = entries.iter().filter(|e| e.effective_on <= on).filter_map(|e| e.reverses).collect();
        let mut payments: Vec<(Day, Cents)> = entries
            .iter()
            .filter(|e| e.kind == EntryKind::Payment && e.effective_on >= self.made_on)
            .filter(|e| e.effective_on <= on.min(self.last_day()) && !undone.contains(&e.id))
            .map(|e| (e.effective_on, e.amount.abs()))
            .collect();
        payments.sort_unstable();
        let mut paid = Cents::ZERO;
        for (day, amount) in payments {
            paid += amount;
            if paid >= self.amount {
                return PromiseState::Kept(day);
            }
        }
        match self.canceled_on {
            Some(canceled) if canceled <= on => PromiseState::Canceled(canceled),
            _ if on <= self.last_day() => PromiseState::Open,
            _ => PromiseState::Broken(plus_days(self.last_day(), 1)),
        }
    }
}

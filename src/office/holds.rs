//! A hold as the policy has it: whether its days count, and how long it lasts when nothing else is said.

use super::{Office, Result};
use crate::domain::day::plus_days;
use crate::domain::hold::HoldKind;
use crate::domain::{AccountId, Day, HoldId};
use crate::store::NewHold;

impl Office {
    /// Places a hold of a kind on the whole account, from today where no first day is given, through the policy's usual
    /// time where no last day is given.
    ///
    /// # Errors
    /// As [`Self::place_hold`].
    pub async fn hold(
        &self,
        account: AccountId,
        kind: HoldKind,
        days: (Option<Day>, Option<Day>),
        reason: &str,
        by: &str,
    ) -> Result<HoldId> {
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let rule = rules.policy.holds.iter().find(|rule| rule.kind == kind);
        let from = days.0.unwrap_or_else(|| self.today());
        // A hold of n days counts its first day.
        let usual = rule.and_then(|rule| rule.lasts_days).map(|lasts| plus_days(from, i64::from(lasts) - 1));
        let hold = NewHold {
            kind,
            from,
            through: days.1.or(usual),
            items: Vec::new(),
            stops_clock: rule.is_some_and(|rule| rule.stops_clock),
            reason: reason.to_owned(),
        };
        self.place_hold(account, hold, by).await
    }
}

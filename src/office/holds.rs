//! A hold as the policy has it: whether its days count, and how long it lasts when nothing else is said.

use super::accounts::need_reason;
use super::{Office, OfficeError, Result};
use crate::domain::day::plus_days;
use crate::domain::hold::HoldKind;
use crate::domain::{AccountId, Day, HoldId};
use crate::store::NewHold;

impl Office {
    /// Places a hold of a kind on the whole account, from today where no first day is given, through the policy's usual
    /// time where no last day is given.
    ///
    /// # Errors
    /// When it gives no reason, or ends before it begins.
    pub async fn hold(
        &self,
        account: AccountId,
        kind: HoldKind,
        days: (Option<Day>, Option<Day>),
        reason: &str,
        by: &str,
    ) -> Result<HoldId> {
        need_reason(reason)?;
        self.not_of_household(by, account).await?;
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
        if hold.through.is_some_and(|through| through < hold.from) {
            return Err(OfficeError::Input {
                what: "the last day of a hold",
                given: hold.through.map(|day| day.to_string()).unwrap_or_default(),
                expected: format!("a day from its first, {}", hold.from),
            });
        }
        let id = self.store.place_hold(account, &hold, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(id)
    }
}

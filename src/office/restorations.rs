//! Whoever was shut off is told how to have service restored (Health and Safety Code 116912): the policy orders the letter, and
//! here it is seen whether it left. And a lead who orders a service on by hand.

use std::collections::BTreeSet;

use super::accounts::need_reason;
use super::{Office, OfficeError, Result};
use crate::decide::restoration_key;
use crate::domain::day::{plus_days, short};
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{AccountId, AccountNumber, Cents, Day, EventKind, OrderId, Profile, Service};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Limit, Opens};
use crate::store::{Exception, ExceptionKind, Stamp};

/// Days after which the lead is told that the letter has not left; a weekend lies within them.
const DAYS_TO_TELL: i64 = 4;

/// Days after which it is too late: a weekend with a holiday lies within them.
pub(super) const DAYS_AT_MOST: i64 = 5;

/// Whether a pack asks that such a customer is told.
pub(super) fn must_be_told(policy: &Policy, profile: &Profile, service: Service) -> bool {
    policy.guards.iter().any(|guard| {
        guard.limit == Limit::ToldHowToRestore && guard.service == service && guard.classes.contains(&profile.class)
    })
}

/// Whether a letter or a posting that follows a shut-off left on the day or later.
pub(super) fn was_told(policy: &Policy, notices: &[Notice], off_since: Day) -> bool {
    let follows = |notice: &Notice| {
        let of_track = policy.track(&notice.of.track);
        of_track.is_some_and(|track| {
            let stage = track.stages.iter().find(|stage| stage.id == notice.of.stage);
            let anchored = stage.is_some_and(|stage| {
                let after = |when: &crate::rulebook::policy::When| {
                    matches!(when.anchor, crate::rulebook::policy::Anchor::Event(EventKind::ShutOff, _))
                };
                stage.start.iter().any(after)
            });
            anchored || track.opens == Opens::On(EventKind::ShutOff)
        })
    };
    let left = |notice: &Notice| match notice.state {
        NoticeState::Mailed | NoticeState::Posted | NoticeState::Returned => true,
        NoticeState::Planned
        | NoticeState::Released
        | NoticeState::Rendered
        | NoticeState::Batched
        | NoticeState::Sent
        | NoticeState::Bounced
        | NoticeState::Canceled
        | NoticeState::Voided
        | NoticeState::Failed => false,
    };
    notices.iter().any(|notice| notice.statutory && notice.planned_on >= off_since && follows(notice) && left(notice))
}

/// What the exceptions list says of who was not told.
pub(super) fn untold(service: Service, number: &AccountNumber, since: Day) -> String {
    format!(
        "{service} of account {number} is off since {}, and no letter has left that says how it is restored: mail it, or tell \
         the customer, and clear this line",
        short(since)
    )
}

/// What it says of a service that was off when service ended: no payment turns on the water of whoever lives there next.
fn off_where_ended(service: Service, number: &AccountNumber, since: Day, ended: Day) -> String {
    format!(
        "{service} of account {number} is off since {}, and its service ended {}: nothing is turned on there for this account. \
         Have it turned on for whoever has the premises now, under their own account, and clear this line",
        short(since),
        short(ended)
    )
}

impl Office {
    /// Orders a service that is off to be turned on, whatever is owed: the lead has decided it. What is owed stays owed, and
    /// for another shut-off everything is told anew.
    ///
    /// # Errors
    /// When it gives no reason, the service is not off, or the order stands already.
    pub async fn order_restoration(
        &self,
        account: AccountId,
        service: Service,
        reason: &str,
        by: &str,
    ) -> Result<OrderId> {
        need_reason(reason)?;
        self.not_of_household(by, account).await?;
        let snapshot = self.snapshot(account).await?;
        if !snapshot.shut_off.contains(&service) {
            return Err(OfficeError::refused(
                format!("{service} is not shut off here"),
                "`arrears orders off` shows what is",
            ));
        }
        let key = restoration_key(&snapshot, service);
        let stamp = self.stamp(by);
        let order = FieldOrder {
            id: OrderId(0),
            account,
            act_key: key.to_string(),
            of: Some(key.of),
            kind: OrderKind::Restore,
            service,
            state: OrderState::Approved,
            for_day: stamp.on,
            amount: Cents::ZERO,
            approved_by: Some(by.to_owned()),
            approved_on: Some(stamp.on),
            finalized_by: None,
            finalized_on: None,
            done_on: None,
            done_at: None,
            crew: None,
            dispatched_on: None,
            note: reason.to_owned(),
            instruction: None,
            cause: None,
        };
        let id = self.store.order_restoration(&order, reason, &stamp).await?;
        self.settle_accounts(&[account]).await?;
        Ok(id)
    }

    /// Puts on the exceptions list what should have come by now: a crew's result, word to whoever was shut off.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_overdue(&self, day: Day) -> Result<()> {
        self.store.report_missing_results(day, &self.daemon_stamp(day)).await?;
        self.report_untold(day).await
    }

    /// Puts on the exceptions list who is off for days and was not told how to have service restored.
    ///
    /// # Errors
    /// When the database fails.
    async fn report_untold(&self, day: Day) -> Result<()> {
        let stamp = self.daemon_stamp(day);
        let mut by_persons = None;
        let shut_offs = self.store.shut_offs().await?;
        for line in self.store.exceptions_of_kind(ExceptionKind::RestorationUntold).await? {
            let Some(account) = line.account else { continue };
            if shut_offs.iter().all(|off| off.account != account) {
                self.store.settle_exception(account, line.kind, &line.text, &stamp).await?;
            }
        }
        for off in shut_offs {
            let profile = self.store.account(off.account).await?.profile;
            if let Some(ended) = profile.ended.filter(|ended| *ended <= day) {
                let text = off_where_ended(off.service, &profile.number, off.since, ended);
                self.tell_once(off.account, &text, &stamp).await?;
                continue;
            }
            if plus_days(off.since, DAYS_TO_TELL) > day || self.is_told(off.account, off.service, off.since).await? {
                continue;
            }
            let text = untold(off.service, &profile.number, off.since);
            if by_persons.is_none() {
                by_persons = Some(self.told_by_persons().await?);
            }
            if by_persons.as_ref().is_some_and(|told| told.contains(&text)) {
                continue;
            }
            self.store.open_exception(Some(off.account), ExceptionKind::RestorationUntold, &text, &stamp).await?;
        }
        Ok(())
    }

    /// Puts the incident on the list, and not again once somebody has cleared it.
    async fn tell_once(&self, account: AccountId, text: &str, stamp: &Stamp) -> Result<()> {
        let lines = self.store.exceptions(false).await?;
        let is_same = |line: &Exception| line.kind == ExceptionKind::Incident && line.text == text;
        if !lines.iter().any(is_same) {
            self.store.open_exception(Some(account), ExceptionKind::Incident, text, stamp).await?;
        }
        Ok(())
    }

    /// Lines of whom nobody had told how service is restored, that a person has cleared: they say whom they told, and how.
    pub(super) async fn told_by_persons(&self) -> Result<BTreeSet<String>> {
        let lines = self.store.exceptions(false).await?.into_iter();
        let cleared = lines.filter(|line| line.kind == ExceptionKind::RestorationUntold && line.cleared_by.is_some());
        Ok(cleared.map(|line| line.text).collect())
    }

    async fn is_told(&self, account: AccountId, service: Service, since: Day) -> Result<bool> {
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        if !must_be_told(&rules.policy, &snapshot.profile, service) {
            return Ok(true);
        }
        Ok(was_told(&rules.policy, &self.store.notices_of(account).await?, since))
    }
}

#[cfg(test)]
mod tests;

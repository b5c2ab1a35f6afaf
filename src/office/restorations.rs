//! Whoever was shut off is told how to have service restored (Health and Safety Code 116912): the policy orders the letter, and
//! here it is seen whether it left.

use super::{Office, Result};
use crate::domain::day::{plus_days, short};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{AccountId, Day, EventKind, Profile, Service};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Limit, Opens};
use crate::store::ExceptionKind;

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

impl Office {
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
        for off in self.store.shut_offs().await? {
            if plus_days(off.since, DAYS_TO_TELL) > day || self.is_told(off.account, off.service, off.since).await? {
                continue;
            }
            let number = self.store.account(off.account).await?.profile.number;
            let text = format!(
                "{} of account {number} is off since {}, and no letter has left that says how it is restored: mail it, or tell \
                 the customer, and clear this line",
                off.service,
                short(off.since)
            );
            self.store.open_exception(Some(off.account), ExceptionKind::RestorationUntold, &text, &stamp).await?;
        }
        Ok(())
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

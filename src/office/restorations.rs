//! Whoever was shut off is told how to have service restored (Health and Safety Code 116912): the policy orders the letter, and
//! here it is seen whether it left.

use std::collections::BTreeSet;

use super::{Office, Result};
use crate::domain::day::{plus_days, short};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{AccountId, AccountNumber, Day, EventKind, Profile, Service};
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

/// What the exceptions list says of who was not told.
pub(super) fn untold(service: Service, number: &AccountNumber, since: Day) -> String {
    format!(
        "{service} of account {number} is off since {}, and no letter has left that says how it is restored: mail it, or tell \
         the customer, and clear this line",
        short(since)
    )
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
        let mut by_persons = None;
        for off in self.store.shut_offs().await? {
            if plus_days(off.since, DAYS_TO_TELL) > day || self.is_told(off.account, off.service, off.since).await? {
                continue;
            }
            let number = self.store.account(off.account).await?.profile.number;
            let text = untold(off.service, &number, off.since);
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
mod tests {
    use super::*;
    use crate::office::testing::{City, day};
    use crate::store::CrewResult;

    #[tokio::test]
    async fn whoever_was_told_by_word_of_mouth_stands_on_the_list_once() {
        let city = City::new().await;
        let order = city.to_the_shut_off().await;
        city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        city.office.dispatch_orders(&[order], "Crew 2", "Ruth").await.unwrap();
        let done = CrewResult {
            done: true,
            on: day("2026-05-22"),
            at: Some("10:00".into()),
            crew: "Crew 2".into(),
            note: String::new(),
        };
        city.office.record_order_result(order, done, "Ruth").await.unwrap();
        city.at("2026-05-27", "09:00");
        let untold = async || city.office.store.exceptions_of_kind(ExceptionKind::RestorationUntold).await.unwrap();
        city.office.report_overdue(day("2026-05-27")).await.unwrap();
        let [line] = &untold().await[..] else { panic!("the lead is told") };
        let wrong = async || {
            let told = city.office.doctor(&|_, _| {}).await.unwrap();
            let letters = told.checks.into_iter().find(|check| check.name == "restoration letters");
            letters.map(|check| check.wrong)
        };
        assert_eq!(wrong().await, Some(1));
        let refused = city.office.clear_exception(line.id, None, "Ruth").await.unwrap_err().to_string();
        assert!(refused.contains("say whom you told, when and how"), "{refused}");
        city.office.clear_exception(line.id, Some("told by telephone, May 27"), "Ruth").await.unwrap();
        city.at("2026-05-28", "09:00");
        city.office.report_overdue(day("2026-05-28")).await.unwrap();
        assert_eq!((untold().await, wrong().await), (vec![], Some(0)), "it does not come back");
    }
}

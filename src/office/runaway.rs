//! A night that is not like others stops for the lead, before anything leaves the building.
//!
//! A wrong due date in a file, or a policy adopted in haste, shows in numbers first. So a run commits no page that would
//! take it beyond what nights have been, and while it is held no notice is released, batched or sent, no call list released,
//! no crew sent to shut off, and no debt placed. Payments are taken and services restored all the same. The run is not lost: the lead
//! releases it, and it goes on where it stopped with what is known by then; or drops it, and the next night decides anew.

use serde_json::json;

use super::accounts::need_reason;
use super::night::{DayReport, NIGHT};
use super::{Office, OfficeError, Result};
use crate::allocate::batch_guard::{BatchRules, batch_guard};
use crate::domain::Day;
use crate::domain::day::{days_between, plus_days, short};
use crate::store::{Exception, ExceptionKind};

/// Nights that say what is usual.
const HISTORY: u32 = 60;

/// What nights have been, and how far one may go beyond it.
pub(super) struct Usual {
    /// Of each kind its name and what earlier nights had of it.
    history: [(&'static str, Vec<u64>); 5],
    rules: BatchRules,
}

/// What a run would do that leaves the building, by kind, in the order of [`Usual`]'s history.
const fn outward(report: &DayReport) -> [u64; 5] {
    [report.notices, report.calls, report.fees, report.orders, report.referrals]
}

const KINDS: [&str; 5] = ["notices", "calls", "fees", "field orders", "referrals"];

impl Usual {
    /// Why a run with these figures waits for the lead; `None`: it is like others.
    pub(super) fn stop(&self, report: &DayReport, owing_nothing: u64) -> Option<String> {
        let kinds = self.history.iter().zip(outward(report));
        let mut stops = kinds.filter_map(|((what, history), count)| {
            batch_guard(what, count, owing_nothing, history, self.rules).err().map(|stop| stop.to_string())
        });
        stops.next()
    }
}

impl Office {
    /// What is usual, for a run of the day; `None` where the lead has released what was held on it.
    pub(super) async fn usual(&self, day: Day) -> Result<Option<Usual>> {
        if self.store.was_cleared_on(ExceptionKind::NightHeld, day).await? {
            return Ok(None);
        }
        let guards = self.config.guards;
        let runs = self.store.runs(HISTORY).await?;
        let nights: Vec<DayReport> = runs
            .into_iter()
            .filter(|run| run.kind == NIGHT && run.date < day && run.finished_at.is_some())
            // Of a night that was missed or dropped there is no report.
            .filter_map(|run| serde_json::from_value(run.summary?).ok())
            .collect();
        let mut history = KINDS.map(|what| (what, Vec::new()));
        for night in &nights {
            for ((_, counts), count) in history.iter_mut().zip(outward(night)) {
                // Nights without any say nothing of how large one is.
                counts.extend((count > 0).then_some(count));
            }
        }
        let accounts = self.store.account_count().await?;
        let rules = BatchRules {
            times: guards.times,
            always_allowed: guards.always_allowed,
            least_history: guards.least_history,
            first_most: accounts.saturating_mul(guards.first_nights_percent) / 100,
        };
        Ok(Some(Usual { history, rules }))
    }

    /// Whether what the run of `day` would decide on is older than its day: payments that were made would not be seen.
    pub(super) async fn stale_data(&self, day: Day) -> Result<Option<String>> {
        let most = i64::from(self.config.guards.data_days);
        if most == 0 || self.store.was_cleared_on(ExceptionKind::NightHeld, day).await? {
            return Ok(None);
        }
        let watermarks = self.store.watermarks().await?;
        let old: Vec<String> = watermarks
            .iter()
            .filter(|(channel, through)| channel.is_awaited() && days_between(**through, plus_days(day, -1)) > most)
            .map(|(channel, through)| format!("{channel} through {}", short(*through)))
            .collect();
        if old.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!(
            "payments are loaded too long ago ({}): import what came since, or sign it with `arrears payments none`",
            old.join(", ")
        )))
    }

    /// The line of the exceptions list under which everything is held, where it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held_night(&self) -> Result<Option<Exception>> {
        Ok(self.store.standing_exceptions(ExceptionKind::NightHeld).await?.into_iter().next())
    }

    /// Puts the run of the day before the lead.
    pub(super) async fn hold_night(&self, day: Day, why: &str) -> Result<()> {
        let text = format!(
            "{}: nothing leaves the building, for {why}. Then `arrears night release --reason TEXT` goes on with what is known by \
             then, and `arrears night drop --reason TEXT` cancels its notices and leaves the rest to the next night",
            short(day)
        );
        tracing::error!(%day, why, "the night is held for the lead");
        self.store.open_exception(None, ExceptionKind::NightHeld, &text, &self.daemon_stamp(day)).await?;
        Ok(())
    }

    /// Refuses what would leave the building while a night is held.
    pub(super) async fn nothing_is_held(&self) -> Result<()> {
        match self.held_night().await? {
            None => Ok(()),
            Some(line) => Err(OfficeError::refused(
                format!("the night is held ({})", line.text),
                "nothing goes out until the lead has released or dropped it",
            )),
        }
    }

    /// Releases what is held: the run of today goes on where it stopped, without the guard; one of an earlier day is made good
    /// by the next night.
    ///
    /// # Errors
    /// When nothing is held, or no reason is given.
    pub async fn release_night(&self, reason: &str, by: &str) -> Result<DayReport> {
        let line = self.held_for(reason).await?;
        self.store.clear_exception(line.id, Some(reason), &self.stamp(by)).await?;
        let today = self.today();
        let last = self.store.runs(1).await?.into_iter().find(|run| run.kind == NIGHT && run.date == today);
        match last {
            Some(run) if run.finished_at.is_none() => self.night(today).await,
            Some(_) => self.settle().await,
            None => Ok(DayReport::default()),
        }
    }

    /// Drops what is held: the notices that the run has planned so far are canceled, and decided anew like any that a person
    /// canceled; what it has not decided is left to the next night. Gives how many were canceled. Calls, orders and referrals
    /// wait for their release as always, and fees that it posted are waived one by one.
    ///
    /// # Errors
    /// When nothing is held, or no reason is given.
    pub async fn drop_night(&self, reason: &str, by: &str) -> Result<usize> {
        let line = self.held_for(reason).await?;
        let stamp = self.stamp(by);
        let unfinished = self.store.runs(1).await?.into_iter().find(|run| run.finished_at.is_none());
        let Some(run) = unfinished.filter(|run| run.kind == NIGHT) else {
            return Err(OfficeError::refused(
                "no night is under way: this is what files brought after it",
                "correct the cause, and release it with `arrears night release`",
            ));
        };
        let cause = format!("the night of {} was dropped: {reason}", run.date);
        let planned = self.store.notices_of_run(run.id).await?;
        let canceled = self.store.cancel_notices(&planned, &cause, &stamp).await?;
        self.store.finish_run(run.id, &json!({ "dropped": true, "reason": reason, "by": by }), &stamp).await?;
        self.store.clear_exception(line.id, Some(reason), &stamp).await?;
        Ok(canceled.len())
    }

    /// Whether the night of the day was dropped: what it left is for the next one.
    pub(super) async fn was_dropped(&self, day: Day) -> Result<bool> {
        let last = self.store.runs(1).await?.into_iter().next();
        let is_dropped = |summary: serde_json::Value| summary.get("dropped").is_some();
        Ok(last.filter(|run| run.date == day).and_then(|run| run.summary).is_some_and(is_dropped))
    }

    async fn held_for(&self, reason: &str) -> Result<Exception> {
        need_reason(reason)?;
        let held = self.held_night().await?;
        held.ok_or_else(|| OfficeError::refused("nothing is held", "`arrears today` shows what waits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::PaymentChannel;
    use crate::domain::notice::NoticeState;
    use crate::office::testing::{City, day};

    /// Every notice is one too many.
    const NARROW: &str = "guards: {always_allowed: 0, first_nights_percent: 0}\n";

    async fn planned(city: &City) -> usize {
        city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_night_that_is_not_like_others_stops_before_anything_leaves_and_goes_on_when_it_is_released() {
        let city = City::configured(NARROW).await;
        city.at("2026-05-01", "04:00");
        let report = city.office.night(day("2026-05-01")).await.unwrap();
        assert!(report.held);
        assert_eq!(planned(&city).await, 0, "nothing was committed");
        let held = city.office.held_night().await.unwrap().unwrap();
        assert!(
            held.text.starts_with("Fri 2026-05-01: nothing leaves the building, for notices for 1 accounts"),
            "{held:?}"
        );
        // The same night again, and what comes in, change nothing; nor does clearing the line by hand.
        assert!(city.office.night(day("2026-05-01")).await.unwrap().held);
        assert!(city.office.settle().await.unwrap().held);
        let refused = city.office.clear_exception(held.id, Some("seen"), "Ruth").await.unwrap_err();
        assert!(refused.to_string().contains("released or dropped"), "{refused}");
        for refused in [
            city.office.release_notices(&[], "Ruth").await.unwrap_err(),
            city.office.make_batch("Ruth").await.unwrap_err(),
            city.office.release_call_list(day("2026-05-01"), "Ruth").await.unwrap_err(),
        ] {
            assert!(refused.to_string().contains("the night is held"), "{refused}");
        }
        assert!(city.office.release_night(" ", "Ruth").await.is_err(), "a reason is asked for");
        let report = city.office.release_night("the first bills of the year", "Ruth").await.unwrap();
        assert_eq!((report.held, report.notices), (false, 1));
        assert_eq!(planned(&city).await, 1);
        assert_eq!(city.office.store.last_finished(NIGHT).await.unwrap(), Some(day("2026-05-01")));
        assert!(city.office.night(day("2026-05-01")).await.unwrap().already_done);
        assert_eq!(planned(&city).await, 1, "nothing is doubled");
    }

    #[tokio::test]
    async fn a_night_that_is_released_a_day_later_is_made_good_by_the_next() {
        let city = City::configured(NARROW).await;
        city.at("2026-05-01", "04:00");
        city.office.night(day("2026-05-01")).await.unwrap();
        city.at("2026-05-02", "04:00");
        assert!(city.office.night(day("2026-05-02")).await.unwrap().held, "the lead has not looked");
        city.office.release_night("seen", "Ruth").await.unwrap();
        city.office.record_missed_day(day("2026-05-01")).await.unwrap();
        let report = city.office.night(day("2026-05-02")).await.unwrap();
        assert_eq!((report.held, report.notices), (false, 1));
    }

    #[tokio::test]
    async fn a_night_that_is_dropped_leaves_its_accounts_to_the_next_which_is_held_again() {
        let city = City::configured(NARROW).await;
        city.at("2026-05-01", "04:00");
        city.office.night(day("2026-05-01")).await.unwrap();
        assert_eq!(city.office.drop_night("the due dates of the file are wrong", "Ruth").await.unwrap(), 0);
        assert!(city.office.settle().await.unwrap().held, "what it left waits for the next night");
        assert_eq!(planned(&city).await, 0);
        city.at("2026-05-02", "04:00");
        assert!(city.office.night(day("2026-05-02")).await.unwrap().held);
        // The bill is paid: nothing is to be told any more.
        city.office.release_night("paid", "Ruth").await.unwrap();
        city.lockbox("10-000417", "224.20", "2026-05-01").await;
        assert_eq!(city.office.night(day("2026-05-02")).await.unwrap().notices, 0);
    }

    #[tokio::test]
    async fn payments_that_are_loaded_through_a_day_long_past_stop_the_night() {
        let city = City::new().await;
        city.at("2026-04-25", "09:00");
        city.office.sign_no_payments(PaymentChannel::Lockbox, day("2026-04-24"), "Ruth").await.unwrap();
        city.at("2026-04-30", "04:00");
        assert!(!city.office.night(day("2026-04-30")).await.unwrap().held, "five days, as over a long weekend");
        city.at("2026-05-01", "04:00");
        assert!(city.office.night(day("2026-05-01")).await.unwrap().held);
        let held = city.office.held_night().await.unwrap().unwrap();
        assert!(held.text.contains("payments are loaded too long ago (lockbox through Fri 2026-04-24)"), "{held:?}");
        assert_eq!(planned(&city).await, 0, "nothing was decided");
    }
}

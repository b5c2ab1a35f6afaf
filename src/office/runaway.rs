//! A night that is not like others stops for the lead, before anything leaves the building.
//!
//! A wrong due date in a file, or a policy adopted in haste, shows in numbers first. So a run commits no page that would
//! take it beyond what nights have been, and while it is held no notice is released, batched or sent, no call list released,
//! no crew sent to shut off, and no debt placed. Payments are taken and services restored all the same. The run is not lost: the lead
//! releases it, and it goes on where it stopped with what is known by then; or drops it, and the next night decides anew.

use serde_json::json;

use super::accounts::need_reason;
use super::day_report::DayReport;
use super::night::NIGHT;
use super::{Office, OfficeError, Result};
use crate::allocate::batch_guard::{BatchRules, batch_guard};
use crate::domain::day::{days_between, plus_days, short};
use crate::domain::{AccountId, Day, RunId};
use crate::store::{Exception, ExceptionKind, RunStart};

/// Nights that say what is usual.
const HISTORY: u32 = 60;

/// So many accounts are named where a run stops for them.
const NAMED: usize = 5;

/// What came of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NightReleased {
    /// What was held went on, and did this.
    GoesOn(DayReport),
    /// What was held is of an earlier day: the night of today makes it good, at its hour.
    NextNight,
}

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
    /// What is usual, for a run of the day.
    pub(super) async fn usual(&self, day: Day) -> Result<Usual> {
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
        Ok(Usual { history, rules })
    }

    /// Whether what the run of `day` would decide on is older than its day: payments that were made would not be seen.
    pub(super) async fn stale_data(&self, day: Day) -> Result<Option<String>> {
        let most = i64::from(self.config.guards.data_days);
        if most == 0 {
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

    /// Why a run stops, with the numbers of accounts that owe nothing, where that is why.
    pub(super) async fn naming(&self, why: String, owing_nothing: &[AccountId]) -> Result<String> {
        let mut numbers = Vec::new();
        for account in owing_nothing.iter().take(NAMED) {
            numbers.push(self.store.account(*account).await?.profile.number.to_string());
        }
        if numbers.is_empty() {
            return Ok(why);
        }
        let more = owing_nothing.len() - numbers.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Ok(format!("{why} (account {}{more})", numbers.join(", ")))
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

    /// Releases what is held: the run of today goes on where it stopped, without the guard. Where it was one of an earlier day,
    /// the night of today makes it good, and that is released; what files brought behind the night is decided now. The next
    /// night, and the next file, are held against what is usual as ever.
    ///
    /// # Errors
    /// When nothing is held, or no reason is given.
    pub async fn release_night(&self, reason: &str, by: &str) -> Result<NightReleased> {
        let line = self.held_for(reason).await?;
        let (stamp, today) = (self.stamp(by), self.today());
        let last = self.store.runs(1).await?.into_iter().find(|run| run.kind == NIGHT);
        let is_todays = last.as_ref().is_some_and(|run| run.date == today);
        let run = match self.store.begin_run(today, NIGHT, &stamp).await? {
            RunStart::AlreadyDone(_) => None,
            RunStart::New(run) | RunStart::Resumed(run) => Some(run),
        };
        if let Some(run) = run {
            self.store.release_run(run, &json!({ "released": true, "reason": reason, "by": by }), &stamp).await?;
        }
        self.store.clear_exception(line.id, Some(reason), &stamp).await?;
        match run {
            Some(_) if is_todays => Ok(NightReleased::GoesOn(self.night(today).await?)),
            Some(_) => Ok(NightReleased::NextNight),
            None => Ok(NightReleased::GoesOn(self.settle_within(None).await?)),
        }
    }

    /// Whether the lead has released the run.
    pub(super) async fn is_released(&self, run: RunId) -> Result<bool> {
        let runs = self.store.runs(HISTORY).await?;
        let summary = runs.into_iter().find(|known| known.id == run).and_then(|known| known.summary);
        Ok(summary.is_some_and(|summary| summary.get("released").is_some()))
    }

    /// Whether a night is under way: decided so far, and not known yet whether it will be held.
    pub(super) async fn is_under_way(&self) -> Result<bool> {
        let last = self.store.runs(1).await?.into_iter().next();
        Ok(last.is_some_and(|run| run.kind == NIGHT && run.finished_at.is_none()))
    }

    /// Drops what is held: the notices that the run has planned so far are voided, so that the next night decides them anew;
    /// what it has not decided is left to it too. Gives how many were voided. Calls, orders and referrals
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
        let voided = self.store.void_notices(&planned, &cause, &stamp).await?;
        self.store.finish_run(run.id, &json!({ "dropped": true, "reason": reason, "by": by }), &stamp).await?;
        self.store.clear_exception(line.id, Some(reason), &stamp).await?;
        Ok(voided.len())
    }

    /// Whether the night of the day was dropped: what it left is for the next one.
    pub(super) async fn was_dropped(&self, day: Day) -> Result<bool> {
        let last = self.store.runs(1).await?.into_iter().next();
        let is_dropped = |summary: serde_json::Value| summary.get("dropped").is_some();
        Ok(last.filter(|run| run.date == day).and_then(|run| run.summary).is_some_and(is_dropped))
    }

    /// Why nothing is decided on the day, in words: its night is held, or was dropped.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn why_held(&self, day: Day) -> Result<String> {
        if let Some(line) = self.held_night().await? {
            return Ok(format!("the night is held: {}", line.text));
        }
        let last = self.store.runs(1).await?.into_iter().find(|run| run.date == day);
        let said = |name: &str| {
            let summary = last.as_ref().and_then(|run| run.summary.as_ref());
            summary.and_then(|summary| summary.get(name)).and_then(|said| said.as_str()).unwrap_or_default().to_owned()
        };
        Ok(format!(
            "the night of {} was dropped by {} ({}): what it left is decided by the next night, which is held again while its \
             cause stands; until then services that are off are restored, and nothing else is done",
            short(day),
            said("by"),
            said("reason")
        ))
    }

    /// Puts a run under a date that has not come on the exceptions list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tell_run_ahead(&self, ahead: Day) -> Result<()> {
        let text = format!(
            "A night was run under the date {}, which has not come. No night is run until then: see what clock was wrong, and \
             restore the backup from before that run, or wait",
            short(ahead)
        );
        self.store.open_exception(None, ExceptionKind::Incident, &text, &self.daemon_stamp(self.today())).await?;
        Ok(())
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
    use crate::domain::field_order::{OrderKind, OrderState};
    use crate::domain::ledger::PaymentChannel;
    use crate::domain::notice::NoticeState;
    use crate::office::testing::{City, day};
    use crate::store::CrewResult;

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
            held.text.starts_with("Fri 2026-05-01: nothing leaves the building, for 1 notices in one run"),
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
        let released = city.office.release_night("the first bills of the year", "Ruth").await.unwrap();
        assert!(matches!(released, NightReleased::GoesOn(DayReport { held: false, notices: 1, .. })), "{released:?}");
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
        assert_eq!(city.office.release_night("seen", "Ruth").await.unwrap(), NightReleased::NextNight);
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
    async fn a_night_that_is_dropped_days_later_leaves_the_guard_to_the_next() {
        let city = City::configured(NARROW).await;
        city.at("2026-05-01", "04:00");
        city.office.night(day("2026-05-01")).await.unwrap();
        city.at("2026-05-04", "09:00");
        city.office.drop_night("the due dates of the file are wrong", "Ruth").await.unwrap();
        for missed in ["2026-05-02", "2026-05-03"] {
            city.office.record_missed_day(day(missed)).await.unwrap();
        }
        assert!(city.office.night(day("2026-05-04")).await.unwrap().held, "the lead said no");
        assert_eq!(planned(&city).await, 0);
    }

    #[tokio::test]
    async fn a_release_in_the_morning_lets_no_file_of_the_day_through() {
        let city = City::configured(NARROW).await;
        city.at("2026-05-01", "04:00");
        city.office.night(day("2026-05-01")).await.unwrap();
        city.office.release_night("seen", "Ruth").await.unwrap();
        city.at("2026-05-01", "10:00");
        let another = "account,customer_name,service_address,service_city,service_state,service_zip,services,occupancy\n\
                       10-000418,Curtis Hartley,420 Alder St,Riverbend,CA,95600,water,owner\n";
        let bill = "account,service,amount,billed_on,due_on,source,reference\n\
                    10-000418,water,95.00,2026-03-02,2026-03-23,cis,B2-W\n";
        city.takes("accounts.csv", another).await;
        city.takes("charges.csv", bill).await;
        assert!(city.office.settle().await.unwrap().held, "its notice is one too many");
        assert_eq!(planned(&city).await, 1);
        // Released, it goes on.
        city.office.release_night("seen too", "Ruth").await.unwrap();
        assert_eq!(planned(&city).await, 2);
    }

    #[tokio::test]
    async fn what_a_dropped_night_had_planned_is_decided_anew_by_the_next() {
        const ACCOUNTS: usize = 1_050;
        // The first page is within what is allowed; the second is not.
        let city = City::configured("guards: {always_allowed: 1000, first_nights_percent: 0}\n").await;
        let mut accounts = String::from(
            "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy\n",
        );
        let mut bills = String::from("account,service,amount,billed_on,due_on,source,reference\n");
        for n in 1..=ACCOUNTS {
            accounts += &format!("20-{n:06},Customer {n},{n} Elm St,Riverbend,CA,95600,,water,owner\n");
            bills += &format!("20-{n:06},water,95.00,2026-03-02,2026-03-23,cis,C{n}\n");
        }
        city.takes("accounts.csv", &accounts).await;
        city.takes("charges.csv", &bills).await;
        city.at("2026-05-01", "04:00");
        let report = city.office.night(day("2026-05-01")).await.unwrap();
        assert!(report.held && report.notices > 900, "{report:?}");
        let dropped = city.office.drop_night("seen too late", "Ruth").await.unwrap();
        assert_eq!(dropped as u64, report.notices);
        city.at("2026-05-02", "04:00");
        assert!(city.office.night(day("2026-05-02")).await.unwrap().held);
        city.office.release_night("right after all", "Ruth").await.unwrap();
        let planned = city.office.store.notices_in(NoticeState::Planned, 5_000).await.unwrap();
        let finals = planned.iter().filter(|notice| notice.template.as_str() == "final_notice").count();
        assert_eq!(finals, ACCOUNTS + 1, "those that were dropped, and those that the first night had not come to");
    }

    #[tokio::test]
    async fn under_a_held_night_who_pays_by_a_file_gets_water_again() {
        let city = City::configured("guards: {data_days: 3}\n").await;
        let order = city.to_the_shut_off().await;
        city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        city.office.dispatch_orders(&[order], "Crew 1", "Ruth").await.unwrap();
        let (on, at, crew) = (day("2026-05-22"), Some("09:25".to_owned()), "Crew 1".to_owned());
        let result = CrewResult { done: true, on, at, crew, note: String::new() };
        city.office.record_order_result(order, result, "Ruth").await.unwrap();
        // No channel has been loaded since May 21.
        city.at("2026-05-29", "04:00");
        assert!(city.office.night(day("2026-05-29")).await.unwrap().held);
        city.lockbox("10-000417", "400.00", "2026-05-28").await;
        assert!(city.office.settle().await.unwrap().held);
        let waiting = city.office.store.field_orders(Some(OrderState::Approved), None).await.unwrap();
        assert_eq!(waiting.iter().map(|order| order.kind).collect::<Vec<_>>(), [OrderKind::Restore]);
        let sent = city.office.dispatch_orders(&[waiting[0].id], "Crew 1", "Ruth").await.unwrap();
        assert_eq!(sent.done, [waiting[0].id]);
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

    #[tokio::test]
    async fn after_a_drop_the_same_night_says_so_and_decides_nothing_and_the_next_is_held_while_its_cause_stands() {
        let city = City::new().await;
        for channel in PaymentChannel::ALL {
            city.office.sign_no_payments(*channel, day("2026-03-01"), "Ruth").await.unwrap();
        }
        city.at("2026-05-01", "04:00");
        assert!(city.office.night(day("2026-05-01")).await.unwrap().held);
        city.office.drop_night("the bank's file is missing", "Ruth").await.unwrap();
        assert!(city.office.run_day(day("2026-05-01"), None).await.unwrap().already_done);
        assert!(city.office.settle().await.unwrap().held);
        assert_eq!(planned(&city).await, 0);
        let why = city.office.why_held(day("2026-05-01")).await.unwrap();
        assert!(
            why.starts_with("the night of Fri 2026-05-01 was dropped by Ruth (the bank's file is missing)"),
            "{why}"
        );
        city.at("2026-05-02", "04:00");
        assert!(city.office.night(day("2026-05-02")).await.unwrap().held, "payments are still not loaded");
        let why = city.office.why_held(day("2026-05-02")).await.unwrap();
        assert!(why.starts_with("the night is held: Sat 2026-05-02: nothing leaves the building"), "{why}");
    }

    #[tokio::test]
    async fn while_a_night_is_held_or_dropped_an_account_without_water_gets_no_letter_and_no_fee() {
        let city = City::new().await;
        city.to_the_dry_tap().await;
        // A second bill is past due long enough for its fee when the payments are no longer loaded.
        let head = "account,service,amount,billed_on,due_on,source,reference";
        city.takes("more.csv", &format!("{head}\n10-000417,water,90.00,2026-05-22,2026-06-12,cis,B2-W\n")).await;
        city.at("2026-06-22", "04:00");
        assert!(city.office.night(day("2026-06-22")).await.unwrap().held);
        let account = city.debtor().await;
        let entries = async || city.office.store.entries(account).await.unwrap().len();
        let before = entries().await;
        city.office.settle().await.unwrap();
        city.office.drop_night("the bank's file is missing", "Ruth").await.unwrap();
        city.office.settle().await.unwrap();
        assert_eq!(entries().await, before, "no fee");
    }
}

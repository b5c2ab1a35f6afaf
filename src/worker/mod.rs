//! The daemon: runs the business dates, takes files in and does what waits, by schedule, until it is told to stop.
//!
//! Schedules are cron expressions in the city's time zone, but a date is run because it has not been run, never because
//! a tick came: a daemon that was down at half past two runs the date when it is back. Only one daemon at a time runs
//! dates and takes files (a lease says which); the outbox is worked by all. Deliberately absent: any choice of what is
//! done, which is the office's.

mod systemd;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use cron::Schedule;
pub use systemd::Systemd;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::Day;
use crate::domain::day::plus_days;
use crate::notices::Mailer;
use crate::office::{NIGHT, Office, OfficeError};

/// The lease of the daemon that runs dates and takes files, and for how long it holds without a sign of life.
const LEASE: &str = "daemon";
const LEASE_SECONDS: u32 = 120;
const LEASE_RENEWAL: Duration = Duration::from_secs(30);
/// How long the daemon sleeps at most: a clock that was set, or a lease that is free, is noticed after that.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);

/// The daemon.
pub struct Worker {
    office: Arc<Office>,
    mailer: Mailer,
    /// Tells this daemon from others in the lease.
    owner: String,
    systemd: Systemd,
    night: Option<Schedule>,
    inbox: Option<Schedule>,
    outbox: Option<Schedule>,
    fees: Option<Schedule>,
    /// Told when there may be something in the outbox before its next tick.
    filled: Notify,
    /// The date whose call list is known to stand.
    listed: std::sync::Mutex<Option<Day>>,
    /// The date on which a run under a later date was told.
    told: std::sync::Mutex<Option<Day>>,
    /// The date on which the list of fees was written, or there was nothing to write.
    exported: std::sync::Mutex<Option<Day>>,
}

impl Worker {
    /// A daemon of the office; `owner` is unique among daemons on one database.
    #[must_use]
    pub fn new(office: Arc<Office>, mailer: Mailer, owner: String, systemd: Systemd) -> Self {
        let schedules = &office.config.schedules;
        // The configuration refused what is no expression when it was loaded.
        let read = |text: &str| Schedule::from_str(text).ok();
        let (night, inbox, outbox) = (read(&schedules.night), read(&schedules.inbox), read(&schedules.outbox));
        let fees = schedules.fees.as_deref().and_then(read);
        let never = || std::sync::Mutex::new(None);
        let (listed, told, exported) = (never(), never(), never());
        Self {
            office,
            mailer,
            owner,
            systemd,
            night,
            inbox,
            outbox,
            fees,
            filled: Notify::new(),
            listed,
            told,
            exported,
        }
    }

    /// Works until `stop` is canceled; what is under way is finished first.
    ///
    /// The dates and the outbox go on side by side, so that a mail server that keeps silent stops no night; and the
    /// lease is renewed beside both, so that no second daemon begins while a large file is being taken.
    pub async fn run(&self, stop: CancellationToken) {
        tracing::info!(owner = %self.owner, today = %self.office.today(), "the daemon works");
        self.systemd.ready();
        let done = CancellationToken::new();
        let work = async {
            tokio::join!(self.keep_dates(&stop), self.keep_outbox(&stop));
            done.cancel();
        };
        let told_to_stop = async {
            stop.cancelled().await;
            self.systemd.stopping();
        };
        // Whoever ends the work has canceled `stop`.
        tokio::join!(work, self.keep_lease(&done), told_to_stop);
        if let Err(error) = self.office.store.drop_lease(LEASE, &self.owner).await {
            tracing::warn!(%error, "the lease was not given back; it runs out by itself");
        }
        tracing::info!("the daemon has stopped");
    }

    /// Takes files in and runs dates, while this daemon holds the lease.
    async fn keep_dates(&self, stop: &CancellationToken) {
        let mut inbox = Some(self.office.now());
        while !stop.is_cancelled() {
            self.step(&mut inbox).await;
            self.sleep_until(inbox, stop).await;
        }
    }

    /// Does whatever is due now; `inbox` is when its files are due to be taken.
    async fn step(&self, inbox: &mut Option<DateTime<Utc>>) {
        if !self.takes_lease().await {
            return;
        }
        let now = self.office.now();
        report("day", self.office.begin_day().await);
        if is_due(*inbox, now) {
            report("bounces", self.take_bounces().await);
            report("inbox", self.take_inbox().await);
            *inbox = self.next(self.inbox.as_ref(), now);
        }
        report("exports", self.write_exports().await);
        report("night", self.run_dates(now).await);
        report("fees", self.export_fees(now).await);
        report("digest", self.digest().await);
        self.filled.notify_one();
    }

    /// Renders and sends what waits.
    async fn keep_outbox(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            report("outbox", self.work_outbox(stop).await);
            let due = self.next(self.outbox.as_ref(), self.office.now());
            tokio::select! {
                () = self.filled.notified() => {}
                () = self.sleep_until(due, stop) => {}
            }
        }
    }

    /// Renews the lease while there is work.
    async fn keep_lease(&self, done: &CancellationToken) {
        while !done.is_cancelled() {
            tokio::select! {
                () = done.cancelled() => {}
                () = tokio::time::sleep(LEASE_RENEWAL) => {
                    self.takes_lease().await;
                    self.systemd.alive();
                }
            }
        }
    }

    async fn takes_lease(&self) -> bool {
        match self.office.store.take_lease(LEASE, &self.owner, LEASE_SECONDS).await {
            Ok(true) => true,
            Ok(false) => {
                tracing::debug!("another daemon runs the dates");
                false
            }
            Err(error) => {
                tracing::error!(%error, "the lease could not be taken");
                false
            }
        }
    }

    /// Sleeps until `due` or until something else may have changed, and no longer than until `stop`.
    async fn sleep_until(&self, due: Option<DateTime<Utc>>, stop: &CancellationToken) {
        let wait = due.and_then(|due| (due - self.office.now()).to_std().ok()).unwrap_or(LONGEST_SLEEP);
        let wait = wait.clamp(Duration::from_millis(200), LONGEST_SLEEP);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    /// Emails that came back are known before the inbox is decided.
    async fn take_bounces(&self) -> Result<(), OfficeError> {
        let reports = self.office.take_bounces(&self.office.daemon_stamp(self.office.today())).await?;
        let (bounced, noted, unmatched) = (reports.bounced.len(), reports.noted, reports.unmatched.len());
        if bounced + unmatched > 0 || noted > 0 {
            tracing::info!(bounced, noted, unmatched, "reports on emails came in");
        }
        for why in &reports.stuck {
            tracing::error!(%why, "a report on an email cannot be taken");
        }
        Ok(())
    }

    async fn take_inbox(&self) -> Result<(), OfficeError> {
        let intake = self.office.take_inbox().await;
        if let Ok(intake) = &intake {
            if intake.taken + intake.refused > 0 {
                let seal = self.office.seal("import").await?.map(|seal| seal.root);
                tracing::info!(taken = intake.taken, refused = intake.refused, seal, "files came in");
            }
            for why in &intake.stuck {
                tracing::error!(%why, "a file of the inbox cannot be taken");
            }
        }
        // Once the date was run, whatever has come in since is decided, also what an earlier tick left undone. Before, who is shut
        // off is.
        let was_run = self.office.store.last_finished(NIGHT).await? >= Some(self.office.today());
        let settled = if was_run { self.office.settle().await } else { self.office.settle_shut_off().await };
        // On every tick: a daemon that was killed behind the decision has not looked at what its crews carry.
        self.office.recheck_todays_orders().await?;
        let report = settled?;
        if report.examined > 0 {
            tracing::info!(examined = report.examined, changed = report.changed, "what came in was decided");
        }
        intake.map(|_| ())
    }

    /// A list of referrals that somebody recorded and was killed before writing is written now.
    async fn write_exports(&self) -> Result<(), OfficeError> {
        if self.office.store.standstill().await?.is_some() {
            return Ok(());
        }
        let written = self.office.write_exports().await?;
        if written > 0 {
            tracing::info!(written, "lists of referrals were written from their record");
        }
        Ok(())
    }

    async fn digest(&self) -> Result<(), OfficeError> {
        self.office.make_digest().await?;
        let sent = self.office.send_digests(&self.mailer).await?;
        if sent > 0 {
            tracing::info!(sent, "the digest was sent");
        }
        Ok(())
    }

    async fn work_outbox(&self, stop: &CancellationToken) -> Result<(), OfficeError> {
        let go_on = || !stop.is_cancelled();
        let rendered = self.office.render_released(&go_on).await?;
        let sent = self.office.send_rendered(&self.mailer, &go_on).await?;
        if rendered + sent > 0 {
            tracing::info!(rendered, sent, "the outbox was worked");
        }
        Ok(())
    }

    /// Runs today's date when its hour has come and it was not run; dates between are recorded as missed.
    async fn run_dates(&self, now: DateTime<Utc>) -> Result<(), OfficeError> {
        let today = self.office.today();
        let last = self.office.store.last_finished(NIGHT).await?;
        if let Some(ahead) = last.filter(|last| *last > today) {
            self.tell_run_ahead(ahead, today).await?;
        }
        if last.is_some_and(|last| last >= today) {
            // A daemon that was stopped between the run and its list makes the list good; one that stands stays.
            return self.list_calls(today).await;
        }
        if !self.hour_has_come(today, now) {
            return Ok(());
        }
        // The exceptions list says so; before it is released, no date is recorded as missed either.
        if self.office.store.standstill().await?.is_some() {
            return Ok(());
        }
        if self.office.held_night().await?.is_some() {
            tracing::debug!("a night is held: none is run until the lead has released or dropped it");
            return Ok(());
        }
        for day in missed(last, today) {
            self.office.record_missed_day(day).await?;
            tracing::warn!(%day, "the date was missed; this run makes it good");
        }
        let report = self.office.night(today).await?;
        let seal = self.office.seal_night(today).await?;
        tracing::info!(
            day = %today,
            examined = report.examined,
            changed = report.changed,
            notices = report.notices,
            calls = report.calls,
            fees = report.fees,
            orders = report.orders,
            referrals = report.referrals,
            refused = report.refused,
            seal = seal.map(|seal| seal.root),
            "the date was run"
        );
        Ok(())
    }

    /// A night that was run under a later date, by a clock that was wrong, keeps all nights before it from being run: a
    /// person must know. Told once a day.
    async fn tell_run_ahead(&self, ahead: Day, today: Day) -> Result<(), OfficeError> {
        let is_told = *self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(today);
        if !is_told {
            tracing::error!(last_run = %ahead, %today, "a night was run under a date that has not come: none is run until then");
            self.office.tell_run_ahead(ahead).await?;
            *self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(today);
        }
        Ok(())
    }

    async fn list_calls(&self, today: Day) -> Result<(), OfficeError> {
        let is_listed = *self.listed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(today);
        if !is_listed {
            if self.office.store.call_list(today).await?.is_empty() {
                self.office.build_call_list(today).await?;
            }
            *self.listed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(today);
        }
        Ok(())
    }

    /// Writes the list of fees once its hour has come; not while a night is held or a restored city stands still.
    async fn export_fees(&self, now: DateTime<Utc>) -> Result<(), OfficeError> {
        let today = self.office.today();
        let is_done = *self.exported.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(today);
        if is_done || !self.has_struck(self.fees.as_ref(), today, now) {
            return Ok(());
        }
        if self.office.store.standstill().await?.is_some() || self.office.held_night().await?.is_some() {
            return Ok(());
        }
        if let Some(list) = self.office.export_fees_by_itself().await? {
            tracing::info!(list = %list.name, entries = list.entries.len(), total = %list.total, "the list of fees was written");
        }
        *self.exported.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(today);
        Ok(())
    }

    /// Whether the night's schedule has struck on `today`.
    fn hour_has_come(&self, today: Day, now: DateTime<Utc>) -> bool {
        self.has_struck(self.night.as_ref(), today, now)
    }

    fn has_struck(&self, schedule: Option<&Schedule>, today: Day, now: DateTime<Utc>) -> bool {
        let Some(schedule) = schedule else { return false };
        let zone = self.zone();
        let before = today.and_hms_opt(0, 0, 0).and_then(|midnight| zone.from_local_datetime(&midnight).earliest());
        // One second earlier, so that a schedule at midnight itself strikes.
        let Some(before) = before.map(|midnight| midnight - chrono::Duration::seconds(1)) else { return false };
        schedule.after(&before).next().is_some_and(|strike| strike <= now.with_timezone(&zone))
    }

    fn next(&self, schedule: Option<&Schedule>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        schedule?.after(&now.with_timezone(&self.zone())).next().map(|next| next.with_timezone(&Utc))
    }

    fn zone(&self) -> Tz {
        self.office.config.time_zone
    }
}

fn is_due(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    at.is_some_and(|at| at <= now)
}

/// The dates between the last that was run and today. None before the first run: there is nothing to make good.
fn missed(last: Option<Day>, today: Day) -> Vec<Day> {
    let Some(last) = last else { return Vec::new() };
    std::iter::successors(Some(plus_days(last, 1)), |day| Some(plus_days(*day, 1)))
        .take_while(|day| *day < today)
        .collect()
}

/// One piece of work failed: it is logged and tried again; the daemon goes on.
fn report(what: &'static str, result: Result<(), OfficeError>) {
    match result {
        Ok(()) => {}
        Err(error @ OfficeError::NoPolicy { .. }) => tracing::warn!(what, %error, "nothing can be decided yet"),
        Err(error) => tracing::error!(what, %error, "the work failed and is tried again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::CallState;
    use crate::domain::day::parse;
    use crate::domain::field_order::OrderState;
    use crate::office::testing::City;

    /// A daemon that has just been started, and what it does in its first moment.
    async fn start(city: &City) -> Worker {
        let worker = Worker::new(Arc::clone(&city.office), city.mailer(), "one".into(), Systemd::default());
        let now = city.office.now();
        worker.step(&mut Some(now)).await;
        worker
    }

    #[tokio::test]
    async fn a_daemon_killed_between_the_run_and_its_call_list_makes_the_list_when_it_is_back() {
        let city = City::new().await;
        city.to_the_call().await;
        let today = city.office.today();
        city.office.run_day(today, None).await.unwrap();
        assert!(city.office.store.call_list(today).await.unwrap().is_empty());
        start(&city).await;
        assert_eq!(city.office.store.call_list(today).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn the_list_of_fees_is_written_once_a_day_at_its_hour_where_the_city_says_so() {
        for (schedules, lists) in [("", 0), ("schedules: {fees: 0 0 6 * * *}\n", 1)] {
            let city = City::configured(schedules).await;
            city.at("2026-04-02", "04:00");
            let worker = start(&city).await;
            let listed = async || city.office.store.fee_exports(false).await.unwrap();
            assert!(listed().await.is_empty(), "its hour has not come");
            for time in ["06:00", "06:05", "23:00"] {
                city.at("2026-04-02", time);
                worker.step(&mut None).await;
                assert_eq!(listed().await.len(), lists, "{time}");
            }
            if let Some(list) = listed().await.first() {
                assert_eq!(list.made_by, "Arrears");
                assert!(city.office.fee_export_path(list).is_file());
            }
        }
    }

    #[tokio::test]
    async fn a_daemon_killed_between_a_payment_and_its_decision_decides_when_it_is_back() {
        let city = City::new().await;
        city.to_the_call().await;
        city.office.night(city.office.today()).await.unwrap();
        // The file is in the books, and nothing was decided; the inbox is empty from here on.
        city.at("2026-05-08", "09:00");
        city.lockbox("10-000417", "224.20", "2026-05-08").await;
        let debtor = city.debtor().await;
        assert!(city.office.snapshot(debtor).await.unwrap().case.is_some());
        start(&city).await;
        assert_eq!(city.office.snapshot(debtor).await.unwrap().case, None);
        let calls = city.office.store.calls_of(debtor).await.unwrap();
        assert!(calls.iter().all(|call| call.state == CallState::Canceled), "{calls:?}");
    }

    #[tokio::test]
    async fn a_file_that_pays_most_of_the_debt_calls_the_crew_back() {
        let city = City::new().await;
        let order = city.to_the_shut_off().await;
        let today = city.office.today();
        city.office.finalize_orders(today, "Ruth").await.unwrap();
        city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
        // All but $4.20 comes by lockbox at ten past nine: too little is left to shut off for.
        city.at("2026-05-22", "09:10");
        let payment = "account,amount,received_on,channel,source,reference\n\
                       10-000417,220.00,2026-05-22,lockbox,lockbox,LB-1\n";
        city.inbox("payments.csv", payment);
        start(&city).await;
        assert_eq!(city.office.store.order(order).await.unwrap().state, OrderState::Canceled);
        let standing = city.office.store.exceptions(true).await.unwrap();
        assert!(standing.iter().any(|line| line.kind.word() == "recall_crew"), "{standing:?}");
    }

    #[tokio::test]
    async fn what_comes_after_the_night_is_decided_at_the_next_look_into_the_inbox() {
        let city = City::new().await;
        city.to_the_call().await;
        let worker = start(&city).await;
        let debtor = city.debtor().await;
        assert!(city.office.snapshot(debtor).await.unwrap().case.is_some());
        city.at("2026-05-08", "09:00");
        let payment = "account,amount,received_on,channel,source,reference\n\
                       10-000417,224.20,2026-05-08,lockbox,lockbox,LB-1\n";
        city.inbox("payments.csv", payment);
        let now = city.office.now();
        worker.step(&mut Some(now)).await;
        assert_eq!(city.office.snapshot(debtor).await.unwrap().case, None);
    }

    #[tokio::test]
    async fn a_payment_that_was_dated_ahead_counts_from_the_first_minute_of_its_day() {
        let city = City::new().await;
        city.at("2026-03-02", "18:00");
        city.lockbox("10-000417", "24.20", "2026-03-04").await;
        let debtor = city.debtor().await;
        let owed = async || city.office.snapshot(debtor).await.unwrap().balance().to_plain();
        // The night of March 4 is run at two; nobody has to wait for it.
        for (date, balance) in [("2026-03-03", "224.20"), ("2026-03-04", "200.00")] {
            city.at(date, "00:01");
            start(&city).await;
            assert_eq!(owed().await, balance, "{date}");
        }
    }

    #[tokio::test]
    async fn a_night_that_was_run_under_a_later_date_stands_on_the_exceptions_list() {
        let city = City::new().await;
        city.at("2026-06-01", "04:00");
        city.office.night(city.office.today()).await.unwrap();
        city.at("2026-05-09", "04:00");
        start(&city).await;
        let standing = city.office.store.exceptions(true).await.unwrap();
        assert_eq!(standing.len(), 1);
        assert_eq!((standing[0].kind.word(), standing[0].opened_on), ("incident", parse("2026-05-09").unwrap()));
        assert!(standing[0].text.starts_with("A night was run under the date Mon 2026-06-01"), "{standing:?}");
    }

    #[test]
    fn an_outage_of_three_days_is_made_good_date_by_date() {
        let day = |text| parse(text).unwrap();
        let dates = missed(Some(day("2026-05-03")), day("2026-05-07"));
        assert_eq!(dates, [day("2026-05-04"), day("2026-05-05"), day("2026-05-06")]);
        assert!(missed(Some(day("2026-05-06")), day("2026-05-07")).is_empty());
        assert!(missed(None, day("2026-05-07")).is_empty());
    }
}

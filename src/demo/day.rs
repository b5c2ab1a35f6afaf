//! A day of the division, played through the office's acts: files, night, releases, mail, calls, crews, referrals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use chrono::{Datelike, Weekday};

use super::billing::Billing;
use super::city::{Behavior, CityDay, CityFile, CityFiles};
use super::{APPROVER, LEAD, Shown, instant, people};
use crate::clock::SetClock;
use crate::domain::call::{CallOutcome, CallState};
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::notice::NoticeState;
use crate::domain::referral::ReferralState;
use crate::domain::{AccountId, AccountNumber, Cents, Day, DisputeId, NoticeId, OrderId};
use crate::notices::Mailer;
use crate::office::{IfLate, Office, OfficeError, Result};
use crate::store::CrewResult;

/// Minutes after midnight: the run, the lead's morning, the calls, the end of the day.
const NIGHT: i64 = 2 * 60 + 30;
const MORNING: i64 = 8 * 60 + 10;
const CALLS: i64 = 10 * 60;
const AFTERNOON: i64 = 16 * 60;
/// Days until a returned letter is back.
const RETURN_DAYS: i64 = 9;
/// Days before the story in which its deposits were paid in.
const DEPOSIT_AGE: i64 = 500;
/// The crew that does the field work.
const CREW: &str = "Crew 2";

/// The division with its diary.
pub struct Division<'a> {
    pub(super) office: &'a Office,
    clock: &'a Arc<SetClock>,
    pub(super) city: &'a CityFiles,
    mailer: Mailer,
    pub shown: Shown,
    pub(super) billing: Billing,
    /// Money that people will bring to the counter.
    pub(super) promised: BTreeMap<Day, Vec<(AccountId, Cents)>>,
    returning: BTreeMap<Day, Vec<NoticeId>>,
    pub(super) disputes: BTreeMap<Day, Vec<DisputeId>>,
    pub(super) receipts: u64,
}

impl<'a> Division<'a> {
    pub fn new(office: &'a Office, clock: &'a Arc<SetClock>, city: &'a CityFiles, mailer: Mailer) -> Self {
        Self {
            office,
            clock,
            city,
            mailer,
            shown: Shown::default(),
            billing: Billing::default(),
            promised: BTreeMap::new(),
            returning: BTreeMap::new(),
            disputes: BTreeMap::new(),
            receipts: 0,
        }
    }

    /// Takes in the accounts and their past.
    pub async fn opening(&mut self, files: &[CityFile]) -> Result<()> {
        self.shown.accounts = self.city.people.len() as u64;
        for file in files {
            self.billing.hand_over(file);
        }
        let mut files = files.to_vec();
        files.push(deposits(self.city));
        self.take(&files).await
    }

    /// Before the last balances of the story the billing system credits somebody, and does not hand that over.
    fn forgets(&mut self, day: Day) {
        let last = self.city.days.last().map_or(day, |last| last.day);
        if day.weekday() == Weekday::Mon && plus_days(day, 7) > last {
            let debtor = self.city.people.iter().find(|(_, persona)| persona.behavior == Behavior::StoppedPaying);
            if let Some((account, _)) = debtor {
                self.billing.forget(account, plus_days(day, -3));
            }
        }
    }

    /// The night before a day's work: files come in, the date is run.
    pub async fn dawn(&mut self, today: &CityDay) -> Result<()> {
        self.clock.set(instant(today.day, NIGHT));
        let mut files = today.files.clone();
        for file in &files {
            self.billing.hand_over(file);
        }
        self.forgets(today.day);
        files.extend(self.billing.morning(today.day));
        self.take(&files).await?;
        let report = self.office.night(today.day).await?;
        self.office.seal_night(today.day).await?;
        self.shown.nights.add(report);
        Ok(())
    }

    /// Lives one business date.
    pub async fn live(&mut self, today: &CityDay) -> Result<()> {
        let day = today.day;
        self.dawn(today).await?;
        let rules = self.office.rules_on(day).await?;
        if !rules.calendar.is_office_open(day) {
            return Ok(());
        }
        self.clock.set(instant(day, MORNING));
        self.counter(day).await?;
        self.matching(day).await?;
        self.arrangements(day).await?;
        self.decide_disputes(day).await?;
        self.court(day).await?;
        self.approvals(day).await?;
        self.release().await?;
        self.crews(day).await?;
        self.calls(day).await?;
        self.referrals(day).await?;
        self.clock.set(instant(day, AFTERNOON));
        self.restorations(day).await?;
        self.mail(day).await?;
        self.fees().await
    }

    async fn take(&mut self, files: &[CityFile]) -> Result<()> {
        let inbox = self.office.dir.join("inbox");
        std::fs::create_dir_all(&inbox).map_err(|source| OfficeError::file(&inbox, source))?;
        for file in files {
            let path = inbox.join(&file.name);
            std::fs::write(&path, &file.text).map_err(|source| OfficeError::file(&path, source))?;
        }
        let intake = self.office.take_inbox().await?;
        self.shown.files += u64::from(intake.taken);
        if intake.refused > 0 {
            let why = format!("{} files of the demonstration were refused", intake.refused);
            return Err(OfficeError::refused(why, "the reports stand in refused/"));
        }
        Ok(())
    }

    async fn release(&mut self) -> Result<()> {
        let planned = self.office.store.notices_in(NoticeState::Planned, u32::MAX).await?;
        let ids: Vec<NoticeId> = planned.iter().map(|notice| notice.id).collect();
        self.office.release_notices(&ids, LEAD).await?;
        self.office.render_released(&|| true).await?;
        self.shown.emails_sent += self.office.send_rendered(&self.mailer, &|| true).await?;
        Ok(())
    }

    async fn mail(&mut self, day: Day) -> Result<()> {
        for id in self.returning.remove(&day).unwrap_or_default() {
            self.office.mark_returned(id, day, "attempted, not known", LEAD).await?;
            self.shown.letters_returned += 1;
        }
        let Some(batch) = self.office.make_batch(LEAD).await?.made else { return Ok(()) };
        let proof = format!("PS 3665 of {day}, {} pieces", batch.pieces);
        let outcome = self.office.mark_batch_mailed(batch.batch, day, IfLate::Void, &proof, LEAD).await?;
        self.shown.letters_mailed += outcome.mailed.len() as u64;
        let rules = self.office.rules_on(day).await?;
        let back = rules.calendar.next_office_day(plus_days(day, RETURN_DAYS));
        for notice in self.office.store.notices(&outcome.mailed).await? {
            let number = self.office.store.account(notice.account).await?.profile.number;
            if self.city.people.get(&number).is_some_and(|persona| persona.mail_returns) {
                self.returning.entry(back).or_default().push(notice.id);
            }
        }
        Ok(())
    }

    /// Shut-offs of the day are approved, finalized and done; a payment in between stops them.
    async fn crews(&mut self, day: Day) -> Result<()> {
        let prepared = self.office.store.field_orders(Some(OrderState::Prepared), Some(day)).await?;
        let ids: Vec<OrderId> = prepared.iter().map(|order| order.id).collect();
        self.office.approve_orders(&ids, APPROVER).await?;
        if !ids.is_empty() {
            let outcome = self.office.finalize_orders(day, LEAD).await?;
            self.shown.shut_offs_stopped += outcome.refused.len() as u64;
        }
        let mut ready = self.office.store.field_orders(Some(OrderState::Finalized), Some(day)).await?;
        ready.extend(self.approved(&[OrderKind::Tag, OrderKind::Visit]).await?);
        self.dispatched(day, ready, "09:40").await
    }

    async fn restorations(&mut self, day: Day) -> Result<()> {
        let ready = self.approved(&[OrderKind::Restore]).await?;
        self.dispatched(day, ready, "15:20").await
    }

    async fn approved(&self, kinds: &[OrderKind]) -> Result<Vec<FieldOrder>> {
        let mut orders = self.office.store.field_orders(Some(OrderState::Approved), None).await?;
        orders.retain(|order| kinds.contains(&order.kind));
        Ok(orders)
    }

    async fn dispatched(&mut self, day: Day, orders: Vec<FieldOrder>, at: &str) -> Result<()> {
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        let sent: BTreeSet<OrderId> = self.office.dispatch_orders(&ids, CREW, LEAD).await?.done.into_iter().collect();
        for order in orders.into_iter().filter(|order| sent.contains(&order.id)) {
            let note = match order.kind {
                OrderKind::Visit => "spoke with the customer at the door".to_owned(),
                OrderKind::Tag if order.instruction.is_some() => "left on every door".to_owned(),
                OrderKind::ShutOff | OrderKind::Limit | OrderKind::Restore | OrderKind::Tag => String::new(),
            };
            let result = CrewResult { done: true, on: day, at: Some(at.to_owned()), crew: CREW.to_owned(), note };
            self.office.record_order_result(order.id, result, LEAD).await?;
            match order.kind {
                OrderKind::ShutOff | OrderKind::Limit => {
                    self.shown.shut_offs += 1;
                    self.comes_to_pay(day, &order).await?;
                }
                OrderKind::Restore => self.shown.restorations += 1,
                OrderKind::Tag | OrderKind::Visit => {}
            }
        }
        Ok(())
    }

    /// Half of those who were shut off come to the counter within days.
    async fn comes_to_pay(&mut self, day: Day, order: &FieldOrder) -> Result<()> {
        let owed: Cents = self.office.snapshot(order.account).await?.balance();
        if order.account.0 % 2 == 0 && owed.is_positive() {
            self.promised.entry(plus_days(day, 1 + order.account.0 % 3)).or_default().push((order.account, owed));
        }
        Ok(())
    }

    async fn calls(&mut self, day: Day) -> Result<()> {
        self.office.release_call_list(day, LEAD).await?;
        let list = self.office.store.call_list(day).await?;
        for (n, call) in (0_i64..).zip(list.into_iter().filter(|call| call.state == CallState::Released)) {
            let minutes = CALLS + n * 4 % 300;
            self.clock.set(instant(day, minutes));
            // A call earlier on the list may have settled this one.
            if self.office.store.call(call.id).await?.state != CallState::Released {
                continue;
            }
            let profile = self.office.store.account(call.account).await?.profile;
            let Some(persona) = self.city.people.get::<AccountNumber>(&profile.number) else { continue };
            let phone = profile.phones.first().cloned().unwrap_or_default();
            let at = format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let report = people::answer(persona, &call, &phone, day, at);
            let by = call.assigned_to.clone().unwrap_or_else(|| LEAD.to_owned());
            let (outcome, promise) = (report.outcome, report.promise);
            self.office.record_call(call.id, report, &by).await?;
            self.shown.calls_made += 1;
            self.follow(day, call.account, outcome, promise, persona.keeps_word, call.amount).await?;
        }
        Ok(())
    }

    async fn follow(
        &mut self,
        day: Day,
        account: AccountId,
        outcome: CallOutcome,
        promise: Option<(Cents, Day)>,
        keeps_word: bool,
        amount: Cents,
    ) -> Result<()> {
        match (outcome, promise) {
            (CallOutcome::Promise, Some((amount, pay_by))) => {
                self.shown.promises += 1;
                if keeps_word {
                    self.promised.entry(pay_by).or_default().push((account, amount));
                }
            }
            (CallOutcome::Paid, _) if amount.is_positive() => {
                self.promised.entry(plus_days(day, 1)).or_default().push((account, amount));
            }
            (CallOutcome::Dispute, _) => self.disputes_a_bill(day, account).await?,
            _ => {}
        }
        Ok(())
    }

    /// Candidates are approved as they come; on the first office day of a week they go out.
    async fn referrals(&mut self, day: Day) -> Result<()> {
        for candidate in self.office.store.referrals(Some(ReferralState::Candidate)).await? {
            match self.office.approve_referral(candidate.id, None, APPROVER).await {
                // It stays a candidate while something stands against it.
                Ok(_) | Err(OfficeError::Reexamined(_) | OfficeError::Refused { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let rules = self.office.rules_on(day).await?;
        let week_began = plus_days(day, -i64::from(chrono::Datelike::weekday(&day).num_days_from_monday()));
        if rules.calendar.next_office_day(week_began) == day {
            for to in Shown::DESTINATIONS {
                self.office.export_referrals(to, APPROVER).await?;
            }
            let placed = self.office.store.referrals(Some(ReferralState::Placed)).await?;
            self.shown.referrals = placed.len() as u64;
        }
        Ok(())
    }
}

/// Of those who will leave or stop paying, every other one paid a deposit in when service began.
fn deposits(city: &CityFiles) -> CityFile {
    let received_on = city.days.first().map(|first| plus_days(first.day, -DEPOSIT_AGE)).unwrap_or_default();
    let mut text = String::from("account,deposit,interest,received_on,source,reference\n");
    let holders = city
        .people
        .iter()
        .filter(|(_, persona)| matches!(persona.behavior, Behavior::Vanished | Behavior::StoppedPaying));
    for (n, (account, _)) in (1_u32..).zip(holders.step_by(2)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{account},100.00,1.50,{received_on},cis,DEP-{n}");
    }
    CityFile { name: "deposits-opening.csv".to_owned(), text }
}

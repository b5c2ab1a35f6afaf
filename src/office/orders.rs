//! Field orders: approved, finalized with all checks again, dispatched, recorded; restored without delay.

use super::accounts::{need_reason, not_ahead};
use super::looks::{LOOKS, items_of};
use super::{Office, OfficeError, Result};
use crate::audit::{Ordered, Pending, Permit, Refusal, Remedy};
use crate::domain::arrears::past_due;
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, FinalizeRefusal, OrderKind, OrderState};
use crate::domain::import::{UnmatchedPayment, UnmatchedState};
use crate::domain::ledger::PaymentChannel;
use crate::domain::notice::NoticeFacts;
use crate::domain::{AccountId, Cents, Channel, Day, OrderId, Snapshot, UnmatchedId};
use crate::store::{CrewResult, Permitted};
use std::collections::BTreeSet;

/// What a finalization did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finalized {
    pub finalized: Vec<OrderId>,
    pub refused: Vec<(OrderId, FinalizeRefusal)>,
}

/// What became of orders that a person wanted to take a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    pub done: Vec<OrderId>,
    /// What stands against the others, in a sentence each.
    pub refused: Vec<(OrderId, String)>,
}

const fn is_shut_off(kind: OrderKind) -> bool {
    match kind {
        OrderKind::ShutOff | OrderKind::Limit => true,
        OrderKind::Restore | OrderKind::Tag | OrderKind::Visit => false,
    }
}

/// Up to where a look at shut-offs knows the payments that match no account.
fn last_of(unmatched: &[UnmatchedPayment]) -> UnmatchedId {
    unmatched.last().map_or(UnmatchedId(0), |payment| payment.id)
}

/// An order in a state that does not allow the step.
fn standing(order: &FieldOrder) -> String {
    format!("the {} is {}", order.kind, order.state)
}

impl Office {
    /// Approves prepared shut-offs. Each is looked at again first, as of its own day; one against which something stands
    /// is left as it is.
    ///
    /// # Errors
    /// When the database fails. What stands against single orders is in the result.
    pub async fn approve_orders(&self, ids: &[OrderId], by: &str) -> Result<Handled> {
        let stamp = self.stamp(by);
        let mut outcome = Handled::default();
        let mut waiting = ids.to_vec();
        for _ in 0..LOOKS {
            let mut passed = Vec::new();
            for id in waiting {
                let order = self.store.order(id).await?;
                if order.state != OrderState::Prepared {
                    outcome.refused.push((id, standing(&order)));
                    continue;
                }
                match self.leave_for_order(&order, order.for_day.max(stamp.on)).await? {
                    Ok(permit) => passed.push(Permitted { id, permit }),
                    Err(refusal) => outcome.refused.push((id, refusal.to_string())),
                }
            }
            let carried = self.store.approve_orders(&passed, &stamp).await?;
            outcome.done.extend(carried.done);
            waiting = carried.overtaken;
        }
        outcome.refused.extend(waiting.into_iter().map(|id| (id, Refusal::Overtaken.to_string())));
        Ok(outcome)
    }

    /// Finalizes the approved shut-offs of a day: every check again, with the payments of the day before applied.
    ///
    /// # Errors
    /// The whole list is refused while a payment channel is not loaded through the day before.
    pub async fn finalize_orders(&self, for_day: Day, by: &str) -> Result<Finalized> {
        let today = self.today();
        if for_day != today {
            return Err(OfficeError::Input {
                what: "the day of finalization",
                given: for_day.to_string(),
                expected: format!("today, {today}: a shut-off list is finalized on its own day"),
            });
        }
        self.channels_loaded(for_day).await?;
        let stamp = self.stamp(by);
        let mut outcome = Finalized::default();
        let mut waiting = self.store.field_orders(Some(OrderState::Approved), Some(for_day)).await?;
        waiting.retain(|order| is_shut_off(order.kind));
        for _ in 0..LOOKS {
            let (mut passed, mut canceled) = (Vec::new(), Vec::new());
            let unmatched = self.store.unmatched_payments(Some(UnmatchedState::Open)).await?;
            for order in &waiting {
                match self.leave_to_finalize(order, &unmatched, for_day).await? {
                    Ok(permit) => passed.push(Permitted { id: order.id, permit }),
                    // The order stays approved: a person may reject the match today.
                    Err(refusal @ FinalizeRefusal::UnmatchedPayment { .. }) => {
                        outcome.refused.push((order.id, refusal));
                    }
                    Err(refusal) => canceled.push((order.id, refusal)),
                }
            }
            let carried = self.store.finalize_orders(&passed, &canceled, last_of(&unmatched), &stamp).await?;
            outcome.finalized.extend(carried.done);
            outcome.refused.extend(canceled);
            waiting.retain(|order| carried.overtaken.contains(&order.id));
        }
        outcome.refused.extend(waiting.into_iter().map(|order| (order.id, FinalizeRefusal::Overtaken)));
        Ok(outcome)
    }

    /// Every channel of money must be loaded through the day before.
    async fn channels_loaded(&self, for_day: Day) -> Result<()> {
        let needed = plus_days(for_day, -1);
        let watermarks = self.store.watermarks().await?;
        for channel in PaymentChannel::ALL {
            let through = watermarks.get(channel).copied();
            if through.is_none_or(|through| through < needed) {
                let refusal = FinalizeRefusal::ChannelNotLoaded {
                    channel: channel.to_string(),
                    through: through.map_or_else(|| "no day at all".to_owned(), |day| day.to_string()),
                    for_day,
                };
                let sign =
                    format!("`arrears payments none --channel {channel} --through {needed} --by NAME` signs for none");
                return Err(OfficeError::refused(refusal.to_string(), sign));
            }
        }
        Ok(())
    }

    async fn leave_to_finalize(
        &self,
        order: &FieldOrder,
        unmatched: &[UnmatchedPayment],
        today: Day,
    ) -> Result<Result<Permit, FinalizeRefusal>> {
        let snapshot = self.snapshot(order.account).await?;
        let permit = match self.leave_on(&snapshot, order, today).await? {
            Ok(permit) => permit,
            Err(refusal) => return Ok(Err(FinalizeRefusal::Protected(refusal.to_string()))),
        };
        let mut amounts: BTreeSet<Cents> = snapshot.items.iter().map(|item| item.open).collect();
        amounts.extend([order.amount, snapshot.balance(), past_due(&snapshot.items, today, Cents::ZERO)]);
        let number = snapshot.profile.number.as_str();
        let near = unmatched.iter().find(|payment| {
            // One wrong or two swapped digits of the number, whatever the amount.
            let is_near_number = strsim::osa_distance(number, payment.row.account.as_str()) <= 1;
            is_near_number || amounts.contains(&payment.row.amount.abs())
        });
        Ok(near.map_or(Ok(permit), |payment| {
            Err(FinalizeRefusal::UnmatchedPayment {
                amount: payment.row.amount.abs(),
                received_on: payment.row.effective_on,
            })
        }))
    }

    /// Leave for an order to take its next step, as of a day.
    async fn leave_for_order(&self, order: &FieldOrder, on: Day) -> Result<Result<Permit, Refusal>> {
        let snapshot = self.snapshot(order.account).await?;
        self.leave_on(&snapshot, order, on).await
    }

    async fn leave_on(&self, snapshot: &Snapshot, order: &FieldOrder, on: Day) -> Result<Result<Permit, Refusal>> {
        let rules = self.rules_of_case(snapshot).await?;
        let Some(of) = order.of.clone() else { return Ok(Err(Refusal::StageOver { how: "it is of none".to_owned() })) };
        let (ordered, service, items, amount) = match order.kind {
            OrderKind::ShutOff | OrderKind::Limit => {
                (Ordered::ShutOff, Some(order.service), items_of(snapshot, &of), order.amount)
            }
            OrderKind::Restore => (Ordered::Restore, Some(order.service), BTreeSet::new(), order.amount),
            // What the paper states must be true when it is left.
            OrderKind::Tag => match self.paper_of(order).await? {
                Some(facts) => (Ordered::Tag, None, facts.items.iter().map(|item| item.item).collect(), facts.amount),
                None => (Ordered::Tag, None, items_of(snapshot, &of), order.amount),
            },
            // A visit stands in for a call, and speaks of all that is past due.
            OrderKind::Visit => (Ordered::Call, None, BTreeSet::new(), order.amount),
        };
        let pending = Pending { account: order.account, ordered, of, service, items, amount, for_day: order.for_day };
        Ok(self.leave(snapshot, &rules, &pending, on))
    }

    /// What the notice says that a crew is to leave.
    async fn paper_of(&self, order: &FieldOrder) -> Result<Option<NoticeFacts>> {
        let notices = self.store.notices_of(order.account).await?;
        let paper = notices.into_iter().find(|notice| {
            notice.act_key == order.act_key && notice.channel == Channel::Posting && notice.state.is_pending()
        });
        Ok(paper.map(|notice| notice.facts))
    }

    /// Gives orders to a crew: finalized shut-offs, approved restorations, visits and tags. Each is looked at again first:
    /// what came in since it was ordered wins, and an order that nobody needs any more is canceled.
    ///
    /// # Errors
    /// When the database fails. What stands against single orders is in the result.
    pub async fn dispatch_orders(&self, ids: &[OrderId], crew: &str, by: &str) -> Result<Handled> {
        // The calendar wins too: a shut-off whose day has passed is decided anew.
        self.lapse_orders(self.today()).await?;
        let stamp = self.stamp(by);
        let mut outcome = Handled::default();
        let mut waiting = ids.to_vec();
        for _ in 0..LOOKS {
            let mut passed = Vec::new();
            let unmatched = self.store.unmatched_payments(Some(UnmatchedState::Open)).await?;
            for id in waiting {
                let order = self.store.order(id).await?;
                let is_ready = match order.state {
                    OrderState::Finalized => true,
                    OrderState::Approved => !is_shut_off(order.kind),
                    OrderState::Prepared
                    | OrderState::Dispatched
                    | OrderState::Done
                    | OrderState::NotDone
                    | OrderState::Canceled => false,
                };
                if !is_ready {
                    outcome.refused.push((id, standing(&order)));
                    continue;
                }
                // Money that nobody could place may be theirs: the order waits, finalized, until a person has looked.
                if is_shut_off(order.kind)
                    && let Err(refusal @ FinalizeRefusal::UnmatchedPayment { .. }) =
                        self.leave_to_finalize(&order, &unmatched, stamp.on).await?
                {
                    outcome.refused.push((id, refusal.to_string()));
                    continue;
                }
                match self.leave_for_order(&order, stamp.on).await? {
                    Ok(permit) => passed.push(Permitted { id, permit }),
                    Err(refusal) => {
                        if is_shut_off(order.kind) || refusal.remedy() == Remedy::Cancel {
                            let cause = FinalizeRefusal::Protected(refusal.to_string()).to_string();
                            self.store.cancel_order(id, &cause, &self.daemon_stamp(stamp.on)).await?;
                        }
                        outcome.refused.push((id, refusal.to_string()));
                    }
                }
            }
            let carried = self.store.dispatch_orders(&passed, last_of(&unmatched), crew, &stamp).await?;
            outcome.done.extend(carried.done);
            waiting = carried.overtaken;
        }
        outcome.refused.extend(waiting.into_iter().map(|id| (id, Refusal::Overtaken.to_string())));
        Ok(outcome)
    }

    /// Looks again at the shut-offs of today that were finalized or are with a crew: what a file brought may stand
    /// against one although the debt is not paid whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recheck_todays_orders(&self) -> Result<()> {
        let today = self.today();
        let mut accounts = BTreeSet::new();
        for state in [OrderState::Finalized, OrderState::Dispatched] {
            accounts.extend(self.store.field_orders(Some(state), Some(today)).await?.iter().map(|order| order.account));
        }
        self.recheck_orders(&accounts.into_iter().collect::<Vec<_>>()).await
    }

    /// Looks again at shut-offs that are on their way: what stands against one now cancels it. Canceling one that a
    /// crew has puts a recall on the exceptions list.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn recheck_orders(&self, accounts: &[AccountId]) -> Result<()> {
        let stamp = self.daemon_stamp(self.today());
        for account in accounts {
            for order in self.store.orders_of(*account).await? {
                // One that a crew took along on an earlier day may still be under way.
                let has_lapsed = order.for_day < stamp.on && order.state != OrderState::Dispatched;
                if !is_shut_off(order.kind) || !order.state.is_pending() || has_lapsed {
                    continue;
                }
                // An unmatched payment withholds at finalization alone; it may still turn out to be somebody else's.
                if let Err(refusal) = self.leave_for_order(&order, order.for_day).await? {
                    let cause = FinalizeRefusal::Protected(refusal.to_string()).to_string();
                    self.store.cancel_order(order.id, &cause, &stamp).await?;
                }
            }
        }
        Ok(())
    }

    /// Records what the crew brings back, and decides the account at once.
    ///
    /// # Errors
    /// When the order was not with a crew, or the day lies ahead.
    pub async fn record_order_result(&self, id: OrderId, result: CrewResult, by: &str) -> Result<()> {
        not_ahead(result.on, self.today(), "the day of the crew's act")?;
        let order = self.store.order(id).await?;
        if result.on < order.for_day {
            return Err(OfficeError::refused(
                format!("order {id} is for {}, and {} lies before it", order.for_day, result.on),
                "give the day on which the crew was there",
            ));
        }
        let account = order.account;
        self.store.record_order_result(id, &result, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// Cancels an order that the crew has not done.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn cancel_order(&self, id: OrderId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let account = self.store.order(id).await?.account;
        self.store.cancel_order(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// Lets shut-offs lapse that were prepared for a day that is past: their stage is decided anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lapse_orders(&self, today: Day) -> Result<u64> {
        let stamp = self.daemon_stamp(today);
        let mut lapsed = 0;
        for state in [OrderState::Prepared, OrderState::Approved, OrderState::Finalized] {
            for order in self.store.field_orders(Some(state), None).await? {
                if order.for_day < today && is_shut_off(order.kind) {
                    self.store.cancel_order(order.id, "its day passed without the shut-off", &stamp).await?;
                    lapsed += 1;
                }
            }
        }
        Ok(lapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::CallOutcome;
    use crate::domain::hold::HoldKind;
    use crate::office::testing::{City, day, report};
    use crate::store::{CounterPayment, ExceptionKind};

    async fn state(city: &City, order: OrderId) -> OrderState {
        city.office.store.order(order).await.unwrap().state
    }

    async fn finalized(city: &City) -> OrderId {
        let order = city.to_the_shut_off().await;
        let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        assert_eq!(outcome.finalized, [order]);
        city.at("2026-05-22", "09:10");
        order
    }

    fn money(cents: i64) -> CounterPayment {
        let (reference, memo) = ("R-1".to_owned(), String::new());
        CounterPayment { amount: Cents::new(cents), received_on: day("2026-05-22"), reference, memo }
    }

    #[tokio::test]
    async fn a_payment_at_ten_past_nine_cancels_the_shut_off_that_was_finalized_at_nine() {
        let city = City::new().await;
        let order = finalized(&city).await;
        city.office.counter_payment(city.debtor().await, &money(22_420), "Omar").await.unwrap();
        assert_eq!(state(&city, order).await, OrderState::Canceled);
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, []);
    }

    #[tokio::test]
    async fn a_shut_off_whose_debt_is_paid_is_not_approved_and_the_approver_reads_why() {
        let city = City::new().await;
        let order = city.to_the_approval().await;
        city.lockbox("10-000417", "224.20", "2026-05-22").await;
        let outcome = city.office.approve_orders(&[order], "Ruth").await.unwrap();
        let why = "the debt it rests on was paid".to_owned();
        assert_eq!(outcome, Handled { done: Vec::new(), refused: vec![(order, why)] });
        assert_eq!(state(&city, order).await, OrderState::Prepared);
    }

    /// The customer is never reached; a tag is to be left 48 hours before the shut-off.
    async fn to_the_tag(city: &City) -> OrderId {
        city.to_the_call().await;
        let mut today = day("2026-05-08");
        while today < day("2026-06-15") {
            city.at(&today.to_string(), "04:00");
            city.office.night(today).await.unwrap();
            city.office.release_call_list(today, "Ruth").await.unwrap();
            for call in city.office.store.call_list(today).await.unwrap() {
                city.at(&today.to_string(), "10:00");
                city.office.record_call(call.id, report(CallOutcome::NoAnswer, "10:00"), "Omar").await.unwrap();
            }
            let approved = city.office.store.field_orders(Some(OrderState::Approved), None).await.unwrap();
            if let Some(tag) = approved.into_iter().find(|order| order.kind == OrderKind::Tag) {
                return tag.id;
            }
            today = plus_days(today, 1);
        }
        panic!("no tag was ordered");
    }

    #[tokio::test]
    async fn a_tag_goes_to_the_crew_while_what_it_says_is_true() {
        let city = City::new().await;
        let tag = to_the_tag(&city).await;
        assert_eq!(city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap().done, [tag]);
    }

    #[tokio::test]
    async fn a_tag_whose_amount_is_no_longer_true_stays_in_the_office_and_is_canceled() {
        let city = City::new().await;
        let tag = to_the_tag(&city).await;
        let paid = city.office.today().to_string();
        city.lockbox("10-000417", "24.20", &paid).await;
        let outcome = city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap();
        assert_eq!(outcome.done, []);
        assert!(outcome.refused[0].1.starts_with("it states $"), "{outcome:?}");
        assert_eq!(state(&city, tag).await, OrderState::Canceled);
    }

    #[tokio::test]
    async fn a_payment_that_nobody_has_decided_yet_keeps_the_crew_at_home() {
        let city = City::new().await;
        let order = finalized(&city).await;
        // The file is in the books, and the daemon was killed before it decided the account.
        city.lockbox("10-000417", "224.20", "2026-05-22").await;
        assert_eq!(state(&city, order).await, OrderState::Finalized);
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, []);
        assert_eq!(state(&city, order).await, OrderState::Canceled);
    }

    #[tokio::test]
    async fn a_medical_hold_at_ten_past_nine_cancels_the_shut_off_although_nothing_is_paid() {
        let city = City::new().await;
        let order = finalized(&city).await;
        city.office
            .hold(city.debtor().await, HoldKind::Medical, (None, None), "letter of Dr. Ames", "Omar")
            .await
            .unwrap();
        assert_eq!(state(&city, order).await, OrderState::Canceled);
    }

    #[tokio::test]
    async fn a_payment_after_dispatch_calls_the_crew_back() {
        let city = City::new().await;
        let order = finalized(&city).await;
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, [order]);
        city.office.counter_payment(city.debtor().await, &money(22_420), "Omar").await.unwrap();
        let standing = city.office.store.exceptions(true).await.unwrap();
        assert!(standing.iter().any(|line| line.kind == ExceptionKind::RecallCrew), "{standing:?}");
    }

    #[tokio::test]
    async fn an_unmatched_payment_of_the_amount_withholds_the_shut_off_until_it_is_somebody_elses() {
        let city = City::new().await;
        let order = city.to_the_shut_off().await;
        // The bank read a number that is like none of ours; the amount is what is past due here.
        city.lockbox("77-431902", "224.20", "2026-05-21").await;
        let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        assert!(
            matches!(&outcome.refused[..], [(id, FinalizeRefusal::UnmatchedPayment { amount, .. })]
                if *id == order && *amount == Cents::new(22_420)),
            "{outcome:?}"
        );
        assert_eq!(state(&city, order).await, OrderState::Approved);
        let unmatched = city.office.store.unmatched_payments(Some(UnmatchedState::Open)).await.unwrap();
        city.office.reject_payment(unmatched[0].id, "Ruth").await.unwrap();
        let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        assert_eq!(outcome.finalized, [order]);
    }

    #[tokio::test]
    async fn an_unmatched_payment_that_comes_in_after_finalization_keeps_the_crew_in_the_yard() {
        let city = City::new().await;
        let order = finalized(&city).await;
        city.lockbox("77-431902", "224.20", "2026-05-22").await;
        let outcome = city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
        assert_eq!((outcome.done, outcome.refused.len()), (vec![], 1));
        assert_eq!(state(&city, order).await, OrderState::Finalized, "it may be somebody else's");
        let unmatched = city.office.store.unmatched_payments(Some(UnmatchedState::Open)).await.unwrap();
        city.office.reject_payment(unmatched[0].id, "Ruth").await.unwrap();
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, [order]);
    }

    #[tokio::test]
    async fn a_shut_off_is_not_carried_out_on_another_day_than_the_one_it_was_looked_at_for() {
        let city = City::new().await;
        let order = finalized(&city).await;
        city.at("2026-05-26", "08:00");
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, []);
        assert_eq!(state(&city, order).await, OrderState::Canceled);
    }

    #[tokio::test]
    async fn a_crew_cannot_have_been_there_before_the_day_of_its_order() {
        let city = City::new().await;
        let order = finalized(&city).await;
        city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
        let early = CrewResult {
            done: true,
            on: day("2026-05-12"),
            at: Some("08:10".into()),
            crew: "Crew 4".into(),
            note: String::new(),
        };
        let refused = city.office.record_order_result(order, early, "Ruth").await.unwrap_err();
        assert!(refused.to_string().contains("2026-05-12 lies before it"), "{refused}");
    }

    #[tokio::test]
    async fn a_crew_that_has_not_reported_by_the_next_morning_is_on_the_exceptions_list_until_it_does() {
        let city = City::new().await;
        let order = finalized(&city).await;
        city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
        let silent = async || {
            let standing = city.office.store.exceptions(true).await.unwrap();
            standing.into_iter().filter(|line| line.kind == ExceptionKind::NoResult).collect::<Vec<_>>()
        };
        city.office.night(day("2026-05-22")).await.unwrap();
        assert_eq!(silent().await, []);
        for morning in ["2026-05-23", "2026-05-24"] {
            city.at(morning, "04:00");
            city.office.night(day(morning)).await.unwrap();
            let lines = silent().await;
            assert_eq!((lines.len(), lines[0].opened_on), (1, day("2026-05-23")), "told once");
            assert!(lines[0].text.contains(&format!("arrears orders result {order}")), "{lines:?}");
            assert!(lines[0].text.contains("Crew 4 has the shut_off of water for 2026-05-22"), "{lines:?}");
        }
        let result =
            CrewResult { done: true, on: day("2026-05-22"), at: None, crew: "Crew 5".into(), note: String::new() };
        city.office.record_order_result(order, result, "Ruth").await.unwrap();
        assert_eq!(silent().await, []);
    }

    #[tokio::test]
    async fn an_unmatched_payment_of_another_amount_and_number_withholds_nothing() {
        let city = City::new().await;
        let order = city.to_the_shut_off().await;
        city.lockbox("77-431902", "61.00", "2026-05-21").await;
        let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        assert_eq!(outcome.finalized, [order]);
    }
}

//! Field orders: approved, finalized with all checks again, dispatched, recorded; restored without delay.

use super::accounts::{need_reason, not_ahead};
use super::{Office, OfficeError, Result};
use crate::audit::{Ordered, Pending, reexamine};
use crate::domain::arrears::past_due;
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, FinalizeRefusal, OrderKind, OrderState};
use crate::domain::import::UnmatchedState;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountId, Cents, Day, ItemId, OrderId};
use crate::store::CrewResult;
use std::collections::BTreeSet;

/// What a finalization did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finalized {
    pub finalized: Vec<OrderId>,
    pub refused: Vec<(OrderId, FinalizeRefusal)>,
}

impl Office {
    /// Approves prepared shut-offs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn approve_orders(&self, ids: &[OrderId], by: &str) -> Result<Vec<OrderId>> {
        Ok(self.store.approve_orders(ids, &self.stamp(by)).await?)
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
        let mut passed = Vec::new();
        let orders = self.store.field_orders(Some(OrderState::Approved), Some(for_day)).await?;
        for order in orders.into_iter().filter(|order| matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit)) {
            match self.stands_against_order(&order, for_day).await? {
                Some(refusal) => outcome.refused.push((order.id, refusal)),
                None => passed.push(order.id),
            }
        }
        // An order that only an unmatched payment withholds stays approved: a person may reject the match today.
        let canceled: Vec<(OrderId, FinalizeRefusal)> = outcome
            .refused
            .iter()
            .filter(|(_, refusal)| !matches!(refusal, FinalizeRefusal::UnmatchedPayment { .. }))
            .cloned()
            .collect();
        outcome.finalized = self.store.finalize_orders(&passed, &canceled, &stamp).await?;
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

    async fn stands_against_order(&self, order: &FieldOrder, today: Day) -> Result<Option<FinalizeRefusal>> {
        let snapshot = self.snapshot(order.account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let Some(of) = order.of.clone() else {
            return Ok(Some(FinalizeRefusal::Protected("the order belongs to no stage".into())));
        };
        let items: BTreeSet<ItemId> = snapshot
            .case
            .iter()
            .flat_map(|case| &case.tracks)
            .filter(|run| run.track == of.track && run.anchor == of.anchor)
            .flat_map(|run| &run.steps)
            .filter(|step| step.stage == of.stage && step.round == of.round)
            .flat_map(|step| step.items.iter().copied())
            .collect();
        let pending = Pending {
            account: order.account,
            ordered: Ordered::ShutOff,
            of,
            service: Some(order.service),
            items,
            amount: order.amount,
            for_day: order.for_day,
        };
        let world = self.world(&rules, today);
        if let Err(refusal) = reexamine(&snapshot, &rules.policy, &world, &pending) {
            return Ok(Some(FinalizeRefusal::Protected(refusal.to_string())));
        }
        let unmatched = self.store.unmatched_payments(Some(UnmatchedState::Open)).await?;
        let mut amounts: BTreeSet<Cents> = snapshot.items.iter().map(|item| item.open).collect();
        amounts.extend([order.amount, snapshot.balance(), past_due(&snapshot.items, today, Cents::ZERO)]);
        let number = snapshot.profile.number.as_str();
        let near = unmatched.iter().find(|payment| {
            // One wrong or two swapped digits of the number, whatever the amount.
            let is_near_number = strsim::osa_distance(number, payment.row.account.as_str()) <= 1;
            is_near_number || amounts.contains(&payment.row.amount.abs())
        });
        Ok(near.map(|payment| FinalizeRefusal::UnmatchedPayment {
            amount: payment.row.amount.abs(),
            received_on: payment.row.effective_on,
        }))
    }

    /// Gives orders to a crew: finalized shut-offs, approved restorations and tags.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dispatch_orders(&self, ids: &[OrderId], crew: &str, by: &str) -> Result<Vec<OrderId>> {
        // What came in since the list was finalized wins: such an order is canceled, and not in the result. So does the
        // calendar: one whose day has passed is decided anew.
        self.lapse_orders(self.today()).await?;
        let mut accounts = BTreeSet::new();
        for id in ids {
            accounts.insert(self.store.order(*id).await?.account);
        }
        self.recheck_orders(&accounts.into_iter().collect::<Vec<_>>()).await?;
        Ok(self.store.dispatch_orders(ids, crew, &self.stamp(by)).await?)
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
                let is_shut_off = matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit);
                // One that a crew took along on an earlier day may still be under way.
                let has_lapsed = order.for_day < stamp.on && order.state != OrderState::Dispatched;
                if !is_shut_off || !order.state.is_pending() || has_lapsed {
                    continue;
                }
                match self.stands_against_order(&order, order.for_day).await? {
                    // An unmatched payment withholds at finalization; it may still turn out to be somebody else's.
                    None | Some(FinalizeRefusal::UnmatchedPayment { .. }) => {}
                    Some(refusal) => self.store.cancel_order(order.id, &refusal.to_string(), &stamp).await?,
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
                if order.for_day < today && matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit) {
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
    use crate::domain::hold::HoldKind;
    use crate::office::testing::{City, day};
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
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_payment_that_nobody_has_decided_yet_keeps_the_crew_at_home() {
        let city = City::new().await;
        let order = finalized(&city).await;
        // The file is in the books, and the daemon was killed before it decided the account.
        city.lockbox("10-000417", "224.20", "2026-05-22").await;
        assert_eq!(state(&city, order).await, OrderState::Finalized);
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap(), []);
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
        assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap(), [order]);
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
    async fn an_unmatched_payment_of_another_amount_and_number_withholds_nothing() {
        let city = City::new().await;
        let order = city.to_the_shut_off().await;
        city.lockbox("77-431902", "61.00", "2026-05-21").await;
        let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        assert_eq!(outcome.finalized, [order]);
    }
}

//! Field orders: approved, finalized with all checks again, dispatched, recorded; restored without delay.

use super::accounts::{need_reason, not_ahead};
use super::looks::{LOOKS, items_of};
use super::tags::Fault;
use super::{Office, OfficeError, Result};
use crate::audit::{Ordered, Pending, Permit, Refusal, Remedy};
use crate::domain::arrears::past_due;
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, FinalizeRefusal, OrderKind, OrderState};
use crate::domain::import::{UnmatchedPayment, UnmatchedState};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountId, Cents, Day, OrderId, Snapshot, UnmatchedId};
use crate::store::{CrewResult, ExceptionKind, Permitted};
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

pub(super) const fn is_shut_off(kind: OrderKind) -> bool {
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
                if let Some(why) = self.household_refusal(by, order.account).await? {
                    outcome.refused.push((id, why));
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
        self.nothing_is_held().await?;
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
        for channel in PaymentChannel::ALL.iter().filter(|channel| channel.is_awaited()) {
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

    pub(super) async fn leave_on(
        &self,
        snapshot: &Snapshot,
        order: &FieldOrder,
        on: Day,
    ) -> Result<Result<Permit, Refusal>> {
        let rules = self.rules_of_case(snapshot).await?;
        let Some(of) = order.of.clone() else { return Ok(Err(Refusal::StageOver { how: "it is of none".to_owned() })) };
        let (ordered, service, items, amount) = match order.kind {
            OrderKind::ShutOff | OrderKind::Limit => {
                (Ordered::ShutOff, Some(order.service), items_of(snapshot, &of), order.amount)
            }
            OrderKind::Restore => (Ordered::Restore, Some(order.service), BTreeSet::new(), order.amount),
            // What the paper states must be true when it is left.
            OrderKind::Tag => match self.paper_of(order).await? {
                Some(paper) => {
                    let items = paper.facts.items.iter().map(|item| item.item).collect();
                    (Ordered::Tag, None, items, paper.facts.amount)
                }
                None => (Ordered::Tag, None, items_of(snapshot, &of), order.amount),
            },
            // A visit stands in for a call, and speaks of all that is past due.
            OrderKind::Visit => (Ordered::Call, None, BTreeSet::new(), order.amount),
        };
        let pending = Pending { account: order.account, ordered, of, service, items, amount, for_day: order.for_day };
        Ok(self.leave(snapshot, &rules, &pending, on))
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
                // Restorations go out whatever is held, and from a restored city too.
                if order.kind != OrderKind::Restore {
                    self.goes_out().await?;
                }
                let is_ready = match order.state {
                    OrderState::Finalized => {
                        self.nothing_is_held().await?;
                        true
                    }
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
                if order.kind == OrderKind::Tag
                    && let Some(fault) = self.fault_of_paper(&order, stamp.on).await?
                {
                    let (Fault::Waits(why) | Fault::Untrue(why)) = &fault;
                    if matches!(fault, Fault::Untrue(_)) {
                        self.store.cancel_order(id, why, &self.daemon_stamp(stamp.on)).await?;
                    }
                    outcome.refused.push((id, why.clone()));
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

    /// The lines of the exceptions list that ask to call a crew back from the account. Whoever does what stopped a shut-off on
    /// its way is told at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recalls(&self, account: AccountId) -> Result<Vec<String>> {
        let of_crews = self.store.exceptions_of_kind(ExceptionKind::RecallCrew).await?.into_iter();
        Ok(of_crews.filter(|line| line.account == Some(account)).map(|line| line.text).collect())
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
        // What stood against it, and nobody had looked at yet, makes it an incident and not a cut by right.
        if result.done {
            self.recheck_orders(&[account]).await?;
        }
        let rules = self.rules_on(self.today()).await?;
        self.store.record_order_result(id, &result, &rules.policy.ledger, &self.stamp(by)).await?;
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
        self.not_of_household(by, account).await?;
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
mod tests;

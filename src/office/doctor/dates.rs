//! Dates in tables that contradict one another: nothing happens before what it follows from.
//!
//! The log bears the instant of each step; the days in the tables are what people and papers say, and are held to one another here.

use super::{Check, Examination, Finding, PAGE, Result, TAMPERED};
use crate::domain::day::{plus_days, short};
use crate::domain::field_order::{FieldOrder, OrderKind};
use crate::domain::notice::Notice;
use crate::domain::referral::Referral;
use crate::domain::{AccountId, Day};

/// A day, and what it is the day of.
type Step = (&'static str, Option<Day>);

impl Examination<'_> {
    pub(super) async fn dates(&mut self) -> Result<Check> {
        let mut check = Check::new("dates", "nothing was done before what it follows from");
        let mut after = 0;
        loop {
            let page = self.reading.notices(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for notice in &page {
                let place = format!("notice {} ({}, {})", notice.id, notice.template, notice.state);
                for steps in steps_of_notice(notice) {
                    in_order(&mut check, &place, notice.account, &steps);
                }
                self.said_of_what_is_on(&mut check, &place, notice).await?;
            }
            self.watch(&check);
        }
        after = 0;
        loop {
            let page = self.reading.orders(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for order in &page {
                let place = format!("order {} ({}, {})", order.id, order.kind, order.state);
                in_order(&mut check, &place, order.account, &steps_of_order(order));
            }
        }
        after = 0;
        loop {
            let page = self.reading.referrals(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for referral in &page {
                let place = format!("referral {} ({}, {})", referral.id, referral.to, referral.state);
                in_order(&mut check, &place, referral.account, &steps_of_referral(referral));
            }
        }
        Ok(check)
    }

    /// No letter that says how service is restored left, or is on its way, after a crew had turned all of it on again.
    async fn said_of_what_is_on(&self, check: &mut Check, place: &str, notice: &Notice) -> Result<()> {
        let on_its_way = || notice.state.is_pending().then(|| plus_days(self.office.today(), 1));
        let Some(leaves) = notice.mailed_on.or_else(on_its_way).filter(|_| notice.facts.restores.is_some()) else {
            return Ok(());
        };
        let orders = self.office.store.orders_of(notice.account).await?;
        let done = |is_cut: bool, service| {
            let of_service = orders.iter().filter(move |order| order.service == service);
            let of_kind = of_service.filter(move |order| match order.kind {
                OrderKind::ShutOff | OrderKind::Limit => is_cut,
                OrderKind::Restore => !is_cut,
                OrderKind::Tag | OrderKind::Visit => false,
            });
            of_kind.filter_map(|order| order.done_on)
        };
        let is_off = |service| {
            let cut = done(true, service).filter(|on| *on <= leaves).max();
            cut.is_some_and(|cut| !done(false, service).any(|on| cut <= on && on < leaves))
        };
        check.expects(orders.iter().any(|order| is_off(order.service)), || {
            Finding::at(place)
                .of(notice.account)
                .found("it says that service is off, and a crew had turned it on again")
                .expected("no such letter once service is on")
        });
        Ok(())
    }
}

/// What was said of it, in the order in which it can have happened. A letter bears the date of the day on which it is set; one
/// that a crew leaves is served without being mailed.
fn steps_of_notice(notice: &Notice) -> [Vec<Step>; 2] {
    let planned = ("planned", Some(notice.planned_on));
    let released = ("released", notice.released_on);
    let mailed = ("mailed", notice.mailed_on);
    [
        vec![planned, released, mailed, ("served", notice.served_on.filter(|_| notice.mailed_on.is_some()))],
        vec![planned, ("dated", notice.dated), mailed, ("returned", notice.returned_on)],
    ]
}

fn steps_of_order(order: &FieldOrder) -> Vec<Step> {
    vec![("approved", order.approved_on), ("finalized", order.finalized_on), ("done", order.done_on)]
}

fn steps_of_referral(referral: &Referral) -> Vec<Step> {
    let ended = referral.placement.as_ref().and_then(|placement| placement.ended.as_ref()).map(|end| end.on);
    vec![
        ("proposed", Some(referral.proposed_on)),
        ("approved", referral.approved_on),
        ("placed", referral.placed_on),
        ("back", ended),
    ]
}

/// Each day that is told is not before the one that is told before it.
fn in_order(check: &mut Check, place: &str, account: AccountId, steps: &[Step]) {
    let told: Vec<(&str, Day)> = steps.iter().filter_map(|(what, day)| Some((*what, (*day)?))).collect();
    let wrong = told.windows(2).find(|pair| pair[1].1 < pair[0].1);
    check.expects(wrong.is_none(), || {
        let said = wrong.map(|pair| format!("{} {}, {} {}", pair[1].0, short(pair[1].1), pair[0].0, short(pair[0].1)));
        let order: Vec<&str> = told.iter().map(|(what, _)| *what).collect();
        Finding::at(place)
            .of(account)
            .found(said.unwrap_or_default())
            .expected(format!("the order {}", order.join(", ")))
            .remedy(TAMPERED)
    });
}

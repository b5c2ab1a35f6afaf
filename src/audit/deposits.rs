//! Deposits after the end of service: applied whole, once, on their day; and nobody is dunned before. And debts that came
//! from another account: no notice of a shut-off speaks of them.

use super::breach::{Broken, Checked};
use super::protection::Bench;
use crate::domain::action::DepositAction;
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::deposit::Deposit;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::notice::NoticeFacts;
use crate::domain::{Act, Action, Cents, Day, EntryKind};

impl Bench<'_> {
    /// Nothing of a deposit waits to be applied on the day.
    pub(super) fn no_deposit_waits(self, day: Day) -> Checked {
        let Some(ended) = self.snapshot.profile.ended.filter(|ended| *ended <= day) else { return Ok(()) };
        let held: Cents = self.snapshot.deposits.iter().map(|deposit| held(deposit, day)).sum();
        if held.is_positive() { Err(Broken::DepositHeld { ended, held }.into()) } else { Ok(()) }
    }

    /// A deposit is applied whole, when service has ended and the final bill is there, or has not come for long.
    pub(super) fn may_apply(self, act: &Act, applied: &DepositAction) -> Checked {
        let (snapshot, today) = (self.snapshot, self.world.today);
        if act.key.account != snapshot.account {
            return Err(Broken::OtherCase { account: act.key.account, named: act.key.of.case }.into());
        }
        self.is_not_frozen()?;
        let stated = act.amount;
        let deposit = snapshot.deposits.iter().find(|deposit| deposit.id == applied.deposit);
        let is_right = |deposit: &&Deposit| {
            let held = held(deposit, today);
            held.is_positive() && stated == Some(held) && act.key.of.anchor.0 == deposit.id.0
        };
        if !deposit.is_some_and(|deposit| is_right(&deposit)) {
            return Err(Broken::NoSuchDeposit { deposit: applied.deposit, stated }.into());
        }
        let from = match (snapshot.profile.ended, snapshot.final_bill) {
            (None, _) => None,
            (Some(ended), Some(bill)) => Some(if bill < ended { ended } else { bill }),
            (Some(ended), None) => Some(plus_days(ended, i64::from(self.policy.deposits.without_bill_days))),
        };
        if from.is_none_or(|from| today < from) || act.for_day != today {
            return Err(Broken::DepositTooEarly { from }.into());
        }
        for petition in &snapshot.petitions {
            let is_over = petition.ended.is_some_and(|(ended, _)| ended <= today);
            if petition.petition_on <= today && !is_over {
                let (kind, from, blocks) = (HoldKind::Bankruptcy, petition.petition_on, Blocks::Fees);
                return Err(Broken::Held { kind, from, blocks }.into());
            }
        }
        for hold in snapshot.holds.iter().filter(|hold| hold.holds_on(today)) {
            if self.policy.hold_blocks(hold.kind).contains(&Blocks::Fees) {
                return Err(Broken::Held { kind: hold.kind, from: hold.from, blocks: Blocks::Fees }.into());
            }
        }
        let is_of_final_bill = |item: crate::domain::ItemId| {
            snapshot.items.iter().any(|open| {
                open.id == item
                    && open.kind == EntryKind::Charge
                    && snapshot.final_bill.is_some_and(|bill| bill <= open.billed_on)
            })
        };
        if let Some(item) = applied.first.filter(|item| !is_of_final_bill(*item)) {
            return Err(Broken::NotFinalBill { item }.into());
        }
        self.refund_is_right(act, applied)
    }

    /// What a track that shuts off tells of is debt of this account's own: one that came from another counts toward no shut-off
    /// here, unless the policy says so.
    pub(super) fn is_of_this_account(self, of: &StageRef, facts: &NoticeFacts) -> Checked {
        let cuts = self.policy.track(&of.track).is_some_and(|track| {
            track.stages.iter().any(|stage| stage.acts.iter().any(|act| matches!(act, Action::Disconnect { .. })))
        });
        let mut listed = facts.items.iter().filter(|item| item.kind == EntryKind::Transfer);
        match listed.next().filter(|_| cuts && !self.policy.cuts_for_transferred()) {
            Some(item) => Err(Broken::Transferred { item: item.item, open: item.open }.into()),
            None => Ok(()),
        }
    }

    /// What is left over is what the deposits applied so far today exceed the debt by, and of this one.
    fn refund_is_right(self, act: &Act, applied: &DepositAction) -> Checked {
        let today = self.world.today;
        let before: Cents = self
            .snapshot
            .deposits
            .iter()
            .take_while(|deposit| deposit.id != applied.deposit)
            .map(|deposit| held(deposit, today))
            .sum();
        let stated = act.amount.unwrap_or(Cents::ZERO);
        let over = before + stated - self.snapshot.balance();
        let left = if over.is_negative() { Cents::ZERO } else { over.min(stated) };
        if applied.refund == left { Ok(()) } else { Err(Broken::RefundWrong { stated: applied.refund, left }.into()) }
    }
}

/// What is held of a deposit, counted anew.
fn held(deposit: &Deposit, day: Day) -> Cents {
    let is_gone = deposit.applied.is_some() || deposit.returned_on.is_some_and(|returned| returned <= day);
    let left = deposit.amount + deposit.interest - deposit.taken;
    if is_gone || day < deposit.received_on || left.is_negative() { Cents::ZERO } else { left }
}

//! The second look: leave to carry a piece out, asked for right before, and asked for once more where a fact came between.
//!
//! The look reads one state of the account, and the store compares it in the transaction that follows. Where the account
//! has learned something in between, the office looks again; whoever is overtaken twice is left for later and named.

use std::collections::BTreeSet;

use super::{Office, Result, Rules};
use crate::audit::{Ordered, Pending, Permit, Refusal, reexamine};
use crate::domain::case::StageRef;
use crate::domain::notice::Notice;
use crate::domain::referral::Referral;
use crate::domain::{ActKey, Day, ItemId, Snapshot};

/// How often each piece is looked at before it is left for later.
pub(super) const LOOKS: u32 = 2;

/// Who was overtaken by a new fact, among pieces that are carried out together or not at all.
#[derive(Debug)]
pub(super) struct Overtaken<Id> {
    once: BTreeSet<Id>,
    twice: BTreeSet<Id>,
}

impl<Id: Copy + Ord> Overtaken<Id> {
    pub(super) const fn new() -> Self {
        Self { once: BTreeSet::new(), twice: BTreeSet::new() }
    }

    /// These were overtaken; those for the second time are left out from now on, so that the others do not wait for ever.
    pub(super) fn add(&mut self, ids: &[Id]) {
        for id in ids {
            if !self.once.insert(*id) {
                self.twice.insert(*id);
            }
        }
    }

    pub(super) fn is_left_out(&self, id: Id) -> bool {
        self.twice.contains(&id)
    }

    /// Those left out, with the reason.
    pub(super) fn named(self) -> impl Iterator<Item = (Id, String)> {
        self.twice.into_iter().map(|id| (id, Refusal::Overtaken.to_string()))
    }
}

impl Office {
    /// Leave for a piece that is ready to go out now, as it is.
    pub(super) async fn leave_for_notice(&self, notice: &Notice, on: Day) -> Result<Result<Permit, Refusal>> {
        let snapshot = self.snapshot(notice.account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let pending = Pending {
            account: notice.account,
            ordered: Ordered::Notice,
            of: notice.of.clone(),
            service: None,
            items: notice.facts.items.iter().map(|item| item.item).collect(),
            amount: notice.facts.amount,
            for_day: notice.planned_on,
        };
        Ok(self.leave(&snapshot, &rules, &pending, on))
    }

    /// Leave for a referral to go on the list of its destination.
    pub(super) async fn leave_for_referral(&self, referral: &Referral, on: Day) -> Result<Result<Permit, Refusal>> {
        let snapshot = self.snapshot(referral.account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let key: ActKey = referral.act_key.parse().map_err(|error| {
            crate::store::StoreError::Corrupt(format!("{} of referral {}: {error}", referral.act_key, referral.id))
        })?;
        let pending = Pending {
            account: referral.account,
            ordered: Ordered::Referral(referral.to),
            items: items_of(&snapshot, &key.of),
            of: key.of,
            service: key.service,
            amount: referral.amount,
            for_day: referral.proposed_on,
        };
        Ok(self.leave(&snapshot, &rules, &pending, on))
    }

    pub(super) fn leave(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        pending: &Pending,
        on: Day,
    ) -> Result<Permit, Refusal> {
        reexamine(snapshot, &rules.policy, &self.world(rules, on), pending)
    }
}

/// The items on which a stage rests.
pub(super) fn items_of(snapshot: &Snapshot, of: &StageRef) -> BTreeSet<ItemId> {
    snapshot
        .case
        .iter()
        .filter(|case| case.number == of.case)
        .flat_map(|case| &case.tracks)
        .filter(|run| run.track == of.track && run.anchor == of.anchor)
        .flat_map(|run| &run.steps)
        .filter(|step| step.stage == of.stage && step.round == of.round)
        .flat_map(|step| step.items.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_overtaken_twice_is_left_out_and_named() {
        let mut overtaken = Overtaken::new();
        overtaken.add(&[1, 2]);
        assert!(!overtaken.is_left_out(1), "it is looked at again");
        overtaken.add(&[2]);
        assert!(overtaken.is_left_out(2));
        assert_eq!(overtaken.named().map(|(id, _)| id).collect::<Vec<_>>(), [2]);
    }
}

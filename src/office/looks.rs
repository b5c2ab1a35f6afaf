//! The second look: leave to carry a piece out, asked for right before, and asked for once more where a fact came between.
//!
//! The look reads one state of the account, and the store compares it in the transaction that follows. Where the account
//! has learned something in between, the office looks again; whoever is overtaken twice is left for later and named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Office, OfficeError, Result, Rules};
use crate::audit::{Ordered, Pending, Permit, Refusal, reexamine};
use crate::domain::case::StageRef;
use crate::domain::notice::Notice;
use crate::domain::referral::Referral;
use crate::domain::{AccountId, ActKey, Day, ItemId, PolicyHash, Snapshot};

/// How often each piece is looked at before it is left for later.
pub(super) const LOOKS: u32 = 2;

/// How many pieces are looked at with one reading of the database.
pub(super) const PAGE: usize = 500;

/// What a look at a piece sees: all that is known of its account, and the rules that its case follows.
#[derive(Debug)]
pub(super) struct Seen {
    pub snapshot: Snapshot,
    pub rules: Arc<Rules>,
}

/// What is seen of the accounts of a page.
#[derive(Debug)]
pub(super) struct View(BTreeMap<AccountId, Seen>);

impl View {
    /// # Errors
    /// When there is no such account.
    pub(super) fn of(&self, account: AccountId) -> Result<&Seen> {
        self.0.get(&account).ok_or_else(|| OfficeError::NotFound { what: "account", id: account.to_string() })
    }
}

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
    /// Reads what is known of the accounts, in one state of the database.
    pub(super) async fn view(&self, accounts: impl Iterator<Item = AccountId>) -> Result<View> {
        let accounts: Vec<AccountId> = accounts.collect::<BTreeSet<_>>().into_iter().collect();
        let mut view = BTreeMap::new();
        let mut followed: BTreeMap<Option<PolicyHash>, Arc<Rules>> = BTreeMap::new();
        for snapshot in self.store.snapshots(&accounts).await? {
            let policy = snapshot.case.as_ref().map(|case| case.policy.clone());
            let rules = match followed.get(&policy) {
                Some(rules) => Arc::clone(rules),
                None => {
                    let rules = self.rules_of_case(&snapshot).await?;
                    followed.insert(policy, Arc::clone(&rules));
                    rules
                }
            };
            view.insert(snapshot.account, Seen { snapshot, rules });
        }
        Ok(View(view))
    }

    /// Leave for a piece that is ready to go out now, as it is.
    pub(super) fn leave_for_notice(&self, seen: &Seen, notice: &Notice, on: Day) -> Result<Permit, Refusal> {
        let pending = Pending {
            account: notice.account,
            ordered: Ordered::of_piece(notice),
            of: notice.of.clone(),
            service: None,
            items: notice.facts.items.iter().map(|item| item.item).collect(),
            amount: notice.facts.amount,
            for_day: notice.planned_on,
        };
        self.leave(&seen.snapshot, &seen.rules, &pending, on)
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
            items: if referral.items.is_empty() { items_of(&snapshot, &key.of) } else { referral.items.clone() },
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

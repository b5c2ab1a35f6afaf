//! The letter on a ruling, before it leaves: by the audit's own reading of the dispute and of what is owed.

use super::protection::Bench;
use super::reexamine::{Pending, Refusal};
use super::refusal::refusal;
use super::stay::contests;
use crate::domain::hold::HoldKind;
use crate::domain::{Cents, DisputeId};

impl Bench<'_> {
    /// The ruling stands, what the letter says is owed of the disputed debts is, and nothing but a dispute keeps letters from
    /// the customer. Whoever disputes something else is told all the same.
    pub(super) fn may_be_told(self, dispute: DisputeId, pending: &Pending) -> Result<(), Refusal> {
        let today = self.world.today;
        self.is_not_frozen().map_err(|objection| refusal(self.policy, objection))?;
        let known = self.snapshot.disputes.iter().find(|known| known.id == dispute);
        let is_of_appeal = pending.of.stage.as_str() == "appeal";
        let stands = known.is_some_and(|known| match &known.appeal {
            Some(appeal) => is_of_appeal && appeal.ruling.is_some(),
            None => !is_of_appeal && known.ruling.is_some(),
        });
        if !stands {
            return Err(Refusal::RulingGone(dispute));
        }
        if self.snapshot.petitions.iter().any(|petition| petition.stays_on(today)) {
            return Err(Refusal::Protected(HoldKind::Bankruptcy));
        }
        let listed = self.snapshot.items.iter().filter(|item| pending.items.contains(&item.id));
        let open: Cents = listed.map(|item| item.open).sum();
        if open != pending.amount {
            return Err(Refusal::AmountChanged { stated: pending.amount, open });
        }
        self.is_free_but(&pending.ordered.struck_by(), &[], None, today, |hold| contests(hold.kind))
            .map_err(|objection| refusal(self.policy, objection))
    }
}

//! Whether the customer has paid what the notices asked for, by the audit's own reading: receipt by receipt, whatever debt each
//! went to.

use super::breach::{Broken, Checked};
use super::disconnection::Disconnection;
use super::protection::Bench;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Cents, Day, Entry, EntryKind, ItemId, StepState};

impl Bench<'_> {
    /// No notice that leads to the shut-off was answered by as much money as it asked for.
    pub(super) fn no_notice_was_answered(self, cut: &Disconnection) -> Checked {
        let Some(case) = self.snapshot.case.as_ref().filter(|case| case.number == cut.of.case) else { return Ok(()) };
        for run in case.tracks.iter().filter(|run| run.track == cut.of.track && run.anchor == cut.of.anchor) {
            for (stage, asked) in &run.asked {
                let mut listed: &[ItemId] = &[];
                for step in run.steps.iter().filter(|step| step.stage == *stage) {
                    if matches!(step.state, StepState::Acted(_)) {
                        listed = &step.items;
                    }
                }
                let mut received = Cents::ZERO;
                for receipt in &self.snapshot.payments {
                    if self.answers(receipt, asked.on, listed) {
                        received -= receipt.amount;
                    }
                }
                if !listed.is_empty() && received >= asked.amount {
                    return Err(Broken::PaidAsAsked { asked: asked.amount, received, since: asked.on }.into());
                }
            }
        }
        Ok(())
    }

    /// A payment that came after the notice was decided, did not come back, and was not meant for anything else.
    fn answers(self, receipt: &Entry, asked_on: Day, listed: &[ItemId]) -> bool {
        if receipt.kind != EntryKind::Payment || receipt.effective_on <= asked_on {
            return false;
        }
        if receipt.effective_on > self.world.today || receipt.channel == Some(PaymentChannel::Agency) {
            return false;
        }
        if self.snapshot.payments.iter().any(|other| other.reverses == Some(receipt.id)) {
            return false;
        }
        let of_service =
            |only| self.snapshot.items.iter().any(|item| item.service == only && listed.contains(&item.id));
        match (receipt.designated_item, receipt.designated_service) {
            (Some(item), _) => listed.contains(&item),
            (None, Some(only)) => of_service(only),
            (None, None) => true,
        }
    }
}

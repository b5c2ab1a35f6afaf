//! Nobody is told of a shut-off for a day on which the household is protected: by the audit's own reading of what stands.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::protection::Bench;
use super::stay::contests;
use crate::domain::case::StageRef;
use crate::domain::hold::Blocks;
use crate::domain::{Action, Day, ItemId};

impl Bench<'_> {
    /// Nothing that stands today protects the household on the day which a required notice or tag announces, or today where
    /// none is announced. Of what contests a bill only a tag is asked: the letter about another bill may go.
    pub(super) fn may_be_announced(self, of: &StageRef, items: &BTreeSet<ItemId>, stated: Option<Day>) -> Checked {
        let Some(target) = self.shut_off_ahead(of) else { return Ok(()) };
        let is_tag = self.stage(of).is_some_and(|(_, stage)| stage.acts.iter().any(|a| matches!(a, Action::Tag(_))));
        let runs = self.snapshot.case.iter().filter(|case| case.number == of.case).flat_map(|case| &case.tracks);
        let of_run = runs.filter(|run| run.track == of.track && run.anchor == of.anchor);
        let before = of_run.filter_map(|run| run.announced.get(&target)).copied().max();
        let day = self.world.today.max(before.unwrap_or(Day::MIN)).max(stated.unwrap_or(Day::MIN));
        for hold in self.snapshot.holds.iter().filter(|hold| hold.holds_on(day)) {
            let strikes = self.policy.hold_blocks(hold.kind).contains(&Blocks::Disconnect);
            let is_about = hold.items.is_empty() || items.is_empty() || !items.is_disjoint(&hold.items);
            let is_barred = if contests(hold.kind) { is_tag } else { is_about };
            if strikes && is_barred {
                let (kind, from) = (hold.kind, hold.from);
                return Err(Broken::Held { kind, from, blocks: Blocks::Disconnect }.into());
            }
        }
        if is_tag {
            self.is_not_promised(day)?;
            self.is_no_moratorium(day)?;
        }
        Ok(())
    }

    /// The shut-off that a required notice or tag of the stage leads to.
    fn shut_off_ahead(self, of: &StageRef) -> Option<crate::domain::StageId> {
        let (track, stage) = self.stage(of)?;
        let tells = stage.acts.iter().any(|action| match action {
            Action::Notice(notice) => notice.statutory,
            Action::Tag(tag) => tag.statutory,
            _ => false,
        });
        let place = track.stages.iter().position(|other| other.id == of.stage).filter(|_| tells)?;
        let cuts = |action: &Action| matches!(action, Action::Disconnect { .. });
        track.stages[place..].iter().find(|other| other.acts.iter().any(cuts)).map(|other| other.id.clone())
    }
}

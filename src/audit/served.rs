//! Whether what was served ahead of a shut-off was served on whoever is the customer now, and asked for no more than what was
//! owed: by the audit's own reading of holds, entries and the case.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::disconnection::Disconnection;
use super::protection::Bench;
use super::service::is_spent;
use crate::domain::case::StageRef;
use crate::domain::fee::Undone;
use crate::domain::hold::HoldKind;
use crate::domain::{Action, Channel, Day, EntryKind, EventKind, ItemId, Service, Step, StepState};
use crate::rulebook::policy::{Stage, Track};

impl Bench<'_> {
    /// The last day on which a person said that the account goes on after a death, or under the customer whom a file named.
    fn another_since(self) -> Option<Day> {
        let mut since: Option<Day> = None;
        for hold in &self.snapshot.holds {
            if hold.kind == HoldKind::Deceased {
                since = since.max(hold.ended_on);
            }
        }
        for event in &self.snapshot.events {
            if event.kind == EventKind::CustomerFollows {
                since = since.max(Some(event.on));
            }
        }
        since.filter(|since| *since <= self.world.today)
    }

    /// What is about to leave was decided for whoever is the customer now.
    pub(super) fn is_meant_for_the_customer(self, of: &StageRef) -> Checked {
        let Some(since) = self.another_since() else { return Ok(()) };
        let runs = self.snapshot.case.iter().filter(|case| case.number == of.case).flat_map(|case| &case.tracks);
        let steps = runs.filter(|run| run.track == of.track && run.anchor == of.anchor).flat_map(|run| &run.steps);
        for step in steps.filter(|step| step.stage == of.stage && step.round == of.round) {
            if let StepState::Acted(told) = step.state
                && told < since
            {
                return Err(Broken::ServedOnAnother { stage: step.stage.clone(), told, since }.into());
            }
        }
        Ok(())
    }

    /// All that was told by law ahead of the shut-off was told to whoever is the customer now, and the letters among it
    /// stated nothing that was corrected since.
    pub(super) fn was_told_truly(self, cut: &Disconnection) -> Checked {
        let Some((track, _)) = self.stage(cut.of) else { return Ok(()) };
        let runs = self.snapshot.case.iter().filter(|case| case.number == cut.of.case).flat_map(|case| &case.tracks);
        for run in runs.filter(|run| run.track == cut.of.track && run.anchor == cut.of.anchor) {
            let mut told: Vec<(&Stage, &Step, Day)> = Vec::new();
            for stage in track.stages.iter().take_while(|stage| stage.id != cut.of.stage) {
                for step in run.steps.iter().filter(|step| step.stage == stage.id) {
                    if let (StepState::Acted(on), false) = (&step.state, is_spent(run, step, stage, cut.of)) {
                        told.push((stage, step, *on));
                    }
                }
            }
            // Without a letter that the law requires the shut-off rests on the last one on paper.
            let has_letter = told.iter().any(|(stage, ..)| is_by_law(stage) && is_on_paper(stage));
            let last =
                told.iter().filter(|(stage, ..)| is_on_paper(stage)).map(|(stage, ..)| stage.id.clone()).next_back();
            told.retain(|(stage, ..)| is_by_law(stage) || (!has_letter && last.as_ref() == Some(&stage.id)));
            let since = self.another_since();
            for (stage, step, on) in told {
                if let Some(since) = since.filter(|since| on < *since) {
                    return Err(Broken::ServedOnAnother { stage: stage.id.clone(), told: on, since }.into());
                }
                if states_debts(stage) {
                    self.stated_no_more(track, step, on)?;
                }
            }
        }
        Ok(())
    }

    /// Nothing that the step listed was corrected in the customer's favor by what was learned after it.
    fn stated_no_more(self, track: &Track, step: &Step, told: Day) -> Checked {
        let paid_in_time: BTreeSet<ItemId> = self
            .snapshot
            .fees
            .iter()
            .filter(|fee| matches!(fee.undone, Some(Undone::TakenBack(_))))
            .map(|fee| fee.entry)
            .collect();
        for off in &self.snapshot.taken_off {
            let is_correction = match off.kind {
                EntryKind::Adjustment => true,
                EntryKind::Reversal => off.debt.is_none_or(|debt| !paid_in_time.contains(&debt)),
                EntryKind::Charge
                | EntryKind::Fee
                | EntryKind::Interest
                | EntryKind::Payment
                | EntryKind::Deposit
                | EntryKind::Transfer
                | EntryKind::WriteOff => false,
            };
            let is_of_step = match off.debt {
                Some(debt) => step.items.contains(&debt) && !paid_in_time.contains(&debt),
                None => {
                    off.service == Service::General || track.counts.is_empty() || track.counts.contains(&off.service)
                }
            };
            let came_after = off.on > told || step.known.is_some_and(|known| known < off.entry);
            if is_correction && is_of_step && came_after && off.on <= self.world.today {
                let (stage, amount, entry) = (step.stage.clone(), off.amount, off.entry);
                return Err(Broken::Overstated { stage, told, amount, entry }.into());
            }
        }
        Ok(())
    }
}

fn is_by_law(stage: &Stage) -> bool {
    stage.acts.iter().any(|action| match action {
        Action::Notice(notice) => notice.statutory,
        Action::Tag(tag) => tag.statutory,
        Action::Call(call) => call.required,
        Action::Visit(_) => true,
        _ => false,
    })
}

fn is_on_paper(stage: &Stage) -> bool {
    stage.acts.iter().any(|action| match action {
        Action::Notice(notice) => notice.by.iter().any(|by| !matches!(by, Channel::Email | Channel::Phone)),
        Action::Tag(tag) => !tag.to_tenants,
        _ => false,
    })
}

fn states_debts(stage: &Stage) -> bool {
    stage.acts.iter().any(|action| match action {
        Action::Notice(_) => true,
        Action::Tag(tag) => !tag.to_tenants,
        _ => false,
    })
}

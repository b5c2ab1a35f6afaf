//! What a served notice still carries: nothing for whoever follows the person on whom it was served, and nothing where it asked
//! for more than was owed.
//!
//! A payment makes a notice no less true. A correction in the customer's favor does, of whatever day it is dated: the notice
//! asked for the bill as it was then. So does the end of a hold for a customer who died, or of the doubt whether another
//! customer had moved in: whoever is there now was never told. From there on everything is told anew, with all its days.

use super::ended::leads_to_shut_off;
use super::off::is_off;
use super::plan::Planner;
use super::view::View;
use super::walk::Walker;
use crate::domain::case::Cause;
use crate::domain::day::{plus_days, short};
use crate::domain::fee::taken_back;
use crate::domain::hold::HoldKind;
use crate::domain::taken_off::TakenOff;
use crate::domain::{Action, Channel, Day, EntryId, EntryKind, EventKind, Service, Step, StepState};
use crate::rulebook::policy::Stage;

/// The last entry that took something off a debt, of those that count today; zero where there is none.
pub fn last_correction(view: &View) -> EntryId {
    let today = view.world.today;
    let counting = view.snapshot.taken_off.iter().filter(|off| off.on <= today);
    counting.map(|off| off.entry).max().unwrap_or(EntryId(0))
}

/// The day since which somebody else may be the customer: the end of a hold for one who died, or of the doubt after a file had
/// named another.
fn follows_since(view: &View) -> Option<Day> {
    let snapshot = view.snapshot;
    let deaths = snapshot.holds.iter().filter(|hold| hold.kind == HoldKind::Deceased).filter_map(|hold| hold.ended_on);
    let said = snapshot.events.iter().filter(|event| event.kind == EventKind::CustomerFollows).map(|event| event.on);
    deaths.chain(said).filter(|day| *day <= view.on).max()
}

impl Planner<'_, '_> {
    /// Why what the stage told in the step of that day carries no shut-off any more, in words too.
    pub fn lost(&self, stage: &Stage, step: &Step, acted: Day) -> Option<(Cause, String)> {
        let mut cuts = self.track.stages.iter().filter(|other| other.disconnects());
        let is_notice = cuts.any(|cut| self.notice_before(cut).is_some_and(|(notice, _)| notice.id == stage.id));
        if !is_notice && !leads_to_shut_off(self.track, stage) {
            return None;
        }
        if let Some(since) = follows_since(self.view).filter(|since| acted < *since) {
            let words = format!("what was served before {} was served on somebody else", short(since));
            return Some((Cause::Follows, words));
        }
        let off = self.corrected_since(stage, step, acted)?;
        let words = format!(
            "the one of {} asked for {} more than was owed: {} {} of {}",
            short(acted),
            off.amount,
            off.kind,
            off.entry,
            short(off.on)
        );
        Some((Cause::Corrected, words))
    }

    /// The last correction of what the stage had listed that was not known when it acted. What follows from a payment is
    /// none: a late fee is taken back because its bill turned out paid.
    fn corrected_since(&self, stage: &Stage, step: &Step, acted: Day) -> Option<&TakenOff> {
        let states_debts = stage.acts.iter().any(|act| match act {
            Action::Notice(_) => true,
            Action::Tag(tag) => !tag.to_tenants,
            _ => false,
        });
        let snapshot = self.view.snapshot;
        if !states_debts || snapshot.taken_off.is_empty() {
            return None;
        }
        let followed_a_payment = taken_back(&snapshot.fees);
        let counts = |service: Service| {
            let counted = &self.track.counts;
            counted.is_empty() || counted.contains(&service) || service == Service::General
        };
        let corrections = snapshot.taken_off.iter().filter(|off| {
            matches!(off.kind, EntryKind::Adjustment | EntryKind::Reversal) && off.on <= self.view.world.today
        });
        let mut since = corrections.filter(|off| {
            let was_known = off.on <= acted && step.known.is_none_or(|known| off.entry <= known);
            !was_known
                && match off.debt {
                    Some(debt) => step.items.contains(&debt) && !followed_a_payment.contains(&debt),
                    None => counts(off.service),
                }
        });
        since.next_back()
    }
}

impl Walker<'_, '_> {
    /// Takes the force from what was told and carries no shut-off any more, and from all behind it: it is told anew. Nothing
    /// of it while the service is off, or has ended: then nobody is told of a shut-off.
    pub fn tells_anew_what_lost_its_force(&mut self) -> bool {
        let ended = self.view.snapshot.profile.ended.is_some_and(|ended| ended <= self.view.on);
        if ended || is_off(self.view, self.track) {
            return false;
        }
        let lost = self.track.stages.iter().enumerate().find_map(|(index, stage)| {
            let step = self.planner().step(&stage.id)?;
            let StepState::Acted(acted) = step.state else { return None };
            let (cause, _) = self.planner().lost(stage, step, acted)?;
            Some((index, cause))
        });
        let tomorrow = plus_days(self.view.world.today, 1);
        lost.is_some_and(|(index, cause)| self.spend_what_acted_before(tomorrow, index, &cause))
    }

    /// Takes the force from what has not left and lists what the customer contests, and from all behind it. An email that goes
    /// beside a letter, and one for which a letter stands in, may have left already.
    pub fn withdraw_contested(&mut self) {
        let pending = self.track.stages.iter().position(|stage| {
            let Some(step) = self.planner().step(&stage.id) else { return false };
            let StepState::Acted(_) = step.state else { return false };
            let is_letter = stage.acts.iter().any(|act| match act {
                Action::Notice(notice) => notice.statutory || !notice.by.contains(&Channel::Email),
                Action::Tag(tag) => !tag.to_tenants,
                _ => false,
            });
            let has_left =
                |kind| matches!(kind, EventKind::NoticeMailed | EventKind::NoticePosted | EventKind::NoticeServed);
            is_letter
                && step.items.iter().any(|item| self.view.disputed.contains(item))
                && !self.view.stage_events(&stage.id, step.round).any(|event| has_left(event.kind))
        });
        if let Some(index) = pending {
            let tomorrow = plus_days(self.view.world.today, 1);
            self.spend_what_acted_before(tomorrow, index, &Cause::Contested);
        }
    }

    /// Why what the stage had told before is told anew, or was.
    pub fn told_before(&self, stage: &Stage) -> Option<String> {
        let of_stage = self.gives.run.steps.iter().filter(|step| step.stage == stage.id);
        let spent = of_stage.filter_map(|step| match step.state {
            StepState::Spent(acted, _) => Some((step, acted)),
            StepState::Acted(_) | StepState::Skipped(_) | StepState::Canceled(..) | StepState::Expired(_) => None,
        });
        let (step, acted) = spent.max_by_key(|(step, _)| step.round)?;
        self.planner().lost(stage, step, acted).map(|(_, words)| words)
    }
}

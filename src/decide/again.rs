//! What makes a stage come around again, or never: windows that close, orders and letters that come to nothing, notices
//! whose force is spent.

use super::bars;
use super::plan::{Planned, Planner, strikes};
use super::view::View;
use super::walk::{Outcome, Walker};
use crate::domain::case::{Cause, StageRef};
use crate::domain::day::plus_days;
use crate::domain::decision::Verdict;
use crate::domain::{Action, Day, EventKind, ItemId, Role, Step, StepState};
use crate::rulebook::policy::{End, Expiry, Stage};

use super::held::earlier;

/// How many errands of a crew may come to nothing before the lead is told.
const ERRANDS: usize = 3;

/// The last day of the stage's window, and the place of the stage that comes around when it closes.
pub fn restarts_at(planner: Planner, stage: &Stage) -> Option<(Day, usize)> {
    let End { last, then: Expiry::Restart(from) } = stage.end.as_ref()? else { return None };
    let index = planner.track.stages.iter().position(|other| other.id == *from)?;
    planner.resolve(last).ok().map(|last| (last, index))
}

impl<'a> Walker<'_, 'a> {
    /// Closes the stage's window when its last day is past. `for_day` is the day for which the stage would act.
    pub fn window(&mut self, narrowed: &View<'a>, stage: &'a Stage, for_day: Day) -> Option<Outcome> {
        let end = stage.end.as_ref()?;
        let today = self.view.world.today;
        let last = self.planner().resolve(&end.last).ok()?;
        if for_day <= last {
            self.gives.review = earlier(self.gives.review, Some(plus_days(last, 1)).filter(|day| *day > today));
            return None;
        }
        match &end.then {
            Expiry::Lapse | Expiry::Exception => {
                let round = self.planner().round(&stage.id);
                self.found(stage, stage.rule, Verdict::Expired(last), Vec::new(), None);
                if end.then == Expiry::Exception {
                    let text = format!("{} was not done by {last}, the last day on which it could be", stage.id);
                    self.act(self.view, stage, round, 0, Action::Task { text, role: Role::Lead }, today, &[]);
                }
                self.set(stage, round, StepState::Expired(today), Vec::new());
                Some(Outcome::Next)
            }
            Expiry::Restart(from) => {
                // Barred stages do not pile up notices: the notice is served anew when the bar has gone.
                if let Some(held) = self.bar_on(narrowed, stage) {
                    let rule = held.value.rule.unwrap_or(stage.rule);
                    self.found(stage, rule, Verdict::Barred(held.value.bar), held.value.facts, held.until);
                    return Some(Outcome::Stop);
                }
                let index = self.track.stages.iter().position(|other| other.id == *from)?;
                self.spend_from(index, &Cause::Expired).then_some(Outcome::Again)
            }
        }
    }

    /// Whether what the stage ordered was canceled or voided before it had any effect.
    pub fn came_to_nothing(&self, stage: &Stage, round: u16) -> bool {
        let of = |kind| self.view.stage_events(&stage.id, round).any(|event| event.kind == kind);
        if stage.disconnects() {
            return of(EventKind::OrderCanceled) && !of(EventKind::ShutOff);
        }
        if stage.acts.iter().any(|action| matches!(action, Action::Route { .. })) {
            return of(EventKind::Rerouted);
        }
        stage.acts.iter().any(|action| matches!(action, Action::Notice(_))) && self.planner().is_voided(&stage.id)
    }

    /// Whether the shut-off of the round was undone by a restoration while debt is still owed: by an arrangement that was missed
    /// since, or by money that other debts had the use of. Whoever is to be shut off again is told anew.
    pub fn is_restored(&self, stage: &Stage, round: u16) -> bool {
        let off = &self.view.snapshot.shut_off;
        let mut of_stage = stage.acts.iter().flat_map(bars::services_of);
        let cut = self.view.stage_events(&stage.id, round).filter(|event| event.kind == EventKind::ShutOff);
        let cut = cut.map(|event| event.on).max();
        let restored = self.view.events.iter().filter(|event| event.kind == EventKind::Restored);
        stage.disconnects()
            && !of_stage.any(|service| off.contains(service))
            && cut.is_some_and(|cut| restored.map(|event| event.on).max().is_some_and(|on| cut <= on))
    }

    /// Takes the force from the notice before the stage and all behind it.
    pub fn tell_anew(&mut self, index: usize, stage: &Stage, cause: &Cause) -> bool {
        let notice = self.planner().notice_before(stage).map(|(notice, _)| notice.id.clone());
        let first = notice.and_then(|id| self.track.stages.iter().position(|other| other.id == id));
        self.spend_from(first.unwrap_or(index), cause)
    }

    /// Whether a crew's errand other than a shut-off came to nothing in the round: a tag that could not be left, a visit
    /// that was not made, or either canceled. It is ordered anew on the next day on which the office is open.
    pub fn is_field_work_undone(&self, stage: &Stage, round: u16) -> bool {
        let of = |kind| self.view.stage_events(&stage.id, round).any(|event| event.kind == kind);
        let is_met = || of(EventKind::ContactMade) || of(EventKind::ContactFailed);
        let is_undone = stage.acts.iter().any(|action| match action {
            Action::Tag(_) => !of(EventKind::NoticePosted),
            Action::Visit(_) => !is_met(),
            Action::Call(_) => of(EventKind::CallImpossible) && !is_met(),
            _ => false,
        });
        is_undone && !stage.disconnects() && of(EventKind::OrderCanceled)
    }

    /// From the third errand in vain on, each further one comes with a task for the lead: nobody keeps sending a crew to a
    /// locked gate unseen.
    pub fn errands_in_vain(&self, stage: &Stage) -> Option<String> {
        let rounds = 1..self.planner().round(&stage.id);
        let vain = rounds.filter(|round| self.is_field_work_undone(stage, *round)).count();
        (vain >= ERRANDS).then(|| {
            format!(
                "{} was ordered {vain} times and never done: see what keeps the crew from it, and have it done",
                stage.id
            )
        })
    }

    /// A notice that did not list the debt is spent once the rest would carry the shut-off: it comes around again.
    pub fn notice_is_spent(&mut self, narrowed: &View<'a>, stage: &'a Stage) -> Option<Outcome> {
        let today = self.view.world.today;
        let (notice, step) = self.planner().notice_before(stage)?;
        let index = self.track.stages.iter().position(|other| other.id == notice.id)?;
        let acted_before = matches!(step.state, StepState::Acted(day) if day < today);
        let everything = View { listed: None, ..narrowed.clone() };
        if !acted_before {
            return None;
        }
        let planner = self.planner();
        if let Planned::On { day, until, .. } = planner.on(narrowed).first_day_met(stage, today, None) {
            self.gives.review = earlier(self.gives.review, if day > today { Some(day) } else { until });
            return None;
        }
        let all_later = planner.on(&everything).first_day_met(stage, today, Some(&notice.id));
        (matches!(all_later, Planned::On { .. }) && self.spend_from(index, &Cause::Expired)).then_some(Outcome::Again)
    }

    /// A notice whose announced day passed under a hold, in the time to appeal a ruling, while the debt was out with a
    /// destination, or while the service was off, is served anew: what it says has become untrue.
    pub fn announced_day_was_held(&mut self, narrowed: &View<'a>, stage: &'a Stage, items: &[ItemId]) -> bool {
        let today = self.view.world.today;
        let Some(announced) = self.gives.run.announced.get(&stage.id).copied() else { return false };
        let was_held = bars::holds_on_shut_off(narrowed)
            .filter(|hold| hold.kind.contests() || bars::concerns(hold, items))
            .any(|hold| {
                let from = hold.from.max(announced);
                from < today && hold.holds_on(from)
            });
        let was_out = narrowed.were_placed(&strikes(stage)).any(|placed| {
            let from = placed.on.max(announced);
            from < today && placed.was_out_on(from) && items.iter().any(|item| placed.items.contains(item))
        });
        let was_appealable = narrowed.snapshot.disputes.iter().any(|dispute| {
            let ruled_on = dispute.ruling.as_ref().map_or(today, |ruling| ruling.on);
            let from = ruled_on.max(announced);
            from < today && dispute.appealable_through(from).is_some()
        });
        let struck = stage.acts.iter().flat_map(bars::services_of).copied().collect();
        let was_off = super::off::spans(narrowed, &struck).iter().any(|(cut_on, restored)| {
            let from = (*cut_on).max(announced);
            from < today && restored.is_none_or(|restored| from < restored)
        });
        let index = self
            .planner()
            .notice_before(stage)
            .map(|(notice, _)| notice)
            .and_then(|notice| self.track.stages.iter().position(|other| other.id == notice.id));
        (was_held || was_out || was_appealable || was_off)
            && index.is_some_and(|index| self.spend_from(index, &Cause::Expired))
    }

    /// Takes the force from all steps from `index` on, and cancels what they left pending. False when none had acted
    /// before today.
    pub fn spend_from(&mut self, index: usize, cause: &Cause) -> bool {
        self.spend_what_acted_before(self.view.world.today, index, cause)
    }

    /// The same of what acted before `limit`, which is today or the day after.
    pub fn spend_what_acted_before(&mut self, limit: Day, index: usize, cause: &Cause) -> bool {
        let today = self.view.world.today;
        let behind = &self.track.stages[index..];
        let mut spent = false;
        for step in self.gives.run.steps.iter_mut().filter(|step| behind.iter().any(|stage| stage.id == step.stage)) {
            match step.state {
                StepState::Acted(day) if day < limit => spent = true,
                StepState::Expired(day) if day < limit => {}
                _ => continue,
            }
            let day = step.on();
            step.state = StepState::Spent(day, today);
            self.gives.cancels.push((
                StageRef {
                    case: self.view.case,
                    track: self.track.id.clone(),
                    anchor: self.gives.run.anchor,
                    stage: step.stage.clone(),
                    round: step.round,
                },
                cause.clone(),
            ));
        }
        // What a notice announced stands for as long as the notice does, whatever becomes of the order behind it.
        let tells = |stage: &Stage| stage.acts.iter().any(|act| matches!(act, Action::Notice(_) | Action::Tag(_)));
        self.gives.run.announced.retain(|announced, _| {
            let before = behind.iter().take_while(|stage| stage.id != *announced);
            let is_behind = before.clone().count() < behind.len();
            !is_behind || !before.clone().any(tells)
        });
        self.gives.run.asked.retain(|asked, _| behind.iter().all(|stage| stage.id != *asked));
        spent
    }

    pub fn set(&mut self, stage: &Stage, round: u16, state: StepState, items: Vec<ItemId>) {
        let known = matches!(state, StepState::Acted(_)).then(|| super::served::last_correction(self.view));
        let steps = &mut self.gives.run.steps;
        match steps.iter_mut().find(|step| step.stage == stage.id && step.round == round) {
            Some(step) => (step.state, step.known) = (state, known.or(step.known)),
            None => steps.push(Step { stage: stage.id.clone(), service: None, round, state, items, known }),
        }
    }
}

//! The letters of an account in memory: mailed, returned, voided, canceled.

use super::account::Account;
use crate::domain::case::{Cause, StageRef};
use crate::domain::day::plus_days;
use crate::domain::person::Override;
use crate::domain::{Day, Event, EventKind, StepState};

/// A notice that was decided and waits for its mailing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub of: StageRef,
    pub deemed_days: u16,
    pub mail_on: Option<Day>,
}

impl Account<'_> {
    /// The letter that was mailed last comes back.
    pub fn return_letter(&mut self) {
        let last = self.events.iter().rfind(|event| event.kind == EventKind::NoticeMailed);
        if let Some(of) = last.and_then(|event| event.of.clone()) {
            self.happens(EventKind::NoticeReturned, Some(&of));
        }
    }

    /// The first letter that waits for its mailing is voided: its dates have become too early.
    pub fn void_letter(&mut self) {
        if !self.letters.is_empty() {
            let letter = self.letters.remove(0);
            self.happens(EventKind::NoticeVoided, Some(&letter.of));
        }
    }

    /// A person cancels the first letter that waits for its mailing.
    pub fn cancel_letter(&mut self, by: &Override) {
        let Some(of) = (!self.letters.is_empty()).then(|| self.letters.remove(0).of) else { return };
        let runs = self.case.iter_mut().flat_map(|case| &mut case.tracks).filter(|run| run.anchor == of.anchor);
        let steps = runs.filter(|run| run.track == of.track).flat_map(|run| &mut run.steps);
        for step in steps.filter(|step| step.stage == of.stage && step.round == of.round) {
            step.state = StepState::Canceled(self.world.today, Cause::Person(by.clone()));
        }
        self.learned();
    }

    /// It leaves today, and counts as served its deemed days later.
    pub(super) fn mailed(&mut self, letter: &Letter) {
        let on = self.world.today;
        let served = plus_days(on, i64::from(letter.deemed_days));
        let of = Some(letter.of.clone());
        self.events.push(Event { kind: EventKind::NoticeMailed, on, of: of.clone() });
        self.events.push(Event { kind: EventKind::NoticeServed, on: served, of });
        self.learned();
    }
}

//! What a notice that came back asks before a shut-off: a visit, and a notice left at the premises from then on.
//!
//! What was left there stands in for the mail, from its own day. So a stage that answers a return is not passed over for
//! having come late, and comes around again for a piece that comes back after it was done.

use super::evidence::posts;
use super::plan::Planner;
use crate::domain::decision::Verdict;
use crate::domain::{Action, Day, EventKind, StageId};
use crate::rulebook::policy::{Cond, Fact, Stage};

impl<'a> Planner<'_, 'a> {
    /// The day on which the notice of the stage's latest round came back, where nothing of it was mailed since.
    pub fn returned_on(&self, notice: &StageId) -> Option<Day> {
        let mut returned = None;
        for event in self.view.stage_events(notice, self.round(notice)) {
            match event.kind {
                EventKind::NoticeReturned => returned = returned.max(Some(event.on)),
                EventKind::NoticeMailed => returned = None,
                _ => {}
            }
        }
        returned
    }

    /// The day on which a notice that the law requires was left at the premises in the place of one that came back; the
    /// stage to wait for, where none was. `None` where nothing came back.
    pub fn left_instead(&self, notice: &StageId) -> Option<Result<Day, Verdict>> {
        let returned = self.returned_on(notice)?;
        let listed = self.step(notice).map_or(&[][..], |step| &step.items);
        let owed = |id| self.view.snapshot.items.iter().any(|item| item.id == id && item.open.is_positive());
        let behind = || self.track.stages.iter().skip_while(|other| other.id != *notice).filter(|other| posts(other));
        let speaks_of_all = |other: &&'a Stage| {
            let said = self.step(&other.id).map_or(&[][..], |step| &step.items);
            listed.iter().all(|id| said.contains(id) || !owed(*id))
        };
        let left = behind().filter(speaks_of_all).filter_map(|other| {
            let of_round = self.view.stage_events(&other.id, self.round(&other.id));
            of_round.filter(|event| event.kind == EventKind::NoticePosted && returned <= event.on).map(|e| e.on).min()
        });
        let awaited = || behind().find(|other| asks_for_return(&other.only_if, notice));
        Some(left.min().ok_or_else(|| match awaited() {
            Some(stage) => Verdict::WaitsFor(EventKind::NoticePosted, Some(stage.id.clone())),
            None => Verdict::WaitsFor(EventKind::NoticeMailed, Some(notice.clone())),
        }))
    }

    /// The day of the first visit to the premises since the shut-off's notice came back; the stage to wait for, where nobody
    /// went. `None` where nothing came back.
    pub fn visited_since_return(&self, shut_off: &Stage) -> Option<Result<Day, Verdict>> {
        let (notice, _) = self.notice_before(shut_off)?;
        let returned = self.returned_on(&notice.id)?;
        let visits = || {
            let ahead = self.track.stages.iter().take_while(|other| other.id != shut_off.id);
            ahead.filter(|other| other.acts.iter().any(|act| matches!(act, Action::Visit(_))))
        };
        let ended = [EventKind::ContactMade, EventKind::ContactFailed];
        let made = visits().filter_map(|other| {
            let of_round = self.view.stage_events(&other.id, self.round(&other.id));
            of_round.filter(|event| ended.contains(&event.kind) && returned <= event.on).map(|event| event.on).min()
        });
        let awaited = visits().next().map(|other| other.id.clone());
        Some(made.min().ok_or(Verdict::WaitsFor(EventKind::ContactMade, awaited)))
    }

    /// For a stage that acts where a notice came back: whether one did that it has not answered.
    pub fn is_unanswered_return(&self, stage: &Stage) -> bool {
        self.return_answered_by(stage)
            .is_some_and(|returned| self.acted_on(&stage.id).is_none_or(|acted| acted < returned))
    }

    /// Whether the stage acts only where a notice came back, has not acted, and none did that counts now.
    pub fn answers_nothing(&self, stage: &Stage) -> bool {
        let asks = self.track.stages.iter().any(|notice| asks_for_return(&stage.only_if, &notice.id));
        asks && self.acted_on(&stage.id).is_none() && self.return_answered_by(stage).is_none()
    }

    /// The day on which the last of the notices came back for which the stage asks.
    fn return_answered_by(&self, stage: &Stage) -> Option<Day> {
        let asked = self.track.stages.iter().filter(|notice| asks_for_return(&stage.only_if, &notice.id));
        asked.filter_map(|notice| self.returned_on(&notice.id)).max()
    }
}

/// Whether the condition holds only where the notice came back.
fn asks_for_return(cond: &Cond, notice: &StageId) -> bool {
    match cond {
        Cond::All(parts) => parts.iter().any(|part| asks_for_return(part, notice)),
        Cond::Any(parts) => !parts.is_empty() && parts.iter().all(|part| asks_for_return(part, notice)),
        Cond::Is(Fact::NoticeReturned(asked), ..) => asked == notice,
        Cond::Always | Cond::Not(_) | Cond::Is(..) => false,
    }
}

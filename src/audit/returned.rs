//! A notice that came back has told nobody: before a shut-off somebody goes to the premises, and leaves one there.

use super::breach::Broken;
use super::disconnection::Disconnection;
use super::protection::Bench;
use super::service::{is_spent, standing_notices};
use crate::domain::case::StageRef;
use crate::domain::{Action, Channel, Day, EventKind};

impl Bench<'_> {
    /// Where a required notice of the shut-off's run came back and was not mailed again: since then a crew visited, and a
    /// required notice was left at the premises.
    pub(super) fn return_is_answered(self, cut: &Disconnection) -> Result<(), Broken> {
        let Some(returned) = self.came_back(cut) else { return Ok(()) };
        let notices = standing_notices(self.snapshot, self.policy, cut.of, cut.for_day);
        let is_left = notices
            .iter()
            .any(|notice| notice.required && notice.channel == Channel::Posting && returned <= notice.given_on);
        let of_run = |of: &StageRef| of.case == cut.of.case && of.track == cut.of.track && of.anchor == cut.of.anchor;
        let is_visited = self.snapshot.events.iter().any(|event| {
            let ended = matches!(event.kind, EventKind::ContactMade | EventKind::ContactFailed);
            let visit = event.of.as_ref().filter(|of| of_run(of)).and_then(|of| self.stage(of));
            let is_visit = visit.is_some_and(|(_, stage)| stage.acts.iter().any(|act| matches!(act, Action::Visit(_))));
            ended && is_visit && returned <= event.on && event.on <= cut.for_day
        });
        if is_visited && is_left { Ok(()) } else { Err(Broken::ReturnUnanswered { returned, is_visited, is_left }) }
    }

    /// The last day on which a required notice of the run came back that was not mailed again since.
    fn came_back(self, cut: &Disconnection) -> Option<Day> {
        let case = self.snapshot.case.as_ref().filter(|case| case.number == cut.of.case)?;
        let run = case.tracks.iter().find(|run| run.track == cut.of.track && run.anchor == cut.of.anchor)?;
        let (track, _) = self.stage(cut.of)?;
        let mut last = None;
        for step in &run.steps {
            let Some(stage) = track.stages.iter().find(|stage| stage.id == step.stage) else { continue };
            let is_required = stage.acts.iter().any(|act| matches!(act, Action::Notice(notice) if notice.statutory));
            if !is_required || is_spent(run, step, stage, cut.of) {
                continue;
            }
            let mut returned = None;
            for event in self.snapshot.events.iter().filter(|event| event.on <= cut.for_day) {
                let is_of = event.of.as_ref().is_some_and(|of| {
                    of.case == case.number
                        && (&of.track, of.anchor) == (&run.track, run.anchor)
                        && (&of.stage, of.round) == (&step.stage, step.round)
                });
                match event.kind {
                    EventKind::NoticeReturned if is_of => returned = returned.max(Some(event.on)),
                    EventKind::NoticeMailed if is_of => returned = None,
                    _ => {}
                }
            }
            last = last.max(returned);
        }
        last
    }
}

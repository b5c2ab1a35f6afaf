//! Nothing is shut off, and nobody told of a shut-off, where service has ended: by the audit's own reading of the track.

use super::breach::{Broken, Checked};
use super::protection::Bench;
use crate::domain::case::StageRef;
use crate::domain::{Action, Day};

impl Bench<'_> {
    /// The stage shuts nothing off, and is no step toward it, where the account's service has ended by the day.
    pub(super) fn service_goes_on(self, of: &StageRef, day: Day) -> Checked {
        let Some(ended) = self.snapshot.profile.ended.filter(|ended| *ended <= day) else { return Ok(()) };
        let Some((track, stage)) = self.stage(of) else { return Ok(()) };
        let cuts = |action: &Action| matches!(action, Action::Disconnect { .. });
        let last_cut = track.stages.iter().rposition(|other| other.acts.iter().any(cuts));
        let place = track.stages.iter().position(|other| other.id == of.stage);
        let is_ahead_of_cut = place <= last_cut && last_cut.is_some();
        let is_step = stage.acts.iter().any(|action| {
            cuts(action)
                || is_ahead_of_cut
                    && match action {
                        Action::Notice(notice) => notice.statutory,
                        Action::Tag(tag) => tag.statutory,
                        Action::Call(call) => call.required,
                        Action::Visit(_) => true,
                        _ => false,
                    }
        });
        if is_step { Err(Broken::ServiceEnded { ended }.into()) } else { Ok(()) }
    }
}

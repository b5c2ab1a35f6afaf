//! Nothing is shut off, and nobody told of a shut-off, where service has ended or is off already: by the audit's own reading of the track.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::protection::Bench;
use crate::domain::case::StageRef;
use crate::domain::{Action, Day};

impl Bench<'_> {
    /// The stage shuts nothing off, and is no step toward it, where the account's service has ended by the day.
    pub(super) fn service_goes_on(self, of: &StageRef, day: Day) -> Checked {
        let Some(ended) = self.snapshot.profile.ended.filter(|ended| *ended <= day) else { return Ok(()) };
        if self.is_step_to_shut_off(of) { Err(Broken::ServiceEnded { ended }.into()) } else { Ok(()) }
    }

    /// The stage tells of no shut-off while all that its track could shut off is off already.
    pub(super) fn something_is_on(self, of: &StageRef) -> Checked {
        let Some((track, stage)) = self.stage(of) else { return Ok(()) };
        if stage.disconnects() {
            return Ok(());
        }
        let mut cuts = BTreeSet::new();
        for action in track.stages.iter().flat_map(|stage| &stage.acts) {
            if let Action::Disconnect { services, .. } = action {
                cuts.extend(services.iter().filter(|service| self.snapshot.profile.services.contains(service)));
            }
        }
        let all_off = cuts.iter().all(|service| self.snapshot.shut_off.contains(service));
        match cuts.first().filter(|_| all_off && self.is_step_to_shut_off(of)) {
            Some(service) => Err(Broken::OffAlready { service: *service }.into()),
            None => Ok(()),
        }
    }

    /// Whether the stage shuts off, or tells by law of a shut-off behind it, or is a contact that the law wants ahead of it.
    fn is_step_to_shut_off(self, of: &StageRef) -> bool {
        let Some((track, stage)) = self.stage(of) else { return false };
        let cuts = |action: &Action| matches!(action, Action::Disconnect { .. });
        let last_cut = track.stages.iter().rposition(|other| other.acts.iter().any(cuts));
        let place = track.stages.iter().position(|other| other.id == of.stage);
        let is_ahead_of_cut = place <= last_cut && last_cut.is_some();
        stage.acts.iter().any(|action| {
            cuts(action)
                || is_ahead_of_cut
                    && match action {
                        Action::Notice(notice) => notice.statutory,
                        Action::Tag(tag) => tag.statutory,
                        Action::Call(call) => call.required,
                        Action::Visit(_) => true,
                        _ => false,
                    }
        })
    }
}

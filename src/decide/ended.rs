//! Where service has ended there is nothing to shut off: whoever lives there now is another customer.
//!
//! What leads to a shut-off is passed over from that day on; whatever else the track does takes its course, and the debt is
//! collected as a closed account's.

use super::held::earlier;
use super::walk::{Outcome, Walker};
use crate::domain::Action;
use crate::domain::decision::Verdict;
use crate::rulebook::policy::{Stage, Track};

impl<'a> Walker<'_, 'a> {
    /// Passes over a stage that leads to a shut-off, or is one, of a service that has ended.
    pub fn passed_over(&mut self, stage: &'a Stage) -> Option<Outcome> {
        let ended = self.view.snapshot.profile.ended?;
        if !leads_to_shut_off(self.track, stage) {
            return None;
        }
        if ended > self.view.on {
            self.gives.review = earlier(self.gives.review, Some(ended));
            return None;
        }
        let facts = vec![("service ended".to_owned(), ended.to_string())];
        self.found(stage, stage.rule, Verdict::NotMet, facts, None);
        Some(Outcome::Next)
    }
}

/// Whether the stage shuts off, or tells of a shut-off that the track has behind it: by a notice or tag that the law asks for,
/// or a crew or call that has to have been there first.
pub fn leads_to_shut_off(track: &Track, stage: &Stage) -> bool {
    let tells = |action: &Action| match action {
        Action::Notice(notice) => notice.statutory,
        Action::Tag(tag) => tag.statutory,
        Action::Call(call) => call.required,
        Action::Visit(_) => true,
        _ => false,
    };
    let mut behind = track.stages.iter().skip_while(|other| other.id != stage.id);
    stage.disconnects() || (stage.acts.iter().any(tells) && behind.any(Stage::disconnects))
}

//! What reaches people, and how: read from a stage's actions for the check against guards.

use crate::domain::{Action, Channel};

use super::tracks::StageDraft;

/// Whether a notice that the law requires is left at the premises.
pub(super) fn posts(act: &Action) -> bool {
    match act {
        Action::Tag(tag) => tag.statutory,
        Action::Notice(notice) => notice.statutory && notice.by.contains(&Channel::Posting),
        _ => false,
    }
}

/// Whether a stage reaches people by one of the channels.
pub(super) fn reaches(stage: &StageDraft, by: &[Channel]) -> bool {
    stage.stage.acts.iter().any(|act| match act {
        Action::Notice(notice) => notice.by.iter().any(|channel| by.contains(channel)),
        Action::Tag(_) => by.contains(&Channel::Posting),
        Action::Call(_) | Action::Visit(_) => by.contains(&Channel::Phone),
        Action::Fee(_)
        | Action::Disconnect { .. }
        | Action::Restore { .. }
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::Refer { .. }
        | Action::Freeze { .. }
        | Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::WriteOff => false,
    })
}

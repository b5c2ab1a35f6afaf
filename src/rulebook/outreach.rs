//! What reaches people, and how: read from a stage's actions for the check against guards.

use crate::domain::{Action, Channel};

use super::tracks::StageDraft;

/// Whether a notice that the law requires is left at the premises. One for a landlord's tenants is another notice.
pub(super) fn posts(act: &Action) -> bool {
    match act {
        Action::Tag(tag) => tag.statutory && !tag.to_tenants,
        Action::Notice(notice) => notice.statutory && notice.by.contains(&Channel::Posting),
        _ => false,
    }
}

/// Whether a notice that the law requires is left for the tenants of a landlord's account.
pub(super) const fn tells_tenants(act: &Action) -> bool {
    matches!(act, Action::Tag(tag) if tag.statutory && tag.to_tenants)
}

/// Whether a stage reaches people by one of the channels.
pub(super) fn reaches(stage: &StageDraft, by: &[Channel]) -> bool {
    stage.stage.acts.iter().any(|act| match act {
        Action::Notice(notice) => notice.by.iter().any(|channel| by.contains(channel)),
        Action::Tag(tag) => !tag.to_tenants && by.contains(&Channel::Posting),
        Action::Call(_) | Action::Visit(_) => by.contains(&Channel::Phone),
        Action::Fee(_)
        | Action::Disconnect { .. }
        | Action::Restore { .. }
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::Refer { .. }
        | Action::Route { .. }
        | Action::NoRoute { .. }
        | Action::Freeze { .. }
        | Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::WriteOff => false,
    })
}

//! Whom a policy tells besides the customer: the tenants of a landlord's account before a shut-off, and whoever was shut off.

use crate::domain::{Action, EventKind};

use super::breach::Case;
use super::conditional::parts;
use super::error::Fault;
use super::outreach::tells_tenants;
use super::policy::{Anchor, Cmp, Cond, Expiry, Fact, Value, When};
use super::tracks::StageDraft;

impl Case<'_> {
    /// No stage follows a shut-off with a notice, of its track or of one that a shut-off opens.
    pub(super) fn without_word_of_restoration(self) -> Option<Fault> {
        let follows = |when: &When| matches!(&when.anchor, Anchor::Event(EventKind::ShutOff, _));
        let tells = |act: &Action| matches!(act, Action::Notice(notice) if notice.statutory);
        let is_told = self.tracks.iter().any(|track| {
            let mut stages = track.stages.iter().filter(|stage| stage.stage.only_if == Cond::Always);
            track.track.only_if == Cond::Always
                && stages.any(|stage| stage.stage.start.iter().any(follows) && stage.stage.acts.iter().any(tells))
        });
        let id = &self.stage.stage.id;
        let message = format!("after `{id}` nobody is told how to have service restored");
        let help = "add a track with `opens: shut off` and a stage with `start: 0 days after shut off` and `do: {notice: NOTICE, statutory: yes}`";
        (!is_told).then(|| Fault::new(self.stage.at, message).help(help))
    }

    /// No stage ahead is certain to leave a notice for the tenants of a landlord's account: it could never be shut off. When
    /// it was left is seen when the shut-off acts.
    pub(super) fn without_word_to_tenants(self) -> Option<Fault> {
        let asked: Vec<&Cond> =
            [&self.track.track.only_if, &self.stage.stage.only_if].into_iter().flat_map(|cond| parts(cond)).collect();
        let landlords = Cond::Is(Fact::LandlordAccount, Cmp::Eq, Value::Flag(true));
        // One that asks that the account is no landlord's shuts off nobody's tenants.
        if asked.iter().any(|part| matches!(part, Cond::Not(inner) if **inner == landlords)) {
            return None;
        }
        let is_certain = |stage: &StageDraft| {
            let lapses = stage.stage.end.as_ref().is_some_and(|end| end.then == Expiry::Lapse);
            let holds = |part: &&Cond| **part == landlords || asked.contains(part);
            !lapses && stage.stage.waive_if.is_none() && parts(&stage.stage.only_if).iter().all(holds)
        };
        let id = &self.stage.stage.id;
        let mut ahead = self.track.stages.iter().take_while(|stage| stage.stage.id != *id);
        if ahead.any(|stage| stage.stage.acts.iter().any(tells_tenants) && is_certain(stage)) {
            return None;
        }
        let message = format!("`{id}` shuts off a landlord's account without a notice left for the tenants");
        let help =
            "add a stage ahead of it with `if: landlord account` and `do: {tag: NOTICE, to: tenants, statutory: yes}`";
        Some(Fault::new(self.stage.at, message).help(help))
    }
}

//! While what a shut-off would be of is off already, nobody is told of another: a final notice to a house without water
//! threatens what has happened.
//!
//! Only what leads to the shut-off waits. Fees, demands and referrals take their course, for the debt is owed.

use std::collections::BTreeSet;

use super::bars::services_of;
use super::ended::leads_to_shut_off;
use super::view::View;
use super::walk::{Outcome, Walker};
use crate::domain::decision::{Bar, Verdict};
use crate::domain::{Day, Event, EventKind, Service};
use crate::rulebook::policy::{Stage, Track};

/// What the track shuts off of the services that the account has.
fn shut_off_by(view: &View, track: &Track) -> BTreeSet<Service> {
    let cuts = track.stages.iter().filter(|stage| stage.disconnects()).flat_map(|stage| &stage.acts);
    cuts.flat_map(services_of).copied().filter(|service| view.snapshot.profile.services.contains(service)).collect()
}

/// Whether all that the track could shut off is off.
pub fn is_off(view: &View, track: &Track) -> bool {
    let services = shut_off_by(view, track);
    !services.is_empty() && services.iter().all(|service| view.snapshot.shut_off.contains(service))
}

/// The times in which one of the services was off: from the day of the shut-off to that of the next restoration, none
/// while it is off.
pub fn spans(view: &View, services: &BTreeSet<Service>) -> Vec<(Day, Option<Day>)> {
    let strikes = |event: &&Event| {
        let of = event.of.as_ref();
        let track = of.and_then(|of| view.policy.track(&of.track));
        let stage = track.and_then(|track| track.stages.iter().find(|stage| of.is_some_and(|of| of.stage == stage.id)));
        // A stage that the policy no longer has may have shut off any.
        stage.is_none_or(|stage| stage.acts.iter().flat_map(services_of).any(|service| services.contains(service)))
    };
    let cuts = view.events.iter().filter(|event| event.kind == EventKind::ShutOff).filter(strikes);
    cuts.map(|cut| {
        let restored = view.events.iter().filter(|event| event.kind == EventKind::Restored && cut.on <= event.on);
        (cut.on, restored.map(|event| event.on).min())
    })
    .collect()
}

impl<'a> Walker<'_, 'a> {
    /// A stage that leads to a shut-off, or is one, waits while what it would shut off is off.
    pub fn waits_while_off(&mut self, stage: &'a Stage) -> Option<Outcome> {
        if !leads_to_shut_off(self.track, stage) || !is_off(self.view, self.track) {
            return None;
        }
        let services = shut_off_by(self.view, self.track).into_iter().collect();
        self.found(stage, stage.rule, Verdict::Barred(Bar::Off(services)), Vec::new(), None);
        Some(Outcome::Next)
    }

    /// Whether the stage leads to a shut-off and waited on the day for what is off: what went past it then, has not passed it
    /// over.
    pub fn waited_while_off(&self, stage: &Stage, day: Day) -> bool {
        let services = shut_off_by(self.view, self.track);
        leads_to_shut_off(self.track, stage)
            && spans(self.view, &services)
                .iter()
                .any(|(from, to)| *from <= day && to.is_none_or(|restored| day <= restored))
    }
}

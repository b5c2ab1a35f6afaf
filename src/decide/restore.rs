//! Restoration: a service that is off while nothing past due is left of the debt that counts toward it is turned on
//! again, whatever a policy says. One that was shut off without leave is turned on again whatever is owed, without fee.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::bars::services_of;
use super::view::View;
use crate::domain::case::StageRef;
use crate::domain::decision::{Act, ActKey, Finding, Verdict};
use crate::domain::{Action, Decision, EventKind, RuleId, Service};
use crate::rulebook::policy::{Stage, Track};

/// Adds an order to restore each service that is off and paid for. The key is that of the case that shut it off, so that
/// however often this is decided, one order comes of it.
pub fn restore(view: &View, is_delinquent: bool, decision: &mut Decision) {
    if view.snapshot.shut_off.is_empty() {
        return;
    }
    let is_cut = |kind| matches!(kind, EventKind::ShutOff | EventKind::ShutOffWithoutLeave);
    let cuts: Vec<_> = view.events.iter().filter(|event| is_cut(event.kind)).collect();
    let case = cuts.last().and_then(|cut| cut.of.as_ref()).map_or(view.snapshot.cases_so_far, |of| of.case);
    let undone = view
        .events
        .iter()
        .filter(|event| event.kind == EventKind::OrderCanceled)
        .filter(|event| event.of.as_ref().is_some_and(|of| of.track.as_str() == "restoration"))
        .count();
    for service in &view.snapshot.shut_off.iter().copied().collect::<BTreeSet<_>>() {
        let (rule, counts) = stage_of(view, *service)
            .map_or((RuleId(0), BTreeSet::new()), |(track, stage)| (stage.rule, track.counts.clone()));
        let counts = if counts.is_empty() { BTreeSet::from([*service]) } else { counts };
        let without_transferred = !view.policy.cuts_for_transferred();
        let counting = View { counts: Cow::Owned(counts), without_transferred, ..view.clone() };
        let without_leave = view.snapshot.without_leave.contains(service);
        if is_delinquent && !without_leave && counting.past_due().next().is_some() {
            continue;
        }
        let mut facts = vec![("past due".into(), counting.past_due_amount().to_string())];
        if without_leave {
            facts.push(("shut off without leave".into(), "yes".into()));
        }
        let of = StageRef {
            case,
            track: "restoration".into(),
            anchor: crate::domain::EntryId(0),
            stage: "restore".into(),
            // A service may be shut off again in the same case: each shut-off has a restoration of its own, and one that
            // the crew could not do, or that was canceled, is ordered anew.
            round: u16::try_from(cuts.len() + undone).unwrap_or(u16::MAX),
        };
        decision.acts.push(Act {
            key: ActKey { account: view.snapshot.account, of, service: Some(*service), n: 0 },
            action: Action::Restore { services: vec![*service], without_fee: without_leave },
            amount: None,
            for_day: view.world.today,
            notice: None,
            needs_release: false,
            because: Finding { rule, track: None, stage: None, verdict: Verdict::Acts, facts, until: None },
        });
    }
}

/// The first stage that shuts the service off.
fn stage_of<'a>(view: &View<'a>, service: Service) -> Option<(&'a Track, &'a Stage)> {
    let stages = view.policy.tracks.iter().flat_map(|track| track.stages.iter().map(move |stage| (track, stage)));
    let mut cuts = stages.filter(|(_, stage)| stage.disconnects());
    cuts.find(|(_, stage)| stage.acts.iter().any(|action| services_of(action).contains(&service)))
}

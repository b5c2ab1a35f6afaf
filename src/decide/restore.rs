//! Restoration: a service that is off while nothing past due is left is turned on again, whatever a policy says.

use super::view::View;
use crate::domain::case::StageRef;
use crate::domain::decision::{Act, ActKey, Finding, Verdict};
use crate::domain::{Action, Decision, RuleId};

/// Adds an order to restore each service that is off. The key is that of the account's last case, so that however
/// often this is decided, one order comes of it.
pub fn restore(view: &View, decision: &mut Decision) {
    let case = view.snapshot.case.as_ref().map_or(view.snapshot.cases_so_far, |case| case.number);
    let rule = view
        .policy
        .tracks
        .iter()
        .flat_map(|track| &track.stages)
        .find(|stage| stage.disconnects())
        .map_or(RuleId(0), |stage| stage.rule);
    let offs = view.events.iter().filter(|event| event.kind == crate::domain::EventKind::ShutOff).count();
    for service in &view.snapshot.shut_off {
        let of = StageRef {
            case,
            track: "restoration".into(),
            anchor: crate::domain::EntryId(0),
            stage: "restore".into(),
            // A service may be shut off again in the same case; each shut-off has a restoration of its own.
            round: u16::try_from(offs).unwrap_or(u16::MAX),
        };
        decision.acts.push(Act {
            key: ActKey { account: view.snapshot.account, of, service: Some(*service), n: 0 },
            action: Action::Restore { services: vec![*service], without_fee: false },
            amount: None,
            for_day: view.world.today,
            notice: None,
            needs_release: false,
            because: Finding {
                rule,
                track: None,
                stage: None,
                verdict: Verdict::Acts,
                facts: vec![("past due".into(), view.past_due_amount().to_string())],
                until: None,
            },
        });
    }
}

//! What objects to an act, as the people speak of it who were to carry it out.

use super::breach::{Broken, Objection};
use super::reexamine::Refusal;
use crate::domain::hold::HoldKind;
use crate::rulebook::Policy;

/// The same objection, as the executor's people speak of it.
pub(super) fn refusal(policy: &Policy, objection: Objection) -> Refusal {
    let origin = objection.rule.and_then(|rule| policy.origin(rule)).cloned().map(Box::new);
    match objection.broken {
        Broken::Held { kind, .. } => Refusal::Protected(kind),
        Broken::PromiseOpen { amount, through } => Refusal::Promise { amount, through },
        Broken::ArrangementPerforms { made_on } => Refusal::Arrangement { made_on },
        Broken::Moratorium { name, through, .. } => Refusal::Moratorium { name, through },
        Broken::Frozen(why) => Refusal::Frozen(why),
        broken @ Broken::WriteOffLeftOver { .. } => Refusal::Frozen(broken.to_string()),
        appealable @ Broken::Appealable { .. } => Refusal::Appealable(appealable.to_string()),
        Broken::Contested { .. } => Refusal::Protected(HoldKind::Dispute),
        Broken::BeforePetition { .. } => Refusal::Protected(HoldKind::Bankruptcy),
        Broken::NothingOwed => Refusal::Paid,
        Broken::ConditionGone => Refusal::ConditionGone,
        Broken::OnAgain => Refusal::OnAgain,
        // What was pending is made anew, should the debt come back.
        over @ (Broken::Out { .. }
        | Broken::ServiceEnded { .. }
        | Broken::OffAlready { .. }
        | Broken::AnnouncedDayPassed { .. }
        | Broken::ServedOnAnother { .. }
        | Broken::Overstated { .. }) => Refusal::StageOver { how: over.to_string() },
        closed @ Broken::ClosedDay { .. } => Refusal::ClosedDay(closed.to_string()),
        broken => Refusal::GuardNotMet { broken, origin },
    }
}

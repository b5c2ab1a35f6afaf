//! Whether a stage may be passed over: what its condition asks for, part by part, beside what another one asks for.

use super::policy::{Cmp, Cond, Expiry, Fact, Value};
use super::tracks::StageDraft;

/// Whether a condition holds only where `test` holds of one of its parts.
pub(super) fn requires(cond: &Cond, test: &impl Fn(&Cond) -> bool) -> bool {
    match cond {
        Cond::All(parts) => parts.iter().any(|part| requires(part, test)),
        Cond::Any(parts) => !parts.is_empty() && parts.iter().all(|part| requires(part, test)),
        Cond::Always | Cond::Not(_) => false,
        Cond::Is(..) => test(cond),
    }
}

/// Whether a stage planned back from `later` is never passed over where `later` acts: it asks for nothing that `later`
/// does not ask for too, and its window does not lapse.
pub(super) fn always_precedes(earlier: &StageDraft, later: &StageDraft) -> bool {
    let lapses = earlier.stage.end.as_ref().is_some_and(|end| end.then == Expiry::Lapse);
    let asked = parts(&later.stage.only_if);
    !lapses && parts(&earlier.stage.only_if).iter().all(|part| asked.contains(part))
}

/// The conditions that must all hold.
pub(super) fn parts(cond: &Cond) -> Vec<&Cond> {
    match cond {
        Cond::Always => Vec::new(),
        Cond::All(inner) => inner.iter().flat_map(parts).collect(),
        Cond::Any(_) | Cond::Not(_) | Cond::Is(..) => vec![cond],
    }
}

/// Whether the condition is that an installment was missed, or that one was or a bill beside the arrangement is unpaid.
pub(super) fn in_default(cond: &Cond) -> bool {
    let missed = Cond::Is(Fact::ArrangementMissed, Cmp::Eq, Value::Flag(true));
    let unpaid = Cond::Is(Fact::CurrentUnpaid, Cmp::Eq, Value::Flag(true));
    match cond {
        Cond::Any(parts) => parts.contains(&missed) && parts.iter().all(|part| *part == missed || *part == unpaid),
        Cond::All(_) | Cond::Always | Cond::Not(_) | Cond::Is(..) => *cond == missed,
    }
}

/// Whether a stage acts after a missed installment alone: it says nothing to the others.
pub(super) fn is_after_default(stage: &StageDraft) -> bool {
    parts(&stage.stage.only_if).into_iter().any(in_default)
}

//! Fees that had no ground: the debt was paid in time, and we learned of it late.

use std::collections::BTreeSet;

use super::view::View;
use crate::domain::arrears;
use crate::domain::case::StageRef;
use crate::domain::decision::{Act, Finding, Verdict};
use crate::domain::fee::{self, PostedFee, Undone, is_overtaken, owed_before};
use crate::domain::{
    Action, Case, Cents, Day, Decision, EventKind, ItemId, RuleId, Snapshot, StageId, StepState, TrackRun,
};
use crate::rulebook::policy::{Opens, Per, Track};

/// A fee that this decision takes back.
pub struct Taken {
    of: StageRef,
    entry: ItemId,
}

/// Takes back each fee whose debt turns out not to have been past due on the fee's day, and says which were taken back
/// earlier. Gives those that are taken back now.
///
/// Only a fee for arrears is looked at: one for a returned payment has its ground in the return. A fee rests on debts
/// due before its day, so that going from the first day to the last finds also the fee that only another one upheld.
pub fn take_back(view: &View, decision: &mut Decision) -> Vec<Taken> {
    let mut taken = Vec::new();
    let mut never_due = fee::taken_back(&view.snapshot.fees);
    let mut fees: Vec<&PostedFee> = view.snapshot.fees.iter().collect();
    fees.sort_by_key(|fee| (fee.on, fee.entry));
    for fee in fees {
        match fee.undone {
            Some(Undone::TakenBack(day)) => decision.findings.push(found(view, fee, Cents::ZERO, day)),
            None if is_overtaken(fee, &view.snapshot.ledger, &view.snapshot.petitions)
                && view.policy.track(&fee.key.of.track).is_some() =>
            {
                let Some(owed) = owed_then(view, fee, &never_due) else { continue };
                if owed.is_positive() {
                    continue;
                }
                let because = found(view, fee, owed, view.world.today);
                decision.findings.push(because.clone());
                decision.acts.push(Act {
                    key: fee.reversal_key(),
                    action: Action::ReverseFee { fee: fee.entry, name: fee.name.clone() },
                    amount: Some(fee.amount),
                    for_day: view.world.today,
                    notice: None,
                    needs_release: false,
                    because,
                });
                never_due.insert(fee.entry);
                taken.push(Taken { of: fee.key.of.clone(), entry: fee.entry });
            }
            Some(Undone::Waived(_)) | None => {}
        }
    }
    taken
}

/// The facts without the fees that are taken back now: nothing further rests on them. What had been paid on them is
/// credit from the next look on.
pub fn without(taken: &[Taken], snapshot: &Snapshot) -> Snapshot {
    let mut snapshot = snapshot.clone();
    snapshot.items.retain(|item| !taken.iter().any(|fee| fee.entry == item.id));
    snapshot
}

/// The stages lose what they did: should the debt come back, they may charge it anew.
pub fn spend(case: &mut Case, taken: &[Taken], view: &View) {
    let today = view.world.today;
    for of in taken.iter().map(|fee| &fee.of).filter(|of| of.case == case.number) {
        let runs = case.tracks.iter_mut().filter(|run| run.track == of.track && run.anchor == of.anchor);
        for step in runs.flat_map(|run| &mut run.steps) {
            if step.stage == of.stage
                && step.round == of.round
                && let StepState::Acted(day) = step.state
            {
                step.state = StepState::Spent(day, today);
            }
        }
    }
}

/// What was past due on the fee's day, before anything was paid on it, of the debt that the fee was for. `None` when that cannot be said.
fn owed_then(view: &View, fee: &PostedFee, never_due: &BTreeSet<ItemId>) -> Option<Cents> {
    let track = view.policy.track(&fee.key.of.track).filter(|track| track.opens == Opens::Arrears)?;
    let plans = view.snapshot.spans();
    let owed = owed_before(fee, never_due, &view.snapshot.ledger, &view.policy.ledger.order, &plans);
    let of_bill = match track.per {
        Per::Bill => Some(fee.bill?),
        Per::Account | Per::Year => None,
    };
    let past_due = owed.iter().filter(|item| {
        (track.counts.is_empty() || track.counts.contains(&item.service))
            && of_bill.is_none_or(|(billed, due)| item.billed_on == billed && item.due_on == due)
            && arrears::is_past_due(item, fee.on, view.de_minimis())
    });
    Some(past_due.map(|item| item.open).sum())
}

/// Whether the stage charged in the round before, whose notice came to nothing: telling anew is no new charge.
pub fn is_charged_in_vain(view: &View, run: &TrackRun, stage: &StageId, round: u16) -> bool {
    let told = [EventKind::NoticeMailed, EventKind::NoticePosted];
    let was_told = |before: u16| view.stage_events(stage, before).any(|event| told.contains(&event.kind));
    round.checked_sub(1).is_some_and(|before| {
        let of = StageRef {
            case: view.case,
            track: run.track.clone(),
            anchor: run.anchor,
            stage: stage.clone(),
            round: before,
        };
        !was_told(before) && view.snapshot.fees.iter().any(|fee| fee.key.of == of)
    })
}

/// Whether the stage has charged the run's bill before, in this case or an earlier one.
pub fn is_charged(view: &View, track: &Track, stage: &StageId, bill: (Day, Day)) -> bool {
    track.per == Per::Bill && view.snapshot.fees.iter().any(|fee| fee.charges(&track.id, stage, bill))
}

fn found(view: &View, fee: &PostedFee, owed: Cents, on: Day) -> Finding {
    let of = &fee.key.of;
    let stage = view.policy.track(&of.track).and_then(|track| track.stages.iter().find(|stage| stage.id == of.stage));
    let mut facts = vec![(fee.name.clone(), format!("{} of {}", fee.amount, fee.on))];
    if let Some((billed, due)) = fee.bill {
        facts.push((format!("past due on {} of the bill of {billed}, due {due}", fee.on), owed.to_string()));
    }
    Finding {
        rule: stage.map_or(RuleId(0), |stage| stage.rule),
        track: Some(of.track.clone()),
        stage: Some(of.stage.clone()),
        verdict: Verdict::TakenBack(on),
        facts,
        until: None,
    }
}

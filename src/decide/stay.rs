//! Debts that nobody may be asked for: contested by the customer, or stayed by a petition in bankruptcy.
//!
//! What a petition stays is no item of the snapshot at all; what is contested is left out by the view. Here is what that
//! does to a case that had begun with such a debt.

use super::view::View;
use crate::domain::decision::{Bar, Finding, Verdict};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::{Case, ItemId, RuleId};
use crate::rulebook::policy::{Opens, Track};

/// Whether a case that was open when a petition was recorded rests on what the petition stays: it ends, and what is owed
/// for the time since is worked in a case of its own. `unsettled` is whether anything past due is left.
pub fn is_overtaken(view: &View, case: &Case, unsettled: bool) -> bool {
    let snapshot = view.snapshot;
    let is_stayed = |id| snapshot.stayed.iter().any(|item| item.id == id);
    let standing = || snapshot.petitions.iter().filter(|petition| petition.stays_on(view.on));
    let is_older = standing().any(|petition| case.opened_on <= petition.recorded_on);
    let rests_on_it = case
        .tracks
        .iter()
        .any(|run| is_stayed(run.anchor) || run.steps.iter().flat_map(|step| &step.items).any(|item| is_stayed(*item)));
    is_older && (rests_on_it || (!unsettled && !snapshot.stayed.is_empty()))
}

/// What stands with the account as a whole: what a petition stays; and, where nothing else is past due, what is contested.
pub fn of_account(view: &View, delinquent: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stayed = view.snapshot.stayed_amount();
    if let Some(petition) = view.snapshot.stay_on(view.on).filter(|_| stayed.is_positive()) {
        let facts = vec![("petition".to_owned(), petition.state_words())];
        let verdict = Verdict::Barred(Bar::Stayed(stayed, petition.words()));
        findings.push(of_hold(view, HoldKind::Bankruptcy, verdict, facts));
    }
    let contested = view.with_disputed();
    if !delinquent && let Some(hold) = contested.past_due().find_map(|item| contesting(view, item.id)) {
        let facts = vec![
            (format!("hold {}", hold.kind), hold.reason.clone()),
            ("contested".to_owned(), contested.past_due_amount().to_string()),
        ];
        findings.push(of_hold(view, hold.kind, Verdict::Barred(Bar::Hold(hold.kind)), facts));
    }
    findings
}

/// A finding of no track, by the policy's rule on holds of the kind where it has one.
fn of_hold(view: &View, kind: HoldKind, verdict: Verdict, facts: Vec<(String, String)>) -> Finding {
    let rule = view.policy.holds.iter().find(|rule| rule.kind == kind).map_or(RuleId(u32::MAX), |rule| rule.rule);
    Finding { rule, track: None, stage: None, verdict, facts, until: None }
}

/// The hold by which the debt is contested on the view's day.
fn contesting<'a>(view: &View<'a>, item: ItemId) -> Option<&'a Hold> {
    let is_contested = view.snapshot.disputed(view.on).contains(&item);
    let mut holds = view.snapshot.holds.iter().filter(|hold| is_contested && hold.kind.contests());
    holds.find(|hold| hold.holds_on(view.on) && (hold.items.is_empty() || hold.items.contains(&item)))
}

/// A run of which nothing is left but what the customer contests rests where it stands; the finding says so.
pub fn rests(of_run: &View, track: &Track) -> Option<Finding> {
    if track.opens != Opens::Arrears || of_run.past_due().next().is_some() {
        return None;
    }
    let contested = of_run.with_disputed();
    contested.past_due().next()?;
    let hold = contested.past_due().find_map(|item| contesting(of_run, item.id))?;
    let rule = of_run.policy.holds.iter().find(|rule| rule.kind == hold.kind).map_or(track.rule, |rule| rule.rule);
    let facts = vec![
        (format!("hold {}", hold.kind), hold.reason.clone()),
        ("contested".to_owned(), contested.past_due_amount().to_string()),
    ];
    let stage = track.stages.first().map(|stage| stage.id.clone());
    let verdict = Verdict::Barred(Bar::Hold(hold.kind));
    Some(Finding { rule, track: Some(track.id.clone()), stage, verdict, facts, until: hold.changes_after(of_run.on) })
}

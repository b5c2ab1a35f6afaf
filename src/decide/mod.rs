//! The decision: snapshot, city and policy in; acts, findings and the next review out.
//!
//! Pure. It never reads a clock, a file or a database, and makes no choice across accounts (that is `allocate`).
//! What it decides is checked by `audit`, which shares no code with it.

mod acts;
mod again;
mod announced;
mod answered;
mod apart;
mod bars;
pub mod condition;
pub mod dates;
mod default;
mod deposits;
pub mod eligibility;
mod ended;
mod evidence;
mod fees;
mod guarded;
pub mod held;
mod off;
mod perform;
mod plan;
mod restate;
mod restore;
mod returned;
mod routes;
mod served;
pub mod stands;
mod stay;
mod tracks;
mod view;
mod walk;
pub mod why;

use crate::domain::case::Cause;
use crate::domain::day::plus_days;
use crate::domain::{Case, Cents, Decision, Snapshot, World};
use crate::rulebook::Policy;
use crate::rulebook::policy::OpenCases;

use held::{Truth, earlier};
use view::{View, events_by};

pub use restate::{announced_if_mailed, last_day_of, restate};
pub use restore::key as restoration_key;

/// Decides one account on the world's business date.
///
/// `policy` is the version that the account's open case follows, or the one in force when it has none;
/// [`OpenCases::Move`] lets an open case go on under a newer one.
#[must_use]
pub fn decide(snapshot: &Snapshot, world: &World, policy: &Policy) -> Decision {
    let events = events_by(snapshot, world.today);
    let view = View::new(snapshot, world, policy, &events);
    let mut decision = Decision {
        account: snapshot.account,
        seen_seq: snapshot.facts_seq,
        on: world.today,
        policy: policy.hash.clone(),
        case: None,
        closed: None,
        acts: Vec::new(),
        cancels: Vec::new(),
        findings: Vec::new(),
        next_review: earlier(view.next_item_aged(1), bars::next_change(&view)),
    };
    deposits::apply(&view, &mut decision);
    let taken = fees::take_back(&view, &mut decision);
    let amended;
    let view = if taken.is_empty() {
        view
    } else {
        amended = fees::without(&taken, snapshot);
        View::new(&amended, world, policy, &events)
    };
    let triggers = tracks::open_triggers(&view);
    let delinquent = is_delinquent(&view);
    // What is contested opens no case, and is not paid either: a case waits for its decision.
    let owes_fee = restore::owes_fee(&view);
    let unsettled = delinquent || owes_fee || is_delinquent(&view.with_disputed());
    decision.findings.extend(stay::of_account(&view, delinquent));
    restore::restore(&view, delinquent || owes_fee, &mut decision);
    let Some(mut case) = open_case(&view, delinquent || !triggers.is_empty()) else {
        return decision;
    };
    if stay::is_overtaken(&view, &case, unsettled) {
        decision.closed = Some(Cause::Stayed);
        decision.next_review = Some(plus_days(world.today, 1));
        return decision;
    }
    if !unsettled && triggers.is_empty() {
        decision.closed = Some(Cause::Cured);
        return decision;
    }
    fees::spend(&mut case, &taken, &view);
    tracks::keep_up(&view, &mut case, &mut decision);
    for index in 0..case.tracks.len() {
        let run = &case.tracks[index];
        let Some(track) = policy.track(&run.track).filter(|_| run.closed.is_none()) else { continue };
        // A track whose condition no longer holds rests where it stands.
        if tracks::condition(&view, track).value != Truth::True {
            continue;
        }
        let elsewhere = case.kept_elsewhere(&run.track, run.anchor);
        let of_run =
            View { ordered: tracks::ordered_elsewhere(&view, &case, index), ..view.of_run(track, run, elsewhere) };
        let (run, withdrawn) = walk::without_contested(track, run.clone(), &of_run);
        decision.cancels.extend(withdrawn);
        case.tracks[index] = run;
        if let Some(finding) = stay::rests(&of_run, track) {
            decision.findings.push(finding);
            continue;
        }
        let walked = walk::walk(track, case.tracks[index].clone(), &of_run);
        case.tracks[index] = walked.run;
        decision.acts.extend(walked.acts);
        decision.cancels.extend(walked.cancels);
        decision.findings.extend(walked.findings);
        decision.next_review = earlier(decision.next_review, walked.review);
    }
    decision.next_review = decision.next_review.map(|day| day.max(plus_days(world.today, 1)));
    decision.case = Some(case);
    decision
}

/// The open case, moved to this policy where it moves; or a new one when the account has become delinquent.
fn open_case(view: &View, wanted: bool) -> Option<Case> {
    match &view.snapshot.case {
        Some(case) => {
            let mut case = case.clone();
            if view.policy.open_cases == OpenCases::Move {
                case.policy = view.policy.hash.clone();
            }
            Some(case)
        }
        None if wanted => Some(Case {
            number: view.case,
            opened_on: view.world.today,
            policy: view.policy.hash.clone(),
            tracks: Vec::new(),
        }),
        None => None,
    }
}

/// Whether what is past due reaches the amount from which an account is worked.
fn is_delinquent(view: &View) -> bool {
    let past_due = view.past_due_amount();
    past_due.is_positive() && past_due >= view.policy.cure_below.max(Cents::new(1))
}

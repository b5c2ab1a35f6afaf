//! One account's decision, audited: to be committed, or the account goes before the lead.

use super::Rules;
use crate::audit::{audit, audit_languages};
use crate::decide::decide;
use crate::domain::notice::NewNotice;
use crate::domain::{AccountId, Action, Snapshot, World};
use crate::notices::of_act;
use crate::store::Commit;

/// An account whose decision is not carried out.
pub(super) struct Refused {
    pub account: AccountId,
    pub why: String,
    /// Whether it owes nothing, and was to be called, shut off or referred.
    pub owes_nothing: bool,
}

/// A program error on one account must not stop the night for the others: the account goes to the lead.
pub(super) fn broken(snapshot: &Snapshot) -> Result<Commit, Refused> {
    let number = &snapshot.profile.number;
    let why = format!("account {number} could not be decided: an error in the program, see the log");
    Err(Refused { account: snapshot.account, why, owes_nothing: false })
}

/// Decides one account, and has the audit look at it.
pub(super) fn decide_one(snapshot: &Snapshot, world: &World, rules: &Rules) -> Result<Commit, Refused> {
    let decision = decide(snapshot, world, &rules.policy);
    let refused = |why: String, owes_nothing| Refused { account: snapshot.account, why, owes_nothing };
    if !snapshot.balance().is_positive() && decision.acts.iter().any(|act| is_adverse(&act.action)) {
        let why =
            format!("account {} owes nothing, and would be called, shut off or referred", snapshot.profile.number);
        return Err(refused(why, true));
    }
    let cleared =
        audit(snapshot, &rules.policy, world, decision).map_err(|breach| refused(breach.to_string(), false))?;
    let profile = &snapshot.profile;
    let required = rules.policy.languages(profile.class, &profile.services);
    let pieces: Vec<NewNotice> =
        cleared.decision().acts.iter().flat_map(|act| of_act(act, profile, &required)).collect();
    for piece in pieces.iter().filter(|piece| piece.statutory) {
        audit_languages(&rules.policy, profile, &piece.template, &piece.languages)
            .map_err(|missing| refused(missing.to_string(), false))?;
    }
    Commit::of(cleared, snapshot, pieces).map_err(|error| refused(error.to_string(), false))
}

/// What is never done to who owes nothing.
const fn is_adverse(action: &Action) -> bool {
    match action {
        Action::Call(_) | Action::Visit(_) | Action::Tag(_) | Action::Disconnect { .. } | Action::Refer { .. } => true,
        // A letter may tell that all is paid; what it says is the audit's to hold against the books.
        Action::Notice(_)
        | Action::Fee(_)
        | Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::Route { .. }
        | Action::NoRoute { .. }
        | Action::Freeze { .. }
        | Action::Restore { .. }
        | Action::WriteOff => false,
    }
}

//! The audit: an independent check of what was decided, before anything is done.
//!
//! It holds a decision against the guards of the policy's packs and against the invariants that no policy may
//! break, and it looks again at the moment of execution. It is written apart from `decide` and must stay so: it
//! reads the ledger, the events and the case as recorded, computes every date by stepping day by day, and takes
//! nothing that the decision says for granted. Slow and sure is right here.
//!
//! Two tokens are made here and nowhere else: [`Cleared`], without which nothing is committed, and [`Permit`], without
//! which nothing goes out and nobody is shut off. Deliberately absent: any choice of what should happen; the policy's
//! own waits, which are no limits of law; IO and clocks.

mod acts;
mod announced;
mod answered;
mod appeals;
mod beside;
mod breach;
mod count;
mod deposits;
mod disconnection;
mod ended;
mod languages;
pub mod minimum;
mod phrases;
mod protection;
mod reexamine;
mod refusal;
mod restored;
mod returned;
mod routed;
mod served;
mod service;
mod stay;
#[cfg(test)]
mod tests;
mod told;
mod truth;
mod wanted;

pub use breach::{Breach, Broken, BrokenAct};
pub use languages::{MissingLanguage, audit_languages};
pub use reexamine::{Ordered, Pending, Permit, Refusal, Remedy, reexamine};
pub use routed::must_come_back;
pub use stay::most_asked;

use std::collections::BTreeSet;

use self::breach::Checked;
use self::protection::Bench;
use crate::domain::fee::taken_back;
use crate::domain::{Action, Case, Decision, Snapshot, World};
use crate::rulebook::Policy;

/// A decision that broke nothing. Only [`audit`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared(Decision);

impl Cleared {
    /// What was decided.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.0
    }

    /// For tests of the store with decisions made up by hand. The program itself never calls it, which a test holds.
    #[must_use]
    pub const fn unaudited(decision: Decision) -> Self {
        Self(decision)
    }

    /// Gives the decision up to be committed.
    #[must_use]
    pub fn into_inner(self) -> Decision {
        self.0
    }
}

/// Clears `decision`, or says what it breaks: the decision as a whole first, then its acts in order.
///
/// `snapshot` is what the decision saw, `policy` the one it followed with the packs in force, `world` its day.
///
/// # Errors
/// The first [`Breach`]. None of the decision may then be carried out; the account is frozen for the lead.
pub fn audit(snapshot: &Snapshot, policy: &Policy, world: &World, decision: Decision) -> Result<Cleared, Box<Breach>> {
    let bench = Bench { snapshot, policy, world };
    let breach =
        |act, objection| Breach::new(snapshot.account, snapshot.profile.number.clone(), act, policy, objection);
    bench.check_whole(&decision).map_err(|objection| breach(None, objection))?;
    bench.none_is_kept_off(&decision).map_err(|objection| breach(None, objection))?;
    let mut keys = BTreeSet::new();
    // A case that closes today still has its last acts.
    let cases: Vec<&Case> = decision.case.iter().chain(&snapshot.case).collect();
    // A fee may have been upheld by nothing but another one that is taken back, earlier or by an act ahead of its own.
    let mut never_due = taken_back(&snapshot.fees);
    for act in &decision.acts {
        if !keys.insert(&act.key) {
            return Err(breach(Some(act), Broken::DuplicateKey.into()));
        }
        bench.check_act(&cases, &never_due, act).map_err(|objection| breach(Some(act), objection))?;
        if let Action::ReverseFee { fee, .. } = &act.action {
            never_due.insert(*fee);
        }
    }
    Ok(Cleared(decision))
}

impl Bench<'_> {
    /// The decision is about this account, these facts, this policy, this day.
    fn check_whole(self, decision: &Decision) -> Checked {
        let (snapshot, today) = (self.snapshot, self.world.today);
        if decision.account != snapshot.account {
            return Err(Broken::OtherAccount { decided: decision.account }.into());
        }
        if decision.seen_seq != snapshot.facts_seq {
            return Err(Broken::StaleFacts { seen: decision.seen_seq, now: snapshot.facts_seq }.into());
        }
        if decision.policy != self.policy.hash {
            return Err(Broken::OtherPolicy.into());
        }
        if decision.on != today {
            return Err(Broken::OtherDay { on: decision.on, today }.into());
        }
        if let Some(next) = decision.next_review.filter(|next| *next <= today) {
            return Err(Broken::ReviewNotAhead { next }.into());
        }
        if let Some(case) = &decision.case {
            let kept = snapshot.case.as_ref().map(|case| case.number);
            let new = snapshot.cases_so_far + 1;
            if kept != Some(case.number) && case.number != new {
                return Err(Broken::CaseNumber { opened: case.number, expected: kept.unwrap_or(new) }.into());
            }
        }
        Ok(())
    }
}

//! Choices across accounts: who is called first, by whom, and when a run is too large to leave alone.
//!
//! Pure: candidates, staff, rules and the day in; the day's list out, with each score in its parts and each call that
//! is left out with its reason. What may be done to one account is decided before (`decide`) and checked apart
//! (`audit`); neither is used here.

pub mod batch_guard;
mod limits;
mod score;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use limits::{WhyNot, is_calling_hour};

use crate::domain::call::{CallAttempt, ScorePart};
use crate::domain::hold::HoldKind;
use crate::domain::{AccountId, CallId, Cents, Day, Language};
use crate::rulebook::policy::CallRules;

/// A call that is wanted, with what ranks and limits it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "six questions that each have a plain answer")]
pub struct Candidate {
    pub call: CallId,
    pub account: AccountId,
    pub language: Language,
    /// What is past due.
    pub amount: Cents,
    pub days_past_due: i64,
    /// The first day on which it may be listed.
    pub not_before: Day,
    /// Required by law: it comes first, outside ranking and capacity. Limits and opt-outs bind it all the same.
    pub required: bool,
    pub has_phone: bool,
    pub opted_out: bool,
    /// The hold that blocks calls today, if there is one.
    pub held: Option<HoldKind>,
    /// An arrangement that is being kept covers all that is past due.
    pub arranged: bool,
    /// The last promise was broken.
    pub broken_promise: bool,
    /// Nobody was spoken to in this case.
    pub no_contact: bool,
    /// The day of the shut-off that is announced or prepared.
    pub shut_off_on: Option<Day>,
}

/// A representative who calls today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    pub name: String,
    pub languages: BTreeSet<Language>,
    /// Calls a day; required ones do not count.
    pub capacity: u16,
}

/// A day's call list before the lead's changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// In the order of their ranks.
    pub listed: Vec<Ranked>,
    /// In the order of the calls' ids.
    pub left_out: Vec<(CallId, WhyNot)>,
}

/// A call on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    pub call: CallId,
    /// From 1; required calls first.
    pub rank: u32,
    /// The sum of the parts, in thousandths of a point.
    pub score_milli: i64,
    pub parts: Vec<ScorePart>,
    /// How many attempts the limits still allow today.
    pub attempts_left: u8,
    /// Nobody, for a required call on a day without staff: the lead makes it.
    pub assigned_to: Option<String>,
}

/// Makes the call list of `today`.
///
/// `attempts` are the recorded attempts of the accounts concerned, at least as far back as the limits reach; order
/// does not matter. Required calls come first, then the others by score, days past due, and account. Each goes to
/// somebody who speaks the customer's language where there is room, else to whoever has room.
#[must_use]
pub fn allocate(
    candidates: &[Candidate],
    staff: &[StaffMember],
    rules: &CallRules,
    today: Day,
    attempts: &[CallAttempt],
) -> Allocation {
    let mut history: BTreeMap<AccountId, Vec<&CallAttempt>> = BTreeMap::new();
    for attempt in attempts {
        history.entry(attempt.account).or_default().push(attempt);
    }
    let scored = |candidate| {
        let parts = score::parts(candidate, rules, today);
        let total = parts.iter().fold(0_i64, |sum, part| sum.saturating_add(part.milli));
        (candidate, total, parts)
    };
    let mut wanted: Vec<(&Candidate, i64, Vec<ScorePart>)> = candidates.iter().map(scored).collect();
    wanted.sort_by(|(a, a_score, _), (b, b_score, _)| {
        let key = |c: &Candidate, score: i64| {
            (!c.required, -i128::from(score), -i128::from(c.days_past_due), c.account, c.call)
        };
        key(a, *a_score).cmp(&key(b, *b_score))
    });

    let mut allocation = Allocation::default();
    let mut desks: Vec<Desk> = staff.iter().map(|member| Desk { member, required: 0, listed: 0 }).collect();
    let mut listed_accounts: BTreeMap<AccountId, CallId> = BTreeMap::new();
    let mut rank = 0;
    for (candidate, score_milli, parts) in wanted {
        let past = history.get(&candidate.account).map_or(&[][..], Vec::as_slice);
        let verdict = limits::attempts_left(candidate, past, rules, today).and_then(|left| {
            if let Some(call) = listed_accounts.get(&candidate.account) {
                return Err(WhyNot::AlreadyListed { call: *call });
            }
            let desk = seat(&mut desks, candidate);
            if desk.is_none() && !candidate.required { Err(WhyNot::NoCapacity) } else { Ok((left, desk)) }
        });
        match verdict {
            Ok((attempts_left, assigned_to)) => {
                rank += 1;
                listed_accounts.insert(candidate.account, candidate.call);
                let call = candidate.call;
                allocation.listed.push(Ranked { call, rank, score_milli, parts, attempts_left, assigned_to });
            }
            Err(why) => allocation.left_out.push((candidate.call, why)),
        }
    }
    allocation.left_out.sort_by_key(|(call, _)| *call);
    allocation
}

/// A representative and what is on the desk so far.
struct Desk<'a> {
    member: &'a StaffMember,
    required: u16,
    listed: u16,
}

/// Finds who makes the call, and puts it on that desk.
///
/// Who speaks the language comes first, and of those who speaks the fewest others, so that the bilingual desk keeps
/// room for those who need it; then who has the least to do.
fn seat(desks: &mut [Desk], candidate: &Candidate) -> Option<String> {
    let has_room = |desk: &&mut Desk| candidate.required || desk.listed < desk.member.capacity;
    let desk = desks.iter_mut().filter(has_room).min_by_key(|desk| {
        let languages = &desk.member.languages;
        let speaks = languages.contains(&candidate.language);
        let load = if candidate.required { desk.required } else { desk.listed };
        (!speaks, if speaks { languages.len() } else { 0 }, load, desk.member.name.clone())
    })?;
    if candidate.required {
        desk.required = desk.required.saturating_add(1);
    } else {
        desk.listed = desk.listed.saturating_add(1);
    }
    Some(desk.member.name.clone())
}

#[cfg(test)]
mod tests;

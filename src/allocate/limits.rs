//! Who is not called today, and why.
//!
//! The federal limits bind third-party collectors; a careful city keeps them for itself (12 CFR 1006.14): so many
//! attempts in so many days, and quiet after a conversation. Every recorded attempt counts, whatever came of it.

use serde::{Deserialize, Serialize};

use super::Candidate;
use crate::domain::call::{CallAttempt, CallOutcome};
use crate::domain::day::{plus_days, short};
use crate::domain::hold::HoldKind;
use crate::domain::{CallId, Day};
use crate::rulebook::policy::CallRules;

/// Why a call is not on today's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    #[error("it is wanted from {} on", short(*.from))]
    NotYet { from: Day },
    #[error("nothing is past due")]
    NothingOwed,
    #[error("a {0} hold blocks calls")]
    Held(HoldKind),
    #[error("an arrangement is being kept")]
    Arranged,
    /// An opt-out turns a required call into a visit.
    #[error("the customer asked not to be telephoned{}", visit_phrase(*.needs_visit))]
    OptedOut { needs_visit: bool },
    #[error("there is no telephone number{}", visit_phrase(*.needs_visit))]
    NoPhone { needs_visit: bool },
    #[error("{made} attempts were made in {within_days} days; the next may be on {}", short(*.again_on))]
    AttemptLimit { made: usize, within_days: u16, again_on: Day },
    #[error("somebody was spoken to on {}; the next call may be on {}", short(*.spoken_on), short(*.again_on))]
    Quiet { spoken_on: Day, again_on: Day },
    #[error("the account is on the list already, with call {call}")]
    AlreadyListed { call: CallId },
    #[error("everybody's list is full")]
    NoCapacity,
}

const fn visit_phrase(needs_visit: bool) -> &'static str {
    if needs_visit { "; the contact that the law requires becomes a visit" } else { "" }
}

/// How many attempts may still be made today, at least one; or why none.
pub(super) fn attempts_left(
    candidate: &Candidate,
    past: &[&CallAttempt],
    rules: &CallRules,
    today: Day,
) -> Result<u8, WhyNot> {
    if candidate.opted_out || past.iter().any(|attempt| attempt.outcome == CallOutcome::OptOut) {
        return Err(WhyNot::OptedOut { needs_visit: candidate.required });
    }
    if !candidate.has_phone {
        return Err(WhyNot::NoPhone { needs_visit: candidate.required });
    }
    if let Some(kind) = candidate.held {
        return Err(WhyNot::Held(kind));
    }
    if candidate.arranged {
        return Err(WhyNot::Arranged);
    }
    if candidate.not_before > today {
        return Err(WhyNot::NotYet { from: candidate.not_before });
    }
    if !candidate.amount.is_positive() {
        return Err(WhyNot::NothingOwed);
    }
    let quiet_days = i64::from(rules.quiet_days_after_contact);
    let spoken = past.iter().filter(|attempt| attempt.outcome.is_contact()).map(|attempt| attempt.made_on).max();
    if let Some(spoken_on) = spoken {
        // The day of the conversation is day 1.
        let again_on = plus_days(spoken_on, quiet_days);
        if today < again_on {
            return Err(WhyNot::Quiet { spoken_on, again_on });
        }
    }
    // Today is the last of the days that are looked at together.
    let first_counted = plus_days(today, 1 - i64::from(rules.within_days));
    let mut made: Vec<Day> = past.iter().map(|attempt| attempt.made_on).filter(|on| *on >= first_counted).collect();
    made.sort_unstable();
    let max = usize::from(rules.max_attempts);
    let left = max.saturating_sub(made.len());
    if left == 0 {
        // The day on which enough of them have passed out of sight. No attempt allowed at all: never, so the window.
        let passes = made.len().checked_sub(max).and_then(|index| made.get(index)).copied().unwrap_or(today);
        let again_on = plus_days(passes, i64::from(rules.within_days).max(1));
        return Err(WhyNot::AttemptLimit { made: made.len(), within_days: rules.within_days, again_on });
    }
    Ok(u8::try_from(left).unwrap_or(u8::MAX))
}

/// Whether the customer may be called at this hour (0 to 23) of their own clock.
#[must_use]
pub const fn is_calling_hour(rules: &CallRules, hour: u8) -> bool {
    let (from, to) = rules.hours;
    from <= hour && hour < to
}

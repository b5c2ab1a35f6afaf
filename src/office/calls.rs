//! The day's call list: built, changed by the lead, released, worked.

use std::collections::{BTreeMap, BTreeSet};

use super::accounts::need_reason;
use super::looks::{LOOKS, PAGE};
use super::{Office, OfficeError, Result};
use crate::allocate::{self, Candidate, allocate};
use crate::audit::{Ordered, Pending, Permit, Refusal};
use crate::domain::arrears;
use crate::domain::call::{Call, CallAttempt, CallOutcome, CallState};
use crate::domain::day::plus_days;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::promise::PromiseState;
use crate::domain::{AccountId, CallId, Cents, Day, EventKind, OpenItem, Snapshot};
use crate::store::{CallNext, FollowUp, ListedCall, NewHold, Permitted, Stamp, StoreError};

/// How many days of attempts are read for the limits.
const HISTORY_DAYS: i64 = 60;

/// What a representative records of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    pub outcome: CallOutcome,
    pub phone: String,
    /// Local time, `HH:MM`.
    pub at: String,
    pub note: String,
    /// With [`CallOutcome::Promise`]: how much, by when.
    pub promise: Option<(Cents, Day)>,
    /// When to call again; the policy's next open day where absent and the call is not over.
    pub again_on: Option<Day>,
}

/// What the release of a list did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReleased {
    pub released: Vec<CallId>,
    /// What stands against the others, in a sentence each; they wait for another day.
    pub withheld: Vec<(CallId, String)>,
}

impl Office {
    /// Builds the call list of a business day. On a day on which the office is closed there is none. A list that the
    /// lead has released stays as it is.
    ///
    /// # Errors
    /// When no policy is in force or the database fails.
    pub async fn build_call_list(&self, day: Day) -> Result<u64> {
        let stamp = self.daemon_stamp(day);
        let rules = self.rules_on(day).await?;
        if !rules.calendar.is_office_open(day) {
            return Ok(0);
        }
        let listed = self.store.call_list(day).await?;
        if listed.iter().any(|call| matches!(call.state, CallState::Released | CallState::Done)) {
            return Ok(listed.len() as u64);
        }
        let waiting = self.store.calls_waiting(day).await?;
        let snapshots = self.snapshots_behind(&waiting).await?;
        let mut candidates: Vec<Candidate> = Vec::new();
        for (call, snapshot) in waiting.iter().filter_map(|call| Some((call, snapshots.get(&call.account)?))) {
            // What would not be released is not listed.
            if self.leave_for_call(call, snapshot, day).await?.is_ok() {
                let candidate = candidate(call, snapshot, &rules, day);
                // Of whom all that is past due is contested, or out, there is nothing to be asked for.
                if candidate.amount.is_positive() {
                    candidates.push(candidate);
                }
            }
        }
        let attempts = self.store.attempts_between(plus_days(day, -HISTORY_DAYS), day).await?;
        let staff: Vec<allocate::StaffMember> = self
            .store
            .staff()
            .await?
            .into_iter()
            .filter(|member| member.capacity > 0)
            .map(|member| allocate::StaffMember {
                name: member.name,
                languages: member.languages.into_iter().collect(),
                capacity: u16::try_from(member.capacity).unwrap_or(u16::MAX),
            })
            .collect();
        let allocation = allocate(&candidates, &staff, &rules.policy.calls, day, &attempts);
        let by_call: BTreeMap<CallId, &Candidate> = candidates.iter().map(|c| (c.call, c)).collect();
        let lines: Vec<ListedCall> = allocation
            .listed
            .into_iter()
            .filter_map(|ranked| {
                let candidate = by_call.get(&ranked.call)?;
                Some(ListedCall {
                    call: ranked.call,
                    rank: ranked.rank,
                    score_milli: ranked.score_milli,
                    score: ranked.parts,
                    assigned_to: ranked.assigned_to,
                    amount: candidate.amount,
                    days_past_due: candidate.days_past_due,
                })
            })
            .collect();
        self.store.set_call_list(day, &lines, &stamp).await?;
        Ok(lines.len() as u64)
    }

    /// Releases the list of a day to those who call. Each call is looked at again first: one against which something stands
    /// is taken off the list and waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_call_list(&self, day: Day, by: &str) -> Result<ListReleased> {
        self.goes_out().await?;
        self.nothing_is_held().await?;
        let stamp = self.stamp(by);
        let mut outcome = ListReleased::default();
        let mut waiting = self.store.call_list(day).await?;
        waiting.retain(|call| call.state == CallState::Listed);
        for _ in 0..LOOKS {
            let (mut passed, mut withheld) = (Vec::new(), Vec::new());
            let snapshots = self.snapshots_behind(&waiting).await?;
            for (call, snapshot) in waiting.iter().filter_map(|call| Some((call, snapshots.get(&call.account)?))) {
                match self.leave_for_call(call, snapshot, day.max(stamp.on)).await? {
                    Ok(permit) => passed.push(Permitted { id: call.id, permit }),
                    Err(refusal) => withheld.push((call.id, refusal.to_string())),
                }
            }
            let carried = self.store.release_call_list(day, &passed, &withheld, &stamp).await?;
            outcome.released.extend(carried.done);
            outcome.withheld.extend(withheld);
            waiting.retain(|call| carried.overtaken.contains(&call.id));
            if waiting.is_empty() {
                break;
            }
        }
        outcome.withheld.extend(waiting.into_iter().map(|call| (call.id, Refusal::Overtaken.to_string())));
        Ok(outcome)
    }

    /// What stands against making a call today, in a sentence, where something does. What came of a call that was made is
    /// recorded all the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stands_against_call(&self, call: &Call, snapshot: &Snapshot) -> Result<Option<String>> {
        match call.state {
            CallState::Waiting | CallState::Listed | CallState::Released => {
                Ok(self.leave_for_call(call, snapshot, self.today()).await?.err().map(|refusal| refusal.to_string()))
            }
            CallState::Done | CallState::Dropped | CallState::Canceled => Ok(None),
        }
    }

    /// What is known of the accounts of the calls.
    pub(super) async fn snapshots_behind(&self, calls: &[Call]) -> Result<BTreeMap<AccountId, Snapshot>> {
        let accounts: BTreeSet<AccountId> = calls.iter().map(|call| call.account).collect();
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        let mut known = BTreeMap::new();
        for page in accounts.chunks(PAGE) {
            known.extend(self.store.snapshots(page).await?.into_iter().map(|snapshot| (snapshot.account, snapshot)));
        }
        Ok(known)
    }

    /// Leave to make a call. It speaks of all that is past due.
    async fn leave_for_call(&self, call: &Call, snapshot: &Snapshot, on: Day) -> Result<Result<Permit, Refusal>> {
        let Some(of) = call.of.clone() else { return Ok(Err(Refusal::StageOver { how: "it is of none".to_owned() })) };
        let rules = self.rules_of_case(snapshot).await?;
        let pending = Pending {
            account: call.account,
            ordered: Ordered::Call,
            of,
            service: None,
            items: BTreeSet::new(),
            amount: call.amount,
            for_day: call.not_before,
        };
        Ok(self.leave(snapshot, &rules, &pending, on))
    }

    /// Moves a call to another rank.
    ///
    /// # Errors
    /// When it stands on no list.
    pub async fn move_call(&self, id: CallId, rank: u32, by: &str) -> Result<()> {
        Ok(self.store.move_call(id, rank, &self.stamp(by)).await?)
    }

    /// Assigns a call to a person, or to nobody.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn assign_call(&self, id: CallId, to: Option<&str>, by: &str) -> Result<()> {
        if let Some(name) = to
            && !self.store.staff().await?.iter().any(|member| member.name == name)
        {
            return Err(OfficeError::NotFound { what: "person", id: name.to_owned() });
        }
        Ok(self.store.assign_call(id, to, &self.stamp(by)).await?)
    }

    /// Drops a call with a reason.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn drop_call(&self, id: CallId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        self.not_of_household(by, self.store.call(id).await?.account).await?;
        Ok(self.store.drop_call(id, reason, &self.stamp(by)).await?)
    }

    /// Records what came of a call, with what follows: a promise, a hold, another attempt.
    ///
    /// # Errors
    /// When the hour forbids the call or has not come, its next attempt is for a later day, or the promise is beyond the
    /// policy's limits.
    pub async fn record_call(&self, id: CallId, report: CallReport, by: &str) -> Result<()> {
        let call = self.store.call(id).await?;
        self.not_of_household(by, call.account).await?;
        if matches!(call.state, CallState::Done | CallState::Dropped | CallState::Canceled) {
            return Err(OfficeError::refused(
                format!("call {id} is {} already", call.state),
                "look at the account's calls",
            ));
        }
        if call.not_before > self.today() {
            return Err(OfficeError::refused(
                format!("call {id} was recorded today; its next attempt is for {} at the earliest", call.not_before),
                "one attempt a day is counted",
            ));
        }
        let snapshot = self.snapshot(call.account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let limits = &rules.policy.calls;
        within_hours(&report.at, limits.hours)?;
        made_by_now(&report.at, &self.time_of_day())?;
        let stamp = self.stamp(by);
        let promise = match (report.outcome, report.promise) {
            (CallOutcome::Promise, Some((amount, pay_by))) => {
                Some(self.new_promise(call.account, amount, pay_by).await?)
            }
            (CallOutcome::Promise, None) => {
                return Err(OfficeError::Input {
                    what: "a promise",
                    given: String::new(),
                    expected: "its amount and its day".into(),
                });
            }
            _ => None,
        };
        let mut follow =
            FollowUp { next: next(&call, &report, &rules.calendar, stamp.on), promise, hold: hold(&report, &stamp) };
        let attempt = CallAttempt {
            call: id,
            account: call.account,
            made_on: stamp.on,
            at: report.at,
            by: by.to_owned(),
            outcome: report.outcome,
            phone: report.phone,
            note: report.note,
        };
        match (self.store.record_attempt(&attempt, &follow, &stamp).await, report.promise) {
            (Err(StoreError::Stale), Some((amount, pay_by))) => {
                follow.promise = Some(self.new_promise(call.account, amount, pay_by).await?);
                self.store.record_attempt(&attempt, &follow, &stamp).await?;
            }
            (done, _) => done?,
        }
        self.settle_accounts(&[call.account]).await?;
        Ok(())
    }
}

fn candidate(call: &Call, snapshot: &Snapshot, rules: &super::Rules, day: Day) -> Candidate {
    let de_minimis = rules.policy.ledger.de_minimis;
    let blocks_calls = |kind: HoldKind| rules.policy.hold_blocks(kind).contains(&Blocks::Calls);
    let announced = snapshot
        .case
        .iter()
        .flat_map(|case| &case.tracks)
        .filter(|run| run.closed.is_none())
        .flat_map(|run| run.announced.values())
        .filter(|announced| **announced >= day)
        .min();
    // Nobody is called about a bill that they contest, or that is out with a destination.
    let contested = snapshot.disputed(day);
    let goes_on = rules.policy.referral.while_placed.contains(&Blocks::Calls);
    let out = if goes_on { BTreeSet::new() } else { snapshot.out() };
    let is_asked_for = |item: &&OpenItem| !contested.contains(&item.id) && !out.contains(&item.id);
    let asked_for: Vec<OpenItem> = snapshot.items.iter().filter(is_asked_for).cloned().collect();
    Candidate {
        call: call.id,
        account: call.account,
        language: snapshot.profile.language,
        amount: arrears::past_due(&asked_for, day, de_minimis),
        days_past_due: arrears::oldest_days_past_due(&asked_for, day, de_minimis),
        not_before: call.not_before,
        required: call.required,
        has_phone: !snapshot.profile.phones.is_empty(),
        opted_out: snapshot.profile.refuses_calls(),
        held: snapshot.holds.iter().find(|hold| hold.holds_on(day) && blocks_calls(hold.kind)).map(|hold| hold.kind),
        arranged: snapshot.is_arranged(day, de_minimis),
        broken_promise: snapshot
            .promises
            .iter()
            .any(|promise| matches!(promise.state(&snapshot.payments, day), PromiseState::Broken(_))),
        shut_off_on: announced.copied(),
        no_contact: !snapshot.events.iter().any(|event| {
            event.kind == EventKind::ContactMade
                && snapshot.case.as_ref().is_some_and(|case| event.on >= case.opened_on)
        }),
    }
}

/// Whether the call is over. A conversation ends it; so does the last attempt that was wanted.
fn next(call: &Call, report: &CallReport, calendar: &crate::domain::Calendar, today: Day) -> CallNext {
    let used_up = u16::from(call.attempts_made) + 1 >= u16::from(call.attempts_wanted);
    if report.outcome.is_contact() || (used_up && report.again_on.is_none()) {
        return CallNext::Done;
    }
    let tomorrow = plus_days(today, 1);
    CallNext::Again(report.again_on.unwrap_or_else(|| calendar.next_office_day(tomorrow)).max(tomorrow))
}

/// A dispute raised on the telephone holds the account at once, until it is decided.
fn hold(report: &CallReport, stamp: &Stamp) -> Option<NewHold> {
    (report.outcome == CallOutcome::Dispute).then(|| NewHold {
        kind: HoldKind::Dispute,
        from: stamp.on,
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason: if report.note.trim().is_empty() { "disputed by telephone".into() } else { report.note.clone() },
        estate: None,
    })
}

/// A call that is recorded was made. Both times are `HH:MM`.
fn made_by_now(at: &str, now: &str) -> Result<()> {
    if at <= now {
        return Ok(());
    }
    Err(OfficeError::Input {
        what: "the time of a call",
        given: at.to_owned(),
        expected: format!("a time of today that has come; it is {now}"),
    })
}

fn within_hours(at: &str, (from, to): (u8, u8)) -> Result<()> {
    let hour = at
        .split_once(':')
        .filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)
        .and_then(|(hour, minute)| Some((hour.parse::<u8>().ok()?, minute.parse::<u8>().ok().filter(|m| *m < 60)?)))
        .map(|(hour, _)| hour);
    match hour {
        Some(hour) if (from..to).contains(&hour) => Ok(()),
        Some(_) => Err(OfficeError::Input {
            what: "the time of a call",
            given: at.to_owned(),
            expected: format!("from {from:02}:00 until before {to:02}:00, the hours in which the policy allows calls"),
        }),
        None => Err(OfficeError::Input {
            what: "the time of a call",
            given: at.to_owned(),
            expected: "hours and minutes, for example 14:05".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::testing::{City, day, report};

    /// The call of May 8, released.
    async fn call(city: &City) -> CallId {
        city.to_the_call().await;
        city.office.night(day("2026-05-08")).await.unwrap();
        city.office.release_call_list(day("2026-05-08"), "Ruth").await.unwrap();
        city.at("2026-05-08", "10:00");
        city.office.store.call_list(day("2026-05-08")).await.unwrap()[0].id
    }

    #[tokio::test]
    async fn a_second_attempt_on_the_same_day_is_refused() {
        let city = City::new().await;
        let call = call(&city).await;
        city.office.record_call(call, report(CallOutcome::NoAnswer, "09:40"), "Omar").await.unwrap();
        let again = city.office.record_call(call, report(CallOutcome::Reached, "09:50"), "Omar").await.unwrap_err();
        assert!(again.to_string().contains("one attempt a day is counted"), "{again}");
        let attempts = city.office.store.attempts_of(city.debtor().await).await.unwrap();
        assert_eq!(attempts.len(), 1);
    }

    #[tokio::test]
    async fn a_call_to_whom_something_protects_by_now_is_withheld_when_its_list_is_released() {
        for (hold, why) in [(true, "a bankruptcy hold stands"), (false, "the debt it rests on was paid")] {
            let city = City::new().await;
            city.to_the_call().await;
            city.office.night(day("2026-05-08")).await.unwrap();
            let id = city.office.store.call_list(day("2026-05-08")).await.unwrap()[0].id;
            if hold {
                let account = city.debtor().await;
                city.office.hold(account, HoldKind::Bankruptcy, (None, None), "case 26-1", "Omar").await.unwrap();
            } else {
                // Nobody has decided the account since.
                city.lockbox("10-000417", "224.20", "2026-05-08").await;
            }
            let outcome = city.office.release_call_list(day("2026-05-08"), "Ruth").await.unwrap();
            assert_eq!(outcome, ListReleased { released: vec![], withheld: vec![(id, why.to_owned())] });
            let call = city.office.store.call(id).await.unwrap();
            assert_eq!((call.state, call.listed_on, call.cause.as_deref()), (CallState::Waiting, None, Some(why)));
        }
    }

    #[tokio::test]
    async fn who_has_promised_since_the_release_is_not_to_be_called_and_a_call_that_was_made_is_recorded() {
        let city = City::new().await;
        let call = call(&city).await;
        let account = city.debtor().await;
        let stands = async || {
            let snapshot = city.office.snapshot(account).await.unwrap();
            let call = city.office.store.call(call).await.unwrap();
            city.office.stands_against_call(&call, &snapshot).await.unwrap()
        };
        assert_eq!(stands().await, None);
        city.office.promise(account, Cents::new(5_000), day("2026-05-15"), "Omar").await.unwrap();
        assert_eq!(stands().await.as_deref(), Some("a promise to pay $50.00 is open through Sat 2026-05-16"));
        let sheet = city.office.call_list_csv(day("2026-05-08")).await.unwrap();
        assert!(sheet.contains("do not call: a promise to pay $50.00 is open"), "{sheet}");
        city.office.record_call(call, report(CallOutcome::Reached, "10:00"), "Omar").await.unwrap();
        assert_eq!(stands().await, None, "it is over");
    }

    #[tokio::test]
    async fn a_call_is_recorded_when_its_hour_has_come_and_not_before() {
        let city = City::new().await;
        let call = call(&city).await;
        let ahead = city.office.record_call(call, report(CallOutcome::Reached, "10:01"), "Omar").await.unwrap_err();
        assert!(ahead.to_string().contains("a time of today that has come; it is 10:00"), "{ahead}");
        city.office.record_call(call, report(CallOutcome::Reached, "10:00"), "Omar").await.unwrap();
    }
}

//! A promise to pay: a date and an amount given in a conversation. It extends the time to pay.

use serde::{Deserialize, Serialize};

use super::day::{Day, plus_days};
use super::ids::{EntryId, PromiseId};
use super::ledger::{Entry, EntryKind};
use super::money::Cents;

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub id: PromiseId,
    pub made_on: Day,
    /// The account's last entry when it was given: what was learned later has a higher number.
    #[serde(default = "every_entry")]
    pub known_through: EntryId,
    pub amount: Cents,
    pub pay_by: Day,
    /// Days after `pay_by` that are still in time.
    pub grace_days: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_on: Option<Day>,
    pub taken_by: String,
}

/// For promises that were kept without it: only money of later days keeps them.
const fn every_entry() -> EntryId {
    EntryId(i64::MAX)
}

/// What has become of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseState {
    /// Its time has not run out.
    Open,
    Kept(Day),
    Broken(Day),
    Canceled(Day),
}

impl Promise {
    /// The last day on which a payment keeps it.
    #[must_use]
    pub fn last_day(&self) -> Day {
        plus_days(self.pay_by, i64::from(self.grace_days))
    }

    /// What has become of it by `on`, from the ledger alone: a timely payment learned late keeps it after all. What was
    /// known when it was given is no part of it, under whatever number it is posted anew.
    #[must_use]
    pub fn state(&self, entries: &[Entry], on: Day) -> PromiseState {
        let undone: Vec<EntryId> = entries.iter().filter(|e| e.effective_on <= on).filter_map(|e| e.reverses).collect();
        let mut payments: Vec<(Day, Cents)> = entries
            .iter()
            .filter(|e| e.kind == EntryKind::Payment && e.effective_on > self.made_on)
            .filter(|e| e.effective_on <= on.min(self.last_day()) && !undone.contains(&e.id))
            .map(|e| (e.effective_on, e.amount.abs()))
            .collect();
        payments.push((self.made_on, self.learned_since(entries, &undone)));
        payments.sort_unstable();
        let mut paid = Cents::ZERO;
        for (day, amount) in payments {
            paid += amount;
            if paid >= self.amount {
                return PromiseState::Kept(day);
            }
        }
        match self.canceled_on {
            Some(canceled) if canceled <= on => PromiseState::Canceled(canceled),
            _ if on <= self.last_day() => PromiseState::Open,
            _ => PromiseState::Broken(plus_days(self.last_day(), 1)),
        }
    }

    /// The money received through the day on which it was given that was learned since, less what was undone since of
    /// the money that was known. A check of an earlier day that comes back takes nothing from the money of that day.
    fn learned_since(&self, entries: &[Entry], undone: &[EntryId]) -> Cents {
        let lost: Vec<EntryId> =
            entries.iter().filter(|e| e.id > self.known_through).filter_map(|e| e.reverses).collect();
        let (mut before, mut that_day) = (Cents::ZERO, Cents::ZERO);
        for entry in entries.iter().filter(|e| e.kind == EntryKind::Payment && e.effective_on <= self.made_on) {
            let (is_new, is_undone) = (entry.id > self.known_through, undone.contains(&entry.id));
            let change = if is_new && !is_undone {
                entry.amount.abs()
            } else if !is_new && is_undone && lost.contains(&entry.id) {
                -entry.amount.abs()
            } else {
                Cents::ZERO
            };
            if entry.effective_on < self.made_on {
                before += change;
            } else {
                that_day += change;
            }
        }
        (that_day + before.max(Cents::ZERO)).max(Cents::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{day, payment};
    use super::*;

    /// $50.00 by May 15, promised on May 11 when entry 4 was the last.
    fn promise() -> Promise {
        Promise {
            id: PromiseId(1),
            made_on: day("2026-05-11"),
            known_through: EntryId(4),
            amount: Cents::new(5_000),
            pay_by: day("2026-05-15"),
            grace_days: 0,
            canceled_on: None,
            taken_by: "test".into(),
        }
    }

    #[test]
    fn money_of_the_day_that_came_before_the_promise_does_not_keep_it() {
        let at_nine = payment(4, 5_000, day("2026-05-11"));
        assert_eq!(promise().state(std::slice::from_ref(&at_nine), day("2026-05-15")), PromiseState::Open);
        assert_eq!(
            promise().state(std::slice::from_ref(&at_nine), day("2026-05-16")),
            PromiseState::Broken(day("2026-05-16"))
        );
        let in_the_afternoon = payment(5, 5_000, day("2026-05-11"));
        let kept = PromiseState::Kept(day("2026-05-11"));
        assert_eq!(promise().state(&[at_nine, in_the_afternoon], day("2026-05-11")), kept);
    }

    #[test]
    fn a_known_payment_that_is_undone_and_posted_anew_keeps_no_promise() {
        for on in ["2026-05-08", "2026-05-11"] {
            let known = payment(4, 5_000, day(on));
            let voided = Entry {
                kind: EntryKind::Reversal,
                reverses: Some(EntryId(4)),
                amount: Cents::new(5_000),
                ..payment(5, 0, day("2026-05-12"))
            };
            let anew = payment(6, 5_000, day(on));
            let entries = [known, voided, anew, payment(7, 5_000, day("2026-05-14"))];
            assert_eq!(promise().state(&entries[..3], day("2026-05-13")), PromiseState::Open, "{on}");
            assert_eq!(promise().state(&entries, day("2026-05-14")), PromiseState::Kept(day("2026-05-14")), "{on}");
        }
    }

    #[test]
    fn money_that_was_on_its_way_when_the_promise_was_given_keeps_it() {
        // In the lockbox on May 10, loaded on May 12: it is what the customer spoke of.
        let loaded_later = payment(5, 5_000, day("2026-05-10"));
        assert_eq!(promise().state(&[loaded_later], day("2026-05-12")), PromiseState::Kept(day("2026-05-11")));
    }
}

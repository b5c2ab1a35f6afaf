//! Failed logins by name: after a few, the name waits. Kept in memory only; a restart forgets them.
//!
//! Whoever keeps guessing can keep a person out: that is the price, and the console stands on the city's own network.
//! The command line asks for no password.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row after which a name waits.
const MOST_FAILURES: u32 = 5;
/// How long it waits from the last failure.
const WAIT: TimeDelta = TimeDelta::minutes(5);
/// Names kept at most; whoever tries more names than a city has staff makes the oldest be forgotten.
const MOST_NAMES: usize = 2_000;

/// The failures that count.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<BTreeMap<String, Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

impl Throttle {
    /// Whether `name` must wait now.
    pub fn must_wait(&self, name: &str, now: DateTime<Utc>) -> bool {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&folded(name)).is_some_and(|f| f.count >= MOST_FAILURES && now - f.last < WAIT)
    }

    /// Counts an attempt before its password is looked at, so that many at once do not slip by.
    pub fn attempt(&self, name: &str, now: DateTime<Utc>) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, failures| now - failures.last < WAIT);
        if names.len() >= MOST_NAMES
            && let Some(oldest) = names.iter().min_by_key(|(_, f)| f.last).map(|(name, _)| name.clone())
        {
            names.remove(&oldest);
        }
        let failures = names.entry(folded(name)).or_insert(Failures { count: 0, last: now });
        failures.count += 1;
        failures.last = now;
    }

    /// The password was right: nothing counts against the name any more.
    pub fn forgive(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&folded(name));
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase().chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_five_failures_a_name_waits_five_minutes() {
        let throttle = Throttle::default();
        let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        for _ in 0..5 {
            assert!(!throttle.must_wait("Ruth", now));
            throttle.attempt("ruth", now);
        }
        assert!(throttle.must_wait("Ruth ", now));
        assert!(!throttle.must_wait("Omar", now));
        assert!(!throttle.must_wait("Ruth", now + TimeDelta::minutes(5)));
    }

    #[test]
    fn a_right_password_forgives_what_was_mistyped() {
        let throttle = Throttle::default();
        let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        (0..5).for_each(|_| throttle.attempt("Ruth", now));
        throttle.forgive("Ruth");
        assert!(!throttle.must_wait("Ruth", now));
    }

    #[test]
    fn a_flood_of_names_does_not_grow_without_end() {
        let throttle = Throttle::default();
        let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        (0..MOST_NAMES + 50).for_each(|n| throttle.attempt(&n.to_string(), now));
        assert_eq!(throttle.0.lock().unwrap().len(), MOST_NAMES);
    }
}

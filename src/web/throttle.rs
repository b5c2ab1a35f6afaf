//! Wrong passwords: whoever gives several, waits, each time longer. Kept in memory only; a restart forgets them.
//!
//! They count for a name at an address, so that nobody keeps a person out of another machine; there is no lock, only a
//! pause, of a minute at most. Guesses at one name from many addresses make the answers to that name slow, and whoever knows the
//! password gets in all the same. The command line asks for no password.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row that cost nothing: passwords are mistyped.
const FREE: u32 = 4;
/// The longest pause.
const LONGEST: TimeDelta = TimeDelta::seconds(60);
/// Failures at one name from anywhere, after which answers are slow.
const MANY: u32 = 20;
/// How slow.
const SLOW: Duration = Duration::from_secs(2);
/// After so long without one, failures are forgotten.
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);
/// Pairs of name and address kept at most; beyond, the oldest is forgotten.
const MOST_KEPT: usize = 2_000;

/// Where a request comes from, as the connection says it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The failures that count.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<BTreeMap<(String, IpAddr), Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

impl Throttle {
    /// How many seconds the name still waits at the address; `None`: it need not.
    pub fn waits(&self, name: &str, from: IpAddr, now: DateTime<Utc>) -> Option<i64> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = kept.get(&(folded(name), from))?;
        let left = failures.last + pause(failures.count) - now;
        (left > TimeDelta::zero()).then(|| left.num_seconds().max(1))
    }

    /// Counts an attempt before its password is looked at, so that many at once do not slip by. Gives how long the answer is to
    /// take besides.
    pub fn attempt(&self, name: &str, from: IpAddr, now: DateTime<Utc>) -> Duration {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, failures| now - failures.last < FORGOTTEN);
        if kept.len() >= MOST_KEPT
            && let Some(oldest) = kept.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        let name = folded(name);
        let failures = kept.entry((name.clone(), from)).or_insert(Failures { count: 0, last: now });
        failures.count += 1;
        failures.last = now;
        let of_name =
            kept.iter().filter(|((known, _), _)| *known == name).map(|(_, failures)| failures.count).sum::<u32>();
        if of_name > MANY { SLOW } else { Duration::ZERO }
    }

    /// The password was right: nothing counts against the name at the address any more.
    pub fn forgive(&self, name: &str, from: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(folded(name), from));
    }
}

/// From whom a request comes: the connection's other end; behind a proxy on this machine, whom that names last. Nobody else
/// is believed, for anyone can write such a line.
pub fn address(peer: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    if !peer.is_loopback() {
        return peer;
    }
    let named = headers.get_all("x-forwarded-for").iter().next_back().and_then(|line| line.to_str().ok());
    named.and_then(|line| line.rsplit(',').next()?.trim().parse().ok()).unwrap_or(peer)
}

/// The pause after so many failures: 2 seconds after the fifth, then twice as long each time.
fn pause(failures: u32) -> TimeDelta {
    match failures.checked_sub(FREE) {
        None | Some(0) => TimeDelta::zero(),
        Some(beyond) => TimeDelta::seconds(1_i64 << beyond.min(6)).min(LONGEST),
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase().chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 8));

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000, 0).unwrap()
    }

    #[test]
    fn from_the_fifth_wrong_password_on_each_costs_a_longer_pause_and_a_minute_at_most() {
        let throttle = Throttle::default();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            throttle.attempt("ruth", HERE, now());
            pauses.push(throttle.waits("Ruth ", HERE, now()).unwrap_or(0));
        }
        assert_eq!(pauses, [0, 0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(throttle.waits("Ruth", HERE, now() + TimeDelta::seconds(60)), None);
    }

    #[test]
    fn who_guesses_at_a_name_keeps_nobody_out_of_another_machine() {
        let throttle = Throttle::default();
        let slow: Vec<Duration> = (0..30).map(|_| throttle.attempt("Ruth", HERE, now())).collect();
        assert_eq!((slow[19], slow[20]), (Duration::ZERO, SLOW));
        assert_eq!(throttle.waits("Ruth", THERE, now()), None, "she is let in");
        assert_eq!(throttle.attempt("Ruth", THERE, now()), SLOW, "and waits for the answer");
        assert_eq!(throttle.attempt("Omar", THERE, now()), Duration::ZERO);
    }

    #[test]
    fn a_right_password_forgives_what_was_mistyped() {
        let throttle = Throttle::default();
        (0..6).for_each(|_| _ = throttle.attempt("Ruth", HERE, now()));
        throttle.forgive("Ruth", HERE);
        assert_eq!(throttle.waits("Ruth", HERE, now()), None);
    }

    #[test]
    fn a_flood_of_names_does_not_grow_without_end() {
        let throttle = Throttle::default();
        (0..MOST_KEPT + 50).for_each(|n| _ = throttle.attempt(&n.to_string(), HERE, now()));
        assert_eq!(throttle.0.lock().unwrap().len(), MOST_KEPT);
    }

    #[test]
    fn only_a_proxy_on_this_machine_says_who_asks() {
        let headers =
            HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "192.0.2.1, 10.0.0.8".parse().unwrap())]);
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(address(Some(loopback), &headers), THERE, "the last is the proxy's own word");
        assert_eq!(address(Some(HERE), &headers), HERE);
        assert_eq!(address(None, &HeaderMap::new()), loopback);
    }
}

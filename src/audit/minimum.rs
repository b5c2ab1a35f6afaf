//! The earliest lawful day of a shut-off, found by trying one day after another.
//!
//! A way of its own to the same date, for the audit's tests and for anyone who doubts it. It counts the days that lie
//! between a notice and the day that is tried, where the audit counts back from the day.

use crate::domain::day::{plus_days, plus_months};
use crate::domain::{Channel, Day, World};
use crate::rulebook::policy::{Guard, Limit, Offset, ServedFrom, Unit};

/// How far ahead a day is sought: three years.
const SEARCH_DAYS: i64 = 1_096;

/// A notice that lists all the items in question and stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub channel: Channel,
    /// Mailed, posted, handed over or spoken.
    pub given_on: Day,
    /// With the policy's deemed days.
    pub served_on: Day,
    pub reaches_occupant: bool,
}

/// The first day from `from` on that no guard, closed day or moratorium forbids for debts due on the days given;
/// `None` when there is none within three years, or a guard asks for a notice that was not given.
///
/// Conditions and arrangements are not looked at: they depend on more than dates.
#[must_use]
pub fn earliest_day(
    guards: &[Guard],
    world: &World,
    due_on: &[Day],
    given: &[Given],
    mails_elsewhere: bool,
    from: Day,
) -> Option<Day> {
    (0..SEARCH_DAYS).map(|n| plus_days(from, n)).find(|day| {
        world.moratorium_on(*day).is_none()
            && due_on.iter().all(|due| due < day)
            && guards.iter().all(|guard| permits(&guard.limit, world, due_on, given, mails_elsewhere, *day))
    })
}

fn permits(limit: &Limit, world: &World, due_on: &[Day], given: &[Given], mails_elsewhere: bool, day: Day) -> bool {
    match limit {
        Limit::DebtAge { days } => due_on.iter().all(|due| days_from(*due, day, |_| true) >= u32::from(*days)),
        Limit::NoticeBefore { offset, by, from } => given.iter().any(|notice| {
            let counted_from = match from {
                ServedFrom::Mailed => notice.given_on,
                ServedFrom::Served => notice.served_on,
            };
            (by.is_empty() || by.contains(&notice.channel)) && is_long_enough(*offset, world, counted_from, day)
        }),
        Limit::OccupantCopy { offset } => {
            !mails_elsewhere
                || given.iter().any(|n| n.reaches_occupant && is_long_enough(*offset, world, n.given_on, day))
        }
        Limit::Contact { contact, posted } => given.iter().any(|notice| match notice.channel {
            Channel::Phone => is_long_enough(*contact, world, notice.given_on, day),
            Channel::Posting => is_long_enough(*posted, world, notice.given_on, day),
            Channel::Mail | Channel::Email | Channel::Hand => false,
        }),
        Limit::NeverOn { days } => days.iter().all(|kind| !world.calendar.is(day, *kind)),
        Limit::NeverWhile { .. }
        | Limit::NeverReferWhile { .. }
        | Limit::ArrangementDefault { .. }
        | Limit::Languages { .. }
        | Limit::AfterReturn
        | Limit::TenantsTold { .. }
        | Limit::ToldHowToRestore
        | Limit::ReconnectionFee { .. }
        | Limit::Statements { .. }
        | Limit::NeverAlone { .. } => true,
    }
}

/// Whether at least the offset lies between `notice` and `day`.
fn is_long_enough(offset: Offset, world: &World, notice: Day, day: Day) -> bool {
    if notice > day {
        // At least nothing before is still not after.
        return false;
    }
    let n = u32::from(offset.n) + u32::from(offset.more_than);
    match offset.unit {
        Unit::Day => days_from(notice, day, |_| true) >= n,
        Unit::BusinessDay => days_from(notice, day, |d| world.calendar.is_business_day(d)) >= n,
        // The day of the notice may have been nearly over: the hours are those of the days that lie between.
        Unit::Hour => {
            let between = days_from(notice, day, |_| true).checked_sub(1);
            between.is_some_and(|days| days * 24 >= u32::from(offset.n) + 24 * u32::from(offset.more_than))
        }
        Unit::Week => days_from(notice, day, |_| true) >= 7 * u32::from(offset.n) + u32::from(offset.more_than),
        Unit::Month => plus_days(plus_months(notice, i32::from(offset.n)), i64::from(offset.more_than)) <= day,
        Unit::Year => plus_days(plus_months(notice, 12 * i32::from(offset.n)), i64::from(offset.more_than)) <= day,
    }
}

/// How many days that count lie from `first` on, itself included, to before `day`.
fn days_from(first: Day, day: Day, counts: impl Fn(Day) -> bool) -> u32 {
    let mut counted = 0;
    let mut at = first;
    while at < day {
        counted += u32::from(counts(at));
        at = plus_days(at, 1);
    }
    counted
}

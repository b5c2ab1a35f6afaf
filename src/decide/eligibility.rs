//! What the policy asks of an arrangement, point by point: whether it holds, what it rests on, and where it stands.
//!
//! Nothing here refuses. The office makes no arrangement while a point does not hold, unless the point is the policy's own
//! limit and a person who may approve overrides it with a reason.

use serde::Serialize;

use crate::domain::arrangement::Installment;
use crate::domain::day::{plus_days, plus_months, short};
use crate::domain::hold::HoldKind;
use crate::domain::placement::Placed;
use crate::domain::{Calendar, Cents, Day, ItemId, OpenItem, Snapshot};
use crate::rulebook::Policy;
use crate::rulebook::policy::LeastDown;

/// How far ahead the first installment may be due, in months.
const FIRST_WITHIN_MONTHS: i32 = 2;

/// No calendar reaches further; the policy's own limit is far below.
const MOST_INSTALLMENTS: u16 = 600;

/// An arrangement as it is asked for, with what was taken toward it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The down payment; zero for none.
    pub down_payment: Cents,
    /// What of it has been taken already, so that what is owed is less by it.
    pub taken: Cents,
    pub installments: u16,
    pub first_due: Day,
}

/// A condition of an arrangement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Something is past due.
    PastDue,
    /// No other arrangement runs.
    NoneRuns,
    /// None of the debt is out with a destination, which would go on collecting it.
    NoneOut,
    AtMost,
    Months,
    FirstDue,
    DownPayment,
    LeastInstallment,
    MostArranged,
    AfterDefault,
    NotUnder,
}

impl Condition {
    /// As the list of points names it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PastDue => "something is past due",
            Self::NoneRuns => "no arrangement runs",
            Self::NoneOut => "no debt of it is out",
            Self::AtMost => "arrangements in 12 months",
            Self::Months => "number of installments",
            Self::FirstDue => "first due date",
            Self::DownPayment => "down payment",
            Self::LeastInstallment => "smallest installment",
            Self::MostArranged => "amount arranged",
            Self::AfterDefault => "time since a default",
            Self::NotUnder => "not under a hold",
        }
    }

    /// Whether it is a limit that the city set itself, so that a person may override it. A debt that is not there or is
    /// out, two arrangements at once, a down payment above the debt and a court's stay are not.
    #[must_use]
    pub const fn may_be_overridden(self) -> bool {
        match self {
            Self::AtMost | Self::Months | Self::LeastInstallment | Self::MostArranged | Self::AfterDefault => true,
            Self::PastDue | Self::NoneRuns | Self::NoneOut | Self::FirstDue | Self::DownPayment | Self::NotUnder => {
                false
            }
        }
    }
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    pub condition: Condition,
    pub holds: bool,
    /// Whether a person may override it.
    pub overridable: bool,
    /// What is asked for.
    pub asked: String,
    /// What there is.
    pub found: String,
    /// `Riverbend Municipal Code 13.04.140(B)`; empty where the program asks for it and no policy.
    pub citation: String,
}

/// The points in their order, and the installments that the request makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Eligibility {
    pub points: Vec<Point>,
    pub installments: Vec<Installment>,
}

impl Eligibility {
    /// The points that do not hold.
    pub fn failing(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| !point.holds)
    }
}

impl Point {
    /// The limit, without what there is: the same as long as the policy's limit is.
    #[must_use]
    pub fn limit(&self) -> String {
        format!("{}: {} is asked for", self.condition.word(), self.asked)
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, and there is {}", self.limit(), self.found)
    }
}

/// Every condition of the policy on the request, and the installments it makes on days when the cashier is open.
#[must_use]
pub fn eligibility(
    snapshot: &Snapshot,
    policy: &Policy,
    calendar: &Calendar,
    today: Day,
    asked: &Asked,
) -> Eligibility {
    let rules = &policy.arrangements;
    let origin = rules.rule.and_then(|rule| policy.origin(rule));
    let citation = origin.map_or_else(String::new, |origin| origin.citation.clone());
    // What is contested is asked for by nobody until it is decided, in installments neither.
    let contested = snapshot.disputed(today);
    let is_asked = |item: &&OpenItem| item.due_on < today && !contested.contains(&item.id);
    let owed: Cents = snapshot.items.iter().filter(is_asked).map(|item| item.open).sum();
    let left_out: Cents = snapshot.items.iter().filter(|item| contested.contains(&item.id)).map(|item| item.open).sum();
    let to_come = (asked.down_payment - asked.taken).max(Cents::ZERO);
    let installments = schedule(owed, to_come, asked, today, calendar);
    let is_payable = !asked.down_payment.is_negative() && to_come < owed;
    let mut points = Vec::new();
    let mut point = |condition: Condition, holds: bool, asked: String, found: String, citation: &str| {
        let overridable = condition.may_be_overridden() || (condition == Condition::DownPayment && is_payable);
        points.push(Point { condition, holds, overridable, asked, found, citation: citation.to_owned() });
    };
    let none = "";
    let found = if left_out.is_positive() {
        format!("{owed} past due, beside {left_out} that is disputed, for which nobody is asked until it is decided")
    } else {
        format!("{owed} past due")
    };
    point(Condition::PastDue, owed.is_positive(), "a debt".into(), found, none);
    let running = snapshot.arrangement_on(today).filter(|(_, standing)| standing.next.is_some());
    let found = running.map_or("none".to_owned(), |(plan, _)| {
        format!("an arrangement runs already, of {}: cancel it first, with a reason", short(plan.made_on))
    });
    point(Condition::NoneRuns, found == "none", "none".into(), found, none);
    let is_covered = |id: &ItemId| snapshot.items.iter().any(|item| item.id == *id && item.due_on < today);
    let out = snapshot.placed.iter().find(|placed| placed.items.iter().any(is_covered));
    let found = out.map_or("none".to_owned(), |out| {
        let Placed { referral, to, on, .. } = out;
        let since = short(*on);
        format!(
            "referral {referral} with {to} since {since}: call it back first, `arrears referrals recall {referral} --reason TEXT`"
        )
    });
    point(Condition::NoneOut, out.is_none(), "none".into(), found, none);
    let from = plus_months(today, -12);
    let lately = snapshot.arrangements.iter().filter(|plan| plan.made_on > from).count();
    let holds = lately < usize::from(rules.per_12_months);
    let most = format!("at most {}, with this one", rules.per_12_months);
    point(Condition::AtMost, holds, most, format!("{lately} in the last 12 months"), &citation);
    let holds = asked.installments > 0 && asked.installments <= rules.max_months;
    point(
        Condition::Months,
        holds,
        format!("1 through {}", rules.max_months),
        asked.installments.to_string(),
        &citation,
    );
    let (first, last) = (first_day(to_come, today, calendar), plus_months(today, FIRST_WITHIN_MONTHS));
    let holds = asked.first_due >= first && asked.first_due <= last;
    let days = format!("{} through {}", short(first), short(last));
    point(Condition::FirstDue, holds, days, short(asked.first_due), none);
    down_payment(policy, owed, to_come, asked, &citation, &mut point);
    let least = rules.minimum_installment.unwrap_or(Cents::new(1)).max(Cents::new(1));
    let monthly = installments.iter().skip(usize::from(to_come.is_positive()));
    let smallest = monthly.map(|installment| installment.amount).min().unwrap_or(Cents::ZERO);
    // What is owed may be less than one installment.
    let whole = installments.len() == 1 && smallest == owed && owed.is_positive();
    point(
        Condition::LeastInstallment,
        smallest >= least || whole,
        format!("{least} or more"),
        smallest.to_string(),
        &citation,
    );
    if let Some(most) = rules.max_balance {
        point(Condition::MostArranged, owed <= most, format!("{most} or less"), owed.to_string(), &citation);
    }
    if let Some(days) = rules.after_default_days {
        let defaults = snapshot
            .arrangements
            .iter()
            .filter_map(|plan| plan.standing(&snapshot.applications, &snapshot.items, today).defaulted_on());
        let last = defaults.max();
        let holds = last.is_none_or(|last| plus_days(last, i64::from(days)) <= today);
        let found = last.map_or("none".to_owned(), |last| format!("the default of {}", short(last)));
        point(Condition::AfterDefault, holds, format!("{days} days since a default"), found, &citation);
    }
    let standing: Vec<HoldKind> = rules
        .not_under
        .iter()
        .copied()
        .filter(|kind| {
            let is_stayed = *kind == HoldKind::Bankruptcy
                && snapshot.stay_on(today).is_some_and(|petition| petition.discharged_on.is_none());
            is_stayed || snapshot.holds.iter().any(|hold| hold.kind == *kind && hold.holds_on(today))
        })
        .collect();
    let words = |kinds: &[HoldKind]| kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let found = if standing.is_empty() { "none".to_owned() } else { words(&standing) };
    let asked_for = format!("no hold of {}", words(&rules.not_under.iter().copied().collect::<Vec<_>>()));
    let law = if rules.not_under.len() == 1 { "11 USC 362" } else { citation.as_str() };
    point(Condition::NotUnder, standing.is_empty(), asked_for, found, law);
    Eligibility { points, installments }
}

fn down_payment(
    policy: &Policy,
    owed: Cents,
    to_come: Cents,
    asked: &Asked,
    citation: &str,
    point: &mut impl FnMut(Condition, bool, String, String, &str),
) {
    let whole = owed + asked.taken;
    let least = match &policy.arrangements.down_payment {
        None => Cents::ZERO,
        Some(LeastDown::Amount(least)) => (*least).min(whole),
        Some(LeastDown::Percent(rate)) => whole.percent(*rate),
    };
    let paid = asked.taken + to_come;
    let holds = !asked.down_payment.is_negative() && paid >= least && (to_come < owed || owed == Cents::ZERO);
    let asked_for = match &policy.arrangements.down_payment {
        Some(LeastDown::Percent(rate)) => {
            format!("{least} or more, {rate}% of {whole}, and less than what is past due")
        }
        Some(LeastDown::Amount(_)) => format!("{least} or more, and less than what is past due"),
        None => format!("less than what is past due, {owed}"),
    };
    let found =
        if asked.taken.is_positive() { format!("{paid}, of which {} is taken", asked.taken) } else { paid.to_string() };
    point(Condition::DownPayment, holds, asked_for, found, citation);
}

/// The first day on which the first installment may be due: behind the down payment that is still to come.
fn first_day(to_come: Cents, today: Day, calendar: &Calendar) -> Day {
    if to_come.is_positive() { plus_days(calendar.next_office_day(today), 1) } else { today }
}

/// Monthly installments on days when the cashier is open, after the down payment that is still to come; the cents that do
/// not divide fall on the last.
fn schedule(owed: Cents, to_come: Cents, asked: &Asked, today: Day, calendar: &Calendar) -> Vec<Installment> {
    let mut installments = Vec::new();
    if to_come.is_positive() {
        installments.push(Installment { due_on: calendar.next_office_day(today), amount: to_come });
    }
    let rest = (owed - to_come).get().max(0);
    let count = i64::from(asked.installments.clamp(1, MOST_INSTALLMENTS));
    for n in 0..count {
        let amount = if n + 1 == count { rest - (rest / count) * (count - 1) } else { rest / count };
        let due = plus_months(asked.first_due, i32::try_from(n).unwrap_or(i32::MAX));
        installments.push(Installment { due_on: calendar.next_office_day(due), amount: Cents::new(amount) });
    }
    installments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    #[test]
    fn an_installment_that_falls_on_a_closed_day_is_due_on_the_next_open_one() {
        let asked =
            Asked { down_payment: Cents::ZERO, taken: Cents::ZERO, installments: 3, first_due: day("2026-08-01") };
        let plan = schedule(Cents::new(10_000), Cents::ZERO, &asked, day("2026-07-20"), &Calendar::default());
        let due: Vec<Day> = plan.iter().map(|installment| installment.due_on).collect();
        assert_eq!(due, [day("2026-08-03"), day("2026-09-01"), day("2026-10-01")], "August 1 is a Saturday");
        let cents: Vec<i64> = plan.iter().map(|installment| installment.amount.get()).collect();
        assert_eq!(cents, [3_333, 3_333, 3_334]);
    }

    proptest! {
        #[test]
        fn installments_sum_to_what_is_covered_and_rise_over_open_days(
            owed in 1_i64..2_000_000,
            down in 0_i64..2_000_000,
            taken in 0_i64..500_000,
            installments in 1_u16..60,
            today in 0_i64..4_000,
            first in 0_i64..62,
        ) {
            let (owed, down, taken) = (Cents::new(owed), Cents::new(down), Cents::new(taken));
            let today = plus_days(day("2026-01-01"), today);
            let to_come = (down - taken).max(Cents::ZERO);
            prop_assume!(to_come < owed);
            let calendar = Calendar::default();
            let first_due = first_day(to_come, today, &calendar).max(plus_days(today, first));
            let asked = Asked { down_payment: down, taken, installments, first_due };
            let plan = schedule(owed, to_come, &asked, today, &calendar);
            // What was taken is in what is owed already; the down payment that is to come is the first.
            prop_assert_eq!(plan.iter().map(|installment| installment.amount).sum::<Cents>(), owed);
            prop_assert_eq!(plan.len(), usize::from(installments) + usize::from(to_come.is_positive()));
            prop_assert!(plan.iter().all(|installment| calendar.is_office_open(installment.due_on)));
            prop_assert!(plan.windows(2).all(|pair| pair[0].due_on < pair[1].due_on));
        }
    }
}

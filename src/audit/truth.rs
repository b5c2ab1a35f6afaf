//! Conditions in three values: true, false, unknown. What is unknown bars an adverse act.
//!
//! Written for the audit alone; decisions have their own evaluation, which also says when a value could change.

use std::collections::BTreeSet;

use crate::domain::account::Metering;
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::{days_between, plus_months};
use crate::domain::promise::PromiseState;
use crate::domain::proof::ProofKind;
use crate::domain::{
    Cents, Day, EntryKind, EventKind, ItemId, Occupancy, OpenItem, Service, Snapshot, StageId, StepState,
};
use crate::rulebook::policy::{Cmp, Cond, Fact, Value};

/// What a condition is on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// What is not known, in words.
    Unknown(String),
}

/// Evaluates conditions on one account for one day.
pub(super) struct Reader<'a> {
    pub snapshot: &'a Snapshot,
    pub day: Day,
    pub de_minimis: Cents,
    /// The services whose debts count; empty for all.
    pub counts: &'a BTreeSet<Service>,
    /// Debts that the customer contests count for nothing.
    pub contested: BTreeSet<ItemId>,
    /// Whether debts that came from another account do not count.
    pub without_transferred: bool,
    /// How long a bill beside an arrangement may stay unpaid.
    pub current_days: Option<u16>,
}

/// Counts every service's debts.
pub(super) static ALL_SERVICES: BTreeSet<Service> = BTreeSet::new();

impl Reader<'_> {
    pub(super) fn truth(&self, cond: &Cond) -> Truth {
        match cond {
            Cond::Always => Truth::Yes,
            Cond::All(parts) => self.fold(parts, &Truth::No),
            Cond::Any(parts) => self.fold(parts, &Truth::Yes),
            Cond::Not(inner) => match self.truth(inner) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                Truth::Unknown(what) => Truth::Unknown(what),
            },
            Cond::Is(fact, cmp, value) => match self.read(fact, value) {
                Ok(found) => compare(&found, *cmp, value)
                    .unwrap_or_else(|| Truth::Unknown(format!("{fact:?} is compared with what is not its like"))),
                Err(what) => Truth::Unknown(what),
            },
        }
    }

    /// `All` is settled by the first no, `Any` by the first yes; else one unknown leaves it unknown.
    fn fold(&self, parts: &[Cond], settles: &Truth) -> Truth {
        let mut unknown = None;
        for part in parts {
            match self.truth(part) {
                truth if truth == *settles => return truth,
                Truth::Unknown(what) => unknown = unknown.or(Some(what)),
                Truth::Yes | Truth::No => {}
            }
        }
        match unknown {
            Some(what) => Truth::Unknown(what),
            None if *settles == Truth::No => Truth::Yes,
            None => Truth::No,
        }
    }

    /// The fact's value, as the type that `like` has; `Err` says what is not known.
    fn read(&self, fact: &Fact, like: &Value) -> Result<Value, String> {
        let profile = &self.snapshot.profile;
        Ok(match fact {
            Fact::Balance => {
                let contested = self.snapshot.items.iter().filter(|item| self.contested.contains(&item.id));
                Value::Money(self.snapshot.balance() - contested.map(|item| item.open).sum::<Cents>())
            }
            Fact::PastDue => Value::Money(self.sum(|_| true)),
            Fact::UnpaidCharges => Value::Money(self.sum(|item| item.kind == EntryKind::Charge)),
            Fact::DebtAged(days) => Value::Money(self.sum(|item| self.age(item) >= i64::from(*days))),
            Fact::DaysPastDue => Value::Number(self.counted().map(|item| self.age(item)).max().unwrap_or(0)),
            Fact::Class => Value::Word(profile.class.word().to_owned()),
            Fact::Occupancy => Value::Word(profile.occupancy.word().to_owned()),
            Fact::Language => Value::Word(profile.language.word().to_owned()),
            Fact::HasEmail => Value::Flag(profile.email_that_arrives().is_some()),
            Fact::MailsElsewhere => Value::Flag(profile.mails_elsewhere()),
            Fact::DebtorIsOwner => Value::Flag(profile.occupancy == Occupancy::Owner),
            Fact::LandlordAccount => Value::Flag(profile.landlords_tenants().is_some()),
            Fact::MasterMeter => Value::Flag(profile.landlords_tenants() == Some(Metering::Master)),
            Fact::HasService(service) => Value::Flag(profile.services.contains(service)),
            Fact::Hold(kind) => {
                Value::Flag(self.snapshot.holds.iter().any(|hold| hold.kind == *kind && hold.holds_on(self.day)))
            }
            Fact::Shown(point) => Value::Flag(self.snapshot.proofs.iter().any(|proof| {
                let is_low = proof.kind == ProofKind::LowIncome && *point == ProofKind::UnableToPay;
                (proof.kind == *point || is_low) && proof.counts_on(self.day)
            })),
            Fact::ContactMade(since) => Value::Flag(self.happened(EventKind::ContactMade, since.as_ref())),
            Fact::ContactFailed(since) => Value::Flag(self.happened(EventKind::ContactFailed, since.as_ref())),
            Fact::IsShutOff(service) => Value::Flag(self.snapshot.shut_off.contains(service)),
            Fact::ArrangementPerforming => Value::Flag(
                self.snapshot
                    .arrangement_on(self.day)
                    .is_some_and(|(_, standing)| standing.state == ArrangementState::Performing),
            ),
            Fact::ArrangementMissed => Value::Flag(self.is_in_default()),
            Fact::CurrentUnpaid => Value::Flag(self.is_let_go()),
            Fact::OpenPromise => Value::Flag(self.snapshot.promises.iter().any(|promise| {
                promise.made_on <= self.day && promise.state(&self.snapshot.payments, self.day) == PromiseState::Open
            })),
            Fact::NoticeReturned(stage) => Value::Flag(self.snapshot.events.iter().any(|event| {
                event.kind == EventKind::NoticeReturned
                    && event.on <= self.day
                    && event.of.as_ref().is_some_and(|of| {
                        of.stage == *stage && self.snapshot.case.as_ref().is_some_and(|case| case.number == of.case)
                    })
            })),
            Fact::ServiceEnded => Value::Flag(profile.ended.is_some_and(|ended| ended <= self.day)),
            Fact::Attribute(name) => {
                let text = profile.attributes.get(name).ok_or_else(|| format!("{name} is not given"))?;
                attribute(text, like).ok_or_else(|| format!("{name} is \u{201c}{text}\u{201d}"))?
            }
            Fact::Count(kind, months) => {
                let after = plus_months(self.day, -i32::from(*months));
                let in_window = |on: Day| after < on && on <= self.day;
                let count = self.snapshot.events.iter().filter(|event| event.kind == *kind && in_window(event.on));
                Value::Number(i64::try_from(count.count()).unwrap_or(i64::MAX))
            }
        })
    }

    /// Whether an installment was missed of a plan whose debt is still owed, and none is being kept.
    fn is_in_default(&self) -> bool {
        let plans = self.snapshot.arrangements.iter().filter(|plan| plan.made_on <= self.day);
        let mut missed = false;
        for plan in plans {
            let standing = plan.standing(&self.snapshot.applications, &self.snapshot.items, self.day);
            match standing.state {
                ArrangementState::Performing => return false,
                ArrangementState::Missed(_) | ArrangementState::Canceled(_) => {
                    let mut open = self.snapshot.items.iter().filter(|item| item.open.is_positive());
                    missed |= !standing.missed.is_empty() && open.any(|item| plan.covers.contains(&item.id));
                }
                ArrangementState::Completed => {}
            }
        }
        missed
    }

    fn age(&self, item: &OpenItem) -> i64 {
        days_between(item.due_on, self.day)
    }

    /// Past-due items of the services that count, without crumbs.
    fn counted(&self) -> impl Iterator<Item = &OpenItem> {
        self.snapshot.items.iter().filter(|item| {
            item.due_on < self.day
                && item.open.is_positive()
                && !self.contested.contains(&item.id)
                && item.open >= self.de_minimis
                && (self.counts.is_empty() || self.counts.contains(&item.service))
                && !(self.without_transferred && item.kind == EntryKind::Transfer)
        })
    }

    fn sum(&self, keep: impl Fn(&OpenItem) -> bool) -> Cents {
        self.counted().filter(|item| keep(item)).map(|item| item.open).sum()
    }

    /// Whether it happened in the open case, and since the stage last acted where one is named.
    fn happened(&self, kind: EventKind, since: Option<&StageId>) -> bool {
        let Some(case) = &self.snapshot.case else { return false };
        let acted = |stage: &StageId| {
            let steps = case.tracks.iter().flat_map(|run| run.steps.iter());
            steps
                .filter(|step| step.stage == *stage)
                .filter_map(|step| match &step.state {
                    StepState::Acted(day) | StepState::Spent(day, _) => Some(*day),
                    StepState::Skipped(_) | StepState::Canceled(..) | StepState::Expired(_) => None,
                })
                .max()
        };
        let from = match since {
            None => Some(case.opened_on),
            Some(stage) => acted(stage),
        };
        from.is_some_and(|from| {
            self.snapshot.events.iter().any(|event| {
                event.kind == kind
                    && event.on >= from
                    && event.on <= self.day
                    && event.of.as_ref().is_none_or(|of| of.case == case.number)
            })
        })
    }
}

/// An attribute's text as the type that it is compared with; `None` when it is not of that type.
fn attribute(text: &str, like: &Value) -> Option<Value> {
    let text = text.trim();
    match like {
        Value::Word(_) => (!text.is_empty()).then(|| Value::Word(text.to_owned())),
        Value::Number(_) => text.parse().ok().map(Value::Number),
        Value::Money(_) => text.parse().ok().map(Value::Money),
        Value::Flag(_) => match text.to_lowercase().as_str() {
            "yes" | "true" => Some(Value::Flag(true)),
            "no" | "false" => Some(Value::Flag(false)),
            _ => None,
        },
    }
}

/// `None` where the two are of different types, or have no order.
fn compare(found: &Value, cmp: Cmp, value: &Value) -> Option<Truth> {
    let ordering = match (found, value) {
        (Value::Money(a), Value::Money(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Word(a), Value::Word(b)) if is_equality(cmp) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Value::Flag(a), Value::Flag(b)) if is_equality(cmp) => a.cmp(b),
        (Value::Money(_) | Value::Number(_) | Value::Word(_) | Value::Flag(_), _) => return None,
    };
    let holds = match cmp {
        Cmp::Eq => ordering.is_eq(),
        Cmp::Ne => ordering.is_ne(),
        Cmp::Lt => ordering.is_lt(),
        Cmp::Le => ordering.is_le(),
        Cmp::Gt => ordering.is_gt(),
        Cmp::Ge => ordering.is_ge(),
    };
    Some(if holds { Truth::Yes } else { Truth::No })
}

const fn is_equality(cmp: Cmp) -> bool {
    matches!(cmp, Cmp::Eq | Cmp::Ne)
}

//! Conditions and facts, evaluated to held values, with the facts that were read in words.

use std::fmt::Write;

use super::held::{Held, Truth, earlier};
use super::view::View;
use crate::domain::account::Metering;
use crate::domain::arrangement::ArrangementState;
use crate::domain::arrears;
use crate::domain::day::{plus_days, plus_months};
use crate::domain::proof;
use crate::domain::{Cents, Day, EntryKind, EventKind, Occupancy, OpenItem, StageId};
use crate::rulebook::policy::{Cmp, Cond, Fact, Value};

/// The facts that a condition read: what was asked, and the answer, in words.
pub type FactsRead = Vec<(String, String)>;

/// What a fact is on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    Money(Cents),
    Number(i64),
    Word(String),
    Flag(bool),
    Unknown,
}

/// Evaluates a condition; the facts it reads are added to `read`.
pub fn holds(cond: &Cond, view: &View, read: &mut FactsRead) -> Held<Truth> {
    match cond {
        Cond::Always => Held::fixed(Truth::True),
        Cond::All(parts) => combine(parts, view, read, Truth::False),
        Cond::Any(parts) => combine(parts, view, read, Truth::True),
        Cond::Not(inner) => holds(inner, view, read).map(Truth::not),
        Cond::Is(fact, cmp, value) => {
            let mut known = evaluate(fact, view);
            read.push((phrase(fact), show(&known.value)));
            if let (Fact::DaysPastDue, Value::Number(days)) = (fact, value) {
                known.until = age_crosses(view, *days);
            }
            known.map(|known| compare(&known, *cmp, value))
        }
    }
}

/// `All` is decided by one false part, `Any` by one true part; otherwise one unknown part leaves it unknown.
fn combine(parts: &[Cond], view: &View, read: &mut FactsRead, deciding: Truth) -> Held<Truth> {
    let mut until = None;
    let mut unknown = false;
    let mut decided = false;
    // All parts are evaluated: each is a reason to show, and each may be the first to change.
    for part in parts {
        let held = holds(part, view, read);
        until = earlier(until, held.until);
        decided |= held.value == deciding;
        unknown |= held.value == Truth::Unknown;
    }
    let value = match (decided, unknown) {
        (true, _) => deciding,
        (false, true) => Truth::Unknown,
        (false, false) => deciding.not(),
    };
    Held { value, until }
}

fn compare(known: &Known, cmp: Cmp, value: &Value) -> Truth {
    let ordering = match (known, value) {
        (Known::Unknown, _) => return Truth::Unknown,
        (Known::Money(a), Value::Money(b)) => a.cmp(b),
        (Known::Number(a), Value::Number(b)) => a.cmp(b),
        (Known::Flag(a), Value::Flag(b)) => a.cmp(b),
        (Known::Word(a), Value::Word(b)) => a.cmp(b),
        // An attribute is a word until it is compared with a number; one that is no number is not known.
        (Known::Word(a), Value::Number(b)) => match a.trim().parse::<i64>() {
            Ok(a) => a.cmp(b),
            Err(_) => return Truth::Unknown,
        },
        (Known::Word(a), Value::Money(b)) => match a.parse::<Cents>() {
            Ok(a) => a.cmp(b),
            Err(_) => return Truth::Unknown,
        },
        (Known::Word(a), Value::Flag(b)) => match a.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => true.cmp(b),
            "no" | "false" | "0" => false.cmp(b),
            _ => return Truth::Unknown,
        },
        (Known::Money(_) | Known::Number(_) | Known::Flag(_), _) => return Truth::Unknown,
    };
    Truth::of(match cmp {
        Cmp::Eq => ordering.is_eq(),
        Cmp::Ne => ordering.is_ne(),
        Cmp::Lt => ordering.is_lt(),
        Cmp::Le => ordering.is_le(),
        Cmp::Gt => ordering.is_gt(),
        Cmp::Ge => ordering.is_ge(),
    })
}

fn evaluate(fact: &Fact, view: &View) -> Held<Known> {
    let profile = &view.snapshot.profile;
    let flag = |answer: bool| Held::fixed(Known::Flag(answer));
    match fact {
        Fact::Balance => Held::fixed(Known::Money(view.balance())),
        Fact::PastDue => Held::until(Known::Money(view.past_due_amount()), view.next_item_aged(1)),
        Fact::UnpaidCharges => {
            let charges = view.past_due().filter(|item| item.kind == EntryKind::Charge).map(|item| item.open).sum();
            Held::until(Known::Money(charges), view.next_item_aged(1))
        }
        Fact::DebtAged(days) => {
            let old = |item: &&OpenItem| arrears::days_past_due(item, view.on) >= i64::from(*days);
            let aged = view.past_due().filter(old).map(|item| item.open).sum();
            Held::until(Known::Money(aged), view.next_item_aged(i64::from(*days)))
        }
        Fact::DaysPastDue => {
            let oldest = view.past_due().map(|item| arrears::days_past_due(item, view.on)).max();
            let until = view.items().next().map(|_| plus_days(view.on, 1));
            Held::until(Known::Number(oldest.unwrap_or(0)), until)
        }
        Fact::Class => Held::fixed(Known::Word(profile.class.word().into())),
        Fact::Occupancy => Held::fixed(Known::Word(profile.occupancy.word().into())),
        Fact::Language => Held::fixed(Known::Word(profile.language.word().into())),
        Fact::HasEmail => flag(profile.email_that_arrives().is_some()),
        Fact::MailsElsewhere => flag(profile.mails_elsewhere()),
        Fact::DebtorIsOwner => flag(profile.occupancy == Occupancy::Owner),
        Fact::LandlordAccount => flag(profile.landlords_tenants().is_some()),
        Fact::MasterMeter => flag(profile.landlords_tenants() == Some(Metering::Master)),
        Fact::HasService(service) => flag(profile.services.contains(service)),
        Fact::IsShutOff(service) => flag(view.snapshot.shut_off.contains(service)),
        Fact::Hold(kind) => {
            let of_kind = || view.snapshot.holds.iter().filter(|hold| hold.kind == *kind);
            let until = of_kind().filter_map(|hold| hold.changes_after(view.on)).min();
            Held::until(Known::Flag(of_kind().any(|hold| hold.holds_on(view.on))), until)
        }
        Fact::Shown(point) => {
            let proofs = &view.snapshot.proofs;
            let until = proofs.iter().filter_map(|proof| proof.changes_after(view.on)).min();
            Held::until(Known::Flag(proof::shown(proofs, *point, view.on).is_some()), until)
        }
        Fact::ContactMade(stage) => flag(contact_made(view, stage.as_ref())),
        Fact::ContactFailed(stage) => flag(
            view.last_event(EventKind::ContactFailed, stage.as_ref()).is_some() && !contact_made(view, stage.as_ref()),
        ),
        Fact::ArrangementPerforming => arrangement(view, |state| state == ArrangementState::Performing),
        Fact::ArrangementMissed => {
            let until = view.plans().filter_map(|(_, standing)| standing.until).min();
            Held::until(Known::Flag(view.defaults().next().is_some() && !view.is_kept()), until)
        }
        Fact::CurrentUnpaid => {
            let until = view.plans().filter_map(|(_, standing)| standing.until).min();
            let from = view.let_go_from();
            let ahead = from.filter(|from| *from > view.on);
            Held::until(Known::Flag(from.is_some_and(|from| from <= view.on)), super::held::earlier(until, ahead))
        }
        Fact::OpenPromise => {
            let last = view.open_promises().map(super::super::domain::promise::Promise::last_day).max();
            Held::until(Known::Flag(last.is_some()), last.map(|last| plus_days(last, 1)))
        }
        Fact::NoticeReturned(stage) => flag(view.last_event(EventKind::NoticeReturned, Some(stage)).is_some()),
        Fact::ServiceEnded => match profile.ended {
            Some(ended) if ended > view.on => Held::until(Known::Flag(false), Some(ended)),
            ended => flag(ended.is_some()),
        },
        Fact::Attribute(name) => {
            Held::fixed(profile.attributes.get(name).map_or(Known::Unknown, |value| Known::Word(value.clone())))
        }
        Fact::Count(kind, months) => count_events(view, *kind, *months),
    }
}

/// The next day on which the age of the oldest debt reaches or passes `days`: between the two, a comparison with that
/// number cannot differ, so that a long wait is not looked at every night.
fn age_crosses(view: &View, days: i64) -> Option<Day> {
    let due_days = view.items().filter(|item| item.open >= view.de_minimis()).map(|item| item.due_on);
    due_days
        .flat_map(|due| [0, 1, days, days.saturating_add(1)].map(|n| plus_days(due, n)))
        .filter(|day| *day > view.on)
        .min()
}

/// Whether what the account is rules the condition out, on whatever day and whatever happens: only its record can change that.
#[must_use]
pub fn is_ruled_out(cond: &Cond, view: &View) -> bool {
    by_record(cond, view) == Some(false)
}

/// What the condition is by the account's record alone, where that settles it.
fn by_record(cond: &Cond, view: &View) -> Option<bool> {
    let settled = |parts: &[Cond], by: bool| {
        let parts: Vec<Option<bool>> = parts.iter().map(|part| by_record(part, view)).collect();
        if parts.contains(&Some(by)) { Some(by) } else { parts.iter().all(|part| *part == Some(!by)).then_some(!by) }
    };
    match cond {
        Cond::Always => Some(true),
        Cond::All(parts) => settled(parts, false),
        Cond::Any(parts) => settled(parts, true),
        Cond::Not(inner) => by_record(inner, view).map(|holds| !holds),
        Cond::Is(fact, cmp, value) if is_of_record(fact) => match compare(&evaluate(fact, view).value, *cmp, value) {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown => None,
        },
        Cond::Is(..) => None,
    }
}

/// Whether the fact stands in the account's record and differs by no day and no event.
const fn is_of_record(fact: &Fact) -> bool {
    match fact {
        Fact::Class
        | Fact::Occupancy
        | Fact::DebtorIsOwner
        | Fact::LandlordAccount
        | Fact::MasterMeter
        | Fact::HasService(_)
        | Fact::Attribute(_) => true,
        Fact::Balance
        | Fact::PastDue
        | Fact::UnpaidCharges
        | Fact::DebtAged(_)
        | Fact::DaysPastDue
        | Fact::Language
        | Fact::HasEmail
        | Fact::MailsElsewhere
        | Fact::IsShutOff(_)
        | Fact::Hold(_)
        | Fact::Shown(_)
        | Fact::ContactMade(_)
        | Fact::ContactFailed(_)
        | Fact::ArrangementPerforming
        | Fact::ArrangementMissed
        | Fact::CurrentUnpaid
        | Fact::OpenPromise
        | Fact::NoticeReturned(_)
        | Fact::ServiceEnded
        | Fact::Count(..) => false,
    }
}

fn contact_made(view: &View, stage: Option<&StageId>) -> bool {
    let made = view.last_event(EventKind::ContactMade, stage);
    let failed = view.last_event(EventKind::ContactFailed, stage);
    made.is_some_and(|made| failed.is_none_or(|failed| failed.on <= made.on))
}

fn arrangement(view: &View, wanted: impl Fn(ArrangementState) -> bool) -> Held<Known> {
    match view.snapshot.arrangement_on(view.on) {
        Some((_, standing)) => Held::until(Known::Flag(wanted(standing.state)), standing.until),
        None => Held::fixed(Known::Flag(false)),
    }
}

/// Whether the condition asks how an attempt to reach the customer ended, and at which stage where it says so.
pub fn asks_for_contact(cond: &Cond) -> Option<Option<&StageId>> {
    match cond {
        Cond::Always => None,
        Cond::All(parts) | Cond::Any(parts) => parts.iter().find_map(asks_for_contact),
        Cond::Not(inner) => asks_for_contact(inner),
        Cond::Is(Fact::ContactMade(stage) | Fact::ContactFailed(stage), ..) => Some(stage.as_ref()),
        Cond::Is(..) => None,
    }
}

/// Events in the last months, the day itself included; an event leaves the window on the day the months are over.
fn count_events(view: &View, kind: EventKind, months: u16) -> Held<Known> {
    let from = plus_months(view.on, -i32::from(months));
    let mut until = None;
    let mut counted = 0;
    for event in view.events.iter().filter(|event| event.kind == kind && event.on > from) {
        // A mailing's day of service may lie ahead.
        if event.on > view.on {
            until = earlier(until, Some(event.on));
            continue;
        }
        counted += 1;
        until = earlier(until, Some(plus_months(event.on, i32::from(months))));
    }
    Held::until(Known::Number(counted), until.map(|day| day.max(plus_days(view.on, 1))))
}

fn show(known: &Known) -> String {
    match known {
        Known::Money(amount) => amount.to_string(),
        Known::Number(number) => number.to_string(),
        Known::Word(word) => word.clone(),
        Known::Flag(true) => "yes".into(),
        Known::Flag(false) => "no".into(),
        Known::Unknown => "not known".into(),
    }
}

/// The fact in the words of the policy language.
#[must_use]
pub fn phrase(fact: &Fact) -> String {
    let of_stage = |words: &str, stage: &Option<StageId>| match stage {
        Some(stage) => format!("{words} by {stage}"),
        None => words.to_owned(),
    };
    match fact {
        Fact::Balance => "balance".into(),
        Fact::PastDue => "past due".into(),
        Fact::UnpaidCharges => "unpaid charges".into(),
        Fact::DebtAged(days) => format!("debt at least {days} days old"),
        Fact::DaysPastDue => "days past due".into(),
        Fact::Class => "class".into(),
        Fact::Occupancy => "occupancy".into(),
        Fact::Language => "language".into(),
        Fact::HasEmail => "has email".into(),
        Fact::MailsElsewhere => "mailing address differs".into(),
        Fact::DebtorIsOwner => "debtor is owner".into(),
        Fact::LandlordAccount => "landlord account".into(),
        Fact::MasterMeter => "master meter".into(),
        Fact::HasService(service) => format!("has {service}"),
        Fact::IsShutOff(service) => format!("{service} is shut off"),
        Fact::Hold(kind) => format!("hold {kind}"),
        Fact::Shown(point) => format!("shown {point}"),
        Fact::ContactMade(stage) => of_stage("contact made", stage),
        Fact::ContactFailed(stage) => of_stage("contact failed", stage),
        Fact::ArrangementPerforming => "arrangement performing".into(),
        Fact::ArrangementMissed => "arrangement missed".into(),
        Fact::CurrentUnpaid => "current bill unpaid".into(),
        Fact::OpenPromise => "open promise".into(),
        Fact::NoticeReturned(stage) => format!("{stage} returned"),
        Fact::ServiceEnded => "service ended".into(),
        Fact::Attribute(name) => name.clone(),
        Fact::Count(kind, months) => {
            let mut words = format!("count of {kind} in {months} month");
            if *months != 1 {
                let _ = words.write_char('s');
            }
            words
        }
    }
}

//! Policy against guards, as far as the text shows: a shut-off that could come before its limit is refused.
//!
//! This proves lower bounds. What cannot be proven is refused too, with both lines named; what depends on facts of
//! an account is barred when it acts. The bounds are coarse on purpose and always too low, never too high.

use std::collections::BTreeMap;

use crate::domain::{Action, Channel, EventKind, Recipient, StageId};

use super::error::{Fault, Report, Span};
use super::guards::GuardDraft;
use super::policy::{Anchor, Cmp, Cond, Fact, Guard, Limit, Offset, Opens, Unit, Value, When};
use super::tracks::{StageDraft, TrackDraft};
use super::validate::{find, stage_of};

/// Holidays that may stand between two days less than five weeks apart, and then some.
const HOLIDAYS: i64 = 2;

/// Checks every stage that shuts off a guarded service. The tracks are free of circles.
pub(super) fn check(tracks: &[TrackDraft], guards: &[GuardDraft], due_days: Option<u16>, report: &mut Report<'_>) {
    for track in tracks {
        for stage in &track.stages {
            for draft in guards {
                let case = Case { track, stage, due_days };
                for breach in case.breaches(&draft.guard) {
                    let caption = format!("the limit of {}, {}:", draft.guard.pack, draft.citation);
                    report.add_with(breach, Some((caption, draft.place.clone())));
                }
            }
        }
    }
}

/// A stage under a guard.
#[derive(Clone, Copy)]
struct Case<'a> {
    track: &'a TrackDraft,
    stage: &'a StageDraft,
    due_days: Option<u16>,
}

/// A lower bound of the time between two days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gap {
    days: i64,
    business: i64,
}

impl Case<'_> {
    fn breaches(self, guard: &Guard) -> Vec<Fault> {
        if let Limit::NeverAlone { by } = &guard.limit {
            return self.sent_alone(by);
        }
        if !self.shuts_off(guard) || self.is_for_others(guard) {
            return Vec::new();
        }
        let after_default = self.track.track.opens == Opens::On(EventKind::InstallmentMissed);
        let found = match &guard.limit {
            // After a default the age is that of the default.
            Limit::DebtAge { .. } if after_default => None,
            Limit::DebtAge { days } => self.too_young(*days),
            Limit::NoticeBefore { offset, by, .. } => self.too_short(*offset, by),
            Limit::OccupantCopy { offset } => self.without_occupant(*offset),
            Limit::ArrangementDefault { days } if after_default => self.too_soon_after_default(*days),
            // These bar at every act; no text of a policy goes around them.
            Limit::NeverOn { .. } | Limit::NeverWhile { .. } | Limit::ArrangementDefault { .. } => None,
            Limit::NeverAlone { .. } => None,
        };
        found.into_iter().collect()
    }

    fn shuts_off(self, guard: &Guard) -> bool {
        self.stage.stage.acts.iter().any(
            |act| matches!(act, Action::Disconnect { services, limit_only: false } if services.contains(&guard.service)),
        )
    }

    /// Only for classes of customers that the pack leaves alone.
    fn is_for_others(self, guard: &Guard) -> bool {
        let other = |cond: &Cond| match cond {
            Cond::Is(Fact::Class, Cmp::Eq, Value::Word(word)) => {
                !guard.classes.iter().any(|class| class.word() == word)
            }
            _ => false,
        };
        requires(&self.stage.stage.only_if, &other) || requires(&self.track.track.only_if, &other)
    }

    /// The place of a wait of the stage, or of its name.
    fn place(self, of: impl Fn(&When) -> bool) -> Span {
        let starts = self.stage.stage.start.iter().zip(&self.stage.starts);
        starts.filter(|(when, _)| of(when)).map(|(_, at)| *at).next().unwrap_or(self.stage.at)
    }

    fn too_young(self, days: u16) -> Option<Fault> {
        let needed = i64::from(days);
        let aged = |cond: &Cond| match cond {
            Cond::Is(Fact::DebtAged(age), Cmp::Ge | Cmp::Gt, Value::Money(amount)) => {
                *age >= days && (amount.is_positive() || matches!(cond, Cond::Is(_, Cmp::Gt, _)))
            }
            Cond::Is(Fact::DaysPastDue, Cmp::Ge, Value::Number(n)) => *n >= needed,
            Cond::Is(Fact::DaysPastDue, Cmp::Gt, Value::Number(n)) => *n + 1 >= needed,
            _ => false,
        };
        if requires(&self.stage.stage.only_if, &aged) || requires(&self.track.track.only_if, &aged) {
            return None;
        }
        let reached = age(self.track, self.stage, self.due_days, &mut BTreeMap::new());
        if reached.is_some_and(|reached| reached >= needed) {
            return None;
        }
        let id = &self.stage.stage.id;
        let name = |message: String| {
            Fault::new(self.place(|when| matches!(when.anchor, Anchor::Billed | Anchor::Due)), message).help(format!(
                "count `{id}` from the due date (`start: {days} days after due`), or let it wait for `if: debt at least {days} days old >= 60.00`"
            ))
        };
        Some(match reached {
            Some(reached) => name(format!(
                "`{id}` may shut off when the debt is {} days past due, before the {days} days that the law gives",
                reached.max(0)
            )),
            None => {
                name(format!("nothing here keeps `{id}` from shutting off before the debt is {days} days past due"))
            }
        })
    }

    fn too_short(self, offset: Offset, by: &[Channel]) -> Option<Fault> {
        let notices = self.track.stages.iter().filter(|stage| reaches(stage, by));
        let mut best: Option<(Span, &StageId)> = None;
        let needed = gap(offset);
        for notice in notices {
            let apart = apart(self.track, self.stage, &notice.stage.id, &mut BTreeMap::new());
            if apart.is_some_and(|apart| keeps(apart, offset, needed)) {
                return None;
            }
            let lead =
                notice.stage.leads.iter().zip(&notice.leads).find(|(lead, _)| lead.before == self.stage.stage.id);
            let counted = self.place(|when| stage_of(when) == Some(&notice.stage.id));
            let at = lead.map_or(counted, |(_, at)| *at);
            // The line that ties the two together is the one to change, where there is one.
            if best.is_none() || at != self.stage.at {
                best = Some((at, &notice.stage.id));
            }
        }
        let (id, words) = (&self.stage.stage.id, words(offset));
        let channels: Vec<&str> = by.iter().map(|channel| channel.word()).collect();
        let channels = super::error::one_of(channels);
        Some(match best {
            Some((at, notice)) => Fault::new(
                at,
                format!("nothing here keeps `{id}` until {words} after `{notice}` went out"),
            )
            .help(format!("add `{words} after {notice} mailed` to the `start:` of `{id}`, or plan `{notice}` with `lead: {words} before {id}`")),
            None => Fault::new(self.stage.at, format!("`{id}` shuts off without a notice by {channels} {words} before"))
                .help("add a stage that sends one, and count from its mailing"),
        })
    }

    fn without_occupant(self, offset: Offset) -> Option<Fault> {
        let needed = gap(offset);
        let copied = self.track.stages.iter().any(|stage| {
            let has_copy = stage.stage.acts.iter().any(
                |act| matches!(act, Action::Notice(notice) if notice.to.contains(&Recipient::Occupant) && notice.by.contains(&Channel::Mail)),
            );
            has_copy
                && apart(self.track, self.stage, &stage.stage.id, &mut BTreeMap::new()).is_some_and(|apart| keeps(apart, offset, needed))
        });
        if copied {
            return None;
        }
        let id = &self.stage.stage.id;
        let fault = Fault::new(
            self.stage.at,
            format!("`{id}` shuts off without a copy to the occupant {} before", words(offset)),
        );
        Some(fault.help("add `copies: [occupant]` to the notice that it counts from"))
    }

    fn too_soon_after_default(self, days: u16) -> Option<Fault> {
        let missed = |when: &When| matches!(when.anchor, Anchor::Event(EventKind::InstallmentMissed, _));
        let enough = |when: &When| missed(when) && gap(when.offset).days >= i64::from(days);
        if self.stage.stage.start.iter().any(enough) {
            return None;
        }
        let id = &self.stage.stage.id;
        let message = format!("`{id}` may shut off before {days} days have passed since the installment was missed");
        Some(Fault::new(self.place(missed), message).help(format!("`start: {days} days after installment missed`")))
    }

    fn sent_alone(self, by: &[Channel]) -> Vec<Fault> {
        let acts = self.stage.stage.acts.iter().zip(&self.stage.acts);
        acts.filter_map(|(act, at)| match act {
            Action::Notice(notice) if notice.statutory && notice.by.iter().all(|channel| by.contains(channel)) => {
                let channels: Vec<&str> = notice.by.iter().map(|channel| channel.word()).collect();
                let message =
                    format!("the statutory notice `{}` goes by {} alone", notice.template, channels.join(" and "));
                Some(Fault::new(*at, message).help("add `mail` to its `by:`"))
            }
            _ => None,
        })
        .collect()
    }
}

/// Whether a condition holds only where `test` holds of one of its parts.
fn requires(cond: &Cond, test: &impl Fn(&Cond) -> bool) -> bool {
    match cond {
        Cond::All(parts) => parts.iter().any(|part| requires(part, test)),
        Cond::Any(parts) => !parts.is_empty() && parts.iter().all(|part| requires(part, test)),
        Cond::Always | Cond::Not(_) => false,
        Cond::Is(..) => test(cond),
    }
}

/// Days past due of the first bill, at the least, when a stage may act; `None` when nothing bounds it.
///
/// `known` keeps what was found, so that stages that count from one another many times are each looked at once.
fn age<'t>(
    track: &'t TrackDraft,
    stage: &'t StageDraft,
    due_days: Option<u16>,
    known: &mut BTreeMap<&'t StageId, Option<i64>>,
) -> Option<i64> {
    if let Some(found) = known.get(&stage.stage.id) {
        return *found;
    }
    let opened = (track.track.opens == Opens::Arrears).then_some(1);
    let mut latest = None;
    for when in &stage.stage.start {
        let from = match &when.anchor {
            Anchor::Billed => due_days.map(|days| -i64::from(days)),
            Anchor::Due => Some(0),
            Anchor::Opened => opened,
            Anchor::Stage(id) | Anchor::Event(_, Some(id)) => {
                find(track, id).and_then(|earlier| age(track, earlier, due_days, known))
            }
            Anchor::Printed(_) | Anchor::Event(_, None) => None,
        };
        latest = latest.max(from.map(|from| from + gap(when.offset).days));
    }
    known.insert(&stage.stage.id, latest);
    latest
}

/// The time that is certain to pass between a notice's leaving the building and a later stage.
fn apart<'t>(
    track: &'t TrackDraft,
    later: &'t StageDraft,
    notice: &StageId,
    known: &mut BTreeMap<&'t StageId, Option<Gap>>,
) -> Option<Gap> {
    if let Some(found) = known.get(&later.stage.id) {
        return *found;
    }
    let mut longest: Option<Gap> = None;
    let mut take = |found: Gap| {
        let before = longest.unwrap_or(found);
        longest = Some(Gap { days: before.days.max(found.days), business: before.business.max(found.business) });
    };
    for when in &later.stage.start {
        match &when.anchor {
            Anchor::Event(kind, Some(id)) if id == notice && went_out(*kind) => take(gap(when.offset)),
            // The day on which a notice was decided says nothing of the day on which it was mailed.
            Anchor::Stage(id) | Anchor::Event(_, Some(id)) if id == notice => {}
            Anchor::Stage(id) | Anchor::Event(_, Some(id)) => {
                if let Some(between) = find(track, id).and_then(|earlier| apart(track, earlier, notice, known)) {
                    let further = gap(when.offset);
                    take(Gap { days: between.days + further.days, business: between.business + further.business });
                }
            }
            Anchor::Billed | Anchor::Due | Anchor::Printed(_) | Anchor::Opened | Anchor::Event(_, None) => {}
        }
    }
    // A lead is also a wait of the later act, from actual service.
    let leads = find(track, notice).into_iter().flat_map(|stage| &stage.stage.leads);
    leads.filter(|lead| lead.before == later.stage.id).for_each(|lead| take(gap(lead.offset)));
    known.insert(&later.stage.id, longest);
    longest
}

/// Events that cannot come before the notice has left.
fn went_out(kind: EventKind) -> bool {
    matches!(kind, EventKind::NoticeMailed | EventKind::NoticeServed | EventKind::NoticePosted | EventKind::ContactMade)
}

/// Whether a stage reaches people by one of the channels.
fn reaches(stage: &StageDraft, by: &[Channel]) -> bool {
    stage.stage.acts.iter().any(|act| match act {
        Action::Notice(notice) => notice.by.iter().any(|channel| by.contains(channel)),
        Action::Tag(_) => by.contains(&Channel::Posting),
        Action::Call(_) => by.contains(&Channel::Phone),
        Action::Fee(_)
        | Action::Disconnect { .. }
        | Action::Restore { .. }
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::Refer { .. }
        | Action::Freeze { .. }
        | Action::WriteOff => false,
    })
}

fn keeps(found: Gap, offset: Offset, needed: Gap) -> bool {
    if offset.unit == Unit::BusinessDay { found.business >= needed.business } else { found.days >= needed.days }
}

/// The least that an offset is in days and in business days.
fn gap(offset: Offset) -> Gap {
    let n = i64::from(offset.n) + i64::from(offset.more_than);
    let days = match offset.unit {
        Unit::BusinessDay => return Gap { days: n + 2 * ((n - 1).max(0) / 5), business: n },
        Unit::Day => n,
        Unit::Hour => i64::from(offset.n) / 24,
        Unit::Week => n * 7,
        Unit::Month => n * 28,
        Unit::Year => n * 365,
    };
    let holidays = HOLIDAYS * (1 + days / 35);
    Gap { days, business: (days / 7 * 5 + (days % 7 - 2).max(0) - holidays).max(0) }
}

/// The offset in words.
fn words(offset: Offset) -> String {
    let unit = match offset.unit {
        Unit::Day => "day",
        Unit::BusinessDay => "business day",
        Unit::Hour => "hour",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    };
    let more = if offset.more_than { "more than " } else { "" };
    format!("{more}{} {unit}{}", offset.n, if offset.n == 1 { "" } else { "s" })
}

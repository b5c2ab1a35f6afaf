//! Policy against guards, as far as the text shows: a shut-off that could come before its limit is refused.
//!
//! This proves lower bounds. What cannot be proven is refused too, with both lines named; what depends on facts of
//! an account is barred when it acts. The bounds are coarse on purpose and always too low, never too high.

use std::collections::BTreeMap;

use crate::domain::{Action, Calendar, Channel, EventKind, Recipient, StageId};

use super::conditional::{always_precedes, in_default, is_after_default, parts, requires};
use super::distances::{Distances, Gap, words};
use super::error::{Fault, Report, Span};
use super::guards::GuardDraft;
use super::outreach::{posts, reaches};
use super::policy::{Anchor, Cmp, Cond, Expiry, Fact, Guard, Limit, Offset, Opens, Unit, Value, When};
use super::tracks::{StageDraft, TrackDraft};
use super::validate::{find, stage_of};

/// Checks every stage that shuts off a guarded service. The tracks are free of circles.
pub(super) fn check(
    tracks: &[TrackDraft],
    guards: &[GuardDraft],
    due_days: Option<u16>,
    calendar: &Calendar,
    report: &mut Report<'_>,
) {
    let distances = Distances::on(calendar);
    for track in tracks {
        for stage in &track.stages {
            for draft in guards {
                let case = Case { tracks, track, stage, due_days, distances: &distances };
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
pub(super) struct Case<'a> {
    pub tracks: &'a [TrackDraft],
    pub track: &'a TrackDraft,
    pub stage: &'a StageDraft,
    due_days: Option<u16>,
    distances: &'a Distances,
}

impl<'a> Case<'a> {
    fn breaches(self, guard: &Guard) -> Vec<Fault> {
        if let Limit::NeverAlone { by } = &guard.limit {
            return self.sent_alone(by);
        }
        if !self.shuts_off(guard) || self.is_for_others(guard) {
            return Vec::new();
        }
        let after_default = self.track.track.opens == Opens::On(EventKind::InstallmentMissed);
        let posted = match &guard.limit {
            Limit::ArrangementDefault { posted: Some(posted), .. } => self.without_posting_after_default(*posted),
            _ => None,
        };
        let found = match &guard.limit {
            // After a default the age is that of the default.
            Limit::DebtAge { .. } if after_default => None,
            Limit::DebtAge { days } => self.too_young(*days),
            Limit::NoticeBefore { offset, by, .. } => self.too_short(*offset, by),
            Limit::OccupantCopy { offset } => self.without_occupant(*offset),
            Limit::Contact { contact, posted } => self.without_contact(*contact, *posted),
            Limit::ArrangementDefault { days, .. } if after_default => self.too_soon_after_default(*days),
            Limit::TenantsTold { .. } => self.without_word_to_tenants(),
            Limit::ToldHowToRestore => self.without_word_of_restoration(),
            // These bar at every act, or are written into every piece; no text of a policy goes around them.
            Limit::NeverOn { .. }
            | Limit::NeverWhile { .. }
            | Limit::NeverReferWhile { .. }
            | Limit::ArrangementDefault { .. }
            | Limit::AfterReturn
            | Limit::ReconnectionFee { .. }
            | Limit::Statements { .. }
            | Limit::Languages { .. }
            | Limit::NeverAlone { .. } => None,
        };
        found.into_iter().chain(posted).collect()
    }

    fn shuts_off(self, guard: &Guard) -> bool {
        self.stage.stage.acts.iter().any(
            |act| matches!(act, Action::Disconnect { services, limit_only: false } if services.contains(&guard.service)),
        )
    }

    /// Only for classes of customers that the pack leaves alone.
    fn is_for_others(self, guard: &Guard) -> bool {
        let spared = |word: &str| !guard.classes.iter().any(|class| class.word() == word);
        let other = |cond: &Cond| matches!(cond, Cond::Is(Fact::Class, Cmp::Eq, Value::Word(word)) if spared(word));
        requires(&self.stage.stage.only_if, &other) || requires(&self.track.track.only_if, &other)
    }

    /// The place of a wait of the stage, or of its name.
    fn place(self, of: impl Fn(&When) -> bool) -> Span {
        let starts = self.stage.stage.start.iter().zip(&self.stage.starts);
        starts.filter(|(when, _)| of(when)).map(|(_, at)| *at).next().unwrap_or(self.stage.at)
    }

    fn too_young(self, days: u16) -> Option<Fault> {
        let needed = i64::from(days);
        let aged = |cond: &Cond| {
            matches!(cond, Cond::Is(Fact::DebtAged(age), Cmp::Ge, Value::Money(sum)) if *age >= days && sum.is_positive())
                || matches!(cond, Cond::Is(Fact::DebtAged(age), Cmp::Gt, Value::Money(_)) if *age >= days)
                || matches!(cond, Cond::Is(Fact::DaysPastDue, Cmp::Ge, Value::Number(n)) if *n >= needed)
                || matches!(cond, Cond::Is(Fact::DaysPastDue, Cmp::Gt, Value::Number(n)) if *n + 1 >= needed)
        };
        if requires(&self.stage.stage.only_if, &aged) || requires(&self.track.track.only_if, &aged) {
            return None;
        }
        let reached = self.age(self.stage, &mut BTreeMap::new());
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

    /// No notice by the channels is certain to stand so long before the shut-off.
    fn too_short(self, offset: Offset, by: &[Channel]) -> Option<Fault> {
        let notices = self.track.stages.iter().filter(|stage| reaches(stage, by) && !is_after_default(stage));
        let needed = self.gap(offset.of_guard());
        // The notice that comes nearest to being enough is the one to speak of.
        let mut best: Option<(i64, Span, &StageId)> = None;
        for notice in notices {
            let apart = self.apart(self.stage, &notice.stage.id, &mut BTreeMap::new());
            if apart.is_some_and(|apart| keeps(apart, offset, needed)) {
                return None;
            }
            let lead =
                notice.stage.leads.iter().zip(&notice.leads).find(|(lead, _)| lead.before == self.stage.stage.id);
            let counted = self.place(|when| stage_of(when) == Some(&notice.stage.id));
            let days = apart.map_or(-1, |apart| apart.days);
            if best.is_none_or(|(most, ..)| days > most) {
                best = Some((days, lead.map_or(counted, |(_, at)| *at), &notice.stage.id));
            }
        }
        let (id, asked, words) = (&self.stage.stage.id, words(offset), words(offset.of_guard()));
        let channels: Vec<&str> = by.iter().map(|channel| channel.word()).collect();
        let channels = super::error::one_of(channels);
        let may_be_passed = |notice: &StageId| {
            find(self.track, notice).is_some_and(|notice| {
                notice.stage.leads.iter().any(|lead| lead.before == *id) && !always_precedes(notice, self.stage)
            })
        };
        Some(match best {
            Some((_, at, notice)) if may_be_passed(notice) => Fault::new(
                at,
                format!("`{notice}` may be passed over by its `if:` or `end:`, and `{id}` goes on without it"),
            )
            .help(format!("give `{id}` the same `if:`, or count it from `{notice} mailed`")),
            Some((_, at, notice)) => Fault::new(
                at,
                format!("nothing here keeps `{id}` until {asked} after `{notice}` went out"),
            )
            .help(format!("add `{words} after {notice} mailed` to the `start:` of `{id}`, or plan `{notice}` with `lead: {words} before {id}`")),
            None => Fault::new(self.stage.at, format!("`{id}` shuts off without a notice by {channels} {asked} before"))
                .help("add a stage that sends one, and count from its mailing"),
        })
    }

    fn without_occupant(self, offset: Offset) -> Option<Fault> {
        let needed = self.gap(offset.of_guard());
        let copied = self.track.stages.iter().any(|stage| {
            let has_copy = stage.stage.acts.iter().any(
                |act| matches!(act, Action::Notice(notice) if notice.to.contains(&Recipient::Occupant) && notice.by.contains(&Channel::Mail)),
            );
            has_copy
                && self.apart(self.stage, &stage.stage.id, &mut BTreeMap::new()).is_some_and(|apart| keeps(apart, offset, needed))
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

    /// No stage ahead tries to speak to somebody, or none leaves a notice where nobody can be spoken to. How long before the
    /// shut-off they were done is seen when it acts.
    fn without_contact(self, contact: Offset, posted: Offset) -> Option<Fault> {
        let id = &self.stage.stage.id;
        let orders = |wanted: fn(&Action) -> bool| {
            let ahead = self.track.stages.iter().take_while(|stage| stage.stage.id != *id);
            let ahead = ahead.filter(|stage| !is_after_default(stage));
            ahead.flat_map(|stage| &stage.stage.acts).any(wanted)
        };
        if !orders(|act| matches!(act, Action::Call(call) if call.required)) {
            let message = format!("`{id}` shuts off without an attempt to speak to somebody {} before", words(contact));
            let help = "add a stage ahead of it with `do: {call: SCRIPT, attempts: 1, required: yes, or: visit}`";
            return Some(Fault::new(self.stage.at, message).help(help));
        }
        if !orders(posts) {
            let message = format!(
                "where nobody can be spoken to, `{id}` shuts off without a notice left at the premises {} before",
                words(posted)
            );
            let help = "add a stage ahead of it with `if: contact failed` and `do: {tag: NOTICE, statutory: yes}`";
            return Some(Fault::new(self.stage.at, message).help(help));
        }
        None
    }

    fn too_soon_after_default(self, days: u16) -> Option<Fault> {
        let missed = |when: &When| matches!(when.anchor, Anchor::Event(EventKind::InstallmentMissed, _));
        let enough = |when: &When| missed(when) && self.gap(when.offset).days >= i64::from(days);
        if self.stage.stage.start.iter().any(enough) {
            return None;
        }
        let id = &self.stage.stage.id;
        let message = format!("`{id}` may shut off before {days} days have passed since the installment was missed");
        Some(Fault::new(self.place(missed), message).help(format!("`start: {days} days after installment missed`")))
    }

    /// No stage ahead is certain to leave a notice at the premises where an installment was missed. When it was left is seen
    /// when the shut-off acts. One that asks that no arrangement was missed never acts after a default.
    fn without_posting_after_default(self, posted: Offset) -> Option<Fault> {
        let never = |cond: &Cond| matches!(cond, Cond::Not(inner) if in_default(inner));
        let asked: Vec<&Cond> =
            [&self.track.track.only_if, &self.stage.stage.only_if].into_iter().flat_map(|cond| parts(cond)).collect();
        if asked.iter().any(|part| never(part)) {
            return None;
        }
        let is_certain = |stage: &StageDraft| {
            let lapses = stage.stage.end.as_ref().is_some_and(|end| end.then == Expiry::Lapse);
            let holds = |part: &&Cond| in_default(part) || asked.contains(part);
            !lapses && stage.stage.waive_if.is_none() && parts(&stage.stage.only_if).iter().all(holds)
        };
        let id = &self.stage.stage.id;
        let ahead = self.track.stages.iter().take_while(|stage| stage.stage.id != *id);
        let left: Vec<&StageDraft> =
            ahead.filter(|stage| stage.stage.acts.iter().any(posts) && is_certain(stage)).collect();
        if let Some(first) = left.first() {
            let is_late = |stage: &&StageDraft| self.left_too_late(stage, posted).is_some();
            return self.left_too_late(first, posted).filter(|_| left.iter().all(is_late));
        }
        let (message, help) = (
            format!(
                "after a missed installment `{id}` shuts off without a notice left at the premises {} before",
                words(posted)
            ),
            format!(
                "add a stage ahead of it with `lead: {} before {id}`, `if: arrangement missed` and `do: {{tag: NOTICE, statutory: yes}}`",
                words(posted)
            ),
        );
        Some(Fault::new(self.stage.at, message).help(help))
    }

    /// A posting that is planned too close ahead of the shut-off: by its day the shut-off would be barred, each time anew.
    fn left_too_late(self, posting: &StageDraft, posted: Offset) -> Option<Fault> {
        let (id, needed) = (&self.stage.stage.id, self.gap(posted.of_guard()));
        let leads = posting.stage.leads.iter().zip(&posting.leads);
        let leads: Vec<_> = leads.filter(|(lead, _)| lead.before == *id).collect();
        if leads.iter().any(|(lead, _)| keeps(self.gap(lead.offset), posted, needed)) {
            return None;
        }
        let (lead, at) = *leads.first()?;
        let message = format!(
            "after a missed installment `{}` is left {} before `{id}`, which then could never be done: the law asks for {}",
            posting.stage.id,
            words(lead.offset),
            words(posted)
        );
        Some(Fault::new(*at, message).help(format!("`lead: {} before {id}`", words(posted.of_guard()))))
    }

    fn sent_alone(self, by: &[Channel]) -> Vec<Fault> {
        let acts = self.stage.stage.acts.iter().zip(&self.stage.acts);
        acts.filter_map(|(act, at)| {
            let Action::Notice(notice) = act else { return None };
            if !notice.statutory || !notice.by.iter().all(|channel| by.contains(channel)) {
                return None;
            }
            let channels: Vec<&str> = notice.by.iter().map(|channel| channel.word()).collect();
            let message =
                format!("the statutory notice `{}` goes by {} alone", notice.template, channels.join(" and "));
            Some(Fault::new(*at, message).help("add `mail` to its `by:`"))
        })
        .collect()
    }

    /// Days past due of the first bill, at the least, when a stage may act; `None` when nothing bounds it.
    ///
    /// `known` keeps what was found, so that stages that count from one another many times are each looked at once.
    fn age(self, stage: &'a StageDraft, known: &mut BTreeMap<&'a StageId, Option<i64>>) -> Option<i64> {
        if let Some(found) = known.get(&stage.stage.id) {
            return *found;
        }
        let opened = (self.track.track.opens == Opens::Arrears).then_some(1);
        let mut latest = None;
        for when in &stage.stage.start {
            let from = match &when.anchor {
                Anchor::Billed => self.due_days.map(|days| -i64::from(days)),
                Anchor::Due => Some(0),
                Anchor::Opened => opened,
                Anchor::Stage(id) | Anchor::Event(_, Some(id)) => {
                    find(self.track, id).and_then(|earlier| self.age(earlier, known))
                }
                Anchor::Printed(_) | Anchor::Event(_, None) => None,
            };
            latest = latest.max(from.map(|from| from + self.gap(when.offset).days));
        }
        known.insert(&stage.stage.id, latest);
        latest
    }

    /// The time that is certain to pass between a notice's leaving the building and a later stage.
    fn apart(
        self,
        later: &'a StageDraft,
        notice: &StageId,
        known: &mut BTreeMap<&'a StageId, Option<Gap>>,
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
                Anchor::Event(kind, Some(id)) if id == notice && went_out(*kind) => take(self.gap(when.offset)),
                // The day on which a notice was decided says nothing of the day on which it was mailed.
                Anchor::Stage(id) | Anchor::Event(_, Some(id)) if id == notice => {}
                Anchor::Stage(id) | Anchor::Event(_, Some(id)) => {
                    if let Some(between) = find(self.track, id).and_then(|earlier| self.apart(earlier, notice, known)) {
                        let further = self.gap(when.offset);
                        take(Gap { days: between.days + further.days, business: between.business + further.business });
                    }
                }
                Anchor::Billed | Anchor::Due | Anchor::Printed(_) | Anchor::Opened | Anchor::Event(_, None) => {}
            }
        }
        // A lead is also a wait of the later act, from actual service, unless the notice can be passed over.
        if let Some(stage) = find(self.track, notice).filter(|stage| always_precedes(stage, later)) {
            let leads = stage.stage.leads.iter().filter(|lead| lead.before == later.stage.id);
            leads.for_each(|lead| take(self.gap(lead.offset)));
        }
        known.insert(&later.stage.id, longest);
        longest
    }

    fn gap(self, offset: Offset) -> Gap {
        self.distances.gap(offset)
    }
}

/// Events that cannot come before the notice has left.
fn went_out(kind: EventKind) -> bool {
    matches!(kind, EventKind::NoticeMailed | EventKind::NoticeServed | EventKind::NoticePosted | EventKind::ContactMade)
}

fn keeps(found: Gap, offset: Offset, needed: Gap) -> bool {
    if offset.unit == Unit::BusinessDay { found.business >= needed.business } else { found.days >= needed.days }
}

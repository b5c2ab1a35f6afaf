//! Every check on a disconnection for a day: protections, days, and the debt and notices that carry it.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked, Objection};
use super::count::last_day_before;
use super::protection::Bench;
use super::service::{Standing, standing_notices};
use super::truth::Truth;
use crate::domain::account::Metering;
use crate::domain::calendar::DayKind;
use crate::domain::case::StageRef;
use crate::domain::day::{days_between, plus_days};
use crate::domain::hold::Blocks;
use crate::domain::{Action, Cents, Channel, Day, EntryKind, EventKind, ItemId, OpenItem, Service};
use crate::rulebook::policy::{Guard, Limit, Offset, ServedFrom, Stage, Track, Unit};

/// A disconnection as ordered.
pub(super) struct Disconnection<'a> {
    pub of: &'a StageRef,
    pub services: &'a [Service],
    /// The items that it is said to rest on; empty when that is not said.
    pub items: &'a BTreeSet<ItemId>,
    pub amount: Option<Cents>,
    pub for_day: Day,
}

impl Bench<'_> {
    /// The track and stage of the policy.
    pub(super) fn stage(&self, of: &StageRef) -> Option<(&Track, &Stage)> {
        let track = self.policy.track(&of.track)?;
        track.stages.iter().find(|stage| stage.id == of.stage).map(|stage| (track, stage))
    }

    pub(super) fn may_disconnect(self, cut: &Disconnection) -> Checked {
        if cut.services.is_empty() {
            return Err(Broken::NoService.into());
        }
        if let Some(service) = cut.services.iter().find(|s| !self.snapshot.profile.services.contains(s)) {
            return Err(Broken::NoSuchService { service: *service }.into());
        }
        self.is_not_frozen()?;
        for day in BTreeSet::from([self.world.today, cut.for_day]) {
            let items = (!cut.items.is_empty()).then_some(cut.items);
            self.is_free(&BTreeSet::from([Blocks::Disconnect]), cut.services, items, day)?;
            self.is_not_promised(day)?;
            self.is_not_kept_on(cut, day)?;
            self.is_not_arranged_on_stayed(day)?;
        }
        self.announced_day_was_free(cut)?;
        self.was_told_truly(cut)?;
        self.no_notice_was_answered(cut)?;
        self.default_lets_shut_off(cut.of, cut.services, cut.for_day)?;
        self.is_no_moratorium(cut.for_day)?;
        self.is_allowed_day(cut)?;
        self.is_carried(cut)
    }

    /// The day is open for shut-offs by the stage's own word and by every guard, and known to the calendar.
    fn is_allowed_day(self, cut: &Disconnection) -> Checked {
        let calendar = &self.world.calendar;
        let day = cut.for_day;
        let (_, stage) = self.stage(cut.of).ok_or_else(|| unknown_stage(cut.of))?;
        if let Some(kind) = stage.never.iter().find(|kind| calendar.is(day, **kind)) {
            return Err(Objection::of_rule(stage.rule, Broken::ClosedDay { day, kind: *kind }));
        }
        for guard in self.guards(cut.services) {
            let reads_calendar = match &guard.limit {
                Limit::NeverOn { days } => {
                    if let Some(kind) = days.iter().find(|kind| calendar.is(day, **kind)) {
                        return Err(Objection::of_rule(guard.rule, Broken::ClosedDay { day, kind: *kind }));
                    }
                    days.iter().any(|kind| reads_holidays(*kind))
                }
                Limit::NeverWhile { when } => {
                    match self.reader(day).truth(when) {
                        Truth::Yes => return Err(Objection::of_rule(guard.rule, Broken::BarStands)),
                        Truth::Unknown(what) => {
                            return Err(Objection::of_rule(guard.rule, Broken::BarUnknown(what)));
                        }
                        Truth::No => {}
                    }
                    false
                }
                Limit::NoticeBefore { offset, .. } | Limit::OccupantCopy { offset } => offset.unit == Unit::BusinessDay,
                Limit::Contact { contact, posted } => {
                    self.was_contacted(cut, *contact, *posted)
                        .map_err(|broken| Objection::of_rule(guard.rule, broken))?;
                    contact.unit == Unit::BusinessDay || posted.unit == Unit::BusinessDay
                }
                Limit::ArrangementDefault { posted, .. } => {
                    posted.is_some_and(|posted| posted.unit == Unit::BusinessDay)
                }
                Limit::AfterReturn => {
                    self.return_is_answered(cut).map_err(|broken| Objection::of_rule(guard.rule, broken))?;
                    false
                }
                Limit::TenantsTold { individually_metered, master_meter } => {
                    self.tenants_were_told(cut, *individually_metered, *master_meter)
                        .map_err(|broken| Objection::of_rule(guard.rule, broken))?;
                    individually_metered.unit == Unit::BusinessDay || master_meter.unit == Unit::BusinessDay
                }
                Limit::DebtAge { .. }
                | Limit::Languages { .. }
                | Limit::NeverReferWhile { .. }
                | Limit::ToldHowToRestore
                | Limit::ReconnectionFee { .. }
                | Limit::Statements { .. }
                | Limit::NeverAlone { .. } => false,
            };
            let is_known = calendar.known.is_none_or(|(first, last)| first <= day && day <= last);
            if reads_calendar && !is_known {
                return Err(Objection::of_rule(guard.rule, Broken::CalendarUnknown { day }));
            }
        }
        Ok(())
    }

    /// Somebody was spoken to in time; or the attempts had failed in time, and a required notice was left in time.
    fn was_contacted(self, cut: &Disconnection, contact: Offset, posted: Offset) -> Result<(), Broken> {
        let calendar = &self.world.calendar;
        let spoken_by = last_day_before(cut.for_day, contact, calendar);
        let posted_by = last_day_before(cut.for_day, posted, calendar);
        let notices = standing_notices(self.snapshot, self.policy, cut.of, cut.for_day);
        let reached = |channel, by: Day| notices.iter().any(|n| n.required && n.channel == channel && n.given_on <= by);
        let failed = self.snapshot.events.iter().any(|event| {
            let of_run =
                |of: &StageRef| of.case == cut.of.case && of.track == cut.of.track && of.anchor == cut.of.anchor;
            event.kind == EventKind::ContactFailed
                && event.on <= spoken_by
                && event.of.as_ref().is_some_and(|of| of_run(of) && self.requires_contact(of))
        });
        if reached(Channel::Phone, spoken_by) || (failed && reached(Channel::Posting, posted_by)) {
            return Ok(());
        }
        Err(Broken::NoContact { spoken_by, posted_by })
    }

    /// Where the account is a landlord's, a required notice for the tenants was left in time.
    fn tenants_were_told(self, cut: &Disconnection, own_meter: Offset, shared: Offset) -> Result<(), Broken> {
        let offset = match self.snapshot.profile.landlords_tenants() {
            None => return Ok(()),
            Some(Metering::Individual) => own_meter,
            Some(Metering::Master) => shared,
        };
        let last_day = last_day_before(cut.for_day, offset, &self.world.calendar);
        let notices = standing_notices(self.snapshot, self.policy, cut.of, cut.for_day);
        let found = notices.iter().filter(|n| n.reaches_tenants).map(|n| n.given_on).min();
        if found.is_some_and(|found| found <= last_day) {
            Ok(())
        } else {
            Err(Broken::TenantsNotTold { last_day, found })
        }
    }

    fn requires_contact(self, of: &StageRef) -> bool {
        self.stage(of).is_some_and(|(_, stage)| {
            stage.acts.iter().any(|act| matches!(act, Action::Call(call) | Action::Visit(call) if call.required))
        })
    }

    /// The amount rests only on items that may carry it, one by one: a crumb of an old bill does not age a new one.
    fn is_carried(self, cut: &Disconnection) -> Checked {
        let stated = cut.amount.filter(|amount| amount.is_positive()).ok_or(Broken::NothingOwed)?;
        let notices = standing_notices(self.snapshot, self.policy, cut.of, cut.for_day);
        let mut carried = Cents::ZERO;
        let mut first_objection = None;
        let said: Vec<&OpenItem> =
            self.snapshot.items.iter().filter(|item| cut.items.is_empty() || cut.items.contains(&item.id)).collect();
        for item in said {
            match self.item_carries(cut, item, &notices) {
                Ok(()) => carried += item.open,
                Err(objection) => first_objection = first_objection.or(Some(objection)),
            }
        }
        if stated <= carried {
            return Ok(());
        }
        Err(first_objection.unwrap_or_else(|| Broken::NotCarried { stated, carried }.into()))
    }

    fn item_carries(self, cut: &Disconnection, item: &OpenItem, notices: &[Standing]) -> Checked {
        let (track, _) = self.stage(cut.of).ok_or_else(|| unknown_stage(cut.of))?;
        if !track.counts.is_empty() && !track.counts.contains(&item.service) {
            let broken = Broken::ServiceNotCounted { item: item.id, service: item.service };
            return Err(Objection::of_rule(track.rule, broken));
        }
        // Another service incurred it, whatever its age.
        if item.kind == EntryKind::Transfer && !self.policy.cuts_for_transferred() {
            return Err(Broken::Transferred { item: item.id, open: item.open }.into());
        }
        self.is_not_settled(item, cut.for_day)?;
        self.may_be_asked_for(item, cut.for_day)?;
        if item.due_on >= cut.for_day {
            return Err(Broken::NotPastDue { item: item.id, open: item.open, due_on: item.due_on }.into());
        }
        if item.open < self.policy.ledger.de_minimis {
            return Err(Broken::BelowDeMinimis { item: item.id, open: item.open }.into());
        }
        for guard in self.guards(cut.services) {
            self.guard_lets_item_carry(guard, cut.for_day, item, notices)
                .map_err(|broken| Objection::of_rule(guard.rule, broken))?;
        }
        // Whatever the guards ask: no shut-off without a written notice that listed the debt and stands.
        let written = |notice: &Standing| matches!(notice.channel, Channel::Mail | Channel::Posting | Channel::Hand);
        if !notices.iter().any(|notice| written(notice) && notice.items.contains(&item.id)) {
            return Err(Broken::NotListed { item: item.id, open: item.open }.into());
        }
        Ok(())
    }

    fn guard_lets_item_carry(
        self,
        guard: &Guard,
        day: Day,
        item: &OpenItem,
        notices: &[Standing],
    ) -> Result<(), Broken> {
        let listing = || notices.iter().filter(|notice| notice.required && notice.items.contains(&item.id));
        match &guard.limit {
            Limit::DebtAge { days } => {
                let earliest = plus_days(item.due_on, i64::from(*days));
                if day < earliest {
                    let age = days_between(item.due_on, day);
                    let (item, open, due_on) = (item.id, item.open, item.due_on);
                    return Err(Broken::TooYoung { item, open, due_on, age, needed: *days, earliest });
                }
            }
            Limit::NoticeBefore { offset, by, from } => {
                let last_day = last_day_before(day, *offset, &self.world.calendar);
                let found = listing()
                    .filter(|notice| by.is_empty() || by.contains(&notice.channel) || stands_in(notice, by))
                    .map(|notice| match from {
                        ServedFrom::Mailed => notice.given_on,
                        ServedFrom::Served => notice.served_on,
                    })
                    .min();
                if found.is_none_or(|found| found > last_day) {
                    return Err(Broken::NoticeTooLate { item: item.id, open: item.open, last_day, found });
                }
            }
            Limit::OccupantCopy { offset } => {
                let last_day = last_day_before(day, *offset, &self.world.calendar);
                let had = listing().any(|notice| notice.reaches_occupant && notice.given_on <= last_day);
                if self.snapshot.profile.mails_elsewhere() && !had {
                    return Err(Broken::NoOccupantCopy { item: item.id, last_day });
                }
            }
            // Of the day or of the notice, not of an item.
            Limit::Contact { .. }
            | Limit::NeverOn { .. }
            | Limit::NeverWhile { .. }
            | Limit::NeverReferWhile { .. }
            | Limit::ArrangementDefault { .. }
            | Limit::Languages { .. }
            | Limit::AfterReturn
            | Limit::TenantsTold { .. }
            | Limit::ToldHowToRestore
            | Limit::ReconnectionFee { .. }
            | Limit::Statements { .. }
            | Limit::NeverAlone { .. } => {}
        }
        Ok(())
    }
}

/// A notice left at the premises after mail came back counts where mail was asked for.
fn stands_in(notice: &Standing, by: &[Channel]) -> bool {
    notice.replaces_mail && by.contains(&Channel::Mail)
}

pub(super) fn unknown_stage(of: &StageRef) -> Objection {
    Broken::UnknownStage { track: of.track.to_string(), stage: of.stage.clone() }.into()
}

const fn reads_holidays(kind: DayKind) -> bool {
    match kind {
        DayKind::Holiday | DayKind::OfficeClosed | DayKind::HolidayEve | DayKind::ClosedEve => true,
        DayKind::Monday
        | DayKind::Tuesday
        | DayKind::Wednesday
        | DayKind::Thursday
        | DayKind::Friday
        | DayKind::Saturday
        | DayKind::Sunday
        | DayKind::WeekendEve => false,
    }
}

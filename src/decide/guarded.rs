//! The earliest day that the guards allow a shut-off: the age of its debt, its notices, the days that are closed.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::bars;
use super::dates::first_with_lead;
use super::evidence::Contact;
use super::plan::{Planned, Planner};
use crate::domain::account::Metering;
use crate::domain::calendar::DayKind;
use crate::domain::day::plus_days;
use crate::domain::decision::Verdict;
use crate::domain::{Day, RuleId};
use crate::rulebook::policy::{Guard, Limit, Offset, Stage};

impl<'a> Planner<'_, 'a> {
    /// The kinds of days on which the stage may not act: its own, and for a shut-off those of the guards.
    pub fn bans(&self, stage: &'a Stage) -> Cow<'a, BTreeSet<DayKind>> {
        let mut bans = Cow::Borrowed(&stage.never);
        for guard in self.guards(stage) {
            if let Limit::NeverOn { days } = &guard.limit
                && !days.is_subset(&bans)
            {
                bans.to_mut().extend(days);
            }
        }
        bans
    }

    /// The guards that protect the account from the stage's acts.
    pub fn guards(&self, stage: &'a Stage) -> impl Iterator<Item = &'a Guard> {
        let view = self.view;
        let applies = move |guard: &&Guard| stage.acts.iter().any(|action| bars::applies(guard, action, view));
        view.policy.guards.iter().filter(applies)
    }

    /// The age that the guards ask of each debt that the stage's shut-off rests on, in days past due.
    pub fn least_age(&self, stage: &'a Stage) -> i64 {
        let ages = self.guards(stage).filter_map(|guard| match guard.limit {
            Limit::DebtAge { days } => Some(i64::from(days)),
            _ => None,
        });
        ages.max().unwrap_or(0)
    }

    /// The day that the guards allow, and which of them set it. `planning`: notices that have not gone out yet are left
    /// out.
    ///
    /// Whatever the guards ask, no shut-off comes before a written notice.
    pub fn guarded(&self, stage: &'a Stage, day: Day, planning: bool) -> Result<(Day, Option<RuleId>), Planned> {
        let (mut day, mut set_by) = (day, None);
        match self.written_evidence(stage) {
            Ok(written) => day = day.max(written),
            Err(_) if planning => {}
            Err(verdict) => return Err(Planned::Waits { verdict, rule: None }),
        }
        let mut raise = |to: Day, rule: RuleId| {
            if to > day {
                (day, set_by) = (to, Some(rule));
            }
            day
        };
        for guard in self.guards(stage) {
            match &guard.limit {
                Limit::DebtAge { days } => {
                    let oldest = self.view.items().filter(|item| item.open >= self.view.de_minimis()).map(|i| i.due_on);
                    if let Some(due) = oldest.min() {
                        raise(plus_days(due, i64::from(*days)), guard.rule);
                    }
                }
                Limit::NoticeBefore { offset, by, from } => match self.notice_evidence(stage, by, *from) {
                    Ok(evidence) => {
                        let current = raise(evidence, guard.rule);
                        raise(
                            first_with_lead(&self.view.world.calendar, evidence, offset.of_guard(), current),
                            guard.rule,
                        );
                    }
                    Err(_) if planning => {}
                    Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                },
                Limit::OccupantCopy { offset } if self.view.snapshot.profile.mails_elsewhere() => {
                    match self.occupant_evidence(stage) {
                        Ok(evidence) => {
                            let current = raise(evidence, guard.rule);
                            raise(
                                first_with_lead(&self.view.world.calendar, evidence, offset.of_guard(), current),
                                guard.rule,
                            );
                        }
                        Err(_) if planning => {}
                        Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                    }
                }
                Limit::Contact { contact, posted } => match self.contact_evidence(stage) {
                    Ok(Contact::Made(on)) => {
                        let current = raise(on, guard.rule);
                        raise(first_with_lead(&self.view.world.calendar, on, contact.of_guard(), current), guard.rule);
                    }
                    Ok(Contact::Failed(on, left)) => {
                        let current = raise(on.max(left), guard.rule);
                        let tried = first_with_lead(&self.view.world.calendar, on, contact.of_guard(), current);
                        raise(first_with_lead(&self.view.world.calendar, left, posted.of_guard(), tried), guard.rule);
                    }
                    Err(_) if planning || self.view.supposes_contact => {}
                    Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                },
                Limit::ArrangementDefault { days, posted } => {
                    let Some(over) = self.wait_over(*days) else { continue };
                    let mut current = raise(over, guard.rule);
                    let Some(posted) = posted else { continue };
                    let left = match self.posted_from(stage, over) {
                        Ok(left) => left,
                        // Planned from the end of the wait, and not from a today that would carry it along.
                        Err(_) if planning => over,
                        Err(_) if self.view.supposes_contact || self.view.on < over => over.max(self.view.on),
                        Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                    };
                    current = raise(left, guard.rule).max(current);
                    raise(first_with_lead(&self.view.world.calendar, left, posted.of_guard(), current), guard.rule);
                }
                Limit::AfterReturn => match self.visited_since_return(stage) {
                    None => {}
                    Some(Ok(on)) => {
                        raise(on, guard.rule);
                    }
                    Some(Err(_)) if planning || self.view.supposes_contact => {}
                    Some(Err(verdict)) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                },
                Limit::TenantsTold { individually_metered, master_meter } => {
                    match self.told_tenants(stage, *individually_metered, *master_meter, planning) {
                        Ok(None) => {}
                        Ok(Some((left, offset))) => {
                            let current = raise(left, guard.rule);
                            raise(first_with_lead(&self.view.world.calendar, left, offset, current), guard.rule);
                        }
                        Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                    }
                }
                Limit::OccupantCopy { .. }
                | Limit::NeverOn { .. }
                | Limit::NeverWhile { .. }
                | Limit::NeverReferWhile { .. }
                | Limit::ToldHowToRestore
                | Limit::ReconnectionFee { .. }
                | Limit::Statements { .. }
                | Limit::Languages { .. }
                | Limit::NeverAlone { .. } => {}
            }
        }
        Ok((day, set_by))
    }

    /// When the tenants of a landlord's account were told, and how long a shut-off waits from then; `None` where nobody has to be
    /// told, or it is only planned. A letter that goes out today announces no day that their notice, still ahead, cannot allow.
    fn told_tenants(
        &self,
        stage: &Stage,
        own_meter: Offset,
        shared: Offset,
        planning: bool,
    ) -> Result<Option<(Day, Offset)>, Verdict> {
        let offset = match self.view.snapshot.profile.landlords_tenants() {
            None => return Ok(None),
            Some(Metering::Individual) => own_meter.of_guard(),
            Some(Metering::Master) => shared.of_guard(),
        };
        match self.tenants_told(stage) {
            Ok(left) => Ok(Some((left, offset))),
            Err(_) if planning => Ok(None),
            Err(_) if self.view.supposes_contact => Ok(Some((self.view.world.today, offset))),
            Err(verdict) => Err(verdict),
        }
    }
}

//! What a missed installment asks before a shut-off: the end of the guard's wait, and a notice left at the premises from
//! then on.
//!
//! What is left before the wait is over does not count. So a stage that posts ahead of a guarded shut-off waits for that
//! day, comes around again where it posted too early, and is not passed over for having come late.

use super::again::restarts_at;
use super::condition::{FactsRead, holds};
use super::evidence::posts;
use super::held::Truth;
use super::plan::{Planned, Planner};
use super::walk::{Outcome, Walker};
use crate::domain::case::Cause;
use crate::domain::day::plus_days;
use crate::domain::decision::Verdict;
use crate::domain::{Day, EventKind, RuleId};
use crate::rulebook::policy::{Limit, Stage};

impl Planner<'_, '_> {
    /// The first day on which the wait no longer stands against a shut-off, and on which a posting counts.
    pub fn wait_over(&self, days: u16) -> Option<Day> {
        self.view.defaults().max().map(|missed| plus_days(missed, i64::from(days)))
    }

    /// The first day from `from` on, on which a notice that the law requires was left at the premises ahead of the shut-off.
    pub fn posted_from(&self, shut_off: &Stage, from: Day) -> Result<Day, Verdict> {
        let ahead =
            || self.track.stages.iter().take_while(|other| other.id != shut_off.id).filter(|other| posts(other));
        let left = ahead().filter_map(|other| self.event_of(&other.id, EventKind::NoticePosted).ok());
        // The one that asks for a default is the one to wait for, where several post.
        let asks = |other: &&Stage| holds(&other.only_if, self.view, &mut FactsRead::new()).value == Truth::True;
        left.filter(|on| from <= *on).min().ok_or_else(|| {
            let awaited = ahead().find(asks).or_else(|| ahead().last());
            Verdict::WaitsFor(EventKind::NoticePosted, awaited.map(|other| other.id.clone()))
        })
    }

    /// For a stage that posts ahead of a shut-off after a default: the day from which that counts, the guard that says so,
    /// and whether nothing that counts was left yet.
    fn posting_asked(&self, stage: &Stage) -> Option<(Day, RuleId, bool)> {
        if !posts(stage) {
            return None;
        }
        let behind = self.track.stages.iter().skip_while(|other| other.id != stage.id);
        let asked = behind.filter(|other| other.disconnects()).flat_map(|shut_off| {
            self.guards(shut_off).filter_map(move |guard| match guard.limit {
                Limit::ArrangementDefault { days, posted: Some(_) } => {
                    let from = self.wait_over(days)?;
                    Some((from, guard.rule, self.posted_from(shut_off, from).is_err()))
                }
                _ => None,
            })
        });
        asked.max_by_key(|(from, ..)| *from)
    }

    /// The day planned for a stage, and after a default not before the wait is over where it posts for a shut-off.
    pub fn after_default(&self, stage: &Stage, planned: Planned) -> Planned {
        match (planned, self.posting_asked(stage)) {
            (Planned::On { day, until, .. }, Some((from, rule, _))) if day <= from => {
                Planned::On { day: from, set_by: Some(rule), until }
            }
            (planned, _) => planned,
        }
    }

    /// Whether a default asks for what the stage posts, and nothing that counts was left.
    pub fn lacks_posting(&self, stage: &Stage) -> bool {
        self.posting_asked(stage).is_some_and(|(.., lacking)| lacking)
    }
}

impl<'a> Walker<'_, 'a> {
    /// Whether the stage posted before the wait after a default was over, and would have to post now: it comes around again.
    pub fn posted_too_early(&self, stage: &Stage) -> bool {
        self.planner().event_of(&stage.id, EventKind::NoticePosted).is_ok()
            && self.planner().lacks_posting(stage)
            && holds(&stage.only_if, self.view, &mut FactsRead::new()).value == Truth::True
    }

    /// A stage that is planned back from another is not done for nothing: where the other's window will have closed by
    /// its day, what comes around then comes around now.
    pub fn leads_past_a_window(&mut self, stage: &'a Stage) -> Option<Outcome> {
        let today = self.view.world.today;
        for lead in &stage.leads {
            let Some(later) = self.planner().stage(&lead.before) else { continue };
            let Some((last, index)) = restarts_at(self.planner(), later) else { continue };
            let own = self.planner().narrowed(later);
            let narrowed = own.as_ref().unwrap_or(self.view);
            let planned = self.planner().on(narrowed).first_day_met(later, today, Some(&stage.id));
            let too_late = matches!(planned, Planned::On { day, .. } if last < day);
            // What bars the later stage keeps its notices from piling up.
            if too_late && self.bar_on(narrowed, later).is_none() && self.spend_from(index, &Cause::Expired) {
                return Some(Outcome::Again);
            }
        }
        None
    }
}

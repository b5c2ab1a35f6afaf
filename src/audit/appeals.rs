//! The time in which a ruling on a dispute can be appealed, by the audit's own reading: an appeal that comes when the water is
//! off already is worth nothing. And notices that announced a day on which nobody might be shut off.

use super::breach::{Broken, Checked};
use super::disconnection::Disconnection;
use super::protection::Bench;
use super::stay::contests;
use crate::domain::day::plus_days;
use crate::domain::dispute::Dispute;
use crate::domain::hold::Blocks;
use crate::domain::referral::Destination;
use crate::domain::{Action, Day, Event, EventKind, ItemId};

impl Bench<'_> {
    /// No ruling on a dispute is in its time for an appeal.
    pub(super) fn no_appeal_may_come(self, day: Day) -> Checked {
        for dispute in &self.snapshot.disputes {
            if let Some((from, last)) = time_to_appeal(dispute)
                && from <= day
                && day <= last
            {
                let citation = self.policy.proceedings.disputes.citation.clone();
                return Err(Broken::Appealable { dispute: dispute.id, last, citation }.into());
            }
        }
        Ok(())
    }

    /// Since the day that its notice announced, nothing kept the shut-off from happening that makes the notice untrue: a
    /// hold on what it rests on, or the time to appeal.
    pub(super) fn announced_day_was_free(self, cut: &Disconnection) -> Checked {
        let case = self.snapshot.case.iter().filter(|case| case.number == cut.of.case);
        let mut announced: Option<Day> = None;
        for run in case.flat_map(|case| &case.tracks) {
            if run.track == cut.of.track && run.anchor == cut.of.anchor {
                announced = announced.max(run.announced.get(&cut.of.stage).copied());
            }
        }
        let Some(announced) = announced else { return Ok(()) };
        let mut day = announced;
        while day < self.world.today {
            if let Some(what) = self.kept_from(cut, day) {
                return Err(Broken::AnnouncedDayPassed { announced, what }.into());
            }
            day = plus_days(day, 1);
        }
        Ok(())
    }

    /// Where debts that the shut-off rests on were out with a destination on the day: whoever pays there is not to be shut off
    /// here, unless the policy says so.
    fn was_out(self, cut: &Disconnection, day: Day) -> Option<Destination> {
        if self.policy.referral.while_placed.contains(&Blocks::Disconnect) {
            return None;
        }
        let is_open = |item: &ItemId| self.snapshot.items.iter().any(|open| open.id == *item);
        let is_at_stake = |item: &ItemId| if cut.items.is_empty() { is_open(item) } else { cut.items.contains(item) };
        let mut places = self.snapshot.placed.iter().chain(&self.snapshot.came_back);
        let found = places.find(|out| {
            out.on <= day && out.back_on.is_none_or(|back| day < back) && out.items.iter().any(is_at_stake)
        });
        found.map(|out| out.to)
    }

    /// Whether one of the services was off on the day, by what crews have recorded.
    fn was_off(self, cut: &Disconnection, day: Day) -> bool {
        let events = &self.snapshot.events;
        events.iter().filter(|event| event.kind == EventKind::ShutOff && event.on <= day).any(|event| {
            let strikes = |action: &Action| matches!(action, Action::Disconnect { services, .. } if services.iter().any(|s| cut.services.contains(s)));
            let stage = event.of.as_ref().and_then(|of| self.stage(of));
            let is_of_service = stage.is_none_or(|(_, stage)| stage.acts.iter().any(strikes));
            let back = |other: &&Event| other.kind == EventKind::Restored && event.on <= other.on && other.on <= day;
            is_of_service && !events.iter().any(|other| back(&other))
        })
    }

    /// The hold, placement or time to appeal that kept the shut-off from happening on the day, in words.
    fn kept_from(self, cut: &Disconnection, day: Day) -> Option<String> {
        for hold in self.snapshot.holds.iter().filter(|hold| hold.holds_on(day)) {
            let is_on_it = hold.items.is_empty() || cut.items.is_empty() || !hold.items.is_disjoint(cut.items);
            if (is_on_it || contests(hold.kind)) && self.policy.hold_blocks(hold.kind).contains(&Blocks::Disconnect) {
                return Some(format!("a hold ({})", hold.kind));
            }
        }
        if self.was_off(cut, day) {
            return Some("service was off".to_owned());
        }
        if let Some(out) = self.was_out(cut, day) {
            return Some(format!("the debt was out ({out})"));
        }
        let spans = self.snapshot.disputes.iter().filter_map(time_to_appeal);
        let mut running = spans.filter(|(from, last)| *from <= day && day <= *last);
        running.next().map(|_| "the time to appeal a ruling".to_owned())
    }
}

/// From the first ruling through the last day for an appeal; through the day before, once an appeal was taken.
fn time_to_appeal(dispute: &Dispute) -> Option<(Day, Day)> {
    let ruling = dispute.ruling.as_ref()?;
    let last = ruling.appeal_by?;
    match &dispute.appeal {
        Some(appeal) => Some((ruling.on, last.min(plus_days(appeal.on, -1)))),
        None => Some((ruling.on, last)),
    }
}

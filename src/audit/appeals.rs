//! The time in which a ruling on a dispute can be appealed, by the audit's own reading: an appeal that comes when the water is
//! off already is worth nothing. And notices that announced a day on which nobody might be shut off.

use super::breach::{Broken, Checked};
use super::disconnection::Disconnection;
use super::protection::Bench;
use crate::domain::Day;
use crate::domain::day::plus_days;
use crate::domain::dispute::Dispute;

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

    /// The day that a notice announced for the shut-off did not pass in the time to appeal: such a notice is served anew.
    pub(super) fn announced_day_was_past_appeals(self, cut: &Disconnection) -> Checked {
        let cases = self.snapshot.case.iter().filter(|case| case.number == cut.of.case);
        let runs = cases.flat_map(|case| &case.tracks);
        let mut of_run = runs.filter(|run| run.track == cut.of.track && run.anchor == cut.of.anchor);
        let Some(announced) = of_run.find_map(|run| run.announced.get(&cut.of.stage)).copied() else { return Ok(()) };
        for (ruled_on, last) in self.snapshot.disputes.iter().filter_map(time_to_appeal) {
            let from = announced.max(ruled_on);
            if from < self.world.today && from <= last {
                return Err(Broken::AnnouncedInVain { announced, from }.into());
            }
        }
        Ok(())
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

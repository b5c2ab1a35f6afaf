//! What announces a shut-off is true only if the shut-off may come on the day that it names.
//!
//! A letter or tag of a day on which a hold protects the household says what will not happen: it waits until the hold has
//! ended, or until its day lies behind it. What contests a bill is decided in days, and the letter about other bills goes; a
//! tag goes on no door that nobody may shut off.

use super::acts;
use super::bars::{self, Barred};
use super::held::Held;
use super::view::View;
use super::walk::Walker;
use crate::domain::day::plus_days;
use crate::domain::decision::Bar;
use crate::domain::{Action, Day, ItemId};
use crate::rulebook::policy::Stage;

impl<'a> Walker<'_, 'a> {
    /// What protects the household on the day that the stage's notice or tag would announce.
    ///
    /// The announced day moves with today, by a weekend or a holiday at once, and can leave a protection behind long before that
    /// has ended: so it is looked at anew tomorrow, unless the protection has no end.
    pub fn announces_in_vain(&self, narrowed: &View<'a>, stage: &'a Stage, items: &[ItemId]) -> Option<Held<Barred>> {
        let is_tag = stage.acts.iter().any(|action| matches!(action, Action::Tag(tag) if tag.statutory));
        let is_letter = stage.acts.iter().any(|action| matches!(action, Action::Notice(notice) if notice.statutory));
        if !(is_tag || is_letter) {
            return None;
        }
        // Under a hold without an end no day can be named: then today is asked about.
        let mut behind = self.track.stages.iter().skip_while(|other| other.id != stage.id);
        behind.find(|other| other.disconnects())?;
        let named = acts::announced(self.planner(), stage, items).map_or(narrowed.on, |(_, day)| day);
        let day = self.announced_before(stage).map_or(named, |before| before.max(named)).max(narrowed.on);
        let tomorrow = plus_days(narrowed.on, 1);
        let is_concerned = |kind: crate::domain::hold::HoldKind| is_tag || !kind.contests();
        let mut holds = bars::holds_on_shut_off(narrowed)
            .filter(|hold| is_concerned(hold.kind) && (hold.kind.contests() || bars::concerns(hold, items)));
        if let Some(hold) = holds.find(|hold| hold.holds_on(day)) {
            let rule = narrowed.policy.holds.iter().find(|rule| rule.kind == hold.kind).map(|rule| rule.rule);
            let facts =
                vec![(format!("hold {}", hold.kind), hold.reason.clone()), ("would announce".into(), day.to_string())];
            let until = hold.changes_after(narrowed.on).map(|_| tomorrow);
            return Some(Held::until(Barred { bar: Bar::Hold(hold.kind), rule, facts }, until));
        }
        if !is_tag {
            return None;
        }
        let promised = narrowed.at(day);
        let bar = if promised.open_promises().next().is_some() {
            Bar::Promise
        } else {
            Bar::Moratorium(narrowed.world.moratorium_on(day)?.name.clone())
        };
        Some(Held::until(Barred { bar, rule: None, facts: Vec::new() }, Some(tomorrow)))
    }

    /// The day that a notice before the stage has announced for the shut-off ahead of it.
    fn announced_before(&self, stage: &Stage) -> Option<Day> {
        let position = self.track.stages.iter().position(|other| other.id == stage.id)?;
        let target = self.track.stages[position..].iter().find(|other| other.disconnects())?;
        self.gives.run.announced.get(&target.id).copied()
    }
}

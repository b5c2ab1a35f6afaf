//! Where a debt goes that a route is asked about; and debts that are out already.

use super::condition::FactsRead;
use super::plan::strikes;
use super::view::View;
use super::walk::Walker;
use crate::domain::arrears::{days_past_due, is_past_due};
use crate::domain::day::plus_days;
use crate::domain::decision::{Bar, Verdict};
use crate::domain::referral::Destination;
use crate::domain::route::{Route, RoutedDebt};
use crate::domain::{Action, Day, ItemId, OpenItem};
use crate::rulebook::policy::Stage;

/// What a route asks about the debt of these items, and the due date of the oldest.
pub fn routed_debt(view: &View, items: &[ItemId]) -> (RoutedDebt, Option<Day>) {
    let of: Vec<&OpenItem> = view.snapshot.items.iter().filter(|item| items.contains(&item.id)).collect();
    let debt = RoutedDebt {
        amount: of.iter().map(|item| item.open).sum(),
        age_days: of.iter().map(|item| days_past_due(item, view.on)).max().unwrap_or(0),
        class: view.snapshot.profile.class,
        is_owner: view.snapshot.profile.is_not_owner_because().is_none(),
    };
    (debt, of.iter().map(|item| item.due_on).min())
}

impl<'a> Walker<'_, 'a> {
    /// The destination of the debt by the route. Where there is none, the lead is told once in this run, and the stage is
    /// looked at again when the debt or its age changes.
    pub fn routed(&mut self, view: &View<'a>, stage: &'a Stage, name: &str, items: &[ItemId]) -> Option<Destination> {
        let route: &Route = self.view.policy.referral.routes.iter().find(|route| route.name == name)?;
        let (debt, oldest) = routed_debt(view, items);
        if let Some(line) = route.line(&debt) {
            return Some(line.to);
        }
        let until = route.next_age(&debt).zip(oldest).map(|(age, due)| plus_days(due, age));
        let facts = vec![("destination".to_owned(), format!("none for {debt}"))];
        self.found(stage, stage.rule, Verdict::NotMet, facts, until);
        // A debt that is only too young for its line waits for it.
        if route.line(&RoutedDebt { age_days: i64::MAX, ..debt }).is_some() {
            return None;
        }
        if self.gives.run.unrouted.insert(stage.id.clone()) {
            let round = self.planner().round(&stage.id);
            let text = route.no_destination(&debt);
            let action = Action::NoRoute { route: name.to_owned(), text };
            self.act(view, stage, round, u8::MAX - 1, action, self.view.world.today, items);
        }
        None
    }

    /// What bars the stage, where all that is past due is out with a destination.
    pub fn all_is_out(&self, stage: &Stage) -> Option<(Bar, FactsRead)> {
        let view = self.view;
        let placed = view.placed(&strikes(stage));
        let is_due = |item: &&OpenItem| is_past_due(item, view.on, view.de_minimis());
        let mut due = view.items().filter(is_due).peekable();
        due.peek()?;
        if !due.all(|item| placed.contains(&item.id)) {
            return None;
        }
        let out = view.snapshot.placed.first()?;
        let facts = vec![("placed".to_owned(), format!("referral {} with {}", out.referral, out.to))];
        Some((Bar::Placed(out.to, out.on), facts))
    }
}

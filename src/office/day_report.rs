//! What a run did, in figures.

use serde::{Deserialize, Serialize};

use crate::domain::Action;
use crate::store::Commit;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayReport {
    /// Accounts that were looked at.
    pub examined: u64,
    /// Decisions that changed something.
    pub changed: u64,
    pub notices: u64,
    pub calls: u64,
    pub fees: u64,
    pub orders: u64,
    pub referrals: u64,
    pub closed: u64,
    /// Accounts frozen because the audit refused the decision.
    pub refused: u64,
    /// Accounts that learned something in between; they are looked at again.
    pub stale: u64,
    /// Whether the date had been run before, so that nothing was done now.
    pub already_done: bool,
    /// Whether it waits for the lead: it was stopped, or was so before.
    #[serde(default)]
    pub held: bool,
}

impl DayReport {
    /// What was done, in words and with how often; without what was not.
    #[must_use]
    pub fn lines(&self) -> Vec<(u64, &'static str)> {
        let all = [
            (self.examined, "accounts looked at"),
            (self.changed, "decisions that changed something"),
            (self.closed, "cases closed"),
            (self.notices, "notices planned"),
            (self.calls, "calls wanted"),
            (self.fees, "fees posted"),
            (self.orders, "field orders prepared"),
            (self.referrals, "referrals proposed"),
            (self.refused, "accounts frozen by the audit: `arrears exceptions list`"),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).collect()
    }

    /// Adds another page's figures.
    pub fn add(&mut self, other: Self) {
        self.examined += other.examined;
        self.changed += other.changed;
        self.notices += other.notices;
        self.calls += other.calls;
        self.fees += other.fees;
        self.orders += other.orders;
        self.referrals += other.referrals;
        self.closed += other.closed;
        self.refused += other.refused;
        self.stale += other.stale;
        self.held |= other.held;
    }

    /// Adds what a decision did.
    pub fn count(&mut self, commit: &Commit) {
        let decision = commit.decision();
        self.changed += u64::from(commit.changes());
        self.closed += u64::from(decision.closed.is_some());
        self.notices += commit.pieces().len() as u64;
        for act in &decision.acts {
            match act.action {
                Action::Call(_) => self.calls += 1,
                Action::Fee(_) => self.fees += 1,
                Action::Disconnect { .. } | Action::Restore { .. } | Action::Tag(_) | Action::Visit(_) => {
                    self.orders += 1;
                }
                Action::Refer { .. } | Action::WriteOff => self.referrals += 1,
                Action::Notice(_)
                | Action::ReverseFee { .. }
                | Action::ApplyDeposit(_)
                | Action::Task { .. }
                | Action::Hold { .. }
                | Action::Flag { .. }
                | Action::Route { .. }
                | Action::NoRoute { .. }
                | Action::Freeze { .. } => {}
            }
        }
    }
}

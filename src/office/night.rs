//! The run of a business date: every account that can change is decided, audited and committed.
//!
//! A date is run once. What comes in later on the same day (a payment, a call) makes its account due again, and
//! [`Office::settle`] decides those few at once, so that a paid debt cancels what was pending within moments.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Office, OfficeError, Result, Rules};
use crate::audit::{Cleared, audit};
use crate::decide::decide;
use crate::domain::notice::NewNotice;
use crate::domain::{AccountId, Action, Day, PolicyHash, RunId, Snapshot, World};
use crate::notices::of_act;
use crate::store::{Commit, CommitOutcome, ExceptionKind, RunStart, Stamp};

/// Accounts read, decided and committed at a time: a checkpoint each.
const PAGE: u32 = 4_000;

/// The kind under which a night's run is recorded.
pub const NIGHT: &str = "night";

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
}

impl DayReport {
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
    }
}

/// Told after each page of a long run.
pub type Progress<'a> = &'a (dyn Fn(&DayReport) + Sync);

impl Office {
    /// The whole night of a business date: orders whose day has passed lapse, the date is run, the call list is built.
    ///
    /// # Errors
    /// As [`Self::run_day`].
    pub async fn night(&self, day: Day) -> Result<DayReport> {
        self.lapse_orders(day).await?;
        let report = self.run_day(day, None).await?;
        self.build_call_list(day).await?;
        Ok(report)
    }

    /// Runs a business date, unless it was run before.
    ///
    /// # Errors
    /// When no policy is in force or the database fails; what was committed stays, and the run is resumed.
    pub async fn run_day(&self, day: Day, progress: Option<Progress<'_>>) -> Result<DayReport> {
        let stamp = self.daemon_stamp(day);
        let rules = self.rules_on(day).await?;
        let run = match self.store.begin_run(day, NIGHT, &stamp).await? {
            RunStart::AlreadyDone(_) => return Ok(DayReport { already_done: true, ..DayReport::default() }),
            RunStart::New(run) | RunStart::Resumed(run) => run,
        };
        self.store.ripen(&rules.policy.ledger, &stamp).await?;
        let report = self.decide_due(Some(run), day, &rules, &stamp, progress).await?;
        self.store.finish_run(run, &json!(report), &stamp).await?;
        Ok(report)
    }

    /// Records a date on which the daemon was down. Nothing is decided as of it: the next run posts the fees that it
    /// missed at their dates, and what people are told is decided as of the day on which they are told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_missed_day(&self, day: Day) -> Result<()> {
        let stamp = self.daemon_stamp(day);
        if let RunStart::New(run) | RunStart::Resumed(run) = self.store.begin_run(day, NIGHT, &stamp).await? {
            self.store.finish_run(run, &json!({ "missed": true }), &stamp).await?;
        }
        Ok(())
    }

    /// Decides the accounts that have become due since the date's run: what a file, a call or a crew brought.
    ///
    /// # Errors
    /// As [`Self::run_day`].
    pub async fn settle(&self) -> Result<DayReport> {
        let day = self.today();
        let stamp = self.daemon_stamp(day);
        let rules = self.rules_on(day).await?;
        self.decide_due(None, day, &rules, &stamp, None).await
    }

    /// Decides these accounts at once: what a person has just done to them shall not wait for the night.
    ///
    /// # Errors
    /// As [`Self::run_day`].
    pub async fn settle_accounts(&self, accounts: &[AccountId]) -> Result<DayReport> {
        let day = self.today();
        let stamp = self.daemon_stamp(day);
        let rules = self.rules_on(day).await?;
        let report = self.decide_page(None, day, &rules, accounts, &stamp).await?;
        self.recheck_orders(accounts).await?;
        Ok(report)
    }

    async fn decide_due(
        &self,
        run: Option<RunId>,
        day: Day,
        rules: &Arc<Rules>,
        stamp: &Stamp,
        progress: Option<Progress<'_>>,
    ) -> Result<DayReport> {
        let mut report = DayReport::default();
        let mut after: Option<(Day, AccountId)> = None;
        loop {
            let due = self.store.due_accounts(day, after, PAGE).await?;
            let Some(last) = due.last().copied() else { break };
            let accounts: Vec<AccountId> = due.iter().map(|(_, account)| *account).collect();
            report.add(self.decide_page(run, day, rules, &accounts, stamp).await?);
            if let Some(progress) = progress {
                progress(&report);
            }
            after = Some(last);
        }
        Ok(report)
    }

    async fn decide_page(
        &self,
        run: Option<RunId>,
        day: Day,
        rules: &Arc<Rules>,
        accounts: &[AccountId],
        stamp: &Stamp,
    ) -> Result<DayReport> {
        let snapshots = self.store.snapshots(accounts).await?;
        let mut by_policy: Vec<(Arc<Rules>, Vec<Snapshot>)> = vec![(Arc::clone(rules), Vec::new())];
        for snapshot in snapshots {
            let follows = self.rules_for(&snapshot, rules).await?;
            match by_policy.iter_mut().find(|(r, _)| r.policy.hash == follows.policy.hash) {
                Some((_, group)) => group.push(snapshot),
                None => by_policy.push((follows, vec![snapshot])),
            }
        }
        let mut report = DayReport::default();
        for (rules, group) in by_policy.into_iter().filter(|(_, group)| !group.is_empty()) {
            report.add(self.decide_group(run, day, rules, group, stamp).await?);
        }
        Ok(report)
    }

    /// The version that an account's case follows; the one in force when it has none or moves with it.
    async fn rules_for(&self, snapshot: &Snapshot, in_force: &Arc<Rules>) -> Result<Arc<Rules>> {
        let kept: Option<&PolicyHash> = snapshot.case.as_ref().map(|case| &case.policy);
        match kept {
            Some(hash)
                if *hash != in_force.policy.hash
                    && in_force.policy.open_cases == crate::rulebook::policy::OpenCases::Keep =>
            {
                self.rules_under(hash, in_force).await
            }
            _ => Ok(Arc::clone(in_force)),
        }
    }

    async fn decide_group(
        &self,
        run: Option<RunId>,
        day: Day,
        rules: Arc<Rules>,
        group: Vec<Snapshot>,
        stamp: &Stamp,
    ) -> Result<DayReport> {
        let world = self.world(&rules, day);
        let ledger = rules.policy.ledger.clone();
        let decided = tokio::task::spawn_blocking(move || decide_all(&group, &world, &rules))
            .await
            .map_err(|error| OfficeError::Interrupted(error.to_string()))?;
        let mut report = DayReport { examined: decided.len() as u64, ..DayReport::default() };
        let mut cleared = Vec::with_capacity(decided.len());
        for one in decided {
            match one {
                Ok(ready) => cleared.push(ready),
                Err((account, sentence)) => {
                    report.refused += 1;
                    self.store.open_exception(Some(account), ExceptionKind::AuditRefused, &sentence, stamp).await?;
                }
            }
        }
        let commits: Vec<Commit<'_>> =
            cleared.iter().map(|ready| Commit { decision: ready.cleared.decision(), pieces: &ready.pieces }).collect();
        let outcomes = self.store.commit_decisions(run, &commits, &ledger, stamp).await?;
        for (ready, outcome) in cleared.iter().zip(outcomes) {
            match outcome {
                CommitOutcome::Stale => report.stale += 1,
                CommitOutcome::Committed => count(ready, &mut report),
            }
        }
        Ok(report)
    }
}

/// A cleared decision with the pieces that its notices are made of.
struct Ready {
    cleared: Cleared,
    pieces: Vec<NewNotice>,
    changed: bool,
}

fn count(ready: &Ready, report: &mut DayReport) {
    let decision = ready.cleared.decision();
    report.changed += u64::from(ready.changed);
    report.closed += u64::from(decision.closed.is_some());
    report.notices += ready.pieces.len() as u64;
    for act in &decision.acts {
        match act.action {
            Action::Call(_) => report.calls += 1,
            Action::Fee(_) => report.fees += 1,
            Action::Disconnect { .. } | Action::Restore { .. } | Action::Tag(_) | Action::Visit(_) => {
                report.orders += 1;
            }
            Action::Refer { .. } | Action::WriteOff => report.referrals += 1,
            Action::Notice(_)
            | Action::ReverseFee { .. }
            | Action::Task { .. }
            | Action::Hold { .. }
            | Action::Flag { .. }
            | Action::Freeze { .. } => {}
        }
    }
}

/// Decides and audits on all cores, in the order of the snapshots.
fn decide_all(snapshots: &[Snapshot], world: &World, rules: &Rules) -> Vec<Result<Ready, (AccountId, String)>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = snapshots.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = snapshots
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(|s| decide_safely(s, world, rules)).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    })
}

/// A program error on one account must not stop the night for the others: the account goes to the lead.
fn decide_safely(snapshot: &Snapshot, world: &World, rules: &Rules) -> Result<Ready, (AccountId, String)> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| decide_one(snapshot, world, rules))).unwrap_or_else(|_| {
        let number = &snapshot.profile.number;
        Err((snapshot.account, format!("account {number} could not be decided: an error in the program, see the log")))
    })
}

fn decide_one(snapshot: &Snapshot, world: &World, rules: &Rules) -> Result<Ready, (AccountId, String)> {
    let decision = decide(snapshot, world, &rules.policy);
    let changed = decision.changes(snapshot.case.as_ref());
    let cleared =
        audit(snapshot, &rules.policy, world, decision).map_err(|breach| (snapshot.account, breach.to_string()))?;
    let pieces = cleared.decision().acts.iter().flat_map(|act| of_act(act, &snapshot.profile)).collect();
    Ok(Ready { cleared, pieces, changed })
}

//! The run of a business date: every account that can change is decided, audited and committed.
//!
//! A date is run once. What comes in later on the same day (a payment, a call) makes its account due again, and
//! [`Office::settle`] decides those few at once, so that a paid debt cancels what was pending within moments.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;

use super::cores::on_all_cores;
use super::decided::{Refused, broken, decide_one};
use super::runaway::Usual;
use super::{DayReport, Office, OfficeError, Result, Rules};
use crate::domain::{AccountId, Act, Action, Day, PolicyHash, RunId, Snapshot};
use crate::rulebook::policy::LedgerRules;
use crate::store::{Commit, CommitOutcome, ExceptionKind, RunStart, Stamp};

/// Accounts read, decided and committed at a time: a checkpoint each.
const PAGE: u32 = 1_000;

/// The kind under which a night's run is recorded.
pub const NIGHT: &str = "night";

/// Told after each page of a long run.
pub type Progress<'a> = &'a (dyn Fn(&DayReport) + Sync);

impl Office {
    /// The whole night of a business date: orders whose day has passed lapse, those of which a crew says nothing go on the
    /// exceptions list, the date is run, the call list is built.
    ///
    /// # Errors
    /// As [`Self::run_day`].
    pub async fn night(&self, day: Day) -> Result<DayReport> {
        if self.held_night().await?.is_some() {
            return Ok(DayReport { held: true, ..DayReport::default() });
        }
        self.lapse_orders(day).await?;
        self.report_overdue(day).await?;
        let report = self.run_day(day, None).await?;
        if report.held {
            return Ok(report);
        }
        self.build_call_list(day).await?;
        Ok(report)
    }

    /// Runs a business date, unless it was run before.
    ///
    /// # Errors
    /// When no policy is in force or the database fails; what was committed stays, and the run is resumed.
    pub async fn run_day(&self, day: Day, progress: Option<Progress<'_>>) -> Result<DayReport> {
        self.goes_out().await?;
        let stamp = self.daemon_stamp(day);
        let rules = self.rules_on(day).await?;
        let held = DayReport { held: true, ..DayReport::default() };
        if self.held_night().await?.is_some() {
            return Ok(held);
        }
        let run = match self.store.begin_run(day, NIGHT, &stamp).await? {
            RunStart::AlreadyDone(_) => return Ok(DayReport { already_done: true, ..DayReport::default() }),
            RunStart::New(run) | RunStart::Resumed(run) => run,
        };
        let usual = if self.is_released(run).await? { None } else { Some(self.usual(day).await?) };
        if usual.is_some()
            && let Some(why) = self.stale_data(day).await?
        {
            self.hold_night(day, &why).await?;
            return Ok(held);
        }
        self.tell_unassured(day).await?;
        self.tell_claims(day).await?;
        self.store.ripen(&rules.policy.ledger, &stamp).await?;
        self.store.tell_left_behind(&stamp).await?;
        let report = self.decide_due(Some(run), day, &rules, usual, progress).await?;
        if report.held {
            return Ok(report);
        }
        self.watch(&rules, day).await?;
        self.store.finish_run(run, &json!(report), &stamp).await?;
        Ok(report)
    }

    /// Lets what is dated today count from now on, before the night has come: an entry that a file brought ahead of its day.
    /// Who looks at an account at eight sees the payment of today, also where the night is still to be run.
    ///
    /// # Errors
    /// When the database fails. Without a policy nothing can be settled, and nothing is.
    pub async fn begin_day(&self) -> Result<()> {
        let today = self.today();
        if !self.store.is_ripening(today).await? {
            return Ok(());
        }
        match self.rules_on(today).await {
            Ok(rules) => self.store.ripen(&rules.policy.ledger, &self.daemon_stamp(today)).await.map(|_| ())?,
            Err(OfficeError::NoPolicy { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
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
        if self.held_night().await?.is_some() || self.was_dropped(day).await? {
            return Ok(DayReport { held: true, ..self.settle_shut_off().await? });
        }
        let usual = self.usual(day).await?;
        self.settle_within(Some(usual)).await
    }

    /// [`Self::settle`] within what is usual, or whatever it is.
    pub(super) async fn settle_within(&self, usual: Option<Usual>) -> Result<DayReport> {
        let day = self.today();
        let rules = self.rules_on(day).await?;
        self.decide_due(None, day, &rules, usual, None).await
    }

    /// Decides the accounts that have become due and have a service shut off, and does what restores one. It waits for
    /// no night, for no release, and in a restored city for nobody's look: who has paid gets water again.
    ///
    /// # Errors
    /// As [`Self::run_day`]; without a policy nobody was shut off by one, and nothing is decided.
    pub async fn settle_shut_off(&self) -> Result<DayReport> {
        let accounts = self.store.due_and_shut_off(self.today()).await?;
        if accounts.is_empty() {
            return Ok(DayReport::default());
        }
        let restores = |act: &Act| matches!(act.action, Action::Restore { .. });
        self.settle_those(&accounts, |commit| commit.decision().acts.iter().any(restores)).await
    }

    /// Decides these accounts at once: what a person has just done to them shall not wait for the night.
    ///
    /// # Errors
    /// As [`Self::run_day`].
    pub async fn settle_accounts(&self, accounts: &[AccountId]) -> Result<DayReport> {
        self.settle_those(accounts, |_| true).await
    }

    /// As [`Self::settle_accounts`], of the decisions that are wanted; the others are left to the next run.
    async fn settle_those(&self, accounts: &[AccountId], wanted: impl Fn(&Commit) -> bool + Send) -> Result<DayReport> {
        let stamp = self.daemon_stamp(self.today());
        let rules = self.rules_on(stamp.on).await?;
        // What was posted on one account may freeze another that has debts of it, or let it go on.
        let beside = self.store.accounts_with_debts_of(accounts).await?;
        let accounts: Vec<AccountId> = accounts.iter().copied().chain(beside).collect();
        let page = self.read_page(&accounts, &rules).await?;
        let mut decided = self.decide_page(stamp.on, page).await?;
        for of_group in &mut decided {
            of_group.ready.retain(|commit| wanted(commit));
        }
        let report = self.commit_page(None, &decided, &stamp).await?;
        self.recheck_orders(&accounts).await?;
        self.watch_placed(&accounts).await?;
        Ok(report)
    }

    /// Reads, decides and commits page after page, the three side by side: none waits for the others while there is a
    /// page at hand, and memory holds a few pages however large the city is.
    async fn decide_due(
        &self,
        run: Option<RunId>,
        day: Day,
        rules: &Arc<Rules>,
        usual: Option<Usual>,
        progress: Option<Progress<'_>>,
    ) -> Result<DayReport> {
        let stamp = &self.daemon_stamp(day);
        let (read, mut to_decide) = mpsc::channel::<Page>(1);
        let (decided, mut to_commit) = mpsc::channel::<Vec<Decided>>(1);
        // A side that ends drops its end of the channel, and the next one ends behind it.
        let reading = async move {
            let mut after: Option<(Day, AccountId)> = None;
            loop {
                let due = self.store.due_accounts(day, after, PAGE).await?;
                let Some(last) = due.last().copied() else { return Ok(()) };
                let accounts: Vec<AccountId> = due.iter().map(|(_, account)| *account).collect();
                if read.send(self.read_page(&accounts, rules).await?).await.is_err() {
                    return Ok(());
                }
                after = Some(last);
            }
        };
        let deciding = async move {
            while let Some(page) = to_decide.recv().await {
                if decided.send(self.decide_page(day, page).await?).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let committing = async {
            let mut report = DayReport::default();
            let mut owing_nothing: Vec<AccountId> = Vec::new();
            while let Some(page) = to_commit.recv().await {
                // What goes beyond what nights have been is not committed; its accounts stay due.
                owing_nothing.extend(page.iter().flat_map(|decided| &decided.owing_nothing));
                let stop =
                    usual.as_ref().and_then(|usual| usual.stop(&with(report, &page), owing_nothing.len() as u64));
                if let Some(why) = stop {
                    to_commit.close();
                    self.hold_night(day, &self.naming(why, &owing_nothing).await?).await?;
                    report.held = true;
                    break;
                }
                report.add(self.commit_page(run, &page, stamp).await?);
                if run.is_none() {
                    // By day at once; the night looks at all that has changed, when it is done.
                    self.watch_placed(&accounts_of(&page)).await?;
                }
                if let Some(progress) = progress {
                    progress(&report);
                }
            }
            Ok::<_, OfficeError>(report)
        };
        let ((), (), report) = tokio::try_join!(reading, deciding, committing)?;
        Ok(report)
    }

    /// The accounts' snapshots, by the version of the policy that each follows.
    async fn read_page(&self, accounts: &[AccountId], rules: &Arc<Rules>) -> Result<Page> {
        let snapshots = self.store.snapshots(accounts).await?;
        let mut page: Page = vec![(Arc::clone(rules), Vec::new())];
        for snapshot in snapshots {
            let follows = self.rules_for(&snapshot, rules).await?;
            match page.iter_mut().find(|(r, _)| r.policy.hash == follows.policy.hash) {
                Some((_, group)) => group.push(snapshot),
                None => page.push((follows, vec![snapshot])),
            }
        }
        page.retain(|(_, group)| !group.is_empty());
        Ok(page)
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

    async fn decide_page(&self, day: Day, page: Page) -> Result<Vec<Decided>> {
        let mut decided = Vec::with_capacity(page.len());
        for (rules, group) in page {
            let world = self.world(&rules, day);
            let ledger = rules.policy.ledger.clone();
            let decide = move |snapshot: &Snapshot| decide_one(snapshot, &world, &rules);
            let mut of_group = Decided {
                ledger,
                ready: Vec::with_capacity(group.len()),
                refused: Vec::new(),
                owing_nothing: Vec::new(),
            };
            for (_, one) in on_all_cores(group, decide, broken).await? {
                match one {
                    Ok(ready) => of_group.ready.push(ready),
                    Err(Refused { account, why, owes_nothing }) => {
                        of_group.owing_nothing.extend(owes_nothing.then_some(account));
                        of_group.refused.push((account, why));
                    }
                }
            }
            decided.push(of_group);
        }
        Ok(decided)
    }

    async fn commit_page(&self, run: Option<RunId>, decided: &[Decided], stamp: &Stamp) -> Result<DayReport> {
        let mut report = DayReport::default();
        for Decided { ledger, ready, refused, .. } in decided {
            report.examined += (ready.len() + refused.len()) as u64;
            report.refused += refused.len() as u64;
            for (account, sentence) in refused {
                self.store.open_exception(Some(*account), ExceptionKind::AuditRefused, sentence, stamp).await?;
            }
            let outcomes = self.store.commit_decisions(run, ready, ledger, stamp).await?;
            for (ready, outcome) in ready.iter().zip(outcomes) {
                match outcome {
                    CommitOutcome::Stale => report.stale += 1,
                    CommitOutcome::Committed => report.count(ready),
                }
            }
        }
        Ok(report)
    }
}

/// Snapshots by the version of the policy that they follow.
type Page = Vec<(Arc<Rules>, Vec<Snapshot>)>;

/// Decisions under one version of the policy, audited.
struct Decided {
    ledger: LedgerRules,
    ready: Vec<Commit>,
    /// Accounts whose decision the audit refused, with why.
    refused: Vec<(AccountId, String)>,
    /// Of those, accounts that owe nothing and were to be told, called or shut off.
    owing_nothing: Vec<AccountId>,
}

fn accounts_of(page: &[Decided]) -> Vec<AccountId> {
    page.iter().flat_map(|decided| &decided.ready).map(|ready| ready.decision().account).collect()
}

/// The figures of a run with the page behind it, as if all of that were committed.
fn with(mut report: DayReport, page: &[Decided]) -> DayReport {
    for ready in page.iter().flat_map(|decided| &decided.ready) {
        report.count(ready);
    }
    report
}

//! A person skips a stage, or cancels what it ordered: recorded in the case with name, reason and day.

use super::accounts::need_reason;
use super::{Office, OfficeError, Result, Rules};
use crate::audit::audit;
use crate::decide::decide;
use crate::domain::case::{Cause, StageRef};
use crate::domain::day::plus_days;
use crate::domain::decision::{Decision, Verdict};
use crate::domain::person::Override;
use crate::domain::{AccountId, Case, Day, Event, EventKind, Snapshot, StageId, Step, StepState, TrackRun};
use crate::store::{Commit, CommitOutcome, Stamp};

/// How often a skip is tried anew when facts come in between.
const ATTEMPTS: u32 = 3;

impl Office {
    /// Skips the stage at which a track of the account's case stands: it does nothing, and the stage behind it is
    /// next. A stage behind that counts from what the skipped one would have done (its notice served) waits for it all
    /// the same, and what a guard requires served is required still.
    ///
    /// # Errors
    /// When no case is open, the stage is not the one at which its track stands, or no reason is given.
    pub async fn skip_stage(&self, account: AccountId, stage: &str, reason: &str, by: &str) -> Result<StageRef> {
        need_reason(reason)?;
        self.not_of_household(by, account).await?;
        let stamp = self.stamp(by);
        for _ in 0..ATTEMPTS {
            let snapshot = self.snapshot(account).await?;
            let rules = self.rules_of_case(&snapshot).await?;
            let skipped = Override { by: by.to_owned(), reason: reason.to_owned(), on: stamp.on };
            let (of, decision) = self.skipping(&snapshot, &rules, stage, skipped)?;
            if !self.commit_by_hand(&snapshot, &rules, decision, &stamp).await? {
                continue;
            }
            // The event makes the account due today, and puts name and reason into its log.
            let event = Event { kind: EventKind::Overridden, on: stamp.on, of: Some(of.clone()) };
            self.store.record_event(account, &event, &format!("skipped {}: {reason}", of.stage), &stamp).await?;
            self.settle_accounts(&[account]).await?;
            return Ok(of);
        }
        Err(OfficeError::Interrupted("the account kept changing; try again".into()))
    }

    /// Cancels what a stage ordered, with all its pieces: it is made anew the day after. False when the stage is not one
    /// that stands as done.
    pub(super) async fn cancel_step(&self, of: &StageRef, account: AccountId, reason: &str, by: &str) -> Result<bool> {
        let stamp = self.stamp(by);
        for _ in 0..ATTEMPTS {
            let snapshot = self.snapshot(account).await?;
            let rules = self.rules_of_case(&snapshot).await?;
            let Some(mut case) = snapshot.case.clone().filter(|case| case.number == of.case) else { return Ok(false) };
            let runs = case.tracks.iter_mut().filter(|run| run.closed.is_none());
            let mut steps =
                runs.filter(|run| run.track == of.track && run.anchor == of.anchor).flat_map(|run| &mut run.steps);
            let stands = |step: &&mut Step| step.stage == of.stage && step.round == of.round;
            let Some(step) = steps.find(stands).filter(|step| matches!(step.state, StepState::Acted(_))) else {
                return Ok(false);
            };
            let canceled = Override { by: by.to_owned(), reason: reason.to_owned(), on: stamp.on };
            step.state = StepState::Canceled(stamp.on, Cause::Person(canceled.clone()));
            let cancels = vec![(of.clone(), Cause::Person(canceled))];
            let decision = Decision { cancels, ..by_hand(&snapshot, &rules, case, stamp.on) };
            if !self.commit_by_hand(&snapshot, &rules, decision, &stamp).await? {
                continue;
            }
            let event = Event { kind: EventKind::Overridden, on: stamp.on, of: Some(of.clone()) };
            self.store.record_event(account, &event, &format!("canceled {}: {reason}", of.stage), &stamp).await?;
            return Ok(true);
        }
        Err(OfficeError::Interrupted("the account kept changing; try again".into()))
    }

    /// Whether the decision was committed; not when facts came in between.
    async fn commit_by_hand(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        decision: Decision,
        stamp: &Stamp,
    ) -> Result<bool> {
        let world = self.world(rules, stamp.on);
        let cleared = audit(snapshot, &rules.policy, &world, decision)
            .map_err(|breach| OfficeError::refused(breach.to_string(), "nothing was changed"))?;
        let commit = Commit::of(cleared, snapshot, Vec::new())?;
        let outcomes = self.store.commit_decisions(None, &[commit], &rules.policy.ledger, stamp).await?;
        Ok(outcomes.first() == Some(&CommitOutcome::Committed))
    }

    /// The case with the stage skipped, as a decision that does nothing else.
    fn skipping(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        stage: &str,
        skipped: Override,
    ) -> Result<(StageRef, Decision)> {
        let number = &snapshot.profile.number;
        let Some(mut case) = snapshot.case.clone() else {
            return Err(OfficeError::refused(
                format!("account {number} has no open case"),
                "there is nothing to skip until a case opens",
            ));
        };
        let (track, stage) = match stage.split_once('/') {
            Some((track, stage)) => (Some(track.trim()), StageId::from(stage.trim())),
            None => (None, StageId::from(stage.trim())),
        };
        let decided = decide(snapshot, &self.world(rules, skipped.on), &rules.policy);
        let case_number = case.number;
        let mut runs: Vec<&mut TrackRun> = case
            .tracks
            .iter_mut()
            .filter(|run| run.closed.is_none() && track.is_none_or(|track| run.track.as_str() == track))
            .filter(|run| rules.policy.track(&run.track).is_some_and(|t| t.stages.iter().any(|s| s.id == stage)))
            .collect();
        if runs.len() > 1 {
            return Err(OfficeError::refused(
                format!("stage {stage} runs more than once in the case of account {number}"),
                "name its track as TRACK/STAGE; where the track itself runs for several bills, place a review hold",
            ));
        }
        let Some(run) = runs.pop() else {
            return Err(OfficeError::NotFound { what: "stage in the open case:", id: stage.to_string() });
        };
        may_skip(&decided, run, &stage)?;
        let round = run.steps.iter().filter(|step| step.stage == stage).map(|step| step.round).max().unwrap_or(0) + 1;
        let of =
            StageRef { case: case_number, track: run.track.clone(), anchor: run.anchor, stage: stage.clone(), round };
        let on = skipped.on;
        let state = StepState::Skipped(skipped);
        run.steps.push(Step { stage, service: None, round, state, items: Vec::new(), known: None });
        Ok((of, by_hand(snapshot, rules, case, on)))
    }
}

/// The case as a person changed it, as a decision that does nothing else.
fn by_hand(snapshot: &Snapshot, rules: &Rules, case: Case, on: Day) -> Decision {
    Decision {
        account: snapshot.account,
        seen_seq: snapshot.facts_seq,
        on,
        policy: rules.policy.hash.clone(),
        case: Some(case),
        closed: None,
        acts: Vec::new(),
        cancels: Vec::new(),
        findings: Vec::new(),
        next_review: Some(plus_days(on, 1)),
    }
}

/// Only the stage at which the track stands can be skipped: a step further ahead would pass over what is before it.
fn may_skip(decided: &Decision, run: &TrackRun, stage: &StageId) -> Result<()> {
    let finding =
        decided.findings.iter().find(|f| f.track.as_ref() == Some(&run.track) && f.stage.as_ref() == Some(stage));
    let why = match finding.map(|finding| &finding.verdict) {
        Some(
            Verdict::Acts
            | Verdict::WaitsUntil(_)
            | Verdict::WaitsFor(..)
            | Verdict::Unknown(_)
            | Verdict::Barred(_)
            | Verdict::CanceledBy(..),
        ) => return Ok(()),
        Some(Verdict::WaitsForStage(before)) => format!("{before} comes before {stage}"),
        Some(Verdict::Done(day)) => format!(
            "{stage} was decided on {day}, and what it ordered stands: cancel that (`arrears orders list`, `arrears notices list`)"
        ),
        Some(Verdict::TakenBack(day)) => format!("the fee of {stage} was taken back on {day}"),
        Some(Verdict::Expired(day)) => format!("{stage} was over on {day}"),
        Some(Verdict::Overridden(by)) => format!("{stage} was skipped by {} on {}", by.by, by.on),
        Some(Verdict::NotForAccount) => format!("{stage} is not for this account"),
        Some(Verdict::NotMet) | None => format!("{stage} does not apply now"),
    };
    Err(OfficeError::refused(why, "only the stage at which a track stands can be skipped: see `arrears why ACCOUNT`"))
}

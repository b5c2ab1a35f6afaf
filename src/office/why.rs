//! Why: what stands with an account and what it waits for; and what would happen on the days ahead.

use chrono::{DateTime, Utc};

use super::became::{became, pieces_for};
use super::protections::{ShownPoint, points};
use super::{Office, Result};
use crate::decide::stands::stands;
pub use crate::decide::why::Explained;
use crate::decide::why::explain;
use crate::decide::{decide, why};
use crate::domain::day::{plus_days, short};
use crate::domain::decision::Verdict;
use crate::domain::{AccountId, Cents, Day, Decision, Snapshot};

/// What stands with an account on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub on: Day,
    /// What protects the account, and what is off there, a sentence each.
    pub stands: Vec<String>,
    pub decision: Decision,
    pub explained: Vec<Explained>,
    pub next_review: Option<Day>,
    /// The three points that bar a shut-off together, each with what shows it; empty where nothing of them was shown.
    pub points: Vec<ShownPoint>,
    /// The exception that freezes the account, where one stands.
    pub frozen: Option<String>,
    /// Arrangements against limits of the policy: those that wait for a second person, and the one that stands.
    pub agreements: Vec<String>,
    /// Of a day past: what files have changed of the account's record since, and what is not known of it.
    pub record: Vec<String>,
}

/// An act that a simulation would do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Simulated {
    pub on: Day,
    pub account: String,
    pub stage: String,
    pub act: String,
    pub amount: Option<Cents>,
    pub citation: String,
}

impl Office {
    /// Why the account stands as it does: today, or on a day past, from what was recorded by the end of that day.
    ///
    /// # Errors
    /// When no policy was in force.
    pub async fn why(&self, account: AccountId, on: Option<Day>) -> Result<Why> {
        let day = on.unwrap_or_else(|| self.today());
        let (snapshot, record) = match on {
            Some(past) if past < self.today() => {
                (self.snapshot_on(account, past).await?, self.record_since(account, self.end_of(past)).await?)
            }
            _ => (self.snapshot(account).await?, Vec::new()),
        };
        let in_force = self.rules_on(day).await?;
        let rules = match &snapshot.case {
            Some(case) => self.rules_under(&case.policy, &in_force).await?,
            None => in_force,
        };
        let world = self.world(&rules, day);
        let decision = decide(&snapshot, &world, &rules.policy);
        let stands = stands(&snapshot, &world, &rules.policy);
        let mut explained = explain(&decision, &rules.policy);
        // A stage that acted has decided; whether its letter was mailed or its order done stands with the pieces.
        let pieces = self.pieces_of(account).await?;
        for (finding, said) in decision.findings.iter().zip(&mut explained) {
            let Verdict::Done(acted) = finding.verdict else { continue };
            let of_stage = pieces_for(&pieces, &decision, finding, acted);
            if let Some(fate) = became(acted, &of_stage) {
                // The pieces are as they stand today: of a day past, that much is known.
                said.says = if day < self.today() { format!("decided {}", short(acted)) } else { fate };
            }
        }
        let points = if snapshot.proofs.is_empty() { Vec::new() } else { points(&snapshot.proofs, day) };
        let agreements = self.told_of_limits(&snapshot, day).await?;
        let frozen = snapshot.frozen;
        Ok(Why {
            stands,
            points,
            agreements,
            record,
            frozen,
            on: day,
            next_review: decision.next_review,
            explained,
            decision,
        })
    }

    pub(super) async fn snapshot_on(&self, account: AccountId, day: Day) -> Result<Snapshot> {
        let rules = self.rules_on(day).await?;
        Ok(self.store.snapshot_as_of(account, day, self.end_of(day), &rules.policy.ledger).await?)
    }

    /// The instant at which the day is over in the city.
    fn end_of(&self, day: Day) -> DateTime<Utc> {
        plus_days(day, 1)
            .and_hms_opt(0, 0, 0)
            .and_then(|midnight| midnight.and_local_timezone(self.config.time_zone).earliest())
            .map_or_else(|| self.now(), |instant| instant.with_timezone(&Utc))
    }

    /// Lives through the days ahead on a copy of the accounts, changing nothing, as if letters were mailed on the day
    /// of their decision and nobody paid.
    ///
    /// # Errors
    /// When no policy is in force.
    pub async fn simulate(&self, from: Day, through: Day, accounts: Option<&[AccountId]>) -> Result<Vec<Simulated>> {
        let mut happened = Vec::new();
        let mut after = None;
        loop {
            let page = match accounts {
                Some(chosen) if after.is_none() => chosen.to_vec(),
                Some(_) => Vec::new(),
                None => self.store.account_ids(after, 2_000).await?,
            };
            let Some(last) = page.last() else { break };
            after = Some(*last);
            for snapshot in self.store.snapshots(&page).await? {
                let rules = self.rules_of_case(&snapshot).await?;
                let number = snapshot.profile.number.to_string();
                let mut world = self.world(&rules, from);
                let acts = crate::rehearsal::ahead(snapshot, &mut world, &rules.policy, through);
                happened.extend(acts.into_iter().map(|act| {
                    let explained = why::explain_one(&act.because, &rules.policy);
                    Simulated {
                        on: act.for_day,
                        account: number.clone(),
                        stage: explained.stage,
                        act: act.action.word().to_owned(),
                        amount: act.amount,
                        citation: explained.citation,
                    }
                }));
            }
        }
        happened.sort_by(|a, b| (a.on, &a.account, &a.stage).cmp(&(b.on, &b.account, &b.stage)));
        Ok(happened)
    }
}

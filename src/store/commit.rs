//! A cleared decision on its way into the database.

use serde::Serialize;

use super::error::{Result, StoreError};
use crate::audit::Cleared;
use crate::domain::notice::NewNotice;
use crate::domain::{Decision, Snapshot};

/// A decision that the audit has cleared, with the pieces that its notices are made of.
///
/// What is written of it as text is made with it, so that many can be made on all cores before one writer takes them.
#[derive(Clone, Debug)]
pub struct Commit {
    pub(super) decision: Decision,
    pub(super) pieces: Vec<NewNotice>,
    /// The case where it differs from the one that the decision saw.
    pub(super) case: Option<CaseText>,
    /// The log's line where anything changes.
    pub(super) log: Option<String>,
}

/// A case as it is stored.
#[derive(Clone, Debug)]
pub(super) struct CaseText {
    /// How many the account has had. Cases are numbered from 1, so that the latest number is their count.
    pub so_far: u32,
    /// None when it is closed.
    pub body: Option<String>,
}

#[derive(Serialize)]
struct Logged<'a> {
    decision: &'a Decision,
    cases_so_far: u32,
}

impl Commit {
    /// Makes a cleared decision ready; `before` is the snapshot that it saw.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be written as JSON, which no decision of `decide` brings about.
    pub fn of(cleared: Cleared, before: &Snapshot, pieces: Vec<NewNotice>) -> Result<Self> {
        let decision = cleared.into_inner();
        let so_far = decision.case.as_ref().map_or(0, |case| case.number).max(before.cases_so_far);
        let case = if decision.case == before.case {
            None
        } else {
            Some(CaseText { so_far, body: decision.case.as_ref().map(text).transpose()? })
        };
        let log = if decision.changes(before.case.as_ref()) {
            Some(text(&Logged { decision: &decision, cases_so_far: so_far })?)
        } else {
            None
        };
        Ok(Self { decision, pieces, case, log })
    }

    /// What is committed.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The pieces of its notices.
    #[must_use]
    pub fn pieces(&self) -> &[NewNotice] {
        &self.pieces
    }

    /// Whether anything but the explanations changes.
    #[must_use]
    pub const fn changes(&self) -> bool {
        self.log.is_some()
    }
}

fn text(noun: &impl Serialize) -> Result<String> {
    serde_json::to_string(noun)
        .map_err(|error| StoreError::Corrupt(format!("a decision that cannot be written as JSON: {error}")))
}

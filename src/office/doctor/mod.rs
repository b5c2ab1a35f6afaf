//! The doctor: whether the record is still what was written, and whether what was done kept to the law.
//!
//! It reads one state of the whole database beside whoever works on, and the files beside it, and changes nothing. Its
//! ways are its own: chains and seals are hashed anew, projections are replayed from the ledger, and what a crew did is put to
//! the audit with what was known when it left. Deliberately absent: any repair. A finding says what was expected, and what
//! a person does about it.
//!
//! What code cannot tell after the fact is left to the property tests: that the same inputs give the same decisions, and
//! that another hold only ever delays.

mod acts;
mod books;
mod chains;
mod dates;
mod debts;
mod disputes;
mod left;
mod papers;
mod placements;
mod work;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Office, Result};
use crate::domain::evidence::Span;
use crate::domain::{AccountId, AccountNumber, Day};
use crate::store::Reading;

/// Rows read at a time.
const PAGE: u32 = 2_000;

/// So many findings of a check are kept; the others are counted.
const TOLD: usize = 200;

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkup {
    pub on: Day,
    /// The last line of the log and the last entry of the ledger that it saw.
    pub through: Span,
    /// The root of the last seal, to be compared with what the city keeps elsewhere.
    pub last_seal: Option<String>,
    pub checks: Vec<Check>,
}

/// One thing that was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    /// What holds where nothing is found.
    pub holds: &'static str,
    /// How many things were looked at.
    pub looked_at: u64,
    /// How many of them are not as they should be, also those beyond the findings that are told.
    pub wrong: u64,
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub account: Option<AccountNumber>,
    /// Where: `log line 417`, `print/batch-000002.pdf`.
    pub place: String,
    pub found: String,
    pub expected: String,
    pub remedy: &'static str,
    #[serde(skip)]
    id: Option<AccountId>,
}

/// Told the name of each check as it begins, and how much it has looked at.
pub type Watching<'a> = &'a (dyn Fn(&'static str, u64) + Sync);

/// For what somebody changed behind the program's back.
const TAMPERED: &str = "somebody changed the database outside Arrears, or a disk failed: keep this database as it is, and compare \
                        it with the backup from before and with the seals that the city keeps";
/// For what the program should never have done.
const UNLAWFUL: &str =
    "look at the account with its log (`arrears log NUMBER`), make good what was done, and report a defect";

impl Checkup {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.wrong() == 0
    }

    /// How many things are not.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.checks.iter().map(|check| check.wrong).sum()
    }
}

impl Check {
    const fn new(name: &'static str, holds: &'static str) -> Self {
        Self { name, holds, looked_at: 0, wrong: 0, findings: Vec::new() }
    }

    fn finds(&mut self, finding: Finding) {
        self.wrong += 1;
        if self.findings.len() < TOLD {
            self.findings.push(finding);
        }
    }

    /// Looks at one more thing, which should be so.
    fn expects(&mut self, is_so: bool, otherwise: impl FnOnce() -> Finding) {
        self.looked_at += 1;
        if !is_so {
            self.finds(otherwise());
        }
    }
}

impl Finding {
    fn at(place: impl Into<String>) -> Self {
        Self { place: place.into(), remedy: UNLAWFUL, ..Self::default() }
    }

    fn of(self, account: AccountId) -> Self {
        Self { id: Some(account), ..self }
    }

    fn found(self, found: impl Into<String>) -> Self {
        Self { found: found.into(), ..self }
    }

    fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), ..self }
    }

    const fn remedy(self, remedy: &'static str) -> Self
    where
        Self: Sized,
    {
        let mut finding = self;
        finding.remedy = remedy;
        finding
    }
}

/// What the checks share.
struct Examination<'a> {
    office: &'a Office,
    reading: Reading,
    watching: Watching<'a>,
}

impl Examination<'_> {
    fn watch(&self, check: &Check) {
        (self.watching)(check.name, check.looked_at);
    }
}

impl Office {
    /// Examines everything.
    ///
    /// # Errors
    /// When the database does not answer, or a row cannot be read at all.
    pub async fn doctor(&self, watching: Watching<'_>) -> Result<Checkup> {
        let mut reading = self.store.reading().await?;
        let through = reading.through().await?;
        let last_seal = reading.all_seals().await?.pop().map(|seal| seal.root);
        let mut examination = Examination { office: self, reading, watching };
        let mut checks = Vec::new();
        checks.extend(examination.chains_and_seals().await?);
        checks.extend(examination.books().await?);
        checks.extend(examination.debts().await?);
        checks.extend(examination.papers().await?);
        checks.push(examination.dates().await?);
        checks.extend(examination.work().await?);
        checks.extend(examination.acts().await?);
        checks.push(examination.disputes().await?);
        checks.push(examination.placements().await?);
        drop(examination);
        self.name_accounts(&mut checks).await?;
        Ok(Checkup { on: self.today(), through, last_seal, checks })
    }

    /// Findings speak of accounts by their numbers.
    async fn name_accounts(&self, checks: &mut [Check]) -> Result<()> {
        let mut numbers: BTreeMap<AccountId, AccountNumber> = BTreeMap::new();
        for finding in checks.iter_mut().flat_map(|check| &mut check.findings) {
            let Some(id) = finding.id.filter(|_| finding.account.is_none()) else { continue };
            let number = match numbers.get(&id) {
                Some(number) => number.clone(),
                None => self.store.account(id).await?.profile.number,
            };
            finding.account = Some(numbers.entry(id).or_insert(number).clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

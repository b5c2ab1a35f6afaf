//! Debts that go out and come back: approved, called back, returned; and what the lead is told of them meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;

use super::accounts::need_reason;
use super::looks::LOOKS;
use super::{Office, OfficeError, Result};
use crate::audit::{Broken, Refusal};
use crate::domain::day::short;
use crate::domain::hold::Blocks;
use crate::domain::person::Override;
use crate::domain::placement::ReturnReason;
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{AccountId, Cents, Day, EventKind, ReferralId, Snapshot};
use crate::ingest::agency_returns::read_returns;
use crate::referral::limitation::{Clock, of_item};
use crate::rulebook::Policy;
use crate::rulebook::policy::Anchor;
use crate::store::{Among, DebtReturn, ExceptionKind, LimitationTerms, Permitted, StoreError};

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    Approved,
    /// Its route sends the debt elsewhere now: it is withdrawn, and decided anew.
    Rerouted(String),
}

/// How a referral that was placed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Out {
    pub placed: Cents,
    /// Paid and taken off since, less what was reversed.
    pub since: Cents,
    /// What is left at the destination; after it ended, what was given back.
    pub balance: Cents,
}

impl Office {
    /// Approves a candidate for legal action, after another look at it. Debts that time bars are sent to a court only where
    /// the person says why.
    ///
    /// # Errors
    /// When it is none any more, or something stands against it; it then stays a candidate.
    pub async fn approve_referral(&self, id: ReferralId, over_limitation: Option<&str>, by: &str) -> Result<Approval> {
        let stamp = self.stamp(by);
        for _ in 0..LOOKS {
            let referral = self.store.referral(id).await?;
            if referral.state != ReferralState::Candidate {
                return Err(OfficeError::refused(
                    format!("referral {id} is {}", referral.state),
                    "only a candidate is approved: `arrears referrals list` shows them",
                ));
            }
            self.not_of_household(by, referral.account).await?;
            let permit = match self.leave_for_referral(&referral, stamp.on).await? {
                Ok(permit) => permit,
                Err(Refusal::GuardNotMet { broken: broken @ Broken::OtherRoute { .. }, .. }) => {
                    self.store.reroute_referral(id, &broken.to_string(), &stamp).await?;
                    self.settle_accounts(&[referral.account]).await?;
                    return Ok(Approval::Rerouted(broken.to_string()));
                }
                Err(refusal) => return Err(OfficeError::Reexamined(refusal)),
            };
            let snapshot = self.snapshot(referral.account).await?;
            let rules = self.rules_of_case(&snapshot).await?;
            self.court_takes(&referral, &rules.policy, stamp.on).await?;
            let over = over_limitation_of(&referral, &snapshot, &rules.policy, over_limitation, stamp.on, by)?;
            let permitted = Permitted { id, permit };
            let carried = self.store.approve_referral(&permitted, over.as_ref(), &stamp).await?;
            if carried.overtaken.is_empty() {
                return Ok(Approval::Approved);
            }
        }
        Err(OfficeError::Reexamined(Refusal::Overtaken))
    }

    /// A small claims court takes no more than its cap, and of large claims no more than so many in a calendar year.
    async fn court_takes(&self, referral: &Referral, policy: &Policy, on: Day) -> Result<()> {
        let Some(court) = policy.referral.small_claims.as_ref().filter(|_| referral.to == Destination::SmallClaims)
        else {
            return Ok(());
        };
        if referral.amount > court.cap {
            return Err(OfficeError::refused(
                format!("{} is more than the court takes, {} ({})", referral.amount, court.cap, court.citation),
                "decline it, and choose another destination",
            ));
        }
        let Some((most, over)) = court.filings.filter(|(_, over)| referral.amount > *over) else { return Ok(()) };
        let is_filed = |other: &Referral| {
            let stands = matches!(
                other.state,
                ReferralState::Approved | ReferralState::Placed | ReferralState::Recalled | ReferralState::Returned
            );
            let of_year = other.approved_on.is_some_and(|day| day.year() == on.year());
            // One that was called back before it was placed was never filed.
            let was_out = other.state == ReferralState::Approved || other.placed_on.is_some();
            stands && of_year && was_out && other.to == Destination::SmallClaims && other.amount > over
        };
        let filed = self.store.referrals(None).await?.iter().filter(|other| is_filed(other)).count();
        if filed < usize::from(most) {
            return Ok(());
        }
        Err(OfficeError::refused(
            format!(
                "{filed} claims over {over} are filed in {}, and the court takes {most} ({})",
                on.year(),
                court.citation
            ),
            "decline it, or wait for the next year",
        ))
    }

    /// Calls a referral back with a reason. Its destination is told with the next report.
    ///
    /// # Errors
    /// When it gives no reason.
    pub async fn recall_referral(&self, id: ReferralId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let account = self.store.referral(id).await?.account;
        self.not_of_household(by, account).await?;
        self.store.recall_referral(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(())
    }

    /// Records that a destination gave a debt back.
    ///
    /// # Errors
    /// When it is not placed, or the day has not come.
    pub async fn return_referral(
        &self,
        id: ReferralId,
        on: Day,
        reason: ReturnReason,
        note: &str,
        by: &str,
    ) -> Result<()> {
        let back = DebtReturn { referral: id, on, reason, note: note.to_owned() };
        self.take_back(&[back], by).await.map(|_| ())
    }

    /// Takes a destination's file of debts that it gives back; gives how many. The file is taken whole or refused whole.
    ///
    /// # Errors
    /// All that is wrong with the file.
    pub async fn import_returns(&self, bytes: &[u8], by: &str) -> Result<usize> {
        let rows = read_returns(bytes).map_err(|errors| {
            OfficeError::refused(errors.join("\n"), "nothing of the file was taken; correct it, and import it again")
        })?;
        let mut wrong = Vec::new();
        for row in &rows {
            let line = row.line;
            match self.store.referral(row.referral).await {
                Ok(referral) if referral.state == ReferralState::Placed => {}
                Ok(referral) => {
                    wrong.push(format!("line {line}: referral {} is {}, not placed", row.referral, referral.state));
                }
                Err(StoreError::NotFound { .. }) => {
                    wrong.push(format!("line {line}: there is no referral {}", row.referral));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !wrong.is_empty() {
            return Err(OfficeError::refused(wrong.join("\n"), "nothing of the file was taken"));
        }
        let returns: Vec<DebtReturn> = rows
            .into_iter()
            .map(|row| DebtReturn { referral: row.referral, on: row.on, reason: row.reason, note: row.note })
            .collect();
        self.take_back(&returns, by).await
    }

    async fn take_back(&self, returns: &[DebtReturn], by: &str) -> Result<usize> {
        let stamp = self.stamp(by);
        if let Some(ahead) = returns.iter().find(|back| back.on > stamp.on) {
            return Err(OfficeError::refused(
                format!("{} has not come: today is {}", short(ahead.on), short(stamp.on)),
                "give the day on which the debt came back",
            ));
        }
        for back in returns {
            let referral = self.store.referral(back.referral).await?;
            if referral.placed_on.is_some_and(|placed| back.on < placed) {
                return Err(OfficeError::refused(
                    format!("referral {} was not out on {}", back.referral, short(back.on)),
                    "give the day on which the debt came back",
                ));
            }
        }
        let came_back = self.store.return_referrals(returns, &stamp).await?;
        for referral in &came_back {
            let rules = self.rules_of_case(&self.snapshot(referral.account).await?).await?;
            if !follows_a_return(&rules.policy) {
                let text = format!(
                    "Referral {} came back from {} ({}), and the policy has no stage for it: decide what follows",
                    referral.id,
                    referral.to,
                    referral.cause.as_deref().unwrap_or_default()
                );
                self.store.open_exception(Some(referral.account), ExceptionKind::DebtReturned, &text, &stamp).await?;
            }
        }
        let accounts: BTreeSet<AccountId> = came_back.iter().map(|referral| referral.account).collect();
        self.settle_accounts(&accounts.into_iter().collect::<Vec<_>>()).await?;
        Ok(came_back.len())
    }

    /// Looks at debts of these accounts that are out: those that have to be called back stand on the exceptions list for
    /// as long as that is so. Gives the accounts of which the answer can change on a day, without a fact.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn watch_placed(&self, accounts: &[AccountId]) -> Result<Vec<AccountId>> {
        let placed = self.store.referrals_out(accounts).await?;
        let mut again = Vec::new();
        let stamp = self.daemon_stamp(self.today());
        for page in placed.chunks(super::looks::PAGE) {
            let view = self.view(page.iter().map(|referral| referral.account)).await?;
            let mut why: BTreeMap<AccountId, Vec<String>> = BTreeMap::new();
            for referral in page {
                let seen = view.of(referral.account)?;
                if seen.snapshot.holds.iter().any(|hold| hold.changes_after(stamp.on).is_some()) {
                    again.push(referral.account);
                }
                let of_account = why.entry(referral.account).or_default();
                of_account.extend(recalled_for(referral, &seen.snapshot, &seen.rules.policy, stamp.on));
            }
            for (account, why) in why {
                let text = (!why.is_empty()).then(|| why.join(" "));
                self.store.tell_recall(account, text.as_deref(), &stamp).await?;
            }
        }
        Ok(again)
    }

    /// Tells the lead of debts that time will bar, or has barred, as the policy says how long ahead.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn watch_limitation(&self, policy: &Policy, among: Among<'_>, day: Day) -> Result<()> {
        let referral = &policy.referral;
        let Some(ahead_days) = referral.warn_days else { return Ok(()) };
        let terms = LimitationTerms { years: referral.limitation_years, ahead_days, least: policy.ledger.de_minimis };
        self.store.warn_of_limitation(terms, among, &self.daemon_stamp(day)).await?;
        Ok(())
    }
}

impl Out {
    /// How a referral stands by the account's open debts; none where it was never placed. What a petition stays is owed
    /// there as before: it was not paid.
    #[must_use]
    pub fn of(referral: &Referral, snapshot: &Snapshot) -> Option<Self> {
        let placement = referral.placement.as_ref()?;
        let out = placement.items();
        let owed = snapshot.items.iter().chain(&snapshot.stayed).filter(|item| out.contains(&item.id));
        let balance: Cents = owed.map(|item| item.open).sum();
        Some(Self { placed: placement.amount, since: placement.amount - balance, balance })
    }
}

/// Why a debt that is out has to come back, in words.
fn recalled_for(referral: &Referral, snapshot: &Snapshot, policy: &Policy, on: Day) -> Option<String> {
    let out = referral.placement.as_ref()?.items();
    let head = format!("Referral {} ({}) has to be called back", referral.id, referral.to);
    let hold = snapshot.holds.iter().find(|hold| {
        let concerns = hold.items.is_empty() || !hold.items.is_disjoint(&out);
        hold.holds_on(on) && concerns && policy.hold_blocks(hold.kind).contains(&Blocks::Referral)
    });
    if let Some(hold) = hold {
        return Some(format!("{head}: a {} hold stands since {}.", hold.kind, short(hold.from)));
    }
    let stayed: Cents = snapshot.stayed.iter().filter(|item| out.contains(&item.id)).map(|item| item.open).sum();
    if stayed.is_positive() {
        return Some(format!("{head}: a petition in bankruptcy stays {stayed} of what was placed (11 USC 362)."));
    }
    let standing = Out::of(referral, snapshot)?;
    (!standing.balance.is_positive()).then(|| format!("{head}: what was placed ({}) is paid in full.", standing.placed))
}

/// Whether a stage of the policy waits for a debt to come back.
fn follows_a_return(policy: &Policy) -> bool {
    let stages = policy.tracks.iter().flat_map(|track| &track.stages);
    stages.flat_map(|stage| &stage.start).any(|when| matches!(when.anchor, Anchor::Event(EventKind::DebtReturned, _)))
}

/// The override that a referral to a court needs where debts are barred by time; a refusal where none is given.
fn over_limitation_of(
    referral: &Referral,
    snapshot: &Snapshot,
    policy: &Policy,
    reason: Option<&str>,
    on: Day,
    by: &str,
) -> Result<Option<Override>> {
    if !referral.to.goes_to_court() {
        return Ok(None);
    }
    let years = policy.referral.limitation_years;
    let passed: Vec<(Day, Cents)> = snapshot
        .items
        .iter()
        .map(|item| (of_item(item, years), item.open))
        .filter(|(limitation, _)| matches!(limitation.on(on), Clock::Passed(_)))
        .map(|(limitation, open)| (limitation.last_day, open))
        .collect();
    let Some(first) = passed.iter().map(|(last_day, _)| *last_day).min() else { return Ok(None) };
    let amount: Cents = passed.iter().map(|(_, open)| *open).sum();
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => Ok(Some(Override { by: by.to_owned(), reason: reason.to_owned(), on })),
        None => Err(OfficeError::refused(
            format!(
                "the limitation of {amount} of the debt passed on {} ({})",
                short(first),
                policy.referral.limitation_citation
            ),
            "decline it, or approve it with `--override-limitation REASON`",
        )),
    }
}

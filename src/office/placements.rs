//! Debts that go out and come back: approved, called back, returned; and what the lead is told of them meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;

use super::accounts::need_reason;
use super::looks::LOOKS;
use super::{Office, OfficeError, Result};
use crate::audit::{Broken, Refusal, must_come_back};
use crate::domain::day::short;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::person::Override;
use crate::domain::placement::{NewReturn, ReturnReason};
use crate::domain::promise::PromiseState;
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{AccountId, Cents, Day, OpenItem, ReferralId, Snapshot, World};
use crate::referral::limitation::{Clock, of_item};
use crate::rulebook::Policy;
use crate::rulebook::policy::Stage;
use crate::store::{Among, DebtReturn, LimitationTerms, Permitted, StoreError};

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

    /// The last day to sue upon the first of the referral's debts that time bars; none of a destination with times of its own.
    ///
    /// # Errors
    /// When no policy is in force.
    pub async fn sue_by(&self, referral: &Referral, snapshot: &Snapshot) -> Result<Option<Day>> {
        let rules = self.rules_of_case(snapshot).await?;
        Ok(sue_by(referral, snapshot, &rules.policy))
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
        let back = DebtReturn { referral: id, on, reason, note: note.to_owned(), hold: None, tell: None };
        self.take_back(vec![back], by).await.map(|_| ())
    }

    /// What a file's returns say of the debtors, and nobody has recorded yet: it holds their accounts, and is told.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn hear_returns(&self, returns: &mut [NewReturn], today: Day) -> Result<()> {
        for row in returns {
            let referral = match self.store.referral(row.referral).await {
                Ok(referral) => referral,
                // The import says that there is none, with its line.
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            (row.hold, row.tell) = self.told_of_return(&referral, (row.reason, &row.note), today).await?;
        }
        Ok(())
    }

    /// Takes debts back. What a destination says of the debtor, and nobody has recorded yet, holds the account and stands on
    /// the exceptions list, in the transaction that takes the debt back; so does that the policy has no stage for it.
    async fn take_back(&self, mut returns: Vec<DebtReturn>, by: &str) -> Result<usize> {
        let stamp = self.stamp(by);
        if let Some(ahead) = returns.iter().find(|back| back.on > stamp.on) {
            return Err(OfficeError::refused(
                format!("{} has not come: today is {}", short(ahead.on), short(stamp.on)),
                "give the day on which the debt came back",
            ));
        }
        for back in &mut returns {
            let referral = self.store.referral(back.referral).await?;
            if referral.placed_on.is_some_and(|placed| back.on < placed) {
                return Err(OfficeError::refused(
                    format!("referral {} was not out on {}", back.referral, short(back.on)),
                    "give the day on which the debt came back",
                ));
            }
            (back.hold, back.tell) = self.told_of_return(&referral, (back.reason, &back.note), stamp.on).await?;
        }
        let came_back = self.store.return_referrals(&returns, &stamp).await?;
        let accounts: BTreeSet<AccountId> = came_back.iter().map(|referral| referral.account).collect();
        self.settle_accounts(&accounts.into_iter().collect::<Vec<_>>()).await?;
        Ok(came_back.len())
    }

    /// Why the account of a debt that comes back is held, and what the lead reads of it.
    async fn told_of_return(
        &self,
        referral: &Referral,
        (reason, note): (ReturnReason, &str),
        today: Day,
    ) -> Result<(Option<String>, Option<String>)> {
        let snapshot = self.snapshot(referral.account).await?;
        let (hold, tell) = said_by(referral, (reason, note), &snapshot, today);
        // One that had been called back by then came back for the city's own reason.
        let is_back = referral.state == ReferralState::Recalled;
        if tell.is_some() || is_back || follows_a_return(&self.rules_of_case(&snapshot).await?.policy) {
            return Ok((hold, tell));
        }
        let note = note.trim();
        let said = if note.is_empty() { reason.word().to_owned() } else { format!("{reason}: {note}") };
        let text = format!(
            "Referral {} came back from {} ({said}), and the policy has no stage for it: decide what follows",
            referral.id, referral.to
        );
        Ok((hold, Some(text)))
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
                if changes_by_its_day(&seen.snapshot, &seen.rules.policy, stamp.on) {
                    again.push(referral.account);
                }
                let of_account = why.entry(referral.account).or_default();
                let world = self.world(&seen.rules, stamp.on);
                of_account.extend(recalled_for(referral, &seen.snapshot, &seen.rules.policy, &world));
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

/// Why a debt that is out has to come back, in words: whatever would bar it from going out, what a petition stays of it, or
/// that nothing is left of it.
fn recalled_for(referral: &Referral, snapshot: &Snapshot, policy: &Policy, world: &World) -> Option<String> {
    let out = referral.placement.as_ref()?.items();
    let head = format!("Referral {} ({}) has to be called back", referral.id, referral.to);
    let stayed: Cents = snapshot.stayed.iter().filter(|item| out.contains(&item.id)).map(|item| item.open).sum();
    if stayed.is_positive() {
        return Some(format!("{head}: a petition in bankruptcy stays {stayed} of what was placed (11 USC 362)."));
    }
    let standing = Out::of(referral, snapshot)?;
    if !standing.balance.is_positive() {
        return Some(format!("{head}: what was placed ({}) is paid in full.", standing.placed));
    }
    let refusal = must_come_back(snapshot, policy, world, &out)?;
    Some(format!("{head}: {}.", refusal.to_string().trim_end_matches('.')))
}

/// Whether what keeps debts from being out may differ tomorrow without a new fact.
fn changes_by_its_day(snapshot: &Snapshot, policy: &Policy, today: Day) -> bool {
    snapshot.holds.iter().any(|hold| hold.changes_after(today).is_some())
        || snapshot.disputes.iter().any(|dispute| dispute.appealable_through(today).is_some())
        || snapshot.proofs.iter().any(|proof| proof.changes_after(today).is_some())
        || snapshot.promises.iter().any(|promise| promise.state(&snapshot.payments, today) == PromiseState::Open)
        || snapshot.arrangements.iter().any(|plan| plan.canceled_on.is_none_or(|canceled| today < canceled))
        || policy.bars.iter().any(|bar| bar.blocks == Blocks::Referral)
}

/// Why the account is held on what a destination says of its debtor, and what the lead reads of it. Nothing where the city
/// knows it already.
fn said_by(
    referral: &Referral,
    (reason, note): (ReturnReason, &str),
    snapshot: &Snapshot,
    today: Day,
) -> (Option<String>, Option<String>) {
    let is_held = |kind| snapshot.holds.iter().any(|hold| hold.kind == kind && hold.holds_on(today));
    let note = note.trim();
    let said = if note.is_empty() { reason.to_string() } else { format!("{reason}: {note}") };
    let head = format!("Referral {} came back from {} ({said})", referral.id, referral.to);
    let (is_known, command) = match reason {
        ReturnReason::Bankrupt => {
            (snapshot.stay_on(today).is_some() || is_held(HoldKind::Bankruptcy), "arrears bankruptcy record")
        }
        ReturnReason::Deceased => (is_held(HoldKind::Deceased), "arrears deceased record"),
        ReturnReason::Disputed => (is_held(HoldKind::Dispute), "arrears dispute open"),
        ReturnReason::Paid => {
            let open = Out::of(referral, snapshot).map(|out| out.balance).filter(|open| open.is_positive());
            let tell = open.map(|open| {
                format!(
                    "{head}, and {open} of it is open here: ask what was collected, before the debt is asked for again"
                )
            });
            return (None, tell);
        }
        ReturnReason::Uncollectable | ReturnReason::Skip | ReturnReason::Closed => return (None, None),
    };
    if is_known {
        return (None, Some(format!("{head}, as is recorded: see whether it says more than the city knows")));
    }
    let hold = format!("{} says of the debtor: {said}", referral.to);
    let tell = format!(
        "{head}: nothing is done on the account until it is recorded (`{command}`), or you end the hold with a reason"
    );
    (Some(hold), Some(tell))
}

/// Whether a stage of the policy waits for a debt to come back.
fn follows_a_return(policy: &Policy) -> bool {
    policy.tracks.iter().flat_map(|track| &track.stages).any(Stage::follows_a_return)
}

/// The last day to sue upon the first of the referral's debts that time bars, where it is before a court or an agency.
fn sue_by(referral: &Referral, snapshot: &Snapshot, policy: &Policy) -> Option<Day> {
    let years = policy.referral.limitation_years;
    let is_own = |item: &&OpenItem| referral.items.is_empty() || referral.items.contains(&item.id);
    let own = snapshot.items.iter().filter(is_own).filter(|_| years > 0 && referral.to.asks_whether_time_bars());
    own.map(|item| of_item(item, years).last_day).min()
}

/// The override that a referral to a court or an agency needs where debts are barred by time; a refusal where none is given.
fn over_limitation_of(
    referral: &Referral,
    snapshot: &Snapshot,
    policy: &Policy,
    reason: Option<&str>,
    on: Day,
    by: &str,
) -> Result<Option<Override>> {
    if !referral.to.asks_whether_time_bars() {
        return Ok(None);
    }
    let years = policy.referral.limitation_years;
    let is_own = |item: &&OpenItem| referral.items.is_empty() || referral.items.contains(&item.id);
    let passed: Vec<(Day, Cents)> = snapshot
        .items
        .iter()
        .filter(is_own)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NoticeId;
    use crate::domain::day::plus_days;
    use crate::domain::dispute::Side;
    use crate::domain::hold::Hold;
    use crate::domain::notice::NoticeState;
    use crate::office::testing::{City, day};
    use crate::office::{DisputeRequest, IfLate, RulingRequest};
    use crate::store::ExceptionKind;

    const RETURNS: &str = "referral,returned_on,reason,note\n";

    async fn state(city: &City) -> (ReferralState, Option<String>) {
        let referral = city.office.store.referral(ReferralId(1)).await.unwrap();
        (referral.state, referral.cause)
    }

    #[tokio::test]
    async fn a_debt_is_to_be_called_back_until_the_ruling_can_be_appealed_no_more() {
        let city = City::new().await;
        city.is_out("10-000417").await;
        city.at("2026-05-01", "09:00");
        let request = DisputeRequest { items: vec!["B1-W".into()], reason: "misread".into(), raised_on: None };
        let dispute = city.office.open_dispute(city.debtor().await, &request, "Omar").await.unwrap();
        city.at("2026-05-05", "09:00");
        let ruling = RulingRequest { side: Side::City, findings: "read right".into(), credit: None };
        city.office.decide_dispute(dispute.id, &ruling, "Ruth").await.unwrap();
        // The time to appeal does not run out while the letter on the ruling lies here.
        let mut told_on = Vec::new();
        for after in 1..30 {
            let today = plus_days(day("2026-05-05"), after);
            city.at(&today.to_string(), "04:00");
            city.office.night(today).await.unwrap();
            let lines = city.office.store.exceptions_of_kind(ExceptionKind::RecallReferral).await.unwrap();
            let told = lines.iter().any(|line| line.text.contains("can be appealed until"));
            let known = city.office.snapshot(city.debtor().await).await.unwrap();
            assert_eq!(told, known.disputes[0].appealable_through(today).is_some(), "{today}: {lines:?}");
            if told {
                told_on.push(today);
            }
            let planned = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
            let letters: Vec<NoticeId> = planned.iter().map(|notice| notice.id).collect();
            city.office.release_notices(&letters, "Ruth").await.unwrap();
            city.office.work_outbox(&city.mailer()).await.unwrap();
            if let Some(made) = city.office.make_batch("Ruth").await.unwrap().made {
                city.office.mark_batch_mailed(made.batch, today, IfLate::Void, "PS 3665", "Ruth").await.unwrap();
            }
        }
        let last = told_on.last().copied().unwrap();
        assert!(told_on.len() >= 10 && last < day("2026-06-01"), "it ends: {told_on:?}");
    }

    async fn standing(city: &City) -> Vec<Hold> {
        let mut holds = city.office.snapshot(city.debtor().await).await.unwrap().holds;
        holds.retain(|hold| hold.ended_on.is_none());
        holds
    }

    #[tokio::test]
    async fn that_a_debt_is_disputed_is_answered_by_a_dispute_of_that_debt_and_of_no_other() {
        let city = City::new().await;
        city.is_out("10-000417").await;
        city.at("2026-05-01", "09:00");
        let other = "account,service,amount,billed_on,due_on,source,reference\n\
                     10-000417,refuse,20.00,2026-04-15,2026-05-06,cis,B9-R\n";
        city.takes("charges-2.csv", other).await;
        let (on, said) = (day("2026-05-01"), "says the meter was misread");
        city.office.return_referral(ReferralId(1), on, ReturnReason::Disputed, said, "Ruth").await.unwrap();
        let request = |item: &str| DisputeRequest { items: vec![item.into()], reason: "x".into(), raised_on: None };
        city.office.open_dispute(city.debtor().await, &request("B9-R"), "Omar").await.unwrap();
        let kinds = |holds: Vec<Hold>| holds.into_iter().map(|hold| hold.kind).collect::<Vec<_>>();
        assert_eq!(kinds(standing(&city).await), [HoldKind::Reported, HoldKind::Dispute]);
        city.office.open_dispute(city.debtor().await, &request("B1-W"), "Omar").await.unwrap();
        assert_eq!(kinds(standing(&city).await), [HoldKind::Dispute, HoldKind::Dispute]);
    }

    #[tokio::test]
    async fn what_an_agency_says_of_the_debtor_of_a_recalled_debt_holds_the_account_all_the_same() {
        let city = City::new().await;
        city.is_out("10-000417").await;
        city.at("2026-05-01", "09:00");
        city.office.recall_referral(ReferralId(1), "paid to us", "Ruth").await.unwrap();
        city.takes("back.csv", &format!("{RETURNS}1,2026-04-30,bankrupt,chapter 7\n")).await;
        assert_eq!(state(&city).await, (ReferralState::Recalled, Some("paid to us".into())));
        let [hold] = &standing(&city).await[..] else { panic!("one hold") };
        assert!(hold.kind == HoldKind::Reported && hold.reason.contains("chapter 7"), "{hold:?}");
        let told = || async { city.office.store.exceptions_of_kind(ExceptionKind::DebtReturned).await.unwrap().len() };
        assert_eq!(told().await, 1);
        // In the next file it stands again, with others.
        city.takes("back-2.csv", &format!("{RETURNS}1,2026-04-30,bankrupt,chapter 7 again\n")).await;
        assert_eq!((standing(&city).await.len(), told().await), (1, 1));
        let request = crate::office::PetitionRequest {
            chapter: crate::domain::petition::Chapter::Seven,
            court: "Eastern District of California".into(),
            case_number: "26-1".into(),
            petition_on: day("2026-04-20"),
            relief_on: None,
            learned_on: None,
        };
        city.office.record_petition(city.debtor().await, &request, "Omar").await.unwrap();
        assert_eq!(standing(&city).await, []);
    }

    #[tokio::test]
    async fn a_file_of_debts_that_come_back_is_taken_from_the_inbox_and_a_wrong_one_lies_among_the_refused() {
        let city = City::new().await;
        city.is_out("10-000417").await;
        city.at("2026-05-01", "09:00");
        for (row, said) in [
            ("2,2026-04-30,skip,", "there is no referral 2"),
            ("1,2026-03-01,skip,", "was placed on 2026-03-02, later than it came back"),
            ("1,2026-05-02,skip,", "2026-05-02"),
        ] {
            city.inbox("back.csv", &format!("{RETURNS}{row}\n"));
            assert_eq!(city.office.take_inbox().await.unwrap().refused, 1, "{row}");
            let refused = city.office.dir.join("refused");
            let newest = std::fs::read_dir(&refused).unwrap().map(|entry| entry.unwrap().path());
            let reports = newest.filter(|path| path.to_string_lossy().ends_with(".report.txt"));
            let told: Vec<String> = reports.map(|path| std::fs::read_to_string(path).unwrap()).collect();
            assert!(told.iter().any(|report| report.contains(said)), "{told:?}");
            assert_eq!(state(&city).await.0, ReferralState::Placed);
        }
        city.takes("back.csv", &format!("{RETURNS}1,04/30/2026,skip,no such address\n")).await;
        assert_eq!(state(&city).await, (ReferralState::Returned, Some("skip: no such address".into())));
        let snapshot = city.office.snapshot(city.debtor().await).await.unwrap();
        assert_eq!(
            snapshot.events.last().map(|event| (event.kind, event.on)),
            Some((crate::domain::EventKind::DebtReturned, day("2026-05-01")))
        );
        // The same bytes again say nothing new.
        city.takes("back.csv", &format!("{RETURNS}1,04/30/2026,skip,no such address\n")).await;
        assert_eq!(state(&city).await.0, ReferralState::Returned);
    }
}

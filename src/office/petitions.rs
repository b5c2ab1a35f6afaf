//! Petitions in bankruptcy: recorded, with what is to be undone where one is learned late; assured, discharged, ended.

use std::fmt::Write;

use super::accounts::{need_reason, not_ahead};
use super::{Office, OfficeError, Result};
use crate::domain::day::{plus_days, short};
use crate::domain::field_order::OrderKind;
use crate::domain::ledger::settle;
use crate::domain::petition::{Assurance, Chapter, OfAfter, Petition, StayEnd};
use crate::domain::placement::ReturnReason;
use crate::domain::referral::ReferralState;
use crate::domain::{AccountId, Cents, Day, EntryId, EntryKind, PetitionId, ProposalId, Role};
use crate::rulebook::policy::BankruptcyRules;
use crate::store::{NewPetition, PetitionNews};

/// A petition as its notice tells it.
#[derive(Clone, Debug)]
pub struct PetitionRequest {
    pub chapter: Chapter,
    pub court: String,
    pub case_number: String,
    pub petition_on: Day,
    /// The order for relief; the petition's own day where it is not said.
    pub relief_on: Option<Day>,
    /// The day on which notice was received; today where it is not said.
    pub learned_on: Option<Day>,
}

/// A petition as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPetition {
    pub id: PetitionId,
    /// What was done since the petition and is to be undone, in words.
    pub late: Option<String>,
    /// The customer's other accounts, which are held until somebody has looked.
    pub held: Vec<String>,
}

impl Office {
    /// Records a petition. From now on nobody asks for what is of the time through its day; fees that were posted on it
    /// since are taken back. What else was done since is put before the lead. The customer's other accounts are held until
    /// somebody has looked.
    ///
    /// # Errors
    /// When a day lies ahead or before the petition, or another petition stands.
    pub async fn record_petition(
        &self,
        account: AccountId,
        request: &PetitionRequest,
        by: &str,
    ) -> Result<RecordedPetition> {
        need_reason(&request.court)?;
        need_reason(&request.case_number)?;
        self.not_of_household(by, account).await?;
        let today = self.today();
        let learned_on = request.learned_on.unwrap_or(today);
        let relief_on = request.relief_on.unwrap_or(request.petition_on);
        not_ahead(learned_on, today, "the day on which notice was received")?;
        for (what, day) in
            [("the day on which notice was received", learned_on), ("the day of the order for relief", relief_on)]
        {
            if day < request.petition_on {
                let expected = format!("the day of the petition, {}, or a later one", request.petition_on);
                return Err(OfficeError::Input { what, given: day.to_string(), expected });
            }
        }
        let mut new = NewPetition {
            chapter: request.chapter,
            court: request.court.clone(),
            case_number: request.case_number.clone(),
            petition_on: request.petition_on,
            relief_on,
            learned_on,
            late: None,
            others: Vec::new(),
        };
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        new.late = self.done_since(account, &new).await?;
        let what = format!("a petition in bankruptcy of {}, case {}", short(new.petition_on), new.case_number);
        let (others, held) =
            self.holds_of_others(account, ReturnReason::Bankrupt, &what, "arrears bankruptcy record").await?;
        new.others = others;
        let id = self.store.record_petition(account, &new, &rules.policy.ledger, &self.stamp(by)).await?;
        let touched: Vec<AccountId> =
            std::iter::once(account).chain(new.others.iter().map(|held| held.account)).collect();
        self.settle_accounts(&touched).await?;
        Ok(RecordedPetition { id, late: new.late, held })
    }

    /// What was done after the petition about debts of before it, and how each is undone.
    #[expect(clippy::too_many_lines, reason = "what may have been done, one thing after the other")]
    async fn done_since(&self, account: AccountId, new: &NewPetition) -> Result<Option<String>> {
        let since = new.petition_on;
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let entries = self.store.entries(account).await?;
        let today = self.today();
        let order = &rules.policy.ledger.order;
        let before = settle(&entries, order, &snapshot.spans(), today);
        let stay = Petition {
            id: PetitionId(0),
            chapter: new.chapter,
            court: String::new(),
            case_number: String::new(),
            petition_on: since,
            relief_on: since,
            learned_on: new.learned_on,
            recorded_on: today,
            recorded_by: String::new(),
            known_through: crate::domain::EntryId(0),
            assurance: None,
            discharged_on: None,
            ended: None,
            ordered_on: None,
            of_after: Vec::new(),
        };
        let spans: Vec<_> = snapshot.spans().into_iter().chain([stay.span()]).collect();
        let after = settle(&entries, order, &spans, today);
        let mut done: Vec<String> = Vec::new();
        for credit in entries.iter().filter(|entry| entry.kind == EntryKind::Payment && entry.effective_on > since) {
            let on_old = |books: &crate::domain::ledger::Books| {
                let of_credit = books.applications.iter().filter(|application| application.credit == credit.id);
                of_credit.filter(|paid| is_before(&entries, paid.debt, since)).map(|paid| paid.amount).sum::<Cents>()
            };
            let moved = on_old(&before) - on_old(&after);
            if moved.is_positive() {
                done.push(format!(
                    "payment {} of {} had paid {moved} of older debt; it is applied to what is owed since, and what is left \
                     is credit: ask counsel whether it is returned",
                    credit.reference,
                    short(credit.effective_on)
                ));
            }
        }
        for fee in snapshot.fees.iter().filter(|fee| fee.undone.is_none() && fee.on > since) {
            done.push(format!(
                "{} of {} on {}: taken back by itself where nothing else was past due",
                fee.name,
                fee.amount,
                short(fee.on)
            ));
        }
        let theirs = |entry: &&crate::domain::Entry| {
            entry.kind == EntryKind::Fee
                && entry.effective_on > since
                && entry.source != crate::domain::ledger::OWN_SOURCE
        };
        for fee in entries.iter().filter(theirs) {
            done.push(format!("fee {} of {}: have the billing system reverse it", fee.reference, fee.amount));
        }
        for notice in self.store.notices_of(account).await? {
            if let Some(on) = notice.mailed_on.filter(|on| *on > since) {
                let (id, name) = (notice.id, notice.template.as_str().replace('_', " "));
                done.push(format!("notice {id} ({name}) mailed {}: tell counsel", short(on)));
            }
        }
        for attempt in self.store.attempts_of(account).await?.iter().filter(|attempt| attempt.made_on > since) {
            done.push(format!("called by {} on {}: tell counsel", attempt.by, short(attempt.made_on)));
        }
        for order in self.store.orders_of(account).await? {
            if let (OrderKind::ShutOff | OrderKind::Limit, Some(on)) =
                (order.kind, order.done_on.filter(|on| *on > since))
            {
                done.push(format!(
                    "{} shut off on {}: it is turned on again unless debt since the petition is past due, see the field orders",
                    order.service,
                    short(on)
                ));
            }
        }
        for plan in snapshot.arrangements.iter().filter(|plan| plan.canceled_on.is_none()) {
            if plan.covers.iter().any(|item| after.stayed.iter().any(|stayed| stayed.id == *item)) {
                done.push(format!("arrangement {} covers older debt: cancel it", plan.id));
            }
        }
        for referral in self.store.referrals_of(account).await? {
            let Some(placement) = referral.placement.as_ref().filter(|_| referral.state == ReferralState::Placed)
            else {
                continue;
            };
            let out = placement.items();
            let old: Cents = after.stayed.iter().filter(|item| out.contains(&item.id)).map(|item| item.open).sum();
            if old.is_positive() {
                done.push(format!(
                    "referral {} ({}) has {old} of older debt: call it back at once (`arrears referrals recall {}`)",
                    referral.id, referral.to, referral.id
                ));
            }
        }
        let deposit: Cents = snapshot.deposits.iter().map(|deposit| deposit.held_on(today)).sum();
        if deposit.is_positive() {
            done.push(format!(
                "a deposit of {deposit} is held: it is applied to nothing by itself; ask counsel for the court's leave to set \
                 it off (11 USC 362(a)(7), 553), or have the billing system give it back"
            ));
        }
        if done.is_empty() {
            return Ok(None);
        }
        let mut text = format!(
            "A petition in bankruptcy of {} (case {}) was learned on {}. To undo of what was done since:",
            short(since),
            new.case_number,
            short(new.learned_on)
        );
        for (n, what) in (1..).zip(done) {
            // Writing to a string does not fail.
            let _ = write!(text, " ({n}) {what}.");
        }
        Ok(Some(text))
    }

    /// Records adequate assurance of payment: nothing is to be decided for want of it.
    ///
    /// # Errors
    /// When the day lies ahead, or the form is not said.
    pub async fn petition_assured(&self, id: PetitionId, on: Day, form: &str, by: &str) -> Result<()> {
        need_reason(form)?;
        not_ahead(on, self.today(), "the day of the assurance")?;
        let assurance = Assurance { on, form: form.to_owned(), recorded_by: by.to_owned() };
        self.petition_news(id, &PetitionNews::Assured(assurance), by).await.map(|_| ())
    }

    /// A correction of which nothing says what time it is of is of the time after the petition: from now on it is owed like any
    /// debt of that time.
    ///
    /// # Errors
    /// When it is no such correction of the account, the stay has ended, or no reason is given.
    pub async fn correction_after(&self, id: PetitionId, entry: EntryId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let said = OfAfter { entry, by: by.to_owned(), on: self.today(), reason: reason.to_owned() };
        self.petition_news(id, &PetitionNews::OfAfter(said), by).await.map(|_| ())
    }

    /// The debt of the time before is discharged: it is proposed for write-off, which another approves.
    ///
    /// # Errors
    /// When the day lies ahead, or the stay has ended.
    pub async fn petition_discharged(&self, id: PetitionId, on: Day, by: &str) -> Result<Option<ProposalId>> {
        self.petition_news_of_day(id, on, PetitionNews::Discharged(on), by).await
    }

    /// The case was dismissed, or closed without a discharge: from today on the debts are owed with their own due dates again.
    /// Notices are served anew.
    ///
    /// # Errors
    /// When the day lies ahead, or the stay has ended.
    pub async fn petition_ended(&self, id: PetitionId, on: Day, how: StayEnd, by: &str) -> Result<()> {
        // What was not asked for until today was not late until today: the stay ends for the books on the day we learn it.
        self.petition_news_of_day(id, on, PetitionNews::Ended(self.today(), on, how), by).await.map(|_| ())
    }

    async fn petition_news_of_day(
        &self,
        id: PetitionId,
        on: Day,
        news: PetitionNews,
        by: &str,
    ) -> Result<Option<ProposalId>> {
        not_ahead(on, self.today(), "the day of the order")?;
        let (_, petition) = self.store.petition(id).await?;
        if on < petition.petition_on {
            let expected = format!("the day of the petition, {}, or a later one", petition.petition_on);
            return Err(OfficeError::Input { what: "the day of the order", given: on.to_string(), expected });
        }
        self.petition_news(id, &news, by).await
    }

    async fn petition_news(&self, id: PetitionId, news: &PetitionNews, by: &str) -> Result<Option<ProposalId>> {
        let (account, _) = self.store.petition(id).await?;
        self.not_of_household(by, account).await?;
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let proposed = self.store.petition_news(id, news, &rules.policy.ledger, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(proposed)
    }

    /// Puts before the lead, once each, the petitions without assurance whose time for it is over. Nothing is ordered: whether
    /// service goes on is a person's to decide.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn tell_unassured(&self, day: Day) -> Result<()> {
        let petitions = self.store.petitions_unassured().await?;
        for (account, petition) in petitions.into_iter().filter(|(_, petition)| petition.stays_on(day)) {
            let rules = self.rules_on(day).await?;
            let bankruptcy = &rules.policy.proceedings.bankruptcy;
            if last_day_for_assurance(&petition, bankruptcy) >= day {
                continue;
            }
            let days = assurance_days(&petition, bankruptcy);
            let text = format!(
                "No adequate assurance of payment is recorded within {days} days after the order for relief of {} ({}). You \
                 may decide to discontinue service ({}); nothing is ordered by itself, and nothing ever for debt of \
                 before the petition. Record an assurance with `arrears bankruptcy assurance {}`",
                short(petition.relief_on),
                petition.words(),
                bankruptcy.citation,
                petition.id
            );
            let key = format!("petition {}, no assurance", petition.id);
            self.store.open_task(account, &key, &text, Role::Lead, &self.daemon_stamp(day)).await?;
        }
        Ok(())
    }
}

fn assurance_days(petition: &Petition, rules: &BankruptcyRules) -> u16 {
    if petition.chapter == Chapter::Eleven { rules.chapter_11_days } else { rules.assurance_days }
}

/// The last day on which assurance is in time.
fn last_day_for_assurance(petition: &Petition, rules: &BankruptcyRules) -> Day {
    plus_days(petition.relief_on, i64::from(assurance_days(petition, rules)))
}

/// Whether a debt is of before the petition, wholly or in part: by its own dates, for the list of what to undo.
fn is_before(entries: &[crate::domain::Entry], debt: crate::domain::ItemId, since: Day) -> bool {
    let debt = entries.iter().find(|entry| entry.id == debt);
    debt.is_some_and(|debt| crate::domain::petition::share_before(debt, since, false).is_positive())
}

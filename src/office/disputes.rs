//! Disputes: opened at the counter or by telephone, decided by the lead, appealed, settled by a second person's approval.

use super::accounts::{need_reason, not_ahead};
use super::{Office, OfficeError, Result, Rules};
use crate::domain::day::{plus_days, short};
use crate::domain::dispute::{Dispute, DisputeState, Side};
use crate::domain::fee::PostedFee;
use crate::domain::hold::HoldKind;
use crate::domain::proposal::Proposed;
use crate::domain::{AccountId, Cents, Day, DisputeId, Entry, ItemId, Snapshot};
use crate::store::{NewDispute, NewRuling};

/// A dispute about to be opened, as it is told.
#[derive(Clone, Debug)]
pub struct DisputeRequest {
    /// References of the billing system or numbers of entries; none for the whole account.
    pub items: Vec<String>,
    pub reason: String,
    /// Today where it is not said.
    pub raised_on: Option<Day>,
}

/// How a dispute is decided, as it is told.
#[derive(Clone, Debug)]
pub struct RulingRequest {
    pub side: Side,
    pub findings: String,
    /// For the customer: what is taken off, all of what is disputed where it is not said. Zero for nothing.
    pub credit: Option<Cents>,
}

impl Office {
    /// Opens a dispute of debts of an account, or of the whole account. Whatever it is about, nobody is shut off and nothing
    /// referred while it is open; what it is about gets no fee and counts toward nothing.
    ///
    /// # Errors
    /// When a debt is not the account's or is disputed already, the day lies ahead, or no reason is given.
    pub async fn open_dispute(&self, account: AccountId, request: &DisputeRequest, by: &str) -> Result<Dispute> {
        need_reason(&request.reason)?;
        self.not_of_household(by, account).await?;
        let today = self.today();
        let raised_on = request.raised_on.unwrap_or(today);
        not_ahead(raised_on, today, "the day on which a dispute was raised")?;
        let entries = self.store.entries(account).await?;
        let items = request.items.iter().map(|name| named(&entries, name)).collect::<Result<Vec<ItemId>>>()?;
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let stops_clock = rules.policy.holds.iter().any(|rule| rule.kind == HoldKind::Dispute && rule.stops_clock);
        let new = NewDispute { items, reason: request.reason.clone(), raised_on, stops_clock };
        let dispute = self.store.open_dispute(account, &new, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(dispute)
    }

    /// Decides a dispute that is open, or the appeal against its first ruling.
    ///
    /// For the city: what it was about counts again, and the lead has a task to tell the customer, with the last day for an
    /// appeal where the policy has one. For the customer: the credit, and the fees that were posted on the bill since it was
    /// raised, are proposed for somebody else to approve; until then all stays as it is.
    ///
    /// # Errors
    /// When it is decided already, the account is of one's own household, an appeal is decided by who decided first, or
    /// the credit is more than is disputed.
    pub async fn decide_dispute(&self, id: DisputeId, request: &RulingRequest, by: &str) -> Result<Dispute> {
        need_reason(&request.findings)?;
        let (account, dispute) = self.store.dispute(id).await?;
        self.not_of_household(by, account).await?;
        if dispute.state() == DisputeState::Appealed && dispute.ruling.as_ref().is_some_and(|first| first.by == by) {
            return Err(OfficeError::refused(
                format!("{by} decided dispute {id}, and nobody decides on the appeal against their own ruling"),
                "ask somebody else who may",
            ));
        }
        let snapshot = self.snapshot(account).await?;
        let rules = self.rules_of_case(&snapshot).await?;
        let new = match request.side {
            Side::City => self.for_city(&dispute, request, &rules)?,
            Side::Customer => for_customer(&dispute, request, &snapshot, &self.store.entries(account).await?)?,
        };
        let decided = self.store.rule_on_dispute(id, &new, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(decided)
    }

    fn for_city(&self, dispute: &Dispute, request: &RulingRequest, rules: &Rules) -> Result<NewRuling> {
        if request.credit.is_some_and(|credit| !credit.is_zero()) {
            return Err(OfficeError::refused("a ruling for the city takes nothing off", "decide it for the customer"));
        }
        let disputes = &rules.policy.proceedings.disputes;
        // One appeal: the governing body's word is the last.
        let days = disputes.appeal_days.filter(|_| dispute.appeal.is_none());
        let appeal_by = days.map(|days| plus_days(self.today(), i64::from(days)));
        let appeal = appeal_by.map_or_else(
            || "there is no further appeal".to_owned(),
            |last| {
                let cite =
                    if disputes.citation.is_empty() { String::new() } else { format!(" ({})", disputes.citation) };
                format!("it can be appealed until {}{cite}", short(last))
            },
        );
        let task = format!(
            "Tell the customer in writing that dispute {} was decided for the city: {}; {appeal}",
            dispute.id, request.findings
        );
        Ok(NewRuling {
            side: Side::City,
            findings: request.findings.clone(),
            appeal_by,
            proposals: Vec::new(),
            task: Some(task),
        })
    }

    /// Takes an appeal against a ruling for the city: from now on all stops again, until it is decided.
    ///
    /// # Errors
    /// When there is no such ruling, its time for an appeal is over, or no reason is given.
    pub async fn appeal_dispute(&self, id: DisputeId, reason: &str, by: &str) -> Result<Dispute> {
        need_reason(reason)?;
        let (account, _) = self.store.dispute(id).await?;
        self.not_of_household(by, account).await?;
        let dispute = self.store.appeal_dispute(id, reason, &self.stamp(by)).await?;
        self.settle_accounts(&[account]).await?;
        Ok(dispute)
    }
}

/// The debt that a reference or a number names.
fn named(entries: &[Entry], name: &str) -> Result<ItemId> {
    let undone = |debt: &Entry| entries.iter().any(|entry| entry.reverses == Some(debt.id));
    let debts = || entries.iter().filter(|entry| entry.is_debt() && !undone(entry));
    let by_reference = debts().find(|debt| debt.reference == name);
    let by_number = || name.parse().ok().and_then(|number: i64| debts().find(|debt| debt.id.0 == number));
    by_reference.or_else(by_number).map(|debt| debt.id).ok_or_else(|| {
        OfficeError::refused(
            format!("the account has no debt {name:?}"),
            "`arrears account ACCOUNT` shows the ledger with references and numbers",
        )
    })
}

/// The credits of a ruling for the customer, oldest debt first, and the fees that were posted on the bill meanwhile.
///
/// What was paid on a disputed bill can be given back too: the credit is then money for other debts.
fn for_customer(
    dispute: &Dispute,
    request: &RulingRequest,
    snapshot: &Snapshot,
    entries: &[Entry],
) -> Result<NewRuling> {
    let open = |id: ItemId| snapshot.items.iter().find(|item| item.id == id).map_or(Cents::ZERO, |item| item.open);
    let is_disputed = |debt: &Entry| {
        if dispute.items.is_empty() { open(debt.id).is_positive() } else { dispute.items.contains(&debt.id) }
    };
    let undone = |debt: &Entry| entries.iter().any(|entry| entry.reverses == Some(debt.id));
    let mut debts: Vec<&Entry> =
        entries.iter().filter(|entry| entry.is_debt() && is_disputed(entry) && !undone(entry)).collect();
    debts.sort_by_key(|debt| (debt.due_on, debt.id));
    let billed: Cents = debts.iter().map(|debt| debt.amount).sum();
    let owed: Cents = debts.iter().map(|debt| open(debt.id)).sum();
    let credit = match request.credit {
        Some(credit) if credit.is_negative() || credit > billed => {
            return Err(OfficeError::Input {
                what: "the credit",
                given: credit.to_string(),
                expected: format!("from $0.00 to what was billed, {billed}"),
            });
        }
        Some(credit) => credit,
        None if dispute.items.is_empty() => {
            return Err(OfficeError::refused(
                "the whole account is disputed, and the ruling names no credit",
                "say what is taken off: `--credit AMOUNT`, 0.00 for nothing",
            ));
        }
        None => owed,
    };
    let reason = format!("dispute {}: {}", dispute.id, request.findings);
    let mut proposals = Vec::new();
    // What is open of each first; what is left of the credit gives back what was paid.
    let mut left = credit;
    let mut off: Vec<Cents> = debts.iter().map(|_| Cents::ZERO).collect();
    for only_open in [true, false] {
        for (debt, off) in debts.iter().zip(&mut off) {
            let most = if only_open { open(debt.id) } else { debt.amount - *off };
            let more = most.min(left).max(Cents::ZERO);
            *off += more;
            left -= more;
        }
    }
    for (debt, off) in debts.iter().zip(off).filter(|(_, off)| off.is_positive()) {
        let what = Proposed::Adjustment { service: debt.service, change: -off, item: Some(debt.id) };
        proposals.push((what, off, reason.clone()));
    }
    // Where nothing is left of a bill, it had no late fee either; else only what was posted since it was disputed.
    let since = if credit >= owed && !dispute.items.is_empty() { Day::MIN } else { dispute.raised_on };
    for fee in fees_on(&debts, snapshot).filter(|fee| fee.on >= since && credit.is_positive()) {
        if !debts.iter().any(|debt| debt.id == fee.entry) {
            proposals.push((Proposed::Waiver { fee: fee.entry }, fee.amount, reason.clone()));
        }
    }
    let findings = request.findings.clone();
    Ok(NewRuling { side: Side::Customer, findings, appeal_by: None, proposals, task: None })
}

/// Fees that stand, of bills among the debts.
fn fees_on<'a>(debts: &'a [&'a Entry], snapshot: &'a Snapshot) -> impl Iterator<Item = &'a PostedFee> {
    let of_bill = |fee: &&PostedFee| {
        let bill = |debt: &&Entry| (debt.effective_on, debt.due_on.unwrap_or(debt.effective_on));
        debts.iter().any(|debt| fee.bill == Some(bill(debt)))
    };
    snapshot.fees.iter().filter(|fee| fee.undone.is_none()).filter(of_bill)
}

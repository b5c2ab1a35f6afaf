//! What a ruling for the customer takes off: of each bill, of its late fees, and what had been paid already.

use super::disputes::RulingRequest;
use super::{OfficeError, Result};
use crate::domain::action::{FeeAction, FeeAmount, FeeBase};
use crate::domain::day::{plus_days, short};
use crate::domain::dispute::{Dispute, Side};
use crate::domain::fee::{PostedFee, owed_before, taken_back};
use crate::domain::ledger::settle;
use crate::domain::proposal::{Proposal, ProposalState, Proposed};
use crate::domain::{Action, Cents, Day, Entry, EntryKind, ItemId, OpenItem, ProposalId, Snapshot};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Opens, Per};
use crate::store::NewRuling;

/// What is known when a dispute is decided.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub dispute: &'a Dispute,
    pub snapshot: &'a Snapshot,
    pub entries: &'a [Entry],
    pub proposals: &'a [Proposal],
}

/// A disputed debt: what a ruling can take off it, and what it does.
struct Disputed<'a> {
    debt: &'a Entry,
    open: Cents,
    paid: Cents,
    off: Cents,
}

/// The last day for an appeal against a ruling of today. There is one appeal: the governing body's word is the last.
pub(super) fn last_to_appeal(dispute: &Dispute, policy: &Policy, today: Day) -> Option<Day> {
    let days = policy.proceedings.disputes.appeal_days.filter(|_| dispute.appeal.is_none());
    days.map(|days| plus_days(today, i64::from(days)))
}

pub(super) fn appeal_words(last: Option<Day>, policy: &Policy) -> String {
    let Some(last) = last else { return "there is no further appeal".to_owned() };
    let citation = &policy.proceedings.disputes.citation;
    let cite = if citation.is_empty() { String::new() } else { format!(" ({citation})") };
    format!("it can be appealed until {}{cite}", short(last))
}

impl<'a> Known<'a> {
    /// The credits, oldest debt first, and what the late fees come to less. What was paid on a disputed bill is given back
    /// too: it is then money for other debts, and what is left of it is refunded.
    pub(super) fn for_customer(self, request: &RulingRequest, policy: &Policy, today: Day) -> Result<NewRuling> {
        let id = self.dispute.id;
        let mut debts = self.disputed(policy, today);
        let claimed: Cents = debts.iter().map(|debt| debt.open + debt.paid).sum();
        let credit = match request.credit {
            Some(credit) if credit.is_negative() || credit > claimed => {
                return Err(OfficeError::Input {
                    what: "the credit",
                    given: credit.to_string(),
                    expected: format!("from $0.00 to what was billed and not taken off before, {claimed}"),
                });
            }
            Some(credit) => credit,
            None if self.dispute.items.is_empty() => {
                return Err(OfficeError::refused(
                    "the whole account is disputed, and the ruling names no credit",
                    "say what is taken off: `--credit AMOUNT`, 0.00 for nothing",
                ));
            }
            None => claimed,
        };
        spread(&mut debts, credit);
        let reason = format!("dispute {id}: {}", request.findings);
        let mut proposals = Vec::new();
        for Disputed { debt, off, .. } in debts.iter().filter(|debt| debt.off.is_positive()) {
            let what = Proposed::Adjustment { service: debt.service, change: -*off, item: Some(debt.id) };
            proposals.push((what, *off, reason.clone()));
        }
        let mut told = Vec::new();
        for fee in self.fees_on(&debts).filter(|_| credit.is_positive()) {
            let Some(now) = self.fee_without(fee, &debts, policy) else { continue };
            let FeeNow { comes_to, words } = now;
            let before = self.given_for(fee.entry, |_| true);
            let off = fee.amount - before - comes_to;
            let service = self.entries.iter().find(|entry| entry.id == fee.entry).map(|entry| entry.service);
            let (true, Some(service)) = (off.is_positive(), service) else {
                told.push(format!("the {} of {} stays ({words})", fee.name, fee.amount - before));
                continue;
            };
            told.push(format!("of the {} of {}, {off} is taken off ({words})", fee.name, fee.amount));
            let what = if off == fee.amount {
                Proposed::Waiver { fee: fee.entry, by_law: false }
            } else {
                Proposed::Adjustment { service, change: -off, item: Some(fee.entry) }
            };
            proposals.push((what, off, format!("{reason}; {words}")));
        }
        let had_paid: Cents = debts.iter().map(|debt| debt.off - debt.off.min(debt.open)).sum();
        let appeal_by = last_to_appeal(self.dispute, policy, today).filter(|_| credit < claimed);
        let rest = if credit < claimed { format!("; {}", appeal_words(appeal_by, policy)) } else { String::new() };
        let told: String = told.iter().flat_map(|one| ["; ", one.as_str()]).collect();
        let of = format!("dispute {id} was decided for them with {credit} of {claimed}");
        let tell = format!("{of}: {}{told}{rest}", request.findings);
        let task = had_paid.is_positive().then(|| {
            format!(
                "Dispute {id} was decided for the customer, and {had_paid} of what is taken off had been paid: once the credit is \
                 approved it pays what else is owed, and what is left is to be refunded"
            )
        });
        let findings = request.findings.clone();
        let seen = Some(self.snapshot.facts_seq);
        Ok(NewRuling { side: Side::Customer, findings, appeal_by, proposals, tell, task, seen })
    }

    /// The disputed debts, oldest due first, with what is open of each and what money has paid of it; without what an earlier
    /// ruling on the dispute gave and nobody has posted yet.
    fn disputed(self, policy: &Policy, today: Day) -> Vec<Disputed<'a>> {
        let books = settle(self.entries, &policy.ledger.order, &self.snapshot.spans(), today);
        let open_of = |id: ItemId| {
            let item = self.snapshot.items.iter().find(|item| item.id == id);
            item.map_or(Cents::ZERO, |item| item.open)
        };
        let is_money = |credit: ItemId| {
            let entry = self.entries.iter().find(|entry| entry.id == credit);
            entry.is_some_and(|entry| matches!(entry.kind, EntryKind::Payment | EntryKind::Deposit))
        };
        let undone = |debt: &Entry| self.entries.iter().any(|entry| entry.reverses == Some(debt.id));
        let is_disputed = |debt: &Entry| {
            let named = &self.dispute.items;
            if named.is_empty() { open_of(debt.id).is_positive() } else { named.contains(&debt.id) }
        };
        let debts = self.entries.iter().filter(|entry| entry.is_debt() && is_disputed(entry) && !undone(entry));
        let mut debts: Vec<Disputed> = debts
            .map(|debt| {
                let paid = books.applications.iter().filter(|part| part.debt == debt.id && is_money(part.credit));
                let waiting = self.given_for(debt.id, |state| state == ProposalState::Proposed);
                let open = open_of(debt.id);
                let paid: Cents = paid.map(|part| part.amount).sum();
                let of_paid = waiting - waiting.min(open);
                Disputed { debt, open: open - waiting.min(open), paid: paid - of_paid.min(paid), off: Cents::ZERO }
            })
            .collect();
        debts.sort_by_key(|debt| (debt.debt.due_on, debt.debt.id));
        debts
    }

    /// What earlier rulings on the dispute, withdrawn ones among them, take off a debt, of what is approved and what waits.
    fn given_for(self, debt: ItemId, counts: impl Fn(ProposalState) -> bool) -> Cents {
        let given: Vec<ProposalId> = self.dispute.proposals().collect();
        let stands = |known: &&Proposal| {
            let is_open = known.state != ProposalState::Declined && counts(known.state);
            is_open && given.contains(&known.id)
        };
        let of_debt = |known: &&Proposal| matches!(known.what, Proposed::Adjustment { item, .. } if item == Some(debt));
        self.proposals.iter().filter(stands).filter(of_debt).map(|known| known.amount).sum()
    }

    /// Fees that stand, of bills among the debts, and that nobody is asked to waive already.
    fn fees_on<'b>(self, debts: &'b [Disputed<'a>]) -> impl Iterator<Item = &'a PostedFee> + 'b
    where
        'a: 'b,
    {
        let bill = |debt: &Entry| (debt.effective_on, debt.due_on.unwrap_or(debt.effective_on));
        let of_bill = move |fee: &&PostedFee| debts.iter().any(|of| fee.bill == Some(bill(of.debt)));
        let is_disputed = move |fee: &&PostedFee| debts.iter().any(|of| of.debt.id == fee.entry);
        let is_asked = move |fee: &&PostedFee| {
            let waiver = Proposed::Waiver { fee: fee.entry, by_law: false };
            let mut waiting = self.proposals.iter().filter(|known| known.state == ProposalState::Proposed);
            waiting.any(|known| known.what.is_same(&waiver))
        };
        let standing = self.snapshot.fees.iter().filter(|fee| fee.undone.is_none());
        standing.filter(of_bill).filter(move |fee| !is_disputed(fee) && !is_asked(fee))
    }

    /// What a fee comes to, had the bills been right; `None` where it cannot be told how it was made.
    fn fee_without(self, fee: &PostedFee, debts: &[Disputed], policy: &Policy) -> Option<FeeNow> {
        let all_is_off = debts.iter().all(|debt| debt.off == debt.open + debt.paid) && !self.dispute.items.is_empty();
        if all_is_off {
            let words = format!("with nothing left of the bill there is no {}", fee.name);
            return Some(FeeNow { comes_to: Cents::ZERO, words });
        }
        if fee.on >= self.dispute.raised_on {
            let words = format!("the {} was posted while the bill was disputed", fee.name);
            return Some(FeeNow { comes_to: Cents::ZERO, words });
        }
        let track = policy.track(&fee.key.of.track).filter(|track| track.opens == Opens::Arrears)?;
        let stage = track.stages.iter().find(|stage| stage.id == fee.key.of.stage)?;
        let amount = stage.acts.iter().find_map(|act| {
            let Action::Fee(FeeAction { amount, name, .. }) = act else { return None };
            (*name == fee.name).then_some(amount)
        })?;
        let never_due = taken_back(&self.snapshot.fees);
        let was = owed_before(fee, &never_due, self.entries, &policy.ledger.order, &self.snapshot.spans());
        let right: Vec<OpenItem> = was
            .iter()
            .map(|item| {
                let of_item = debts.iter().filter(|of| of.debt.id == item.id);
                let off: Cents = of_item.map(|of| of.off + self.given_for(item.id, |_| true)).sum();
                OpenItem { open: item.open - off.min(item.open), ..item.clone() }
            })
            .collect();
        let counted = |item: &&OpenItem| {
            let of_bill = track.per != Per::Bill || fee.bill == Some((item.billed_on, item.due_on));
            let counts = track.counts.is_empty() || track.counts.contains(&item.service);
            of_bill
                && counts
                && item.due_on < fee.on
                && item.open.is_positive()
                && item.open >= policy.ledger.de_minimis
        };
        let past_due: Vec<&OpenItem> = right.iter().filter(counted).collect();
        if past_due.is_empty() {
            let words = format!("nothing of the bill would have been past due on {}", short(fee.on));
            return Some(FeeNow { comes_to: Cents::ZERO, words });
        }
        let comes_to = fee_of(amount, &past_due, &right).min(fee.amount);
        let left: Cents = past_due.iter().map(|item| item.open).sum();
        let words = format!("{left} would have been past due on {}, and its {} is {comes_to}", short(fee.on), fee.name);
        Some(FeeNow { comes_to, words })
    }
}

/// What a fee comes to now, and why in words.
struct FeeNow {
    comes_to: Cents,
    words: String,
}

/// What is open of each debt first; what is left of the credit gives back what was paid.
fn spread(debts: &mut [Disputed], credit: Cents) {
    let mut left = credit;
    for only_open in [true, false] {
        for debt in debts.iter_mut() {
            let most = if only_open { debt.open } else { debt.open + debt.paid - debt.off };
            let more = most.min(left).max(Cents::ZERO);
            debt.off += more;
            left -= more;
        }
    }
}

/// A fee of what is past due of its bill, among all that is owed.
fn fee_of(amount: &FeeAmount, past_due: &[&OpenItem], owed: &[OpenItem]) -> Cents {
    match amount {
        FeeAmount::Flat(cents) => *cents,
        FeeAmount::Percent(percent, base) => {
            let base: Cents = match base {
                FeeBase::UnpaidCharges => {
                    past_due.iter().filter(|item| item.kind == EntryKind::Charge).map(|item| item.open).sum()
                }
                FeeBase::PastDue => past_due.iter().map(|item| item.open).sum(),
                FeeBase::Balance => owed.iter().map(|item| item.open).sum(),
            };
            base.percent(*percent)
        }
        FeeAmount::GreaterOf(amounts) => {
            amounts.iter().map(|one| fee_of(one, past_due, owed)).max().unwrap_or(Cents::ZERO)
        }
        FeeAmount::LesserOf(amounts) => {
            amounts.iter().map(|one| fee_of(one, past_due, owed)).min().unwrap_or(Cents::ZERO)
        }
    }
}

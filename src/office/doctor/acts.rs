//! What was done, held to the invariants: each shut-off is put to the audit again with what was known when the crew left.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Check, Examination, Finding, PAGE, Result, TAMPERED};
use crate::domain::call::{CallAttempt, CallOutcome};
use crate::domain::day::{days_between, plus_days, short};
use crate::domain::document::sha256;
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::ledger::settle;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::placement::Placement;
use crate::domain::proposal::{Proposal, ProposalState};
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{AccountId, ActKey, Actor, Cents, Channel, ItemId, OpenItem, ProposalId, ReferralId};
use crate::office::restorations::{DAYS_AT_MOST, must_be_told, untold, was_told};
use crate::store::{ReferralExport, StoreError};

impl Examination<'_> {
    pub(super) async fn acts(&mut self) -> Result<[Check; 6]> {
        let mut lawful = Check::new(
            "shut-offs",
            "no shut-off before a day that the guards allow, on a closed day, under a hold, promise, arrangement or moratorium",
        );
        let mut noticed = Check::new(
            "shut-off notices",
            "each rests on a written notice as kept, with proof that it was mailed or left",
        );
        let mut told =
            Check::new("restoration letters", "whoever stayed off for days was told how to have service restored");
        let mut after = 0;
        loop {
            let page = self.reading.orders(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for order in page.iter().filter(|order| is_cut(order)) {
                self.cut(&mut lawful, &mut noticed, order).await?;
                self.told(&mut told, order).await?;
            }
        }
        let calls = self.calls().await?;
        let overrides = self.overrides().await?;
        Ok([lawful, noticed, told, calls, overrides, self.referrals().await?])
    }

    async fn cut(&mut self, lawful: &mut Check, noticed: &mut Check, order: &FieldOrder) -> Result<()> {
        let place = format!("order {} ({}, {})", order.id, order.kind, short(order.for_day));
        let dispatched = self.reading.line_on(order.account, "order dispatched", "order", order.id.0).await?;
        let Some((line, _)) = dispatched else {
            lawful.looked_at += 1;
            let finding = Finding::at(place).of(order.account).found("done, and the log has no crew that was sent");
            lawful.finds(finding.expected("a line of the log: order dispatched").remedy(TAMPERED));
            return Ok(());
        };
        // The second look before it left, once more: the stage, the guards, the calendar, holds and the debt.
        let rules = match self.office.rules_on(order.for_day).await {
            Ok(rules) => rules,
            Err(error) => {
                lawful.looked_at += 1;
                lawful
                    .finds(Finding::at(place).of(order.account).found(error.to_string()).expected("a policy in force"));
                return Ok(());
            }
        };
        let known = self.reading.snapshot_at_line(order.account, order.for_day, line, &rules.policy.ledger).await?;
        let leave = self.office.leave_on(&known, order, order.for_day).await?;
        lawful.expects(leave.is_ok(), || {
            let refusal = leave.as_ref().err().map(ToString::to_string).unwrap_or_default();
            Finding::at(place.clone())
                .of(order.account)
                .found(format!("by what was known at log line {line}, the audit refuses it: {refusal}"))
                .expected("leave to shut off")
        });
        let is_named = order.approved_by.is_some() && order.finalized_by.is_some() && order.crew.is_some();
        if !is_named || order.done_on != Some(order.for_day) {
            lawful.finds(
                Finding::at(place.clone())
                    .of(order.account)
                    .found("not approved, finalized and dispatched by somebody, or done on another day")
                    .expected("a name for each step, and the day of the order"),
            );
        }
        let notices = self.reading.notices_of(order.account).await?;
        let mut carrying: Vec<&Notice> = notices.iter().filter(|notice| carries(notice, order)).collect();
        carrying.sort_by_key(|notice| notice.id);
        let mut is_kept = false;
        for notice in carrying {
            if let Some(hash) = &notice.document {
                let document = self.office.store.document(hash).await?;
                is_kept = is_kept || document.is_some_and(|document| sha256(&document.bytes) == *hash);
            }
        }
        noticed.expects(is_kept, || {
            Finding::at(place)
                .of(order.account)
                .found("no kept letter or tag of its case that had been mailed or left before, and had not come back")
                .expected("a statutory notice on paper, kept byte for byte, with day and proof of its mailing")
        });
        Ok(())
    }

    /// Who is off for longer than the letter takes was told how to have service restored, where a pack asks for it and service
    /// has not ended meanwhile.
    async fn told(&mut self, check: &mut Check, order: &FieldOrder) -> Result<()> {
        let Some(since) = order.done_on else { return Ok(()) };
        let by = plus_days(since, DAYS_AT_MOST);
        let restored = |other: &FieldOrder| {
            let is_done = other.kind == OrderKind::Restore && other.state == OrderState::Done;
            is_done && other.service == order.service && other.done_on.is_some_and(|on| since <= on && on < by)
        };
        let is_on_again = self.office.store.orders_of(order.account).await?.iter().any(restored);
        if self.office.today() < by || is_on_again {
            return Ok(());
        }
        let Ok(rules) = self.office.rules_on(since).await else { return Ok(()) };
        let profile = self.office.store.account(order.account).await?.profile;
        let has_ended = profile.ended.is_some_and(|ended| ended < by);
        if has_ended || !must_be_told(&rules.policy, &profile, order.service) {
            return Ok(());
        }
        let notices = self.reading.notices_of(order.account).await?;
        let by_letter = was_told(&rules.policy, &notices, since);
        let line = untold(order.service, &profile.number, since);
        let is_told = by_letter || self.office.told_by_persons().await?.contains(&line);
        check.expects(is_told, || {
            Finding::at(format!("order {} ({}, {})", order.id, order.kind, short(since)))
                .of(order.account)
                .found("no letter has left since that says how service is restored")
                .expected("a letter mailed, a notice left, or a person who says whom they told, after the shut-off")
        });
        Ok(())
    }

    async fn calls(&mut self) -> Result<Check> {
        let mut check =
            Check::new("calls", "attempts keep to the policy's limits, and nobody is called who asked not to be");
        let today = self.office.today();
        let Ok(rules) = self.office.rules_on(today).await else { return Ok(check) };
        let limits = &rules.policy.calls;
        let mut by_account: BTreeMap<AccountId, Vec<CallAttempt>> = BTreeMap::new();
        for attempt in self.reading.attempts().await? {
            by_account.entry(attempt.account).or_default().push(attempt);
        }
        for (account, attempts) in by_account {
            let opted_out =
                attempts.iter().filter(|attempt| attempt.outcome == CallOutcome::OptOut).map(|a| a.made_on).min();
            for attempt in &attempts {
                let first = plus_days(attempt.made_on, 1 - i64::from(limits.within_days));
                let made = attempts.iter().filter(|other| first <= other.made_on && other.made_on <= attempt.made_on);
                let made = made.count();
                let place = || {
                    Finding::at(format!("call {} on {}", attempt.call, short(attempt.made_on)))
                        .of(account)
                        .remedy("speak with whoever made the call; the limits are those of the policy in force today")
                };
                check.expects(made <= usize::from(limits.max_attempts), || {
                    place()
                        .found(format!("{made} attempts in {} days", limits.within_days))
                        .expected(format!("{} at most", limits.max_attempts))
                });
                if let Some(day) = opted_out.filter(|day| days_between(*day, attempt.made_on) > 0) {
                    let asked = format!("called, though the customer had asked on {} not to be", short(day));
                    check.finds(place().found(asked).expected("a visit"));
                }
            }
        }
        Ok(check)
    }

    /// Every act against the policy, and every arrangement beyond its limits, has a person and a reason in the log; and where the
    /// arrangement was proposed, another than who proposed it approved it.
    async fn overrides(&mut self) -> Result<Check> {
        let mut check = Check::new("overrides", "each has a person and a reason");
        let mut after = 0;
        loop {
            let page = self.reading.lines_with(&["overridden", "limits overridden"], after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for line in &page {
                let body = serde_json::from_str::<Override>(&line.body).unwrap_or_default();
                let approved = match body.proposal {
                    None => true,
                    Some(id) => match self.office.store.proposal(id).await {
                        Ok(known) => body.is_approval_of(&known) && line.account == Some(known.account),
                        Err(StoreError::NotFound { .. }) => false,
                        Err(error) => return Err(error.into()),
                    },
                };
                check.expects(approved, || {
                    let finding = Finding::at(format!("log line {}", line.seq))
                        .found(format!("{} by {}: {}", line.what, line.actor, line.body))
                        .expected("a proposal of that account that one person made and another approved");
                    line.account.map_or(finding.clone(), |account| finding.of(account))
                });
                let has_person =
                    matches!(serde_json::from_str(&line.actor), Ok(Actor::Person(name)) if !name.trim().is_empty());
                check.expects(
                    has_person && body.has_reason() && (line.what == "overridden" || body.has_approver()),
                    || {
                        let finding = Finding::at(format!("log line {}", line.seq))
                            .found(format!("{} by {}: {}", line.what, line.actor, line.body))
                            .expected("a person and a reason");
                        line.account.map_or(finding.clone(), |account| finding.of(account))
                    },
                );
            }
        }
        Ok(check)
    }

    /// What was placed stands on one list, and a list's total is that of its accounts' ledgers at its cut-off.
    async fn referrals(&mut self) -> Result<Check> {
        let mut check =
            Check::new("referrals", "a list's total is the ledger's at its cut-off, and each debt is placed once");
        let mut accounts = BTreeMap::new();
        let mut placed: BTreeMap<(AccountId, Option<ItemId>), Vec<Referral>> = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = self.reading.referrals(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for referral in page {
                let items = referral.placement.as_ref().map(Placement::items);
                accounts.insert(referral.id, (referral.account, items.clone()));
                if let Err(error) = referral.act_key.parse::<ActKey>() {
                    check.finds(
                        Finding::at(format!("referral {}", referral.id))
                            .of(referral.account)
                            .found(format!("{}: {error}", referral.act_key))
                            .expected("the key of the act that ordered it")
                            .remedy(TAMPERED),
                    );
                }
                if referral.state == ReferralState::Placed {
                    // What was placed before its debts were kept stands for the whole account.
                    let debts = items.map_or_else(|| vec![None], |items| items.into_iter().map(Some).collect());
                    for debt in debts {
                        placed.entry((referral.account, debt)).or_default().push(referral.clone());
                    }
                }
            }
        }
        // A debt is at one place at a time: sent to a second one, it is collected twice.
        for ((account, debt), referrals) in placed {
            check.expects(referrals.len() == 1, || {
                let places = referrals.iter().map(|referral| format!("{} (referral {})", referral.to, referral.id));
                Finding::at(debt.map_or_else(|| "the account's debt".to_owned(), |debt| format!("debt {debt}")))
                    .of(account)
                    .found(format!("placed at {}", places.collect::<Vec<_>>().join(" and ")))
                    .expected("one place, or that the others were recalled")
            });
        }
        for list in self.reading.exports().await? {
            let total = self.ledger_total(&list, &accounts).await?;
            check.expects(total == list.total, || {
                Finding::at(format!("list {}", list.name))
                    .found(format!("{} on the list", list.total))
                    .expected(format!("{total} by the ledgers as they were known on {}", short(list.made_on)))
            });
        }
        Ok(check)
    }

    /// What of the debts that a list placed was owed by the ledger when it was made.
    async fn ledger_total(
        &mut self,
        list: &ReferralExport,
        accounts: &BTreeMap<ReferralId, (AccountId, Option<BTreeSet<ItemId>>)>,
    ) -> Result<Cents> {
        let order = self.office.rules_on(list.made_on).await?.policy.ledger.order.clone();
        let mut total = Cents::ZERO;
        for referral in &list.referrals {
            let Some((account, items)) = accounts.get(referral) else { continue };
            let account = *account;
            let placed = self.reading.line_on(account, "referral placed", "id", referral.0).await?;
            let Some(mut books) = self.reading.books(AccountId(account.0 - 1), 1).await?.pop() else { continue };
            books.entries.retain(|entry| placed.is_none_or(|(_, at)| entry.recorded_at <= at));
            // A petition that was learned later took nothing from what was owed by the books of then.
            let petitions = self.office.store.petitions_of(account).await?;
            if petitions.iter().any(|petition| petition.recorded_on > list.made_on) {
                books.plans.retain(|plan| plan.stays.is_none());
            }
            let settled = settle(&books.entries, &order, &books.plans, list.made_on);
            let beside = |item: &&OpenItem| items.as_ref().is_some_and(|items| !items.contains(&item.id));
            total += settled.balance - settled.items.iter().filter(beside).map(|item| item.open).sum();
        }
        Ok(total)
    }
}

/// What a line says of an override: of a stage the words and the reason in one note, of an arrangement who allowed it and why.
#[derive(Default, Deserialize)]
struct Override {
    note: Option<String>,
    by: Option<String>,
    reason: Option<String>,
    /// None of those that were made before a second person was asked.
    proposal: Option<ProposalId>,
}

impl Override {
    fn has_reason(&self) -> bool {
        let noted = self.note.as_deref().and_then(|note| note.split_once(": ")).map(|(_, reason)| reason);
        noted.or(self.reason.as_deref()).is_some_and(|reason| !reason.trim().is_empty())
    }

    fn is_approval_of(&self, proposal: &Proposal) -> bool {
        proposal.state == ProposalState::Approved
            && proposal.decided_by.is_some()
            && proposal.decided_by == self.by
            && self.by.as_ref() != Some(&proposal.proposed_by)
    }

    fn has_approver(&self) -> bool {
        self.by.as_deref().is_some_and(|by| !by.trim().is_empty())
    }
}

/// A shut-off that a crew did with leave. One done without is an incident, on the exceptions list and restored at once.
fn is_cut(order: &FieldOrder) -> bool {
    matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit)
        && order.state == OrderState::Done
        && !order.is_done_without_leave()
}

/// Whether the notice is on paper, of the order's case and track, and stood when the crew left.
fn carries(notice: &Notice, order: &FieldOrder) -> bool {
    let Some(of) = &order.of else { return false };
    let is_of_run = notice.of.case == of.case && notice.of.track == of.track && notice.of.anchor == of.anchor;
    let on_paper = matches!(notice.channel, Channel::Mail | Channel::Posting | Channel::Hand);
    let stood = match notice.state {
        NoticeState::Mailed => notice.mailed_on.is_some_and(|on| on < order.for_day) && notice.proof.is_some(),
        // Back later: it was void from then on, and not before.
        NoticeState::Returned => notice.returned_on.is_some_and(|on| on > order.for_day),
        NoticeState::Posted => notice.served_on.is_some_and(|on| on < order.for_day),
        NoticeState::Planned
        | NoticeState::Released
        | NoticeState::Rendered
        | NoticeState::Batched
        | NoticeState::Sent
        | NoticeState::Bounced
        | NoticeState::Canceled
        | NoticeState::Voided
        | NoticeState::Failed => false,
    };
    is_of_run && on_paper && notice.statutory && stood
}

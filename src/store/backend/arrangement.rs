//! Payment arrangements. How one stands is never stored; it is computed from what was applied to its debts.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::types::Json;

use super::given::{NewArrangement, Stamp, Withdrawn};
use super::kept;
use super::log::{self, NewLine};
use super::settle::{self, resettle};
use super::{Backend, Conn, Result, StoreError, field_order, ledger, notice, outbox, proposal, touch};
use crate::domain::arrangement::{Arrangement, HadPaid, Overridden, Reinstatement, Reversed};
use crate::domain::field_order::FieldOrder;
use crate::domain::notice::{NewNotice, Notice, NoticeState};
use crate::domain::proposal::{Proposal, ProposalState};
use crate::domain::{AccountId, ArrangementId, Channel, ItemId};
use crate::rulebook::policy::LedgerRules;

impl Backend {
    pub async fn add_arrangement(
        &self,
        account: AccountId,
        new: &NewArrangement,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<ArrangementId> {
        let mut tx = self.write().await?;
        let id = make(&mut tx, account, new, &stamp.by.to_string(), rules, stamp).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Approves the proposal and makes its arrangement, by who proposed it, in one transaction: both or neither.
    pub async fn approve_arrangement(
        &self,
        proposed: &Proposal,
        new: &NewArrangement,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<ArrangementId> {
        let mut tx = self.write().await?;
        ledger::hold_still(&mut tx, proposed.account).await?;
        proposal::decide(&mut tx, proposed.id, ProposalState::Approved, None, stamp).await?;
        let made = make(&mut tx, proposed.account, new, &proposed.proposed_by, rules, stamp).await?;
        tx.commit().await?;
        Ok(made)
    }

    pub async fn cancel_arrangement(
        &self,
        id: ArrangementId,
        reason: &str,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        // What a file under way brings is settled first: settled beside it, its post-dated checks would be forgotten.
        let account = account_of(&mut tx, id).await?;
        ledger::hold_still(&mut tx, account).await?;
        let (_, mut plan) = kept::one::<Arrangement>(&mut tx, id.0).await?;
        if let Some(canceled) = plan.canceled_on {
            return Err(StoreError::Conflict(format!("arrangement {id} was canceled on {canceled}")));
        }
        plan.canceled_on = Some(stamp.on);
        sqlx::query("UPDATE arrangement SET body = $2, ended_at = $3 WHERE id = $1")
            .bind(id.0)
            .bind(Json(&plan))
            .bind(stamp.at)
            .execute(&mut *tx)
            .await?;
        let mut letter: Vec<Notice> = kept::of_account(&mut tx, account).await?;
        letter.retain(|piece| piece.arrangement == Some(id) && piece.state.is_pending());
        let cause = format!("the arrangement that it confirms was canceled: {reason}");
        let letter = notice::end(&mut tx, letter, NoticeState::Canceled, |_| cause.clone(), stamp).await?;
        log::write(&mut tx, &notice::lines(&letter, "notice canceled", &cause), None, stamp).await?;
        resettle(&mut tx, &[account], rules, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let line = NewLine::of(account, "arrangement canceled", json!({ "arrangement": id, "reason": reason }));
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn reinstate_arrangement(
        &self,
        id: ArrangementId,
        again: &Reinstatement,
        new_letter: &[NewNotice],
        seen_seq: i64,
        stamp: &Stamp,
    ) -> Result<Withdrawn> {
        let mut tx = self.write().await?;
        let account = account_of(&mut tx, id).await?;
        ledger::known_through(&mut tx, account, seen_seq).await?;
        let (_, mut plan) = kept::one::<Arrangement>(&mut tx, id.0).await?;
        plan.reinstated.push(again.clone());
        sqlx::query("UPDATE arrangement SET body = $2 WHERE id = $1")
            .bind(id.0)
            .bind(Json(&plan))
            .execute(&mut *tx)
            .await?;
        // What was written of its debts and has not left rests on a default that is over. Should it be missed again, it is
        // made anew.
        let all: Vec<Notice> = kept::of_account(&mut tx, account).await?;
        let is_of_plan = |piece: &Notice| piece.facts.items.iter().any(|item| plan.covers.contains(&item.item));
        let resting = all.iter().filter(|piece| piece.is_of_stage() && piece.state.is_pending());
        let (tags, resting): (Vec<Notice>, Vec<Notice>) =
            resting.filter(|piece| is_of_plan(piece)).cloned().partition(|piece| piece.channel == Channel::Posting);
        let cause = format!("the arrangement of {} was reinstated on {}: {}", plan.made_on, again.on, again.reason);
        // A tag goes with its errand: a crew that has it already is called back.
        let errands: BTreeSet<&str> = tags.iter().map(|tag| tag.act_key.as_str()).collect();
        let orders: Vec<FieldOrder> = kept::of_account(&mut tx, account).await?;
        let errands = field_order::withdraw(
            &mut tx,
            orders.into_iter().filter(|order| errands.contains(order.act_key.as_str())).collect(),
            &cause,
            stamp,
        )
        .await?;
        let tags = notice::end(&mut tx, tags, NoticeState::Canceled, |_| cause.clone(), stamp).await?;
        log::write(&mut tx, &notice::lines(&tags, "notice canceled", &cause), None, stamp).await?;
        let notices = notice::void(&mut tx, resting, &cause, stamp).await?.len();
        // The first letter's dates are no longer true.
        let of_plan = || all.iter().filter(|piece| piece.arrangement == Some(id));
        let first: Vec<Notice> = of_plan().filter(|piece| piece.state.is_pending()).cloned().collect();
        let first = notice::end(&mut tx, first, NoticeState::Canceled, |_| cause.clone(), stamp).await?;
        log::write(&mut tx, &notice::lines(&first, "notice canceled", &cause), None, stamp).await?;
        let round = of_plan().map(|piece| piece.of.round).max().unwrap_or(0).saturating_add(1);
        add_letter(&mut tx, new_letter, id, round, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let line = json!({ "arrangement": id, "reason": again.reason, "pay_by": again.pay_by });
        log::write(&mut tx, &[NewLine::of(account, "arrangement reinstated", line)], None, stamp).await?;
        tx.commit().await?;
        Ok(Withdrawn { notices, tags: errands.len() })
    }

    pub async fn arrangements_of(&self, account: AccountId) -> Result<Vec<Arrangement>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn arrangement(&self, id: ArrangementId) -> Result<(AccountId, Arrangement)> {
        let mut tx = self.read().await?;
        kept::one(&mut tx, id.0).await
    }

    pub async fn arrangements(&self) -> Result<Vec<(AccountId, Arrangement)>> {
        let mut tx = self.read().await?;
        kept::with_accounts(&mut tx, kept::select("ended_at IS NULL ORDER BY id")).await
    }
}

/// Makes an arrangement, with its letter. `made_by` agreed it with the customer; where limits were overridden, who did that is the
/// stamp's.
async fn make(
    conn: &mut Conn,
    account: AccountId,
    new: &NewArrangement,
    made_by: &str,
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<ArrangementId> {
    let known_through = ledger::known_through(conn, account, new.seen_seq).await?;
    let standing: Vec<Arrangement> = kept::of_account(conn, account).await?;
    if let Some(other) = standing.iter().find(|plan| plan.canceled_on.is_none() && overlap(plan, new)) {
        return Err(StoreError::Conflict(format!(
            "arrangement {} of {} covers the same debt: cancel it first",
            other.id, other.made_on
        )));
    }
    let covers: BTreeSet<ItemId> = new.covers.iter().copied().collect();
    let entries = ledger::entries_known(conn, account, None).await?;
    let spans = settle::plans(conn, &[account]).await?.remove(&account).unwrap_or_default();
    let books = crate::domain::ledger::settle(&entries, &rules.order, &spans, stamp.on);
    let plan = Arrangement {
        id: ArrangementId(0),
        made_on: stamp.on,
        known_through,
        made_by: made_by.to_owned(),
        had_paid: Some(HadPaid::of(&covers, &books.applications, stamp.on)),
        covers,
        installments: new.installments.clone(),
        grace_days: new.grace_days,
        canceled_on: None,
        note: new.note.clone(),
        reversed: Reversed::default(),
        taken: new.taken.clone(),
        overridden: new.overridden.clone(),
        reinstated: Vec::new(),
    };
    let id: i64 =
        sqlx::query_scalar("INSERT INTO arrangement (account_id, body, recorded_at) VALUES ($1, $2, $3) RETURNING id")
            .bind(account.0)
            .bind(Json(&plan))
            .bind(stamp.at)
            .fetch_one(&mut *conn)
            .await?;
    let plan = Arrangement { id: ArrangementId(id), ..plan };
    add_letter(conn, &new.letter, plan.id, 1, stamp).await?;
    resettle(conn, &[account], rules, stamp).await?;
    touch(conn, &[account], stamp.on).await?;
    let mut lines = vec![NewLine::of(account, "arrangement", json!(plan))];
    if let Some(Overridden { approval, limits, proposal }) = &plan.overridden {
        let body = json!({
            "arrangement": plan.id, "by": approval.by, "reason": approval.reason, "limits": limits,
            "proposal": proposal,
        });
        lines.push(NewLine::of(account, "limits overridden", body));
    }
    log::write(conn, &lines, None, stamp).await?;
    Ok(plan.id)
}

/// Adds the letter of an arrangement, released by who makes it, and has it rendered.
async fn add_letter(
    conn: &mut Conn,
    pieces: &[NewNotice],
    plan: ArrangementId,
    round: u16,
    stamp: &Stamp,
) -> Result<()> {
    let by = stamp.by.to_string();
    let letter: Vec<Notice> = pieces.iter().map(|piece| piece.clone().into_letter_of(plan, round, &by)).collect();
    notice::add(conn, &letter).await?;
    let keys: BTreeSet<String> = letter.into_iter().map(|piece| piece.act_key).collect();
    outbox::enqueue_rendering(conn, &keys.into_iter().collect::<Vec<_>>(), stamp.at).await
}

/// Whose it is, which never changes: nothing is locked yet.
async fn account_of(conn: &mut Conn, id: ArrangementId) -> Result<AccountId> {
    let account: Option<i64> =
        sqlx::query_scalar("SELECT account_id FROM arrangement WHERE id = $1").bind(id.0).fetch_optional(conn).await?;
    Ok(AccountId(account.ok_or_else(|| StoreError::not_found("arrangement", id))?))
}

fn overlap(standing: &Arrangement, new: &NewArrangement) -> bool {
    new.covers.iter().any(|item| standing.covers.contains(item))
}

//! Proposals that wait for a second person, and what an approval posts.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::ledger::{EntryRow, OWN_SOURCE, hold_still, open_items_of, post_one};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, correction, dispute, exception, left_behind, petition, transfer, word};
use crate::domain::proposal::{LeftOver, Proposal, ProposalState, Proposed, to_write_off};
use crate::domain::{AccountId, Cents, Day, EntryId, EntryKind, ItemId, OpenItem, ProposalId, Service};
use crate::rulebook::policy::LedgerRules;

type Row = (
    i64,
    i64,
    Json<Proposed>,
    i64,
    String,
    String,
    Day,
    String,
    Option<String>,
    Option<Day>,
    Option<String>,
    Option<String>,
);

const COLUMNS: &str = "id, account_id, what, amount_cents, reason, proposed_by, proposed_on, state, decided_by, \
                       decided_on, note, act_key";

fn proposal(row: Row) -> Result<Proposal> {
    let (
        id,
        account,
        Json(what),
        cents,
        reason,
        proposed_by,
        proposed_on,
        state,
        decided_by,
        decided_on,
        note,
        act_key,
    ) = row;
    Ok(Proposal {
        id: ProposalId(id),
        account: AccountId(account),
        what,
        amount: Cents::new(cents),
        reason,
        proposed_by,
        proposed_on,
        state: word(ProposalState::from_word, &state)?,
        decided_by,
        decided_on,
        note,
        act_key,
    })
}

/// Records a proposal and logs it; the same one that still waits is a conflict. The account is held still.
pub(super) async fn add(
    conn: &mut Conn,
    account: AccountId,
    what: &Proposed,
    amount: Cents,
    reason: &str,
    stamp: &Stamp,
) -> Result<ProposalId> {
    let standing: Vec<Row> = sqlx::query_as(super::sql(format!(
        "SELECT {COLUMNS} FROM proposal WHERE account_id = $1 AND state = 'proposed' ORDER BY id"
    )))
    .bind(account.0)
    .fetch_all(&mut *conn)
    .await?;
    for known in standing {
        let known = proposal(known)?;
        if known.what.is_same(what) {
            return Err(StoreError::Conflict(format!(
                "{} proposed the same on {}: it waits as proposal {}",
                known.proposed_by, known.proposed_on, known.id
            )));
        }
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO proposal (account_id, what, amount_cents, reason, proposed_by, proposed_on, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'proposed') RETURNING id",
    )
    .bind(account.0)
    .bind(Json(what))
    .bind(amount.get())
    .bind(reason)
    .bind(stamp.by.to_string())
    .bind(stamp.on)
    .fetch_one(&mut *conn)
    .await?;
    let body = json!({ "proposal": id, "what": what, "amount": amount, "reason": reason });
    log::write(conn, &[NewLine::of(account, "proposed", body)], None, stamp).await?;
    Ok(ProposalId(id))
}

impl Backend {
    pub async fn propose(
        &self,
        account: AccountId,
        what: &Proposed,
        amount: Cents,
        reason: &str,
        stamp: &Stamp,
    ) -> Result<ProposalId> {
        let mut tx = self.write().await?;
        hold_still(&mut tx, account).await?;
        let id = add(&mut tx, account, what, amount, reason, stamp).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn proposal(&self, id: ProposalId) -> Result<Proposal> {
        let select = format!("SELECT {COLUMNS} FROM proposal WHERE id = $1");
        let found: Option<Row> = sqlx::query_as(super::sql(select)).bind(id.0).fetch_optional(&self.reader).await?;
        found.map(proposal).transpose()?.ok_or_else(|| StoreError::not_found("proposal", id))
    }

    pub async fn proposals(&self, open_only: bool) -> Result<Vec<Proposal>> {
        let select = format!("SELECT {COLUMNS} FROM proposal WHERE state = 'proposed' OR $1 ORDER BY id");
        let found: Vec<Row> = sqlx::query_as(super::sql(select)).bind(!open_only).fetch_all(&self.reader).await?;
        found.into_iter().map(proposal).collect()
    }

    /// Marks what changes the ledger approved and posts it, in one transaction. An arrangement has its own way.
    pub async fn approve_proposal(
        &self,
        id: ProposalId,
        seen: &[(AccountId, i64)],
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        sqlx::query(super::LOCK_NO_IMPORT).execute(&mut *tx).await?;
        if !super::leave::still_known(&mut tx, seen).await? {
            return Ok(false);
        }
        let proposal = decide(&mut tx, id, ProposalState::Approved, None, stamp).await?;
        match &proposal.what {
            Proposed::Waiver { fee, .. } => {
                super::ledger::waive(&mut tx, *fee, &proposal.reason, rules, stamp).await?;
            }
            Proposed::Adjustment { service, change, item } => {
                let mut row = row(&proposal, *service, EntryKind::Adjustment, *change, stamp.on, 0);
                row.designated_item = *item;
                post_one(&mut tx, row, rules, stamp).await?;
                if change.is_positive() {
                    correction::ask(&mut tx, &[proposal.account], stamp).await?;
                }
            }
            Proposed::WriteOff { debts } => {
                let owed = debts.iter().map(|debt| (debt.item, debt.open));
                still_owed(&mut tx, proposal.account, owed, &[]).await?;
                for (n, debt) in debts.iter().enumerate() {
                    let mut row = row(&proposal, debt.service, EntryKind::WriteOff, -debt.open, stamp.on, n + 1);
                    row.designated_item = Some(debt.item);
                    post_one(&mut tx, row, rules, stamp).await?;
                }
            }
            Proposed::Transfer { to, number, debts, .. } => {
                transfer::lock(&mut tx, proposal.account, *to).await?;
                let owed = debts.iter().map(|debt| (debt.item, debt.open));
                let back = left_behind::came_from(&mut tx, proposal.account, *to).await?;
                still_owed(&mut tx, proposal.account, owed, &back).await?;
                transfer::post(&mut tx, &proposal, *to, number, debts, rules, stamp).await?;
            }
            Proposed::Reinstatement { write_offs, left_over, partly, .. } => {
                super::write_off::still_left(&mut tx, proposal.account, left_over).await?;
                // Of what is owed again in part, nothing has become left over.
                let whole: Vec<LeftOver> = partly.iter().map(|part| LeftOver { left: Cents::ZERO, ..*part }).collect();
                super::write_off::still_left(&mut tx, proposal.account, &whole).await?;
                for write_off in write_offs {
                    super::ledger::waive(&mut tx, *write_off, &proposal.reason, rules, stamp).await?;
                }
                for (n, left) in left_over.iter().chain(partly).enumerate() {
                    keep_written_off(&mut tx, &proposal, *left, n + 1, rules, stamp).await?;
                }
                if left_over.is_empty() {
                    let told = ExceptionKind::PaidAfterWriteOff;
                    exception::settle_of(&mut tx, proposal.account, told, stamp).await?;
                }
            }
            Proposed::Arrangement { .. } => {
                return Err(StoreError::Conflict(format!(
                    "proposal {id} is of an arrangement, which is made on terms that are looked at again"
                )));
            }
        }
        dispute::proposal_decided(&mut tx, proposal.account, id, stamp).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn proposals_of(&self, account: AccountId) -> Result<Vec<Proposal>> {
        let select = format!("SELECT {COLUMNS} FROM proposal WHERE account_id = $1 ORDER BY id");
        let found: Vec<Row> = sqlx::query_as(super::sql(select)).bind(account.0).fetch_all(&self.reader).await?;
        found.into_iter().map(proposal).collect()
    }

    pub async fn decline_proposal(&self, id: ProposalId, note: &str, stamp: &Stamp) -> Result<()> {
        let account = self.proposal(id).await?.account;
        let mut tx = self.write().await?;
        hold_still(&mut tx, account).await?;
        let declined = decide(&mut tx, id, ProposalState::Declined, Some(note), stamp).await?;
        dispute::proposal_decided(&mut tx, declined.account, id, stamp).await?;
        Ok(tx.commit().await?)
    }
}

/// A write-off that the policy proposes: of the stage's debts, as far as they are owed.
pub(super) struct OfPolicy {
    pub account: AccountId,
    pub act_key: String,
    /// None in particular means all that is past due.
    pub items: Vec<ItemId>,
    pub reason: String,
}

/// Records what the policy proposes; what its act has proposed already, or what waits already, is left alone.
pub(super) async fn add_of_policy(conn: &mut Conn, new: &OfPolicy, stamp: &Stamp) -> Result<()> {
    let mut open = open_items_of(conn, &[new.account]).await?.remove(&new.account).unwrap_or_default();
    open.retain(|item| new.items.is_empty() || new.items.contains(&item.id));
    let debts = to_write_off(&open, stamp.on);
    let amount: Cents = debts.iter().map(|debt| debt.open).sum();
    if debts.is_empty() {
        return Ok(());
    }
    let what = Proposed::WriteOff { debts };
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO proposal (account_id, what, amount_cents, reason, proposed_by, proposed_on, state, act_key)
         VALUES ($1, $2, $3, $4, $5, $6, 'proposed', $7) ON CONFLICT (act_key) DO NOTHING RETURNING id",
    )
    .bind(new.account.0)
    .bind(Json(&what))
    .bind(amount.get())
    .bind(&new.reason)
    .bind(stamp.by.to_string())
    .bind(stamp.on)
    .bind(&new.act_key)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Ok(()) };
    let body = json!({ "proposal": id, "what": what, "amount": amount, "reason": new.reason, "act": new.act_key });
    log::write(conn, &[NewLine::of(new.account, "proposed", body)], None, stamp).await
}

/// Posts anew what of a write-off goes on, as of the day on which it was written off: money that came since stays where it went.
async fn keep_written_off(
    conn: &mut Conn,
    proposal: &Proposal,
    left: LeftOver,
    n: usize,
    rules: &LedgerRules,
    stamp: &Stamp,
) -> Result<()> {
    let taken_back = super::ledger::by_id(conn, left.write_off).await?;
    let goes_on = taken_back.amount + left.left;
    if goes_on.is_negative() {
        let on = taken_back.effective_on;
        let mut row = row(proposal, taken_back.service, EntryKind::WriteOff, goes_on, on, n);
        row.designated_item = taken_back.designated_item;
        row.memo = taken_back.memo;
        post_one(conn, row, rules, stamp).await?;
    }
    Ok(())
}

/// The entry that an approval posts; `n` tells several of one proposal apart.
fn row(proposal: &Proposal, service: Service, kind: EntryKind, cents: Cents, on: Day, n: usize) -> EntryRow {
    EntryRow {
        account: proposal.account,
        service,
        kind,
        cents,
        effective_on: on,
        due_on: cents.is_positive().then_some(on),
        printed: BTreeMap::new(),
        designated_item: None,
        designated_service: Some(service).filter(|_| !cents.is_positive()),
        reverses: None,
        channel: None,
        source: OWN_SOURCE.to_owned(),
        reference: format!("{} of proposal {}, {n}", kind, proposal.id),
        memo: proposal.reason.clone(),
    }
}

/// A write-off or a transfer takes what was shown to who approved it, and nothing else; of debts that may go back where they
/// came from, as much or less than is owed.
async fn still_owed(
    conn: &mut Conn,
    account: AccountId,
    debts: impl Iterator<Item = (EntryId, Cents)> + Send,
    in_part: &[EntryId],
) -> Result<()> {
    let open = open_items_of(conn, &[account]).await?.remove(&account).unwrap_or_default();
    // After a discharge it is what a petition stayed that is written off.
    let stayed = petition::stayed_of(conn, &[account]).await?.remove(&account).unwrap_or_default();
    for (debt, then) in debts {
        let of_debt = |items: &[OpenItem]| items.iter().find(|item| item.id == debt).map(|item| item.open);
        let now = of_debt(&open).unwrap_or(Cents::ZERO);
        let is_part = then <= now && in_part.contains(&debt);
        if now != then && !is_part && of_debt(&stayed) != Some(then) {
            return Err(StoreError::Conflict(format!(
                "debt {debt} has changed since the proposal, from {then} to {now}: decline it, and propose anew what is owed \
                 now"
            )));
        }
    }
    Ok(())
}

pub(super) async fn decide(
    conn: &mut Conn,
    id: ProposalId,
    state: ProposalState,
    note: Option<&str>,
    stamp: &Stamp,
) -> Result<Proposal> {
    let update = format!(
        "UPDATE proposal SET state = $2, decided_by = $3, decided_on = $4, note = $5
         WHERE id = $1 AND state = 'proposed' RETURNING {COLUMNS}"
    );
    let decided: Option<Row> = sqlx::query_as(super::sql(update))
        .bind(id.0)
        .bind(state.word())
        .bind(stamp.by.to_string())
        .bind(stamp.on)
        .bind(note)
        .fetch_optional(&mut *conn)
        .await?;
    let decided = decided
        .map(proposal)
        .transpose()?
        .ok_or_else(|| StoreError::Conflict(format!("proposal {id} is decided already")))?;
    let what = match state {
        ProposalState::Approved => "proposal approved",
        ProposalState::Declined | ProposalState::Proposed => "proposal declined",
    };
    let body = json!({ "proposal": id, "what": decided.what, "amount": decided.amount, "note": note });
    log::write(conn, &[NewLine::of(decided.account, what, body)], None, stamp).await?;
    Ok(decided)
}

//! Proposals that wait for a second person, and what an approval posts.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::types::Json;

use super::given::Stamp;
use super::ledger::{EntryRow, OWN_SOURCE, hold_still, open_items_of, post_one};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, transfer, word};
use crate::domain::proposal::{Proposal, ProposalState, Proposed};
use crate::domain::{AccountId, Cents, Day, EntryId, EntryKind, ProposalId, Service};
use crate::rulebook::policy::LedgerRules;

type Row = (i64, i64, Json<Proposed>, i64, String, String, Day, String, Option<String>, Option<Day>, Option<String>);

const COLUMNS: &str = "id, account_id, what, amount_cents, reason, proposed_by, proposed_on, state, decided_by, \
                       decided_on, note";

fn proposal(row: Row) -> Result<Proposal> {
    let (id, account, Json(what), cents, reason, proposed_by, proposed_on, state, decided_by, decided_on, note) = row;
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
    })
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
        let standing: Vec<Row> = sqlx::query_as(super::sql(format!(
            "SELECT {COLUMNS} FROM proposal WHERE account_id = $1 AND state = 'proposed' ORDER BY id"
        )))
        .bind(account.0)
        .fetch_all(&mut *tx)
        .await?;
        for known in standing {
            let known = proposal(known)?;
            if known.what == *what {
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
        .fetch_one(&mut *tx)
        .await?;
        let body = json!({ "proposal": id, "what": what, "amount": amount, "reason": reason });
        log::write(&mut tx, &[NewLine::of(account, "proposed", body)], None, stamp).await?;
        tx.commit().await?;
        Ok(ProposalId(id))
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

    /// Marks an adjustment or a write-off approved and posts it, in one transaction. A waiver is posted by its own way.
    pub async fn approve_proposal(&self, id: ProposalId, rules: &LedgerRules, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query(super::LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let proposal = decide(&mut tx, id, ProposalState::Approved, None, stamp).await?;
        match &proposal.what {
            Proposed::Waiver { fee } => {
                super::ledger::waive(&mut tx, *fee, &proposal.reason, rules, stamp).await?;
            }
            Proposed::Adjustment { service, change } => {
                let row = row(&proposal, *service, EntryKind::Adjustment, *change, stamp.on, 0);
                post_one(&mut tx, row, rules, stamp).await?;
            }
            Proposed::WriteOff { debts } => {
                let owed = debts.iter().map(|debt| (debt.item, debt.open));
                still_owed(&mut tx, proposal.account, owed).await?;
                for (n, debt) in debts.iter().enumerate() {
                    let mut row = row(&proposal, debt.service, EntryKind::WriteOff, -debt.open, stamp.on, n + 1);
                    row.designated_item = Some(debt.item);
                    post_one(&mut tx, row, rules, stamp).await?;
                }
            }
            Proposed::Transfer { to, number, debts, .. } => {
                transfer::lock(&mut tx, proposal.account, *to).await?;
                let owed = debts.iter().map(|debt| (debt.item, debt.open));
                still_owed(&mut tx, proposal.account, owed).await?;
                transfer::post(&mut tx, &proposal, *to, number, debts, rules, stamp).await?;
            }
            Proposed::Reinstatement { write_offs, .. } => {
                for write_off in write_offs {
                    super::ledger::waive(&mut tx, *write_off, &proposal.reason, rules, stamp).await?;
                }
            }
        }
        Ok(tx.commit().await?)
    }

    pub async fn proposals_of(&self, account: AccountId) -> Result<Vec<Proposal>> {
        let select = format!("SELECT {COLUMNS} FROM proposal WHERE account_id = $1 ORDER BY id");
        let found: Vec<Row> = sqlx::query_as(super::sql(select)).bind(account.0).fetch_all(&self.reader).await?;
        found.into_iter().map(proposal).collect()
    }

    pub async fn decline_proposal(&self, id: ProposalId, note: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        decide(&mut tx, id, ProposalState::Declined, Some(note), stamp).await?;
        Ok(tx.commit().await?)
    }
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

/// A write-off or a transfer takes what was shown to who approved it, and nothing else.
async fn still_owed(
    conn: &mut Conn,
    account: AccountId,
    debts: impl Iterator<Item = (EntryId, Cents)> + Send,
) -> Result<()> {
    let open = open_items_of(conn, &[account]).await?.remove(&account).unwrap_or_default();
    for (debt, then) in debts {
        let now = open.iter().find(|item| item.id == debt).map_or(Cents::ZERO, |item| item.open);
        if now != then {
            return Err(StoreError::Conflict(format!(
                "debt {debt} has changed since the proposal, from {then} to {now}: decline it, and propose anew what is owed \
                 now"
            )));
        }
    }
    Ok(())
}

async fn decide(
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

//! Disputes: opened, decided, appealed, settled.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::types::Json;

use super::given::{NewDispute, NewHold, NewRuling, RulingTold, Stamp};
use super::log::{self, NewLine};
use super::task::{self, NewTask};
use super::{Backend, Conn, Result, StoreError, hold, ids, kept, ledger, notice, proposal, sql, touch, transfer};
use crate::domain::dispute::{Appeal, Dispute, DisputeState, Ruling, Side, Withdrawn};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::notice::Notice;
use crate::domain::proposal::ProposalState;
use crate::domain::{AccountId, DisputeId, HoldId, ItemId, NoticeId, ProposalId, Role};

impl Backend {
    pub async fn open_dispute(&self, account: AccountId, new: &NewDispute, stamp: &Stamp) -> Result<Dispute> {
        let mut tx = self.write().await?;
        ledger::hold_still(&mut tx, account).await?;
        let standing: Vec<Dispute> = kept::of_account(&mut tx, account).await?;
        let items: BTreeSet<_> = new.items.iter().copied().collect();
        let is_same = |known: &&Dispute| is_open(known) && (known.items == items || !known.items.is_disjoint(&items));
        if let Some(known) = standing.iter().find(is_same) {
            return Err(StoreError::Conflict(format!("dispute {} is open on it: decide that one first", known.id)));
        }
        let holds: Vec<Hold> = kept::of_account(&mut tx, account).await?;
        let is_bare = |held: &&Hold| {
            let stands = held.kind == HoldKind::Dispute && held.ended_on.is_none();
            stands && held.items.is_empty() && standing.iter().all(|known| known.last_hold() != held.id)
        };
        let bare: Vec<HoldId> = holds.iter().filter(is_bare).map(|held| held.id).collect();
        let placed = new_hold(HoldKind::Dispute, &items, new.raised_on, new.stops_clock, &new.reason);
        let dispute = Dispute {
            id: DisputeId(0),
            items,
            reason: new.reason.clone(),
            raised_on: new.raised_on,
            opened_on: stamp.on,
            opened_by: stamp.by.to_string(),
            hold: hold::add(&mut tx, account, &placed, stamp).await?,
            ruling: None,
            appeal: None,
            withdrawn: Vec::new(),
        };
        let id: i64 =
            sqlx::query_scalar("INSERT INTO dispute (account_id, body, recorded_at) VALUES ($1, $2, $3) RETURNING id")
                .bind(account.0)
                .bind(Json(&dispute))
                .bind(stamp.at)
                .fetch_one(&mut *tx)
                .await?;
        let dispute = Dispute { id: DisputeId(id), ..dispute };
        for held in bare {
            hold::end(&mut tx, held, &format!("dispute {id} stands in its place"), stamp).await?;
        }
        touch(&mut tx, &[account], stamp.on).await?;
        log::write(&mut tx, &[NewLine::of(account, "dispute opened", json!(dispute))], None, stamp).await?;
        tx.commit().await?;
        Ok(dispute)
    }

    pub async fn rule_on_dispute(&self, id: DisputeId, new: &NewRuling, stamp: &Stamp) -> Result<Dispute> {
        let mut tx = self.write().await?;
        let (account, mut dispute) = locked(&mut tx, id).await?;
        if !matches!(dispute.state(), DisputeState::Open | DisputeState::Appealed) {
            return Err(StoreError::Conflict(format!("dispute {id} is {}", dispute.state_words())));
        }
        if let Some(seen) = new.seen
            && !super::leave::still_known(&mut tx, &[(account, seen)]).await?
        {
            return Err(StoreError::Conflict(format!(
                "something was learned of the account while dispute {id} was decided: look again, and decide it anew"
            )));
        }
        let mut proposals = Vec::with_capacity(new.proposals.len());
        for (what, amount, reason) in &new.proposals {
            proposals.push(proposal::add(&mut tx, account, what, *amount, reason, stamp).await?);
        }
        let settles = proposals.is_empty();
        let ruling = Ruling {
            side: new.side,
            findings: new.findings.clone(),
            by: stamp.by.to_string(),
            on: stamp.on,
            appeal_by: new.appeal_by,
            proposals,
            settled_on: settles.then_some(stamp.on),
            tell: Some(new.tell.clone()),
        };
        match &mut dispute.appeal {
            Some(appeal) => appeal.ruling = Some(ruling.clone()),
            None => dispute.ruling = Some(ruling.clone()),
        }
        if !is_open(&dispute) {
            let reason = format!("dispute {id} decided for the {}: {}", new.side, new.findings);
            hold::end(&mut tx, dispute.last_hold(), &reason, stamp).await?;
        }
        put(&mut tx, &dispute, stamp).await?;
        if let Some(text) = &new.task {
            let key = format!("dispute {id}, ruling of {}", if dispute.appeal.is_some() { "appeal" } else { "first" });
            let text = text.clone();
            task::add(&mut tx, &[NewTask { account, act_key: key, text, role: Role::Lead }], stamp.on).await?;
        }
        touch(&mut tx, &[account], stamp.on).await?;
        let body = json!({ "dispute": id, "appeal": dispute.appeal.is_some(), "ruling": ruling });
        log::write(&mut tx, &[NewLine::of(account, "dispute decided", body)], None, stamp).await?;
        tx.commit().await?;
        Ok(dispute)
    }

    pub async fn tell_ruling(&self, id: DisputeId, told: &RulingTold, stamp: &Stamp) -> Result<Dispute> {
        let mut tx = self.write().await?;
        let (account, mut dispute) = locked(&mut tx, id).await?;
        if dispute.to_be_told().is_none() {
            return Err(StoreError::Conflict(format!("dispute {id} is {}", dispute.state_words())));
        }
        if let Some(later) = told.appeal_by.filter(|_| dispute.appeal.is_none())
            && let Some(last) = dispute.ruling.as_mut().and_then(|ruling| ruling.appeal_by.as_mut())
            && *last < later
        {
            *last = later;
            put(&mut tx, &dispute, stamp).await?;
            touch(&mut tx, &[account], stamp.on).await?;
            let body = json!({ "dispute": id, "appeal_by": later, "because": told.why });
            log::write(&mut tx, &[NewLine::of(account, "time to appeal extended", body)], None, stamp).await?;
        }
        let pieces: Vec<Notice> = told.pieces.iter().map(|piece| piece.clone().into_notice(NoticeId(0))).collect();
        notice::add(&mut tx, &pieces).await?;
        log::write(&mut tx, &notice::lines(&pieces, "letter planned", &told.why), None, stamp).await?;
        tx.commit().await?;
        Ok(dispute)
    }

    pub async fn appeal_dispute(&self, id: DisputeId, reason: &str, stamp: &Stamp) -> Result<Dispute> {
        let mut tx = self.write().await?;
        let (account, mut dispute) = locked(&mut tx, id).await?;
        match dispute.appeal_by() {
            Some(last) if stamp.on <= last => {}
            Some(last) => {
                return Err(StoreError::Conflict(format!("the last day to appeal against dispute {id} was {last}")));
            }
            None => {
                return Err(StoreError::Conflict(format!(
                    "dispute {id} is {}: there is nothing to appeal against",
                    dispute.state_words()
                )));
            }
        }
        // While a credit waits for approval its hold stands; the appeal's takes its place, and the credit goes on waiting.
        if is_open(&dispute) {
            hold::end(&mut tx, dispute.hold, "the appeal's hold stands in its place", stamp).await?;
        }
        let (_, first): (_, Hold) = kept::one(&mut tx, dispute.hold.0).await?;
        let placed = new_hold(HoldKind::Appeal, &dispute.items, stamp.on, first.stops_clock, reason);
        dispute.appeal = Some(Appeal {
            on: stamp.on,
            reason: reason.to_owned(),
            recorded_by: stamp.by.to_string(),
            hold: hold::add(&mut tx, account, &placed, stamp).await?,
            ruling: None,
        });
        put(&mut tx, &dispute, stamp).await?;
        hold_where_it_went(&mut tx, account, &dispute, stamp).await?;
        task::settle(&mut tx, &format!("dispute {id}, told of first"), stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let body = json!({ "dispute": id, "reason": reason });
        log::write(&mut tx, &[NewLine::of(account, "dispute appealed", body)], None, stamp).await?;
        tx.commit().await?;
        Ok(dispute)
    }

    pub async fn dispute(&self, id: DisputeId) -> Result<(AccountId, Dispute)> {
        let mut tx = self.read().await?;
        kept::one(&mut tx, id.0).await
    }

    pub async fn disputes_of(&self, account: AccountId) -> Result<Vec<Dispute>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn dispute_holds(&self) -> Result<Vec<(AccountId, Dispute, Option<Hold>)>> {
        let mut tx = self.read().await?;
        let disputes = kept::with_accounts(&mut tx, kept::select::<Dispute>("1 = 1 ORDER BY id")).await?;
        let keys: Vec<i64> = disputes.iter().map(|(_, dispute)| dispute.last_hold().0).collect();
        let holds: Vec<Hold> = kept::many(&mut tx, &keys).await?;
        let of = |id: HoldId| holds.iter().find(|hold| hold.id == id).cloned();
        Ok(disputes
            .into_iter()
            .map(|(account, dispute)| {
                let hold = of(dispute.last_hold());
                (account, dispute, hold)
            })
            .collect())
    }

    pub async fn disputes(&self) -> Result<Vec<(AccountId, Dispute)>> {
        let mut tx = self.read().await?;
        kept::with_accounts(&mut tx, kept::select::<Dispute>("1 = 1 ORDER BY id")).await
    }
}

/// What is appealed about is not asked for on another account either, to which it went before that was barred. Nothing ends
/// those holds by itself.
async fn hold_where_it_went(conn: &mut Conn, account: AccountId, dispute: &Dispute, stamp: &Stamp) -> Result<()> {
    let mut went: BTreeMap<AccountId, BTreeSet<ItemId>> = BTreeMap::new();
    for debt in transfer::gone(conn, account).await? {
        if dispute.items.is_empty() || dispute.items.contains(&debt.item) {
            went.entry(debt.to).or_default().insert(debt.now);
        }
    }
    for (to, items) in went {
        let reason = format!("the appeal of dispute {}: it was disputed before it came here", dispute.id);
        let placed = new_hold(HoldKind::Appeal, &items, stamp.on, true, &reason);
        let hold = hold::add(conn, to, &placed, stamp).await?;
        touch(conn, &[to], stamp.on).await?;
        let text = format!(
            "What dispute {} is about came here by a transfer, and is held: when the appeal is decided, do here what it says, \
             and end the hold (`arrears hold end {hold}`)",
            dispute.id
        );
        let act_key = format!("dispute {}, held on {to}", dispute.id);
        task::add(conn, &[NewTask { account: to, act_key, text, role: Role::Lead }], stamp.on).await?;
    }
    Ok(())
}

/// Whether something is still to be decided or approved.
pub(super) fn is_open(dispute: &Dispute) -> bool {
    match dispute.state() {
        DisputeState::Open | DisputeState::Appealed | DisputeState::Settling => true,
        DisputeState::ForCity(_) | DisputeState::ForCustomer => false,
    }
}

/// The dispute that a hold stands for, while it is not decided: such a hold is not ended by itself.
pub(super) async fn standing_behind(conn: &mut Conn, account: AccountId, hold: HoldId) -> Result<Option<DisputeId>> {
    let disputes: Vec<Dispute> = kept::of_account(conn, account).await?;
    Ok(disputes.iter().find(|dispute| is_open(dispute) && dispute.last_hold() == hold).map(|dispute| dispute.id))
}

/// What follows for a dispute from the decision on a proposal of its ruling: it is settled when all are approved; where one is
/// declined, the ruling is withdrawn and the others with it, and the lead decides anew.
pub(super) async fn proposal_decided(
    conn: &mut Conn,
    account: AccountId,
    decided: ProposalId,
    stamp: &Stamp,
) -> Result<()> {
    let disputes: Vec<Dispute> = kept::of_account(conn, account).await?;
    let waits = |ruling: &Ruling| ruling.settled_on.is_none() && ruling.proposals.contains(&decided);
    let awaits = |dispute: &Dispute| dispute.rulings().any(waits);
    let Some(mut dispute) = disputes.into_iter().find(awaits) else { return Ok(()) };
    let id = dispute.id;
    let is_first = dispute.ruling.as_ref().is_some_and(waits);
    let all = dispute.rulings().find(|ruling| waits(ruling)).map(|ruling| ruling.proposals.clone()).unwrap_or_default();
    let numbers: Vec<i64> = all.iter().map(|proposal| proposal.0).collect();
    let select = format!("SELECT id, state FROM proposal WHERE id IN {}", ids(1));
    let states: Vec<(i64, String)> = sqlx::query_as(sql(select)).bind(Json(numbers)).fetch_all(&mut *conn).await?;
    let was_open = is_open(&dispute);
    let ruling = match &mut dispute.appeal {
        Some(appeal) if !is_first => &mut appeal.ruling,
        Some(_) | None => &mut dispute.ruling,
    };
    let what = if states.iter().any(|(_, state)| state == ProposalState::Declined.word()) {
        let fallen = ruling.take();
        for (waiting, _) in states.iter().filter(|(_, state)| state == ProposalState::Proposed.word()) {
            let note = format!("the ruling on dispute {id} is withdrawn");
            proposal::decide(conn, ProposalId(*waiting), ProposalState::Declined, Some(&note), stamp).await?;
        }
        // What was decided on an appeal rested on what was given before it.
        if let Some(appeal) = dispute.appeal.as_mut().filter(|_| is_first)
            && appeal.ruling.as_ref().is_some_and(|ruling| ruling.side == Side::City)
        {
            appeal.ruling = None;
        }
        let appealed = is_first && dispute.appeal.is_some();
        let text = match &fallen {
            Some(first) if appealed => format!(
                "The credit of dispute {id} was declined, and its first ruling is withdrawn: the appeal is about all that was \
                 disputed, and somebody else than {} decides it",
                first.by
            ),
            Some(_) | None => {
                format!("The credit of dispute {id} was declined, and its ruling is withdrawn: decide it anew")
            }
        };
        dispute.withdrawn.extend(fallen.map(|ruling| Withdrawn { ruling, on: stamp.on, appealed }));
        let act_key = format!("dispute {id}, withdrawn with proposal {decided}");
        task::add(conn, &[NewTask { account, act_key, text, role: Role::Lead }], stamp.on).await?;
        "ruling withdrawn"
    } else if states.iter().all(|(_, state)| state == ProposalState::Approved.word()) {
        if let Some(ruling) = ruling {
            ruling.settled_on = Some(stamp.on);
        }
        "dispute settled"
    } else {
        return Ok(());
    };
    if was_open && !is_open(&dispute) {
        let reason = format!("dispute {id} decided for the {}, and the credit is posted", Side::Customer);
        hold::end(conn, dispute.last_hold(), &reason, stamp).await?;
    }
    put(conn, &dispute, stamp).await?;
    touch(conn, &[account], stamp.on).await?;
    log::write(conn, &[NewLine::of(account, what, json!({ "dispute": id }))], None, stamp).await
}

fn new_hold(
    kind: HoldKind,
    items: &BTreeSet<crate::domain::ItemId>,
    from: crate::domain::Day,
    stops_clock: bool,
    reason: &str,
) -> NewHold {
    let items = items.iter().copied().collect();
    NewHold { kind, from, through: None, items, stops_clock, reason: reason.to_owned(), estate: None }
}

/// The dispute, its account held still.
async fn locked(conn: &mut Conn, id: DisputeId) -> Result<(AccountId, Dispute)> {
    let account: Option<i64> = sqlx::query_scalar("SELECT account_id FROM dispute WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&mut *conn)
        .await?;
    let account = account.ok_or_else(|| StoreError::not_found("dispute", id))?;
    ledger::hold_still(conn, AccountId(account)).await?;
    kept::one(conn, id.0).await
}

pub(super) async fn put(conn: &mut Conn, dispute: &Dispute, stamp: &Stamp) -> Result<()> {
    sqlx::query("UPDATE dispute SET body = $2, ended_at = $3 WHERE id = $1")
        .bind(dispute.id.0)
        .bind(Json(dispute))
        .bind(stamp.at)
        .execute(conn)
        .await?;
    Ok(())
}

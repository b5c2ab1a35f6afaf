//! Print batches, and letters on their way: batched, mailed, returned.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::types::Json;

use super::event::NewEvent;
use super::given::{ExceptionKind, NewBatch, Permitted, Pieces, Stamp, Whole};
use super::leave::Leave;
use super::log::{self, NewLine};
use super::notice::{chosen, event_each_act, ids_of, is_to_the_household, named, put, step, unless};
use super::{Backend, Conn, Result, StoreError, exception, kept, texts};
use crate::domain::day::plus_days;
use crate::domain::notice::{Notice, NoticeState, PrintBatch};
use crate::domain::{BatchId, Channel, Day, EventKind, NoticeId};

impl Backend {
    pub async fn make_batch(
        &self,
        pieces: &[Permitted<NoticeId>],
        batch: &NewBatch,
        stamp: &Stamp,
    ) -> Result<Whole<BatchId, NoticeId>> {
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, pieces).await?;
        if !leave.overtaken.is_empty() {
            return Ok(Whole::Overtaken(leave.overtaken));
        }
        let mut notices = chosen(&mut tx, &leave.ids()).await?;
        for notice in &notices {
            let ready = notice.state == NoticeState::Rendered && notice.channel == Channel::Mail;
            unless(notice, ready, "a rendered letter")?;
            leave.is_for(notice.id, &named(notice, stamp))?;
        }
        let body = PrintBatch {
            id: BatchId(0),
            made_on: stamp.on,
            made_by: stamp.by.to_string(),
            pieces: u32::try_from(notices.len()).unwrap_or(u32::MAX),
            sheets: batch.sheets,
            path: batch.path.clone(),
            document: batch.document.clone(),
            mailed_on: None,
        };
        let id: i64 = sqlx::query_scalar("INSERT INTO print_batch (made_on, body) VALUES ($1, $2) RETURNING id")
            .bind(stamp.on)
            .bind(Json(&body))
            .fetch_one(&mut *tx)
            .await?;
        for notice in &mut notices {
            notice.state = NoticeState::Batched;
            notice.batch = Some(BatchId(id));
        }
        put(&mut tx, &notices).await?;
        let body = json!({ "batch": id, "pieces": body.pieces, "document": body.document });
        log::write(&mut tx, &[NewLine { account: None, what: "print batch made", body }], None, stamp).await?;
        tx.commit().await?;
        Ok(Whole::Made(BatchId(id)))
    }

    pub async fn batches(&self, limit: u32) -> Result<Vec<PrintBatch>> {
        let found: Vec<(i64, Json<PrintBatch>)> =
            sqlx::query_as("SELECT id, body FROM print_batch ORDER BY id DESC LIMIT $1")
                .bind(i64::from(limit))
                .fetch_all(&self.reader)
                .await?;
        Ok(found.into_iter().map(|(id, Json(batch))| PrintBatch { id: BatchId(id), ..batch }).collect())
    }

    pub async fn batch(&self, id: BatchId) -> Result<PrintBatch> {
        let mut tx = self.read().await?;
        batch(&mut tx, id).await
    }

    pub async fn mark_mailed(&self, pieces: &Pieces, on: Day, proof: &str, stamp: &Stamp) -> Result<Vec<NoticeId>> {
        let mut tx = self.write().await?;
        let mut notices = match pieces {
            Pieces::Batch(id) => {
                let mut whole = batch(&mut tx, *id).await?;
                if let Some(mailed) = whole.mailed_on {
                    return Err(StoreError::Conflict(format!("print batch {id} was marked mailed on {mailed}")));
                }
                whole.mailed_on = Some(on);
                put_batch(&mut tx, &whole).await?;
                pieces_of(&mut tx, *id).await?
            }
            Pieces::Single(ids) => chosen(&mut tx, ids).await?,
        };
        let mailable = |notice: &Notice| {
            notice.channel == Channel::Mail && matches!(notice.state, NoticeState::Rendered | NoticeState::Batched)
        };
        notices.retain(mailable);
        for notice in &mut notices {
            notice.state = NoticeState::Mailed;
            notice.mailed_on = Some(on);
            notice.proof = Some(proof.to_owned());
            notice.served_on = Some(plus_days(on, i64::from(notice.deemed_days)));
        }
        put(&mut tx, &notices).await?;
        let events = service(&mut tx, &notices).await?;
        step(&mut tx, &notices, &events, "notice mailed", proof, stamp).await?;
        tx.commit().await?;
        Ok(ids_of(&notices))
    }

    pub async fn mark_returned(&self, id: NoticeId, on: Day, reason: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut notice) = kept::to_write::<Notice>(&mut tx, id.0).await?;
        unless(&notice, notice.state == NoticeState::Mailed, "mailed")?;
        notice.state = NoticeState::Returned;
        notice.returned_on = Some(on);
        notice.served_on = None;
        notice.cause = Some(reason.to_owned());
        // A copy that misses the owner or a third party does not undo what the customer received.
        let events = if is_to_the_household(&notice) {
            event_each_act(std::slice::from_ref(&notice), EventKind::NoticeReturned, on)
        } else {
            Vec::new()
        };
        let name = notice.template.as_str().replace('_', " ");
        let text = format!("The {name} to the {} came back: {reason}", notice.recipient);
        step(&mut tx, &[notice], &events, "notice returned", reason, stamp).await?;
        exception::open(&mut tx, Some(account), ExceptionKind::ReturnedMail, &text, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn notices_of_batch(&self, batch: BatchId) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        pieces_of(&mut tx, batch).await
    }
}

/// Which of the letters stand in a print batch that was not mailed.
pub(super) fn printed(notices: &[Notice]) -> BTreeSet<NoticeId> {
    notices.iter().filter(|notice| notice.state == NoticeState::Batched).map(|notice| notice.id).collect()
}

/// Asks a person to take printed letters out of their batch: they were ended, and lie among those that go to the carrier.
pub(super) async fn take_out(
    conn: &mut Conn,
    ended: &[Notice],
    printed: &BTreeSet<NoticeId>,
    stamp: &Stamp,
) -> Result<()> {
    for notice in ended.iter().filter(|notice| printed.contains(&notice.id)) {
        let Some(batch) = notice.batch else { continue };
        let account: String = sqlx::query_scalar("SELECT number FROM account WHERE id = $1")
            .bind(notice.account.0)
            .fetch_one(&mut *conn)
            .await?;
        let text = format!(
            "take letter {} (account {account}, {}) out of print batch {batch}: it was {}: {}",
            notice.id,
            notice.addressee,
            notice.state,
            notice.cause.as_deref().unwrap_or("its cause is not known")
        );
        exception::open(conn, Some(notice.account), ExceptionKind::PullLetter, &text, stamp).await?;
    }
    Ok(())
}

async fn pieces_of(conn: &mut Conn, batch: BatchId) -> Result<Vec<Notice>> {
    kept::list(conn, kept::select("batch_id = $1 ORDER BY id").bind(batch.0)).await
}

async fn batch(conn: &mut Conn, id: BatchId) -> Result<PrintBatch> {
    let found: Option<Json<PrintBatch>> =
        sqlx::query_scalar("SELECT body FROM print_batch WHERE id = $1").bind(id.0).fetch_optional(conn).await?;
    let Json(batch) = found.ok_or_else(|| StoreError::not_found("print batch", id))?;
    Ok(PrintBatch { id, ..batch })
}

async fn put_batch(conn: &mut Conn, batch: &PrintBatch) -> Result<()> {
    sqlx::query("UPDATE print_batch SET mailed_on = $2, body = $3 WHERE id = $1")
        .bind(batch.id.0)
        .bind(batch.mailed_on)
        .bind(Json(batch))
        .execute(conn)
        .await?;
    Ok(())
}

/// An act is mailed and served when the last of its letters is: on the latest of their days. Where the customer has no
/// letter but an email, the copies of others tell nobody of it.
async fn service(conn: &mut Conn, mailed: &[Notice]) -> Result<Vec<NewEvent>> {
    let of_stages = mailed.iter().filter(|notice| notice.is_of_stage());
    let acts: BTreeSet<&String> = of_stages.map(|notice| &notice.act_key).collect();
    let acts: Vec<String> = acts.into_iter().cloned().collect();
    let condition = format!("act_key IN {} AND channel = 'mail' ORDER BY id", texts(1));
    let all: Vec<Notice> = kept::list(conn, kept::select(&condition).bind(Json(acts))).await?;
    let mut by_act: BTreeMap<&str, Vec<&Notice>> = BTreeMap::new();
    for notice in &all {
        by_act.entry(&notice.act_key).or_default().push(notice);
    }
    let mut events = Vec::new();
    for pieces in by_act.into_values() {
        // The customer's and the occupant's pieces must each have gone out and stand; another's copy serves neither.
        let mut needed = pieces.iter().filter(|piece| is_to_the_household(piece)).peekable();
        let all_out = needed.peek().is_some() && needed.all(|piece| piece.state == NoticeState::Mailed);
        if !all_out || pieces.iter().any(|piece| piece.state.is_pending()) {
            continue;
        }
        let Some(first) = pieces.first() else { continue };
        let event = |kind, on_day| NewEvent { account: first.account, kind, on_day, stage: Some(first.of.clone()) };
        let left: Vec<&&Notice> = pieces.iter().filter(|piece| piece.state == NoticeState::Mailed).collect();
        events
            .extend(left.iter().filter_map(|piece| piece.mailed_on).max().map(|on| event(EventKind::NoticeMailed, on)));
        events
            .extend(left.iter().filter_map(|piece| piece.served_on).max().map(|on| event(EventKind::NoticeServed, on)));
    }
    Ok(events)
}

//! Notices: from planned to delivered, and the print batches that letters leave in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::bodies::{Bodies, PART, Part};
use super::event::{self, NewEvent};
use super::given::{
    Carried, ExceptionKind, Job, Leaving, NewBatch, Permitted, Pieces, RenderedPiece, Stamp, Whole, WorkKind,
};
use super::kept::{self, Kept};
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, body, document, exception, outbox, rows, sql, texts, touch};
use crate::audit::Ordered;
use crate::domain::day::plus_days;
use crate::domain::notice::{Notice, NoticeFacts, NoticeState, PrintBatch};
use crate::domain::{AccountId, BatchId, Channel, Day, EventKind, NoticeId, Recipient};

#[derive(Serialize)]
struct NoticeRow<'a> {
    id: i64,
    account: AccountId,
    act_key: &'a str,
    recipient: Recipient,
    channel: Channel,
    state: NoticeState,
    batch: Option<BatchId>,
    #[serde(flatten)]
    part: Part,
}

/// The rows, and their bodies beside them.
fn to_rows(notices: &[Notice]) -> Result<(Vec<NoticeRow<'_>>, Vec<u8>)> {
    let mut bodies = Bodies::default();
    let rows = notices
        .iter()
        .map(|body| {
            let Notice { id, account, act_key, recipient, channel, state, batch, .. } = body;
            Ok(NoticeRow {
                id: id.0,
                account: *account,
                act_key,
                recipient: *recipient,
                channel: *channel,
                state: *state,
                batch: *batch,
                part: bodies.add(body)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok((rows, bodies.into_blob()))
}

/// Adds pieces; one that its act has already is left alone.
pub(super) async fn add(conn: &mut Conn, notices: &[Notice]) -> Result<()> {
    let insert = format!(
        "INSERT INTO notice (account_id, act_key, recipient, channel, state, body)
         SELECT r.account, r.act_key, r.recipient, r.channel, r.state, {} FROM {} WHERE true
         ON CONFLICT (act_key, recipient, channel) DO NOTHING",
        body(2),
        rows(1, &format!("account bigint, act_key text, recipient text, channel text, state text, {PART}"))
    );
    let (notices, bodies) = to_rows(notices)?;
    sqlx::query(sql(insert)).bind(Json(notices)).bind(bodies).execute(conn).await?;
    Ok(())
}

/// Writes pieces back as they are now.
pub(super) async fn put(conn: &mut Conn, notices: &[Notice]) -> Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    let update = format!(
        "UPDATE notice SET state = r.state, batch_id = r.batch, body = {} FROM {} WHERE notice.id = r.id",
        body(2),
        rows(1, &format!("id bigint, state text, batch bigint, {PART}"))
    );
    let (notices, bodies) = to_rows(notices)?;
    sqlx::query(sql(update)).bind(Json(notices)).bind(bodies).execute(conn).await?;
    Ok(())
}

/// Gives up on a notice that is still pending.
pub(super) async fn fail(conn: &mut Conn, id: NoticeId, cause: &str, stamp: &Stamp) -> Result<()> {
    let (account, mut notice) = kept::one::<Notice>(conn, id.0).await?;
    if notice.state.is_pending() {
        notice.state = NoticeState::Failed;
        notice.cause = Some(cause.to_owned());
        put(conn, &[notice]).await?;
        let line = NewLine::of(account, "notice failed", json!({ "notice": id, "cause": cause }));
        log::write(conn, &[line], None, stamp).await?;
    }
    Ok(())
}

/// What could not be rendered or sent is made anew once a person has cleared the cause: its act is voided, with the pieces
/// of it that have not gone out. A copy for the owner or a third party, or an email beside a letter, is not worth telling
/// everybody again.
pub(super) async fn make_failed_anew(conn: &mut Conn, account: AccountId, stamp: &Stamp) -> Result<()> {
    let all: Vec<Notice> = kept::of_account(conn, account).await?;
    let failed: Vec<&Notice> = all.iter().filter(|notice| notice.state == NoticeState::Failed).collect();
    let acts: BTreeSet<&str> =
        failed.iter().filter(|notice| is_needed(notice, &all)).map(|notice| notice.act_key.as_str()).collect();
    let mut voided: Vec<Notice> = all
        .iter()
        .filter(|notice| acts.contains(notice.act_key.as_str()))
        .filter(|notice| notice.state == NoticeState::Failed || notice.state.is_pending())
        .cloned()
        .collect();
    for notice in voided.iter_mut().filter(|notice| notice.state.is_pending()) {
        notice.cause = Some("another piece of it failed; it is made anew".to_owned());
    }
    for notice in &mut voided {
        notice.state = NoticeState::Voided;
    }
    outbox::withdraw(conn, &ids_of(&voided)).await?;
    let events = event_each_act(&voided, EventKind::NoticeVoided, stamp.on);
    step(conn, &voided, &events, "notice voided", "its cause was cleared, and it is made anew", stamp).await
}

/// Whether the act has not told its people without the piece.
fn is_needed(piece: &Notice, all: &[Notice]) -> bool {
    let stands = |other: &Notice| other.state.is_pending() || other.state == NoticeState::Mailed;
    let on_paper = |other: &&Notice| {
        other.act_key == piece.act_key && other.recipient == piece.recipient && other.channel == Channel::Mail
    };
    let beside = piece.channel == Channel::Email && all.iter().filter(on_paper).any(stands);
    is_to_the_household(piece) && !beside
}

/// The crew has left the notices of the act at the premises.
pub(super) async fn posted(conn: &mut Conn, account: AccountId, act_key: &str, on: Day, proof: &str) -> Result<()> {
    let mut notices: Vec<Notice> = kept::of_account(conn, account).await?;
    notices.retain(|n| n.act_key == act_key && n.channel == Channel::Posting && n.state.is_pending());
    for notice in &mut notices {
        notice.state = NoticeState::Posted;
        notice.proof = Some(proof.to_owned());
        notice.served_on = Some(on);
    }
    put(conn, &notices).await?;
    outbox::withdraw(conn, &ids_of(&notices)).await
}

/// One event for each act among the pieces, however many pieces it has.
pub(super) fn event_each_act(notices: &[Notice], kind: EventKind, on: Day) -> Vec<NewEvent> {
    let acts: BTreeMap<&str, &Notice> = notices.iter().map(|notice| (notice.act_key.as_str(), notice)).collect();
    acts.into_values()
        .map(|notice| NewEvent { account: notice.account, kind, on_day: on, stage: Some(notice.of.clone()) })
        .collect()
}

fn ids_of(notices: &[Notice]) -> Vec<NoticeId> {
    notices.iter().map(|notice| notice.id).collect()
}

fn accounts_of(notices: &[Notice]) -> Vec<AccountId> {
    notices.iter().map(|notice| notice.account).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Ends pending pieces and withdraws their work.
pub(super) async fn end(
    conn: &mut Conn,
    mut notices: Vec<Notice>,
    state: NoticeState,
    cause: impl Fn(&Notice) -> String,
) -> Result<Vec<Notice>> {
    for notice in &mut notices {
        notice.cause = Some(cause(notice));
        notice.state = state;
    }
    put(conn, &notices).await?;
    outbox::withdraw(conn, &ids_of(&notices)).await?;
    Ok(notices)
}

fn lines(notices: &[Notice], what: &'static str, note: &str) -> Vec<NewLine> {
    notices
        .iter()
        .map(|notice| {
            let body = json!({
                "notice": notice.id, "template": notice.template, "to": notice.recipient, "by": notice.channel,
                "note": note,
            });
            NewLine::of(notice.account, what, body)
        })
        .collect()
}

/// What most steps of a notice have in common: the pieces, the events of their acts, the log.
async fn step(
    conn: &mut Conn,
    notices: &[Notice],
    events: &[NewEvent],
    what: &'static str,
    note: &str,
    stamp: &Stamp,
) -> Result<()> {
    put(conn, notices).await?;
    event::record(conn, events, stamp).await?;
    touch(conn, &accounts_of(notices), stamp.on).await?;
    log::write(conn, &lines(notices, what, note), None, stamp).await
}

fn unless(notice: &Notice, allowed: bool, wanted: &str) -> Result<()> {
    if allowed {
        return Ok(());
    }
    let cause = notice.cause.as_deref().map(|cause| format!(" ({cause})")).unwrap_or_default();
    Err(StoreError::Conflict(format!(
        "notice {} is {}{cause}, and only one that is {wanted} can be taken here",
        notice.id, notice.state
    )))
}

impl Backend {
    pub async fn notices_in(&self, state: NoticeState, limit: u32) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        let query = kept::select("state = $1 ORDER BY id LIMIT $2").bind(state.word()).bind(i64::from(limit));
        kept::list(&mut tx, query).await
    }

    pub async fn notices_of(&self, account: AccountId) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn notices_of_batch(&self, batch: BatchId) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        pieces_of(&mut tx, batch).await
    }

    pub async fn notice(&self, id: NoticeId) -> Result<Notice> {
        let mut tx = self.read().await?;
        Ok(kept::one(&mut tx, id.0).await?.1)
    }

    pub async fn notices(&self, ids: &[NoticeId]) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        chosen(&mut tx, ids).await
    }

    pub async fn release_notices(&self, pieces: &[Permitted<NoticeId>], stamp: &Stamp) -> Result<Carried<NoticeId>> {
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, pieces).await?;
        let mut notices = chosen(&mut tx, &leave.ids()).await?;
        notices.retain(|notice| notice.state == NoticeState::Planned);
        for notice in &mut notices {
            leave.is_for(notice.id, &named(notice, stamp))?;
            notice.state = NoticeState::Released;
            notice.released_on = Some(stamp.on);
            notice.released_by = Some(stamp.by.to_string());
        }
        let released = ids_of(&notices);
        let events = event_each_act(&notices, EventKind::NoticeReleased, stamp.on);
        step(&mut tx, &notices, &events, "notice released", "", stamp).await?;
        outbox::enqueue(&mut tx, WorkKind::RenderNotice, &released, stamp.at).await?;
        tx.commit().await?;
        Ok(Carried { done: released, overtaken: leave.overtaken })
    }

    pub async fn restate_notices(&self, restated: &[(NoticeId, NoticeFacts)], stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let restated: BTreeMap<NoticeId, &NoticeFacts> = restated.iter().map(|(id, facts)| (*id, facts)).collect();
        let mut notices = chosen(&mut tx, &restated.keys().copied().collect::<Vec<_>>()).await?;
        for notice in &mut notices {
            unless(notice, notice.state == NoticeState::Planned, "planned")?;
            if let Some(facts) = restated.get(&notice.id) {
                notice.facts = (*facts).clone();
            }
        }
        put(&mut tx, &notices).await?;
        log::write(&mut tx, &lines(&notices, "notice restated", "its dates and amounts are of today"), None, stamp)
            .await?;
        Ok(tx.commit().await?)
    }

    pub async fn cancel_notices(&self, ids: &[NoticeId], cause: &str, stamp: &Stamp) -> Result<Vec<NoticeId>> {
        let mut tx = self.write().await?;
        let mut notices = chosen(&mut tx, ids).await?;
        notices.retain(|notice| notice.state.is_pending());
        let notices = end(&mut tx, notices, NoticeState::Canceled, |_| cause.to_owned()).await?;
        step(&mut tx, &notices, &[], "notice canceled", cause, stamp).await?;
        tx.commit().await?;
        Ok(ids_of(&notices))
    }

    pub async fn void_notices(&self, ids: &[NoticeId], cause: &str, stamp: &Stamp) -> Result<Vec<NoticeId>> {
        let mut tx = self.write().await?;
        let mut notices = chosen(&mut tx, ids).await?;
        notices.retain(|notice| notice.state.is_pending());
        let notices = end(&mut tx, notices, NoticeState::Voided, |_| cause.to_owned()).await?;
        // What a letter has told is not told again because an email beside it, or a copy, came too late.
        let mut needed = Vec::new();
        for notice in &notices {
            let all: Vec<Notice> = kept::of_account(&mut tx, notice.account).await?;
            if is_needed(notice, &all) {
                needed.push(notice.clone());
            }
        }
        let events = event_each_act(&needed, EventKind::NoticeVoided, stamp.on);
        step(&mut tx, &notices, &events, "notice voided", cause, stamp).await?;
        tx.commit().await?;
        Ok(ids_of(&notices))
    }

    pub async fn notices_rendered(&self, pieces: &[RenderedPiece], stamp: &Stamp) -> Result<Vec<NoticeId>> {
        let mut tx = self.write().await?;
        let (mut notices, mut emails) = (Vec::new(), Vec::new());
        for RenderedPiece { job, document: bytes, dated } in pieces {
            let id = job.work.notice();
            // Work is withdrawn with its notice, so that a canceled one is not held here.
            if !outbox::settle_work(&mut tx, job, "done", None).await? {
                continue;
            }
            let (account, mut notice) = kept::one::<Notice>(&mut tx, id.0).await?;
            if notice.state != NoticeState::Released {
                continue;
            }
            document::keep(&mut tx, bytes, Some(account), &notice.act_key, stamp).await?;
            notice.state = NoticeState::Rendered;
            notice.dated = Some(*dated);
            notice.document = Some(bytes.hash.clone());
            if notice.channel == Channel::Email {
                emails.push(id);
            }
            notices.push(notice);
        }
        put(&mut tx, &notices).await?;
        if !emails.is_empty() {
            outbox::enqueue(&mut tx, WorkKind::SendEmail, &emails, stamp.at).await?;
        }
        tx.commit().await?;
        Ok(ids_of(&notices))
    }

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
        let (account, mut notice) = kept::one::<Notice>(&mut tx, id.0).await?;
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
        let text = format!("{} to the {} came back: {reason}", notice.template, notice.recipient);
        step(&mut tx, &[notice], &events, "notice returned", reason, stamp).await?;
        exception::open(&mut tx, Some(account), ExceptionKind::ReturnedMail, &text, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn emails_leave(&self, emails: &[(Job, Permitted<NoticeId>)], stamp: &Stamp) -> Result<Vec<Leaving>> {
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, emails.iter().map(|(_, piece)| piece)).await?;
        let notices = chosen(&mut tx, &leave.ids()).await?;
        let (mut outcomes, mut going) = (Vec::with_capacity(emails.len()), Vec::new());
        for (job, piece) in emails {
            let Some(notice) = notices.iter().find(|notice| notice.id == piece.id) else {
                outcomes.push(Leaving::Overtaken);
                continue;
            };
            let ready = notice.channel == Channel::Email && notice.state == NoticeState::Rendered;
            if !ready || job.work.notice() != piece.id || !outbox::is_held(&mut tx, job).await? {
                outcomes.push(Leaving::Gone);
                continue;
            }
            leave.is_for(notice.id, &named(notice, stamp))?;
            going.push(notice.clone());
            outcomes.push(Leaving::Goes);
        }
        log::write(&mut tx, &lines(&going, "email leaves", ""), None, stamp).await?;
        tx.commit().await?;
        Ok(outcomes)
    }

    pub async fn email_sent(&self, id: NoticeId, on: Day, proof: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut notice) = kept::one::<Notice>(&mut tx, id.0).await?;
        if notice.state == NoticeState::Sent {
            return Ok(());
        }
        // Canceled while it was with the mail server: what happened is recorded, and is an incident.
        let late = matches!(notice.state, NoticeState::Canceled | NoticeState::Voided);
        let ready = notice.channel == Channel::Email && (late || notice.state == NoticeState::Rendered);
        unless(&notice, ready, "a rendered email")?;
        if late {
            let cause = notice.cause.as_deref().unwrap_or("no cause is recorded");
            let text = format!("notice {id} was {} ({cause}), and its email had left: it serves nothing", notice.state);
            exception::open(&mut tx, Some(account), ExceptionKind::Incident, &text, stamp).await?;
        }
        notice.state = NoticeState::Sent;
        notice.mailed_on = Some(on);
        notice.proof = Some(proof.to_owned());
        let mut events = Vec::new();
        if !late && counts_alone(&mut tx, &notice).await? {
            let served = plus_days(on, i64::from(notice.deemed_days));
            notice.served_on = Some(served);
            events = event_each_act(std::slice::from_ref(&notice), EventKind::NoticeMailed, on);
            events.extend(event_each_act(std::slice::from_ref(&notice), EventKind::NoticeServed, served));
        }
        outbox::sent(&mut tx, id).await?;
        step(&mut tx, &[notice], &events, "email sent", proof, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn email_bounced(&self, id: NoticeId, on: Day, reason: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut notice) = kept::one::<Notice>(&mut tx, id.0).await?;
        unless(&notice, notice.state == NoticeState::Sent, "sent")?;
        notice.state = NoticeState::Bounced;
        notice.returned_on = Some(on);
        notice.served_on = None;
        notice.cause = Some(reason.to_owned());
        let mut events = event_each_act(std::slice::from_ref(&notice), EventKind::EmailBounced, on);
        if counts_alone(&mut tx, &notice).await? {
            events.extend(event_each_act(std::slice::from_ref(&notice), EventKind::NoticeReturned, on));
        }
        let text = format!("{} by email bounced: {reason}", notice.template);
        step(&mut tx, &[notice], &events, "email bounced", reason, stamp).await?;
        exception::open(&mut tx, Some(account), ExceptionKind::EmailBounced, &text, stamp).await?;
        Ok(tx.commit().await?)
    }
}

/// What leave for the piece to go out now has to name.
fn named<'a>(notice: &'a Notice, stamp: &Stamp) -> Named<'a> {
    Named {
        account: notice.account,
        ordered: Ordered::Notice,
        of: Some(&notice.of),
        amount: Some(notice.facts.amount),
        on: Some(stamp.on),
    }
}

/// The pieces with the ids; an id that names none is an error, for a person typed it.
async fn chosen(conn: &mut Conn, ids: &[NoticeId]) -> Result<Vec<Notice>> {
    let wanted: BTreeSet<i64> = ids.iter().map(|id| id.0).collect();
    let wanted: Vec<i64> = wanted.into_iter().collect();
    let found = kept::many::<Notice>(conn, &wanted).await?;
    match wanted.iter().find(|id| found.iter().all(|notice| notice.id.0 != **id)) {
        Some(missing) => Err(StoreError::not_found(Notice::WHAT, missing)),
        None => Ok(found),
    }
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

/// Whether the act's people are told by the email alone. The law does not count a statutory notice by email, and where a
/// letter to the same people belongs to the act, the letter is what counts.
async fn counts_alone(conn: &mut Conn, email: &Notice) -> Result<bool> {
    let condition = format!("act_key IN {} AND channel = 'mail' ORDER BY id", texts(1));
    let letters: Vec<Notice> = kept::list(conn, kept::select(&condition).bind(Json([email.act_key.clone()]))).await?;
    Ok(!email.statutory && !letters.iter().any(is_to_the_household))
}

/// To the customer or the occupant, whom the act must tell; anybody else has a copy.
const fn is_to_the_household(piece: &Notice) -> bool {
    matches!(piece.recipient, Recipient::Customer | Recipient::Occupant)
}

/// An act is mailed and served when the last of its letters is: on the latest of their days. Where the customer has no
/// letter but an email, the copies of others tell nobody of it.
async fn service(conn: &mut Conn, mailed: &[Notice]) -> Result<Vec<NewEvent>> {
    let acts: BTreeSet<&String> = mailed.iter().map(|notice| &notice.act_key).collect();
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

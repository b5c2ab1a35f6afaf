//! Notices: planned, restated, released, rendered, canceled and voided. How letters leave is in `batch`, how emails do in
//! `email`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::bodies::{Bodies, PART, Part};
use super::event::{self, NewEvent};
use super::given::{Carried, Permitted, RenderedPiece, Stamp, WorkKind};
use super::kept::{self, Kept};
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, batch, body, document, email, outbox, rows, sql, touch};
use crate::audit::Ordered;
use crate::domain::notice::{Notice, NoticeFacts, NoticeState};
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
    let (account, mut notice) = kept::to_write::<Notice>(conn, id.0).await?;
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
    let printed = batch::printed(&voided);
    for notice in voided.iter_mut().filter(|notice| notice.state.is_pending()) {
        notice.cause = Some("another piece of it failed; it is made anew".to_owned());
    }
    for notice in &mut voided {
        notice.state = NoticeState::Voided;
    }
    outbox::withdraw(conn, &ids_of(&voided)).await?;
    batch::take_out(conn, &voided, &printed, stamp).await?;
    let events = event_each_act(&voided, EventKind::NoticeVoided, stamp.on);
    step(conn, &voided, &events, "notice voided", "its cause was cleared, and it is made anew", stamp).await?;
    // No stage makes the letter of an arrangement.
    let by = stamp.by.to_string();
    let again: Vec<Notice> = voided.iter().filter_map(|notice| notice.letter_again(stamp.on, &by)).collect();
    add(conn, &again).await?;
    let keys: BTreeSet<String> = again.into_iter().map(|notice| notice.act_key).collect();
    outbox::enqueue_rendering(conn, &keys.into_iter().collect::<Vec<_>>(), stamp.at).await
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
pub(super) async fn posted(
    conn: &mut Conn,
    account: AccountId,
    act_key: &str,
    on: Day,
    proof: &str,
    stamp: &Stamp,
) -> Result<()> {
    let mut notices: Vec<Notice> = kept::of_account(conn, account).await?;
    notices.retain(|n| n.act_key == act_key && n.channel == Channel::Posting && n.state.is_pending());
    for notice in &mut notices {
        notice.state = NoticeState::Posted;
        notice.proof = Some(proof.to_owned());
        notice.served_on = Some(on);
    }
    put(conn, &notices).await?;
    log::write(conn, &lines(&notices, "notice posted", proof), None, stamp).await?;
    outbox::withdraw(conn, &ids_of(&notices)).await?;
    Ok(())
}

/// One event for each act among the pieces, however many pieces it has. No stage waits for other letters.
pub(super) fn event_each_act(notices: &[Notice], kind: EventKind, on: Day) -> Vec<NewEvent> {
    let acts: BTreeMap<&str, &Notice> =
        notices.iter().filter(|n| n.is_of_stage()).map(|notice| (notice.act_key.as_str(), notice)).collect();
    acts.into_values()
        .map(|notice| NewEvent { account: notice.account, kind, on_day: on, stage: Some(notice.of.clone()) })
        .collect()
}

pub(super) fn ids_of(notices: &[Notice]) -> Vec<NoticeId> {
    notices.iter().map(|notice| notice.id).collect()
}

fn accounts_of(notices: &[Notice]) -> Vec<AccountId> {
    notices.iter().map(|notice| notice.account).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Ends pending pieces and withdraws their work. Those that are printed already go on the exceptions list.
pub(super) async fn end(
    conn: &mut Conn,
    mut notices: Vec<Notice>,
    state: NoticeState,
    cause: impl Fn(&Notice) -> String,
    stamp: &Stamp,
) -> Result<Vec<Notice>> {
    let printed = batch::printed(&notices);
    for notice in &mut notices {
        notice.cause = Some(cause(notice));
        notice.state = state;
    }
    put(conn, &notices).await?;
    let unanswered = outbox::withdraw(conn, &ids_of(&notices)).await?;
    email::those_that_may_have_left(conn, &notices, &unanswered, stamp).await?;
    batch::take_out(conn, &notices, &printed, stamp).await?;
    Ok(notices)
}

/// Voids pending pieces, so that their acts are made anew.
pub(super) async fn void(conn: &mut Conn, pending: Vec<Notice>, cause: &str, stamp: &Stamp) -> Result<Vec<NoticeId>> {
    let notices = end(conn, pending, NoticeState::Voided, |_| cause.to_owned(), stamp).await?;
    // What a letter has told is not told again because an email beside it, or a copy, came too late.
    let mut needed = Vec::new();
    for notice in &notices {
        let all: Vec<Notice> = kept::of_account(conn, notice.account).await?;
        if is_needed(notice, &all) {
            needed.push(notice.clone());
        }
    }
    let events = event_each_act(&needed, EventKind::NoticeVoided, stamp.on);
    step(conn, &notices, &events, "notice voided", cause, stamp).await?;
    Ok(ids_of(&notices))
}

/// A line of the log for each piece. Once it is set it names the document, so that the chain holds what left.
pub(super) fn lines(notices: &[Notice], what: &'static str, note: &str) -> Vec<NewLine> {
    notices
        .iter()
        .map(|notice| {
            let mut body = json!({
                "notice": notice.id, "template": notice.template, "to": notice.recipient, "by": notice.channel,
                "note": note,
            });
            if let Some(document) = &notice.document {
                body["document"] = json!(document);
            }
            NewLine::of(notice.account, what, body)
        })
        .collect()
}

/// What most steps of a notice have in common: the pieces, the events of their acts, the log.
pub(super) async fn step(
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

pub(super) fn unless(notice: &Notice, allowed: bool, wanted: &str) -> Result<()> {
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

    pub async fn notice(&self, id: NoticeId) -> Result<Notice> {
        let mut tx = self.read().await?;
        Ok(kept::one(&mut tx, id.0).await?.1)
    }

    pub async fn notices(&self, ids: &[NoticeId]) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        let wanted = keys(ids);
        none_missing(&wanted, kept::many::<Notice>(&mut tx, &wanted).await?)
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
        let notices = end(&mut tx, notices, NoticeState::Canceled, |_| cause.to_owned(), stamp).await?;
        step(&mut tx, &notices, &[], "notice canceled", cause, stamp).await?;
        tx.commit().await?;
        Ok(ids_of(&notices))
    }

    pub async fn void_notices(&self, ids: &[NoticeId], cause: &str, stamp: &Stamp) -> Result<Vec<NoticeId>> {
        let mut tx = self.write().await?;
        let mut notices = chosen(&mut tx, ids).await?;
        notices.retain(|notice| notice.state.is_pending());
        let voided = void(&mut tx, notices, cause, stamp).await?;
        tx.commit().await?;
        Ok(voided)
    }

    pub async fn notices_rendered(&self, pieces: &[RenderedPiece], stamp: &Stamp) -> Result<Vec<NoticeId>> {
        let mut tx = self.write().await?;
        let (mut notices, mut emails) = (Vec::new(), Vec::new());
        let ids: Vec<i64> = pieces.iter().map(|piece| piece.job.work.notice().0).collect();
        kept::lock_accounts::<Notice>(&mut tx, &ids).await?;
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
}

/// What leave for the piece to go out now has to name.
pub(super) fn named<'a>(notice: &'a Notice, stamp: &Stamp) -> Named<'a> {
    Named {
        account: notice.account,
        ordered: Ordered::of_piece(notice),
        of: Some(&notice.of),
        amount: Some(notice.facts.amount),
        on: Some(stamp.on),
    }
}

/// The pieces with the ids, to be written back; an id that names none is an error, for a person typed it.
pub(super) async fn chosen(conn: &mut Conn, ids: &[NoticeId]) -> Result<Vec<Notice>> {
    let wanted = keys(ids);
    none_missing(&wanted, kept::many_to_write::<Notice>(conn, &wanted).await?)
}

fn keys(ids: &[NoticeId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect::<BTreeSet<i64>>().into_iter().collect()
}

fn none_missing(wanted: &[i64], found: Vec<Notice>) -> Result<Vec<Notice>> {
    match wanted.iter().find(|id| found.iter().all(|notice| notice.id.0 != **id)) {
        Some(missing) => Err(StoreError::not_found(Notice::WHAT, missing)),
        None => Ok(found),
    }
}

/// To the customer or the occupant, whom the act must tell; anybody else has a copy.
pub(super) const fn is_to_the_household(piece: &Notice) -> bool {
    matches!(piece.recipient, Recipient::Customer | Recipient::Occupant)
}

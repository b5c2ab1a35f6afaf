//! Notices to release, the list left and the letter beside it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use super::{Line, lines, message};
use crate::domain::NoticeId;
use crate::domain::document::MediaType;
use crate::domain::notice::{Notice, NoticeState};
use crate::office::Released;
use crate::web::error::WebError;
use crate::web::form::{Key, Posted};
use crate::web::headers::{HTML_POLICY, PDF_POLICY};
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

/// So many are shown at once; the rest follows when these are released.
const MOST: u32 = 300;
/// Releasing all takes so many at most in one go.
const MOST_AT_ONCE: u32 = 100_000;
/// Refusals told one by one.
const MOST_TOLD: usize = 20;

#[derive(Serialize)]
struct NoticesPage {
    notices: Vec<Row>,
    waiting: u64,
    all: String,
    /// Releasing all releases no later notice than the last that stood here.
    up_to: i64,
    first: Option<i64>,
    batches: Vec<Batch>,
    letters_to_batch: u64,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    account: Line,
    template: String,
    stage: String,
    channel: String,
    recipient: String,
    addressee: String,
    languages: String,
    statutory: bool,
    amount: String,
    pay_by: String,
    shut_off_on: String,
    planned_on: String,
    citation: String,
}

#[derive(Serialize)]
struct Batch {
    id: i64,
    made_on: String,
    pieces: u32,
    sheets: u32,
    path: String,
    mailed_on: String,
}

/// `/notices`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let planned = store.notices_in(NoticeState::Planned, MOST).await?;
    let known = lines(store, planned.iter().map(|notice| notice.account)).await?;
    let waiting = store.waiting(web.office.today()).await?;
    let count = waiting.notices_to_release.max(planned.len() as u64);
    let last = if count > planned.len() as u64 {
        store.notices_in(NoticeState::Planned, MOST_AT_ONCE).await?.iter().map(|notice| notice.id.0).max()
    } else {
        planned.iter().map(|notice| notice.id.0).max()
    };
    let view = NoticesPage {
        waiting: count,
        all: words::count(count, "notice", "notices"),
        up_to: last.unwrap_or(0),
        first: planned.first().map(|notice| notice.id.0),
        notices: planned
            .iter()
            .map(|notice| row(notice, known.get(&notice.account).cloned().unwrap_or_default()))
            .collect(),
        batches: store
            .batches(10)
            .await?
            .into_iter()
            .map(|batch| Batch {
                id: batch.id.0,
                made_on: words::day(batch.made_on),
                pieces: batch.pieces,
                sheets: batch.sheets,
                path: batch.path,
                mailed_on: words::maybe_day(batch.mailed_on),
            })
            .collect(),
        letters_to_batch: waiting.letters_to_batch,
    };
    web.page(&person, "notices.html", Section::Notices, "Notices to release", &view)
}

/// Releases the ticked ones.
pub async fn release(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let ids = ticked(&posted)?;
    let result = web.office.release_notices(&ids, posted.person.name()).await?;
    tell(&web, &posted.person, &result);
    Ok(Redirect::to("/notices"))
}

/// Releases all that stood on the page or waited behind it.
pub async fn release_all(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let up_to = i64::from(posted.fields.number("up_to", "The last notice")?);
    let planned = web.office.store.notices_in(NoticeState::Planned, MOST_AT_ONCE).await?;
    let ids: Vec<NoticeId> = planned.iter().map(|notice| notice.id).filter(|id| id.0 <= up_to).collect();
    let result = web.office.release_notices(&ids, posted.person.name()).await?;
    tell(&web, &posted.person, &result);
    Ok(Redirect::to("/notices"))
}

/// Cancels the ticked ones with a reason.
pub async fn cancel(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let ids = ticked(&posted)?;
    let reason = posted.fields.text("reason", "The reason to cancel")?;
    let mut canceled = 0;
    let mut refused = Vec::new();
    for id in ids {
        match web.office.cancel_notice(id, reason, posted.person.name()).await {
            Ok(()) => canceled += 1,
            Err(error) => refused.push(format!("Notice {id}: {error}")),
        }
    }
    let text = format!("{} canceled.", words::count(canceled, "notice", "notices"));
    web.say(&posted.person.session, text, &refused);
    Ok(Redirect::to("/notices"))
}

/// `/notices/{id}/pdf`: the piece as it is kept, or a draft of it; of an email the text that a person reads.
pub async fn piece(State(web): State<Arc<Web>>, _person: Person, Key(id): Key) -> Result<Response, WebError> {
    let document = web.office.preview_notice(NoticeId(id)).await?;
    let (policy, show, extension) = match document.media_type {
        MediaType::Pdf => (PDF_POLICY, "inline", "pdf"),
        MediaType::Html => (HTML_POLICY, "inline", "html"),
        MediaType::Email => {
            let text = message::readable(&document.bytes);
            return Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response());
        }
        MediaType::Zip => (HTML_POLICY, "attachment", "zip"),
        MediaType::Csv => (HTML_POLICY, "attachment", "csv"),
        MediaType::Json => (HTML_POLICY, "attachment", "json"),
    };
    let headers = [
        (CONTENT_TYPE, document.media_type.word().to_owned()),
        (CONTENT_SECURITY_POLICY, policy.to_owned()),
        (CONTENT_DISPOSITION, format!("{show}; filename=\"notice-{id}.{extension}\"")),
    ];
    Ok((headers, document.bytes).into_response())
}

fn ticked(posted: &Posted) -> Result<Vec<NoticeId>, WebError> {
    let ids: Vec<NoticeId> = posted.fields.keys("notice")?.into_iter().map(NoticeId).collect();
    if ids.is_empty() {
        return Err(WebError::Input("No notice is ticked: tick those that are meant.".to_owned()));
    }
    Ok(ids)
}

fn tell(web: &Web, person: &Person, result: &Released) {
    let released = words::count(result.released.len() as u64, "notice", "notices");
    let text = match result.refused.len() {
        0 => format!("{released} released."),
        refused => format!("{released} released, {refused} refused."),
    };
    let mut refused: Vec<String> =
        result.refused.iter().take(MOST_TOLD).map(|(id, why)| format!("Notice {id}: {why}")).collect();
    if result.refused.len() > MOST_TOLD {
        refused.push(format!("and {} more", result.refused.len() - MOST_TOLD));
    }
    web.say(&person.session, text, &refused);
}

fn row(notice: &Notice, account: Line) -> Row {
    Row {
        id: notice.id.0,
        account,
        template: words::plain(notice.template.as_str()),
        stage: words::plain(notice.of.stage.as_str()),
        channel: words::plain(notice.channel.word()),
        recipient: words::plain(notice.recipient.word()),
        addressee: notice.addressee.clone(),
        languages: notice.languages.iter().map(|language| words::language(*language)).collect::<Vec<_>>().join(", "),
        statutory: notice.statutory,
        amount: notice.facts.amount.to_string(),
        pay_by: words::maybe_day(notice.facts.pay_by),
        shut_off_on: words::maybe_day(notice.facts.shut_off_on),
        planned_on: words::day(notice.planned_on),
        citation: notice.facts.citation.clone(),
    }
}

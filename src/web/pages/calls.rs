//! The call list of a day: ranked, with the parts of each score in sight.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use super::{Line, snapshots};
use crate::domain::call::{Call, CallAttempt, CallState};
use crate::domain::day::plus_days;
use crate::domain::{CallId, Day, Snapshot};
use crate::web::error::WebError;
use crate::web::form::{Fields, Posted};
use crate::web::headers::PDF_POLICY;
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

#[derive(Serialize)]
struct CallsPage {
    day: String,
    day_iso: String,
    before: String,
    after: String,
    is_today: bool,
    mine: bool,
    rows: Vec<Row>,
    to_release: usize,
    to_make: usize,
    done: usize,
    amount: String,
    staff: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    rank: Option<u32>,
    account: Line,
    phone: String,
    language: String,
    amount: String,
    days: i64,
    score: String,
    parts: Vec<(String, String)>,
    why: String,
    required: bool,
    attempts: String,
    assigned_to: String,
    state: String,
    /// `open` calls can be moved, assigned, dropped.
    open: bool,
    released: bool,
    outcome: String,
}

/// `/calls?day=&who=`
pub async fn show(State(web): State<Arc<Web>>, person: Person, asked: Fields) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let today = web.office.today();
    let day = asked.day("day", "The day")?.unwrap_or(today);
    let mine = asked.get("who") == "me";
    let listed = store.call_list(day).await?;
    let attempts = last_attempts(store.attempts_between(day, day).await?);
    let known = snapshots(store, listed.iter().map(|call| call.account)).await?;
    let of_state = |state: CallState| listed.iter().filter(|call| call.state == state).count();
    let mut rows: Vec<Row> = Vec::new();
    for call in listed.iter().filter(|call| !mine || call.assigned_to.as_deref() == Some(person.name())) {
        let mut row = row(call, known.get(&call.account), attempts.get(&call.id));
        if let Some(snapshot) = known.get(&call.account).filter(|_| row.outcome.is_empty())
            && let Some(why) = web.office.stands_against_call(call, snapshot).await?
        {
            row.outcome = format!("Do not call: {}", words::us_dates(&why));
        }
        rows.push(row);
    }
    let view = CallsPage {
        day: words::day(day),
        day_iso: day.to_string(),
        before: plus_days(day, -1).to_string(),
        after: plus_days(day, 1).to_string(),
        is_today: day == today,
        mine,
        rows,
        to_release: of_state(CallState::Listed),
        to_make: of_state(CallState::Released),
        done: of_state(CallState::Done),
        amount: listed.iter().map(|call| call.amount).sum::<crate::domain::Cents>().to_string(),
        staff: store
            .staff()
            .await?
            .into_iter()
            .filter(|member| member.capacity > 0)
            .map(|member| member.name)
            .collect(),
    };
    web.page(&person, "calls.html", Section::Calls, "Call list", &view)
}

/// Releases the day's list.
pub async fn release(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let day = list_day(&posted.fields)?;
    let released = web.office.release_call_list(day, posted.person.name()).await?;
    let count = u64::try_from(released.released.len()).unwrap_or(u64::MAX);
    let withheld: Vec<String> =
        released.withheld.iter().map(|(id, why)| format!("Call {id} is withheld: {why}")).collect();
    web.say(&posted.person.session, format!("{} released.", words::count(count, "call", "calls")), &withheld);
    Ok(Redirect::to(&list_path(day)))
}

/// `/calls/list.csv?day=`
pub async fn csv(State(web): State<Arc<Web>>, _person: Person, asked: Fields) -> Result<Response, WebError> {
    let day = asked.day("day", "The day")?.unwrap_or(web.office.today());
    let text = web.office.call_list_csv(day).await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"calls-{day}.csv\"")),
    ];
    Ok((headers, text).into_response())
}

/// `/calls/list.pdf?day=`
pub async fn pdf(State(web): State<Arc<Web>>, _person: Person, asked: Fields) -> Result<Response, WebError> {
    let day = asked.day("day", "The day")?.unwrap_or(web.office.today());
    let bytes = web.office.call_list_pdf(day).await?;
    let headers = [
        (CONTENT_TYPE, "application/pdf".to_owned()),
        (CONTENT_DISPOSITION, format!("inline; filename=\"calls-{day}.pdf\"")),
        (axum::http::header::CONTENT_SECURITY_POLICY, PDF_POLICY.to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// The day of the list that a form belongs to.
pub fn list_day(fields: &Fields) -> Result<Day, WebError> {
    fields.day("day", "The day of the list")?.ok_or_else(|| WebError::Input("The day of the list is missing.".into()))
}

/// The list's address.
pub fn list_path(day: Day) -> String {
    format!("/calls?day={day}")
}

/// The phone to call first, and how many more there are.
pub fn first_phone(phones: &[String]) -> String {
    match phones {
        [] => "none".to_owned(),
        [only] => words::phone(only),
        [first, more @ ..] => format!("{} +{}", words::phone(first), more.len()),
    }
}

/// Why the call is made: the stage that asks for it, and the script where the stage does not say it.
pub fn why(call: &Call) -> String {
    let script = words::plain(&call.script);
    match &call.of {
        Some(of) if of.stage.as_str().contains(&call.script) => words::plain(of.stage.as_str()),
        Some(of) => format!("{script} ({})", of.stage.as_str().replace('_', " ")),
        None => script,
    }
}

fn last_attempts(attempts: Vec<CallAttempt>) -> BTreeMap<CallId, CallAttempt> {
    attempts.into_iter().map(|attempt| (attempt.call, attempt)).collect()
}

fn row(call: &Call, snapshot: Option<&Snapshot>, attempt: Option<&CallAttempt>) -> Row {
    let profile = snapshot.map(|known| &known.profile);
    let outcome = match (&call.cause, attempt) {
        (_, Some(attempt)) => format!("{} {}, {}", words::plain(attempt.outcome.word()), attempt.at, attempt.by),
        (Some(cause), None) => cause.clone(),
        (None, None) => String::new(),
    };
    Row {
        id: call.id.0,
        rank: call.rank,
        account: snapshot.map(Line::of).unwrap_or_default(),
        phone: profile.map(|known| first_phone(&known.phones)).unwrap_or_default(),
        language: profile.map(|known| words::language(known.language).to_owned()).unwrap_or_default(),
        amount: call.amount.to_string(),
        days: call.days_past_due,
        score: words::points(call.score_milli),
        parts: call.score.iter().map(|part| (words::plain(&part.name), words::points(part.milli))).collect(),
        why: why(call),
        required: call.required,
        attempts: format!("{} of {}", call.attempts_made, call.attempts_wanted),
        assigned_to: call.assigned_to.clone().unwrap_or_default(),
        state: words::plain(call.state.word()),
        open: matches!(call.state, CallState::Waiting | CallState::Listed | CallState::Released),
        released: call.state == CallState::Released,
        outcome,
    }
}

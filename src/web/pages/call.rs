//! One call: whom, what is owed, what to say, what came of it; and the lead's changes to its place on the list.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use super::account::{self, ArrangementRow, AttemptRow, HoldRow, PromiseRow};
use super::calls::{list_day, list_path, why};
use super::owing::Owing;
use super::{Line, current};
use crate::domain::CallId;
use crate::domain::call::{Call, CallOutcome, CallState};
use crate::office::CallReport;
use crate::web::error::WebError;
use crate::web::form::{Fields, Key, Posted};
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

#[derive(Serialize)]
struct CallPage {
    id: i64,
    account: Line,
    phones: Vec<(String, String)>,
    language: String,
    opted_out: bool,
    third_party: String,
    why: String,
    required: bool,
    attempts_made: String,
    state: String,
    /// Its outcome may be recorded.
    open: bool,
    /// Why it is not to be made now, where something stands against it.
    against: String,
    rank: Option<u32>,
    list_day: String,
    list_path: String,
    assigned_to: String,
    cause: String,
    score: String,
    parts: Vec<(String, String)>,
    owing: Owing,
    attempts: Vec<AttemptRow>,
    promises: Vec<PromiseRow>,
    arrangements: Vec<ArrangementRow>,
    holds: Vec<HoldRow>,
    outcomes: Vec<Outcome>,
    typed: Typed,
    error: Option<String>,
    city: String,
    staff: Vec<String>,
    today_iso: String,
}

#[derive(Serialize)]
struct Outcome {
    word: &'static str,
    label: String,
    /// A conversation with the customer or an adult of the household.
    contact: bool,
}

/// What stands in the form: as typed, where it was refused.
#[derive(Default, Serialize)]
struct Typed {
    outcome: String,
    phone: String,
    at: String,
    note: String,
    amount: String,
    pay_by: String,
    again_on: String,
}

/// `/calls/{id}`
pub async fn show(State(web): State<Arc<Web>>, person: Person, Key(id): Key) -> Result<Html<String>, WebError> {
    page(&web, &person, CallId(id), None).await
}

/// Records what came of the call. A refused form is shown again as it was typed.
pub async fn record(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Response, WebError> {
    let Posted { person, fields } = posted;
    person.must_write()?;
    let id = CallId(id);
    let recorded = match report(&fields) {
        Ok(report) => web.office.record_call(id, report, person.name()).await.map_err(WebError::from),
        Err(error) => Err(error),
    };
    match recorded {
        Ok(()) => {}
        Err(WebError::Input(text) | WebError::Refused(text)) => {
            let again = page(&web, &person, id, Some((&fields, text))).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
        }
        Err(other) => return Err(other),
    }
    let call = web.office.store.call(id).await?;
    let outcome = words::plain(fields.get("outcome"));
    web.say(&person.session, format!("Call recorded: {}.", outcome.to_lowercase()), &[]);
    let day = call.listed_on.unwrap_or(web.office.today());
    Ok(Redirect::to(&list_path(day)).into_response())
}

/// Moves the call to another rank of its list.
pub async fn reorder(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let rank = posted.fields.number("rank", "The rank")?;
    web.office.move_call(CallId(id), rank, posted.person.name()).await?;
    changed(&web, &posted, format!("Call moved to rank {rank}."))
}

/// Assigns the call to another person, or to nobody.
pub async fn assign(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let to = Some(posted.fields.get("to")).filter(|name| !name.is_empty());
    web.office.assign_call(CallId(id), to, posted.person.name()).await?;
    changed(&web, &posted, format!("Call assigned to {}.", to.unwrap_or("nobody")))
}

/// Drops the call with a reason.
pub async fn drop_it(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let reason = posted.fields.text("reason", "The reason to drop the call")?;
    web.office.drop_call(CallId(id), reason, posted.person.name()).await?;
    changed(&web, &posted, "Call dropped.".to_owned())
}

fn changed(web: &Web, posted: &Posted, text: String) -> Result<Redirect, WebError> {
    web.say(&posted.person.session, text, &[]);
    Ok(Redirect::to(&list_path(list_day(&posted.fields)?)))
}

fn report(fields: &Fields) -> Result<CallReport, WebError> {
    let outcome = CallOutcome::from_word(fields.get("outcome"))
        .ok_or_else(|| WebError::Input("What came of the call is not chosen: choose one.".to_owned()))?;
    let amount = fields.amount("amount", "The promised amount")?;
    let pay_by = fields.day("pay_by", "The day of the promise")?;
    let promise = match (outcome, amount, pay_by) {
        (CallOutcome::Promise, Some(amount), Some(pay_by)) => Some((amount, pay_by)),
        (CallOutcome::Promise, _, _) => {
            return Err(WebError::Input("A promise to pay needs its amount and its day: fill in both.".to_owned()));
        }
        (_, None, None) => None,
        _ => {
            return Err(WebError::Input(
                "An amount or a day is filled in, but the outcome is no promise to pay: choose it, or clear them."
                    .to_owned(),
            ));
        }
    };
    Ok(CallReport {
        outcome,
        phone: fields.get("phone").to_owned(),
        at: fields.text("at", "The time of the call")?.to_owned(),
        note: fields.get("note").chars().take(4_000).collect(),
        promise,
        again_on: fields.day("again_on", "The day to call again")?,
    })
}

async fn page(
    web: &Web,
    person: &Person,
    id: CallId,
    refused: Option<(&Fields, String)>,
) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let today = web.office.today();
    let call = store.call(id).await?;
    let (snapshot, owing) = current(web, call.account).await?;
    let profile = &snapshot.profile;
    let (typed, error) = match refused {
        Some((fields, error)) => (typed(fields), Some(words::us_dates(&error))),
        None => {
            let phone = profile.phones.first().cloned().unwrap_or_default();
            (Typed { phone, at: web.office.time_of_day(), ..Typed::default() }, None)
        }
    };
    let list = call.listed_on.unwrap_or(today);
    let against = web.office.stands_against_call(&call, &snapshot).await?;
    let view = CallPage {
        id: id.0,
        account: Line::of(&snapshot),
        phones: profile.phones.iter().map(|phone| (phone.clone(), words::phone(phone))).collect(),
        language: words::language(profile.language).to_owned(),
        opted_out: profile.refuses_calls(),
        third_party: profile.third_party.as_ref().map(|party| party.name.clone()).unwrap_or_default(),
        why: why(&call),
        required: call.required,
        attempts_made: format!("{} of {}", call.attempts_made, call.attempts_wanted),
        state: words::plain(call.state.word()),
        open: is_open(&call),
        against: against.map(|why| words::us_dates(&why)).unwrap_or_default(),
        rank: call.rank,
        list_day: list.to_string(),
        list_path: list_path(list),
        assigned_to: call.assigned_to.clone().unwrap_or_default(),
        cause: call.cause.clone().unwrap_or_default(),
        score: words::points(call.score_milli),
        parts: call.score.iter().map(|part| (words::plain(&part.name), words::points(part.milli))).collect(),
        owing,
        attempts: account::attempts(&store.attempts_of(call.account).await?),
        promises: account::promises(&snapshot, today),
        arrangements: account::arrangements(&snapshot, today),
        holds: account::holds(&snapshot, today).into_iter().filter(|hold| hold.in_force).collect(),
        outcomes: CallOutcome::ALL
            .iter()
            .map(|outcome| Outcome {
                word: outcome.word(),
                label: label(*outcome).to_owned(),
                contact: outcome.is_contact(),
            })
            .collect(),
        typed,
        error,
        city: web.office.city().name.clone(),
        staff: store
            .staff()
            .await?
            .into_iter()
            .filter(|member| member.capacity > 0)
            .map(|member| member.name)
            .collect(),
        today_iso: today.to_string(),
    };
    let title = format!("Call {}", profile.customer_name);
    web.page(person, "call.html", Section::Calls, &title, &view)
}

const fn is_open(call: &Call) -> bool {
    match call.state {
        CallState::Waiting | CallState::Listed | CallState::Released => true,
        CallState::Done | CallState::Dropped | CallState::Canceled => false,
    }
}

fn typed(fields: &Fields) -> Typed {
    let get = |name: &str| fields.get(name).to_owned();
    Typed {
        outcome: get("outcome"),
        phone: get("phone"),
        at: get("at"),
        note: get("note"),
        amount: get("amount"),
        pay_by: get("pay_by"),
        again_on: get("again_on"),
    }
}

const fn label(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Reached => "Spoke with them, nothing agreed",
        CallOutcome::Promise => "Promised to pay",
        CallOutcome::Paid => "Says it is paid",
        CallOutcome::Arrangement => "Wants an arrangement",
        CallOutcome::Dispute => "Disputes the bill",
        CallOutcome::Hardship => "Hardship or medical need",
        CallOutcome::Refused => "Refuses to pay",
        CallOutcome::LeftMessage => "Left a message",
        CallOutcome::NoAnswer => "No answer",
        CallOutcome::WrongNumber => "Wrong number",
        CallOutcome::LanguageLine => "Needs an interpreter",
        CallOutcome::OptOut => "Asks not to be called again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_promise_needs_its_amount_and_its_day() {
        let without = report(&fields(&[("outcome", "promise"), ("at", "10:15"), ("amount", "80")])).unwrap_err();
        assert_eq!(without.to_string(), "A promise to pay needs its amount and its day: fill in both.");
        let whole = [("outcome", "promise"), ("at", "10:15"), ("amount", "80"), ("pay_by", "2026-05-29")];
        let (amount, pay_by) = report(&fields(&whole)).unwrap().promise.unwrap();
        assert_eq!((amount.get(), pay_by.to_string()), (80_00, "2026-05-29".to_owned()));
    }

    #[test]
    fn a_promised_amount_is_never_dropped_in_silence() {
        let error = report(&fields(&[("outcome", "reached"), ("at", "10:15"), ("amount", "80")])).unwrap_err();
        assert!(error.to_string().contains("the outcome is no promise"), "{error}");
    }

    #[test]
    fn a_call_without_an_outcome_is_not_recorded() {
        assert!(report(&fields(&[("at", "10:15")])).unwrap_err().to_string().contains("not chosen"));
        assert!(report(&fields(&[("outcome", "maybe")])).is_err());
    }
}

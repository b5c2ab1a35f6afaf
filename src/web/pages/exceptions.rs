//! What went wrong and waits for a person: exceptions, and payments that matched no account. A list to look at; each
//! line is settled by its own command.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use serde::Serialize;

use super::{Line, lines};
use crate::domain::import::UnmatchedState;
use crate::domain::suggestion::Suggestion;
use crate::office;
use crate::web::error::WebError;
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

#[derive(Serialize)]
struct ExceptionsPage {
    exceptions: Vec<Exception>,
    unmatched: Vec<Unmatched>,
}

#[derive(Serialize)]
struct Exception {
    id: i64,
    account: Option<Line>,
    kind: String,
    freezes: bool,
    text: String,
    since: String,
}

#[derive(Serialize)]
struct Unmatched {
    id: i64,
    received_on: String,
    number: String,
    amount: String,
    channel: String,
    reference: String,
    file: String,
    likely: Vec<Likely>,
}

/// An account that a payment may be for.
#[derive(Serialize)]
struct Likely {
    number: String,
    href: String,
    name: String,
    owes: String,
    why: String,
}

/// `/exceptions`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let open = store.exceptions(true).await?;
    let known = lines(store, open.iter().filter_map(|exception| exception.account)).await?;
    let unmatched = web.office.unmatched(Some(UnmatchedState::Open)).await?;
    let view = ExceptionsPage {
        exceptions: open
            .into_iter()
            .map(|exception| Exception {
                id: exception.id,
                account: exception.account.and_then(|account| known.get(&account).cloned()),
                kind: words::plain(exception.kind.word()),
                freezes: exception.kind.freezes(),
                text: words::us_dates(&exception.text),
                since: words::day(exception.opened_on),
            })
            .collect(),
        unmatched: unmatched
            .into_iter()
            .map(|office::Unmatched { payment, suggestions }| Unmatched {
                likely: suggestions.iter().map(likely).collect(),
                id: payment.id.0,
                received_on: words::day(payment.row.effective_on),
                number: payment.row.account.to_string(),
                amount: payment.row.amount.abs().to_string(),
                channel: payment.row.channel.map(|channel| words::plain(channel.word())).unwrap_or_default(),
                reference: payment.row.reference,
                file: payment.file,
            })
            .collect(),
    };
    web.page(&person, "exceptions.html", Section::Exceptions, "Exceptions", &view)
}

fn likely(found: &Suggestion) -> Likely {
    Likely {
        number: found.number.to_string(),
        href: words::numbered_path(found.number.as_str()),
        name: found.name.clone(),
        owes: found.owed.to_string(),
        why: words::us_dates(&found.why()),
    }
}

//! Finding an account by number, name or address.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::web::error::WebError;
use crate::web::form::Fields;
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

/// So many are shown; more means that the text should say more.
const MOST: u32 = 100;

#[derive(Serialize)]
struct AccountsPage {
    q: String,
    found: Vec<Found>,
    more: bool,
}

#[derive(Serialize)]
struct Found {
    number: String,
    name: String,
    address: String,
    class: String,
    href: String,
}

/// `/accounts?q=`; the full number leads straight to the account.
pub async fn show(State(web): State<Arc<Web>>, person: Person, asked: Fields) -> Result<Response, WebError> {
    let q = asked.get("q").to_owned();
    let store = &web.office.store;
    if !q.is_empty()
        && let Some(account) = store.account_by_number(&q).await?
    {
        return Ok(Redirect::to(&words::account_path(&account.profile)).into_response());
    }
    let found = if q.is_empty() { Vec::new() } else { store.search(&q, MOST).await? };
    let view = AccountsPage {
        more: found.len() >= MOST as usize,
        found: found
            .iter()
            .map(|account| Found {
                number: account.profile.number.to_string(),
                name: account.profile.customer_name.clone(),
                address: account.profile.service_address.one_line(),
                class: words::plain(account.profile.class.word()),
                href: words::account_path(&account.profile),
            })
            .collect(),
        q,
    };
    let page: Html<String> = web.page(&person, "accounts.html", Section::Accounts, "Find an account", &view)?;
    Ok(page.into_response())
}

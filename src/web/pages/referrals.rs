//! Referrals to legal action: candidates to approve or decline, and those approved.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use serde::Serialize;

use super::{Line, snapshots};
use crate::domain::ReferralId;
use crate::domain::referral::{Referral, ReferralState};
use crate::web::error::WebError;
use crate::web::form::{Key, Posted};
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

#[derive(Serialize)]
struct ReferralsPage {
    candidates: Vec<Row>,
    others: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    account: Line,
    to: String,
    state: String,
    proposed_on: String,
    amount: String,
    /// What is owed now; it may have been paid since.
    balance: String,
    approved_by: String,
}

/// `/referrals`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let candidates = store.referrals(Some(ReferralState::Candidate)).await?;
    let mut others = store.referrals(Some(ReferralState::Approved)).await?;
    others.extend(store.referrals(Some(ReferralState::Placed)).await?);
    let known = snapshots(store, candidates.iter().chain(&others).map(|referral| referral.account)).await?;
    let rows = |referrals: &[Referral]| -> Vec<Row> {
        referrals
            .iter()
            .map(|referral| {
                let snapshot = known.get(&referral.account);
                Row {
                    id: referral.id.0,
                    account: snapshot.map(Line::of).unwrap_or_default(),
                    to: words::plain(referral.to.word()),
                    state: words::plain(referral.state.word()),
                    proposed_on: words::day(referral.proposed_on),
                    amount: referral.amount.to_string(),
                    balance: snapshot.map(|known| known.balance().to_string()).unwrap_or_default(),
                    approved_by: referral.approved_by.clone().unwrap_or_default(),
                }
            })
            .collect()
    };
    let view = ReferralsPage { candidates: rows(&candidates), others: rows(&others) };
    web.page(&person, "referrals.html", Section::Referrals, "Referrals", &view)
}

/// Approves a candidate.
pub async fn approve(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_approve()?;
    web.office.approve_referral(ReferralId(id), posted.person.name()).await?;
    web.say(&posted.person.session, "Referral approved. `arrears packet` makes its packet.", &[]);
    Ok(Redirect::to("/referrals"))
}

/// Declines a candidate with a reason.
pub async fn decline(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_approve()?;
    let reason = posted.fields.text("reason", "The reason to decline")?;
    web.office.decline_referral(ReferralId(id), reason, posted.person.name()).await?;
    web.say(&posted.person.session, "Referral declined.", &[]);
    Ok(Redirect::to("/referrals"))
}

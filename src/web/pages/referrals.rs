//! Referrals to legal action: candidates to approve or decline, and those approved.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use serde::Serialize;

use super::{Line, snapshots};
use crate::domain::ReferralId;
use crate::domain::referral::{Referral, ReferralState};
use crate::office::{Approval, Out};
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
    /// The last day to sue, and whether it is past.
    sue_by: String,
    is_barred: bool,
    approved_by: String,
    placed_on: String,
    /// What was placed, what changed since, and what is left there; empty where it was never out.
    placed: String,
    since: String,
    there: String,
    cause: String,
}

/// `/referrals`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let candidates = store.referrals(Some(ReferralState::Candidate)).await?;
    let mut others = store.referrals(Some(ReferralState::Approved)).await?;
    for state in [ReferralState::Placed, ReferralState::Returned, ReferralState::Recalled] {
        others.extend(store.referrals(Some(state)).await?);
    }
    let known = snapshots(store, candidates.iter().chain(&others).map(|referral| referral.account)).await?;
    let today = web.office.today();
    let mut sue_by = std::collections::BTreeMap::new();
    for referral in &candidates {
        if let Some(snapshot) = known.get(&referral.account) {
            sue_by.insert(referral.id, web.office.sue_by(referral, snapshot).await?);
        }
    }
    let rows = |referrals: &[Referral]| -> Vec<Row> {
        referrals
            .iter()
            .map(|referral| {
                let snapshot = known.get(&referral.account);
                let out = snapshot.and_then(|known| Out::of(referral, known));
                let last_day = sue_by.get(&referral.id).copied().flatten();
                let shown =
                    |of: fn(Out) -> crate::domain::Cents| out.map(|out| of(out).to_string()).unwrap_or_default();
                Row {
                    id: referral.id.0,
                    account: snapshot.map(Line::of).unwrap_or_default(),
                    to: words::plain(referral.to.word()),
                    state: words::plain(referral.state.word()),
                    proposed_on: words::day(referral.proposed_on),
                    amount: referral.amount.to_string(),
                    balance: snapshot.map(|known| known.balance().to_string()).unwrap_or_default(),
                    sue_by: last_day.map(words::day).unwrap_or_default(),
                    is_barred: last_day.is_some_and(|last| last < today),
                    approved_by: referral.approved_by.clone().unwrap_or_default(),
                    placed_on: referral.placed_on.map(words::day).unwrap_or_default(),
                    placed: shown(|out| out.placed),
                    since: shown(|out| out.since),
                    there: shown(|out| out.balance),
                    cause: referral.cause.clone().unwrap_or_default(),
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
    let over = Some(posted.fields.get("over_limitation")).filter(|reason| !reason.is_empty());
    match web.office.approve_referral(ReferralId(id), over, posted.person.name()).await? {
        Approval::Approved => {
            web.say(&posted.person.session, "Referral approved. `arrears packet` makes its packet.", &[]);
        }
        Approval::Rerouted(why) => {
            web.say(&posted.person.session, format!("Referral withdrawn, not approved: {why}."), &[]);
        }
    }
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

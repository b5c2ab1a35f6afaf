//! What one person proposes and another approves: waivers, adjustments, write-offs, arrangements beyond the limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use serde::Serialize;

use super::{Line, snapshots};
use crate::domain::ProposalId;
use crate::domain::proposal::{Proposal, ProposalKind, Proposed};
use crate::web::error::WebError;
use crate::web::form::{Key, Posted};
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

#[derive(Serialize)]
struct ApprovalsPage {
    waiting: Vec<Row>,
    decided: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    account: Line,
    what: String,
    amount: String,
    reason: String,
    proposed: String,
    /// The one who looks proposed it, and so does not approve it.
    is_own: bool,
    /// Why it can no longer be approved as it is; empty where it can.
    stale: String,
    /// The installments of an arrangement.
    terms: String,
    decided: String,
    note: String,
}

/// Decided proposals that are shown, the newest.
const DECIDED: usize = 50;

/// `/approvals`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let (waiting, mut decided): (Vec<Proposal>, Vec<Proposal>) =
        store.proposals(false).await?.into_iter().partition(|proposal| proposal.decided_on.is_none());
    decided.reverse();
    decided.truncate(DECIDED);
    let known = snapshots(store, waiting.iter().chain(&decided).map(|proposal| proposal.account)).await?;
    let mut stale = BTreeMap::new();
    for proposal in &waiting {
        if let Some(why) = web.office.stale(proposal).await? {
            stale.insert(proposal.id, why);
        }
    }
    let rows = |proposals: Vec<Proposal>| -> Vec<Row> {
        proposals
            .into_iter()
            .map(|proposal| Row {
                id: proposal.id.0,
                account: known.get(&proposal.account).map(Line::of).unwrap_or_default(),
                what: words::plain(proposal.what.kind().word()),
                amount: proposal.shown_amount().to_string(),
                proposed: format!("{} by {}", words::day(proposal.proposed_on), proposal.proposed_by),
                is_own: proposal.proposed_by == person.name(),
                stale: stale.get(&proposal.id).cloned().unwrap_or_default(),
                terms: terms(&proposal),
                decided: match (&proposal.decided_by, proposal.decided_on) {
                    (Some(by), Some(on)) => {
                        format!("{} by {by}, {}", words::plain(proposal.state.word()), words::day(on))
                    }
                    _ => String::new(),
                },
                reason: proposal.reason_with_facts(),
                note: proposal.note.unwrap_or_default(),
            })
            .collect()
    };
    let view = ApprovalsPage { waiting: rows(waiting), decided: rows(decided) };
    web.page(&person, "approvals.html", Section::Approvals, "Approvals", &view)
}

/// Approves another's proposal.
pub async fn approve(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_approve()?;
    let done = web.office.approve_proposal(ProposalId(id), posted.person.name()).await?;
    let what = words::plain(done.what.kind().word());
    let said = if done.what.kind() == ProposalKind::Arrangement {
        format!("{what} of {} approved and made; its letter goes out.", done.shown_amount())
    } else {
        format!("{what} of {} approved and posted.", done.shown_amount())
    };
    let recalls = web.office.recalls(done.account).await?;
    web.say(&posted.person.session, said, &recalls);
    Ok(Redirect::to("/approvals"))
}

/// Declines a proposal with a reason.
pub async fn decline(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_write()?;
    let reason = posted.fields.text("reason", "The reason to decline")?;
    web.office.decline_proposal(ProposalId(id), reason, posted.person.name()).await?;
    web.say(&posted.person.session, "Proposal declined; nothing was posted or agreed.", &[]);
    Ok(Redirect::to("/approvals"))
}

/// The installments of an arrangement, in a line each; empty of all else.
fn terms(proposal: &Proposal) -> String {
    let Proposed::Arrangement { installments, .. } = &proposal.what else { return String::new() };
    let lines = installments.iter().map(|one| format!("{} by {}", one.amount, words::day(one.due_on)));
    lines.collect::<Vec<_>>().join(", ")
}

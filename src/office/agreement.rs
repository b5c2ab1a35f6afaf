//! The letter that confirms an arrangement: planned when it is made, printed at the counter, printed again.

use std::collections::BTreeSet;

use super::{Office, OfficeError, Result};
use crate::domain::arrangement::Arrangement;
use crate::domain::arrears::oldest_days_past_due;
use crate::domain::document::Document;
use crate::domain::notice::{Agreed, ListedItem, NewNotice, Notice, NoticeFacts};
use crate::domain::{ArrangementId, Cents, Channel, Day, ItemId, Snapshot};
use crate::notices::arrangement_letter;
use crate::rulebook::Policy;
use crate::store::NewArrangement;

impl Office {
    /// The letter of an arrangement as it was mailed or is about to be, to be handed over at the counter.
    ///
    /// # Errors
    /// When there is no such arrangement, it was made before letters were, or the city has not signed the translation.
    pub async fn arrangement_letter(&self, id: ArrangementId) -> Result<Document> {
        let letter = self.letter_on_paper(id).await?;
        if let Some(hash) = &letter.document
            && let Some(kept) = self.store.document(hash).await?
        {
            return Ok(kept);
        }
        if let Some(refusal) = self.signed().await?.refusal(&self.wordings, &letter) {
            return Err(OfficeError::refused(refusal, "until then nobody is handed a translation that nobody read"));
        }
        self.rendered(&letter, letter.dated.or(letter.released_on).unwrap_or(letter.planned_on)).await
    }

    /// The latest letter by mail.
    async fn letter_on_paper(&self, id: ArrangementId) -> Result<Notice> {
        let (account, plan) = self.store.arrangement(id).await?;
        let mut letters = self.store.notices_of(account).await?;
        letters.retain(|piece| piece.arrangement == Some(id) && piece.channel == Channel::Mail);
        letters.pop().ok_or_else(|| {
            let made_on = plan.made_on;
            OfficeError::refused(
                format!("arrangement {id} of {made_on} has no letter: it was made before letters were"),
                "cancel it and make it again, where the customer needs one",
            )
        })
    }
}

/// The pieces of the letter that confirms an arrangement, as it is about to be made.
pub(super) fn letter_of(plan: &NewArrangement, snapshot: &Snapshot, policy: &Policy, on: Day) -> Vec<NewNotice> {
    let taken = plan.taken.as_ref().map_or(Cents::ZERO, |taken| taken.amount);
    let agreed = Agreed { taken, ..Agreed::default() };
    letter(&plan.covers.iter().copied().collect(), agreed, snapshot, policy, on)
}

/// The pieces of the letter that says by when what was missed is to be paid, and what is left.
pub(super) fn letter_again(
    plan: &Arrangement,
    pay_by: Day,
    snapshot: &Snapshot,
    policy: &Policy,
    on: Day,
) -> Vec<NewNotice> {
    let left = plan.left(&snapshot.applications, on);
    letter(&plan.covers, Agreed { pay_by: Some(pay_by), left, ..Agreed::default() }, snapshot, policy, on)
}

fn letter(covers: &BTreeSet<ItemId>, agreed: Agreed, snapshot: &Snapshot, policy: &Policy, on: Day) -> Vec<NewNotice> {
    let covered = snapshot.items.iter().filter(|item| covers.contains(&item.id) && item.open.is_positive());
    let items: Vec<ListedItem> = covered.map(ListedItem::of).collect();
    let arrangements = policy.arrangements.rule.and_then(|rule| policy.origin(rule));
    let facts = NoticeFacts {
        amount: items.iter().map(|item| item.open).sum::<Cents>(),
        balance: snapshot.balance(),
        days_past_due: oldest_days_past_due(&snapshot.items, on, Cents::ZERO),
        pay_by: None,
        shut_off_on: None,
        citation: arrangements.map_or_else(String::new, |origin| origin.citation.clone()),
        deposit: None,
        reconnection: None,
        agreed: Some(agreed),
        restores: None,
        ruled: None,
        items,
    };
    arrangement_letter(snapshot.account, &snapshot.profile, &facts, on)
}

//! Notices: released, canceled, previewed. How letters leave, and come back, is in `mailing`.

use super::accounts::need_reason;
use super::looks::{LOOKS, PAGE, Seen};
use super::{Office, OfficeError, Result};
use crate::audit::{Ordered, Pending, Permit, Refusal, Remedy};
use crate::decide::restate;
use crate::domain::arrangement::{Arrangement, Installment};
use crate::domain::document::{Document, MediaType};
use crate::domain::notice::{Notice, NoticeFacts, NoticeState};
use crate::domain::{Day, NoticeId, Recipient};
use crate::notices::{ARRANGEMENT_LETTER, render_arrangement};
use crate::store::{Permitted, Stamp};

/// What a release did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    pub released: Vec<NoticeId>,
    /// What stands against the others, in a sentence each.
    pub refused: Vec<(NoticeId, String)>,
}

/// What the look before its release finds of a planned notice.
enum AtRelease {
    /// It goes, and says this as of today.
    Goes(Permit, Box<NoticeFacts>),
    Stays(String),
    /// Nobody needs it any more, for this cause.
    Falls(String),
}

impl Office {
    /// Releases planned notices, a page at a time. Each is looked at again first, and its dates are restated as of today.
    ///
    /// # Errors
    /// When the database fails; what was released until then stays so. What stands against single notices is in the
    /// result.
    pub async fn release_notices(&self, ids: &[NoticeId], by: &str) -> Result<Released> {
        self.has_a_name()?;
        self.nothing_is_held().await?;
        let stamp = self.stamp(by);
        let mut outcome = Released::default();
        let mut waiting = ids.to_vec();
        for _ in 0..LOOKS {
            let mut overtaken = Vec::new();
            for page in waiting.chunks(PAGE) {
                let ready = self.ready_to_release(page, &stamp, &mut outcome.refused).await?;
                let carried = self.store.release_notices(&ready, &stamp).await?;
                outcome.released.extend(carried.done);
                overtaken.extend(carried.overtaken);
            }
            waiting = overtaken;
        }
        outcome.refused.extend(waiting.into_iter().map(|id| (id, Refusal::Overtaken.to_string())));
        Ok(outcome)
    }

    /// Looks at a page of notices again; restates what one says if its day has moved, and cancels one that nobody needs.
    async fn ready_to_release(
        &self,
        page: &[NoticeId],
        stamp: &Stamp,
        refused: &mut Vec<(NoticeId, String)>,
    ) -> Result<Vec<Permitted<NoticeId>>> {
        let notices = self.store.notices(page).await?;
        let signed = self.signed().await?;
        let view = self.view(notices.iter().map(|notice| notice.account)).await?;
        let (mut ready, mut restated) = (Vec::new(), Vec::new());
        for notice in notices {
            if let Some(refusal) = signed.refusal(&self.wordings, &notice) {
                refused.push((notice.id, refusal));
                continue;
            }
            match self.look_before_release(view.of(notice.account)?, &notice, stamp.on) {
                AtRelease::Goes(permit, facts) => {
                    if facts.ruled != notice.facts.ruled {
                        self.extend_appeal(&facts, stamp).await?;
                    }
                    ready.push(Permitted { id: notice.id, permit });
                    if *facts != notice.facts {
                        restated.push((notice.id, *facts));
                    }
                }
                AtRelease::Stays(sentence) => refused.push((notice.id, sentence)),
                AtRelease::Falls(cause) => {
                    self.store.cancel_notices(&[notice.id], &cause, stamp).await?;
                    refused.push((notice.id, format!("{cause}; it was canceled")));
                }
            }
        }
        if !restated.is_empty() {
            self.store.restate_notices(&restated, stamp).await?;
        }
        Ok(ready)
    }

    fn look_before_release(&self, seen: &Seen, notice: &Notice, today: Day) -> AtRelease {
        if notice.state != NoticeState::Planned {
            return AtRelease::Stays(format!("it is {} already", notice.state));
        }
        let Seen { snapshot, rules } = seen;
        let world = self.world(rules, today);
        let restated = match notice.facts.ruled {
            Some(_) => Self::ruling_as_of_today(snapshot, rules, notice, today),
            None => restate(snapshot, &world, &rules.policy, &notice.of),
        };
        let Some(facts) = restated else {
            return AtRelease::Falls(match notice.facts.ruled {
                Some(_) => "the ruling that it tells does not stand any more".to_owned(),
                None => "the debt it lists is no longer open".to_owned(),
            });
        };
        let pending = Pending {
            account: notice.account,
            ordered: Ordered::of_piece(notice),
            of: notice.of.clone(),
            service: None,
            items: facts.items.iter().map(|item| item.item).collect(),
            amount: facts.amount,
            for_day: notice.planned_on,
        };
        match self.leave(snapshot, rules, &pending, today) {
            Ok(permit) => AtRelease::Goes(permit, Box::new(facts)),
            Err(refusal) if refusal.remedy() == Remedy::Cancel => AtRelease::Falls(refusal.to_string()),
            Err(refusal) => AtRelease::Stays(refusal.to_string()),
        }
    }

    /// Cancels a notice that nobody was told of yet, with the other pieces of its act. Its stage does not count as done:
    /// it is made anew the day after, unless it is skipped. A copy for the owner or a third party is canceled alone.
    ///
    /// # Errors
    /// When it has gone out.
    pub async fn cancel_notice(&self, id: NoticeId, reason: &str, by: &str) -> Result<()> {
        need_reason(reason)?;
        let notice = self.store.notice(id).await?;
        self.not_of_household(by, notice.account).await?;
        let is_copy = !matches!(notice.recipient, Recipient::Customer | Recipient::Occupant);
        let is_of_stage = !is_copy && notice.is_of_stage();
        if notice.state.is_pending() && is_of_stage && self.cancel_step(&notice.of, notice.account, reason, by).await? {
            return Ok(());
        }
        let canceled = self.store.cancel_notices(&[id], reason, &self.stamp(by)).await?;
        if canceled.is_empty() {
            return Err(OfficeError::refused(
                format!("notice {id} has gone out"),
                "it can be followed up, not canceled",
            ));
        }
        Ok(())
    }

    /// The notice as it was kept, or a draft of it as it would go out today.
    ///
    /// # Errors
    /// When it cannot be rendered, or a kept document is missing.
    pub async fn preview_notice(&self, id: NoticeId) -> Result<Document> {
        let notice = self.store.notice(id).await?;
        match &notice.document {
            Some(hash) => self
                .store
                .document(hash)
                .await?
                .ok_or_else(|| OfficeError::DocumentMissing { kind: MediaType::Pdf, hash: hash.to_string() }),
            None => self.rendered(&notice, notice.dated.unwrap_or_else(|| self.today())).await,
        }
    }

    pub(super) async fn rendered(&self, notice: &Notice, dated: Day) -> Result<Document> {
        let account = self.store.account(notice.account).await?;
        let installments = self.installments_of(notice).await?;
        Ok(render_arrangement(self.press(), notice, &account.profile, dated, &installments)?)
    }

    async fn installments_of(&self, notice: &Notice) -> Result<Vec<Installment>> {
        Ok(agreed(notice, &self.store.arrangements_of(notice.account).await?))
    }

    /// Takes a piece out that shall not go out: one whose amounts have changed is voided and made anew, as is one that says how
    /// service is restored, should it be off again; any other is canceled.
    pub(super) async fn drop_piece(&self, id: NoticeId, refusal: &Refusal, stamp: &Stamp) -> Result<()> {
        let cause = refusal.to_string();
        if matches!(refusal, Refusal::AmountChanged { .. } | Refusal::OnAgain) {
            self.store.void_notices(&[id], &cause, stamp).await?;
        } else {
            self.store.cancel_notices(&[id], &cause, stamp).await?;
        }
        Ok(())
    }
}

/// The installments that a notice states: of the arrangement that it confirms; of the one that stands, where a stage of the
/// policy sends that letter. Any other letter asks for what it lists, whatever was agreed upon.
pub(super) fn agreed(notice: &Notice, plans: &[Arrangement]) -> Vec<Installment> {
    let plan = match notice.arrangement {
        Some(id) => plans.iter().find(|plan| plan.id == id),
        None if notice.template.as_str() == ARRANGEMENT_LETTER => plans.iter().rfind(|plan| plan.canceled_on.is_none()),
        None => None,
    };
    // One that was taken up again is told with what was left then.
    match &notice.facts.agreed {
        Some(agreed) if !agreed.left.is_empty() => agreed.left.clone(),
        Some(_) | None => plan.map_or_else(Vec::new, |plan| plan.installments.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cents, Channel, Language};
    use crate::notices::samples;
    use crate::office::testing::{City, day};

    #[tokio::test]
    async fn a_letter_that_confirms_no_arrangement_asks_for_what_it_lists_and_not_for_installments() {
        let city = City::new().await;
        city.at("2026-04-20", "09:00");
        let account = city.debtor().await;
        let installments = vec![
            Installment { due_on: day("2026-05-01"), amount: Cents::new(11_210) },
            Installment { due_on: day("2026-06-01"), amount: Cents::new(11_210) },
        ];
        city.office.agree(account, installments.clone(), "asked", "Ruth").await.unwrap();
        let plans = city.office.store.arrangements_of(account).await.unwrap();
        let states = |name| agreed(&samples::notice(name, Channel::Mail, &[Language::English]), &plans);
        assert_eq!(states("arrangement_letter"), installments);
        for other in ["final_notice", "shut_off_tag", "how_to_restore", "demand", "reminder"] {
            assert_eq!(states(other), [], "{other}");
        }
    }
}

//! Notices: previewed, released, rendered, batched, mailed, returned.

use super::accounts::need_reason;
use super::looks::{LOOKS, Overtaken, PAGE, Seen};
use super::{Office, OfficeError, Result};
use crate::audit::{Ordered, Pending, Permit, Refusal, Remedy};
use crate::decide::{announced_if_mailed, restate};
use crate::domain::arrangement::{Arrangement, Installment};
use crate::domain::document::{Document, MediaType};
use crate::domain::notice::{Notice, NoticeFacts, NoticeState};
use crate::domain::{AccountNumber, BatchId, Channel, Day, NoticeId, Recipient};
use crate::notices::batch::{self, Letter};
use crate::notices::render_arrangement;
use crate::store::{NewBatch, Permitted, Pieces, Stamp, Whole};

/// What a release did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    pub released: Vec<NoticeId>,
    /// What stands against the others, in a sentence each.
    pub refused: Vec<(NoticeId, String)>,
}

/// A print batch that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchMade {
    pub batch: BatchId,
    pub pieces: u32,
    /// The merged PDF, relative to the data directory.
    pub path: String,
    /// Letters that wait for the next batch because their accounts kept learning something while this one was made.
    pub waiting: Vec<(NoticeId, String)>,
}

/// What the look before its release finds of a planned notice.
enum AtRelease {
    /// It goes, and says this as of today.
    Goes(Permit, NoticeFacts),
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
        let view = self.view(notices.iter().map(|notice| notice.account)).await?;
        let (mut ready, mut restated) = (Vec::new(), Vec::new());
        for notice in notices {
            match self.look_before_release(view.of(notice.account)?, &notice, stamp.on) {
                AtRelease::Goes(permit, facts) => {
                    ready.push(Permitted { id: notice.id, permit });
                    if facts != notice.facts {
                        restated.push((notice.id, facts));
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
        let Some(facts) = restate(snapshot, &world, &rules.policy, &notice.of) else {
            return AtRelease::Falls("the debt it lists is no longer open".to_owned());
        };
        let pending = Pending {
            account: notice.account,
            ordered: Ordered::Notice,
            of: notice.of.clone(),
            service: None,
            items: facts.items.iter().map(|item| item.item).collect(),
            amount: facts.amount,
            for_day: notice.planned_on,
        };
        match self.leave(snapshot, rules, &pending, today) {
            Ok(permit) => AtRelease::Goes(permit, facts),
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
        let is_copy = !matches!(notice.recipient, Recipient::Customer | Recipient::Occupant);
        if notice.state.is_pending() && !is_copy && self.cancel_step(&notice.of, notice.account, reason, by).await? {
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
        Ok(render_arrangement(self.typesetter(), self.city(), notice, &account.profile, dated, &installments)?)
    }

    async fn installments_of(&self, notice: &Notice) -> Result<Vec<Installment>> {
        Ok(agreed(&self.store.arrangements_of(notice.account).await?))
    }

    /// Takes a piece out that shall not go out: one whose amounts have changed is voided and made anew, any other
    /// canceled.
    pub(super) async fn drop_piece(&self, id: NoticeId, refusal: &Refusal, stamp: &Stamp) -> Result<()> {
        let cause = refusal.to_string();
        if matches!(refusal, Refusal::AmountChanged { .. }) {
            self.store.void_notices(&[id], &cause, stamp).await?;
        } else {
            self.store.cancel_notices(&[id], &cause, stamp).await?;
        }
        Ok(())
    }

    /// Puts all rendered letters into a print batch: sorted by ZIP, merged, with a manifest, under `print/`.
    ///
    /// Each is looked at again first; those that nobody needs any more are canceled. While the letters are merged, a fact
    /// may come to one of them: then the batch is made anew with what fits, and a letter that this happens to twice waits
    /// for the next batch.
    ///
    /// # Errors
    /// When the files cannot be written, or all that is ready was overtaken twice. `None` when no letter waits.
    pub async fn make_batch(&self, by: &str) -> Result<Option<BatchMade>> {
        let stamp = self.stamp(by);
        let mut overtaken = Overtaken::new();
        loop {
            let (letters, permits) = self.letters_to_batch(&overtaken, &stamp).await?;
            if letters.is_empty() {
                return match overtaken.named().next() {
                    None => Ok(None),
                    Some(_) => Err(OfficeError::Reexamined(Refusal::Overtaken)),
                };
            }
            let number = self.store.batches(1).await?.first().map_or(1, |batch| batch.id.0 + 1);
            let made = batch::write(self.typesetter(), self.city(), &self.dir, BatchId(number), stamp.on, letters)?;
            let new = NewBatch { sheets: made.sheets, path: made.path.clone(), document: made.document };
            match self.store.make_batch(&permits, &new, &stamp).await? {
                Whole::Made(batch) => {
                    let waiting = overtaken.named().collect();
                    return Ok(Some(BatchMade { batch, pieces: made.pieces, path: made.path, waiting }));
                }
                Whole::Overtaken(ids) => {
                    // Nobody shall print what was not recorded.
                    batch::discard(&self.dir, &made.path)?;
                    overtaken.add(&ids);
                }
            }
        }
    }

    /// The rendered letters that may leave now, with the leave of each.
    async fn letters_to_batch(
        &self,
        overtaken: &Overtaken<NoticeId>,
        stamp: &Stamp,
    ) -> Result<(Vec<Letter>, Vec<Permitted<NoticeId>>)> {
        let mut rendered = self.store.notices_in(NoticeState::Rendered, u32::MAX).await?;
        rendered.retain(|notice| notice.channel == Channel::Mail && !overtaken.is_left_out(notice.id));
        let (mut letters, mut permits) = (Vec::new(), Vec::new());
        for page in rendered.chunks(PAGE) {
            let view = self.view(page.iter().map(|notice| notice.account)).await?;
            for notice in page {
                let seen = view.of(notice.account)?;
                match self.leave_for_notice(seen, notice, stamp.on) {
                    Ok(permit) => {
                        permits.push(Permitted { id: notice.id, permit });
                        letters.push(self.letter(notice, &seen.snapshot.profile.number).await?);
                    }
                    Err(refusal) if refusal.remedy() == Remedy::Cancel => {
                        self.drop_piece(notice.id, &refusal, stamp).await?;
                    }
                    // It waits, rendered, until what stands against it ends.
                    Err(_) => {}
                }
            }
        }
        Ok((letters, permits))
    }

    async fn letter(&self, notice: &Notice, account: &AccountNumber) -> Result<Letter> {
        let missing = |hash: &str| OfficeError::DocumentMissing { kind: MediaType::Pdf, hash: hash.to_owned() };
        let hash = notice.document.as_ref().ok_or_else(|| missing("none"))?;
        let document = self.store.document(hash).await?.ok_or_else(|| missing(hash.as_str()))?;
        Ok(Letter {
            piece: notice.id,
            account: account.clone(),
            addressee: notice.addressee.clone(),
            zip: notice.address.zip.clone(),
            document,
        })
    }

    /// Marks a batch as mailed on a day, with its proof. Letters whose stated dates are too early by then are not
    /// mailed: they are voided, and their stage is decided anew.
    ///
    /// # Errors
    /// When the day lies ahead, or before the batch was made.
    pub async fn mark_batch_mailed(&self, id: BatchId, on: Day, proof: &str, by: &str) -> Result<Released> {
        let batch = self.store.batch(id).await?;
        self.mailing_day(on, batch.made_on)?;
        let pieces = self.store.notices_of_batch(id).await?;
        self.mark_pieces(Some(id), pieces, on, proof, by).await
    }

    /// Marks single letters as mailed; see [`Self::mark_batch_mailed`].
    ///
    /// # Errors
    /// When the day lies ahead, or before the letter was dated.
    pub async fn mark_mailed(&self, ids: &[NoticeId], on: Day, proof: &str, by: &str) -> Result<Released> {
        let mut pieces = Vec::new();
        for id in ids {
            let notice = self.store.notice(*id).await?;
            if !matches!(notice.state, NoticeState::Rendered | NoticeState::Batched) || notice.channel != Channel::Mail
            {
                return Err(OfficeError::refused(
                    format!(
                        "notice {id} is {} by {}, and only a letter that was made is mailed",
                        notice.state, notice.channel
                    ),
                    "nothing was marked",
                ));
            }
            self.mailing_day(on, notice.dated.unwrap_or(on))?;
            pieces.push(notice);
        }
        self.mark_pieces(None, pieces, on, proof, by).await
    }

    fn mailing_day(&self, on: Day, earliest: Day) -> Result<()> {
        let today = self.today();
        if on > today || on < earliest {
            return Err(OfficeError::Input {
                what: "the day of mailing",
                given: on.to_string(),
                expected: format!("a day from {earliest}, when it was made, through today, {today}"),
            });
        }
        Ok(())
    }

    async fn mark_pieces(
        &self,
        batch: Option<BatchId>,
        pieces: Vec<Notice>,
        on: Day,
        proof: &str,
        by: &str,
    ) -> Result<Released> {
        if proof.trim().is_empty() {
            return Err(OfficeError::Input {
                what: "the proof of mailing",
                given: proof.to_owned(),
                expected: "the form and its number, for example PS 3665 of the day".into(),
            });
        }
        let stamp = self.stamp(by);
        let (mut fit, mut outcome) = (Vec::new(), Released::default());
        let pieces: Vec<Notice> = pieces.into_iter().filter(|notice| notice.state.is_pending()).collect();
        for page in pieces.chunks(PAGE) {
            let view = self.view(page.iter().map(|notice| notice.account)).await?;
            for notice in page {
                let Seen { snapshot, rules } = view.of(notice.account)?;
                let world = self.world(rules, stamp.on);
                let earliest = announced_if_mailed(snapshot, &world, &rules.policy, &notice.of, on);
                match (notice.facts.shut_off_on, earliest) {
                    (Some(stated), Some(earliest)) if stated < earliest => {
                        let cause = format!("it states {stated}, and mailed on {on} the earliest is {earliest}");
                        self.store.void_notices(&[notice.id], &cause, &stamp).await?;
                        outcome.refused.push((notice.id, format!("{cause}; it was voided and is made anew")));
                    }
                    _ => fit.push(notice.id),
                }
            }
        }
        // What was voided is no longer of the batch's mail.
        let pieces = batch.map_or_else(|| Pieces::Single(fit), Pieces::Batch);
        outcome.released = self.store.mark_mailed(&pieces, on, proof, &stamp).await?;
        Ok(outcome)
    }

    /// Records that a piece came back.
    ///
    /// # Errors
    /// When it was never mailed.
    pub async fn mark_returned(&self, id: NoticeId, on: Day, reason: &str, by: &str) -> Result<()> {
        Ok(self.store.mark_returned(id, on, reason, &self.stamp(by)).await?)
    }
}

/// The installments of the account's arrangement that stands, for the letter that states them.
pub(super) fn agreed(plans: &[Arrangement]) -> Vec<Installment> {
    let standing = plans.iter().rfind(|plan| plan.canceled_on.is_none());
    standing.map_or_else(Vec::new, |plan| plan.installments.clone())
}

//! The outbox: what was released is rendered, what was rendered is sent. A retry is harmless.

use chrono::Duration;
use futures_util::stream::{self, StreamExt};

use super::cores::on_all_cores;
use super::looks::LOOKS;
use super::{Office, OfficeError, Result};
use crate::audit::{Refusal, Remedy};
use crate::domain::arrangement::Installment;
use crate::domain::document::{Document, MediaType};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{Day, Profile};
use crate::notices::{Delivery, Mailer, email, render_arrangement};
use crate::store::{Job, Leaving, Permitted, RenderedPiece, Stamp, WorkKind};

/// How many letters are set and kept at a time: one transaction.
const RENDERED_AT_ONCE: u32 = 64;
/// How long a claim holds, in seconds; another worker takes the work over afterwards. An email is given up well within.
const LEASE_SECONDS: u32 = 300;
/// How long one email may take, in seconds, whatever its server does.
const EMAIL_SECONDS: u64 = 240;
/// How often an email is tried before it goes on the exceptions list.
const EMAIL_ATTEMPTS: u32 = 8;

/// A released notice with all that its rendering needs.
struct Draft {
    job: Job,
    notice: Notice,
    dated: Day,
    profile: Profile,
    installments: Vec<Installment>,
}

impl Office {
    /// Does the work that waits in the outbox: renders what was released, sends what was rendered. Gives the number done.
    ///
    /// # Errors
    /// When the database fails; what single pieces of work run into is recorded with them.
    pub async fn work_outbox(&self, mailer: &Mailer) -> Result<u64> {
        let rendered = self.render_released(&|| true).await?;
        Ok(rendered + self.send_rendered(mailer, &|| true).await?)
    }

    /// Renders what was released, while `go_on` says so. Gives the number of pieces rendered.
    ///
    /// # Errors
    /// When the database fails; a piece that cannot be rendered goes on the exceptions list.
    pub async fn render_released(&self, go_on: &(dyn Fn() -> bool + Sync)) -> Result<u64> {
        let mut done = 0;
        while go_on() {
            let jobs =
                self.store.claim_work(WorkKind::RenderNotice, RENDERED_AT_ONCE, self.now(), LEASE_SECONDS).await?;
            if jobs.is_empty() {
                break;
            }
            done += self.render_page(jobs).await?;
        }
        Ok(done)
    }

    async fn render_page(&self, jobs: Vec<Job>) -> Result<u64> {
        let stamp = self.daemon_stamp(self.today());
        let mut drafts = Vec::with_capacity(jobs.len());
        for job in jobs {
            match self.draft(job.clone(), stamp.on).await? {
                Some(draft) => drafts.push(draft),
                None => _ = self.store.complete_work(&job).await?,
            }
        }
        let (typesetter, city) = (self.typesetter().clone(), self.city().clone());
        let render = move |draft: &Draft| {
            render_arrangement(&typesetter, &city, &draft.notice, &draft.profile, draft.dated, &draft.installments)
                .map_err(|error| error.to_string())
        };
        let broken = |draft: &Draft| Err(format!("notice {}: an error in the program, see the log", draft.notice.id));
        let mut rendered = Vec::with_capacity(drafts.len());
        for (draft, outcome) in on_all_cores(drafts, render, broken).await? {
            match outcome {
                Ok(document) => rendered.push(RenderedPiece { job: draft.job, document, dated: draft.dated }),
                Err(error) => _ = self.store.fail_work(&draft.job, &error, &stamp).await?,
            }
        }
        Ok(self.store.notices_rendered(&rendered, &stamp).await?.len() as u64)
    }

    /// What the rendering needs; `None` when the notice waits for it no longer.
    async fn draft(&self, job: Job, today: Day) -> Result<Option<Draft>> {
        let notice = self.store.notice(job.work.notice()).await?;
        if notice.state != NoticeState::Released {
            return Ok(None);
        }
        let dated = notice.dated.or(notice.released_on).unwrap_or(today);
        let profile = self.store.account(notice.account).await?.profile;
        let installments = self.installments_of(&notice).await?;
        Ok(Some(Draft { job, notice, dated, profile, installments }))
    }

    /// Sends what was rendered, while `go_on` says so. Gives the number of emails that the server took.
    ///
    /// To a mail server, as many are claimed as go out side by side, so that each is well within its lease and no other
    /// daemon sends it too.
    ///
    /// # Errors
    /// When the database fails; what an email runs into is recorded with it.
    pub async fn send_rendered(&self, mailer: &Mailer, go_on: &(dyn Fn() -> bool + Sync)) -> Result<u64> {
        let mut done = 0;
        let pace = mailer.pace();
        while go_on() {
            let jobs = self.store.claim_work(WorkKind::SendEmail, pace.claimed, self.now(), LEASE_SECONDS).await?;
            if jobs.is_empty() {
                break;
            }
            let sends = stream::iter(&jobs).map(|job| self.send(job, mailer)).buffer_unordered(pace.side_by_side);
            // All are heard out before an error is told: one that is dropped half-way would be sent again.
            let sent: Vec<Result<bool>> = sends.collect().await;
            for sent in sent {
                done += u64::from(sent?);
            }
        }
        Ok(done)
    }

    async fn send(&self, job: &Job, mailer: &Mailer) -> Result<bool> {
        let stamp = self.daemon_stamp(self.today());
        let id = job.work.notice();
        let notice = self.store.notice(id).await?;
        let (NoticeState::Rendered, Some(hash)) = (notice.state, &notice.document) else {
            self.store.complete_work(job).await?;
            return Ok(false);
        };
        if !self.may_leave(job, &notice, &stamp).await? {
            return Ok(false);
        }
        let document = self
            .store
            .document(hash)
            .await?
            .ok_or_else(|| OfficeError::DocumentMissing { kind: MediaType::Email, hash: hash.to_string() })?;
        let delivery = self.deliver(&notice, &document, mailer).await;
        self.record_delivery(job, delivery, &stamp).await
    }

    /// A payment loaded a second ago wins: an email is looked at once more before it leaves, and goes only on the facts of
    /// that look. One that does not go is put back or dropped here.
    async fn may_leave(&self, job: &Job, notice: &Notice, stamp: &Stamp) -> Result<bool> {
        for _ in 0..LOOKS {
            let permit = match self.leave_for_notice(notice, stamp.on).await? {
                Ok(permit) => permit,
                Err(refusal) if refusal.remedy() == Remedy::Cancel => {
                    self.drop_piece(notice.id, &refusal, stamp).await?;
                    self.store.complete_work(job).await?;
                    return Ok(false);
                }
                Err(refusal) => {
                    self.store.wait_with_work(job, self.now() + Duration::hours(1), &refusal.to_string()).await?;
                    return Ok(false);
                }
            };
            match self.store.email_leaves(job, &Permitted { id: notice.id, permit }, stamp).await? {
                Leaving::Goes => return Ok(true),
                Leaving::Gone => return Ok(false),
                Leaving::Overtaken => {}
            }
        }
        let soon = self.now() + Duration::minutes(1);
        self.store.wait_with_work(job, soon, &Refusal::Overtaken.to_string()).await?;
        Ok(false)
    }

    async fn deliver(&self, notice: &Notice, document: &Document, mailer: &Mailer) -> Delivery {
        let to = notice.email.clone().unwrap_or_default();
        let name = email::message_name(notice);
        let limit = std::time::Duration::from_secs(EMAIL_SECONDS);
        let sending = mailer.send(&name, &self.city().email, &to, &document.bytes);
        tokio::time::timeout(limit, sending)
            .await
            .unwrap_or_else(|_| Delivery::Retry(format!("the mail server did not finish within {EMAIL_SECONDS} s")))
    }

    async fn record_delivery(&self, job: &Job, delivery: Delivery, stamp: &Stamp) -> Result<bool> {
        match delivery {
            Delivery::Accepted(proof) => {
                self.store.email_sent(job.work.notice(), stamp.on, &proof, stamp).await?;
                self.store.complete_work(job).await?;
                Ok(true)
            }
            Delivery::Retry(error) if job.attempts < EMAIL_ATTEMPTS => {
                let wait = Duration::minutes(1 << job.attempts.min(8));
                self.store.retry_work(job, self.now() + wait, &error).await?;
                Ok(false)
            }
            Delivery::Retry(error) | Delivery::Fail(error) => {
                self.store.fail_work(job, &format!("notice {}: {error}", job.work.notice()), stamp).await?;
                Ok(false)
            }
        }
    }
}

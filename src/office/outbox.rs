//! The outbox: what was released is rendered, what was rendered is sent. A retry is harmless.

use chrono::Duration;

use super::{Office, OfficeError, Result};
use crate::audit::Remedy;
use crate::domain::NoticeId;
use crate::domain::document::MediaType;
use crate::domain::notice::NoticeState;
use crate::notices::{Delivery, Mailer, email};
use crate::store::{Job, Work, WorkKind};

/// How many pieces of work are claimed at a time.
const CLAIM: u32 = 200;
/// How long a claim holds, in seconds; another worker takes the work over afterwards.
const LEASE_SECONDS: u32 = 120;
/// How often an email is tried before it goes on the exceptions list and is mailed instead.
const EMAIL_ATTEMPTS: u32 = 8;

impl Office {
    /// Does the work that waits in the outbox: renders what was released, sends what was rendered. Gives the number done.
    ///
    /// # Errors
    /// When the database fails; what single pieces of work run into is recorded with them.
    pub async fn work_outbox(&self, mailer: &Mailer) -> Result<u64> {
        let mut done = 0;
        for kind in [WorkKind::RenderNotice, WorkKind::SendEmail] {
            loop {
                let jobs = self.store.claim_work(kind, CLAIM, self.now(), LEASE_SECONDS).await?;
                if jobs.is_empty() {
                    break;
                }
                for job in jobs {
                    done += u64::from(self.work(&job, mailer).await?);
                }
            }
        }
        Ok(done)
    }

    async fn work(&self, job: &Job, mailer: &Mailer) -> Result<bool> {
        match &job.work {
            Work::RenderNotice(id) => self.work_render(job, *id).await,
            Work::SendEmail(id) => self.work_send(job, *id, mailer).await,
        }
    }

    async fn work_render(&self, job: &Job, id: NoticeId) -> Result<bool> {
        let stamp = self.daemon_stamp(self.today());
        let notice = self.store.notice(id).await?;
        if notice.state != NoticeState::Released {
            return Ok(self.store.complete_work(job).await?);
        }
        let dated = notice.dated.or(notice.released_on).unwrap_or(stamp.on);
        match self.rendered(&notice, dated).await {
            Ok(document) => {
                self.store.notice_rendered(id, &document, dated, &stamp).await?;
                Ok(self.store.complete_work(job).await?)
            }
            Err(error @ OfficeError::Store(_)) => Err(error),
            Err(error) => {
                self.store.notice_failed(id, &error.to_string(), &stamp).await?;
                Ok(false)
            }
        }
    }

    async fn work_send(&self, job: &Job, id: NoticeId, mailer: &Mailer) -> Result<bool> {
        let stamp = self.daemon_stamp(self.today());
        let notice = self.store.notice(id).await?;
        let (NoticeState::Rendered, Some(hash)) = (notice.state, &notice.document) else {
            return Ok(self.store.complete_work(job).await?);
        };
        // A payment loaded a second ago wins: an email is looked at once more before it leaves.
        match self.stands_against(&notice, stamp.on).await? {
            None => {}
            Some(refusal) if refusal.remedy() == Remedy::Cancel => {
                self.drop_piece(id, &refusal, &stamp).await?;
                return Ok(self.store.complete_work(job).await?);
            }
            Some(refusal) => {
                self.store.retry_work(job, self.now() + Duration::hours(1), &refusal.to_string()).await?;
                return Ok(false);
            }
        }
        let document = self
            .store
            .document(hash)
            .await?
            .ok_or_else(|| OfficeError::DocumentMissing { kind: MediaType::Email, hash: hash.to_string() })?;
        let to = notice.email.clone().unwrap_or_default();
        let name = email::message_name(&notice);
        match mailer.send(&name, &self.city().email, &to, &document.bytes).await {
            Delivery::Accepted(proof) => {
                self.store.email_sent(id, stamp.on, &proof, &stamp).await?;
                Ok(self.store.complete_work(job).await?)
            }
            Delivery::Retry(error) if job.attempts < EMAIL_ATTEMPTS => {
                let wait = Duration::minutes(1 << job.attempts.min(8));
                self.store.retry_work(job, self.now() + wait, &error).await?;
                Ok(false)
            }
            Delivery::Retry(error) | Delivery::Fail(error) => {
                self.store.notice_failed(id, &error, &stamp).await?;
                Ok(false)
            }
        }
    }
}

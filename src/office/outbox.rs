//! The outbox: what was released is rendered, what was rendered is sent. A retry is harmless.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use futures_util::stream::{self, StreamExt};

use super::cores::on_all_cores;
use super::looks::{LOOKS, Seen};
use super::notices::agreed;
use super::{Office, OfficeError, Result};
use crate::audit::{Permit, Refusal, Remedy};
use crate::domain::arrangement::Installment;
use crate::domain::document::{Document, MediaType};
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::{AccountId, Day, NoticeId, Profile, Snapshot};
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
        let drafts = self.drafts(jobs, stamp.on).await?;
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

    /// What the rendering needs. Work whose notice waits for it no longer is done.
    async fn drafts(&self, jobs: Vec<Job>, today: Day) -> Result<Vec<Draft>> {
        let page = self.with_notices(jobs).await?;
        let accounts: BTreeSet<AccountId> = page.iter().map(|(_, notice)| notice.account).collect();
        let snapshots = self.store.snapshots(&accounts.into_iter().collect::<Vec<_>>()).await?;
        let snapshots: BTreeMap<AccountId, Snapshot> = snapshots.into_iter().map(|s| (s.account, s)).collect();
        let mut drafts = Vec::with_capacity(page.len());
        for (job, notice) in page {
            let snapshot = snapshots.get(&notice.account).filter(|_| notice.state == NoticeState::Released);
            let Some(Snapshot { profile, arrangements, .. }) = snapshot else {
                self.store.complete_work(&job).await?;
                continue;
            };
            let dated = notice.dated.or(notice.released_on).unwrap_or(today);
            drafts.push(Draft { job, notice, dated, profile: profile.clone(), installments: agreed(arrangements) });
        }
        Ok(drafts)
    }

    /// The notices that the work is for.
    async fn with_notices(&self, jobs: Vec<Job>) -> Result<Vec<(Job, Notice)>> {
        let ids: Vec<NoticeId> = jobs.iter().map(|job| job.work.notice()).collect();
        let notices = self.store.notices(&ids).await?;
        let mut notices: BTreeMap<NoticeId, Notice> = notices.into_iter().map(|notice| (notice.id, notice)).collect();
        Ok(jobs.into_iter().filter_map(|job| notices.remove(&job.work.notice()).map(|notice| (job, notice))).collect())
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
            let leaving = self.may_leave(jobs).await?;
            let sends = stream::iter(&leaving)
                .map(|(job, notice)| self.send(job, notice, mailer))
                .buffer_unordered(pace.side_by_side);
            // All are heard out before an error is told: one that is dropped half-way would be sent again.
            let sent: Vec<Result<bool>> = sends.collect().await;
            for sent in sent {
                done += u64::from(sent?);
            }
        }
        Ok(done)
    }

    /// A payment loaded a second ago wins: emails are looked at once more before they leave, and go only on the facts of
    /// that look. One that does not go is put back or dropped here.
    async fn may_leave(&self, jobs: Vec<Job>) -> Result<Vec<(Job, Notice)>> {
        let stamp = self.daemon_stamp(self.today());
        let mut leaving = Vec::with_capacity(jobs.len());
        let mut waiting = jobs;
        for _ in 0..LOOKS {
            let (mut ready, mut notices) = (Vec::new(), Vec::new());
            let page = self.with_notices(waiting).await?;
            let view = self.view(page.iter().map(|(_, notice)| notice.account)).await?;
            for (job, notice) in page {
                let seen = view.of(notice.account)?;
                if let Some(permit) = self.look_before_sending(seen, &job, &notice, &stamp).await? {
                    ready.push((job, Permitted { id: notice.id, permit }));
                    notices.push(notice);
                }
            }
            waiting = Vec::new();
            let outcomes = self.store.emails_leave(&ready, &stamp).await?;
            for (((job, _), notice), outcome) in ready.into_iter().zip(notices).zip(outcomes) {
                match outcome {
                    Leaving::Goes => leaving.push((job, notice)),
                    Leaving::Gone => {}
                    Leaving::Overtaken => waiting.push(job),
                }
            }
            if waiting.is_empty() {
                break;
            }
        }
        let soon = self.now() + Duration::minutes(1);
        for job in waiting {
            self.store.wait_with_work(&job, soon, &Refusal::Overtaken.to_string()).await?;
        }
        Ok(leaving)
    }

    async fn look_before_sending(
        &self,
        seen: &Seen,
        job: &Job,
        notice: &Notice,
        stamp: &Stamp,
    ) -> Result<Option<Permit>> {
        if notice.state != NoticeState::Rendered {
            self.store.complete_work(job).await?;
            return Ok(None);
        }
        match self.leave_for_notice(seen, notice, stamp.on) {
            Ok(permit) => return Ok(Some(permit)),
            Err(refusal) if refusal.remedy() == Remedy::Cancel => {
                self.drop_piece(notice.id, &refusal, stamp).await?;
                self.store.complete_work(job).await?;
            }
            Err(refusal) => {
                let later = self.now() + Duration::hours(1);
                self.store.wait_with_work(job, later, &refusal.to_string()).await?;
            }
        }
        Ok(None)
    }

    async fn send(&self, job: &Job, notice: &Notice, mailer: &Mailer) -> Result<bool> {
        let missing = |hash: &str| OfficeError::DocumentMissing { kind: MediaType::Email, hash: hash.to_owned() };
        let hash = notice.document.as_ref().ok_or_else(|| missing("none"))?;
        let document = self.store.document(hash).await?.ok_or_else(|| missing(hash.as_str()))?;
        let delivery = self.deliver(notice, &document, mailer).await;
        self.record_delivery(job, delivery).await
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

    async fn record_delivery(&self, job: &Job, delivery: Delivery) -> Result<bool> {
        let stamp = &self.daemon_stamp(self.today());
        match delivery {
            Delivery::Accepted(proof) => {
                self.store.email_sent(job.work.notice(), stamp.on, &proof, stamp).await?;
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

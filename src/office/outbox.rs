//! The outbox: what was released is rendered, what was rendered is sent. A retry is harmless.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

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
use crate::notices::{Delivery, Mailer, Press, email, render_arrangement};
use crate::store::{Bounced, ExceptionKind, Job, Leaving, Permitted, RenderedPiece, Stamp, WorkKind};

/// How many letters are set and kept at a time: one transaction.
const RENDERED_AT_ONCE: u32 = 64;
/// How long a claim holds, in seconds; another worker takes the work over afterwards. An email is given up well within.
const LEASE_SECONDS: u32 = 300;
/// How long one email may take, in seconds, whatever its server does.
const EMAIL_SECONDS: u64 = 240;
/// How long an email waits at most before it is tried again, in minutes.
const EMAIL_WAIT: i64 = 30;
/// After so many attempts, which is about an hour, a mail server that takes nothing goes on the exceptions list.
const TOLD_AFTER: u32 = 6;
/// How often an email is tried before it fails: for about five days, as mail servers do among themselves.
const EMAIL_ATTEMPTS: u32 = 240;

/// A released notice with all that its rendering needs.
struct Draft {
    job: Job,
    notice: Notice,
    dated: Day,
    profile: Profile,
    installments: Vec<Installment>,
}

/// What came of sending an email.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sent {
    /// The server took it.
    Taken,
    /// No connection, or not now; it is tried again.
    Waits { attempts: u32, error: String },
    /// It never goes; where its people still have to be told, a letter does.
    Refused,
}

impl Sent {
    /// What the server said, once it has said so for long enough to tell.
    fn told(&self) -> Option<&str> {
        match self {
            Self::Waits { attempts, error } if *attempts >= TOLD_AFTER => Some(error),
            Self::Waits { .. } | Self::Taken | Self::Refused => None,
        }
    }
}

impl Office {
    /// Does the work that waits: renders what was released, sends what was rendered, and the digest. Gives the number done.
    ///
    /// # Errors
    /// When the database fails; what single pieces of work run into is recorded with them.
    pub async fn work_outbox(&self, mailer: &Mailer) -> Result<u64> {
        let rendered = self.render_released(&|| true).await?;
        let sent = self.send_rendered(mailer, &|| true).await?;
        Ok(rendered + sent + self.send_digests(mailer).await?)
    }

    /// Renders what was released, while `go_on` says so. Gives the number of pieces rendered.
    ///
    /// # Errors
    /// When the database fails; a piece that cannot be rendered goes on the exceptions list.
    pub async fn render_released(&self, go_on: &(dyn Fn() -> bool + Sync)) -> Result<u64> {
        self.has_a_name()?;
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
        let (typesetter, city, wordings) = (self.typesetter().clone(), self.city().clone(), Arc::clone(&self.wordings));
        let render = move |draft: &Draft| {
            let press = Press { typesetter: &typesetter, city: &city, wordings: &wordings };
            render_arrangement(press, &draft.notice, &draft.profile, draft.dated, &draft.installments)
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
        let signed = self.signed().await?;
        let policy = self.rules_on(today).await.ok();
        let mut drafts = Vec::with_capacity(page.len());
        for (job, notice) in page {
            let unstated = policy.as_ref().and_then(|rules| {
                super::wordings::unstated(&rules.policy, &self.wordings, &notice.template, &notice.languages)
            });
            if let Some(refusal) = signed.refusal(&self.wordings, &notice).or(unstated) {
                self.hold_until_signed(&job, &refusal).await?;
                continue;
            }
            let snapshot = snapshots.get(&notice.account).filter(|_| notice.state == NoticeState::Released);
            let Some(Snapshot { profile, arrangements, .. }) = snapshot else {
                self.store.complete_work(&job).await?;
                continue;
            };
            let dated = notice.dated.or(notice.released_on).unwrap_or(today);
            let installments = agreed(&notice, arrangements);
            drafts.push(Draft { job, notice, dated, profile: profile.clone(), installments });
        }
        Ok(drafts)
    }

    /// A piece that nobody releases waits until the city has signed its translation; the lead is told once.
    async fn hold_until_signed(&self, job: &Job, refusal: &str) -> Result<()> {
        self.store.wait_with_work(job, self.now() + Duration::hours(1), refusal).await?;
        let text = format!("Notices wait, for {refusal}");
        self.store
            .open_exception(None, ExceptionKind::WordingUnsigned, &text, &self.daemon_stamp(self.today()))
            .await?;
        Ok(())
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
        while go_on() && self.may_send().await? {
            let jobs = self.store.claim_work(WorkKind::SendEmail, pace.claimed, self.now(), LEASE_SECONDS).await?;
            if jobs.is_empty() {
                break;
            }
            let leaving = self.may_leave(jobs).await?;
            let sends = stream::iter(&leaving)
                .map(|(job, notice)| self.send(job, notice, mailer))
                .buffer_unordered(pace.side_by_side);
            // All are heard out before an error is told: one that is dropped half-way would be sent again.
            let sent: Vec<Result<Sent>> = sends.collect().await;
            let sent = sent.into_iter().collect::<Result<Vec<Sent>>>()?;
            done += sent.iter().filter(|sent| **sent == Sent::Taken).count() as u64;
            self.tell_of_server(&sent).await?;
        }
        Ok(done)
    }

    /// Rendering goes on; while a night is held nothing leaves, nor while one is under way, which may yet be; and what a restored
    /// city may have sent before is not sent again unseen.
    async fn may_send(&self) -> Result<bool> {
        Ok(self.emails_wait_for().await?.is_none())
    }

    /// What all emails wait for; `None` where they go.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn emails_wait_for(&self) -> Result<Option<&'static str>> {
        if self.store.standstill().await?.is_some() {
            return Ok(Some("`arrears restored release`: this city was restored from a backup"));
        }
        if self.held_night().await?.is_some() {
            return Ok(Some("the lead's release of the night: `arrears night release`"));
        }
        Ok(self.is_under_way().await?.then_some("the end of the night that is under way"))
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
        if let Some(untrue) = self.untrue(seen, notice, stamp.on) {
            self.store.void_notices(&[notice.id], &untrue.cause, stamp).await?;
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

    /// A mail server that took none of the last emails for an hour stands on the exceptions list until it takes an email again.
    async fn tell_of_server(&self, sent: &[Sent]) -> Result<()> {
        let stamp = self.daemon_stamp(self.today());
        if sent.contains(&Sent::Taken) {
            return Ok(self.store.clear_exceptions_of(ExceptionKind::MailDown, &stamp).await?);
        }
        let Some(error) = sent.iter().find_map(Sent::told) else { return Ok(()) };
        let standing = self.store.exceptions(true).await?;
        if !standing.iter().any(|line| line.kind == ExceptionKind::MailDown) {
            let text = format!(
                "The mail server took none of the last emails, though it was tried for an hour. They wait; each is tried again \
                 for about five days, and then fails. It said: {error}"
            );
            self.store.open_exception(None, ExceptionKind::MailDown, &text, &stamp).await?;
        }
        Ok(())
    }

    async fn send(&self, job: &Job, notice: &Notice, mailer: &Mailer) -> Result<Sent> {
        let missing = |hash: &str| OfficeError::DocumentMissing { kind: MediaType::Email, hash: hash.to_owned() };
        let hash = notice.document.as_ref().ok_or_else(|| missing("none"))?;
        let document = self.store.document(hash).await?.ok_or_else(|| missing(hash.as_str()))?;
        let delivery = self.deliver(notice, &document, mailer).await;
        self.record_delivery(job, notice, delivery).await
    }

    async fn deliver(&self, notice: &Notice, document: &Document, mailer: &Mailer) -> Delivery {
        let to = notice.email.clone().unwrap_or_default();
        let name = email::message_name(notice);
        let limit = std::time::Duration::from_secs(EMAIL_SECONDS);
        let sending = mailer.send(&name, &self.city().email, &to, &document.bytes);
        tokio::time::timeout(limit, sending).await.unwrap_or_else(|_| {
            Delivery::Unanswered(format!("the mail server did not finish within {EMAIL_SECONDS} s"))
        })
    }

    /// The email has left, and that must be known before another worker may take it over: while the database is busy, with a
    /// large file or a lock, it is told again.
    async fn record_sent(&self, id: NoticeId, proof: &str, stamp: &Stamp) -> Result<()> {
        let until = Instant::now() + std::time::Duration::from_secs(u64::from(LEASE_SECONDS) - EMAIL_SECONDS);
        loop {
            match self.store.email_sent(id, stamp.on, proof, stamp).await {
                Err(error) if error.is_retry() && Instant::now() < until => {
                    tracing::warn!(notice = %id, %error, "an email has left, and is not recorded yet");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// An email that no server takes told nobody: a letter goes in its place, as in that of one that came back.
    async fn never_sent(
        &self,
        job: &Job,
        notice: &Notice,
        reason: String,
        marks_address: bool,
        stamp: &Stamp,
    ) -> Result<Sent> {
        let letter = self.letter_instead(notice, stamp.on).await?;
        self.store.email_refused(job, &Bounced { reason, marks_address, letter }, stamp).await?;
        self.settle_accounts(&[notice.account]).await?;
        Ok(Sent::Refused)
    }

    async fn record_delivery(&self, job: &Job, notice: &Notice, delivery: Delivery) -> Result<Sent> {
        let stamp = &self.daemon_stamp(self.today());
        match delivery {
            Delivery::Accepted(proof) => {
                self.record_sent(job.work.notice(), &proof, stamp).await?;
                Ok(Sent::Taken)
            }
            Delivery::Retry(error) if job.attempts < EMAIL_ATTEMPTS => {
                let wait = Duration::minutes((1 << job.attempts.min(8)).min(EMAIL_WAIT));
                self.store.retry_work(job, self.now() + wait, &error).await?;
                Ok(Sent::Waits { attempts: job.attempts, error })
            }
            Delivery::Unanswered(words) if job.attempts < EMAIL_ATTEMPTS => {
                let wait = Duration::minutes((1 << job.attempts.min(8)).min(EMAIL_WAIT));
                self.store.email_unanswered(job, self.now() + wait, &words, stamp).await?;
                Ok(Sent::Waits { attempts: job.attempts, error: words })
            }
            Delivery::Retry(words) | Delivery::Unanswered(words) => {
                self.never_sent(job, notice, words, false, stamp).await
            }
            Delivery::Refused { words, of_address } => self.never_sent(job, notice, words, of_address, stamp).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::testing::{City, day};

    /// A folder in whose place a file stands takes no email, as a server that is down.
    struct Server(std::path::PathBuf);

    impl Server {
        fn down(city: &City) -> Self {
            let folder = city.office.dir.join("mail");
            std::fs::write(&folder, "").unwrap();
            Self(folder)
        }

        fn up(&self) {
            std::fs::remove_file(&self.0).unwrap();
        }
    }

    /// The reminder of March 28 goes out by email.
    async fn with_email() -> City {
        let city = City::new().await;
        let accounts = "account,customer_name,service_address,service_city,service_state,service_zip,email,services\n\
                        10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,water\n";
        city.takes("accounts.csv", accounts).await;
        city.at("2026-03-28", "04:00");
        city.office.night(day("2026-03-28")).await.unwrap();
        city
    }

    async fn mail_down(city: &City) -> usize {
        let standing = city.office.store.exceptions(true).await.unwrap();
        standing.iter().filter(|line| line.kind == ExceptionKind::MailDown).count()
    }

    #[tokio::test]
    async fn a_mail_server_that_is_down_for_two_days_loses_no_email_and_is_told_meanwhile() {
        let city = with_email().await;
        let server = Server::down(&city);
        for hour in 4..24 {
            city.at("2026-03-28", &format!("{hour:02}:00"));
            city.office.work_outbox(&city.mailer()).await.unwrap();
            city.at("2026-03-28", &format!("{hour:02}:30"));
            city.office.work_outbox(&city.mailer()).await.unwrap();
            assert_eq!(mail_down(&city).await, usize::from(hour >= 6), "{hour}");
        }
        server.up();
        city.at("2026-03-30", "09:00");
        assert_eq!(city.office.work_outbox(&city.mailer()).await.unwrap(), 1);
        assert!(city.office.store.exceptions(true).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_email_leaves_while_a_night_is_under_way_for_it_may_yet_be_held() {
        let city = with_email().await;
        city.at("2026-03-29", "04:00");
        let office = &city.office;
        let run = office.store.begin_run(day("2026-03-29"), "night", &office.daemon_stamp(day("2026-03-29"))).await;
        assert!(matches!(run, Ok(crate::store::RunStart::New(_))));
        office.work_outbox(&city.mailer()).await.unwrap();
        let sent = async || office.store.notices_in(NoticeState::Sent, 10).await.unwrap().len();
        assert_eq!(sent().await, 0);
        office.night(day("2026-03-29")).await.unwrap();
        office.work_outbox(&city.mailer()).await.unwrap();
        assert_eq!(sent().await, 1);
    }

    #[tokio::test]
    async fn an_email_whose_stage_has_ended_goes_no_more_than_its_letter_does() {
        let city = with_email().await;
        let server = Server::down(&city);
        city.office.work_outbox(&city.mailer()).await.unwrap();
        server.up();
        // The reminder is of use for 25 days after the bill was due.
        city.at("2026-04-20", "09:00");
        city.office.work_outbox(&city.mailer()).await.unwrap();
        let pieces = city.office.store.notices_of(city.debtor().await).await.unwrap();
        let email = pieces.iter().find(|piece| piece.email.is_some()).unwrap();
        assert_eq!(email.state, NoticeState::Voided);
        assert!(email.cause.as_deref().is_some_and(|cause| cause.starts_with("its stage ended")), "{email:?}");
    }

    #[tokio::test]
    async fn a_name_that_no_font_can_show_keeps_its_own_letter_back_and_no_other() {
        let city = City::new().await;
        let accounts = "account,customer_name,service_address,service_city,service_state,service_zip,services\n\
                        10-000418,สมชาย Wei,420 Alder St,Riverbend,CA,95600,water\n";
        let charges = "account,service,amount,billed_on,due_on,source,reference\n\
                       10-000418,water,95.00,2026-03-02,2026-03-23,cis,B2-W\n";
        city.takes("accounts.csv", accounts).await;
        city.takes("charges.csv", charges).await;
        city.at("2026-03-28", "04:00");
        city.office.night(day("2026-03-28")).await.unwrap();
        assert_eq!(city.office.work_outbox(&city.mailer()).await.unwrap(), 1);
        let standing = city.office.store.exceptions(true).await.unwrap();
        assert_eq!(standing.len(), 1);
        let named = city.office.account("10-000418").await.unwrap().id;
        assert_eq!((standing[0].kind, standing[0].account), (ExceptionKind::WorkFailed, Some(named)));
    }

    #[tokio::test]
    async fn an_email_that_no_server_takes_for_five_days_fails_and_says_nothing_against_the_address() {
        let city = with_email().await;
        let _server = Server::down(&city);
        let failed = async || city.office.store.notices_in(NoticeState::Failed, 10).await.unwrap().len();
        for date in ["03-28", "03-29", "03-30", "03-31", "04-01", "04-02", "04-03"] {
            assert_eq!(failed().await, usize::from(date > "04-02"), "{date}");
            for half in 0..48 {
                city.at(&format!("2026-{date}"), &format!("{:02}:{:02}", half / 2, half % 2 * 30));
                city.office.work_outbox(&city.mailer()).await.unwrap();
            }
        }
        let profile = city.office.snapshot(city.debtor().await).await.unwrap().profile;
        assert_eq!(profile.email_that_arrives(), Some("rosa.munoz@example.com"));
        let told = city.office.store.exceptions(true).await.unwrap();
        let failed = told.iter().find(|line| line.kind == ExceptionKind::EmailBounced).unwrap();
        assert!(
            failed.text.ends_with("no letter takes its place"),
            "it went by mail on the first day: {}",
            failed.text
        );
    }
}

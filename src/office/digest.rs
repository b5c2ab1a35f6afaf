//! The daily digest: made once behind each night, and sent until a mail server takes it.

use std::collections::BTreeMap;

use chrono::Duration;

use super::{DayReport, NIGHT, Office, OfficeError, Result};
use crate::domain::Day;
use crate::domain::day::{days_between, short};
use crate::domain::document::{Document, MediaType};
use crate::notices::digest::{DigestFacts, digest_name, message};
use crate::notices::{Delivery, Mailer};
use crate::store::ExceptionKind;

/// Minutes between two attempts, at most: a day of them is told by the exceptions list and the monitor.
const LONGEST_WAIT: i64 = 60;

/// A channel that was loaded so many days ago is told: the day before is what finalizing needs.
const LATE_DAYS: i64 = 2;

impl Office {
    /// Makes the digest of today's date once its night was run, where somebody is to get it; the same day again does
    /// nothing. Whether one was made.
    ///
    /// # Errors
    /// When the address is none, or the database fails.
    pub async fn make_digest(&self) -> Result<bool> {
        let today = self.today();
        let Some(to) = self.config.digest.to.as_deref() else { return Ok(false) };
        if self.store.last_finished(NIGHT).await? != Some(today) || self.store.has_digest(today).await? {
            return Ok(false);
        }
        let facts = self.digest_facts(today).await?;
        let bytes = message(self.city(), to, &facts).map_err(|error| {
            OfficeError::refused(format!("the digest: {error}"), "correct `digest:` in arrears.yaml")
        })?;
        let document = Document::new(MediaType::Email, bytes);
        self.store.add_digest(today, to, &document, &self.daemon_stamp(today)).await?;
        Ok(true)
    }

    /// Sends the digests that wait. Gives the number that the server took. A digest that is sent and not recorded as sent
    /// goes again, with the same Message-ID.
    ///
    /// # Errors
    /// When the database fails; what the server says is kept with the digest, which is tried again.
    pub async fn send_digests(&self, mailer: &Mailer) -> Result<u64> {
        if self.store.standstill().await?.is_some() {
            return Ok(0);
        }
        let mut sent = 0;
        for digest in self.store.waiting_digests(self.now()).await? {
            let stamp = self.daemon_stamp(self.today());
            let kept = self.store.document(&digest.document).await?.ok_or_else(|| OfficeError::DocumentMissing {
                kind: MediaType::Email,
                hash: digest.document.to_string(),
            })?;
            let name = digest_name(digest.date);
            match mailer.send(&name, &self.city().email, &digest.to, &kept.bytes).await {
                Delivery::Accepted(_) => {
                    self.store.digest_sent(digest.date, &stamp).await?;
                    sent += 1;
                }
                Delivery::Retry(error) | Delivery::Unanswered(error) | Delivery::Refused { words: error, .. } => {
                    let wait = Duration::minutes((1 << digest.attempts.min(6)).min(LONGEST_WAIT));
                    tracing::warn!(date = %digest.date, %error, "the digest waits");
                    self.store.digest_waits(digest.date, self.now() + wait, &error).await?;
                }
            }
        }
        Ok(sent)
    }

    async fn digest_facts(&self, date: Day) -> Result<DigestFacts> {
        let run = self.store.runs(50).await?.into_iter().find(|run| run.kind == NIGHT && run.date == date);
        let report: DayReport =
            run.and_then(|run| run.summary).and_then(|body| serde_json::from_value(body).ok()).unwrap_or_default();
        let seal = self.seal_night(date).await?;
        Ok(DigestFacts {
            date,
            did: report.lines().into_iter().map(|(count, what)| (count, what.to_owned())).collect(),
            waits: self.what_waits(date).await?,
            alarms: self.alarms(date).await?,
            seal: seal.map(|seal| seal.root),
        })
    }

    async fn what_waits(&self, date: Day) -> Result<Vec<(u64, String)>> {
        let waiting = self.store.waiting(date).await?;
        let lines: [(u64, &str); 16] = [
            (waiting.restorations, "restorations that no crew has yet: `arrears orders list --state approved`"),
            (waiting.exceptions, "on the exceptions list: `arrears exceptions list`"),
            (waiting.unmatched_payments, "payments that match no account: `arrears payments unmatched`"),
            (waiting.notices_to_release, "notices to release: `arrears notices list --state planned`"),
            (waiting.letters_to_batch, "letters to print: `arrears notices batch`"),
            (waiting.batches_to_mail, "print batches to mark as mailed: `arrears notices mailed --batch ID`"),
            (waiting.calls_to_release, "calls to release: `arrears calls list`"),
            (waiting.orders_to_approve, "field orders to approve: `arrears orders list --state prepared`"),
            (waiting.orders_to_finalize, "shut-offs to finalize: `arrears orders finalize`"),
            (waiting.orders_to_dispatch, "finalized shut-offs for a crew: `arrears orders list --state finalized`"),
            (waiting.visits_and_tags, "visits and tags for a crew: `arrears orders list --state approved`"),
            (waiting.orders_in_the_field, "field orders with a crew: `arrears orders list --state dispatched`"),
            (waiting.referrals_to_approve, "referrals to approve: `arrears referrals list --state candidate`"),
            (waiting.proposals, "proposals that wait for a second person: `arrears approvals list`"),
            (waiting.tasks, "tasks: `arrears tasks list`"),
            (waiting.work, "letters and emails to set or send: `arrears outbox`"),
        ];
        Ok(lines.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| (count, what.to_owned())).collect())
    }

    /// What cannot wait for somebody to open the pages: without names, for an email goes far.
    async fn alarms(&self, date: Day) -> Result<Vec<String>> {
        let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
        for line in self.store.exceptions(true).await? {
            let what = match line.kind {
                ExceptionKind::RecallCrew => "crews to call back",
                ExceptionKind::NoResult => "crews that have not said what came of an order",
                ExceptionKind::Incident => "incidents",
                ExceptionKind::AuditRefused => "accounts frozen because the audit refused a decision",
                ExceptionKind::BalanceDiffers => "accounts whose balance is not the billing system's",
                ExceptionKind::ArrangedBillReversed => "accounts whose arranged bill was taken back",
                ExceptionKind::WriteOffLeftOver => "accounts with a write-off whose debt was paid or taken back",
                ExceptionKind::MoneyLeftBehind => "debts for which money may lie on another account",
                ExceptionKind::CustomerChanged => "accounts that a file gives to another customer while they owe",
                ExceptionKind::DepositGivenBack => "deposits that were applied and are said to be given back",
                ExceptionKind::CorrectionStayed => {
                    "corrections after a petition of which nobody says what time they are of"
                }
                ExceptionKind::WrittenOffBefore => "deposits left over while debts are written off",
                ExceptionKind::PaidAfterWriteOff => "payments for debts that were written off",
                ExceptionKind::NightHeld => "night that is held until somebody has looked",
                ExceptionKind::MailDown => "mail server that takes no email",
                ExceptionKind::Restored => "restored database that sends nothing until it is released",
                ExceptionKind::FileRefused => "files refused",
                ExceptionKind::FileStuck => "files that cannot be read or moved",
                ExceptionKind::PullLetter => "letters to take out of a print batch",
                ExceptionKind::WordingUnsigned => {
                    "translations that the city has not signed, and for which notices wait"
                }
                ExceptionKind::PetitionLate => "petitions in bankruptcy that were learned late",
                ExceptionKind::ProtectionAsked => "households that ask for the protection of the law",
                ExceptionKind::RestorationUntold => "customers shut off and not told how to have service restored",
                ExceptionKind::WorkFailed => "letters or emails that failed",
                ExceptionKind::RecallReferral => "referrals to call back",
                ExceptionKind::LimitationNear => "accounts with debts that will soon be barred by time",
                ExceptionKind::LimitationPassed => "accounts with debts that are barred by time",
                ExceptionKind::DatedAhead
                | ExceptionKind::RebilledDiffers
                | ExceptionKind::FileDoubtful
                | ExceptionKind::RejectedPayment
                | ExceptionKind::ReturnedMail
                | ExceptionKind::EmailBounced
                | ExceptionKind::BounceUnmatched
                | ExceptionKind::ReturningDebtor
                | ExceptionKind::DebtReturned
                | ExceptionKind::PolicyGap => continue,
            };
            *by_kind.entry(what).or_default() += 1;
        }
        let mut alarms: Vec<String> = by_kind.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
        for (channel, through) in self.store.watermarks().await? {
            if channel.is_awaited() && days_between(through, date) >= LATE_DAYS {
                alarms.push(format!("Payments of {channel} are loaded only through {}", short(through)));
            }
        }
        Ok(alarms)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Digest;
    use crate::office::testing::{City, day};
    use crate::office::{NIGHT, Office};

    /// The city's lead gets a digest.
    async fn with_digest() -> City {
        let mut city = City::new().await;
        let office: &mut Office = std::sync::Arc::get_mut(&mut city.office).unwrap();
        office.config.digest = Digest { to: Some("lead@riverbend.example".into()) };
        city
    }

    #[tokio::test]
    async fn a_digest_is_made_once_behind_each_night_and_sent_when_the_server_takes_it() {
        let city = with_digest().await;
        let mail = city.office.dir.join("mail");
        std::fs::write(&mail, "").unwrap();
        city.at("2026-05-01", "04:00");
        assert!(!city.office.make_digest().await.unwrap(), "not before the night");
        city.office.night(day("2026-05-01")).await.unwrap();
        assert!(city.office.make_digest().await.unwrap());
        assert!(!city.office.make_digest().await.unwrap(), "once");
        assert_eq!(city.office.send_digests(&city.mailer()).await.unwrap(), 0, "the server is down");
        std::fs::remove_file(&mail).unwrap();
        assert_eq!(city.office.send_digests(&city.mailer()).await.unwrap(), 0, "not before the wait is over");
        city.at("2026-05-01", "04:05");
        assert_eq!(city.office.send_digests(&city.mailer()).await.unwrap(), 1);
        assert_eq!(city.office.send_digests(&city.mailer()).await.unwrap(), 0, "once");
        let files: Vec<_> = std::fs::read_dir(&mail).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        let text = std::fs::read_to_string(&files[0]).unwrap();
        // The body is wrapped as quoted-printable.
        let body = text.replace("=\r\n", "");
        let root = city.office.store.seals(1).await.unwrap().pop().unwrap().root;
        assert!(body.contains(&root) && body.contains("notices planned"), "{text}");
        assert!(!body.contains("Muñoz") && !body.contains("10-000417"), "{text}");
        assert_eq!(city.office.store.last_finished(NIGHT).await.unwrap(), Some(day("2026-05-01")));
    }
}

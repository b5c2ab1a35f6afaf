//! Emails that come back: the reports of mail systems in `bounces/`, each taken once, and the letter in an email's place.
//!
//! A city's mail system puts what comes to the sender's address there: as a Maildir (`bounces/new/`), or as `.eml` files. A
//! report is believed where it names an email that was sent from here; then the worst that a forged one does is a
//! letter. Deliberately absent: fetching from a mailbox.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{file_name, is_young};
use super::{Office, OfficeError, Result};
use crate::audit::{Ordered, Pending, Remedy};
use crate::decide::{last_day_of, restate};
use crate::domain::notice::{NewNotice, Notice, NoticeState};
use crate::domain::{ActKey, Channel, Day, NoticeId};
use crate::ingest::intake;
use crate::notices::bounce::{self, Action, Report};
use crate::notices::email::message_name;
use crate::store::{Bounced, ExceptionKind, Stamp, StoreError};

/// The folder.
pub(super) const BOUNCES: &str = "bounces";
/// The folders in it for what was taken, and for what is of no email from here.
const DONE: &str = "done";
const UNMATCHED: &str = "unmatched";
/// A report returns an email at most; what is larger is none.
const LARGEST_BYTES: u64 = 4 * 1024 * 1024;
/// So many sent emails are read at a time, in search of one that a report names by its Message-ID alone.
const PAGE: u32 = 1_000;

/// What came of the reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Emails that did not arrive, with the server's words.
    pub bounced: Vec<(NoticeId, String)>,
    /// Reports that change nothing: of a delay or a delivery, or of an email that is known to have come back.
    pub noted: u32,
    /// Files that are of no email from here, with the reason. They are in `bounces/unmatched/`.
    pub unmatched: Vec<(String, String)>,
    /// Files that could not be read or moved; they are tried again.
    pub stuck: Vec<String>,
}

impl Office {
    /// Takes in the reports that wait in `bounces/`, in the order of their names.
    ///
    /// # Errors
    /// When a folder cannot be read, or the database fails.
    pub async fn take_bounces(&self, stamp: &Stamp) -> Result<Reports> {
        let folder = self.folder(BOUNCES)?;
        let mut reports = Reports::default();
        for path in self.waiting_reports(&folder)? {
            match self.take_report(&folder, &path, stamp, &mut reports).await {
                Ok(()) => {}
                Err(error @ (OfficeError::File { .. } | OfficeError::Intake(_))) => {
                    let text = format!("{BOUNCES}/{} is in the way: {error}; it is tried again", file_name(&path));
                    self.store.open_exception(None, ExceptionKind::FileStuck, &text, stamp).await?;
                    reports.stuck.push(text);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(reports)
    }

    /// A Maildir's messages are whole as soon as they stand in `new/`; a plain file may still be written to.
    fn waiting_reports(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut waiting = files_in(folder)?;
        let is_email = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("eml"));
        waiting.retain(|path| is_email(path) && !is_young(path, self.now()));
        for maildir in ["new", "cur"] {
            waiting.extend(files_in(&folder.join(maildir))?);
        }
        Ok(waiting)
    }

    /// One file. What it changes is in the books before it is moved; taken again, it changes nothing more.
    async fn take_report(&self, folder: &Path, path: &Path, stamp: &Stamp, reports: &mut Reports) -> Result<()> {
        let about = match read(path)? {
            Ok(report) => match self.email_of(&report).await? {
                Some(notice) => Ok((report, notice)),
                None => Err("it names no email that was sent from here".to_owned()),
            },
            Err(why) => Err(why),
        };
        match about {
            // The server's answer was lost: the email is sent again, and is known as sent then.
            Ok((_, notice)) if notice.state == NoticeState::Rendered => {}
            Ok((report, notice)) => {
                self.follow(&report, &notice, stamp, reports).await?;
                intake::keep(&folder.join(DONE), path)?;
            }
            Err(why) => {
                let name = file_name(path);
                let text = format!(
                    "{BOUNCES}/{name}: {why}; nothing follows from it, and it is kept in {BOUNCES}/{UNMATCHED}/"
                );
                self.store.open_exception(None, ExceptionKind::BounceUnmatched, &text, stamp).await?;
                intake::keep(&folder.join(UNMATCHED), path)?;
                reports.unmatched.push((name, why));
            }
        }
        Ok(())
    }

    /// The email that a report speaks of: by its Message-ID and the notice that it names, or else the only one on its way
    /// to the recipient.
    async fn email_of(&self, report: &Report) -> Result<Option<Notice>> {
        let is_named = |notice: &Notice| {
            let id = format!("{}@{}", message_name(notice), self.city().mail_domain());
            report.message_id.as_deref().is_some_and(|named| named == id)
        };
        if let Some(id) = report.notice {
            match self.store.notice(id).await {
                Ok(notice) if notice.channel == Channel::Email && is_named(&notice) => return Ok(Some(notice)),
                Ok(_) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if report.message_id.is_some() {
            // An email comes back within days, so that it stands among the last. One that is known to have come back may be
            // reported again.
            let mut before = None;
            loop {
                let page = self.store.emails_before(before, PAGE).await?;
                let Some(last) = page.last() else { return Ok(None) };
                before = Some(last.id);
                if let Some(named) = page.into_iter().find(is_named) {
                    return Ok(Some(named));
                }
            }
        }
        let addresses: Vec<String> = report.recipients.iter().map(|fate| fate.address.clone()).collect();
        let mut sent = self.store.emails_to(&addresses).await?;
        Ok(if sent.len() == 1 { sent.pop() } else { None })
    }

    /// What follows from a report on an email.
    async fn follow(&self, report: &Report, notice: &Notice, stamp: &Stamp, reports: &mut Reports) -> Result<()> {
        let failed = report.recipients.iter().find(|fate| fate.action == Action::Failed);
        match failed {
            Some(fate) if notice.state == NoticeState::Sent => {
                let words = fate.words();
                self.came_back(notice, stamp.on, &words, fate.speaks_against_address(), stamp).await?;
                reports.bounced.push((notice.id, words));
            }
            Some(_) => reports.noted += 1,
            None => {
                for fate in &report.recipients {
                    let what = match fate.action {
                        Action::Delayed => "delayed",
                        Action::Delivered | Action::Failed => "delivered",
                    };
                    self.store.email_reported(notice.id, &format!("{what}: {}", fate.words()), stamp).await?;
                }
                reports.noted += 1;
            }
        }
        Ok(())
    }

    /// An email came back on a day: it told nobody, a letter of the same notice is planned in its place, and the address is
    /// marked where it is what failed.
    pub(super) async fn came_back(
        &self,
        notice: &Notice,
        on: Day,
        reason: &str,
        marks_address: bool,
        stamp: &Stamp,
    ) -> Result<()> {
        let letter = self.letter_instead(notice, stamp.on).await?;
        let bounced = Bounced { reason: reason.to_owned(), marks_address, letter };
        self.store.email_bounced(notice.id, on, &bounced, stamp).await?;
        self.settle_accounts(&[notice.account]).await?;
        Ok(())
    }

    /// The letter that tells what an email did not that came back or never left, as of today: its dates are those of a letter that is mailed now.
    /// None where the customer has the notice on paper or a later one, its stage is over, or nobody needs it any more.
    pub(super) async fn letter_instead(&self, email: &Notice, today: Day) -> Result<Option<NewNotice>> {
        let others = self.store.notices_of(email.account).await?;
        let is_told = |other: &Notice| {
            let is_on_paper = other.recipient == email.recipient && other.channel != Channel::Email;
            let stands = !matches!(
                other.state,
                NoticeState::Canceled | NoticeState::Voided | NoticeState::Failed | NoticeState::Returned
            );
            let of_run =
                (other.of.case, &other.of.track, other.of.anchor) == (email.of.case, &email.of.track, email.of.anchor);
            is_on_paper && (other.act_key == email.act_key || (stands && of_run && other.planned_on > email.planned_on))
        };
        let Ok(key) = email.act_key.parse::<ActKey>() else { return Ok(None) };
        if others.iter().any(is_told) {
            return Ok(None);
        }
        let view = self.view(std::iter::once(email.account)).await?;
        let seen = view.of(email.account)?;
        let policy = &seen.rules.policy;
        let world = self.world(&seen.rules, today);
        if last_day_of(&seen.snapshot, &world, policy, &email.of).is_some_and(|last| last < today) {
            return Ok(None);
        }
        let Some(facts) = restate(&seen.snapshot, &world, policy, &email.of) else { return Ok(None) };
        let pending = Pending {
            account: email.account,
            ordered: Ordered::Notice,
            of: email.of.clone(),
            service: None,
            items: facts.items.iter().map(|item| item.item).collect(),
            amount: facts.amount,
            for_day: today,
        };
        match self.leave(&seen.snapshot, &seen.rules, &pending, today) {
            Err(refusal) if refusal.remedy() == Remedy::Cancel => return Ok(None),
            // What only waits is looked at again before it is released, and before it is printed.
            Ok(_) | Err(_) => {}
        }
        let stage =
            policy.track(&email.of.track).and_then(|track| track.stages.iter().find(|s| s.id == email.of.stage));
        Ok(Some(NewNotice {
            key,
            template: email.template.clone(),
            channel: Channel::Mail,
            recipient: email.recipient,
            addressee: email.addressee.clone(),
            address: seen.snapshot.profile.mailing_address.clone(),
            email: None,
            languages: email.languages.clone(),
            statutory: email.statutory,
            deemed_days: email.deemed_days,
            facts,
            needs_release: stage.is_none_or(|stage| stage.release.is_some()),
            planned_on: today,
        }))
    }
}

/// The files of a folder by name, without hidden ones and what is no file. A folder that is not there has none.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(OfficeError::file(folder, source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| OfficeError::file(folder, source))?;
        // A link is not followed: it is no file here.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a file as a report, or says why it is none.
fn read(path: &Path) -> Result<Result<Report, String>> {
    let problem = |source| OfficeError::file(path, source);
    let bytes = fs::metadata(path).map_err(problem)?.len();
    if bytes > LARGEST_BYTES {
        return Ok(Err(format!("it is of {bytes} bytes, and a report of {LARGEST_BYTES} at most")));
    }
    Ok(bounce::read(&fs::read(path).map_err(problem)?).map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::shipped_text;
    use crate::office::testing::{City, day};

    const ADDRESS: &str = "rosa.munoz@example.com";

    /// On Saturday, March 28: the reminder went out by email alone.
    async fn sent() -> (City, Notice) {
        let city = City::new().await;
        let policy = shipped_text("riverbend.yaml").unwrap();
        let by_email = policy.replace("notice: reminder, by: [email, mail]", "notice: reminder, by: [email]");
        assert_ne!(by_email, policy);
        let path = city.office.dir.join("policy.yaml");
        fs::write(&path, by_email).unwrap();
        // Adopted after the first one: of two at the same instant neither is the later.
        city.at("2026-03-02", "09:01");
        city.office.adopt_policy(&path, None, "Ruth").await.unwrap();
        accounts(&city, ADDRESS).await;
        city.at("2026-03-28", "04:00");
        city.office.night(day("2026-03-28")).await.unwrap();
        city.office.work_outbox(&city.mailer()).await.unwrap();
        let sent = city.office.store.notices_in(NoticeState::Sent, 10).await.unwrap().remove(0);
        (city, sent)
    }

    async fn accounts(city: &City, email: &str) {
        let file = format!(
            "account,customer_name,service_address,service_city,service_state,service_zip,phone,email,services,occupancy\n\
             10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,{email},water,owner\n"
        );
        city.takes("accounts.csv", &file).await;
    }

    fn report(message_id: &str, action: &str, status: &str) -> String {
        let about = if message_id.is_empty() {
            String::new()
        } else {
            format!("--B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\n\r\n")
        };
        format!(
            "From: MAILER-DAEMON@mx\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n\
             --B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n\
             Final-Recipient: rfc822; {ADDRESS}\r\nAction: {action}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 {status} User unknown\r\n\r\n{about}--B--\r\n"
        )
    }

    fn arrives(city: &City, name: &str, text: &str) {
        let path = city.office.dir.join(BOUNCES).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    async fn take(city: &City) -> Reports {
        city.office.take_bounces(&city.office.daemon_stamp(city.office.today())).await.unwrap()
    }

    fn message_id(city: &City, notice: &Notice) -> String {
        format!("{}@{}", message_name(notice), city.office.city().mail_domain())
    }

    /// The pieces by channel, state and the day for which they were planned.
    async fn pieces(city: &City) -> Vec<(Channel, NoticeState, Day)> {
        let notices = city.office.store.notices_of(city.debtor().await).await.unwrap();
        notices.into_iter().map(|notice| (notice.channel, notice.state, notice.planned_on)).collect()
    }

    fn kept(city: &City, folder: &str) -> usize {
        fs::read_dir(city.office.dir.join(BOUNCES).join(folder)).map_or(0, Iterator::count)
    }

    #[tokio::test]
    async fn a_reminder_that_bounces_goes_by_letter_and_later_ones_too_until_there_is_another_address() {
        let (city, email) = sent().await;
        city.at("2026-03-30", "09:00");
        arrives(&city, "new/1774886400.M1P2.mx", &report(&message_id(&city, &email), "failed", "5.1.1"));
        let reports = take(&city).await;
        assert_eq!(reports.bounced, [(email.id, "550 5.1.1 User unknown".to_owned())]);
        let letter = (Channel::Mail, NoticeState::Released, day("2026-03-30"));
        assert_eq!(pieces(&city).await, [(Channel::Email, NoticeState::Bounced, day("2026-03-28")), letter]);
        assert_eq!((kept(&city, "new"), kept(&city, DONE)), (0, 1));
        // It is set and printed like any other, and its mailing is what counts.
        city.office.work_outbox(&city.mailer()).await.unwrap();
        let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap();
        assert_eq!(batch.pieces, 1);
        let profile = async || city.office.snapshot(city.debtor().await).await.unwrap().profile;
        let marked = profile().await;
        assert_eq!(marked.email_that_arrives(), None);
        assert_eq!(marked.attributes["undeliverable_email_because"], "since 2026-03-30: 550 5.1.1 User unknown");
        accounts(&city, "rosa@example.org").await;
        assert_eq!(profile().await.email_that_arrives(), Some("rosa@example.org"));
    }

    #[tokio::test]
    async fn a_report_that_comes_twice_or_is_read_twice_plans_one_letter() {
        let (city, email) = sent().await;
        let failed = report(&message_id(&city, &email), "failed", "5.1.1");
        for name in ["a.eml", "new/b", "cur/b:2,S"] {
            arrives(&city, name, &failed);
        }
        let reports = take(&city).await;
        assert_eq!((reports.bounced.len(), reports.noted, pieces(&city).await.len()), (1, 2, 2));
        // As after a crash before the file was moved.
        arrives(&city, "a.eml", &failed);
        let reports = take(&city).await;
        assert_eq!((reports.bounced.len(), reports.noted, pieces(&city).await.len()), (0, 1, 2));
        assert_eq!(kept(&city, DONE), 4);
    }

    #[tokio::test]
    async fn a_delay_is_noted_and_an_email_that_was_given_up_after_days_says_nothing_against_the_address() {
        let (city, email) = sent().await;
        let id = message_id(&city, &email);
        arrives(&city, "a.eml", &report(&id, "delayed", "4.4.1"));
        assert_eq!((take(&city).await.noted, pieces(&city).await.len()), (1, 1));
        let log = city.office.store.log_of(email.account, 10).await.unwrap();
        assert!(log.iter().any(|line| line.what == "email reported"), "{log:?}");
        city.at("2026-04-02", "09:00");
        arrives(&city, "b.eml", &report(&id, "failed", "4.4.7"));
        assert_eq!((take(&city).await.bounced.len(), pieces(&city).await.len()), (1, 2));
        let profile = city.office.snapshot(email.account).await.unwrap().profile;
        assert_eq!(profile.email_that_arrives(), Some(ADDRESS));
    }

    #[tokio::test]
    async fn a_report_without_the_headers_is_matched_by_the_only_email_to_its_recipient() {
        let (city, email) = sent().await;
        arrives(&city, "a.eml", &report("", "failed", "5.1.1"));
        assert_eq!(take(&city).await.bounced.len(), 1);
        assert_eq!(city.office.store.notice(email.id).await.unwrap().state, NoticeState::Bounced);
    }

    #[tokio::test]
    async fn what_is_of_no_email_from_here_is_kept_and_told_and_changes_nothing() {
        let (city, _) = sent().await;
        arrives(&city, "a.eml", &report("someone-else@example.org", "failed", "5.1.1"));
        arrives(&city, "new/b", "From: rosa@example.com\r\nSubject: I am away\r\n\r\nUntil Monday.\r\n");
        arrives(&city, "notes.txt", "not looked at");
        let reports = take(&city).await;
        assert_eq!((reports.bounced.len(), reports.unmatched.len(), kept(&city, UNMATCHED)), (0, 2, 2));
        let told = city.office.store.exceptions(true).await.unwrap();
        assert!(told.iter().all(|line| line.kind == ExceptionKind::BounceUnmatched) && told.len() == 2, "{told:?}");
        assert_eq!((pieces(&city).await.len(), take(&city).await), (1, Reports::default()));
    }

    #[tokio::test]
    async fn a_bounce_of_a_debt_that_was_paid_meanwhile_plans_no_letter() {
        let (city, email) = sent().await;
        city.at("2026-03-30", "09:00");
        city.lockbox("10-000417", "224.20", "2026-03-30").await;
        arrives(&city, "a.eml", &report(&message_id(&city, &email), "failed", "5.1.1"));
        assert_eq!(take(&city).await.bounced.len(), 1);
        assert_eq!(pieces(&city).await.len(), 1);
    }
}

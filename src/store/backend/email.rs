//! Emails: leaving, sent, bounced.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::given::{Bounced, ExceptionKind, Job, Leaving, Permitted, Stamp};
use super::leave::Leave;
use super::notice::{chosen, event_each_act, is_to_the_household, lines, named, step, unless};
use super::{Backend, Conn, Result, account, event, exception, kept, log, notice, outbox, texts};
use crate::domain::account::{UNDELIVERABLE_BECAUSE, UNDELIVERABLE_EMAIL};
use crate::domain::day::plus_days;
use crate::domain::notice::{NewNotice, Notice, NoticeState};
use crate::domain::{AccountId, Channel, Day, EventKind, NoticeId};

impl Backend {
    pub async fn emails_leave(&self, emails: &[(Job, Permitted<NoticeId>)], stamp: &Stamp) -> Result<Vec<Leaving>> {
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, emails.iter().map(|(_, piece)| piece)).await?;
        let notices = chosen(&mut tx, &leave.ids()).await?;
        let (mut outcomes, mut going) = (Vec::with_capacity(emails.len()), Vec::new());
        for (job, piece) in emails {
            let Some(notice) = notices.iter().find(|notice| notice.id == piece.id) else {
                outcomes.push(Leaving::Overtaken);
                continue;
            };
            let ready = notice.channel == Channel::Email && notice.state == NoticeState::Rendered;
            if !ready || job.work.notice() != piece.id || !outbox::is_held(&mut tx, job).await? {
                outcomes.push(Leaving::Gone);
                continue;
            }
            leave.is_for(notice.id, &named(notice, stamp))?;
            going.push(notice.clone());
            outcomes.push(Leaving::Goes);
        }
        log::write(&mut tx, &lines(&going, "email leaves", ""), None, stamp).await?;
        tx.commit().await?;
        Ok(outcomes)
    }

    pub async fn emails_before(&self, notice: Option<NoticeId>, limit: u32) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        let condition = "channel = 'email' AND state IN ('sent', 'bounced') AND id < $1 ORDER BY id DESC LIMIT $2";
        let before = notice.map_or(i64::MAX, |notice| notice.0);
        kept::list(&mut tx, kept::select(condition).bind(before).bind(i64::from(limit))).await
    }

    pub async fn emails_to(&self, addresses: &[String]) -> Result<Vec<Notice>> {
        let mut tx = self.read().await?;
        let addresses: Vec<String> = addresses.iter().map(|address| address.to_ascii_lowercase()).collect();
        let condition =
            format!("channel = 'email' AND state = 'sent' AND lower(body ->> 'email') IN {} ORDER BY id", texts(1));
        kept::list(&mut tx, kept::select(&condition).bind(Json(addresses))).await
    }

    pub async fn email_sent(&self, id: NoticeId, on: Day, proof: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut notice) = kept::to_write::<Notice>(&mut tx, id.0).await?;
        if notice.state == NoticeState::Sent {
            return Ok(());
        }
        // Canceled while it was with the mail server: what happened is recorded, and is an incident.
        let late = matches!(notice.state, NoticeState::Canceled | NoticeState::Voided);
        let ready = notice.channel == Channel::Email && (late || notice.state == NoticeState::Rendered);
        unless(&notice, ready, "a rendered email")?;
        if late {
            let cause = notice.cause.as_deref().unwrap_or("no cause is recorded");
            let text = format!("notice {id} was {} ({cause}), and its email had left: it serves nothing", notice.state);
            exception::open(&mut tx, Some(account), ExceptionKind::Incident, &text, stamp).await?;
        }
        notice.state = NoticeState::Sent;
        notice.mailed_on = Some(on);
        notice.proof = Some(proof.to_owned());
        let mut events = Vec::new();
        if !late && counts_alone(&mut tx, &notice).await? {
            let served = plus_days(on, i64::from(notice.deemed_days));
            notice.served_on = Some(served);
            events = event_each_act(std::slice::from_ref(&notice), EventKind::NoticeMailed, on);
            events.extend(event_each_act(std::slice::from_ref(&notice), EventKind::NoticeServed, served));
        }
        outbox::sent(&mut tx, id).await?;
        step(&mut tx, &[notice], &events, "email sent", proof, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn email_bounced(&self, id: NoticeId, on: Day, bounced: &Bounced, stamp: &Stamp) -> Result<()> {
        let reason = bounced.reason.as_str();
        let mut tx = self.write().await?;
        let (account, mut notice) = kept::to_write::<Notice>(&mut tx, id.0).await?;
        unless(&notice, notice.state == NoticeState::Sent, "sent")?;
        notice.state = NoticeState::Bounced;
        notice.returned_on = Some(on);
        notice.served_on = None;
        notice.cause = Some(reason.to_owned());
        let mut events = event_each_act(std::slice::from_ref(&notice), EventKind::EmailBounced, on);
        if counts_alone(&mut tx, &notice).await? {
            events.extend(event_each_act(std::slice::from_ref(&notice), EventKind::NoticeReturned, on));
        }
        step(&mut tx, std::slice::from_ref(&notice), &events, "email bounced", reason, stamp).await?;
        told_nobody(&mut tx, account, &notice, bounced, on, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn email_refused(&self, job: &Job, refused: &Bounced, stamp: &Stamp) -> Result<bool> {
        let mut tx = self.write().await?;
        let (account, mut notice) = kept::to_write::<Notice>(&mut tx, job.work.notice().0).await?;
        if !outbox::settle_work(&mut tx, job, "failed", Some(&refused.reason)).await? {
            return Ok(false);
        }
        // Canceled while it was with the mail server, which did not take it: nothing happened.
        if notice.state == NoticeState::Rendered {
            notice.state = NoticeState::Failed;
            notice.cause = Some(refused.reason.clone());
            let events = event_each_act(std::slice::from_ref(&notice), EventKind::EmailBounced, stamp.on);
            step(&mut tx, std::slice::from_ref(&notice), &events, "email refused", &refused.reason, stamp).await?;
            told_nobody(&mut tx, account, &notice, refused, stamp.on, stamp).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    pub async fn email_unanswered(
        &self,
        job: &Job,
        not_before: DateTime<Utc>,
        words: &str,
        stamp: &Stamp,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let is_held = outbox::unanswered(&mut tx, job, not_before, words).await?;
        let (account, notice) = kept::one::<Notice>(&mut tx, job.work.notice().0).await?;
        // Canceled while it was with the mail server, whose answer never came.
        if !is_held && matches!(notice.state, NoticeState::Canceled | NoticeState::Voided) {
            may_have_left(&mut tx, account, &notice, words, stamp).await?;
        }
        log::write(&mut tx, &lines(&[notice], "email unanswered", words), None, stamp).await?;
        tx.commit().await?;
        Ok(is_held)
    }

    pub async fn email_reported(&self, id: NoticeId, words: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (_, notice) = kept::to_write::<Notice>(&mut tx, id.0).await?;
        log::write(&mut tx, &lines(&[notice], "email reported", words), None, stamp).await?;
        Ok(tx.commit().await?)
    }
}

/// Tells of those of the ended emails whose last words are that no answer came.
pub(super) async fn those_that_may_have_left(
    conn: &mut Conn,
    ended: &[Notice],
    unanswered: &BTreeMap<NoticeId, String>,
    stamp: &Stamp,
) -> Result<()> {
    for email in ended {
        if let Some(words) = unanswered.get(&email.id) {
            may_have_left(conn, email.account, email, words, stamp).await?;
        }
    }
    Ok(())
}

/// An email ended while nobody knows whether it left: what happened is for a person to find out.
async fn may_have_left(conn: &mut Conn, account: AccountId, email: &Notice, words: &str, stamp: &Stamp) -> Result<()> {
    let cause = email.cause.as_deref().unwrap_or("no cause is recorded");
    let text = format!(
        "notice {} was {} ({cause}), and its email may have left: an attempt had no answer ({words}). Ask the mail server's log; \
         where it left it serves nothing, and the customer should hear so",
        email.id, email.state
    );
    exception::open(conn, Some(account), ExceptionKind::Incident, &text, stamp).await?;
    Ok(())
}

/// What follows from an email that told nobody: its address is marked where it is what failed, a letter is planned in its place,
/// and the lead is told.
async fn told_nobody(
    conn: &mut Conn,
    account: AccountId,
    email: &Notice,
    bounced: &Bounced,
    on: Day,
    stamp: &Stamp,
) -> Result<()> {
    let Bounced { reason, marks_address, letter } = bounced;
    if let Some(address) = email.email.as_deref().filter(|_| *marks_address) {
        let because = format!("since {on}: {reason}");
        account::set_flag(conn, account, UNDELIVERABLE_EMAIL, address, stamp).await?;
        account::set_flag(conn, account, UNDELIVERABLE_BECAUSE, &because, stamp).await?;
    }
    if let Some(letter) = letter {
        in_its_place(conn, letter, stamp).await?;
    }
    let became = if email.state == NoticeState::Bounced { "bounced" } else { "was refused" };
    let instead = if letter.is_some() { "a letter takes its place" } else { "no letter takes its place" };
    let text = format!("{} by email {became}: {reason}; {instead}", email.template);
    exception::open(conn, Some(account), ExceptionKind::EmailBounced, &text, stamp).await?;
    Ok(())
}

/// Plans the letter that tells what a bounced email did not. It is a piece of the same act, which has one letter to a
/// recipient at most: it never comes twice.
async fn in_its_place(conn: &mut Conn, letter: &NewNotice, stamp: &Stamp) -> Result<()> {
    let letter = letter.clone().into_notice(NoticeId(0));
    let letter = std::slice::from_ref(&letter);
    notice::add(conn, letter).await?;
    if letter[0].state == NoticeState::Released {
        outbox::enqueue_rendering(conn, &[letter[0].act_key.clone()], stamp.at).await?;
        event::record(conn, &event_each_act(letter, EventKind::NoticeReleased, stamp.on), stamp).await?;
    }
    log::write(conn, &lines(letter, "letter planned", "in the place of an email that told nobody"), None, stamp).await
}

/// Whether the act's people are told by the email alone. The law does not count a statutory notice by email, and where a
/// letter to the same people belongs to the act, the letter is what counts.
async fn counts_alone(conn: &mut Conn, email: &Notice) -> Result<bool> {
    let condition = format!("act_key IN {} AND channel = 'mail' ORDER BY id", texts(1));
    let letters: Vec<Notice> = kept::list(conn, kept::select(&condition).bind(Json([email.act_key.clone()]))).await?;
    Ok(!email.statutory && !letters.iter().any(is_to_the_household))
}

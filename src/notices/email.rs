//! Emails: the same blocks as a letter, as HTML and as plain text, in a message whose bytes never vary.
//!
//! A message is at-least-once: a retry has the same Message-ID, so that a mailbox can tell. The date is that of the
//! notice, and the MIME boundary comes from the piece, so that the kept bytes can be made again.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};

use super::bounce::NOTICE_HEADER;
use super::email_html::html;
use super::email_text::text;
use super::letter::Part;
use crate::config::CityProfile;
use crate::domain::document::sha256;
use crate::domain::notice::Notice;
use crate::domain::{Day, Profile};

/// Why an email could not be made. A retry gives the same.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    #[error("the account has no email address; send a letter instead")]
    NoAddress,
    #[error("{address} is not an email address: correct it, or send a letter instead")]
    NotAnAddress { address: String },
    #[error("the message cannot be built: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("layouts/email.html: {0}")]
    Layout(String),
}

/// What names the message: the same for the same act, recipient and channel. Its Message-ID is this at the city's mail
/// domain, and its file in `mail/` bears it.
#[must_use]
pub fn message_name(notice: &Notice) -> String {
    let key = format!("{}/{}/{}", notice.act_key, notice.recipient, notice.channel);
    sha256(key.as_bytes()).as_str().chars().take(32).collect()
}

/// The message as it goes out and is kept.
///
/// # Errors
/// See [`EmailError`].
pub fn message(
    city: &CityProfile,
    notice: &Notice,
    profile: &Profile,
    dated: Day,
    parts: &[Part],
) -> Result<Vec<u8>, EmailError> {
    let name = message_name(notice);
    let to = notice.email.as_deref().ok_or(EmailError::NoAddress)?;
    let languages = parts.iter().map(|part| part.language.word()).collect::<Vec<_>>().join(", ");
    let body = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("=_{name}"))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text(city, profile, parts)))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html(city, profile, parts)?));
    let mut message = Message::builder()
        .from(mailbox(&city.name, &city.email)?)
        .to(mailbox(&notice.addressee, to)?)
        .subject(subject(parts))
        .message_id(Some(format!("<{name}@{}>", city.mail_domain())))
        .date(noon(dated))
        .multipart(body)?;
    automatic(&mut message, &languages);
    let names = HeaderName::new_from_ascii_str(NOTICE_HEADER);
    message.headers_mut().insert_raw(HeaderValue::new(names, notice.id.to_string()));
    Ok(message.formatted())
}

/// Marks a message as made by a program, in these languages. RFC 3834: no vacation replies, please.
pub(super) fn automatic(message: &mut Message, languages: &str) {
    let headers = message.headers_mut();
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Content-Language"), languages.to_owned()));
}

/// An address with a name, where there is one.
pub(super) fn mailbox(name: &str, address: &str) -> Result<Mailbox, EmailError> {
    let parsed = address.parse().map_err(|_| EmailError::NotAnAddress { address: address.to_owned() })?;
    Ok(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), parsed))
}

/// Noon in Greenwich, which is the same date everywhere in the United States.
pub(super) fn noon(day: Day) -> SystemTime {
    let seconds = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() + 12 * 60 * 60;
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// The subject in the first language; where there are two, both.
pub(super) fn subject(parts: &[Part]) -> String {
    parts.iter().map(|part| part.subject.as_str()).collect::<Vec<_>>().join(" / ")
}

/// What is to be paid and by when, label and value.
pub(super) fn due_lines(part: &Part) -> Vec<(&str, &str)> {
    let mut lines = vec![(part.labels.amount_due, part.amount.as_str())];
    lines.extend(part.pay_by.as_deref().map(|day| (part.labels.pay_by, day)));
    lines.extend(part.shut_off_on.as_deref().map(|day| (part.labels.shut_off_on, day)));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::letter;
    use super::super::samples::{day, notice, profile};
    use super::*;
    use crate::domain::{Channel, Language};
    use crate::notices::Wordings;

    fn parts_of(template: &str, languages: &[Language]) -> Vec<Part> {
        let notice = notice(template, Channel::Email, languages);
        letter::parts(
            &CityProfile::default(),
            &Wordings::builtin().unwrap(),
            &notice,
            &profile(),
            day("2026-05-04"),
            &[],
        )
        .unwrap()
    }

    fn bytes() -> Vec<u8> {
        let languages = [Language::Spanish, Language::English];
        let notice = notice("final_notice", Channel::Email, &languages);
        let parts = parts_of("final_notice", &languages);
        message(&CityProfile::default(), &notice, &profile(), day("2026-05-04"), &parts).unwrap()
    }

    #[test]
    fn the_same_notice_gives_the_same_bytes_and_message_id() {
        assert_eq!(bytes(), bytes());
        let text = String::from_utf8(bytes()).unwrap();
        let notice = notice("final_notice", Channel::Email, &[Language::English]);
        assert!(text.contains(&format!("Message-ID: <{}@riverbend.example>", message_name(&notice))), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated"));
        assert!(text.contains("Date: Mon, 04 May 2026 12:00:00 +0000"));
    }

    #[test]
    fn another_recipient_of_the_same_act_has_another_message_id() {
        let mine = notice("final_notice", Channel::Email, &[Language::English]);
        let copy = Notice { recipient: crate::domain::Recipient::Owner, ..mine.clone() };
        assert_ne!(message_name(&mine), message_name(&copy));
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_name() {
        let notice =
            Notice { email: Some("nobody".into()), ..notice("reminder", Channel::Email, &[Language::English]) };
        let parts = parts_of("reminder", &[Language::English]);
        let error = message(&CityProfile::default(), &notice, &profile(), day("2026-05-04"), &parts).unwrap_err();
        assert_eq!(error.to_string(), "nobody is not an email address: correct it, or send a letter instead");
    }

    #[test]
    fn a_name_with_angle_brackets_cannot_write_html() {
        let profile = Profile { customer_name: "<b>Bo & Co</b>".into(), ..profile() };
        let notice = notice("reminder", Channel::Email, &[Language::English]);
        let parts = letter::parts(
            &CityProfile::default(),
            &Wordings::builtin().unwrap(),
            &notice,
            &profile,
            day("2026-05-04"),
            &[],
        )
        .unwrap();
        let html = html(&CityProfile::default(), &profile, &parts).unwrap();
        assert!(html.contains("Dear &lt;b&gt;Bo &amp; Co&lt;/b&gt;:"), "{html}");
    }

    #[test]
    fn the_reminder_reads_well_as_plain_text() {
        insta::assert_snapshot!(text(&CityProfile::default(), &profile(), &parts_of("reminder", &[Language::English])));
    }

    #[test]
    fn the_final_notice_reads_well_as_plain_text_in_both_languages() {
        let parts = parts_of("final_notice", &[Language::Spanish, Language::English]);
        insta::assert_snapshot!(text(&CityProfile::default(), &profile(), &parts));
    }

    #[test]
    fn the_reminder_reads_well_as_html() {
        let parts = parts_of("reminder", &[Language::English]);
        insta::assert_snapshot!(html(&CityProfile::default(), &profile(), &parts).unwrap());
    }
}

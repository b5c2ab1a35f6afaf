//! Reports on emails that could not be delivered, as mail systems send them back (RFC 3464).
//!
//! Read are the report's own fields and the headers of the email that it returns; the sentences for people around them are
//! not. A report is somebody's claim that came by mail: whoever reads it finds the email among those that were sent.
//! Deliberately absent: notes in prose alone, and answers of people, which a person reads.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

use crate::domain::NoticeId;

/// The header by which an email names its notice.
pub const NOTICE_HEADER: &str = "X-Arrears-Notice";

/// The longest diagnostic that is kept, in characters.
const LONGEST: usize = 300;

/// What a report says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The Message-ID of the email that it speaks of, without brackets, where it returns the headers.
    pub message_id: Option<String>,
    /// The notice that the email names.
    pub notice: Option<NoticeId>,
    /// One for each recipient, in the report's order.
    pub recipients: Vec<Fate>,
}

/// What became of an email for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// As the email was addressed, where the report says so; else where it went in the end.
    pub address: String,
    pub action: Action,
    /// RFC 3463, such as `5.1.1`.
    pub status: String,
    /// The last server's own words, on one line; empty where there are none.
    pub diagnostic: String,
}

/// What the mail system did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It gave up.
    Failed,
    /// It goes on trying.
    Delayed,
    /// Delivered, or handed on to a system that reports no more.
    Delivered,
}

/// Why a file is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is no email")]
    NoEmail,
    #[error("it is an email, and no report on a delivery (RFC 3464)")]
    NoReport,
    #[error("it is a report that names no recipient")]
    NoRecipient,
}

impl Fate {
    /// The status and the server's words in a sentence's part.
    #[must_use]
    pub fn words(&self) -> String {
        if self.diagnostic.is_empty() { format!("status {}", self.status) } else { self.diagnostic.clone() }
    }

    /// Whether what failed is the address. An email that was given up after days (4.x.x), or refused for what its sender is
    /// or sends (5.7.x), says nothing against it.
    #[must_use]
    pub fn speaks_against_address(&self) -> bool {
        self.action == Action::Failed && self.status.starts_with("5.") && !self.status.starts_with("5.7.")
    }
}

/// Reads a report.
///
/// # Errors
/// When the bytes are something else.
pub fn read(bytes: &[u8]) -> Result<Report, Unreadable> {
    let email = MessageParser::default().parse(bytes).ok_or(Unreadable::NoEmail)?;
    let (mut fields, mut returned) = (None, Returned::default());
    for part in &email.parts {
        let Some(kind) = part.content_type() else { continue };
        let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
        match subtype.as_str() {
            "delivery-status" | "global-delivery-status" => {
                fields.get_or_insert_with(|| String::from_utf8_lossy(part.contents()).into_owned());
            }
            "rfc822-headers" | "global-headers" => {
                if let Some(headers) = MessageParser::default().parse_headers(part.contents()) {
                    returned = Returned::of(&headers);
                }
            }
            "rfc822" | "global" => {
                if let PartType::Message(message) = &part.body {
                    returned = Returned::of(message);
                }
            }
            _ => {}
        }
    }
    let recipients = recipients(&fields.ok_or(Unreadable::NoReport)?);
    if recipients.is_empty() {
        return Err(Unreadable::NoRecipient);
    }
    let Returned { message_id, notice } = returned;
    Ok(Report { message_id, notice, recipients })
}

/// What the returned headers say.
#[derive(Default)]
struct Returned {
    message_id: Option<String>,
    notice: Option<NoticeId>,
}

impl Returned {
    fn of(email: &Message<'_>) -> Self {
        Self {
            message_id: email.message_id().map(str::to_owned),
            notice: email.header_raw(NOTICE_HEADER).and_then(|id| id.trim().parse().ok()).map(NoticeId),
        }
    }
}

/// The groups of fields that speak of a recipient. The first group, of the message as a whole, names none.
fn recipients(text: &str) -> Vec<Fate> {
    let mut groups = vec![Vec::new()];
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            groups.push(Vec::new());
        } else if let Some(group) = groups.last_mut() {
            group.push(line);
        }
    }
    groups.iter().filter_map(|group| fate(&fields(group))).collect()
}

/// A group's fields by their names in lower case; a line that begins with a space goes on with the one before.
fn fields(group: &[&str]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in group {
        match (line.starts_with([' ', '\t']), fields.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => *value = format!("{value} {}", line.trim()),
            (false, _, Some((name, value))) => fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            (true, None, _) | (false, _, None) => {}
        }
    }
    fields
}

fn fate(fields: &[(String, String)]) -> Option<Fate> {
    let of = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    // `rfc822; rosa@example.com`: what stands before the semicolon is the kind of the name.
    let typed = |name: &str| of(name).map(|value| value.split_once(';').map_or(value, |(_, rest)| rest).trim());
    let address = typed("original-recipient").or_else(|| typed("final-recipient"))?;
    let status = of("status").and_then(|status| status.split_whitespace().next()).unwrap_or_default();
    let action = match of("action").unwrap_or_default().to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" | "relayed" | "expanded" => Action::Delivered,
        // The field is required; a report without it is understood by its status.
        _ if status.starts_with('5') => Action::Failed,
        _ => Action::Delayed,
    };
    Some(Fate {
        address: one_line(address.trim_matches(['<', '>'])),
        action,
        status: one_line(status),
        diagnostic: one_line(typed("diagnostic-code").unwrap_or_default()),
    })
}

/// What came from outside, fit to be shown: one line, no control characters, not without end.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Postfix writes it, shortened.
    const POSTFIX: &str = "\
From: MAILER-DAEMON@mx.elm.example (Mail Delivery System)\r
Subject: Undelivered Mail Returned to Sender\r
To: billing@elm.example\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r
\r
This is a MIME-encapsulated message.\r
\r
--B\r
Content-Description: Notification\r
Content-Type: text/plain; charset=us-ascii\r
\r
I'm sorry to have to inform you that your message could not be delivered.\r
\r
--B\r
Content-Description: Delivery report\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.elm.example\r
X-Postfix-Sender: rfc822; billing@elm.example\r
Arrival-Date: Sat, 28 Mar 2026 04:00:00 -0700 (PDT)\r
\r
Final-Recipient: rfc822; rosa@example.com\r
Original-Recipient: rfc822;rosa.munoz@example.com\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; mail.example.com\r
Diagnostic-Code: smtp; 550 5.1.1 <rosa@example.com>: Recipient address\r
    rejected: User unknown\r
\r
--B\r
Content-Description: Undelivered Message\r
Content-Type: message/rfc822\r
\r
From: City of Elm <billing@elm.example>\r
To: Rosa <rosa.munoz@example.com>\r
Message-ID: <0123456789abcdef@elm.example>\r
X-Arrears-Notice: 17\r
Subject: Reminder\r
\r
Pay.\r
\r
--B--\r
";

    #[test]
    fn a_report_names_the_email_the_recipient_and_the_server_s_words() {
        let report = read(POSTFIX.as_bytes()).unwrap();
        assert_eq!(report.message_id.as_deref(), Some("0123456789abcdef@elm.example"));
        assert_eq!(report.notice, Some(NoticeId(17)));
        let words = "550 5.1.1 <rosa@example.com>: Recipient address rejected: User unknown";
        let fate = Fate {
            address: "rosa.munoz@example.com".into(),
            action: Action::Failed,
            status: "5.1.1".into(),
            diagnostic: words.into(),
        };
        assert_eq!((fate.words().as_str(), fate.speaks_against_address()), (words, true));
        assert_eq!(report.recipients, [fate]);
    }

    #[test]
    fn a_report_that_returns_only_the_headers_names_the_email_too() {
        let report = read(POSTFIX.replace("message/rfc822", "text/rfc822-headers").as_bytes()).unwrap();
        assert_eq!(
            (report.message_id.as_deref(), report.notice),
            (Some("0123456789abcdef@elm.example"), Some(NoticeId(17)))
        );
    }

    #[test]
    fn a_delay_is_no_failure_and_a_refusal_for_policy_is_not_the_address_s_fault() {
        let with = |action: &str, status: &str| {
            let text = POSTFIX.replace("Action: failed", action).replace("Status: 5.1.1", status);
            let fate = read(text.as_bytes()).unwrap().recipients.remove(0);
            (fate.action, fate.speaks_against_address())
        };
        assert_eq!(with("Action: delayed", "Status: 4.4.1"), (Action::Delayed, false));
        assert_eq!(with("Action: relayed", "Status: 2.1.5"), (Action::Delivered, false));
        assert_eq!(with("Action: failed", "Status: 4.4.7"), (Action::Failed, false), "given up after days");
        assert_eq!(with("Action: failed", "Status: 5.7.1 (spam)"), (Action::Failed, false));
        assert_eq!(with("X-Nothing: -", "Status: 5.2.1"), (Action::Failed, true));
    }

    #[test]
    fn what_is_no_report_is_told_as_what_it_is() {
        assert_eq!(read(b""), Err(Unreadable::NoEmail));
        let vacation = "From: rosa@example.com\r\nSubject: I am away\r\n\r\nUntil Monday.\r\n";
        assert_eq!(read(vacation.as_bytes()), Err(Unreadable::NoReport));
        let nobody = POSTFIX.replace("-Recipient:", "-Nobody:");
        assert_eq!(read(nobody.as_bytes()), Err(Unreadable::NoRecipient));
    }
}

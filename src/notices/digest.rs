//! The daily digest: an email to the lead after each night. What the night did, what waits, and the seal's root.
//!
//! Figures alone: no name, account or amount leaves by it. The same digest gives the same bytes.

use std::fmt::Write;

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{MultiPart, MultiPartKind, SinglePart};

use super::email::{EmailError, automatic, mailbox, noon};
use crate::config::CityProfile;
use crate::domain::Day;
use crate::domain::day::long;
use crate::domain::document::sha256;

/// What the digest of a business date says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestFacts {
    pub date: Day,
    /// What the night did, in its order.
    pub did: Vec<(u64, String)>,
    /// What waits for people, each with its command.
    pub waits: Vec<(u64, String)>,
    /// What needs somebody at once.
    pub alarms: Vec<String>,
    /// The root of the last seal, and since when.
    pub seal: Option<String>,
}

/// What names the digest of a date: its Message-ID is this at the city's mail domain.
#[must_use]
pub fn digest_name(date: Day) -> String {
    sha256(format!("digest/{date}").as_bytes()).as_str().chars().take(32).collect()
}

/// The message as it goes out and is kept.
///
/// # Errors
/// See [`EmailError`].
pub fn message(city: &CityProfile, to: &str, facts: &DigestFacts) -> Result<Vec<u8>, EmailError> {
    let name = digest_name(facts.date);
    let body = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("=_{name}"))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text(city, facts)))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html(city, facts)));
    let mut message = Message::builder()
        .from(mailbox(&city.name, &city.email)?)
        .to(mailbox("", to)?)
        .subject(subject(facts))
        .message_id(Some(format!("<{name}@{}>", city.mail_domain())))
        .date(noon(facts.date))
        .multipart(body)?;
    automatic(&mut message, "en");
    Ok(message.formatted())
}

fn subject(facts: &DigestFacts) -> String {
    let urgent = if facts.alarms.is_empty() { "" } else { "Please look: " };
    format!("{urgent}Arrears, {}", long(facts.date))
}

fn text(city: &CityProfile, facts: &DigestFacts) -> String {
    let mut text = format!("{}\n{}\n", city.name, long(facts.date));
    let mut part = |head: &str, lines: &[String], none: &str| {
        let _ = write!(text, "\n{head}\n");
        if lines.is_empty() {
            let _ = writeln!(text, "  {none}");
        }
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    };
    if !facts.alarms.is_empty() {
        part("NEEDS SOMEBODY NOW", &facts.alarms, "");
    }
    part("WHAT THE NIGHT DID", &counted(&facts.did), "Nothing was due.");
    part("WHAT WAITS", &counted(&facts.waits), "Nothing waits.");
    if let Some(seal) = &facts.seal {
        let _ = write!(text, "\nSEAL\n  {seal}\n  Keep this email: it shows later that the record was not changed.\n");
    }
    text
}

fn counted(lines: &[(u64, String)]) -> Vec<String> {
    lines.iter().map(|(count, what)| format!("{count:>6}  {what}")).collect()
}

fn html(city: &CityProfile, facts: &DigestFacts) -> String {
    let (name, date) = (escaped(&city.name), long(facts.date));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{date}</title></head>\n\
         <body style=\"font-family: sans-serif; max-width: 40em\">\n<p>{name}</p>\n<h1>{date}</h1>\n"
    );
    if !facts.alarms.is_empty() {
        html.push_str("<h2>Needs somebody now</h2>\n<ul>\n");
        for alarm in &facts.alarms {
            let _ = writeln!(html, "<li>{}</li>", escaped(alarm));
        }
        html.push_str("</ul>\n");
    }
    for (head, lines, none) in
        [("What the night did", &facts.did, "Nothing was due."), ("What waits", &facts.waits, "Nothing waits.")]
    {
        let _ = writeln!(html, "<h2>{head}</h2>");
        if lines.is_empty() {
            let _ = writeln!(html, "<p>{none}</p>");
            continue;
        }
        html.push_str("<table>\n");
        for (count, what) in lines {
            let what = escaped(what);
            let _ = writeln!(
                html,
                "<tr><td style=\"text-align: right\">{count}</td><th scope=\"row\" style=\"text-align: left; font-weight: normal\">{what}</th></tr>"
            );
        }
        html.push_str("</table>\n");
    }
    if let Some(seal) = &facts.seal {
        let _ = write!(
            html,
            "<h2>Seal</h2>\n<p><code>{}</code></p>\n<p>Keep this email: it shows later that the record was not changed.</p>\n",
            escaped(seal)
        );
    }
    html.push_str("</body></html>\n");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::samples::day;
    use super::*;

    fn facts() -> DigestFacts {
        DigestFacts {
            date: day("2026-05-20"),
            did: vec![(1200, "accounts looked at".into()), (17, "notices planned".into())],
            waits: vec![(3, "exceptions: `arrears exceptions list`".into())],
            alarms: vec!["The mail server <smtp> takes no email".into()],
            seal: Some("3f".repeat(32)),
        }
    }

    #[test]
    fn the_digest_of_a_date_has_one_message_id_and_the_same_bytes() {
        let city = CityProfile::default();
        let bytes = message(&city, "lead@riverbend.example", &facts()).unwrap();
        assert_eq!(bytes, message(&city, "lead@riverbend.example", &facts()).unwrap());
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains(&format!("Message-ID: <{}@riverbend.example>", digest_name(day("2026-05-20")))),
            "{text}"
        );
        assert!(text.contains("Subject: Please look: Arrears, Wednesday, May 20, 2026"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated"));
    }

    #[test]
    fn the_digest_reads_well_as_plain_text() {
        insta::assert_snapshot!(text(&CityProfile::default(), &facts()));
    }

    #[test]
    fn nothing_in_the_digest_can_write_html() {
        let html = html(&CityProfile::default(), &facts());
        assert!(html.contains("<li>The mail server &lt;smtp&gt; takes no email</li>"), "{html}");
    }
}

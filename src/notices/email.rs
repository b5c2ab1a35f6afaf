//! Emails: the same blocks as a letter, as HTML and as plain text, in a message whose bytes never vary.
//!
//! A message is at-least-once: a retry has the same Message-ID, so that a mailbox can tell. The date is that of the
//! notice, and the MIME boundary comes from the piece, so that the kept bytes can be made again.

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};
use tera::{Context, Tera};

use super::letter::Part;
use super::wording::{Block, Run};
use crate::config::CityProfile;
use crate::domain::document::sha256;
use crate::domain::notice::Notice;
use crate::domain::{Day, Profile};

/// Lines of plain text are not longer than this.
const TEXT_WIDTH: usize = 76;

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
    // RFC 3834: no vacation replies, please.
    let headers = message.headers_mut();
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Content-Language"), languages));
    Ok(message.formatted())
}

fn mailbox(name: &str, address: &str) -> Result<Mailbox, EmailError> {
    let parsed = address.parse().map_err(|_| EmailError::NotAnAddress { address: address.to_owned() })?;
    Ok(Mailbox::new(Some(name.to_owned()), parsed))
}

/// Noon in Greenwich, which is the same date everywhere in the United States.
fn noon(day: Day) -> SystemTime {
    let seconds = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() + 12 * 60 * 60;
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// The subject in the first language; where there are two, both.
fn subject(parts: &[Part]) -> String {
    parts.iter().map(|part| part.subject.as_str()).collect::<Vec<_>>().join(" / ")
}

static FRAME: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.add_raw_template("email.html", include_str!("../../templates/layouts/email.html"))
        .map_err(|error| error.to_string())?;
    Ok(tera)
});

/// The HTML part: inline styles alone, tables only for figures, each language marked.
fn html(city: &CityProfile, profile: &Profile, parts: &[Part]) -> Result<String, EmailError> {
    let tera = FRAME.as_ref().map_err(|fault| EmailError::Layout(fault.clone()))?;
    let sections: Vec<_> = parts
        .iter()
        .map(|part| {
            let mut body = String::new();
            html_blocks(&mut body, part, &part.blocks);
            serde_json::json!({ "part": part, "language": part.language, "body": body })
        })
        .collect();
    let mut context = Context::new();
    context.insert("city", city);
    context.insert("address", &city.address.one_line());
    context.insert("account", &profile.number);
    context.insert("service_address", &profile.service_address.one_line());
    context.insert("subject", &subject(parts));
    context.insert("language", parts.first().map_or("en", |part| part.language.word()));
    context.insert("sections", &sections);
    tera.render("email.html", &context).map_err(|error| EmailError::Layout(error.to_string()))
}

const CELL: &str = "padding:6px 8px 6px 0;border-bottom:1px solid #cfd9e2;text-align:left";
const AMOUNT: &str = "padding:6px 0;border-bottom:1px solid #cfd9e2;text-align:right;white-space:nowrap";

// Writing to a string does not fail.
fn html_blocks(out: &mut String, part: &Part, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Heading { runs } => {
                let _ = writeln!(
                    out,
                    r#"<h2 style="font-size:18px;color:#17324d;margin:24px 0 8px">{}</h2>"#,
                    html_runs(runs)
                );
            }
            Block::Paragraph { runs } => {
                let _ = writeln!(out, r#"<p style="margin:0 0 12px">{}</p>"#, html_runs(runs));
            }
            Block::List { ordered, items } => {
                let tag = if *ordered { "ol" } else { "ul" };
                let _ = writeln!(out, r#"<{tag} style="margin:0 0 12px;padding-left:24px">"#);
                for item in items {
                    let _ = writeln!(out, r#"<li style="margin-bottom:6px">{}</li>"#, html_runs(item));
                }
                let _ = writeln!(out, "</{tag}>");
            }
            Block::Box { blocks } => {
                let _ = writeln!(out, r#"<div style="border:1px solid #17324d;padding:4px 16px;margin:20px 0">"#);
                html_blocks(out, part, blocks);
                let _ = writeln!(out, "</div>");
            }
            Block::AmountDue => {
                let _ = writeln!(
                    out,
                    r#"<div style="background:#eef3f7;border-left:4px solid #17324d;padding:12px 16px;margin:16px 0">"#
                );
                for (label, value) in due_lines(part) {
                    let _ = writeln!(
                        out,
                        r#"<p style="margin:4px 0">{}: <strong style="font-size:18px">{}</strong></p>"#,
                        escape(label),
                        escape(value)
                    );
                }
                let _ = writeln!(out, "</div>");
            }
            Block::Charges => {
                let l = part.labels;
                html_table_head(out, &[l.service, l.kind, l.billed, l.due], l.amount);
                for row in &part.charges {
                    html_row(out, &[&row.service, row.kind, &row.billed, &row.due], &row.amount);
                }
                let _ = writeln!(
                    out,
                    r#"<tr><th scope="row" colspan="4" style="padding:8px 0;text-align:left">{}</th><td style="padding:8px 0;text-align:right"><strong>{}</strong></td></tr></tbody></table>"#,
                    escape(l.total),
                    escape(&part.charges_total)
                );
            }
            Block::Installments => {
                let l = part.labels;
                html_table_head(out, &[l.installment, l.due], l.amount_due);
                for row in &part.installments {
                    html_row(out, &[&row.number.to_string(), &row.due], &row.amount);
                }
                let _ = writeln!(out, "</tbody></table>");
            }
            Block::WaysToPay => {
                let _ = writeln!(out, r#"<ul style="margin:0 0 12px;padding-left:24px">"#);
                for way in &part.ways_to_pay {
                    let _ = writeln!(out, "<li><strong>{}:</strong> {}</li>", escape(way.name), escape(&way.how));
                }
                let _ = writeln!(out, "</ul>");
            }
        }
    }
}

fn html_table_head(out: &mut String, headings: &[&str], last: &str) {
    let _ = writeln!(out, r#"<table style="border-collapse:collapse;width:100%;margin:8px 0 16px"><thead><tr>"#);
    for heading in headings {
        let _ = writeln!(out, r#"<th scope="col" style="{CELL}">{}</th>"#, escape(heading));
    }
    let _ = writeln!(out, r#"<th scope="col" style="{AMOUNT}">{}</th></tr></thead><tbody>"#, escape(last));
}

fn html_row(out: &mut String, cells: &[&str], amount: &str) {
    let _ = write!(out, "<tr>");
    for cell in cells {
        let _ = write!(out, r#"<td style="{CELL}">{}</td>"#, escape(cell));
    }
    let _ = writeln!(out, r#"<td style="{AMOUNT}">{}</td></tr>"#, escape(amount));
}

fn html_runs(runs: &[Run]) -> String {
    runs.iter()
        .map(|run| {
            let mut html = escape(&run.text).replace('\n', "<br>");
            if run.strong {
                html = format!("<strong>{html}</strong>");
            }
            if run.emphasis {
                html = format!("<em>{html}</em>");
            }
            html
        })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What is to be paid and by when, label and value.
fn due_lines(part: &Part) -> Vec<(&str, &str)> {
    let mut lines = vec![(part.labels.amount_due, part.amount.as_str())];
    lines.extend(part.pay_by.as_deref().map(|day| (part.labels.pay_by, day)));
    lines.extend(part.shut_off_on.as_deref().map(|day| (part.labels.shut_off_on, day)));
    lines
}

/// The plain text part.
fn text(city: &CityProfile, profile: &Profile, parts: &[Part]) -> String {
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            let _ = writeln!(out, "\n{}\n", "=".repeat(TEXT_WIDTH));
        } else {
            for other in &parts[1..] {
                let _ = writeln!(out, "{}\n", other.labels.follows);
            }
        }
        let l = part.labels;
        let _ = writeln!(out, "{}\n{}\n", part.title.to_uppercase(), part.date);
        let _ = writeln!(out, "{}: {}", l.account, profile.number);
        let _ = writeln!(out, "{}: {}\n", l.service_address, profile.service_address.one_line());
        text_blocks(&mut out, part, &part.blocks);
        let _ = writeln!(out, "--\n{}\n{}\n{}", city.name, part.division, city.address.one_line());
        let _ = writeln!(out, "{} | {} | {}", city.phone, city.email, city.website);
        let _ = writeln!(out, "{}", wrap(l.automatic, ""));
    }
    out
}

fn text_blocks(out: &mut String, part: &Part, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Heading { runs } => {
                let _ = writeln!(out, "{}\n", plain(runs).to_uppercase());
            }
            Block::Paragraph { runs } => {
                for line in plain(runs).split('\n') {
                    let _ = writeln!(out, "{}", wrap(line, ""));
                }
                out.push('\n');
            }
            Block::List { ordered, items } => {
                for (index, item) in items.iter().enumerate() {
                    let mark = if *ordered { format!("{}. ", index + 1) } else { "- ".to_owned() };
                    let _ = writeln!(out, "{}", wrap(&format!("{mark}{}", plain(item)), &" ".repeat(mark.len())));
                }
                out.push('\n');
            }
            Block::Box { blocks } => text_blocks(out, part, blocks),
            Block::AmountDue => {
                for (label, value) in due_lines(part) {
                    let _ = writeln!(out, "{label}: {value}");
                }
                out.push('\n');
            }
            Block::Charges => {
                for row in &part.charges {
                    let _ = writeln!(
                        out,
                        "{} ({}), {} {}: {}",
                        row.service,
                        row.kind,
                        part.labels.due.to_lowercase(),
                        row.due,
                        row.amount
                    );
                }
                let _ = writeln!(out, "{}: {}\n", part.labels.total, part.charges_total);
            }
            Block::Installments => {
                for row in &part.installments {
                    let _ = writeln!(out, "{}. {}: {}", row.number, row.due, row.amount);
                }
                out.push('\n');
            }
            Block::WaysToPay => {
                for way in &part.ways_to_pay {
                    let _ = writeln!(out, "{}: {}", way.name, way.how);
                }
                out.push('\n');
            }
        }
    }
}

fn plain(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// Breaks `text` into lines; those after the first begin with `indent`.
fn wrap(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > indent.len() && line + 1 + word.chars().count() > TEXT_WIDTH {
            lines.push(format!("{indent}{word}"));
        } else if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::letter;
    use super::super::samples::{day, notice, profile};
    use super::*;
    use crate::domain::{Channel, Language};

    fn parts_of(template: &str, languages: &[Language]) -> Vec<Part> {
        let notice = notice(template, Channel::Email, languages);
        letter::parts(&CityProfile::default(), &notice, &profile(), day("2026-05-04"), &[]).unwrap()
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
        let parts = letter::parts(&CityProfile::default(), &notice, &profile, day("2026-05-04"), &[]).unwrap();
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

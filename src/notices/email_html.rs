//! The HTML part of an email: inline styles alone, tables only for figures, each language marked.
//!
//! The frame is `templates/layouts/email.html`; what a wording says goes in as the blocks below.

use std::fmt::Write;
use std::sync::LazyLock;

use tera::{Context, Tera};

use super::email::{EmailError, due_lines, subject};
use super::letter::Part;
use super::wording::{Block, Run};
use crate::config::CityProfile;
use crate::domain::Profile;

static FRAME: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.add_raw_template("email.html", include_str!("../../templates/layouts/email.html"))
        .map_err(|error| error.to_string())?;
    Ok(tera)
});

/// The HTML part: inline styles alone, tables only for figures, each language marked.
pub(super) fn html(city: &CityProfile, profile: &Profile, parts: &[Part]) -> Result<String, EmailError> {
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
                if let Some(deposit) = &part.deposit {
                    let (label, amount, date) = (l.deposit_applied, &deposit.amount, &deposit.date);
                    let _ = writeln!(out, r#"<p style="margin:0 0 16px">{}: {amount}, {date}</p>"#, escape(label));
                }
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

//! The plain text part of an email, for those who read without HTML.

use std::fmt::Write;

use super::email::due_lines;
use super::letter::Part;
use super::wording::{Block, Run};
use crate::config::CityProfile;
use crate::domain::Profile;

/// Lines are not longer than this.
const TEXT_WIDTH: usize = 76;

/// The plain text part.
pub(super) fn text(city: &CityProfile, profile: &Profile, parts: &[Part]) -> String {
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
                if let Some(deposit) = &part.deposit {
                    let _ = writeln!(out, "{}: {}, {}\n", part.labels.deposit_applied, deposit.amount, deposit.date);
                }
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

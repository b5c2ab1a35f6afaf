//! What a destination gives back: a CSV file with a line for each debt. It is taken whole or refused whole.

use std::collections::BTreeSet;

use crate::domain::day;
use crate::domain::placement::ReturnReason;
use crate::domain::{Day, ReferralId};

/// One debt of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRow {
    /// The line in its file, from 1.
    pub line: u64,
    pub referral: ReferralId,
    pub on: Day,
    pub reason: ReturnReason,
    pub note: String,
}

/// The columns of the file; the note may be left out.
pub const RETURN_COLUMNS: [&str; 4] = ["referral", "returned_on", "reason", "note"];

/// Reads the file.
///
/// # Errors
/// All that is wrong with it, a sentence each with its line.
pub fn read_returns(bytes: &[u8]) -> Result<Vec<ReturnRow>, Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase()).collect(),
        Err(error) => return Err(vec![format!("line 1: {error}")]),
    };
    let place = |name: &str| header.iter().position(|column| column == name);
    let mut errors: Vec<String> = RETURN_COLUMNS[..3]
        .iter()
        .filter(|name| place(name).is_none())
        .map(|name| format!("line 1: there is no column `{name}`; expected {}", RETURN_COLUMNS.join(", ")))
        .collect();
    errors.extend(header.iter().filter(|column| !RETURN_COLUMNS.contains(&column.as_str())).map(|column| {
        format!("line 1: `{column}` is no column of such a file; expected {}", RETURN_COLUMNS.join(", "))
    }));
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                errors.push(error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let text = |name: &str| place(name).and_then(|index| record.get(index)).unwrap_or_default();
        let referral = text("referral").parse::<i64>().ok().filter(|id| *id > 0);
        let on = day::parse(text("returned_on"));
        let reason = ReturnReason::from_word(text("reason"));
        if referral.is_none() {
            errors.push(format!("line {line}: `{}` is no referral's number", text("referral")));
        }
        if on.is_none() {
            errors.push(format!("line {line}: `{}` is no day; expected one such as 2026-05-22", text("returned_on")));
        }
        if reason.is_none() {
            let words: Vec<&str> = ReturnReason::ALL.iter().map(|reason| reason.word()).collect();
            errors.push(format!("line {line}: `{}` is no reason; expected {}", text("reason"), words.join(", ")));
        }
        if let (Some(id), Some(on), Some(reason)) = (referral, on, reason) {
            if !seen.insert(id) {
                errors.push(format!("line {line}: referral {id} stands twice in the file"));
            }
            rows.push(ReturnRow { line, referral: ReferralId(id), on, reason, note: text("note").to_owned() });
        }
    }
    if rows.is_empty() && errors.is_empty() {
        errors.push("the file has no line besides its header".to_owned());
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_returned_debts_is_read_and_everything_wrong_with_it_is_told_at_once() {
        let rows = read_returns(b"referral,returned_on,reason,note\n7,2026-12-01,skip,no such address\n").unwrap();
        assert_eq!((rows[0].referral, rows[0].reason, rows[0].line), (ReferralId(7), ReturnReason::Skip, 2));
        let errors = read_returns(b"referral,returned_on,reason\nx,2026-13-01,gone\n").unwrap_err();
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[2].contains("line 2: `gone` is no reason; expected uncollectable, paid"), "{errors:?}");
        let errors = read_returns(b"referral,on\n7,2026-12-01\n").unwrap_err();
        assert!(errors[0].contains("no column `returned_on`"), "{errors:?}");
    }
}

//! Files that are not like others: one row of an amount that nobody owes or pays, or far more rows than ever. They may be
//! right; a person says so.
//!
//! Reading a file needs no history; this is asked afterwards.

use std::collections::BTreeSet;

use super::errors::{FileErrors, Problem};
use crate::domain::Cents;
use crate::domain::import::{FileKind, ImportFile, ImportRows};

/// A file of so many accounts is no correction of single ones.
const WHOLE_CITY: usize = 20;

/// What is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsualFile {
    pub largest_row: Cents,
    /// More rows are asked about.
    pub most_rows: u64,
    /// Columns that the last file of the kind had.
    pub columns: BTreeSet<String>,
    /// Whether the same bytes were taken before under another mapping: its rows would be posted once more.
    pub was_read_otherwise: bool,
}

/// Holds a file against what is usual.
///
/// # Errors
/// All that is not: each row with its place, and how a person says that it is right.
pub fn unusual(file: &ImportFile, usual: &UsualFile) -> Result<(), FileErrors> {
    let mut errors = FileErrors { kind: Some(file.kind), ..FileErrors::none(&file.name) };
    if let ImportRows::Entries(rows) = &file.rows {
        for row in rows.iter().filter(|row| row.amount.abs() > usual.largest_row) {
            let problem = Problem::UnusualAmount { limit: usual.largest_row.to_string() };
            errors.add(row.line, Some("amount"), Some(&row.amount.abs().to_plain()), problem);
        }
    }
    let rows = file.rows.len();
    if rows as u64 > usual.most_rows {
        errors.add(0, None, None, Problem::UnusualLength { rows: rows as u64, most: usual.most_rows });
    }
    // An account's record is whole each time: what a file has no column for is taken from every account in it. A file of a few
    // is somebody's correction.
    if file.kind == FileKind::Accounts && file.rows.len() >= WHOLE_CITY {
        let gone: Vec<&str> = usual.columns.difference(&file.columns).map(String::as_str).collect();
        if !gone.is_empty() {
            errors.add(0, None, None, Problem::ColumnsGone { columns: gone.join(", ") });
        }
    }
    if usual.was_read_otherwise {
        errors.add(0, None, None, Problem::ReadOtherwise);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::read;

    #[test]
    fn a_payment_of_ten_millions_is_asked_about_with_its_place() {
        let text = "account,amount,received_on,channel,source,reference\n\
                    10-000417,\"9,999,999.99\",2026-05-20,lockbox,lockbox,LB-1\n\
                    10-000417,100000.00,2026-05-20,lockbox,lockbox,LB-2\n";
        let file = read("payments.csv", text.as_bytes()).unwrap();
        let usual = UsualFile { largest_row: Cents::new(10_000_000), most_rows: 2, ..UsualFile::default() };
        let report = unusual(&file, &usual).unwrap_err().text();
        assert!(report.contains("line 2, column amount: \"9999999.99\": above $100,000.00"), "{report}");
        assert!(report.contains("1 error.") && report.contains("--confirm-large"), "{report}");
        let usual = UsualFile { largest_row: Cents::new(i64::MAX), most_rows: 1, ..UsualFile::default() };
        let report = unusual(&file, &usual).unwrap_err().text();
        assert!(report.contains("file: it has 2 rows"), "{report}");
    }

    #[test]
    fn an_accounts_file_that_lost_columns_would_empty_them_everywhere() {
        let file = |accounts: usize| {
            let head = "account,customer_name,service_address,service_city,service_state,service_zip,services\n";
            let row = |n| format!("10-{n:06},Rosa Muñoz,{n} Alder St,Riverbend,CA,95600,water\n");
            read("accounts.csv", (head.to_owned() + &(0..accounts).map(row).collect::<String>()).as_bytes()).unwrap()
        };
        let (whole, few) = (file(20), file(19));
        let had = whole.columns.iter().cloned().chain(["phone".to_owned(), "email".to_owned()]).collect();
        let usual = UsualFile { most_rows: 100, columns: had, ..UsualFile::default() };
        let report = unusual(&whole, &usual).unwrap_err().text();
        assert!(report.contains("without the columns email, phone"), "{report}");
        unusual(&few, &usual).unwrap();
    }
}

//! Files that are not like others: one row of an amount that nobody owes or pays, or far more rows than ever. They may be
//! right; a person says so.
//!
//! Reading a file needs no history; this is asked afterwards.

use super::errors::{FileErrors, Problem};
use crate::domain::Cents;
use crate::domain::import::{ImportFile, ImportRows};

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsualFile {
    pub largest_row: Cents,
    /// More rows are asked about.
    pub most_rows: u64,
}

/// Holds a file against what is usual.
///
/// # Errors
/// All that is not: each row with its place, and how a person says that it is right.
pub fn unusual(file: &ImportFile, usual: UsualFile) -> Result<(), FileErrors> {
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
        let usual = UsualFile { largest_row: Cents::new(10_000_000), most_rows: 2 };
        let report = unusual(&file, usual).unwrap_err().text();
        assert!(report.contains("line 2, column amount: \"9999999.99\": above $100,000.00"), "{report}");
        assert!(report.contains("1 error.") && report.contains("--confirm-large"), "{report}");
        let report = unusual(&file, UsualFile { largest_row: Cents::new(i64::MAX), most_rows: 1 }).unwrap_err().text();
        assert!(report.contains("file: it has 2 rows"), "{report}");
    }
}

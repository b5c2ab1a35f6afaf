//! Debts that a destination gives back: a line for each.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Row};
use super::errors::{FileErrors, Problem};
use super::forms;
use crate::domain::import::FileKind;
use crate::domain::placement::{NewReturn, ReturnReason};
use crate::domain::{Day, ReferralId};

pub const COLUMNS: Columns =
    Columns { kind: FileKind::Returns, named: &[&REFERRAL, &RETURNED_ON, &REASON, &NOTE], families: &[] };

static REFERRAL: Column<ReferralId> =
    Column::required("referral", &forms::REFERRAL, "The debt, by the number that the list gave it.", "7");
static RETURNED_ON: Column<Day> =
    Column::required("returned_on", &forms::DATE, "The day on which it came back; none that lies ahead.", "2026-12-01");
static REASON: Column<ReturnReason> =
    Column::required("reason", &forms::RETURN_REASON, "Why the destination gives it back.", "skip");
static NOTE: Column<String> =
    Column::optional("note", &forms::TEXT, "What the destination says besides.", "no such address");

/// A debt that came back.
pub fn row(row: &mut Row) -> Option<NewReturn> {
    let referral = row.required(&REFERRAL);
    let on = row.required(&RETURNED_ON);
    let reason = row.required(&REASON);
    let note = row.optional(&NOTE).unwrap_or_default();
    Some(NewReturn { line: row.line, referral: referral?, on: on?, reason: reason?, note, hold: None, tell: None })
}

/// Reports a referral that stands in the file twice.
pub fn report_repeats(returns: &[NewReturn], errors: &mut FileErrors) {
    let mut first: BTreeMap<ReferralId, u32> = BTreeMap::new();
    for back in returns {
        let before = *first.entry(back.referral).or_insert(back.line);
        if before != back.line {
            let differs = "the referral stands there already".to_owned();
            let problem = Problem::Repeated { first_line: before, differs };
            errors.add(back.line, Some(REFERRAL.name), Some(&back.referral.to_string()), problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::domain::import::ImportRows;

    #[test]
    fn a_file_of_returned_debts_is_read_and_everything_wrong_with_it_is_told_at_once() {
        let file = read("back.csv", b"referral,returned_on,reason,note\n7,2026-12-01,skip,no such address\n").unwrap();
        let ImportRows::Returns(rows) = file.rows else { panic!("returns") };
        assert_eq!((rows[0].referral, rows[0].reason, rows[0].line), (ReferralId(7), ReturnReason::Skip, 2));
        let wrong =
            read("back.csv", b"referral,returned_on,reason\nx,2026-13-01,gone\n8,12/01/2026,paid\n8,12/02/2026,paid\n");
        let told = wrong.unwrap_err().text();
        for said in ["column referral: \"x\"", "column returned_on: \"2026-13-01\"", "uncollectable, paid", "line 4"] {
            assert!(told.contains(said), "{said}: {told}");
        }
    }
}

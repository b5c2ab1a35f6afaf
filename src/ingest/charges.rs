//! Charges: what the billing system billed, a row for each service of a bill; also fees and interest it posted itself.

use super::columns::{Column, Columns, Family, Form, Row};
use super::errors::Problem;
use super::forms::{self, one_of, word_form};
use crate::domain::day::days_between;
use crate::domain::import::{FileKind, NewEntry};
use crate::domain::{AccountNumber, Cents, Day, EntryKind, Service};

/// The most days from a bill to its due date. With a mistyped year the debt would never fall due, and nobody would be told.
const LONGEST_TERM: i64 = 366;

pub const COLUMNS: Columns = Columns {
    kind: FileKind::Charges,
    named: &[&ACCOUNT, &SERVICE, &KIND, &AMOUNT, &BILLED_ON, &DUE_ON, &SOURCE, &REFERENCE, &ARREARS_REFERENCE, &MEMO],
    families: &[&PRINTED],
};

const KINDS: &[EntryKind] = &[EntryKind::Charge, EntryKind::Fee, EntryKind::Interest];
word_form! { KIND_FORM: EntryKind, KINDS }

static ACCOUNT: Column<AccountNumber> =
    Column::required("account", &forms::ACCOUNT, "The account that owes it.", "10-000417");
static SERVICE: Column<Service> = Column::required(
    "service",
    &forms::SERVICE,
    "The service billed; `general` for what belongs to no single one.",
    "water",
);
static KIND: Column<EntryKind> = Column::optional("kind", &KIND_FORM, "What the debt is. Blank is `charge`.", "charge");
static AMOUNT: Column<Cents> = Column::required("amount", &forms::AMOUNT, "What is to be paid, above zero.", "61.40");
static BILLED_ON: Column<Day> = Column::required("billed_on", &forms::DATE, "The date of the bill.", "2026-05-01");
static DUE_ON: Column<Day> = Column::optional(
    "due_on",
    &forms::DATE,
    "The last day on which it is paid in time. Blank: the policy's `due:` rule gives it.",
    "2026-05-22",
);
static SOURCE: Column<String> =
    Column::required("source", &forms::SOURCE, "The system that the reference belongs to.", "cis");
static REFERENCE: Column<String> =
    Column::required("reference", &forms::REFERENCE, "Names this row in its source, once and for all.", "B-88120-W");
static ARREARS_REFERENCE: Column<String> = Column::optional(
    "arrears_reference",
    &forms::REFERENCE,
    "For a fee of Arrears' own: the reference under which `arrears fee export` sent it. It is not counted again.",
    "ARR-1042",
);
static MEMO: Column<String> =
    Column::optional("memo", &forms::TEXT, "Shown on the statement.", "Water April 1 to April 30");
static PRINTED: Family<Day> = Family {
    prefix: "printed.",
    form: &forms::DATE,
    meaning: "A further date printed on the bill, for policies that count from it.",
    example: ("shut_off_after", "2026-06-30"),
};

/// A debt.
pub fn row(row: &mut Row) -> Option<NewEntry> {
    let account = row.required(&ACCOUNT);
    let service = row.required(&SERVICE);
    let kind = row.optional(&KIND).unwrap_or(EntryKind::Charge);
    let amount = row.required(&AMOUNT);
    let billed_on = row.required(&BILLED_ON);
    let due_on = row.optional(&DUE_ON);
    let source = row.required(&SOURCE);
    let reference = row.required(&REFERENCE);
    let arrears_reference = row.optional(&ARREARS_REFERENCE);
    let memo = row.optional(&MEMO).unwrap_or_default();
    let printed = row.family(&PRINTED, false);
    if let (Some(billed), Some(due)) = (billed_on, due_on)
        && due < billed
    {
        let problem = Problem::BeforeOther { other: "billed_on", other_value: billed.to_string() };
        row.error("due_on", Some(&due.to_string()), problem);
    }
    if let (Some(billed), Some(due)) = (billed_on, due_on) {
        let days = days_between(billed, due);
        if days > LONGEST_TERM {
            let other_value = billed.to_string();
            let problem = Problem::LongAfter { other: "billed_on", other_value, days, most: LONGEST_TERM };
            row.error("due_on", Some(&due.to_string()), problem);
        }
    }
    Some(NewEntry {
        line: row.line,
        account: account?,
        service: service?,
        kind,
        amount: amount?,
        effective_on: billed_on?,
        due_on,
        printed,
        channel: None,
        designated_reference: None,
        designated_service: None,
        reverses: None,
        source: source?,
        reference: reference?,
        arrears_reference,
        memo,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_due_date_more_than_a_year_after_its_bill_is_a_mistyped_year() {
        let text = "account,service,amount,billed_on,due_on,source,reference\n10-000417,water,61.40,2026-05-01,2068-05-22,cis,B-1\n\
            10-000417,water,61.40,2026-05-01,2027-05-02,cis,B-2\n";
        let report = crate::ingest::read("charges.csv", text.as_bytes()).unwrap_err().text();
        assert!(
            report.contains(
                "line 2, column due_on: \"2068-05-22\": the date lies 15362 days after billed_on, 2026-05-01; at most 366 are"
            ) && !report.contains("line 3"),
            "{report}"
        );
    }
}

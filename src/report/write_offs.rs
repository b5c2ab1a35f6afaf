//! Write-offs for the council: what is proposed, approved or declined, a line each with its amount, and the total.

use crate::domain::proposal::ProposalState;
use crate::domain::spreadsheet::guarded;
use crate::domain::{AccountNumber, Cents, CustomerClass, Day};

/// One write-off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct WriteOffLine {
    pub account: AccountNumber,
    pub name: String,
    pub class: CustomerClass,
    pub amount: Cents,
    /// When the oldest of its debts fell due, where it is known.
    pub oldest_due_on: Option<Day>,
    pub state: ProposalState,
    pub proposed_on: Day,
    pub proposed_by: String,
    pub reason: String,
    pub decided_on: Option<Day>,
    pub decided_by: Option<String>,
    /// What of it has nothing to write off, for its debt was paid after all or taken back: it is to be reversed.
    pub left_over: Cents,
}

/// The columns of the list.
const COLUMNS: [&str; 12] = [
    "account",
    "name",
    "class",
    "amount",
    "oldest_due_on",
    "state",
    "proposed_on",
    "proposed_by",
    "reason",
    "decided_on",
    "decided_by",
    "left_over",
];

/// The list as CSV, with a total at its end.
///
/// # Errors
/// When a line cannot be written, which a text in memory never brings about.
pub fn to_csv(lines: &[WriteOffLine]) -> Result<String, csv::Error> {
    let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    csv.write_record(COLUMNS)?;
    let day = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
    for line in lines {
        csv.write_record([
            guarded(line.account.as_str()),
            guarded(&line.name),
            line.class.to_string(),
            line.amount.to_plain(),
            day(line.oldest_due_on),
            line.state.to_string(),
            line.proposed_on.to_string(),
            guarded(&line.proposed_by),
            guarded(&line.reason),
            day(line.decided_on),
            guarded(line.decided_by.as_deref().unwrap_or_default()),
            line.left_over.to_plain(),
        ])?;
    }
    csv.write_record(["total", "", "", &total(lines).to_plain()])?;
    Ok(String::from_utf8_lossy(&csv.into_inner().unwrap_or_default()).into_owned())
}

/// What the lines sum to.
#[must_use]
pub fn total(lines: &[WriteOffLine]) -> Cents {
    lines.iter().map(|line| line.amount).sum()
}

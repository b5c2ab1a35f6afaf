//! Reports to destinations, and debts that come back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ExportFile;
use crate::domain::document::Document;
use crate::domain::placement::{ReportLine, ReturnReason};
use crate::domain::referral::Destination;
use crate::domain::{Day, ReferralId};
use crate::store::ExportPart;

/// A report about to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    pub to: Destination,
    pub lines: Vec<ReportLine>,
    pub files: Vec<(ExportPart, Document)>,
}

/// A report that goes out, as recorded: its files are written from this record, as often as need be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralReport {
    /// Destination, day and number on that day: `report-agency-2026-05-20-1`.
    pub name: String,
    pub to: Destination,
    pub made_on: Day,
    pub made_by: String,
    pub lines: u64,
    pub recalls: u64,
    pub files: Vec<ExportFile>,
    /// `None` while a file may be missing.
    #[serde(default)]
    pub written_at: Option<DateTime<Utc>>,
}

/// A debt that its destination gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebtReturn {
    pub referral: ReferralId,
    pub on: Day,
    pub reason: ReturnReason,
    pub note: String,
    /// Why the account is held until somebody has recorded what is said of the debtor.
    pub hold: Option<String>,
    /// What stands on the exceptions list about it.
    pub tell: Option<String>,
}

//! Lists of referrals and of fees that go out, with their files.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::document::Document;
use crate::domain::placement::Placement;
use crate::domain::referral::Destination;
use crate::domain::{AccountNumber, Cents, Day, DocumentHash, EntryId, EntryKind, ReferralId, Service};

/// What a file is to the list of referrals with which it goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportPart {
    /// One line a referral.
    List,
    /// The same in fixed width.
    FixedList,
    /// Totals, and the hash of the list.
    Control,
    /// What the city takes back.
    Recalls,
    /// The packet of one referral, under its file name.
    Packet(String),
}

/// A list of referrals about to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExport {
    pub to: Destination,
    pub total: Cents,
    /// What is placed of each referral.
    pub placements: Vec<(ReferralId, Placement)>,
    pub files: Vec<(ExportPart, Document)>,
}

/// A list of referrals that goes out, as recorded: the files are written from this record, as often as need be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralExport {
    /// Destination, day and number on that day: `attorney-2026-05-20-1`.
    pub name: String,
    pub to: Destination,
    pub made_on: Day,
    pub made_by: String,
    pub referrals: Vec<ReferralId>,
    pub total: Cents,
    pub files: Vec<ExportFile>,
    /// `None` while a file may be missing.
    #[serde(default)]
    pub written_at: Option<DateTime<Utc>>,
}

/// One file of a list; its bytes are kept under their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFile {
    pub part: ExportPart,
    pub document: DocumentHash,
}

impl ExportFile {
    /// How the export or report names the files that it consists of.
    #[must_use]
    pub fn of(files: &[(ExportPart, Document)]) -> Vec<Self> {
        files.iter().map(|(part, document)| Self { part: part.clone(), document: document.hash.clone() }).collect()
    }
}

/// A fee of Arrears' own, or what takes one back, as it goes to the billing system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeLine {
    pub entry: EntryId,
    /// What the billing system calls it, until it has posted it: `ARR-1042`.
    pub reference: String,
    pub account: AccountNumber,
    pub service: Service,
    pub kind: EntryKind,
    /// The signed effect on the balance.
    pub amount: Cents,
    pub on: Day,
    pub due_on: Option<Day>,
    /// What the ledger calls it.
    pub name: String,
    /// What it calls the fee that this takes back.
    pub reverses: Option<String>,
}

/// A list of fees about to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFeeExport {
    pub lines: Vec<FeeLine>,
    pub document: Document,
}

/// A list of fees that goes out, as recorded: its file is written from this record, as often as need be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeExport {
    /// Day and number on that day: `fees-2026-05-20-1`.
    pub name: String,
    pub made_on: Day,
    pub made_by: String,
    pub entries: Vec<EntryId>,
    /// Fees less what takes fees back.
    pub total: Cents,
    pub document: DocumentHash,
    /// `None` while the file may be missing.
    #[serde(default)]
    pub written_at: Option<DateTime<Utc>>,
}

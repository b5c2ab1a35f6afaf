//! Lists of referrals that go out, with their files.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::document::Document;
use crate::domain::referral::Destination;
use crate::domain::{Cents, Day, DocumentHash, ReferralId};

/// What a file is to the list of referrals with which it goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportPart {
    /// One line a referral.
    List,
    /// Totals, and the hash of the list.
    Control,
    /// The packet of one referral, under its file name.
    Packet(String),
}

/// A list of referrals about to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExport {
    pub to: Destination,
    pub total: Cents,
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

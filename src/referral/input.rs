//! What a packet is made of: plain data that the caller has read in one moment.
//!
//! Nothing here is computed except what the ledger's replay gave. The packet's builder checks all of it against itself.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use crate::domain::arrangement::{Arrangement, Standing};
use crate::domain::arrears::BucketLimits;
use crate::domain::call::CallAttempt;
use crate::domain::document::MediaType;
use crate::domain::fee::TwoFees;
use crate::domain::field_order::FieldOrder;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::ledger::Books;
use crate::domain::notice::Notice;
use crate::domain::person::Override;
use crate::domain::petition::Petition;
use crate::domain::promise::Promise;
use crate::domain::proof::Proof;
use crate::domain::referral::Referral;
use crate::domain::{Address, Day, Entry, Event, OpenItem, PolicyHash, Profile};

/// All that a packet states about one account.
#[derive(Clone, Debug)]
pub struct PacketInput {
    pub city: City,
    pub profile: Profile,
    pub referral: Referral,
    /// The last day whose ledger entries are in the packet.
    pub cut_off: Day,
    /// The business date on which the packet is built: protections, limitation and later money are checked as of it.
    pub checked_on: Day,
    pub policy: PolicyBasis,
    /// Every entry of the account that is known, those after the cut-off too.
    pub entries: Vec<Entry>,
    /// `ledger::settle` of those entries at the cut-off; of the open items those that are referred.
    pub books: Books,
    /// The other open items: not due yet, contested, or out already. They are in the statement, and no part of the claim.
    pub beside: Vec<OpenItem>,
    /// Every notice of the account; those that were never sent are left out of the packet.
    pub notices: Vec<NoticeExhibit>,
    pub calls: Vec<CallAttempt>,
    pub promises: Vec<Promise>,
    pub arrangements: Vec<ArrangementRecord>,
    pub holds: Vec<HoldRecord>,
    /// Petitions in bankruptcy: what they stay is in `books.stayed`, and no part of the claim.
    pub petitions: Vec<Petition>,
    /// What the household has shown toward the protections of the law.
    pub proofs: Vec<Proof>,
    pub field_orders: Vec<FieldOrder>,
    pub events: Vec<Event>,
    /// What the log says about the account's cases, oldest first.
    pub history: Vec<HistoryLine>,
    /// Checks that a person made and recorded. What is not here is printed as not checked.
    pub checks: Vec<BackgroundCheck>,
    /// An exception that stands on the account (its balance differs from the billing system's), in words.
    pub exception: Option<String>,
    /// Fees of which a person said that they are two, although they look like one counted twice.
    pub two_fees: Vec<TwoFees>,
    /// A person's decision to send debts whose limitation has passed.
    pub limitation_override: Option<Override>,
}

impl PacketInput {
    /// All that is open, referred or not.
    #[must_use]
    pub fn owed(&self) -> Vec<OpenItem> {
        self.books.items.iter().chain(&self.beside).cloned().collect()
    }
}

/// The city and who speaks for its records.
#[derive(Clone, Debug)]
pub struct City {
    pub name: String,
    pub department: String,
    pub address: Address,
    pub phone: String,
    /// The state's name in full, under whose laws the declaration is made.
    pub state_name: String,
    pub custodian_name: String,
    pub custodian_title: String,
    /// Instants of record are shown as days of this zone.
    pub time_zone: Tz,
}

/// What of the policy the packet rests on.
#[derive(Clone, Debug)]
pub struct PolicyBasis {
    pub hash: PolicyHash,
    pub title: String,
    pub authority: String,
    pub effective_from: Day,
    pub buckets: BucketLimits,
    /// Zero is refused: a policy that is silent on limitation makes no packet.
    pub limitation_years: u16,
    pub limitation_citation: String,
    pub declaration_citation: String,
    /// Kinds of holds that bar a referral beside those that always do.
    pub also_bars_referral: BTreeSet<HoldKind>,
    /// The rules that acted in the account's cases, each with what it rests on: name, then citation.
    pub citations: Vec<(String, String)>,
}

/// A notice with the bytes that are kept of it.
#[derive(Clone, Debug)]
pub struct NoticeExhibit {
    pub notice: Notice,
    /// Kept bytes and what they are; `None` where the store has none.
    pub document: Option<(MediaType, Vec<u8>)>,
}

/// A hold, dispute or appeal, and what was decided on it.
#[derive(Clone, Debug)]
pub struct HoldRecord {
    pub hold: Hold,
    /// The decision in words: `Dispute denied after meter test; letter of 2026-05-04`.
    pub outcome: Option<String>,
}

/// An arrangement, and how it stands on the day of the check with the money of that day.
#[derive(Clone, Debug)]
pub struct ArrangementRecord {
    pub arrangement: Arrangement,
    pub standing: Standing,
}

/// A line of the account's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    pub on: Day,
    pub by: String,
    pub text: String,
}

/// What a court or counsel asks before suing a person.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckKind {
    /// A search for a petition in bankruptcy (11 USC 362).
    Bankruptcy,
    /// A search of the military status (50 USC 3931).
    Military,
}

/// A check as a person recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackgroundCheck {
    pub kind: CheckKind,
    pub made_on: Day,
    pub by: String,
    /// Where it was looked up: `PACER`, `DMDC SCRA site`.
    pub source: String,
    pub result: String,
}

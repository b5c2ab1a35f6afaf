//! A notice: one piece to one recipient by one channel, from planned to delivered.

use serde::{Deserialize, Serialize};

use super::account::{Address, Language, words};
use super::action::{Channel, Recipient, ReconnectionLimits};
use super::case::StageRef;
use super::day::Day;
use super::decision::ActKey;
use super::ids::{AccountId, ArrangementId, BatchId, DocumentHash, ItemId, NoticeId, NoticeName};
use super::money::Cents;

words! {
    /// Delivery truth. A notice is never called sent that was not.
    NoticeState {
        /// Decided; waits for the lead's release.
        Planned = "planned",
        /// Released; the worker renders it.
        Released = "released",
        /// Its bytes are kept. A letter waits for its batch, an email for sending.
        Rendered = "rendered",
        /// In a print batch.
        Batched = "batched",
        /// The carrier accepted it, with date and proof.
        Mailed = "mailed",
        /// A crew left it at the premises.
        Posted = "posted",
        /// The mail server accepted it.
        Sent = "sent",
        Returned = "returned",
        Bounced = "bounced",
        Canceled = "canceled",
        /// Rendered with dates that have become too early; replaced by a new one.
        Voided = "voided",
        /// The worker could not do it; it stands on the exceptions list.
        Failed = "failed",
    }
}

impl NoticeState {
    /// May still be canceled without anyone having been told.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Planned | Self::Released | Self::Rendered | Self::Batched)
    }
}

/// What a notice states, fixed when it is decided and printed as such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeFacts {
    /// The debts listed, oldest due first.
    pub items: Vec<ListedItem>,
    /// Their sum: what is to be paid.
    pub amount: Cents,
    /// The whole balance, with what is not yet due.
    pub balance: Cents,
    pub days_past_due: i64,
    /// The last day to pay before what is announced.
    pub pay_by: Option<Day>,
    /// The earliest day of shut-off that the notice announces.
    pub shut_off_on: Option<Day>,
    /// The ordinance or statute behind it.
    pub citation: String,
    /// The deposit that was applied to the account after service had ended: its day, and how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<(Day, Cents)>,
    /// What a household with a low income pays at most to be turned on again; of a notice after a shut-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnection: Option<ReconnectionLimits>,
    /// What else stands beside the sum that restores service; of a notice after a shut-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<Restores>,
}

/// Beside the debt for which service was shut off, which is what the notice lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restores {
    /// The fee of turning it on again, which belongs to the sum; zero where none is charged.
    pub fee: Cents,
    /// All that is past due on the account, without that fee. What of it is not listed keeps nothing off.
    pub past_due: Cents,
}

/// One debt as a notice lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedItem {
    pub item: ItemId,
    pub service: super::account::Service,
    pub kind: super::ledger::EntryKind,
    pub billed_on: Day,
    pub due_on: Day,
    pub open: Cents,
}

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: NoticeId,
    pub account: AccountId,
    /// The act that ordered it; with recipient and channel it is unique.
    pub act_key: String,
    pub of: StageRef,
    /// The arrangement that the piece confirms; no stage waits for such a letter, and no case ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrangement: Option<ArrangementId>,
    pub template: NoticeName,
    pub channel: Channel,
    pub recipient: Recipient,
    pub addressee: String,
    pub address: Address,
    /// For email.
    pub email: Option<String>,
    /// In the order in which the piece prints them.
    pub languages: Vec<Language>,
    pub statutory: bool,
    pub deemed_days: u16,
    pub facts: NoticeFacts,
    pub state: NoticeState,
    pub planned_on: Day,
    pub released_on: Option<Day>,
    pub released_by: Option<String>,
    /// The date that the letter bears.
    pub dated: Option<Day>,
    pub document: Option<DocumentHash>,
    pub batch: Option<BatchId>,
    pub mailed_on: Option<Day>,
    /// For example `PS 3877 no. 4411`.
    pub proof: Option<String>,
    pub served_on: Option<Day>,
    pub returned_on: Option<Day>,
    /// Why it is canceled, voided or failed.
    pub cause: Option<String>,
}

/// A piece as it is ordered: what the store needs to make a [`Notice`] of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNotice {
    /// The act that orders it; its account and stage are the notice's.
    pub key: ActKey,
    pub template: NoticeName,
    pub channel: Channel,
    pub recipient: Recipient,
    pub addressee: String,
    pub address: Address,
    /// For email.
    pub email: Option<String>,
    /// In the order in which the piece prints them.
    pub languages: Vec<Language>,
    pub statutory: bool,
    pub deemed_days: u16,
    pub facts: NoticeFacts,
    /// Waits for the lead; a piece that does not is released at once.
    pub needs_release: bool,
    pub planned_on: Day,
}

impl Notice {
    /// The letter of an arrangement once more, after it could not be made; `None` of any other piece.
    #[must_use]
    pub fn letter_again(&self, on: Day, by: &str) -> Option<Self> {
        let arrangement = self.arrangement?;
        let round = self.of.round.saturating_add(1);
        let new = Self {
            id: NoticeId(0),
            act_key: letter_key(self.account, arrangement, round),
            of: StageRef { round, ..self.of.clone() },
            state: NoticeState::Released,
            released_on: Some(on),
            released_by: Some(by.to_owned()),
            dated: None,
            document: None,
            batch: None,
            cause: None,
            ..self.clone()
        };
        Some(new)
    }
}

/// What makes the pieces of an arrangement's letter one act, for which there is no stage.
fn letter_key(account: AccountId, arrangement: ArrangementId, round: u16) -> String {
    format!("{account}/arrangement/{arrangement}/letter/{round}")
}

impl NewNotice {
    /// The notice as it begins: planned, or released by the daemon on the day it was planned for.
    #[must_use]
    pub fn into_notice(self, id: NoticeId) -> Notice {
        let released = !self.needs_release;
        Notice {
            id,
            account: self.key.account,
            act_key: self.key.to_string(),
            of: self.key.of,
            arrangement: None,
            template: self.template,
            channel: self.channel,
            recipient: self.recipient,
            addressee: self.addressee,
            address: self.address,
            email: self.email,
            languages: self.languages,
            statutory: self.statutory,
            deemed_days: self.deemed_days,
            facts: self.facts,
            state: if released { NoticeState::Released } else { NoticeState::Planned },
            planned_on: self.planned_on,
            released_on: released.then_some(self.planned_on),
            released_by: released.then(|| super::person::Actor::Daemon.to_string()),
            dated: None,
            document: None,
            batch: None,
            mailed_on: None,
            proof: None,
            served_on: None,
            returned_on: None,
            cause: None,
        }
    }

    /// The piece as the letter of an arrangement, released by who made it: it tells a person what was just agreed with
    /// them.
    #[must_use]
    pub fn into_letter_of(self, arrangement: ArrangementId, by: &str) -> Notice {
        let act_key = letter_key(self.key.account, arrangement, self.key.of.round);
        let on = self.planned_on;
        let notice = Self { needs_release: false, ..self }.into_notice(NoticeId(0));
        Notice {
            act_key,
            arrangement: Some(arrangement),
            released_on: Some(on),
            released_by: Some(by.to_owned()),
            ..notice
        }
    }
}

/// A batch of letters as it goes to the printer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintBatch {
    pub id: BatchId,
    pub made_on: Day,
    pub made_by: String,
    pub pieces: u32,
    pub sheets: u32,
    /// Relative to the data directory.
    pub path: String,
    pub document: DocumentHash,
    pub mailed_on: Option<Day>,
}

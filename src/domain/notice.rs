//! A notice: one piece to one recipient by one channel, from planned to delivered.

use serde::{Deserialize, Serialize};

use super::account::{Address, Language, words};
use super::action::{Channel, Recipient, ReconnectionLimits};
use super::arrangement::Installment;
use super::case::StageRef;
use super::day::Day;
use super::decision::ActKey;
use super::dispute::{Dispute, Side};
use super::ids::{AccountId, ArrangementId, BatchId, DisputeId, DocumentHash, ItemId, NoticeId, NoticeName};
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
    /// What else the letter of an arrangement says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Agreed>,
    /// What the letter on a ruling tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruled: Option<Box<Ruled>>,
}

/// A ruling on a dispute, as its letter tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    pub dispute: DisputeId,
    /// Whether it is the ruling on the appeal, which is the last.
    pub on_appeal: bool,
    pub raised_on: Day,
    /// In the customer's words.
    pub disputed: String,
    pub side: Side,
    pub on: Day,
    pub findings: String,
    /// What was taken off in all, late fees too.
    pub credited: Cents,
    /// The last day for an appeal; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal_by: Option<Day>,
}

/// Beside the installments, of the letter that confirms an arrangement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// What had been taken of the down payment, so that the installments are without it.
    #[serde(default)]
    pub taken: Cents,
    /// The day by which what was missed is to be paid, where it was taken up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_by: Option<Day>,
    /// What is left then, with its dates; empty of a new arrangement, which states its installments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Installment>,
}

/// Beside the debt for which service was shut off, which is what the notice lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restores {
    /// The fee of turning it on again, which belongs to the sum; zero where none is charged.
    pub fee: Cents,
    /// What of that fee is among the debts listed.
    #[serde(default)]
    pub listed: Cents,
    /// All that is past due on the account, without that fee. What of it is not listed keeps nothing off.
    pub past_due: Cents,
}

impl Restores {
    /// What is to be paid of the fee beside the debts listed.
    #[must_use]
    pub fn beside(&self) -> Cents {
        self.fee - self.listed
    }
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

impl ListedItem {
    /// The debt as it stands.
    #[must_use]
    pub fn of(item: &super::ledger::OpenItem) -> Self {
        Self {
            item: item.id,
            service: item.service,
            kind: item.kind,
            billed_on: item.billed_on,
            due_on: item.due_on,
            open: item.open,
        }
    }
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
    /// Whether a stage of a case ordered it. The letter of an arrangement or on a ruling is told to a person whatever becomes of
    /// the case: no stage waits for it, and no case ends it.
    #[must_use]
    pub const fn is_of_stage(&self) -> bool {
        self.arrangement.is_none() && self.facts.ruled.is_none()
    }

    /// Whether it tells the ruling on the dispute that stands now: the first, or that on its appeal.
    #[must_use]
    pub fn tells_ruling_on(&self, dispute: &Dispute) -> bool {
        let is_of = |ruled: &Ruled| ruled.dispute == dispute.id && ruled.on_appeal == dispute.appeal.is_some();
        self.facts.ruled.as_deref().is_some_and(is_of)
    }

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
    pub fn into_letter_of(mut self, arrangement: ArrangementId, round: u16, by: &str) -> Notice {
        self.key.of.round = round;
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

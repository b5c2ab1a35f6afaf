//! Field orders: shut-off, restoration and tags, from prepared to the crew's result.

use serde::{Deserialize, Serialize};

use super::account::{Service, words};
use super::case::StageRef;
use super::day::Day;
use super::ids::{AccountId, OrderId};
use super::money::Cents;

words! {
    /// What the crew is to do.
    OrderKind {
        ShutOff = "shut_off",
        Limit = "limit",
        Restore = "restore",
        Tag = "tag",
        Visit = "visit",
    }
}

words! {
    /// How far an order has come. Restorations and tags begin as approved.
    OrderState {
        Prepared = "prepared",
        Approved = "approved",
        /// All checks passed again, on the day of the order.
        Finalized = "finalized",
        /// The crew has it.
        Dispatched = "dispatched",
        Done = "done",
        /// The crew could not do it; the note says why.
        NotDone = "not_done",
        Canceled = "canceled",
    }
}

impl OrderState {
    /// May still be canceled before the crew acts.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Prepared | Self::Approved | Self::Finalized | Self::Dispatched)
    }
}

impl FieldOrder {
    /// A crew did it although it had been canceled, or on another day than the one for which it was looked at. The cause stays with the
    /// order, and nothing else gives one.
    #[must_use]
    pub const fn is_done_without_leave(&self) -> bool {
        matches!(self.state, OrderState::Done) && self.cause.is_some()
    }
}

/// One order for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldOrder {
    pub id: OrderId,
    pub account: AccountId,
    pub act_key: String,
    pub of: Option<StageRef>,
    pub kind: OrderKind,
    pub service: Service,
    pub state: OrderState,
    /// The day for which it was prepared; a shut-off happens on no other day.
    pub for_day: Day,
    /// What pays it away: the listed debt at preparation.
    pub amount: Cents,
    pub approved_by: Option<String>,
    pub approved_on: Option<Day>,
    pub finalized_by: Option<String>,
    pub finalized_on: Option<Day>,
    /// The day on which a crew got it; of one from before this was kept, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_on: Option<Day>,
    pub done_on: Option<Day>,
    /// Local time of the crew's act, `HH:MM`.
    pub done_at: Option<String>,
    pub crew: Option<String>,
    pub note: String,
    /// What the crew is told beyond the kind of order. A crew that has done it says in the note how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// Why it was canceled, refused at finalization, or is to be recalled.
    pub cause: Option<String>,
}

/// Why finalization refuses one order or the whole list. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum FinalizeRefusal {
    #[error(
        "payments of {channel} are loaded through {through}, and a shut-off on {for_day} needs them through the day before: import them, or sign that there were none"
    )]
    ChannelNotLoaded { channel: String, through: String, for_day: Day },
    #[error("the order is {state}, and only an approved one is finalized")]
    NotApproved { state: OrderState },
    #[error("the order is for {for_day}, not for today")]
    WrongDay { for_day: Day },
    #[error("a protection stands: {0}")]
    Protected(String),
    #[error(
        "a payment of {amount} received {received_on} matches no account and may be this one's: match it or reject the match"
    )]
    UnmatchedPayment { amount: Cents, received_on: Day },
    /// The order stays approved.
    #[error("something was learned of the account while the list was checked: finalize again")]
    Overtaken,
}

//! The call list: one line a call to make, its rank, and what came of it.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::case::StageRef;
use super::day::Day;
use super::ids::{AccountId, CallId};
use super::money::Cents;

words! {
    /// What came of a call.
    CallOutcome {
        Reached = "reached",
        Promise = "promise",
        Paid = "paid",
        Arrangement = "arrangement",
        Dispute = "dispute",
        Hardship = "hardship",
        Refused = "refused",
        LeftMessage = "left_message",
        NoAnswer = "no_answer",
        WrongNumber = "wrong_number",
        LanguageLine = "language_line",
        OptOut = "opt_out",
    }
}

impl CallOutcome {
    /// A conversation with the customer or an adult of the household. A voicemail is only an attempt, and so is a call
    /// in which somebody asked not to be called: nothing of the debt was spoken of.
    #[must_use]
    pub const fn is_contact(self) -> bool {
        match self {
            Self::Reached
            | Self::Promise
            | Self::Paid
            | Self::Arrangement
            | Self::Dispute
            | Self::Hardship
            | Self::Refused => true,
            Self::LeftMessage | Self::NoAnswer | Self::WrongNumber | Self::LanguageLine | Self::OptOut => false,
        }
    }
}

words! {
    /// Where a call stands.
    CallState {
        /// Wanted by a policy or a follow-up, from a day on.
        Waiting = "waiting",
        /// On a day's list that the lead has not released.
        Listed = "listed",
        Released = "released",
        Done = "done",
        Dropped = "dropped",
        Canceled = "canceled",
    }
}

/// A part of a call's score, as shown beside it: `amount 18.0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorePart {
    pub name: String,
    /// Thousandths of a point, so that ranks never depend on rounding.
    pub milli: i64,
}

/// One call to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub id: CallId,
    pub account: AccountId,
    pub act_key: String,
    pub of: Option<StageRef>,
    pub script: String,
    pub required: bool,
    pub attempts_wanted: u8,
    pub attempts_made: u8,
    pub state: CallState,
    /// The first day on which it may be listed.
    pub not_before: Day,
    /// The day of the list on which it stands.
    pub listed_on: Option<Day>,
    /// From 1 on that list.
    pub rank: Option<u32>,
    pub score_milli: i64,
    pub score: Vec<ScorePart>,
    pub assigned_to: Option<String>,
    pub amount: Cents,
    pub days_past_due: i64,
    /// Why it was dropped or canceled, or withheld when its list was released.
    pub cause: Option<String>,
}

/// One attempt, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAttempt {
    pub call: CallId,
    pub account: AccountId,
    pub made_on: Day,
    /// Local time of day, `HH:MM`.
    pub at: String,
    pub by: String,
    pub outcome: CallOutcome,
    pub phone: String,
    pub note: String,
}

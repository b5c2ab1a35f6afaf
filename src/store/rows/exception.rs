//! What stands on the exceptions list, and why.

use serde::{Deserialize, Serialize};

use crate::domain::account::words;
use crate::domain::{AccountId, Day};

words! {
    /// Why something stands on the exceptions list.
    ExceptionKind {
        /// The balance differs from the billing system's. Freezes the account.
        BalanceDiffers = "balance_differs",
        /// The audit refused a decision. Freezes the account.
        AuditRefused = "audit_refused",
        FileRefused = "file_refused",
        /// A file of the inbox cannot be read or moved; it is tried again.
        FileStuck = "file_stuck",
        /// A file brought rows that are dated ahead.
        DatedAhead = "dated_ahead",
        /// A payment that a person had rejected came again for a known account, and is on its ledger.
        RejectedPayment = "rejected_payment",
        ReturnedMail = "returned_mail",
        /// A letter in a print batch was canceled or voided before it was mailed.
        PullLetter = "pull_letter",
        EmailBounced = "email_bounced",
        WorkFailed = "work_failed",
        /// The mail server takes no email; it is tried again.
        MailDown = "mail_down",
        /// Notices wait for a translation that the city has not signed.
        WordingUnsigned = "wording_unsigned",
        PolicyGap = "policy_gap",
        /// Money came after the crew was sent.
        RecallCrew = "recall_crew",
        NoResult = "no_result",
        Incident = "incident",
    }
}

impl ExceptionKind {
    /// Whether adverse acts are barred for the account until a person clears it.
    #[must_use]
    pub const fn freezes(self) -> bool {
        match self {
            Self::BalanceDiffers | Self::AuditRefused => true,
            Self::FileRefused
            | Self::FileStuck
            | Self::DatedAhead
            | Self::RejectedPayment
            | Self::ReturnedMail
            | Self::PullLetter
            | Self::EmailBounced
            | Self::WorkFailed
            | Self::MailDown
            | Self::WordingUnsigned
            | Self::PolicyGap
            | Self::RecallCrew
            | Self::NoResult
            | Self::Incident => false,
        }
    }
}

/// A line of the exceptions list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    pub id: i64,
    pub account: Option<AccountId>,
    pub kind: ExceptionKind,
    pub text: String,
    pub opened_on: Day,
    pub cleared_by: Option<String>,
    pub cleared_on: Option<Day>,
}

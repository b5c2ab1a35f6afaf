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
        /// A file reversed a bill that an arrangement covers, and none came in its place. Freezes the account.
        ArrangedBillReversed = "arranged_bill_reversed",
        /// A write-off has nothing to write off any more: its debt was paid after all, or taken back. Freezes the account.
        WriteOffLeftOver = "write_off_left_over",
        /// Money lies on an account from which a debt was transferred. Freezes the account that has the debt now.
        MoneyLeftBehind = "money_left_behind",
        /// A file gives an account that owes to another customer. Freezes the account.
        CustomerChanged = "customer_changed",
        /// The billing system gave a deposit back that was applied here. Freezes the account.
        DepositGivenBack = "deposit_given_back",
        /// A correction came after a petition, and nothing says what time it is of: it is stayed until a person says.
        CorrectionStayed = "correction_stayed",
        /// Something is left of a deposit, and debts were written off before it was applied.
        WrittenOffBefore = "written_off_before",
        /// Money came for a debt that was written off, or while one is.
        PaidAfterWriteOff = "paid_after_write_off",
        /// An arrangement goes on with a bill of another amount than the one that it was made on.
        RebilledDiffers = "rebilled_differs",
        /// A night is not like others, and waits for the lead: nothing leaves the building.
        NightHeld = "night_held",
        FileRefused = "file_refused",
        /// A file of the inbox cannot be read or moved; it is tried again.
        FileStuck = "file_stuck",
        /// A file brought rows that are dated ahead.
        DatedAhead = "dated_ahead",
        /// A file was taken, and rows of it are to be looked at.
        FileDoubtful = "file_doubtful",
        /// A payment that a person had rejected came again for a known account, and is on its ledger.
        RejectedPayment = "rejected_payment",
        ReturnedMail = "returned_mail",
        /// A letter in a print batch was canceled or voided before it was mailed.
        PullLetter = "pull_letter",
        EmailBounced = "email_bounced",
        /// A file of `bounces/` is no report on an email that was sent from here.
        BounceUnmatched = "bounce_unmatched",
        WorkFailed = "work_failed",
        /// The mail server takes no email; it is tried again.
        MailDown = "mail_down",
        /// Notices wait for a translation that the city has not signed.
        WordingUnsigned = "wording_unsigned",
        PolicyGap = "policy_gap",
        /// A petition in bankruptcy was learned late: what was done since is to be undone.
        PetitionLate = "petition_late",
        /// A debt that is out has to be called back.
        RecallReferral = "recall_referral",
        /// A debt came back, and the policy has no stage for it.
        DebtReturned = "debt_returned",
        LimitationNear = "limitation_near",
        LimitationPassed = "limitation_passed",
        /// Money came after the crew was sent.
        RecallCrew = "recall_crew",
        NoResult = "no_result",
        /// A customer who owes something seems to have come back under another account.
        ReturningDebtor = "returning_debtor",
        /// A household asks for the protection of the law: the lead examines what it shows.
        ProtectionAsked = "protection_asked",
        /// Who was shut off was not told how to have service restored.
        RestorationUntold = "restoration_untold",
        Incident = "incident",
        /// The database was restored from a backup: nothing goes out until a person releases it.
        Restored = "restored",
    }
}

impl ExceptionKind {
    /// Whether whoever clears it says why: money that was in doubt is held to be right, or somebody was told by word of mouth.
    #[must_use]
    pub const fn asks_for_reason(self) -> bool {
        matches!(
            self,
            Self::BalanceDiffers
                | Self::ArrangedBillReversed
                | Self::WriteOffLeftOver
                | Self::CustomerChanged
                | Self::DepositGivenBack
                | Self::CorrectionStayed
                | Self::WrittenOffBefore
                | Self::PaidAfterWriteOff
                | Self::MoneyLeftBehind
                | Self::RestorationUntold
        )
    }

    /// Whether adverse acts are barred for the account until a person clears it.
    #[must_use]
    pub const fn freezes(self) -> bool {
        match self {
            Self::BalanceDiffers
            | Self::AuditRefused
            | Self::ArrangedBillReversed
            | Self::WriteOffLeftOver
            | Self::CustomerChanged
            | Self::DepositGivenBack
            | Self::MoneyLeftBehind => true,
            Self::RebilledDiffers
            | Self::CorrectionStayed
            | Self::WrittenOffBefore
            | Self::PaidAfterWriteOff
            | Self::NightHeld
            | Self::FileRefused
            | Self::FileStuck
            | Self::DatedAhead
            | Self::FileDoubtful
            | Self::RejectedPayment
            | Self::ReturnedMail
            | Self::PullLetter
            | Self::EmailBounced
            | Self::BounceUnmatched
            | Self::WorkFailed
            | Self::MailDown
            | Self::WordingUnsigned
            | Self::PolicyGap
            | Self::PetitionLate
            | Self::RecallReferral
            | Self::DebtReturned
            | Self::LimitationNear
            | Self::LimitationPassed
            | Self::RecallCrew
            | Self::NoResult
            | Self::ReturningDebtor
            | Self::ProtectionAsked
            | Self::RestorationUntold
            | Self::Incident
            | Self::Restored => false,
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

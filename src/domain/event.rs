//! Events: things that happened to an account besides money, each on a day.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::case::StageRef;
use super::day::Day;

words! {
    /// What happened. Policies anchor waits on these.
    EventKind {
        NoticeReleased = "notice released",
        /// Marked mailed, with a date and proof.
        NoticeMailed = "notice mailed",
        /// The legal date from which later stages count; follows mailing, posting or conversation.
        NoticeServed = "notice served",
        /// The piece came back; its service is void.
        NoticeReturned = "notice returned",
        NoticeVoided = "notice voided",
        /// Left at the premises by a crew.
        NoticePosted = "notice posted",
        EmailBounced = "email bounced",
        /// A conversation with the customer or an adult of the household.
        ContactMade = "contact made",
        /// The attempts that were asked for ended without a conversation.
        ContactFailed = "contact failed",
        /// A voicemail, no answer or wrong number.
        CallAttempted = "call attempted",
        /// A call that the policy requires could not be made: the contact became a visit, or a task for the lead.
        CallImpossible = "call impossible",
        PaymentReturned = "payment returned",
        PaymentRedeemed = "payment redeemed",
        InstallmentMissed = "installment missed",
        PromiseBroken = "promise broken",
        ShutOff = "shut off",
        /// A crew did a shut-off that had been canceled. No stage rests on it, and the service is restored at once.
        ShutOffWithoutLeave = "cut without leave",
        Restored = "restored",
        /// A field order was canceled or lapsed.
        OrderCanceled = "order canceled",
        Placed = "placed",
        Recalled = "recalled",
        /// The destination of a referral gave the debt back.
        DebtReturned = "debt returned",
        /// A candidate for legal action was withdrawn: the route sends the debt elsewhere now.
        Rerouted = "referral rerouted",
        /// After a death, or after a file had named another customer, a person has said that the account goes on.
        CustomerFollows = "customer follows",
        /// A person did a stage by hand, skipped it or postponed it, with a reason.
        Overridden = "overridden",
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub kind: EventKind,
    pub on: Day,
    /// The stage and round that it belongs to, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<StageRef>,
}

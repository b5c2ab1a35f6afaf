//! Actions: the closed list of what a policy can order.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::{Service, words};
use super::hold::HoldKind;
use super::ids::{DepositId, ItemId, NoticeName};
use super::money::Cents;
use super::person::Role;
use super::referral::Destination;

words! {
    /// A way by which a notice reaches people.
    Channel {
        Mail = "mail",
        Email = "email",
        /// A conversation; it stands on the call list.
        Phone = "phone",
        /// A tag or notice left at the premises by a crew.
        Posting = "posting",
        /// Handed over in person.
        Hand = "hand",
    }
}

words! {
    /// To whom a notice goes.
    Recipient {
        Customer = "customer",
        /// "Occupant" at the service address.
        Occupant = "occupant",
        Owner = "owner",
        ThirdParty = "third_party",
    }
}

/// What a stage does. Adding a kind: a variant, its YAML form in `rulebook`, a file in `decide/actions`, a file in
/// `worker/execute`, a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Notice(NoticeAction),
    Call(CallAction),
    /// A visit that the policy orders; or a call that cannot be made and is required or may be a visit: a crew visits where
    /// the policy says `or: visit`; else the lead is told.
    Visit(CallAction),
    /// A ledger entry, posted with the decision.
    Fee(FeeAction),
    /// Takes back a fee that had no ground on its day. No policy orders it.
    ReverseFee {
        fee: ItemId,
        /// What the ledger calls the fee.
        name: String,
    },
    /// Credits a deposit to what is owed after service has ended. No policy orders it.
    ApplyDeposit(DepositAction),
    /// A tag or door hanger left by a crew.
    Tag(TagAction),
    /// Shut off, one order a service.
    Disconnect {
        services: Vec<Service>,
        limit_only: bool,
    },
    /// Turn on again.
    Restore {
        services: Vec<Service>,
        without_fee: bool,
    },
    /// Something for a person to do.
    Task {
        text: String,
        role: Role,
    },
    /// Place a hold.
    Hold {
        kind: HoldKind,
        days: Option<u16>,
    },
    /// Mark the account (`cash_only`).
    Flag {
        name: String,
    },
    /// Make it a candidate for legal action.
    Refer {
        to: Destination,
    },
    /// Make it a candidate for legal action where the route named sends it. Decided, it is a `Refer`, or a `NoRoute`.
    Route {
        route: String,
    },
    /// No line of its route covers the debt: the lead is told. No policy orders it.
    NoRoute {
        route: String,
        text: String,
    },
    /// Freeze an amount under a name, for later stages.
    Freeze {
        name: String,
    },
    WriteOff,
}

/// A notice: one wording, its channels and copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeAction {
    pub template: NoticeName,
    /// In order of preference; each that can be served is used, and mail stands in for email that cannot be.
    pub by: Vec<Channel>,
    /// A notice that the law requires: never by email alone.
    pub statutory: bool,
    /// To whom, the customer first.
    pub to: Vec<Recipient>,
    /// Calendar days after mailing on which it counts as served.
    pub deemed_days: u16,
}

/// Attempts to reach the customer by telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAction {
    /// What is to be said: the script's name.
    pub script: String,
    /// By telephone; none where the policy orders a visit.
    pub attempts: u8,
    /// Required by law: it stands outside the call list's ranking and capacity.
    pub required: bool,
    /// The attempt may be a visit instead.
    pub or_visit: bool,
}

impl CallAction {
    /// A visit that the policy orders, whether anybody can be telephoned or not.
    #[must_use]
    pub const fn visit(script: String) -> Self {
        Self { script, attempts: 0, required: true, or_visit: true }
    }

    /// Whether it stands in for a call that could not be made, where it became a visit.
    #[must_use]
    pub const fn replaces_call(&self) -> bool {
        self.attempts > 0
    }
}

/// A tag left at the premises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagAction {
    pub template: NoticeName,
    pub statutory: bool,
    /// For the tenants of a landlord's account: one on the door of every dwelling.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_tenants: bool,
    /// How many doors, where it is known. The decision fills it in; a policy does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doors: Option<u16>,
}

words! {
    /// When a service is turned on again, as far as its fee is limited by that.
    Reconnection {
        InHours = "in_hours",
        AfterHours = "after_hours",
    }
}

/// What a household with a low income pays at most to have a service turned on again, as of a year (Health and Safety Code
/// 116914(a)(1)). A city raises the amounts with the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectionLimits {
    pub in_hours: Cents,
    pub after_hours: Cents,
    /// The year of the amounts.
    pub of: u16,
}

impl ReconnectionLimits {
    /// The limit at that time of the day.
    #[must_use]
    pub const fn at(self, when: Reconnection) -> Cents {
        match when {
            Reconnection::InHours => self.in_hours,
            Reconnection::AfterHours => self.after_hours,
        }
    }
}

words! {
    /// What a notice has to say, by name. A wording marks the place where it says it: `{# states: extension #}`.
    Statement {
        CustomerAndAddress = "customer_and_address",
        AmountDue = "amount_due",
        PayBy = "pay_by",
        Extension = "extension",
        ReviewAndAppeal = "review_and_appeal",
        PaymentSchedule = "payment_schedule",
    }
}

/// A deposit becomes a credit, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositAction {
    pub deposit: DepositId,
    /// The charge whose bill it pays first; none where it pays in the usual order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ItemId>,
    /// What is the customer's after it: a person gives it back.
    #[serde(default)]
    pub refund: Cents,
    /// To whom: name and mailing address.
    pub payee: String,
}

/// A fee and how it is computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeAction {
    /// What the ledger calls it.
    pub name: String,
    pub amount: FeeAmount,
    /// Days from posting to due.
    pub due_days: u16,
    /// It is for turning a service on again, which the law limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnects: Option<Reconnection>,
    /// What it costs the city in fact, where that is known and limits the fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cents>,
}

/// The amount of a fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeAmount {
    Flat(Cents),
    Percent(Decimal, FeeBase),
    GreaterOf(Vec<FeeAmount>),
    LesserOf(Vec<FeeAmount>),
}

words! {
    /// What a percentage is taken of.
    FeeBase {
        /// Past-due charges without fees and interest.
        UnpaidCharges = "unpaid charges",
        /// All that is past due.
        PastDue = "past due",
        /// The whole balance.
        Balance = "balance",
    }
}

impl Action {
    /// The action's word, as policies and lists show it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Notice(_) => "notice",
            Self::Call(_) => "call",
            Self::Visit(_) => "visit",
            Self::Fee(_) => "fee",
            Self::ReverseFee { .. } => "reverse_fee",
            Self::ApplyDeposit(_) => "apply_deposit",
            Self::Tag(_) => "tag",
            Self::Disconnect { limit_only: false, .. } => "disconnect",
            Self::Disconnect { limit_only: true, .. } => "limit",
            Self::Restore { .. } => "restore",
            Self::Task { .. } => "task",
            Self::Hold { .. } => "hold",
            Self::Flag { .. } => "flag",
            Self::Refer { .. } | Self::Route { .. } => "refer",
            Self::NoRoute { .. } => "no_route",
            Self::Freeze { .. } => "freeze",
            Self::WriteOff => "write_off",
        }
    }

    /// What a hold must leave free for the action to happen.
    #[must_use]
    pub fn struck_by(&self) -> BTreeSet<super::hold::Blocks> {
        use super::hold::Blocks;
        match self {
            Self::Notice(_) | Self::Tag(_) => BTreeSet::from([Blocks::Notices]),
            Self::Call(_) | Self::Visit(_) => BTreeSet::from([Blocks::Calls]),
            Self::Fee(_) => BTreeSet::from([Blocks::Fees]),
            Self::Disconnect { .. } => BTreeSet::from([Blocks::Disconnect]),
            Self::Refer { .. } | Self::Route { .. } | Self::WriteOff => BTreeSet::from([Blocks::Referral]),
            Self::ReverseFee { .. }
            | Self::ApplyDeposit(_)
            | Self::Restore { .. }
            | Self::Task { .. }
            | Self::Hold { .. }
            | Self::Flag { .. }
            | Self::NoRoute { .. }
            | Self::Freeze { .. } => BTreeSet::new(),
        }
    }
}

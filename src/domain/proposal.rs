//! Proposals: money that a person would give away, or a limit that they would override, and that another has to approve.
//!
//! Nobody approves their own. What a proposal would post or agree is fixed when it is made; where the ledger has moved on by the
//! time it is decided, it is refused and proposed anew.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::{Service, words};
use super::arrangement::{Installment, PlanRequest};
use super::day::Day;
use super::ids::{AccountId, AccountNumber, EntryId, ItemId, ProposalId};
use super::ledger::OpenItem;
use super::money::Cents;
use super::transfer::MovedDebt;

words! {
    /// What is proposed.
    ProposalKind {
        /// A fee that Arrears posted is undone whole.
        Waiver = "waiver",
        /// A correction of what is owed, in either direction.
        Adjustment = "adjustment",
        /// Debts that the city no longer expects to be paid. They stay known, and come to light when the customer returns.
        WriteOff = "write_off",
        /// Debts of an account that has ended go to another account of the same customer.
        Transfer = "transfer",
        /// What was written off is owed again, from its own due dates.
        Reinstatement = "reinstatement",
        /// An arrangement against limits of the policy.
        Arrangement = "arrangement",
    }
}

words! {
    /// How far a proposal has come.
    ProposalState {
        Proposed = "proposed",
        /// Posted, or made.
        Approved = "approved",
        Declined = "declined",
    }
}

/// What would be posted or agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposed {
    Waiver {
        fee: EntryId,
        /// The law gives it to a household with a low income, once in 12 months (Health and Safety Code 116914(a)(2)).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_law: bool,
    },
    /// A signed change of the balance on a service: below zero in the customer's favor.
    Adjustment {
        service: Service,
        change: Cents,
        /// The debt that a credit pays first: that of a dispute.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<ItemId>,
    },
    /// The open amounts of these debts.
    WriteOff { debts: Vec<WrittenOff> },
    /// These debts go to another account; the facts are those that were known then.
    Transfer {
        to: AccountId,
        /// Its number.
        number: AccountNumber,
        debts: Vec<MovedDebt>,
        facts: Vec<String>,
    },
    /// These write-offs are taken back.
    Reinstatement {
        write_offs: Vec<EntryId>,
        facts: Vec<String>,
        /// Where only what is left over of them falls away: how much of each. The rest is posted anew by the same approval, as of
        /// the write-off's own day, so that nothing is owed by it that was not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_over: Vec<LeftOver>,
        /// Where only a part of them is owed again: how much of each. The rest is posted anew in the same way.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        partly: Vec<LeftOver>,
    },
    /// This arrangement is made though limits of the policy stand against it; the terms are those that were looked at then.
    Arrangement {
        request: PlanRequest,
        covers: BTreeSet<ItemId>,
        installments: Vec<Installment>,
        /// The limits, in a sentence each.
        limits: Vec<String>,
    },
}

/// One debt of a write-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenOff {
    pub item: ItemId,
    pub service: Service,
    pub open: Cents,
}

/// What is left over of one write-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOver {
    pub write_off: EntryId,
    pub left: Cents,
}

impl Proposed {
    /// Whether both would do the same: one of them is enough.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        if let (Self::Waiver { fee, .. }, Self::Waiver { fee: same, .. }) = (self, other) {
            return fee == same;
        }
        self == other
    }

    #[must_use]
    pub const fn kind(&self) -> ProposalKind {
        match self {
            Self::Waiver { .. } => ProposalKind::Waiver,
            Self::Adjustment { .. } => ProposalKind::Adjustment,
            Self::WriteOff { .. } => ProposalKind::WriteOff,
            Self::Transfer { .. } => ProposalKind::Transfer,
            Self::Reinstatement { .. } => ProposalKind::Reinstatement,
            Self::Arrangement { .. } => ProposalKind::Arrangement,
        }
    }
}

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    pub id: ProposalId,
    pub account: AccountId,
    pub what: Proposed,
    /// Its size, never below zero: the tiers of approval go by it.
    pub amount: Cents,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_on: Day,
    pub state: ProposalState,
    pub decided_by: Option<String>,
    pub decided_on: Option<Day>,
    /// Why it was declined.
    pub note: Option<String>,
    /// The act by which the policy proposes it; none where a person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_key: Option<String>,
}

impl Proposal {
    /// Its size as people are shown it: an adjustment with its sign, below zero in the customer's favor.
    #[must_use]
    pub const fn shown_amount(&self) -> Cents {
        match self.what {
            Proposed::Adjustment { change, .. } => change,
            Proposed::Waiver { .. }
            | Proposed::WriteOff { .. }
            | Proposed::Transfer { .. }
            | Proposed::Reinstatement { .. }
            | Proposed::Arrangement { .. } => self.amount,
        }
    }

    /// The reason, and behind it the facts that were known when it was made, or the limits that stand against it.
    #[must_use]
    pub fn reason_with_facts(&self) -> String {
        let facts = match &self.what {
            Proposed::Waiver { .. } | Proposed::Adjustment { .. } | Proposed::WriteOff { .. } => &[][..],
            Proposed::Transfer { facts, .. } | Proposed::Reinstatement { facts, .. } => facts,
            Proposed::Arrangement { limits, .. } => limits,
        };
        [std::slice::from_ref(&self.reason), facts].concat().join("; ")
    }

    /// The accounts that it touches besides its own.
    #[must_use]
    pub const fn other_account(&self) -> Option<AccountId> {
        match &self.what {
            Proposed::Transfer { to, .. } => Some(*to),
            Proposed::Waiver { .. }
            | Proposed::Adjustment { .. }
            | Proposed::WriteOff { .. }
            | Proposed::Reinstatement { .. }
            | Proposed::Arrangement { .. } => None,
        }
    }
}

/// The debts that a write-off of everything past due on `day` would take, oldest first.
#[must_use]
pub fn to_write_off(items: &[OpenItem], day: Day) -> Vec<WrittenOff> {
    items
        .iter()
        .filter(|item| item.due_on < day && item.open > Cents::ZERO)
        .map(|item| WrittenOff { item: item.id, service: item.service, open: item.open })
        .collect()
}

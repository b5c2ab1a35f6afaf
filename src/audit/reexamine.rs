//! The second look, at the moment of execution: what was decided and released may have been overtaken.
//!
//! A payment that was loaded a second ago wins, and so does a hold, a promise or an arrangement.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::acts::goes_to_estate;
use super::breach::{Broken, Objection};
use super::disconnection::Disconnection;
use super::protection::Bench;
use super::refusal::refusal;
use super::truth::{Reader, Truth};
use crate::domain::case::{Cause, StageRef};
use crate::domain::day::short;
use crate::domain::hold::{Blocks, Hold, HoldKind};
use crate::domain::notice::Notice;
use crate::domain::referral::Destination;
use crate::domain::{
    AccountId, Action, ArrangementId, Cents, Day, DisputeId, ItemId, OpenItem, Service, Snapshot, World,
};
use crate::rulebook::Policy;
use crate::rulebook::policy::Origin;

/// What is about to be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub account: AccountId,
    pub ordered: Ordered,
    /// The stage that ordered it.
    pub of: StageRef,
    /// The service that it strikes, where it strikes one.
    pub service: Option<Service>,
    /// The items that it rests on or lists; empty when it rests on the whole account.
    pub items: BTreeSet<ItemId>,
    /// What it states or rests on.
    pub amount: Cents,
    /// The day for which it is meant. A shut-off happens on no other.
    pub for_day: Day,
}

/// What kind of act is pending.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordered {
    /// A piece is about to be rendered, batched or sent.
    Notice,
    /// The letter that confirms an arrangement is about to be batched or sent.
    Agreement(ArrangementId),
    /// The letter that tells the ruling on a dispute is about to be released, batched or sent.
    Ruling(DisputeId),
    /// A crew is about to leave a tag.
    Tag,
    Call,
    /// A shut-off or flow limit is about to be finalized or dispatched.
    ShutOff,
    Referral(Destination),
    WriteOff,
    /// Turning on again: nothing stands against it.
    Restore,
}

impl Ordered {
    /// What a notice's piece is.
    #[must_use]
    pub fn of_piece(notice: &Notice) -> Self {
        match (&notice.facts.ruled, notice.arrangement) {
            (Some(ruled), _) => Self::Ruling(ruled.dispute),
            (None, Some(arrangement)) => Self::Agreement(arrangement),
            (None, None) => Self::Notice,
        }
    }

    pub(super) fn struck_by(self) -> BTreeSet<Blocks> {
        match self {
            Self::Notice | Self::Agreement(_) | Self::Ruling(_) | Self::Tag => BTreeSet::from([Blocks::Notices]),
            Self::Call => BTreeSet::from([Blocks::Calls]),
            Self::ShutOff => BTreeSet::from([Blocks::Disconnect]),
            Self::Referral(_) | Self::WriteOff => BTreeSet::from([Blocks::Referral]),
            Self::Restore => BTreeSet::new(),
        }
    }
}

/// Leave to carry out one pending act now. Only [`reexamine`] makes one; the store carries nothing out without it, and
/// only while the account's facts are those that it rests on.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    pending: Pending,
    facts_seq: i64,
    on: Day,
}

impl Permit {
    /// What may be carried out.
    #[must_use]
    pub const fn pending(&self) -> &Pending {
        &self.pending
    }

    /// The facts on which the leave rests: where they have moved on, ask again.
    #[must_use]
    pub const fn facts_seq(&self) -> i64 {
        self.facts_seq
    }

    /// The business date on which it was given, and the only one on which it holds.
    #[must_use]
    pub const fn on(&self) -> Day {
        self.on
    }

    /// For tests of the store with leave made up by hand. The program itself never calls it, which a test holds.
    #[must_use]
    pub const fn unexamined(pending: Pending, facts_seq: i64, on: Day) -> Self {
        Self { pending, facts_seq, on }
    }
}

/// Why a pending act is not carried out now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("it belongs to account {pending}, not to this one")]
    OtherAccount { pending: AccountId },
    #[error("the case it belongs to is closed")]
    CaseClosed,
    #[error("its stage was canceled: {0}")]
    StageCanceled(Cause),
    #[error("its stage is over: {how}")]
    StageOver { how: String },
    #[error("the debt it rests on was paid")]
    Paid,
    #[error("it states {stated}, and {open} is open now: make it anew")]
    AmountChanged { stated: Cents, open: Cents },
    #[error("the condition of its stage no longer holds")]
    ConditionGone,
    #[error("it says how service is restored, and none is off that money turns on again")]
    OnAgain,
    #[error("it is for {}, and today is {}", short(*.for_day), short(*.today))]
    WrongDay { for_day: Day, today: Day },
    #[error("a {0} hold stands")]
    Protected(HoldKind),
    #[error("{0}")]
    Appealable(String),
    #[error("a promise to pay {amount} is open through {}", short(*.through))]
    Promise { amount: Cents, through: Day },
    #[error("the arrangement of {} is performing", short(*.made_on))]
    Arrangement { made_on: Day },
    #[error("the arrangement that it confirms was canceled")]
    ArrangementCanceled,
    #[error("the ruling that it tells does not stand: dispute {0} was appealed, or its ruling withdrawn")]
    RulingGone(DisputeId),
    #[error("{0}")]
    ClosedDay(String),
    #[error("moratorium: {name}, through {}", short(*.through))]
    Moratorium { name: String, through: Day },
    #[error("the account is frozen until a person clears it: {0}")]
    Frozen(String),
    #[error("{broken}{}", super::breach::origin_phrase(.origin.as_deref()))]
    GuardNotMet { broken: Broken, origin: Option<Box<Origin>> },
    /// The store says so, of leave whose facts had moved on when it was to be used.
    #[error("something was learned of the account in between: look again")]
    Overtaken,
}

/// What follows from a refusal.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Cancel the act; the next decision makes another where one is due.
    Cancel,
    /// Leave it pending: it may be carried out when what stands against it ends.
    Wait,
    /// Show it to the lead.
    Person,
}

impl Refusal {
    /// What to do with the pending act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::CaseClosed
            | Self::StageCanceled(_)
            | Self::StageOver { .. }
            | Self::Paid
            | Self::AmountChanged { .. }
            | Self::ArrangementCanceled
            | Self::RulingGone(_)
            | Self::OnAgain
            | Self::ConditionGone => Remedy::Cancel,
            Self::WrongDay { for_day, today } if for_day < today => Remedy::Cancel,
            Self::WrongDay { .. }
            | Self::Protected(_)
            | Self::Appealable(_)
            | Self::Promise { .. }
            | Self::Arrangement { .. }
            | Self::ClosedDay(_)
            | Self::Moratorium { .. }
            | Self::Overtaken => Remedy::Wait,
            Self::OtherAccount { .. } | Self::Frozen(_) | Self::GuardNotMet { .. } => Remedy::Person,
        }
    }
}

/// Leave to carry out `pending` now, or why not.
/// `snapshot` is read afresh, and the transaction that carries the act out compares its `facts_seq`; `policy` is the
/// case's, with the packs in force today; `world` is today's.
///
/// # Errors
/// The first [`Refusal`]; its [`Refusal::remedy`] says what to do with the act.
pub fn reexamine(snapshot: &Snapshot, policy: &Policy, world: &World, pending: &Pending) -> Result<Permit, Refusal> {
    let bench = Bench { snapshot, policy, world };
    if pending.account != snapshot.account {
        return Err(Refusal::OtherAccount { pending: pending.account });
    }
    if let Ordered::Agreement(arrangement) = pending.ordered {
        bench.stands(arrangement)?;
        bench.may_happen(pending).map_err(|objection| refusal(policy, objection))?;
    } else if let Ordered::Ruling(dispute) = pending.ordered {
        bench.may_be_told(dispute, pending)?;
    } else if pending.ordered == Ordered::Restore {
        let services: Vec<Service> = pending.service.into_iter().collect();
        bench.is_still_served(&services).map_err(|objection| refusal(policy, objection))?;
    } else {
        if pending.ordered == Ordered::Notice {
            bench.is_off_still(&pending.of).map_err(|objection| refusal(policy, objection))?;
        }
        bench.is_still_wanted(pending)?;
        bench.may_happen(pending).map_err(|objection| refusal(policy, objection))?;
    }
    Ok(Permit { pending: pending.clone(), facts_seq: snapshot.facts_seq, on: world.today })
}

impl Bench<'_> {
    /// Whether what it rests on is owed, and nobody may be asked for it now: contested, or stayed by a petition.
    pub(super) fn is_withdrawn(self, pending: &Pending) -> Option<HoldKind> {
        let contested = self.contested(self.world.today);
        let names = |item: &&OpenItem| pending.items.is_empty() || pending.items.contains(&item.id);
        if self.snapshot.stayed.iter().any(|item| names(&item)) {
            return Some(HoldKind::Bankruptcy);
        }
        let mut items = self.snapshot.items.iter().filter(names);
        items.any(|item| contested.contains(&item.id)).then_some(HoldKind::Dispute)
    }

    /// The stage's letter goes to an estate, and announces nothing.
    fn is_free_for_estate(self, pending: &Pending, hold: &Hold) -> bool {
        let (Ordered::Notice, Some((_, stage))) = (pending.ordered, self.stage(&pending.of)) else { return false };
        let statutory = |act: &Action| matches!(act, Action::Notice(notice) if notice.statutory);
        goes_to_estate(hold) && !stage.acts.iter().any(statutory)
    }

    /// Nothing protects the account from it today.
    fn may_happen(self, pending: &Pending) -> super::breach::Checked {
        self.is_not_frozen()?;
        let today = self.world.today;
        if let Ordered::Agreement(id) = pending.ordered {
            self.is_not_on_stayed(id, today)?;
            return self.is_free(&pending.ordered.struck_by(), &[], None, today);
        }
        self.no_deposit_waits(today)?;
        if pending.ordered != Ordered::Restore {
            self.service_goes_on(&pending.of, today)?;
            self.something_is_on(&pending.of)?;
        }
        self.is_not_before_announced(&pending.of, today)?;
        let struck = pending.ordered.struck_by();
        if !struck.is_empty() {
            self.is_not_out(&struck, &pending.items, today)?;
        }
        let items = (!pending.items.is_empty()).then_some(&pending.items);
        let services: Vec<Service> = pending.service.into_iter().collect();
        // After a part payment the rest is at stake, as long as the stage's own condition still holds.
        let amount = Some(pending.amount.min(self.open_of(pending)));
        match pending.ordered {
            Ordered::Restore | Ordered::Agreement(_) | Ordered::Ruling(_) => Ok(()),
            Ordered::Notice | Ordered::Tag | Ordered::Call => {
                // Whoever has promised is let be until the promise's day, even where the policy would have called before.
                if pending.ordered == Ordered::Call {
                    self.is_not_promised(today)?;
                }
                self.is_meant_for_the_customer(&pending.of)?;
                self.is_not_arranged(&pending.of, today)?;
                self.may_all_be_asked_for(&pending.items, today)?;
                if pending.ordered != Ordered::Call {
                    self.may_be_announced(&pending.of, &pending.items, None)?;
                }
                self.is_free_but(&pending.ordered.struck_by(), &services, items, today, |hold| {
                    self.is_free_for_estate(pending, hold)
                })
            }
            Ordered::Referral(to) => {
                self.may_refer(Some(to), &pending.items, amount, today)?;
                self.goes_where_routed(&pending.of, to, &pending.items, today)?;
                self.condition_holds(pending)
            }
            Ordered::WriteOff => {
                self.may_refer(None, &pending.items, amount, today)?;
                self.came_back_before(&pending.of, &pending.items)?;
                self.condition_holds(pending)
            }
            Ordered::ShutOff => {
                self.may_disconnect(&Disconnection {
                    of: &pending.of,
                    services: &services,
                    items: &pending.items,
                    amount,
                    for_day: today,
                })?;
                self.condition_holds(pending)
            }
        }
    }

    fn condition_holds(self, pending: &Pending) -> super::breach::Checked {
        let Some((track, stage)) = self.stage(&pending.of) else {
            return Err(super::disconnection::unknown_stage(&pending.of));
        };
        let (today, contested) = (self.world.today, self.not_asked_by(pending));
        let without_transferred = pending.ordered == Ordered::ShutOff && !self.policy.cuts_for_transferred();
        let reader = Reader { counts: &track.counts, without_transferred, contested, ..self.reader(today) };
        match reader.truth(&stage.only_if) {
            Truth::Yes => Ok(()),
            Truth::No => Err(Objection::of_rule(stage.rule, Broken::ConditionGone)),
            Truth::Unknown(what) => Err(Objection::of_rule(stage.rule, Broken::BarUnknown(what))),
        }
    }
}

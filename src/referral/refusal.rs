//! Why a packet is not made. Each refusal says what is wrong, where, and what to do.

use std::collections::BTreeSet;
use std::fmt;

use super::input::PacketInput;
use super::limitation::{self, Clock};
use super::sent;
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::days_between;
use crate::domain::document::sha256;
use crate::domain::fee::TwoFees;
use crate::domain::hold::Blocks;
use crate::domain::ledger::OWN_SOURCE;
use crate::domain::promise::PromiseState;
use crate::domain::referral::{Destination, ReferralState};
use crate::domain::{AccountId, Cents, Channel, Day, DocumentHash, Entry, EntryId, EntryKind, NoticeId, Service};
use crate::typeset::TypesetError;

/// Why a packet is not made.
#[derive(Debug, thiserror::Error)]
pub enum PacketRefusal {
    #[error("the cut-off {cut_off} lies after {checked_on}, the day of the packet: take a cut-off that has passed")]
    CutOffAhead { cut_off: Day, checked_on: Day },
    #[error(
        "{what} belongs to account key {found}, not to {expected}: a packet shows one customer's records only; report this"
    )]
    OtherAccount { what: String, found: AccountId, expected: AccountId },
    #[error(
        "the referral is {state}, and a packet is made for a candidate, an approved or a placed one: propose the account anew"
    )]
    NotStanding { state: ReferralState },
    #[error(
        "{by} at the cut-off {cut_off} is {found}, and the ledger's balance is {ledger}: rebuild the account's open items before anything is sent"
    )]
    TotalDiffers { by: &'static str, cut_off: Day, found: Cents, ledger: Cents },
    #[error(
        "a fee of {amount} is counted twice: posted here on {posted_on} as entry {own}, and brought by {source_name} as {reference}; the total would be {total} instead of {once}: import a reversal of theirs, or waive ours; where they are two fees, say so: `arrears fee both ACCOUNT {own} {other} --reason TEXT`"
    )]
    FeeTwice {
        own: EntryId,
        posted_on: Day,
        amount: Cents,
        other: EntryId,
        source_name: String,
        reference: String,
        total: Cents,
        once: Cents,
    },
    #[error("nothing is owed on {on}: the balance is {balance}; cancel the referral")]
    NothingOwed { on: Day, balance: Cents },
    #[error("nothing is past due at the cut-off {cut_off}, though {balance} is owed: refer the debt when it is due")]
    NothingPastDue { cut_off: Day, balance: Cents },
    #[error("a protection stands on {on}: {}; the account cannot be referred until it ends", list(.standing))]
    Protected { on: Day, standing: Vec<Protection> },
    #[error(
        "notice {notice} of {sent_on} was sent and its document is not kept: restore it from a backup; no copy stands in for it"
    )]
    ExhibitMissing { notice: NoticeId, sent_on: Day },
    #[error(
        "the document of notice {notice} hashes to {found}, and {recorded} is recorded: it was altered after it was sent; restore it from a backup"
    )]
    ExhibitAltered { notice: NoticeId, recorded: DocumentHash, found: DocumentHash },
    #[error(
        "a {to} reaches the property, and {debtor}, the debtor, is not its owner ({why}): choose another destination"
    )]
    DebtorNotOwner { to: Destination, debtor: String, why: String },
    #[error("the policy gives no limitation period: set referral.limitation_years with its citation")]
    NoLimitation,
    #[error("the limitation of {} passed on {last_day} ({amount} of the claim): leave the debt out by an adjustment, or override with a name and a reason", numbers(.items))]
    LimitationPassed { last_day: Day, amount: Cents, items: Vec<EntryId> },
    #[error("an override needs the name of a person and a reason: give both")]
    EmptyOverride,
    #[error("the packet's pages cannot be set: {0}; correct the layout, or report this")]
    Typeset(#[from] TypesetError),
    #[error("the packet's files cannot be put together: {0}; report this")]
    Archive(String),
}

/// What protects the account from referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    Hold { kind: crate::domain::hold::HoldKind, from: Day, reason: String },
    OpenPromise { amount: Cents, through: Day },
    Arrangement { made_on: Day },
    Exception(String),
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { kind, from, reason } => write!(f, "a hold ({kind}) since {from}: {reason}"),
            Self::OpenPromise { amount, through } => write!(f, "a promise to pay {amount} through {through}"),
            Self::Arrangement { made_on } => write!(f, "the arrangement of {made_on}, which is kept"),
            Self::Exception(words) => write!(f, "an exception: {words}"),
        }
    }
}

/// Looks for everything that forbids the packet, the gravest first.
///
/// # Errors
/// The first refusal that applies; protections are listed together.
pub fn examine(input: &PacketInput) -> Result<(), PacketRefusal> {
    if input.cut_off > input.checked_on {
        return Err(PacketRefusal::CutOffAhead { cut_off: input.cut_off, checked_on: input.checked_on });
    }
    one_account(input)?;
    standing_referral(input)?;
    totals(input)?;
    fee_once(input)?;
    let standing = protections(input);
    if !standing.is_empty() {
        return Err(PacketRefusal::Protected { on: input.checked_on, standing });
    }
    owner(input)?;
    exhibits(input)?;
    limitation_runs(input)
}

/// What protects the account on the day of the check, whatever the cut-off.
#[must_use]
pub fn protections(input: &PacketInput) -> Vec<Protection> {
    let on = input.checked_on;
    let holds = input.holds.iter().map(|record| &record.hold).filter(|hold| {
        let bars = hold.kind.always_blocks().contains(&Blocks::Referral)
            || input.policy.also_bars_referral.contains(&hold.kind);
        bars && hold.holds_on(on)
    });
    let promises = input
        .promises
        .iter()
        .filter(|promise| promise.made_on <= on && matches!(promise.state(&input.entries, on), PromiseState::Open));
    let arrangements = input
        .arrangements
        .iter()
        .filter(|record| matches!(record.standing.state, ArrangementState::Performing))
        .map(|record| &record.arrangement)
        .filter(|plan| plan.made_on <= on);
    holds
        .map(|hold| Protection::Hold { kind: hold.kind, from: hold.from, reason: hold.reason.clone() })
        .chain(promises.map(|p| Protection::OpenPromise { amount: p.amount, through: p.last_day() }))
        .chain(arrangements.map(|plan| Protection::Arrangement { made_on: plan.made_on }))
        .chain(input.exception.iter().map(|words| Protection::Exception(words.clone())))
        .collect()
}

fn one_account(input: &PacketInput) -> Result<(), PacketRefusal> {
    let expected = input.referral.account;
    let entries = input.entries.iter().map(|e| (format!("ledger entry {}", e.id), e.account));
    let notices = input.notices.iter().map(|n| (format!("notice {}", n.notice.id), n.notice.account));
    let calls = input.calls.iter().map(|c| (format!("the call of {}", c.made_on), c.account));
    let orders = input.field_orders.iter().map(|o| (format!("field order {}", o.id), o.account));
    match entries.chain(notices).chain(calls).chain(orders).find(|(_, account)| *account != expected) {
        Some((what, found)) => Err(PacketRefusal::OtherAccount { what, found, expected }),
        None => Ok(()),
    }
}

fn standing_referral(input: &PacketInput) -> Result<(), PacketRefusal> {
    let state = input.referral.state;
    match state {
        ReferralState::Candidate | ReferralState::Approved | ReferralState::Placed => Ok(()),
        ReferralState::Recalled | ReferralState::Returned | ReferralState::Canceled | ReferralState::Declined => {
            Err(PacketRefusal::NotStanding { state })
        }
    }
}

/// The claim, the open items and the plain sum of the ledger are computed apart and must agree.
fn totals(input: &PacketInput) -> Result<(), PacketRefusal> {
    let cut_off = input.cut_off;
    // What a petition in bankruptcy stays is owed, and no part of what is claimed.
    let stayed: Cents = input.books.stayed.iter().map(|item| item.open).sum();
    let all: Cents = input.entries.iter().filter(|e| e.effective_on <= cut_off).map(|e| e.amount).sum();
    // What is left over of a write-off is nobody's money, and lowers no claim.
    let left_over: Cents = input.books.idle.iter().map(|idle| idle.left).sum();
    let beside: Cents = input.beside.iter().map(|item| item.open).sum();
    let ledger = all + left_over - stayed - beside;
    let open: Cents = input.books.items.iter().map(|item| item.open).sum();
    let items = open - input.books.unapplied;
    for (by, found) in [("the claimed total", input.books.balance), ("the sum of the open items", items)] {
        if found != ledger {
            return Err(PacketRefusal::TotalDiffers { by, cut_off, found, ledger });
        }
    }
    let since: Cents = input
        .entries
        .iter()
        .filter(|e| e.effective_on > cut_off && e.effective_on <= input.checked_on)
        .map(|e| e.amount)
        .sum();
    for (on, balance) in [(cut_off, ledger), (input.checked_on, ledger + since)] {
        if !balance.is_positive() {
            return Err(PacketRefusal::NothingOwed { on, balance });
        }
    }
    if !input.books.items.iter().any(|item| item.due_on < cut_off) {
        return Err(PacketRefusal::NothingPastDue { cut_off, balance: ledger });
    }
    Ok(())
}

/// Within so many days of its posting a fee of ours comes back from the billing system.
const COMES_BACK_WITHIN_DAYS: i64 = 60;

/// A fee that Arrears posted and that came back under the billing system's own reference, unrecognized, is one fee, unless a
/// person has said that they are two.
fn fee_once(input: &PacketInput) -> Result<(), PacketRefusal> {
    let stands = |fee: &&Entry| {
        let is_undone = input.entries.iter().any(|e| e.reverses == Some(fee.id) && e.effective_on <= input.cut_off);
        fee.kind == EntryKind::Fee && fee.effective_on <= input.cut_off && !is_undone
    };
    let fees = || input.entries.iter().filter(stands);
    let is_twin = |own: &Entry, other: &Entry| {
        let service = own.service == other.service || [own.service, other.service].contains(&Service::General);
        let days = days_between(own.effective_on, other.effective_on);
        other.source != OWN_SOURCE
            && !TwoFees::are(&input.two_fees, own.id, other.id)
            && service
            && other.amount == own.amount
            && (0..=COMES_BACK_WITHIN_DAYS).contains(&days)
    };
    for own in fees().filter(|fee| fee.source == OWN_SOURCE) {
        let Some(other) = fees().find(|other| is_twin(own, other)) else { continue };
        let total = input.books.balance;
        return Err(PacketRefusal::FeeTwice {
            own: own.id,
            posted_on: own.effective_on,
            amount: own.amount,
            other: other.id,
            source_name: other.source.clone(),
            reference: other.reference.clone(),
            total,
            once: total - own.amount,
        });
    }
    Ok(())
}

/// Lien and tax roll reach the property of the debtor; a tenant's debt does not follow the land.
fn owner(input: &PacketInput) -> Result<(), PacketRefusal> {
    let to = input.referral.to;
    match input.profile.is_not_owner_because() {
        Some(why) if to.reaches_property() => {
            Err(PacketRefusal::DebtorNotOwner { to, debtor: input.profile.customer_name.clone(), why })
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether two names are the same in letters; case and spaces do not count. In doubt they are two people.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    let folded = |name: &str| name.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>().join(" ");
    folded(one) == folded(other)
}

/// Every letter and email that left must be here as it left.
fn exhibits(input: &PacketInput) -> Result<(), PacketRefusal> {
    for exhibit in &input.notices {
        let notice = &exhibit.notice;
        let Some(sent_on) = sent::sent_on(notice).filter(|day| *day <= input.cut_off) else { continue };
        match (&notice.document, &exhibit.document) {
            (Some(recorded), Some((_, bytes))) => {
                let found = sha256(bytes);
                if *recorded != found {
                    let recorded = recorded.clone();
                    return Err(PacketRefusal::ExhibitAltered { notice: notice.id, recorded, found });
                }
            }
            (None, _) if matches!(notice.channel, Channel::Phone | Channel::Posting | Channel::Hand) => {}
            (None, _) | (Some(_), None) => {
                return Err(PacketRefusal::ExhibitMissing { notice: notice.id, sent_on });
            }
        }
    }
    Ok(())
}

fn limitation_runs(input: &PacketInput) -> Result<(), PacketRefusal> {
    let years = input.policy.limitation_years;
    // Where another time runs the cover warns.
    if !input.referral.to.asks_whether_time_bars() && years > 0 {
        return Ok(());
    }
    if years == 0 {
        return Err(PacketRefusal::NoLimitation);
    }
    let passed: Vec<_> = input
        .books
        .items
        .iter()
        .map(|item| (item, limitation::of_item(item, years)))
        .filter(|(_, limitation)| matches!(limitation.on(input.checked_on), Clock::Passed(_)))
        .collect();
    let Some(last_day) = passed.iter().map(|(_, limitation)| limitation.last_day).min() else { return Ok(()) };
    match &input.limitation_override {
        Some(by) if by.by.trim().is_empty() || by.reason.trim().is_empty() => Err(PacketRefusal::EmptyOverride),
        Some(_) => Ok(()),
        None => {
            let amount = passed.iter().map(|(item, _)| item.open).sum();
            let items = passed.iter().map(|(item, _)| item.id).collect();
            Err(PacketRefusal::LimitationPassed { last_day, amount, items })
        }
    }
}

fn list(standing: &[Protection]) -> String {
    standing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn numbers(items: &[EntryId]) -> String {
    let numbers: BTreeSet<EntryId> = items.iter().copied().collect();
    let words: Vec<String> = numbers.iter().map(|id| format!("item {id}")).collect();
    words.join(", ")
}

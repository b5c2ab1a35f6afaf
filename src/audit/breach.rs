//! What a decision broke, said so that the lead understands it and finds the rule.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::phrases::{
    amount_phrase, cite_phrase, found_phrase, kind_phrase, not_before_phrase, now_phrase, open_phrase,
    unanswered_phrase,
};
use crate::domain::calendar::DayKind;
use crate::domain::day::short;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::referral::Destination;
use crate::domain::{
    AccountId, AccountNumber, Act, ActKey, Action, Cents, Day, DepositId, DisputeId, ItemId, RuleId, Service, StageId,
};
use crate::rulebook::Policy;
use crate::rulebook::policy::Origin;

/// A decision that breaks a guard or an invariant. Nothing of it is done; the account is frozen for the lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    pub account: AccountId,
    pub number: AccountNumber,
    /// The act that breaks it; `None` when it is the decision as a whole.
    pub act: Option<BrokenAct>,
    pub broken: Broken,
    /// The guard, bar or stage, where one is broken; an invariant of the program has none.
    pub rule: Option<RuleId>,
    /// Where that rule stands and what it rests on.
    pub origin: Option<Origin>,
}

/// The act of a breach, for the lead and the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenAct {
    pub key: ActKey,
    /// `disconnect`, `notice`.
    pub word: String,
    pub for_day: Day,
    pub amount: Option<Cents>,
}

impl std::error::Error for Breach {}

/// `Account 10-0001: disconnect of water for Fri 2026-05-22 ($180.00): … Rule: guards/us-ca-water.yaml:12, …`
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account {}: ", self.number)?;
        match &self.act {
            Some(act) => {
                f.write_str(&act.word)?;
                if let Some(service) = act.key.service {
                    write!(f, " of {service}")?;
                }
                write!(f, " by stage {} for {}", act.key.of.stage, short(act.for_day))?;
                if let Some(amount) = act.amount {
                    write!(f, " ({amount})")?;
                }
            }
            None => f.write_str("decision")?,
        }
        write!(f, " refused: {}.", self.broken)?;
        if let Some(origin) = &self.origin {
            write!(f, " Rule: {}:{}, {}", origin.file, origin.line, origin.name)?;
            if !origin.citation.is_empty() {
                write!(f, " ({})", origin.citation)?;
            }
            f.write_str(".")?;
        }
        f.write_str(" Nothing was done; the account waits for the lead.")
    }
}

/// What was broken, and the rule behind it where there is one. Becomes a [`Breach`] or a refusal at execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Objection {
    pub broken: Broken,
    pub rule: Option<RuleId>,
}

impl Objection {
    pub(super) const fn of_rule(rule: RuleId, broken: Broken) -> Self {
        Self { broken, rule: Some(rule) }
    }
}

impl From<Broken> for Objection {
    fn from(broken: Broken) -> Self {
        Self { broken, rule: None }
    }
}

/// Passed, or what objects.
pub(super) type Checked = Result<(), Objection>;

impl Breach {
    pub(super) fn new(
        account: AccountId,
        number: AccountNumber,
        act: Option<&Act>,
        policy: &Policy,
        objection: Objection,
    ) -> Box<Self> {
        let act = act.map(|act| BrokenAct {
            key: act.key.clone(),
            word: act.action.word().to_owned(),
            for_day: act.for_day,
            amount: act.amount.or_else(|| act.notice.as_ref().map(|notice| notice.amount)),
        });
        let origin = objection.rule.and_then(|rule| policy.origin(rule)).cloned();
        Box::new(Self { account, number, act, broken: objection.broken, rule: objection.rule, origin })
    }
}

/// Each invariant or guard by name, with the dates and amounts that show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    // the decision as a whole
    #[error("it was decided for account {decided}, not for this one")]
    OtherAccount { decided: AccountId },
    #[error("it saw facts no. {seen}, and the account stands at no. {now}: decide it again")]
    StaleFacts { seen: i64, now: i64 },
    #[error("it was decided by another version of the policy")]
    OtherPolicy,
    #[error("it was decided for {}, and today is {}", short(*.on), short(*.today))]
    OtherDay { on: Day, today: Day },
    #[error("its next review, {}, is not after today", short(*.next))]
    ReviewNotAhead { next: Day },
    #[error("it opens case no. {opened} where no. {expected} was expected")]
    CaseNumber { opened: u32, expected: u32 },

    // keys and dates of acts
    #[error("its key belongs to case no. {named} of account {account}, which is not the case decided on")]
    OtherCase { account: AccountId, named: u32 },
    #[error("the case runs no track {track} on that item, or the policy has no stage {stage} in it")]
    UnknownStage { track: String, stage: StageId },
    #[error("two acts have the same key, and one of them would be lost")]
    DuplicateKey,
    #[error("it is dated {}; what leaves the building is dated {} or later", short(*.for_day), short(*.today))]
    DatedBack { for_day: Day, today: Day },
    #[error("a notice announced {} for it, and an announced day is never made earlier", short(*.announced))]
    BeforeAnnounced { announced: Day },
    #[error("a fee is dated {}, after today", short(*.for_day))]
    DatedAhead { for_day: Day },

    // protections
    #[error("the account is frozen until a person clears it: {0}")]
    Frozen(String),
    #[error("{left} of write-off {write_off} has nothing to write off, and a person takes it back first")]
    WriteOffLeftOver { write_off: ItemId, left: Cents },
    #[error("a {kind} hold in force since {} blocks {blocks}", short(*.from))]
    Held { kind: HoldKind, from: Day, blocks: Blocks },
    #[error("the ruling on dispute {dispute} can be appealed until {}{}", short(*.last), cite_phrase(.citation))]
    Appealable { dispute: DisputeId, last: Day, citation: String },
    #[error(
        "the day that its notice announced, {}, passed while nobody might be shut off ({what}): the notice is served anew",
        short(*.announced)
    )]
    AnnouncedDayPassed { announced: Day, what: String },
    #[error(
        "{stage} was told {}, and since {} somebody else may be the customer: it is told anew",
        short(*.told), short(*.since)
    )]
    ServedOnAnother { stage: StageId, told: Day, since: Day },
    #[error(
        "{stage} of {} asked for {amount} more than was owed, as entry {entry} has it since: it is told anew",
        short(*.told)
    )]
    Overstated { stage: StageId, told: Day, amount: Cents, entry: ItemId },
    #[error("item {item} of {open} is contested, and that is not decided")]
    Contested { item: ItemId, open: Cents },
    #[error(
        "item {item} states {open}, and a petition in bankruptcy of {} leaves at most {most} of it to be asked for",
        short(*.petition_on)
    )]
    BeforePetition { item: ItemId, open: Cents, most: Cents, petition_on: Day },
    #[error("a promise to pay {amount} is open through {}", short(*.through))]
    PromiseOpen { amount: Cents, through: Day },
    #[error("the arrangement of {} is performing", short(*.made_on))]
    ArrangementPerforms { made_on: Day },
    #[error(
        "the installment due {} was missed less than {days} days ago; the earliest day is {}",
        short(*.missed), short(*.earliest)
    )]
    DefaultTooRecent { missed: Day, days: u16, earliest: Day },
    #[error(
        "after the installment due {} was missed, a required notice must be left at the premises on {} or later and by {}; {}",
        short(*.missed), short(*.from), short(*.last_day), found_phrase(*.found)
    )]
    NotPostedAfterDefault { missed: Day, from: Day, last_day: Day, found: Option<Day> },
    #[error("a protection of the policy stands")]
    BarStands,
    #[error("the condition of its stage does not hold")]
    ConditionGone,
    #[error("whether a protection of the policy stands is not known ({0}), and what is unknown bars")]
    BarUnknown(String),
    #[error("moratorium: {name}, {} through {}", short(*.from), short(*.through))]
    Moratorium { name: String, from: Day, through: Day },
    #[error("{} is {}, on which the act may not happen", short(*.day), kind_phrase(*.kind))]
    ClosedDay { day: Day, kind: DayKind },
    #[error("the calendar does not know the holidays around {}, and what is unknown bars", short(*.day))]
    CalendarUnknown { day: Day },

    // what an act rests on
    #[error("it states no amount, or nothing that is owed")]
    NothingOwed,
    #[error("it rests on {stated}, but only {carried} of open debt carries it")]
    NotCarried { stated: Cents, carried: Cents },
    #[error("item {item} is for {service}, which does not count toward it")]
    ServiceNotCounted { item: ItemId, service: Service },
    #[error(
        "item {item} of {open} came from another account, and the policy does not let it count toward a shut-off here"
    )]
    Transferred { item: ItemId, open: Cents },
    #[error("the account has no {service}")]
    NoSuchService { service: Service },
    #[error("{service} is not shut off")]
    NotShutOff { service: Service },
    #[error("{service} is off, nothing is owed of what it was shut off for, and it is not turned on again")]
    KeptOff { service: Service },
    #[error("it says how service is restored, and none is off that money turns on again")]
    OnAgain,
    #[error("item {item} is listed as what restores service, and nothing was shut off for it")]
    RestoresNothing { item: ItemId },
    #[error("{service} is off already: nobody is told of another shut-off until it is on again")]
    OffAlready { service: Service },
    #[error(
        "{amount} of what {service} was shut off for was written off or moved to another account, which is no payment: \
         the lead decides whether it is turned on"
    )]
    GivenUp { service: Service, amount: Cents },
    #[error("it names no service")]
    NoService,
    #[error("item {item} of {open} is due {}, not past due", short(*.due_on))]
    NotPastDue { item: ItemId, open: Cents, due_on: Day },
    #[error("item {item} has only {open} open, less than what is let be")]
    BelowDeMinimis { item: ItemId, open: Cents },
    #[error(
        "item {item} of {open}, due {}, is {age} days past due and must be {needed}; the earliest day is {}",
        short(*.due_on), short(*.earliest)
    )]
    TooYoung { item: ItemId, open: Cents, due_on: Day, age: i64, needed: u16, earliest: Day },
    #[error(
        "no notice of this case that listed item {item} ({open}) has been mailed, posted or handed over and stands"
    )]
    NotListed { item: ItemId, open: Cents },
    #[error(
        "its notice asked for {asked}, and {received} has come since {}: who pays what a notice asks for is not shut off on it",
        short(*.since)
    )]
    PaidAsAsked { asked: Cents, received: Cents, since: Day },
    #[error(
        "item {item} ({open}) needs a required notice that lists it by {}; {}",
        short(*.last_day), found_phrase(*.found)
    )]
    NoticeTooLate { item: ItemId, open: Cents, last_day: Day, found: Option<Day> },
    #[error("mail goes elsewhere, and no copy that lists item {item} reached the occupant by {}", short(*.last_day))]
    NoOccupantCopy { item: ItemId, last_day: Day },
    #[error(
        "the account is a landlord's, and a required notice must be left for the tenants by {}; {}",
        short(*.last_day), found_phrase(*.found)
    )]
    TenantsNotTold { last_day: Day, found: Option<Day> },
    #[error(
        "nobody was spoken to by {}, nor was a required notice left at the premises by {} after attempts had failed",
        short(*.spoken_by), short(*.posted_by)
    )]
    NoContact { spoken_by: Day, posted_by: Day },
    #[error("the notice came back {}, and since then {}", short(*.returned), unanswered_phrase(*.is_visited, *.is_left))]
    ReturnUnanswered { returned: Day, is_visited: bool, is_left: bool },
    // notices
    #[error("a notice without its facts")]
    NoticeWithoutFacts,
    #[error("a notice that the law requires goes by {by} alone")]
    NeverAlone { by: String },
    #[error("it states {stated}, and its items sum to {sum}")]
    NoticeSum { stated: Cents, sum: Cents },
    #[error("it lists item {item} twice")]
    ListedTwice { item: ItemId },
    #[error("it lists item {item} with {stated}, and the ledger has {}", open_phrase(*.open))]
    ListedWrong { item: ItemId, stated: Cents, open: Option<Cents> },

    // fees
    #[error("a fee has no amount or less than nothing")]
    FeeAmount,
    #[error("the item that it penalizes is due {}, and the fee is dated {}", short(*.due_on), short(*.for_day))]
    FeeTooEarly { due_on: Day, for_day: Day },
    #[error(
        "turning on again would cost {posted}, and of a household that has shown a low income the law lets {limit} be asked"
    )]
    ReconnectionTooDear { posted: Cents, limit: Cents },
    #[error("the bill due {} had its fee on {}", short(*.bill_due), short(*.on))]
    FeeTwice { on: Day, bill_due: Day },
    #[error("there is no fee {fee} of this account that stands")]
    NoSuchFee { fee: ItemId },
    #[error("the debt of fee {fee} was past due on its day, {}", short(*.on))]
    FeeHasGround { fee: ItemId, on: Day },
    // deposits
    #[error("service ended {}: there is nothing of this customer's to shut off", short(*.ended))]
    ServiceEnded { ended: Day },
    #[error("service ended {}, and a deposit of {held} is held that is applied first", short(*.ended))]
    DepositHeld { ended: Day, held: Cents },
    #[error("deposit {deposit} of the account is not held, or not with {}", amount_phrase(*.stated))]
    NoSuchDeposit { deposit: DepositId, stated: Option<Cents> },
    #[error("a deposit is applied on its day, from the end of service and the final bill on: not before {}", not_before_phrase(*.from))]
    DepositTooEarly { from: Option<Day> },
    #[error("it pays {item} first, which is no charge of the final bill")]
    NotFinalBill { item: ItemId },
    #[error("it says that {stated} is left over for the customer, and {left} is")]
    RefundWrong { stated: Cents, left: Cents },
    // referral
    #[error("{to} reaches the property of the debtor, and the debtor is not the owner")]
    NotOwner { to: Destination },
    #[error("the debt was already placed on {} and not recalled", short(*.on))]
    AlreadyPlaced { on: Day },
    #[error("the debt is out ({to}) since {}, and the city does nothing about it meanwhile", short(*.on))]
    Out { to: Destination, on: Day },
    #[error("item {item} of {open} never came back from a destination, and the stage is about what did")]
    NeverOut { item: ItemId, open: Cents },
    #[error("item {item} belongs to another run of the track, which went out with it")]
    OtherRun { item: ItemId },
    #[error("the route sends {amount} {}, not to {to}", now_phrase(*.now))]
    OtherRoute { to: Destination, now: Option<Destination>, amount: Cents },
    #[error("no destination was found, and the route sends {amount} to {now}")]
    RouteMissed { now: Destination, amount: Cents },
}

/// The acts that leave the building: a frozen account has none.
pub(super) const fn is_outward(action: &Action) -> bool {
    match action {
        Action::Notice(_)
        | Action::Call(_)
        | Action::Visit(_)
        | Action::Tag(_)
        | Action::Disconnect { .. }
        | Action::Refer { .. }
        | Action::Route { .. }
        | Action::WriteOff => true,
        Action::Fee(_)
        | Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::Restore { .. }
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::NoRoute { .. }
        | Action::Freeze { .. } => false,
    }
}

/// The line of the policy behind something, as a sentence ends with it.
pub(super) fn origin_phrase(origin: Option<&Origin>) -> String {
    origin.map_or_else(String::new, |o| format!("; rule: {}:{}, {} ({})", o.file, o.line, o.name, o.citation))
}

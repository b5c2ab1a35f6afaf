//! A policy as the engine reads it: resolved, acyclic, every name checked.
//!
//! The YAML mirror and its errors are in `document`; `compile` turns one into the other.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Weekday;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::action::{Action, ReconnectionLimits, Statement};
use crate::domain::arrears::BucketLimits;
use crate::domain::calendar::DayKind;
use crate::domain::deposit::DepositOrder;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::layout::Layout;
use crate::domain::ledger::ApplicationOrder;
use crate::domain::proof::ProofKind;
use crate::domain::proposal::ProposalKind;
use crate::domain::referral::Destination;
use crate::domain::route::Route;
use crate::domain::{
    Cents, CustomerClass, Day, EventKind, NoticeName, PolicyHash, Role, RuleId, Service, StageId, TrackId,
};

/// A checked policy with the packs it extends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// SHA-256 of the policy's text and of its packs' texts.
    pub hash: PolicyHash,
    pub name: String,
    pub title: String,
    pub authority: String,
    pub effective_from: Day,
    pub open_cases: OpenCases,
    /// An IANA name, for example `America/Los_Angeles`.
    pub time_zone: String,
    /// The calendar's name; the calendar itself comes with the world.
    pub calendar: String,
    pub ledger: LedgerRules,
    /// Arrears below this do not open a case, and a case whose arrears fall below it is cured.
    pub cure_below: Cents,
    pub tracks: Vec<Track>,
    pub bars: Vec<BarRule>,
    pub guards: Vec<Guard>,
    pub holds: Vec<HoldRule>,
    pub calls: CallRules,
    pub arrangements: ArrangementRules,
    pub promises: PromiseRules,
    pub referral: ReferralRules,
    pub approvals: ApprovalRules,
    pub proceedings: ProceedingRules,
    pub deposits: DepositRules,
    /// Whether and when a debt follows its customer to another account; never where the policy does not say.
    pub debts_follow: Option<FollowRules>,
    /// Rule ids are indexes into this.
    pub origins: Vec<Origin>,
    pub stories: Vec<Story>,
}

impl Policy {
    /// Where a rule stands.
    #[must_use]
    pub fn origin(&self, rule: RuleId) -> Option<&Origin> {
        self.origins.get(rule.0 as usize)
    }

    /// The track of that name.
    #[must_use]
    pub fn track(&self, id: &TrackId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == *id)
    }

    /// This version, with the packs that it extends as `present` has them: a case keeps its city's rules, and never a
    /// statute as it used to be. A pack that `present` does not extend stays as it was.
    #[must_use]
    pub fn under_packs_of(&self, present: &Self) -> Self {
        let packs = |policy: &Self| policy.guards.iter().map(|guard| guard.pack.clone()).collect::<BTreeSet<_>>();
        let shared: BTreeSet<String> = packs(self).intersection(&packs(present)).cloned().collect();
        let mut policy = self.clone();
        policy.guards.retain(|guard| !shared.contains(&guard.pack));
        for guard in present.guards.iter().filter(|guard| shared.contains(&guard.pack)) {
            let Some(origin) = present.origin(guard.rule) else { continue };
            let rule = RuleId(u32::try_from(policy.origins.len()).unwrap_or(u32::MAX));
            policy.origins.push(origin.clone());
            policy.guards.push(Guard { rule, ..guard.clone() });
        }
        policy
    }

    /// The languages that the packs require of a statutory notice to a customer of the class with the services, in the
    /// packs' order. Without a service that is known, every pack of the class counts.
    #[must_use]
    pub fn languages(&self, class: CustomerClass, services: &[Service]) -> Vec<crate::domain::Language> {
        let applies = |guard: &&Guard| {
            guard.classes.contains(&class) && (services.is_empty() || services.contains(&guard.service))
        };
        let mut languages = Vec::new();
        for guard in self.guards.iter().filter(applies) {
            if let Limit::Languages { languages: required } = &guard.limit {
                languages.extend(
                    required.iter().copied().filter(|language| !languages.contains(language)).collect::<Vec<_>>(),
                );
            }
        }
        languages
    }

    /// Whether a debt that came from another account counts toward a shut-off here.
    #[must_use]
    pub fn cuts_for_transferred(&self) -> bool {
        self.debts_follow.is_some_and(|rules| rules.counts_toward_shut_off)
    }

    /// What a household of the class with a low income pays at most to have a service turned on again, where a pack says so.
    #[must_use]
    pub fn reconnection_limits(&self, class: CustomerClass, services: &[Service]) -> Option<ReconnectionLimits> {
        self.guards.iter().find_map(|guard| match &guard.limit {
            Limit::ReconnectionFee { limits }
                if guard.classes.contains(&class) && (services.is_empty() || services.contains(&guard.service)) =>
            {
                Some(*limits)
            }
            _ => None,
        })
    }

    /// What the wording of a notice has to state, and the law that asks for it: of one that the law requires ahead of a shut-off.
    #[must_use]
    pub fn statements(&self, notice: &NoticeName) -> Vec<(Statement, &str)> {
        let is_of = |act: &Action| matches!(act, Action::Notice(of) if of.statutory && of.template == *notice);
        let precedes = |track: &Track| {
            let ahead = track.stages.iter().take_while(|stage| !stage.disconnects());
            track.stages.iter().any(Stage::disconnects) && ahead.flat_map(|stage| &stage.acts).any(is_of)
        };
        if !self.tracks.iter().any(precedes) {
            return Vec::new();
        }
        let asked = self.guards.iter().filter_map(|guard| match &guard.limit {
            Limit::Statements { statements } => {
                let citation = self.origin(guard.rule).map_or("", |origin| origin.citation.as_str());
                Some(statements.iter().map(move |statement| (*statement, citation)))
            }
            _ => None,
        });
        asked.flatten().collect()
    }

    /// What a hold of the kind blocks: the floor, and what the policy adds.
    #[must_use]
    pub fn hold_blocks(&self, kind: HoldKind) -> BTreeSet<Blocks> {
        let mut blocks = kind.always_blocks();
        blocks.extend(self.holds.iter().filter(|rule| rule.kind == kind).flat_map(|rule| rule.blocks.iter().copied()));
        blocks
    }
}

/// What happens to open cases when a policy takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenCases {
    /// They stay with the version that they began with.
    Keep,
    /// They move; stages are mapped by name.
    Move,
}

/// Where a rule stands and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `riverbend.yaml`, `guards/us-ca-water.yaml`.
    pub file: String,
    pub line: u32,
    /// `shut_off.final_notice`, `guard sixty_days`.
    pub name: String,
    /// `Riverbend Municipal Code 13.04.110`.
    pub citation: String,
}

/// How debts age and are paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRules {
    /// Calendar days from billing to due, where a bill does not state its due date.
    pub due_days: Option<u16>,
    pub order: ApplicationOrder,
    /// Items below this are let be.
    pub de_minimis: Cents,
    pub buckets: BucketLimits,
}

/// A track: stages in order, anchored on an item, a bill or a year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    pub id: TrackId,
    pub rule: RuleId,
    pub per: Per,
    /// What makes it start besides arrears.
    pub opens: Opens,
    pub when_anchor_paid: Reanchor,
    pub only_if: Cond,
    /// The services whose debts it counts; empty for all.
    pub counts: BTreeSet<Service>,
    /// In the order in which they are taken.
    pub stages: Vec<Stage>,
}

/// What a track is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    Account,
    /// One run for each past-due bill.
    Bill,
    Year,
}

/// What opens a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// An item is past due.
    Arrears,
    /// Something happened: a payment was returned, an installment missed.
    On(EventKind),
}

/// What follows when the anchor is paid and younger debt remains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reanchor {
    /// The track goes on, its stages as far as they have come.
    Keep,
    /// It begins anew on the oldest debt that remains.
    Restart,
    Close,
}

/// A named step of a track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub id: StageId,
    pub rule: RuleId,
    /// The earliest day; the latest of several.
    pub start: Vec<When>,
    /// Planned back from later stages.
    pub leads: Vec<Lead>,
    /// Only on days of this rule: the last Wednesday of the month.
    pub on: Option<DateRule>,
    pub never: BTreeSet<DayKind>,
    /// What to do when the day is barred by `never`: go to the next allowed day.
    pub only_if: Cond,
    pub end: Option<End>,
    /// Repeats at this distance while its condition holds.
    pub every: Option<Offset>,
    /// A person must release its acts.
    pub release: Option<Role>,
    pub waive_if: Option<Cond>,
    pub acts: Vec<Action>,
}

impl Stage {
    /// Whether it shuts a service off.
    #[must_use]
    pub fn disconnects(&self) -> bool {
        self.acts.iter().any(|act| matches!(act, Action::Disconnect { .. }))
    }
}

/// A backward offset: this stage stands at least `offset` before `before`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    pub offset: Offset,
    pub before: StageId,
}

/// An offset from an anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    pub offset: Offset,
    pub anchor: Anchor,
}

/// What an offset counts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    Billed,
    Due,
    /// A date printed on the bill, by name.
    Printed(String),
    /// The day on which the case opened.
    Opened,
    /// The day on which a stage's acts were decided.
    Stage(StageId),
    /// An event, of a stage where one is named: `7 days after delinquent mailed`.
    Event(EventKind, Option<StageId>),
}

/// A distance in days or other units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    /// Zero or more.
    pub n: u16,
    pub unit: Unit,
    /// `more than 7 days` is 8 days.
    pub more_than: bool,
}

impl Offset {
    /// The offset as a guard asks for it. Hours become as many days that no hour of either day can fall short of them: a
    /// tag left at 16:30 on a Tuesday and a crew at 08:00 on Thursday are two business dates apart, and 39.5 hours.
    /// So 24 hours are two days and 48 hours are three.
    #[must_use]
    pub const fn of_guard(self) -> Self {
        match self.unit {
            Unit::Hour => Self { n: self.n.div_ceil(24).saturating_add(1), unit: Unit::Day, more_than: self.more_than },
            Unit::Day | Unit::BusinessDay | Unit::Week | Unit::Month | Unit::Year => self,
        }
    }
}

/// Units of distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Day,
    /// Monday to Friday without legal holidays.
    BusinessDay,
    /// Whole days of 24 hours on business dates; 48 hours are two days. In a guard they are more: [`Offset::of_guard`].
    Hour,
    Week,
    Month,
    Year,
}

/// Days of a rule. Negative counts are from the end of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateRule {
    MonthDay(i8),
    NthWeekday(i8, Weekday),
    NthBusinessDay(i8),
    /// Month and day of each year.
    YearDay(u8, u8),
}

/// The end of a stage's window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The last day on which the stage may act.
    pub last: When,
    pub then: Expiry,
}

/// What follows when a window closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// The stage named comes around again, with all after it.
    Restart(StageId),
    /// The stage is passed over.
    Lapse,
    /// The account goes on the lead's list.
    Exception,
}

/// A condition over facts. Three-valued: what is unknown bars an adverse act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cond {
    Always,
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
    Is(Fact, Cmp, Value),
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What a condition may ask about an account on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// `balance`: all that is owed, less unapplied credit. Money.
    Balance,
    /// `past due`: past-due items above the de-minimis. Money.
    PastDue,
    /// `unpaid charges`: past-due charges without fees and interest. Money.
    UnpaidCharges,
    /// `debt at least 60 days old`: items that are each old enough themselves. Money.
    DebtAged(u16),
    /// `days past due` of the oldest item. Number.
    DaysPastDue,
    /// `class`. Word.
    Class,
    /// `occupancy`. Word.
    Occupancy,
    /// `language`. Word.
    Language,
    /// `has email`. Flag.
    HasEmail,
    /// `mailing address differs` from the service address. Flag.
    MailsElsewhere,
    /// `debtor is owner`: occupancy is owner. Flag.
    DebtorIsOwner,
    /// `landlord account`: those who live there are the customer's tenants. Flag.
    LandlordAccount,
    /// `master meter`: a landlord's account whose tenants are not known to have a meter each. Flag.
    MasterMeter,
    /// `has water`. Flag.
    HasService(Service),
    /// `hold dispute`. Flag.
    Hold(HoldKind),
    /// `shown low_income`: the household has shown it. Flag.
    Shown(ProofKind),
    /// `contact made`: a conversation in this case, since the stage named where there is one. Flag.
    ContactMade(Option<StageId>),
    /// `contact failed`. Flag.
    ContactFailed(Option<StageId>),
    /// `shut off water`: the service is off now. Flag.
    IsShutOff(Service),
    /// `arrangement performing`. Flag.
    ArrangementPerforming,
    /// `arrangement missed`: an installment was missed, something that it covers is still owed, and no arrangement
    /// performs now. Canceling the arrangement undoes nothing. Flag.
    ArrangementMissed,
    /// `current bill unpaid`: an arrangement performs, and a bill beside it has been unpaid for as long as the policy gives.
    CurrentUnpaid,
    /// `open promise`. Flag.
    OpenPromise,
    /// `final_notice returned`: the mailed piece came back. Flag.
    NoticeReturned(StageId),
    /// `service ended`. Flag.
    ServiceEnded,
    /// `customer.age`, `premises.basement`: an attribute as given. Number or word.
    Attribute(String),
    /// `count of payment returned in 12 months`. Number.
    Count(EventKind, u16),
}

/// What a fact is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Money(Cents),
    Number(i64),
    Word(String),
    Flag(bool),
}

/// A bar: acts that a condition strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BarRule {
    pub rule: RuleId,
    pub blocks: Blocks,
    /// The service that it protects; all when none is named.
    pub service: Option<Service>,
    pub when: Cond,
}

/// A limit of a pack that no rule may cross.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    pub rule: RuleId,
    /// The pack's name.
    pub pack: String,
    /// To whom the pack applies.
    pub service: Service,
    pub classes: BTreeSet<CustomerClass>,
    pub limit: Limit,
}

/// The kinds of limits. Each is enforced by `decide` as a bar and checked again by `audit` with code of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Each item that a disconnection rests on is at least this many days past due.
    DebtAge { days: u16 },
    /// A notice listing the items was served at least `offset` before, by one of the channels.
    NoticeBefore { offset: Offset, by: Vec<crate::domain::Channel>, from: ServedFrom },
    /// Where mailing and service address differ, the occupant had a copy as long before.
    OccupantCopy { offset: Offset },
    /// Somebody was spoken to at least `contact` before; or the attempt to was made as long before and failed, and a notice
    /// that the law requires was left at the premises at least `posted` before.
    Contact { contact: Offset, posted: Offset },
    /// Never on such a day.
    NeverOn { days: BTreeSet<DayKind> },
    /// Never while the condition holds; unknown bars.
    NeverWhile { when: Cond },
    /// Never while an arrangement performs; after a default only this many days after the missed due date, and where
    /// `posted` is given only after a notice that the law requires was left at the premises: when these days were over,
    /// and at least so long before.
    ArrangementDefault { days: u16, posted: Option<Offset> },
    /// A notice that the law requires is in each of these languages, whatever the customer's own.
    Languages { languages: Vec<crate::domain::Language> },
    /// Where the notice came back, only after a visit to the premises and a notice that the law requires left there since.
    AfterReturn,
    /// Where the account is a landlord's, a notice that the law requires was left for the tenants so long before: longer
    /// where they share a meter, or may.
    TenantsTold { individually_metered: Offset, master_meter: Offset },
    /// Who was shut off is told at once, by a notice that the law requires, how to have service restored.
    ToldHowToRestore,
    /// A household that has shown a low income pays no more to be turned on again: in office hours, and at other times.
    ReconnectionFee { limits: ReconnectionLimits },
    /// The notice that a shut-off rests on states each of these, in every language.
    Statements { statements: Vec<Statement> },
    /// A statutory notice is never by these channels alone.
    NeverAlone { by: Vec<crate::domain::Channel> },
}

/// From which date of a notice a guard counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServedFrom {
    Mailed,
    Served,
}

/// What a kind of hold does under this policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRule {
    pub rule: RuleId,
    pub kind: HoldKind,
    pub blocks: BTreeSet<Blocks>,
    pub stops_clock: bool,
    /// How long it lasts when nothing else is said; `None` until decided or as granted.
    pub lasts_days: Option<u16>,
}

/// Limits and weights of the call list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRules {
    /// At most this many attempts…
    pub max_attempts: u8,
    /// …in this many days.
    pub within_days: u16,
    /// No call for this many days after a conversation; its day is day 1.
    pub quiet_days_after_contact: u16,
    /// Local hours, `from` inclusive, `to` exclusive.
    pub hours: (u8, u8),
    /// Points by name of the part: `amount` per $100, `age` per 30 days, `broken_promise`, `required`, `first_contact`.
    pub weights: BTreeMap<String, i64>,
    /// How many calls a representative makes a day.
    pub per_representative: u16,
}

impl Default for CallRules {
    fn default() -> Self {
        let weights = [("amount", 5), ("age", 10), ("broken_promise", 25), ("shut_off_soon", 20), ("no_contact", 5)];
        Self {
            max_attempts: 7,
            within_days: 7,
            quiet_days_after_contact: 7,
            hours: (8, 21),
            weights: weights.map(|(name, points)| (name.to_owned(), points)).into(),
            per_representative: 40,
        }
    }
}

/// What an arrangement may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrangementRules {
    /// Where the policy speaks of arrangements; none where it does not.
    pub rule: Option<RuleId>,
    pub max_months: u16,
    pub grace_days: u16,
    pub per_12_months: u16,
    /// After so many days of an unpaid bill beside it, an arrangement that is kept no longer keeps the service on; never
    /// where there are none.
    pub current_days: Option<u16>,
    /// The least that is paid when it is made.
    pub down_payment: Option<LeastDown>,
    /// A down payment that was taken before it was made is one of the last so many days.
    pub taken_within_days: u16,
    /// No installment is smaller.
    pub minimum_installment: Option<Cents>,
    /// No more than this is arranged.
    pub max_balance: Option<Cents>,
    /// Days after the default of an earlier arrangement in which no other is made.
    pub after_default_days: Option<u16>,
    /// While such a hold stands, none is made. Bankruptcy is always among them: what was owed before the petition is not
    /// collected by agreement either (11 USC 362(a)(6)).
    pub not_under: BTreeSet<HoldKind>,
    /// A missed arrangement may be taken up again; never where there is none.
    pub reinstate: Option<ReinstateRules>,
}

/// The least down payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeastDown {
    Amount(Cents),
    /// Of what is past due, the down payment with it.
    Percent(Decimal),
}

/// When a missed arrangement may be taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReinstateRules {
    /// Of one account, in 12 months.
    pub per_12_months: u16,
    /// Days after the due date that was missed.
    pub within_days: u16,
    /// Days in which what was missed is paid; zero for the same day.
    pub pay_days: u16,
}

impl Default for ArrangementRules {
    fn default() -> Self {
        Self {
            rule: None,
            max_months: 12,
            grace_days: 0,
            per_12_months: 2,
            current_days: None,
            down_payment: None,
            taken_within_days: 30,
            minimum_installment: None,
            max_balance: None,
            after_default_days: None,
            not_under: BTreeSet::from([HoldKind::Bankruptcy]),
            reinstate: None,
        }
    }
}

/// What a promise to pay may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRules {
    pub max_days: u16,
    pub grace_days: u16,
}

impl Default for PromiseRules {
    fn default() -> Self {
        Self { max_days: 14, grace_days: 1 }
    }
}

/// Legal action: limitation period and where debts may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralRules {
    /// The shortest limitation period that applies, in years from each item's accrual.
    pub limitation_years: u16,
    pub limitation_citation: String,
    pub destinations: BTreeSet<Destination>,
    /// The declaration's text rests on this.
    pub declaration_citation: String,
    /// Tables that give a debt its destination.
    pub routes: Vec<Route>,
    /// Days before the limitation of a debt ends, from which the lead is told; none where there are none.
    pub warn_days: Option<u16>,
    /// What the city goes on with about debts that are out. Nothing, where the policy does not say so.
    pub while_placed: BTreeSet<Blocks>,
    pub small_claims: Option<SmallClaimsRules>,
    pub tax_roll: Option<TaxRollRules>,
    /// How the list to a destination is written; one without a layout has the attorney's columns.
    pub layouts: BTreeMap<Destination, Layout>,
}

/// What a small claims court takes of the city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallClaimsRules {
    /// The largest claim.
    pub cap: Cents,
    pub citation: String,
    /// So many filings in a calendar year, of claims over the amount.
    pub filings: Option<(u16, Cents)>,
}

/// When the tax roll is filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRollRules {
    /// The last day of each year, as month and day.
    pub by: (u8, u8),
    pub citation: String,
}

impl Default for ReferralRules {
    fn default() -> Self {
        Self {
            limitation_years: 2,
            limitation_citation: String::new(),
            destinations: BTreeSet::from([Destination::Attorney]),
            declaration_citation: String::new(),
            routes: Vec::new(),
            warn_days: None,
            while_placed: BTreeSet::new(),
            small_claims: None,
            tax_roll: None,
            layouts: BTreeMap::new(),
        }
    }
}

/// The times of proceedings that people conduct.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProceedingRules {
    pub disputes: DisputeRules,
    pub bankruptcy: BankruptcyRules,
    pub estates: EstateRules,
}

/// How a dispute goes on once it is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeRules {
    /// Days after a ruling for the city in which it can be appealed; none where there is no appeal.
    pub appeal_days: Option<u16>,
    pub citation: String,
}

/// When a utility may ask why it has no assurance of payment after a petition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankruptcyRules {
    /// Days after the order for relief without adequate assurance, after which a person may decide to discontinue service.
    pub assurance_days: u16,
    /// The same after a petition under chapter 11.
    pub chapter_11_days: u16,
    pub citation: String,
}

impl Default for BankruptcyRules {
    /// As the federal statute has it, where a policy does not speak of it.
    fn default() -> Self {
        Self { assurance_days: 20, chapter_11_days: 30, citation: "11 USC 366".to_owned() }
    }
}

/// The time for a claim against the estate of a customer who died: the later of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstateRules {
    pub claim_months_after_letters: Option<u16>,
    pub claim_days_after_notice: Option<u16>,
    /// So many days before its last day the lead is warned.
    pub warn_days: u16,
    pub citation: String,
}

impl Default for EstateRules {
    fn default() -> Self {
        Self { claim_months_after_letters: None, claim_days_after_notice: None, warn_days: 30, citation: String::new() }
    }
}

/// How deposits are applied when service has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositRules {
    /// Where the policy speaks of deposits; none where it does not.
    pub rule: Option<RuleId>,
    pub pays: DepositOrder,
    /// Days after the end of service from which a deposit is applied though no final bill has come.
    pub without_bill_days: u16,
}

impl Default for DepositRules {
    fn default() -> Self {
        Self { rule: None, pays: DepositOrder::FinalBill, without_bill_days: 60 }
    }
}

/// When a debt of an account that has ended is proposed for transfer to the same customer's active account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowRules {
    pub rule: RuleId,
    /// Only between accounts of one class.
    pub same_class: bool,
    /// Days past due from which a debt is proposed.
    pub after_days: u16,
    /// Whether a debt that was transferred counts toward shutting off the service of the account to which it came. By
    /// default it does not: that service did not incur it.
    pub counts_toward_shut_off: bool,
}

impl FollowRules {
    /// Days past due from which a debt is proposed: past due it is in any case.
    #[must_use]
    pub fn least_days(&self) -> i64 {
        i64::from(self.after_days.max(1))
    }
}

/// Who approves what another proposes, by its amount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRules {
    /// In rising order of their limits. A kind without tiers is approved by anyone who may approve.
    pub tiers: BTreeMap<ProposalKind, Vec<ApprovalTier>>,
}

/// Up to an amount, who approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalTier {
    /// Inclusive; without a limit it is the last tier.
    pub up_to: Option<Cents>,
    pub by: BTreeSet<Role>,
}

impl ApprovalRules {
    /// The roles that approve a proposal of the size. Empty where no tier reaches so far: nobody does.
    #[must_use]
    pub fn approvers(&self, kind: ProposalKind, amount: Cents) -> BTreeSet<Role> {
        match self.tiers.get(&kind) {
            None => Role::ALL.iter().copied().filter(|role| role.may_approve()).collect(),
            Some(tiers) => tiers
                .iter()
                .find(|tier| tier.up_to.is_none_or(|limit| amount <= limit))
                .map(|tier| tier.by.clone())
                .unwrap_or_default(),
        }
    }
}

/// A dated story in the policy, and what must follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    pub name: String,
    pub line: u32,
    pub facts: StoryFacts,
    /// Day, then what must happen on it, in order of the file.
    pub expect: Vec<(Day, Vec<Expected>)>,
}

/// What a story is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoryFacts {
    /// The bills: billed, due (by the ledger rule where absent), amount, service.
    pub bills: Vec<StoryBill>,
    pub payments: Vec<(Day, Cents)>,
    /// Payments that came back: day of return, amount.
    pub returned: Vec<(Day, Cents)>,
    /// How attempts to reach the customer end; `None` when nobody calls.
    pub contact: Option<bool>,
    /// Stages whose notices are mailed on another day than that of their decision.
    pub mailed: BTreeMap<StageId, Day>,
    /// Further events: an installment missed on its due date.
    pub events: Vec<(Day, EventKind)>,
    /// Arrangements of the day on all that is owed: due dates and amounts of the installments.
    pub arrangements: Vec<(Day, Vec<(Day, Cents)>)>,
    /// The days on which the arrangement that is missed then is taken up again.
    pub reinstated: Vec<Day>,
    pub holds: Vec<(HoldKind, Day, Option<Day>)>,
    /// What the household shows: from a day, and through another where it ends.
    pub shown: Vec<(ProofKind, Day, Option<Day>)>,
    pub class: Option<CustomerClass>,
    pub mails_elsewhere: bool,
    pub attributes: BTreeMap<String, String>,
    /// The last day that is run; two months after the last expectation where absent.
    pub until: Option<Day>,
}

/// One bill of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryBill {
    pub billed: Day,
    pub due: Day,
    pub amount: Cents,
    pub service: Service,
}

/// What a story expects on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The stage whose acts are decided.
    pub stage: StageId,
    /// The fee that it posts.
    pub fee: Option<Cents>,
}

//! Random lives of one account, and a city in which they are lived through the books themselves: files, the night, the outbox,
//! people and crews.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrears::clock::SetClock;
use arrears::domain::call::{CallOutcome, CallState};
use arrears::domain::day::{parse, plus_days};
use arrears::domain::field_order::{OrderKind, OrderState};
use arrears::domain::hold::HoldKind;
use arrears::domain::ledger::PaymentChannel;
use arrears::domain::notice::NoticeState;
use arrears::domain::referral::{Destination, ReferralState};
use arrears::domain::{AccountId, Cents, Channel, Day, Language, NoticeId, OpenItem, OrderId};
use arrears::notices::Mailer;
use arrears::office::{CallReport, IfLate, Office, PlanRequest};
use arrears::referral::Packet;
use arrears::store::{CounterPayment, CrewResult};
use chrono::{NaiveTime, TimeZone};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hardships::{Hardship, course};

/// How long a life is, in days: long enough for a referral.
const DAYS: i64 = 240;
pub const BY: &str = "L. Ortiz";
/// In which nobody is shut off: two weeks of the life, in which shut-offs would come.
pub const HEAT: (&str, &str) = ("2026-04-13", "2026-04-26");

/// Whole numbers from a seed: the same life for the same seed on every machine (`SplitMix64`).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % n
    }

    /// With a chance of one in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn from<T: Copy>(&mut self, among: &[T]) -> T {
        let index = usize::try_from(self.below(among.len() as u64)).expect("a small number");
        among[index]
    }
}

/// What happens on a day, whatever the city has done so far.
#[derive(Clone, Debug)]
pub enum Fact {
    Bill {
        cents: i64,
    },
    /// A share of what is owed, received some days before it is learned.
    Pay {
        percent: i64,
        learned_after: i64,
    },
    /// The last payment that stands is taken back.
    PaymentVoided,
    Hold {
        kind: HoldKind,
        days: i64,
    },
    HoldEnds,
    Promise {
        percent: i64,
        days: i64,
    },
    Arrangement {
        down_percent: i64,
        installments: u16,
    },
    ArrangementCanceled,
    /// The letter that was mailed last comes back.
    LetterBack,
    /// The last file of bills comes in once more, under another name.
    FileAgain,
    /// Whoever is called asks not to be called, and the billing system says so from now on.
    OptsOut,
    /// What happens in few lives.
    Rarer(Hardship),
}

/// A day of a life.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each of four does their work that day, or does not")]
pub struct Chapter {
    pub facts: Vec<Fact>,
    /// Letters are released, set and mailed; otherwise they wait.
    mails: bool,
    /// Whoever is called answers.
    answers: bool,
    /// Crews do what they are sent for.
    crews: bool,
    /// Candidates for legal action are approved and placed.
    refers: bool,
}

/// Whom the account is of.
#[derive(Clone, Copy, Debug)]
pub struct Household {
    /// Letters to the customer go elsewhere.
    mails_elsewhere: bool,
    has_email: bool,
}

impl Household {
    /// Seeds write all four kinds.
    pub const fn of(seed: u64) -> Self {
        Self { mails_elsewhere: seed.is_multiple_of(2), has_email: seed & 2 == 0 }
    }

    /// The billing system's file of it.
    fn record(self, opts_out: bool) -> String {
        let email = if self.has_email { "rosa.munoz@example.com" } else { "" };
        let mailing = if self.mails_elsewhere { "PO Box 77,Riverbend,CA,95601" } else { ",,," };
        let opts_out = if opts_out { "yes" } else { "" };
        format!(
            "account,customer_name,service_address,service_city,service_state,service_zip,mailing_address,mailing_city,\
             mailing_state,mailing_zip,phone,email,services,occupancy,opt_out_calls\n\
             10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,{mailing},(916) 555-0142,{email},water,owner,{opts_out}\n"
        )
    }
}

/// A life in which all kinds of things happen.
pub fn life(seed: u64) -> Vec<Chapter> {
    let mut dice = Dice(seed);
    let mut chapters = Vec::new();
    for offset in 0..DAYS {
        let mut facts = Vec::new();
        if offset % 30 == 0 {
            facts.push(Fact::Bill { cents: dice.from(&[9_000, 18_000, 42_000]) });
        }
        if offset > 25 && dice.one_in(14) {
            let percent = dice.from(&[5, 30, 60, 100]);
            let days = i64::try_from(dice.below(40)).expect("a small number") + 1;
            facts.push(match dice.below(14) {
                0..=2 => Fact::Pay { percent, learned_after: days % 10 },
                3 => Fact::PaymentVoided,
                4 => Fact::Hold { kind: dice.from(HoldKind::ALL), days },
                5 => Fact::HoldEnds,
                6 => Fact::Promise { percent, days: days % 14 },
                7 | 8 => Fact::Arrangement { down_percent: dice.from(&[0, 20]), installments: dice.from(&[1, 2, 4]) },
                9 => Fact::ArrangementCanceled,
                10 => Fact::FileAgain,
                11 if dice.one_in(3) => Fact::OptsOut,
                _ => Fact::LetterBack,
            });
        }
        chapters.push(Chapter {
            facts,
            mails: !dice.one_in(8),
            answers: dice.one_in(2),
            crews: !dice.one_in(4),
            refers: !dice.one_in(3),
        });
    }
    // Debts are placed where nobody answers to anything; those of the fourth course come back.
    if seed % 4 == 3 {
        chapters = plain_life();
        chapters[20].facts.push(Fact::OptsOut);
    }
    // Whoever is without service at the end pays all of it, and has service again.
    if let Some(last) = chapters.iter_mut().rev().nth(20) {
        last.facts.push(Fact::Pay { percent: 100, learned_after: 0 });
        last.crews = true;
    }
    for (offset, hardship) in course(seed) {
        let chapter = usize::try_from(offset).ok().and_then(|offset| chapters.get_mut(offset));
        chapter.expect("a day of the life").facts.push(hardship.into());
    }
    chapters
}

/// A life of bills and of nothing that a person answers to, in a city that does its work each day.
pub fn plain_life() -> Vec<Chapter> {
    let bill = |offset: i64| (offset % 30 == 0).then_some(Fact::Bill { cents: 42_000 });
    let chapter = |offset| Chapter {
        facts: bill(offset).into_iter().collect(),
        mails: true,
        answers: false,
        crews: true,
        refers: true,
    };
    (0..DAYS).map(chapter).collect()
}

/// A packet as it was built, and what the ledger said that day.
pub struct Built {
    pub packet: Packet,
    pub ledger: Cents,
}

pub struct City {
    pub office: Office,
    clock: Arc<SetClock>,
    dir: TempDir,
    database: Option<String>,
    household: Household,
    pub account: AccountId,
    receipts: Vec<String>,
    last_bills: Option<String>,
    pub built: Vec<Built>,
    /// Since when nobody is to be called.
    pub opted_out_on: Option<Day>,
    /// The day on which service ended.
    pub ended_on: Option<Day>,
}

impl City {
    /// A city on a database of its own; on SQLite in its directory where none is given.
    pub async fn open(database: Option<String>, household: Household) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(SetClock::new(chrono::DateTime::UNIX_EPOCH));
        let heat = format!(
            "city: {{name: City of Riverbend}}\nmoratoria: [{{name: Heat, from: {}, through: {}}}]\n",
            HEAT.0, HEAT.1
        );
        std::fs::write(dir.path().join("arrears.yaml"), heat).expect("a file");
        let office = Office::open(dir.path(), database.as_deref(), Arc::<SetClock>::clone(&clock)).await;
        let mut city = Self {
            office: office.expect("an office"),
            clock,
            dir,
            database,
            household,
            account: AccountId(0),
            receipts: Vec::new(),
            last_bills: None,
            built: Vec::new(),
            opted_out_on: None,
            ended_on: None,
        };
        city.at(first_day(), "03:00");
        city.office.adopt_shipped("riverbend", BY).await.expect("the policy");
        let translated =
            [Language::Spanish, Language::Chinese, Language::Tagalog, Language::Vietnamese, Language::Korean];
        city.office.sign_wordings(None, &translated, "read by the city's translators", BY).await.expect("signatures");
        city.takes("accounts.csv", &household.record(false)).await;
        city.account = city.office.account("10-000417").await.expect("the account").id;
        city
    }

    fn at(&self, day: Day, time: &str) {
        let time = NaiveTime::parse_from_str(time, "%H:%M").expect("a time");
        let local = self.office.config.time_zone.from_local_datetime(&day.and_time(time)).earliest();
        self.clock.set(local.expect("an hour that is").to_utc());
    }

    pub async fn takes(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        self.office.import(Path::new(&path), BY).await.expect("an import");
    }

    /// The account is due to be looked at, whatever its last decision said.
    pub async fn wake(&self, day: Day) {
        const WAKE: &str = "UPDATE review SET next_review = $1";
        if let Some(url) = &self.database {
            let mut db = <sqlx::PgConnection as sqlx::Connection>::connect(url).await.expect("the database");
            sqlx::query(WAKE).bind(day).execute(&mut db).await.expect("the update");
        } else {
            let url = format!("sqlite:{}", self.dir.path().join("arrears.db").display());
            let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.expect("the database");
            sqlx::query(WAKE).bind(day).execute(&mut db).await.expect("the update");
        }
    }

    pub async fn lives(&mut self, day: Day, chapter: &Chapter) {
        self.at(day, "04:00");
        self.office.night(day).await.expect("the night");
        self.at(day, "09:00");
        for fact in &chapter.facts {
            self.learns(day, fact).await;
        }
        if chapter.mails {
            self.mails(day).await;
        }
        self.at(day, "11:00");
        self.calls(day, chapter.answers).await;
        self.sends_crews(day, chapter.crews).await;
        if chapter.refers {
            self.refers(day).await;
        }
    }

    /// What cannot be done on such a day is refused, in both cities alike.
    async fn learns(&mut self, day: Day, fact: &Fact) {
        let office = &self.office;
        let owed = office.snapshot(self.account).await.expect("the account").balance();
        let share = |percent: i64| Cents::new(owed.get() * percent / 100);
        match fact {
            Fact::Rarer(hardship) => {
                let hardship = hardship.clone();
                self.suffers(day, &hardship).await;
            }
            // After the end of service comes one bill, the final one.
            Fact::Bill { .. } if self.ended_on.is_some_and(|ended| plus_days(ended, 30) < day) => {}
            Fact::Bill { cents } => {
                let (due_on, amount) = (plus_days(day, 21), Cents::new(*cents).to_plain());
                let head = "account,service,amount,billed_on,due_on,source,reference";
                let text = format!("{head}\n10-000417,water,{amount},{day},{due_on},cis,B-{day}\n");
                self.takes(&format!("charges-{day}.csv"), &text).await;
                self.last_bills = Some(text);
            }
            Fact::Pay { percent, learned_after } => {
                let reference = format!("R-{}", self.receipts.len());
                let received_on = plus_days(day, -learned_after).max(first_day());
                let memo = String::new();
                let payment =
                    CounterPayment { amount: share(*percent), received_on, reference: reference.clone(), memo };
                if office.confirmed_counter_payment(self.account, &payment, BY).await.is_ok() {
                    self.receipts.push(reference);
                }
            }
            Fact::PaymentVoided => {
                if let Some(receipt) = self.receipts.pop() {
                    office.void_payment(&receipt, "a bad check", BY).await.expect("the payment stands");
                    // The number is spent.
                    self.receipts.insert(0, format!("{receipt} voided"));
                }
            }
            Fact::Hold { kind, days } => {
                let through = Some(plus_days(day, *days));
                drop(office.hold(self.account, *kind, (None, through), "a history", BY).await);
            }
            Fact::HoldEnds => {
                let holds = office.store.holds_of(self.account).await.expect("the holds");
                if let Some(hold) = holds.iter().rfind(|hold| hold.holds_on(day)) {
                    drop(office.end_hold(hold.id, "decided", BY).await);
                }
            }
            Fact::Promise { percent, days } => {
                drop(office.promise(self.account, share(*percent), plus_days(day, *days), BY).await);
            }
            Fact::Arrangement { down_percent, installments } => {
                let request = PlanRequest {
                    down_payment: share(*down_percent),
                    installments: *installments,
                    first_due: plus_days(day, 14),
                    ..PlanRequest::default()
                };
                drop(office.arrange(self.account, &request, BY).await);
            }
            Fact::ArrangementCanceled => {
                let plans = office.store.arrangements_of(self.account).await.expect("the arrangements");
                if let Some(plan) = plans.iter().rfind(|plan| plan.canceled_on.is_none()) {
                    drop(office.cancel_arrangement(plan.id, "moved", BY).await);
                }
            }
            Fact::FileAgain => {
                if let Some(text) = self.last_bills.clone() {
                    self.takes(&format!("once-more-{day}.csv"), &text).await;
                }
            }
            Fact::OptsOut if self.ended_on.is_some() => {}
            Fact::OptsOut => {
                self.takes(&format!("accounts-{day}.csv"), &self.household.record(true)).await;
                self.opted_out_on = self.opted_out_on.or(Some(day));
            }
            Fact::LetterBack => {
                let notices = office.store.notices_of(self.account).await.expect("the notices");
                if let Some(letter) = notices.iter().rfind(|notice| notice.state == NoticeState::Mailed) {
                    office.mark_returned(letter.id, day, "no such number", BY).await.expect("it was mailed");
                }
            }
        }
    }

    async fn mails(&self, day: Day) {
        let office = &self.office;
        let planned = office.store.notices_in(NoticeState::Planned, 100).await.expect("the notices");
        let ids: Vec<NoticeId> =
            planned.iter().filter(|notice| notice.channel != Channel::Posting).map(|notice| notice.id).collect();
        office.release_notices(&ids, BY).await.expect("a release");
        office.work_outbox(&Mailer::Folder(self.dir.path().join("mail"))).await.expect("the outbox");
        if let Some(made) = office.make_batch(BY).await.expect("a batch").made {
            office.mark_batch_mailed(made.batch, day, IfLate::Void, "PS 3665", BY).await.expect("a mailing");
        }
    }

    async fn calls(&self, day: Day, answers: bool) {
        let office = &self.office;
        drop(office.release_call_list(day, BY).await);
        let outcome = if answers { CallOutcome::Reached } else { CallOutcome::NoAnswer };
        for call in office.store.call_list(day).await.expect("the list") {
            if call.state == CallState::Released {
                let (phone, note, at) = ("9165550142".to_owned(), String::new(), "10:30".to_owned());
                let report = CallReport { outcome, phone, at, note, promise: None, again_on: None };
                drop(office.record_call(call.id, report, BY).await);
            }
        }
    }

    async fn sends_crews(&self, day: Day, does_it: bool) {
        let office = &self.office;
        let ids = |state| async move {
            let orders = office.store.field_orders(Some(state), None).await.expect("the orders");
            orders.iter().map(|order| order.id).collect::<Vec<OrderId>>()
        };
        office.approve_orders(&ids(OrderState::Prepared).await, BY).await.expect("an approval");
        for channel in PaymentChannel::ALL {
            drop(office.sign_no_payments(*channel, plus_days(day, -1), BY).await);
        }
        office.finalize_orders(day, BY).await.expect("a finalization");
        let ready = [ids(OrderState::Approved).await, ids(OrderState::Finalized).await].concat();
        office.render_released(&|| true).await.expect("the tags");
        office.dispatch_orders(&ready, "Crew 4", BY).await.expect("a dispatch");
        for order in office.store.field_orders(Some(OrderState::Dispatched), None).await.expect("the orders") {
            let note = if order.kind == OrderKind::Visit { "spoke with her" } else { "a locked gate" }.to_owned();
            let crew = "Crew 4".to_owned();
            let result = CrewResult { done: does_it, on: day, at: Some("10:45".to_owned()), crew, note };
            office.record_order_result(order.id, result, BY).await.expect("a result");
        }
    }

    /// Candidates are approved, their packet is looked at, and the lists are made.
    async fn refers(&mut self, day: Day) {
        let office = &self.office;
        let account = office.account("10-000417").await.expect("the account");
        for referral in office.store.referrals(Some(ReferralState::Candidate)).await.expect("the referrals") {
            if office.approve_referral(referral.id, None, BY).await.is_err() {
                continue;
            }
            let entries = office.store.entries(self.account).await.expect("the entries");
            let all: Cents = entries.iter().filter(|entry| entry.effective_on <= day).map(|entry| entry.amount).sum();
            let seen = office.snapshot(self.account).await.expect("the account");
            let left_over: Cents = seen.idle.iter().map(|idle| idle.left).sum();
            // What is not due yet, contested or out already stands beside the claim.
            let claimed = |item: &&OpenItem| referral.items.is_empty() || referral.items.contains(&item.id);
            let beside: Cents = seen.items.iter().filter(|item| !claimed(item)).map(|item| item.open).sum();
            let ledger = all + left_over - seen.stayed_amount() - beside;
            if let Ok(made) = office.packet(&account, None).await {
                let again = office.packet(&account, None).await.expect("a second time");
                assert_eq!(made.packet.hash, again.packet.hash, "invariant 9: the same packet to the byte, on {day}");
                self.built.push(Built { packet: made.packet, ledger });
            }
        }
        for to in [Destination::Attorney, Destination::Agency] {
            office.export_referrals(to, BY).await.expect("a list");
        }
    }

    /// What stands of the account at the end of a day.
    pub async fn books(&self) -> BTreeMap<&'static str, Value> {
        let store = &self.office.store;
        let snapshot = self.office.snapshot(self.account).await.expect("the account");
        BTreeMap::from([
            ("entries", json!(store.entries(self.account).await.expect("the entries"))),
            ("notices", json!(store.notices_of(self.account).await.expect("the notices"))),
            ("orders", json!(store.orders_of(self.account).await.expect("the orders"))),
            ("calls", json!(store.calls_of(self.account).await.expect("the calls"))),
            ("referrals", json!(store.referrals_of(self.account).await.expect("the referrals"))),
            ("shut off", json!(snapshot.shut_off)),
            ("frozen", json!(snapshot.frozen)),
            ("left over", json!(snapshot.idle)),
            ("stayed", json!(snapshot.stayed)),
            ("deposits", json!(snapshot.deposits)),
            ("elsewhere", json!(self.next_ledger().await)),
            ("case", json!(snapshot.case)),
        ])
    }
}

pub fn first_day() -> Day {
    parse("2026-01-05").expect("a day")
}

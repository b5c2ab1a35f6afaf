//! Random lives of one account through the books themselves: files, the night, the outbox, the crew.
//!
//! Two cities live the same life. In the one a night looks only at an account that something has happened to or whose day has
//! come; in the other every night looks at it. On no day may they differ in what was decided, sent, ordered or charged.

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
use arrears::domain::{AccountId, Cents, Channel, Day, Language, NoticeId, OrderId};
use arrears::notices::Mailer;
use arrears::office::{CallReport, IfLate, Office, PlanRequest};
use arrears::store::{CounterPayment, CrewResult};
use chrono::{NaiveTime, TimeZone};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a life is, in days.
const DAYS: i64 = 170;
/// Lives that between them reach what is asked for below; each costs some seconds.
const SEEDS: [u64; 2] = [4, 5];
const BY: &str = "L. Ortiz";

/// Whole numbers from a seed: the same life for the same seed on every machine (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % n
    }

    /// With a chance of one in `n`.
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn from<T: Copy>(&mut self, among: &[T]) -> T {
        let index = usize::try_from(self.below(among.len() as u64)).expect("a small number");
        among[index]
    }
}

/// What happens on a day, whatever the city has done so far.
#[derive(Clone, Debug)]
enum Fact {
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
}

/// A day of a life.
#[derive(Clone, Debug)]
struct Chapter {
    facts: Vec<Fact>,
    /// Letters are released, set and mailed; otherwise they wait.
    mails: bool,
    /// Whoever is called answers.
    answers: bool,
    /// Crews do what they are sent for.
    crews: bool,
}

fn life(seed: u64) -> Vec<Chapter> {
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
            facts.push(match dice.below(12) {
                0..=2 => Fact::Pay { percent, learned_after: days % 10 },
                3 => Fact::PaymentVoided,
                4 => Fact::Hold { kind: dice.from(HoldKind::ALL), days },
                5 => Fact::HoldEnds,
                6 => Fact::Promise { percent, days: days % 14 },
                7 | 8 => Fact::Arrangement { down_percent: dice.from(&[0, 20]), installments: dice.from(&[1, 2, 4]) },
                9 => Fact::ArrangementCanceled,
                _ => Fact::LetterBack,
            });
        }
        chapters.push(Chapter { facts, mails: !dice.one_in(8), answers: dice.one_in(2), crews: !dice.one_in(4) });
    }
    chapters
}

struct City {
    office: Office,
    clock: Arc<SetClock>,
    dir: TempDir,
    account: AccountId,
    receipts: Vec<String>,
}

impl City {
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(SetClock::new(chrono::DateTime::UNIX_EPOCH));
        let office = Office::open(dir.path(), None, Arc::<SetClock>::clone(&clock)).await.expect("an office");
        let mut city = Self { office, clock, dir, account: AccountId(0), receipts: Vec::new() };
        city.at(first_day(), "03:00");
        city.office.adopt_shipped("riverbend", BY).await.expect("the policy");
        let translated =
            [Language::Spanish, Language::Chinese, Language::Tagalog, Language::Vietnamese, Language::Korean];
        city.office.sign_wordings(None, &translated, "read by the city's translators", BY).await.expect("signatures");
        let accounts = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy\n\
                        10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner\n";
        city.takes("accounts.csv", accounts).await;
        city.account = city.office.account("10-000417").await.expect("the account").id;
        city
    }

    fn at(&self, day: Day, time: &str) {
        let time = NaiveTime::parse_from_str(time, "%H:%M").expect("a time");
        let local = self.office.config.time_zone.from_local_datetime(&day.and_time(time)).earliest();
        self.clock.set(local.expect("an hour that is").to_utc());
    }

    async fn takes(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        self.office.import(Path::new(&path), BY).await.expect("an import");
    }

    /// The account is due to be looked at, whatever its last decision said.
    async fn wake(&self, day: Day) {
        let url = format!("sqlite:{}", self.dir.path().join("arrears.db").display());
        let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.expect("the database");
        sqlx::query("UPDATE review SET next_review = $1").bind(day).execute(&mut db).await.expect("the update");
    }

    async fn lives(&mut self, day: Day, chapter: &Chapter) {
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
    }

    /// What cannot be done on such a day is refused, in both cities alike.
    async fn learns(&mut self, day: Day, fact: &Fact) {
        let office = &self.office;
        let owed = office.snapshot(self.account).await.expect("the account").balance();
        let share = |percent: i64| Cents::new(owed.get() * percent / 100);
        match fact {
            Fact::Bill { cents } => {
                let (due_on, amount) = (plus_days(day, 21), Cents::new(*cents).to_plain());
                let head = "account,service,amount,billed_on,due_on,source,reference";
                let text = format!("{head}\n10-000417,water,{amount},{day},{due_on},cis,B-{day}\n");
                self.takes(&format!("charges-{day}.csv"), &text).await;
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
        office.dispatch_orders(&ready, "Crew 4", BY).await.expect("a dispatch");
        for order in office.store.field_orders(Some(OrderState::Dispatched), None).await.expect("the orders") {
            let note = if order.kind == OrderKind::Visit { "spoke with her" } else { "a locked gate" }.to_owned();
            let crew = "Crew 4".to_owned();
            let result = CrewResult { done: does_it, on: day, at: Some("10:45".to_owned()), crew, note };
            office.record_order_result(order.id, result, BY).await.expect("a result");
        }
    }

    /// What stands of the account at the end of a day.
    async fn books(&self) -> BTreeMap<&'static str, Value> {
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
            ("case", json!(snapshot.case)),
        ])
    }
}

fn first_day() -> Day {
    parse("2026-01-05").expect("a day")
}

/// Lives a life in both cities, day by day, and gives what stood at its end.
async fn lived_alike(seed: u64) -> BTreeMap<&'static str, Value> {
    let (mut due, mut full) = (City::open().await, City::open().await);
    let mut books = BTreeMap::new();
    for (offset, chapter) in (0..).zip(life(seed)) {
        let day = plus_days(first_day(), offset);
        due.lives(day, &chapter).await;
        full.wake(day).await;
        full.lives(day, &chapter).await;
        books = due.books().await;
        let other = full.books().await;
        for (what, found) in &books {
            assert_eq!(found, &other[what], "{what} on {day} of seed {seed}, which brought {:?}", chapter.facts);
        }
        assert_eq!(books["frozen"], Value::Null, "the audit refused a decision on {day} of seed {seed}");
    }
    books
}

/// How often a word stands as the value of a field.
fn count(books: &BTreeMap<&'static str, Value>, what: &str, field: &str, word: &str) -> usize {
    books[what].as_array().expect("a list").iter().filter(|row| row[field] == word).count()
}

#[test]
fn a_night_that_looks_only_at_who_is_due_does_what_one_does_that_looks_at_everyone() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut reached: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in SEEDS {
        let books = runtime.block_on(lived_alike(seed));
        for (name, what, field, word) in [
            ("a late fee", "entries", "kind", "fee"),
            ("a letter that was mailed", "notices", "state", "mailed"),
            ("a letter that came back", "notices", "state", "returned"),
            ("a shut-off", "orders", "kind", "shut_off"),
            ("a tag", "orders", "kind", "tag"),
            ("a visit", "orders", "kind", "visit"),
        ] {
            *reached.entry(name).or_default() += count(&books, what, field, word);
        }
    }
    // Lives in which nothing happens would prove nothing.
    assert!(reached.values().all(|times| *times > 0), "{reached:?}");
}

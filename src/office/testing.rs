//! A small Riverbend for the tests of the office and of the daemon: one account owes $224.20 since March 23, 2026. The first
//! night is that of May 1, when the time for a late fee is over.

use std::sync::Arc;

use chrono::{NaiveTime, TimeZone};
use serde_json::json;
use tempfile::TempDir;

use super::{CallReport, IfLate, Office};
use crate::clock::SetClock;
use crate::domain::call::CallOutcome;
use crate::domain::day::{parse, plus_days};
use crate::domain::field_order::OrderState;
use crate::domain::ledger::PaymentChannel;
use crate::domain::notice::NoticeState;
use crate::domain::placement::{PlacedDebt, Placement};
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{AccountId, Cents, Day, Language, NoticeId, OrderId, ReferralId};
use crate::notices::Mailer;
use crate::store::CrewResult;

const ACCOUNTS: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner
";
const CHARGES: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,water,224.20,2026-03-02,2026-03-23,cis,B1-W
";

pub struct City {
    pub office: Arc<Office>,
    clock: Arc<SetClock>,
    dir: TempDir,
}

impl City {
    /// On March 2, with the bill imported.
    pub async fn new() -> Self {
        Self::configured("").await
    }

    /// The same, under an `arrears.yaml` of that text.
    pub async fn configured(yaml: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let named = if yaml.contains("city:") { "" } else { "city: {name: City of Riverbend}\n" };
        std::fs::write(dir.path().join(crate::config::FILE), format!("{named}{yaml}")).unwrap();
        let clock = Arc::new(SetClock::new(chrono::DateTime::UNIX_EPOCH));
        let office = Office::open(dir.path(), None, Arc::<SetClock>::clone(&clock)).await.unwrap();
        let city = Self { office: Arc::new(office), clock, dir };
        city.at("2026-03-02", "09:00");
        city.office.adopt_shipped("riverbend", "Ruth").await.unwrap();
        city.office.sign_wordings(None, Language::ALL, "read by the city's translators", "Ruth").await.unwrap();
        city.takes("accounts.csv", ACCOUNTS).await;
        city.takes("charges.csv", CHARGES).await;
        city
    }

    /// Sets the clock to a local time.
    pub fn at(&self, date: &str, time: &str) {
        let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
        let local = self.office.config.time_zone.from_local_datetime(&day(date).and_time(time)).unwrap();
        self.clock.set(local.to_utc());
    }

    /// A file that comes into the inbox and is taken; nothing is decided yet.
    pub async fn takes(&self, name: &str, text: &str) {
        self.inbox(name, text);
        let intake = self.office.take_inbox().await.unwrap();
        assert_eq!((intake.taken, intake.refused), (1, 0), "{name}");
    }

    /// A file that comes into the inbox.
    pub fn inbox(&self, name: &str, text: &str) {
        let inbox = self.dir.path().join("inbox");
        std::fs::create_dir_all(&inbox).unwrap();
        std::fs::write(inbox.join(name), text).unwrap();
    }

    /// A payment by lockbox, received on a day, for an account as the bank read it.
    pub async fn lockbox(&self, account: &str, amount: &str, on: &str) {
        let head = "account,amount,received_on,channel,source,reference";
        let row = format!("{account},{amount},{on},lockbox,lockbox,LB-{account}-{amount}-{on}");
        self.takes("payments.csv", &format!("{head}\n{row}\n")).await;
    }

    /// What is open on the account is with an agency since March 2.
    pub async fn is_out(&self, number: &str) {
        let account = self.office.account(number).await.unwrap().id;
        let items = self.office.snapshot(account).await.unwrap().items;
        let amount: Cents = items.iter().map(|item| item.open).sum();
        let debts =
            items.iter().map(|item| PlacedDebt { item: item.id, amount: item.amount, open: item.open }).collect();
        let placement = Placement { at: self.office.now(), amount, debts, paid_before: Vec::new(), ended: None };
        let referral = Referral {
            id: ReferralId(0),
            account,
            act_key: format!("placed {number}"),
            to: Destination::Agency,
            state: ReferralState::Placed,
            proposed_on: day("2026-03-02"),
            amount,
            items: items.iter().map(|item| item.id).collect(),
            approved_by: Some("Ruth".into()),
            approved_on: Some(day("2026-03-02")),
            placed_on: Some(day("2026-03-02")),
            cause: None,
            limitation_override: None,
            placement: Some(placement),
        };
        let insert = format!(
            "INSERT INTO referral (account_id, act_key, state, body) VALUES ({account}, '{}', 'placed', '{}')",
            referral.act_key,
            json!(referral)
        );
        self.office.store.tampers(&insert).await.unwrap();
    }

    /// Where emails go.
    pub fn mailer(&self) -> Mailer {
        Mailer::Folder(self.dir.path().join("mail"))
    }

    /// The only account.
    pub async fn debtor(&self) -> AccountId {
        self.office.account("10-000417").await.unwrap().id
    }

    /// To the morning of Friday, May 8: the final notice was mailed on May 1, and the call that the law asks for waits.
    pub async fn to_the_call(&self) {
        self.at("2026-05-01", "04:00");
        self.office.night(day("2026-05-01")).await.unwrap();
        let planned = self.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
        let ids: Vec<NoticeId> = planned.iter().map(|notice| notice.id).collect();
        self.office.release_notices(&ids, "Ruth").await.unwrap();
        self.office.work_outbox(&self.mailer()).await.unwrap();
        let made = self.office.make_batch("Ruth").await.unwrap().made.unwrap();
        self.office.mark_batch_mailed(made.batch, day("2026-05-01"), IfLate::Void, "PS 3665", "Ruth").await.unwrap();
        self.at("2026-05-08", "04:00");
    }

    /// To 09:00 on Friday, May 22: the customer was spoken with on May 8, and the shut-off is prepared.
    pub async fn to_the_approval(&self) -> OrderId {
        self.to_the_call().await;
        self.office.night(day("2026-05-08")).await.unwrap();
        self.office.release_call_list(day("2026-05-08"), "Ruth").await.unwrap();
        self.at("2026-05-08", "10:00");
        let call = self.office.store.call_list(day("2026-05-08")).await.unwrap()[0].id;
        self.office.record_call(call, report(CallOutcome::Reached, "10:00"), "Omar").await.unwrap();
        self.at("2026-05-22", "04:00");
        self.office.night(day("2026-05-22")).await.unwrap();
        self.at("2026-05-22", "09:00");
        self.office.store.field_orders(Some(OrderState::Prepared), None).await.unwrap()[0].id
    }

    /// To the same hour: the shut-off is approved, and every channel of payments is loaded through May 21.
    pub async fn to_the_shut_off(&self) -> OrderId {
        let order = self.to_the_approval().await;
        self.office.approve_orders(&[order], "Ruth").await.unwrap();
        for channel in PaymentChannel::ALL {
            self.office.sign_no_payments(*channel, plus_days(day("2026-05-22"), -1), "Ruth").await.unwrap();
        }
        order
    }

    /// Past ten on that day: the crew has shut the water off.
    pub async fn to_the_dry_tap(&self) {
        let order = self.to_the_shut_off().await;
        self.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
        self.office.dispatch_orders(&[order], "Crew 2", "Ruth").await.unwrap();
        let done = CrewResult {
            done: true,
            on: day("2026-05-22"),
            at: Some("10:00".into()),
            crew: "Crew 2".into(),
            note: String::new(),
        };
        self.office.record_order_result(order, done, "Ruth").await.unwrap();
    }
}

pub fn day(text: &str) -> Day {
    parse(text).unwrap()
}

/// What a representative says of a call.
pub fn report(outcome: CallOutcome, at: &str) -> CallReport {
    let (phone, note) = ("9165550142".to_owned(), String::new());
    CallReport { outcome, phone, at: at.to_owned(), note, promise: None, again_on: None }
}

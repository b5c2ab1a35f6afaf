//! `account`: all that stands with one account, on one page.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::args::Json;
use super::show::{Numbered, maybe_day};
use super::table::{Column, Table};
use super::{Desk, Result, arrange, bankruptcy, dispute, hold, notices, orders, referrals};
use crate::domain::arrears::{days_past_due, past_due};
use crate::domain::call::{Call, CallAttempt};
use crate::domain::deposit::Deposit;
use crate::domain::dispute::Dispute;
use crate::domain::field_order::FieldOrder;
use crate::domain::hold::Hold;
use crate::domain::notice::Notice;
use crate::domain::petition::Petition;
use crate::domain::promise::{Promise, PromiseState};
use crate::domain::referral::Destination;
use crate::domain::spoken::spoken;
use crate::domain::{AccountNumber, Case, Cents, Day, Entry, OpenItem, Profile, Service, Snapshot, StepState, day};
use crate::office::Out;
use crate::store::Account;

#[derive(Args, Debug)]
pub struct AccountArgs {
    account: String,
    #[command(flatten)]
    json: Json,
}

/// One line of the ledger with the balance after it.
#[derive(Serialize)]
struct LedgerLine {
    #[serde(flatten)]
    entry: Entry,
    balance_after: Cents,
}

#[derive(Serialize)]
struct PromiseLine {
    #[serde(flatten)]
    promise: Promise,
    state: PromiseState,
}

#[derive(Serialize)]
struct Page {
    today: Day,
    profile: Profile,
    balance: Cents,
    past_due: Cents,
    /// What is left over of write-offs whose debts were paid after all or taken back: no part of the balance, and nobody's.
    left_over: Cents,
    /// Contested by the customer: part of the balance, and asked for by nobody until it is decided.
    disputed: Cents,
    /// Out with destinations: part of the balance, and asked for by them.
    out: Vec<(Destination, Cents)>,
    /// Why it is frozen, where an exception stands.
    frozen: Option<String>,
    shut_off: Vec<Service>,
    open_items: Vec<OpenItem>,
    ledger: Vec<LedgerLine>,
    case: Option<Case>,
    notices: Vec<Numbered<Notice>>,
    calls: Vec<Call>,
    attempts: Vec<CallAttempt>,
    disputes: Vec<Numbered<Dispute>>,
    petitions: Vec<Numbered<Petition>>,
    /// What they stay: owed, and asked for by nobody.
    stayed: Vec<OpenItem>,
    holds: Vec<Numbered<Hold>>,
    deposits: Vec<Deposit>,
    promises: Vec<PromiseLine>,
    arrangements: Vec<arrange::Line>,
    orders: Vec<Numbered<FieldOrder>>,
    referrals: Vec<referrals::Shown>,
}

impl AccountArgs {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let Account { id, mut profile } = office.account(&self.account).await?;
        profile.attributes = profile.shown_attributes();
        let number = profile.number.clone();
        let snapshot = office.snapshot(id).await?;
        let today = office.today();
        let store = &office.store;
        let entries = store.entries(id).await?;
        let promises = store.promises_of(id).await?;
        let mut shown_referrals = Vec::new();
        for referral in of(&number, store.referrals_of(id).await?) {
            let sue_by = office.sue_by(&referral.row, &snapshot).await?;
            shown_referrals.push(referrals::Shown { out: Out::of(&referral.row, &snapshot), referral, sue_by });
        }
        let page = Page {
            today,
            balance: snapshot.balance(),
            past_due: past_due(&snapshot.items, today, Cents::ZERO),
            left_over: snapshot.idle.iter().map(|idle| idle.left).sum(),
            disputed: contested(&snapshot, today),
            out: snapshot.out_with(),
            frozen: snapshot.frozen.clone(),
            shut_off: snapshot.shut_off.clone(),
            promises: promises
                .into_iter()
                .map(|promise| PromiseLine { state: promise.state(&entries, today), promise })
                .collect(),
            ledger: running(entries),
            open_items: snapshot.items,
            case: snapshot.case,
            notices: of(&number, store.notices_of(id).await?),
            calls: store.calls_of(id).await?,
            attempts: store.attempts_of(id).await?,
            disputes: of(&number, snapshot.disputes.clone()),
            petitions: of(&number, snapshot.petitions.clone()),
            stayed: snapshot.stayed.clone(),
            holds: of(&number, store.holds_of(id).await?),
            deposits: snapshot.deposits,
            arrangements: arrange::lines(&office, Some(id)).await?,
            orders: of(&number, store.orders_of(id).await?),
            referrals: shown_referrals,
            profile,
        };
        self.json.or(&page, || text(&page))
    }
}

fn contested(snapshot: &Snapshot, today: Day) -> Cents {
    let contested = snapshot.disputed(today);
    snapshot.items.iter().filter(|item| contested.contains(&item.id)).map(|item| item.open).sum()
}

fn of<T>(number: &AccountNumber, rows: Vec<T>) -> Vec<Numbered<T>> {
    rows.into_iter().map(|row| Numbered { account_number: number.clone(), row }).collect()
}

fn running(entries: Vec<Entry>) -> Vec<LedgerLine> {
    let mut balance_after = Cents::ZERO;
    let line = |entry: Entry| {
        balance_after += entry.amount;
        LedgerLine { entry, balance_after }
    };
    entries.into_iter().map(line).collect()
}

fn text(page: &Page) -> String {
    let mut text = head(page);
    let mut part = |title: &str, empty: bool, table: &dyn Fn() -> String| {
        if !empty {
            text.push_str(&format!("\n{title}\n{}", table()));
        }
    };
    part("Open debts", page.open_items.is_empty(), &|| open_items(&page.open_items, page.today));
    part("Stayed by a petition", page.stayed.is_empty(), &|| open_items(&page.stayed, page.today));
    part("Ledger", page.ledger.is_empty(), &|| ledger(&page.ledger));
    part("Case", page.case.is_none(), &|| page.case.as_ref().map(case).unwrap_or_default());
    part("Notices", page.notices.is_empty(), &|| notices::table(&page.notices));
    part("Calls to make", page.calls.is_empty(), &|| calls(&page.calls));
    part("Calls made", page.attempts.is_empty(), &|| attempts(&page.attempts));
    part("Disputes", page.disputes.is_empty(), &|| dispute::table(&page.disputes));
    part("Petitions in bankruptcy", page.petitions.is_empty(), &|| bankruptcy::table(&page.petitions));
    part("Holds", page.holds.is_empty(), &|| hold::table(&page.holds, page.today));
    part("Deposits", page.deposits.is_empty(), &|| deposits(page));
    part("Promises", page.promises.is_empty(), &|| promises(&page.promises));
    part("Arrangements", page.arrangements.is_empty(), &|| arrange::table(&page.arrangements));
    part("Field orders", page.orders.is_empty(), &|| orders::table(&page.orders));
    part("Referrals", page.referrals.is_empty(), &|| referrals::table(&page.referrals));
    text
}

fn head(page: &Page) -> String {
    let profile = &page.profile;
    let words = |services: &[Service]| services.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ");
    let party = |party: &crate::domain::Party| format!("{}, {}", party.name, party.address.one_line());
    let attributes: Vec<String> = profile.attributes.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let mailing = if profile.mails_elsewhere() { profile.mailing_address.one_line() } else { String::new() };
    let some = |amount: Cents| if amount.is_zero() { String::new() } else { amount.to_string() };
    let mut text = format!("Account {} on {}\n", profile.number, day::long(page.today));
    let out: Vec<String> = page.out.iter().map(|(to, amount)| format!("{amount} with {to}")).collect();
    let lines: [(&str, String); 20] = [
        ("Customer", profile.customer_name.clone()),
        ("Service address", profile.service_address.one_line()),
        ("Mailing address", mailing),
        ("Email", profile.email.clone().unwrap_or_default()),
        ("Phones", profile.phones.join(", ")),
        ("Language", profile.language.to_string()),
        ("Class", profile.class.to_string()),
        ("Services", words(&profile.services)),
        ("Occupancy", profile.occupancy.to_string()),
        ("Owner", profile.owner.as_ref().map(party).unwrap_or_default()),
        ("Third party", profile.third_party.as_ref().map(party).unwrap_or_default()),
        ("Attributes", attributes.join(", ")),
        ("Shut off", words(&page.shut_off)),
        ("Disputed", some(page.disputed)),
        ("Out", out.join(", ")),
        ("Stayed", some(page.stayed.iter().map(|item| item.open).sum())),
        ("Left over", some(page.left_over)),
        ("Frozen", page.frozen.clone().unwrap_or_default()),
        ("Balance", page.balance.to_string()),
        ("Past due", page.past_due.to_string()),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<16} {value}");
    }
    text
}

fn deposits(page: &Page) -> String {
    use Column::{Left, Right};
    let mut table =
        Table::new(&[Left("Reference"), Left("Received"), Right("Deposit"), Right("Interest"), Left("Now")]);
    for deposit in &page.deposits {
        table.row([
            deposit.reference.clone(),
            day::short(deposit.received_on),
            deposit.amount.to_string(),
            deposit.interest.to_string(),
            deposit.standing(page.today),
        ]);
    }
    table.show("")
}

fn open_items(items: &[OpenItem], today: Day) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Left("Service"),
        Left("Kind"),
        Left("Billed"),
        Left("Due"),
        Right("Days past due"),
        Right("Open"),
    ]);
    for item in items {
        table.row([
            item.service.to_string(),
            item.kind.to_string(),
            day::short(item.billed_on),
            day::short(item.due_on),
            days_past_due(item, today).max(0).to_string(),
            item.open.to_string(),
        ]);
    }
    table.show("")
}

fn ledger(lines: &[LedgerLine]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("Entry"),
        Left("Date"),
        Left("Due"),
        Left("Kind"),
        Left("Service"),
        Left("Reference"),
        Left("Memo"),
        Right("Amount"),
        Right("Balance"),
    ]);
    for LedgerLine { entry, balance_after } in lines {
        table.row([
            entry.id.to_string(),
            day::short(entry.effective_on),
            maybe_day(entry.due_on),
            entry.kind.to_string(),
            entry.service.to_string(),
            entry.reference.clone(),
            entry.memo.clone(),
            entry.amount.to_string(),
            balance_after.to_string(),
        ]);
    }
    table.show("")
}

fn case(case: &Case) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[Left("Track"), Left("Stage"), Right("Round"), Left("State")]);
    for run in &case.tracks {
        let opened = format!("opened {}", day::short(run.opened_on));
        table.row([run.track.to_string(), String::new(), String::new(), opened]);
        for step in &run.steps {
            let state = match &step.state {
                StepState::Acted(day) => format!("decided {}", day::short(*day)),
                StepState::Skipped(by) => format!("skipped {} by {}: {}", day::short(by.on), by.by, by.reason),
                StepState::Canceled(day, cause) => format!("canceled {}: {cause}", day::short(*day)),
                StepState::Expired(day) => format!("expired {}", day::short(*day)),
                StepState::Spent(day, until) => format!("done {}, spent {}", day::short(*day), day::short(*until)),
            };
            table.row([run.track.to_string(), step.stage.to_string(), step.round.to_string(), state]);
        }
        for (stage, announced) in &run.announced {
            let state = format!("announced for {}", day::short(*announced));
            table.row([run.track.to_string(), stage.to_string(), String::new(), state]);
        }
        if let Some((day, cause)) = &run.closed {
            let state = format!("closed {}: {cause}", day::short(*day));
            table.row([run.track.to_string(), String::new(), String::new(), state]);
        }
    }
    let opened = day::short(case.opened_on);
    table.show(&format!("Case {} opened {opened}; no track has begun.", case.number))
}

fn calls(calls: &[Call]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("Script"),
        Left("From"),
        Left("Listed"),
        Right("Attempts"),
        Left("Assigned to"),
        Left("State"),
        Left("Why"),
    ]);
    for call in calls {
        table.row([
            call.id.to_string(),
            call.script.clone(),
            day::short(call.not_before),
            maybe_day(call.listed_on),
            format!("{} of {}", call.attempts_made, call.attempts_wanted),
            call.assigned_to.clone().unwrap_or_default(),
            call.state.to_string(),
            call.cause.clone().unwrap_or_default(),
        ]);
    }
    table.show("")
}

fn attempts(attempts: &[CallAttempt]) -> String {
    use Column::{Left, Right};
    let mut table =
        Table::new(&[Right("Call"), Left("Made"), Left("By"), Left("Phone"), Left("Outcome"), Left("Note")]);
    for attempt in attempts {
        table.row([
            attempt.call.to_string(),
            format!("{} {}", day::short(attempt.made_on), attempt.at),
            attempt.by.clone(),
            attempt.phone.clone(),
            spoken(attempt.outcome.word()),
            attempt.note.clone(),
        ]);
    }
    table.show("")
}

fn promises(lines: &[PromiseLine]) -> String {
    use Column::{Left, Right};
    let mut table =
        Table::new(&[Right("ID"), Left("Made"), Left("Taken by"), Right("Amount"), Left("Pay by"), Left("State")]);
    for PromiseLine { promise, state } in lines {
        let state = match state {
            PromiseState::Open => "open".to_owned(),
            PromiseState::Kept(on) => format!("kept {}", day::short(*on)),
            PromiseState::Broken(on) => format!("broken {}", day::short(*on)),
            PromiseState::Canceled(on) => format!("canceled {}", day::short(*on)),
        };
        table.row([
            promise.id.to_string(),
            day::short(promise.made_on),
            promise.taken_by.clone(),
            promise.amount.to_string(),
            day::short(promise.pay_by),
            state,
        ]);
    }
    table.show("")
}

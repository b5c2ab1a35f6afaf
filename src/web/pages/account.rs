//! An account: who, what is owed, why it stands as it does, and all that was done.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use serde::Serialize;

use super::history::LogRow;
use super::owing::Owing;
use super::proceedings::Proceedings;
use super::{Line, current};
use crate::domain::arrangement::ArrangementState;
use crate::domain::call::CallAttempt;
use crate::domain::hold::HoldKind;
use crate::domain::notice::{Notice, NoticeState};
use crate::domain::promise::PromiseState;
use crate::domain::{Cents, Day, Entry, EntryKind, HoldId, Profile, Snapshot};
use crate::office::Explained;
use crate::web::error::WebError;
use crate::web::form::{Fields, Key, Posted};
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

/// Lines of the log that are shown.
const LOG_LINES: u32 = 100;

#[derive(Serialize)]
struct AccountPage {
    account: Line,
    profile: Vec<(&'static str, Vec<String>)>,
    frozen: Option<String>,
    shut_off: String,
    owing: Owing,
    why: WhyPart,
    ledger: Vec<LedgerRow>,
    notices: Vec<NoticeRow>,
    attempts: Vec<AttemptRow>,
    promises: Vec<PromiseRow>,
    arrangements: Vec<ArrangementRow>,
    holds: Vec<HoldRow>,
    proceedings: Proceedings,
    /// The three points about health, each with what shows it; none where nothing of them was shown.
    points: Vec<(&'static str, String)>,
    hold_kinds: Vec<(&'static str, String)>,
    orders: Vec<OrderRow>,
    referrals: Vec<ReferralRow>,
    log: Vec<LogRow>,
    today_iso: String,
}

/// The decision in words, or why there is none.
#[derive(Serialize)]
struct WhyPart {
    on: String,
    on_iso: String,
    case: String,
    next_review: String,
    stages: Vec<Explained>,
    /// Arrangements against limits of the policy.
    agreements: Vec<String>,
    /// What protects the account, and what is off there.
    stands: Vec<String>,
    missing: Option<String>,
}

#[derive(Serialize)]
struct LedgerRow {
    on: String,
    kind: String,
    service: String,
    reference: String,
    note: String,
    due_on: String,
    debt: String,
    credit: String,
    balance: String,
    /// Undone by a later entry.
    undone: bool,
}

#[derive(Serialize)]
struct NoticeRow {
    id: i64,
    template: String,
    to: String,
    channel: String,
    amount: String,
    state: String,
    planned_on: String,
    mailed_on: String,
    proof: String,
    served_on: String,
    note: String,
    has_piece: bool,
}

/// An attempt to reach the customer.
#[derive(Serialize)]
pub struct AttemptRow {
    on: String,
    at: String,
    by: String,
    phone: String,
    outcome: String,
    note: String,
}

/// A promise to pay and what became of it.
#[derive(Serialize)]
pub struct PromiseRow {
    made_on: String,
    amount: String,
    pay_by: String,
    state: String,
    taken_by: String,
}

/// An arrangement and how it stands.
#[derive(Serialize)]
pub struct ArrangementRow {
    made_on: String,
    total: String,
    paid: String,
    next: String,
    state: String,
    made_by: String,
}

/// A hold.
#[derive(Serialize)]
pub struct HoldRow {
    id: i64,
    kind: String,
    from: String,
    through: String,
    reason: String,
    placed_by: String,
    pub in_force: bool,
}

#[derive(Serialize)]
struct OrderRow {
    kind: String,
    service: String,
    for_day: String,
    amount: String,
    state: String,
    done: String,
    note: String,
}

#[derive(Serialize)]
struct ReferralRow {
    to: String,
    state: String,
    proposed_on: String,
    amount: String,
    note: String,
}

/// `/accounts/{number}?on=`
pub async fn show(
    State(web): State<Arc<Web>>,
    person: Person,
    Path(number): Path<String>,
    asked: Fields,
) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let today = web.office.today();
    let on = asked.day("on", "The day")?;
    let account = web.office.account(&number).await?;
    let (snapshot, owing) = current(&web, account.id).await?;
    let why = why(&web, &snapshot, on).await?;
    let view = AccountPage {
        account: Line::of(&snapshot),
        profile: profile(&snapshot.profile),
        frozen: snapshot.frozen.clone(),
        shut_off: snapshot.shut_off.iter().map(|service| service.word()).collect::<Vec<_>>().join(", "),
        owing,
        why,
        ledger: ledger(&store.entries(account.id).await?),
        notices: store.notices_of(account.id).await?.iter().rev().map(notice).collect(),
        attempts: attempts(&store.attempts_of(account.id).await?),
        promises: promises(&snapshot, today),
        arrangements: arrangements(&snapshot, today),
        holds: holds(&snapshot, today),
        proceedings: Proceedings::of(&snapshot, today),
        points: shown_points(&snapshot, today),
        hold_kinds: HoldKind::ALL.iter().map(|kind| (kind.word(), words::plain(kind.word()))).collect(),
        orders: orders(&web, &snapshot).await?,
        referrals: referrals(&web, &snapshot).await?,
        log: {
            let lines = store.log_of(account.id, LOG_LINES).await?;
            lines.iter().map(|line| LogRow::of(line, web.office.config.time_zone)).collect()
        },
        today_iso: today.to_string(),
    };
    let title = format!("{} {}", view.account.number, view.account.name);
    web.page(&person, "account.html", Section::Accounts, &title, &view)
}

/// Places a hold on the account.
pub async fn place_hold(
    State(web): State<Arc<Web>>,
    Path(number): Path<String>,
    posted: Posted,
) -> Result<Redirect, WebError> {
    posted.person.must_write()?;
    let account = web.office.account(&number).await?;
    let kind = HoldKind::from_word(posted.fields.get("kind"))
        .ok_or_else(|| WebError::Input("The kind of hold is not chosen: choose one.".to_owned()))?;
    let through = posted.fields.day("through", "The last day")?;
    let reason = posted.fields.text("reason", "The reason for the hold")?;
    web.office.hold(account.id, kind, (None, through), reason, posted.person.name()).await?;
    web.say(&posted.person.session, format!("Hold placed: {}.", kind.word()), &[]);
    Ok(Redirect::to(&format!("{}#holds", words::account_path(&account.profile))))
}

/// Ends a hold with a reason.
pub async fn end_hold(State(web): State<Arc<Web>>, Key(id): Key, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let reason = posted.fields.text("reason", "The reason to end the hold")?;
    web.office.end_hold(HoldId(id), reason, posted.person.name()).await?;
    web.say(&posted.person.session, "Hold ended.", &[]);
    let account = web.office.account(posted.fields.get("account")).await?;
    Ok(Redirect::to(&format!("{}#holds", words::account_path(&account.profile))))
}

async fn why(web: &Web, snapshot: &Snapshot, on: Option<Day>) -> Result<WhyPart, WebError> {
    let day = on.unwrap_or(web.office.today());
    let empty = WhyPart {
        on: words::day(day),
        on_iso: day.to_string(),
        case: String::new(),
        next_review: String::new(),
        stages: Vec::new(),
        agreements: Vec::new(),
        stands: Vec::new(),
        missing: None,
    };
    // Without a policy in force the account still has its ledger and its letters to show.
    match web.office.why(snapshot.account, on).await.map_err(WebError::from) {
        Ok(why) => {
            let case = why.decision.case.as_ref();
            Ok(WhyPart {
                case: case.map_or_else(String::new, |case| {
                    format!("Case {} since {}", case.number, words::day(case.opened_on))
                }),
                next_review: words::maybe_day(why.next_review),
                stages: why.explained.into_iter().map(dated).collect(),
                agreements: why.agreements.iter().chain(&why.record).map(|told| words::us_dates(told)).collect(),
                stands: why.stands.iter().map(|told| words::us_dates(told)).collect(),
                ..empty
            })
        }
        Err(WebError::Refused(text) | WebError::NotFound(text)) => Ok(WhyPart { missing: Some(text), ..empty }),
        Err(other) => Err(other),
    }
}

/// With its dates as the pages show them.
fn dated(explained: Explained) -> Explained {
    Explained {
        stage: explained.stage.replace('_', " "),
        says: words::us_dates(&explained.says).replace('_', " "),
        facts: explained.facts.iter().map(|fact| words::us_dates(fact)).collect(),
        ..explained
    }
}

fn profile(profile: &Profile) -> Vec<(&'static str, Vec<String>)> {
    let party = |party: &crate::domain::Party| [vec![party.name.clone()], party.address.lines()].concat();
    let services = profile.services.iter().map(|service| service.word()).collect::<Vec<_>>().join(", ");
    let mut rows = vec![
        ("Service address", profile.service_address.lines()),
        ("Mailing address", profile.mailing_address.lines()),
        ("Phones", profile.phones.iter().map(|phone| words::phone(phone)).collect()),
        ("Email", profile.email.iter().cloned().collect()),
        ("Language", vec![words::language(profile.language).to_owned()]),
        ("Class", vec![format!("{}, {}-occupied", words::plain(profile.class.word()), profile.occupancy.word())]),
        ("Services", vec![words::plain(&services)]),
        ("Owner", profile.owner.as_ref().map(party).unwrap_or_default()),
        ("Third party", profile.third_party.as_ref().map(party).unwrap_or_default()),
        ("Since", profile.since.map(words::day).into_iter().collect()),
        ("Ended", profile.ended.map(words::day).into_iter().collect()),
        (
            "Further facts",
            profile.shown_attributes().iter().map(|(name, value)| format!("{}: {value}", words::plain(name))).collect(),
        ),
    ];
    rows.retain(|(_, lines)| !lines.is_empty());
    rows
}

fn ledger(entries: &[Entry]) -> Vec<LedgerRow> {
    let undone: BTreeSet<_> = entries.iter().filter_map(|entry| entry.reverses).collect();
    let mut balance = Cents::ZERO;
    entries
        .iter()
        .map(|entry| {
            balance += entry.amount;
            let channel = entry.channel.map(crate::domain::ledger::PaymentChannel::word).unwrap_or_default();
            let note: Vec<&str> = [channel, entry.memo.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
            LedgerRow {
                on: words::day(entry.effective_on),
                kind: words::plain(entry.kind.word()),
                service: if entry.kind == EntryKind::Payment {
                    entry.designated_service.map(|service| words::plain(service.word())).unwrap_or_default()
                } else {
                    words::plain(entry.service.word())
                },
                reference: entry.reference.clone(),
                note: note.join(", "),
                due_on: words::maybe_day(entry.due_on),
                debt: if entry.amount.is_negative() { String::new() } else { entry.amount.to_string() },
                credit: if entry.amount.is_negative() { entry.amount.abs().to_string() } else { String::new() },
                balance: balance.to_string(),
                undone: undone.contains(&entry.id),
            }
        })
        .collect()
}

fn notice(notice: &Notice) -> NoticeRow {
    let returned = notice.returned_on.map(|day| format!("returned {}", words::day(day)));
    let note: Vec<String> = [returned, notice.cause.clone()].into_iter().flatten().collect();
    NoticeRow {
        id: notice.id.0,
        template: words::plain(notice.template.as_str()),
        to: format!("{} ({})", notice.addressee, notice.recipient.word().replace('_', " ")),
        channel: words::plain(notice.channel.word()),
        amount: notice.facts.amount.to_string(),
        state: words::plain(notice.state.word()),
        planned_on: words::day(notice.planned_on),
        mailed_on: words::maybe_day(notice.mailed_on),
        proof: notice.proof.clone().unwrap_or_default(),
        served_on: words::maybe_day(notice.served_on),
        note: note.join("; "),
        has_piece: notice.document.is_some() || matches!(notice.state, NoticeState::Planned | NoticeState::Released),
    }
}

/// Attempts, the latest first.
pub fn attempts(attempts: &[CallAttempt]) -> Vec<AttemptRow> {
    attempts
        .iter()
        .rev()
        .map(|attempt| AttemptRow {
            on: words::day(attempt.made_on),
            at: attempt.at.clone(),
            by: attempt.by.clone(),
            phone: words::phone(&attempt.phone),
            outcome: words::plain(attempt.outcome.word()),
            note: attempt.note.clone(),
        })
        .collect()
}

/// Promises, the latest first.
pub fn promises(snapshot: &Snapshot, today: Day) -> Vec<PromiseRow> {
    let row = |promise: &crate::domain::promise::Promise| PromiseRow {
        made_on: words::day(promise.made_on),
        amount: promise.amount.to_string(),
        pay_by: words::day(promise.pay_by),
        state: match promise.state(&snapshot.payments, today) {
            PromiseState::Open => "Open".to_owned(),
            PromiseState::Kept(day) => format!("Kept {}", words::day(day)),
            PromiseState::Broken(day) => format!("Broken {}", words::day(day)),
            PromiseState::Canceled(day) => format!("Canceled {}", words::day(day)),
        },
        taken_by: promise.taken_by.clone(),
    };
    snapshot.promises.iter().rev().map(row).collect()
}

/// Arrangements, the latest first.
pub fn arrangements(snapshot: &Snapshot, today: Day) -> Vec<ArrangementRow> {
    let row = |plan: &crate::domain::arrangement::Arrangement| {
        let standing = plan.standing(&snapshot.applications, &snapshot.items, today);
        ArrangementRow {
            made_on: words::day(plan.made_on),
            total: plan.total().to_string(),
            paid: standing.paid.to_string(),
            next: standing
                .next
                .map(|next| format!("{} by {}", next.amount, words::day(next.due_on)))
                .unwrap_or_default(),
            state: match standing.state {
                ArrangementState::Performing => "Kept".to_owned(),
                ArrangementState::Missed(day) => format!("Missed {}", words::day(day)),
                ArrangementState::Completed => "Completed".to_owned(),
                ArrangementState::Canceled(day) => format!("Canceled {}", words::day(day)),
            },
            made_by: plan.made_by.clone(),
        }
    };
    snapshot.arrangements.iter().rev().map(row).collect()
}

fn shown_points(snapshot: &Snapshot, today: Day) -> Vec<(&'static str, String)> {
    if snapshot.proofs.is_empty() {
        return Vec::new();
    }
    let told = |point: crate::office::ShownPoint| {
        let shown = point.by.map(|proof| {
            let through = proof.through.map(|day| format!(" through {}", words::day(day))).unwrap_or_default();
            format!("since {}{through}: {} ({})", words::day(proof.from), proof.evidence, proof.recorded_by)
        });
        (point.says, shown.unwrap_or_default())
    };
    crate::office::points(&snapshot.proofs, today).into_iter().map(told).collect()
}

/// Holds, the latest first.
pub fn holds(snapshot: &Snapshot, today: Day) -> Vec<HoldRow> {
    let row = |hold: &crate::domain::hold::Hold| HoldRow {
        id: hold.id.0,
        kind: words::plain(hold.kind.word()),
        from: words::day(hold.from),
        through: match (hold.ended_on, hold.through) {
            (Some(ended), _) => format!("ended {}", words::day(ended)),
            (None, Some(through)) if hold.kind.ends_by_decision() => {
                format!("{}, then until decided", words::day(through))
            }
            (None, Some(through)) => words::day(through),
            (None, None) => "until decided".to_owned(),
        },
        reason: hold.reason.clone(),
        placed_by: hold.placed_by.clone(),
        in_force: hold.holds_on(today),
    };
    snapshot.holds.iter().rev().map(row).collect()
}

async fn orders(web: &Web, snapshot: &Snapshot) -> Result<Vec<OrderRow>, WebError> {
    let orders = web.office.store.orders_of(snapshot.account).await?;
    Ok(orders
        .iter()
        .rev()
        .map(|order| OrderRow {
            kind: words::plain(order.kind.word()),
            service: words::plain(order.service.word()),
            for_day: words::day(order.for_day),
            amount: order.amount.to_string(),
            state: words::plain(order.state.word()),
            done: [words::maybe_day(order.done_on), order.done_at.clone().unwrap_or_default()]
                .join(" ")
                .trim()
                .to_owned(),
            note: [order.note.clone(), order.cause.clone().unwrap_or_default()].join(" ").trim().to_owned(),
        })
        .collect())
}

async fn referrals(web: &Web, snapshot: &Snapshot) -> Result<Vec<ReferralRow>, WebError> {
    let referrals = web.office.store.referrals_of(snapshot.account).await?;
    Ok(referrals
        .iter()
        .rev()
        .map(|referral| ReferralRow {
            to: words::plain(referral.to.word()),
            state: words::plain(referral.state.word()),
            proposed_on: words::day(referral.proposed_on),
            amount: referral.amount.to_string(),
            note: match (&referral.cause, &referral.approved_by) {
                (Some(cause), _) => cause.clone(),
                (None, Some(by)) => format!("approved by {by}"),
                (None, None) => String::new(),
            },
        })
        .collect())
}

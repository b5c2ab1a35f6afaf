//! Today: what waits for people, each a link to where it is done.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use serde::Serialize;
use serde_json::Value;

use super::{Line, snapshots};
use crate::domain::day::plus_days;
use crate::domain::promise::PromiseState;
use crate::domain::{AccountId, Day};
use crate::office::NightReleased;
use crate::store::{RunRecord, Waiting};
use crate::web::error::WebError;
use crate::web::form::Posted;
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

/// Holds that end within these days are shown.
const HOLDS_AHEAD: i64 = 7;
/// Promises whose last day is at most this long past are shown as broken.
const PROMISES_BACK: i64 = 14;

#[derive(Serialize)]
struct TodayPage {
    /// Why nothing leaves the building, in a restored city at which nobody has looked.
    restored: Option<String>,
    /// Why nothing leaves the building, where a night is held.
    held: Option<String>,
    waits: Vec<Waits>,
    accounts: String,
    open_cases: String,
    runs: Vec<Run>,
    holds: Vec<Dated>,
    promises: Vec<Dated>,
    tasks: Vec<Task>,
}

/// A kind of work and how much of it waits.
#[derive(Serialize)]
struct Waits {
    what: &'static str,
    count: u64,
    href: &'static str,
    /// Who does it.
    who: &'static str,
}

/// Something on an account with a day.
#[derive(Serialize)]
struct Dated {
    account: Line,
    text: String,
    on: String,
}

#[derive(Serialize)]
struct Task {
    account: Line,
    text: String,
    role: String,
    since: String,
}

#[derive(Serialize)]
struct Run {
    date: String,
    finished: bool,
    started: String,
    did: String,
}

/// `/`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let today = web.office.today();
    let waiting = store.waiting(today).await?;
    let holds = store.holds_on(today).await?;
    let ahead = plus_days(today, HOLDS_AHEAD);
    let ending: Vec<_> = holds
        .into_iter()
        .filter_map(|(account, hold)| hold.through.filter(|through| *through <= ahead).map(|day| (day, account, hold)))
        .collect();
    let due = store.promises_due(plus_days(today, -PROMISES_BACK), today).await?;
    let tasks = store.tasks(true).await?;
    let named: Vec<AccountId> = ending
        .iter()
        .map(|(_, account, _)| *account)
        .chain(due.iter().map(|(account, _)| *account))
        .chain(tasks.iter().map(|task| task.account))
        .collect();
    let known = snapshots(store, named).await?;
    let line = |account: AccountId| known.get(&account).map(Line::of).unwrap_or_default();

    let mut holds: Vec<(Day, Dated)> = ending
        .into_iter()
        .map(|(day, account, hold)| {
            let kind = words::plain(hold.kind.word());
            let text = if hold.kind.ends_by_decision() { format!("{kind}: decide it") } else { kind };
            (day, Dated { account: line(account), text, on: words::day(day) })
        })
        .collect();
    holds.sort_by(|a, b| (a.0, &a.1.account.number).cmp(&(b.0, &b.1.account.number)));

    let mut promises: Vec<(Day, Dated)> = due
        .into_iter()
        .filter_map(|(account, promise)| {
            let payments = known.get(&account).map(|snapshot| snapshot.payments.as_slice()).unwrap_or_default();
            let PromiseState::Broken(broken_on) = promise.state(payments, today) else { return None };
            let text = format!("{} promised for {}", promise.amount, words::day(promise.pay_by));
            Some((broken_on, Dated { account: line(account), text, on: words::day(broken_on) }))
        })
        .collect();
    promises.sort_by(|a, b| (a.0, &a.1.account.number).cmp(&(b.0, &b.1.account.number)));

    let held = web.office.held_night().await?.map(|line| in_a_sentence(&line.text));
    let restored = web.office.stands_still().await?.map(|why| format!("{why}."));
    let view = TodayPage {
        restored,
        held,
        waits: waits(&waiting),
        accounts: words::count(waiting.accounts, "account", "accounts"),
        open_cases: words::count(waiting.open_cases, "open case", "open cases"),
        runs: store.runs(5).await?.iter().map(|record| run(record, web.office.config.time_zone)).collect(),
        holds: holds.into_iter().map(|(_, dated)| dated).collect(),
        promises: promises.into_iter().map(|(_, dated)| dated).collect(),
        tasks: tasks
            .into_iter()
            .map(|task| Task {
                account: line(task.account),
                text: words::us_dates(&task.text),
                role: words::plain(task.role.word()),
                since: words::day(task.opened_on),
            })
            .collect(),
    };
    web.page(&person, "today.html", Section::Today, "Today", &view)
}

/// What the line says, without the commands that the buttons stand for.
fn in_a_sentence(text: &str) -> String {
    text.split(". Then `").next().map_or_else(String::new, |said| format!("{said}."))
}

/// Lets a held night go on.
pub async fn release_night(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let reason = posted.fields.text("reason", "The reason to release")?;
    let said = match web.office.release_night(reason, posted.person.name()).await? {
        NightReleased::GoesOn(report) if report.held => "The night stopped again.",
        NightReleased::GoesOn(_) => "The night is released and has gone on.",
        NightReleased::NextNight => "The night is released; the run of today makes it good at its hour.",
    };
    web.say(&posted.person.session, said, &[]);
    Ok(Redirect::to("/"))
}

/// Cancels what a held night planned.
pub async fn drop_night(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_release()?;
    let reason = posted.fields.text("reason", "The reason to drop")?;
    let canceled = web.office.drop_night(reason, posted.person.name()).await?;
    let notices = words::count(canceled as u64, "notice", "notices");
    web.say(&posted.person.session, format!("The night is dropped; {notices} canceled."), &[]);
    Ok(Redirect::to("/"))
}

/// In the order of a working day.
fn waits(waiting: &Waiting) -> Vec<Waits> {
    let line = |what, count, href, who| Waits { what, count, href, who };
    vec![
        line("Restorations to send a crew for", waiting.restorations, "/orders", "Representatives"),
        line("Notices to release", waiting.notices_to_release, "/notices", "Lead"),
        line("Call list to release", waiting.calls_to_release, "/calls", "Lead"),
        line("Calls to make", waiting.calls_to_make, "/calls", "Representatives"),
        line("Shut-offs to approve", waiting.orders_to_approve, "/orders", "Approver"),
        line("Shut-offs to finalize", waiting.orders_to_finalize, "/orders", "Approver"),
        line(
            "Orders to give to a crew",
            waiting.orders_to_dispatch + waiting.visits_and_tags,
            "/orders",
            "Representatives",
        ),
        line("Orders in the field", waiting.orders_in_the_field, "/orders", "Crews"),
        line("Referrals to approve", waiting.referrals_to_approve, "/referrals", "Approver"),
        line("Proposals to approve", waiting.proposals, "/approvals", "Somebody else"),
        line("Exceptions", waiting.exceptions, "/exceptions", "Lead"),
        line("Unmatched payments", waiting.unmatched_payments, "/exceptions#unmatched", "Lead"),
        line("Letters to batch", waiting.letters_to_batch, "/notices#mail", "Lead"),
        line("Print batches to mark mailed", waiting.batches_to_mail, "/notices#mail", "Lead"),
        line("Tasks", waiting.tasks, "#tasks", "As each says"),
    ]
}

fn run(run: &RunRecord, zone: chrono_tz::Tz) -> Run {
    Run {
        date: words::day(run.date),
        finished: run.finished_at.is_some(),
        started: words::instant(run.started_at, zone),
        did: did(run.summary.as_ref()),
    }
}

/// What a run counted, without what was nothing.
fn did(summary: Option<&Value>) -> String {
    let Some(Value::Object(fields)) = summary else { return String::new() };
    let counted = |(name, value): (&String, &Value)| match value {
        Value::Number(number) if number.as_u64() != Some(0) => Some(format!("{} {number}", name.replace('_', " "))),
        Value::Bool(true) => Some(name.replace('_', " ")),
        Value::Null | Value::Bool(false) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    let counted: Vec<String> = fields.iter().filter_map(counted).collect();
    if counted.is_empty() { "nothing to do".to_owned() } else { counted.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_says_what_it_did_and_leaves_out_what_was_nothing() {
        let summary = json!({ "already_done": false, "examined": 3, "fees": 0, "notices": 1 });
        assert_eq!(did(Some(&summary)), "examined 3, notices 1");
        assert_eq!(did(Some(&json!({ "examined": 0 }))), "nothing to do");
        assert_eq!(did(Some(&json!({ "missed": true }))), "missed");
    }
}

//! `today`: what waits for people, and the command that shows it.

use clap::Args;
use serde::Serialize;

use super::args::Json;
use super::exit::counted;
use super::table::{Column, Table};
use super::{Desk, Result};
use crate::domain::{AccountNumber, Day, day};
use crate::store::Waiting;

/// How far ahead the end of a limitation period is warned of, in days.
const LIMITATION_AHEAD: i64 = 60;

#[derive(Args, Debug)]
pub struct Today {
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Shown {
    today: Day,
    policy: Option<String>,
    last_night: Option<Day>,
    /// Why nothing goes out, in a restored city at which nobody has looked.
    restored: Option<String>,
    /// Why a night is held, where one is.
    held: Option<String>,
    waiting: Waiting,
    /// Calls that wait because nobody on the staff makes any.
    calls_without_callers: usize,
    /// Referrals whose time to sue ends soon: account and last day.
    limitations: Vec<(AccountNumber, Day)>,
}

impl Today {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let today = office.today();
        let policy = office.store.policy_on(today).await?.map(|policy| policy.name);
        let mut limitations = Vec::new();
        if policy.is_some() {
            for (account, last_day) in office.limitation_warnings(LIMITATION_AHEAD).await? {
                limitations.push((office.store.account(account).await?.profile.number, last_day));
            }
        }
        let has_callers = office.store.staff().await?.iter().any(|person| person.capacity > 0);
        let calls_without_callers = if has_callers { 0 } else { office.store.calls_waiting(today).await?.len() };
        let shown = Shown {
            today,
            policy,
            last_night: office.store.last_finished(crate::office::NIGHT).await?,
            restored: office.stands_still().await?,
            held: office.held_night().await?.map(|line| line.text),
            waiting: office.store.waiting(today).await?,
            calls_without_callers,
            limitations,
        };
        self.json.or(&shown, || text(&shown))
    }
}

fn text(shown: &Shown) -> String {
    let policy = shown.policy.as_deref().unwrap_or("none: adopt one with `arrears rules adopt FILE --by NAME`");
    let night = shown.last_night.map_or_else(|| "none yet".to_owned(), day::short);
    let w = &shown.waiting;
    let mut text = format!(
        "{}\nPolicy in force: {policy}\nLast night run: {night}\n{} accounts, {} open cases\n\n",
        day::long(shown.today),
        w.accounts,
        w.open_cases
    );
    let mut table = Table::new(&[Column::Right("Waits"), Column::Left("What"), Column::Left("Command")]);
    let lines: [(u64, &str, &str); 17] = [
        (w.restorations, "restorations that no crew has yet", "arrears orders list --state approved"),
        (w.exceptions, "exceptions", "arrears exceptions list"),
        (w.unmatched_payments, "payments that match no account", "arrears payments unmatched"),
        (w.notices_to_release, "notices to release", "arrears notices list --state planned"),
        (w.work, "letters and emails to set or send", "arrears outbox"),
        (w.letters_to_batch, "letters to put in a print batch", "arrears notices batch"),
        (w.batches_to_mail, "print batches to mark as mailed", "arrears notices mailed --batch ID"),
        (w.calls_to_release, "calls to release", "arrears calls list"),
        (w.calls_to_make, "calls to make", "arrears calls list"),
        (w.orders_to_approve, "field orders to approve", "arrears orders list --state prepared"),
        (w.orders_to_finalize, "shut-offs to finalize", "arrears orders finalize"),
        (w.orders_to_dispatch, "finalized shut-offs to give to a crew", "arrears orders list --state finalized"),
        (w.visits_and_tags, "visits and tags to give to a crew", "arrears orders list --state approved"),
        (w.orders_in_the_field, "field orders with a crew", "arrears orders list --state dispatched"),
        (w.referrals_to_approve, "referrals to approve", "arrears referrals list --state candidate"),
        (w.proposals, "proposals that wait for a second person", "arrears approvals list"),
        (w.tasks, "tasks", "arrears tasks list"),
    ];
    for (count, what, command) in lines.into_iter().filter(|(count, ..)| *count > 0) {
        table.row([count.to_string(), what.into(), command.into()]);
    }
    text.push_str(&table.show("Nothing waits."));
    if let Some(restored) = &shown.restored {
        text.push_str(&format!("Nothing goes out: {restored}.\n"));
    }
    if let Some(held) = &shown.held {
        text.push_str(&format!("A night is held. {held}.\n"));
    }
    if shown.calls_without_callers > 0 {
        text.push_str(&format!(
            "{} and nobody on the staff makes calls: `arrears staff add NAME --role representative --capacity CALLS --by \
             NAME`, then `arrears night`.\n",
            counted(shown.calls_without_callers, "call waits", "calls wait")
        ));
    }
    for (account, last_day) in &shown.limitations {
        text.push_str(&format!("The time to sue over account {account} ends {}.\n", day::short(*last_day)));
    }
    text
}

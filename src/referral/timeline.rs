//! What happened, in a few dated sentences: the story that counsel reads first.
//!
//! Only facts that are recorded; a conversation is told, an attempt without one is counted.

use super::input::PacketInput;
use super::sent;
use super::statement::Statement;
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::plus_days;
use crate::domain::field_order::{OrderKind, OrderState};
use crate::domain::promise::PromiseState;
use crate::domain::{Day, EntryKind};

/// A dated sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub on: Day,
    pub text: String,
}

/// The moments through the cut-off in order of their days.
#[must_use]
pub fn tell(input: &PacketInput, statement: &Statement<'_>) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut at = |on: Day, text: String| {
        if on <= input.cut_off {
            moments.push(Moment { on, text });
        }
    };
    if let Some(since) = input.profile.since {
        at(since, "Service began.".to_owned());
    }
    if let Some(ended) = input.profile.ended {
        at(ended, "Service ended.".to_owned());
    }
    if let Some(line) = statement.items.first() {
        let item = line.item;
        at(item.due_on, format!("The oldest bill still unpaid fell due ({}, {}).", item.service, item.amount));
        at(plus_days(item.due_on, 1), "The account became delinquent.".to_owned());
    }
    if let Some(payment) = statement.last_payment {
        at(payment.effective_on, format!("Last payment received: {}.", payment.amount.abs()));
    }
    for entry in input.entries.iter().filter(|entry| entry.reverses.is_some()) {
        let undone = input.entries.iter().find(|e| Some(e.id) == entry.reverses);
        if undone.is_some_and(|e| e.kind == EntryKind::Payment) {
            at(entry.effective_on, format!("A payment of {} was returned unpaid.", entry.amount.abs()));
        }
    }
    for piece in sent::sent(input) {
        let notice = piece.notice;
        let by = notice.channel.word();
        at(
            piece.on,
            format!(
                "Notice “{}” sent by {by} for {} (no. {}).",
                words(notice.template.as_str()),
                notice.facts.amount,
                piece.number
            ),
        );
    }
    for call in input.calls.iter().filter(|call| call.outcome.is_contact()) {
        at(call.made_on, format!("Spoke with the household by telephone: {}.", words(call.outcome.word())));
    }
    for promise in &input.promises {
        at(promise.made_on, format!("Promise to pay {} by {}.", promise.amount, promise.pay_by));
        match promise.state(&input.entries, input.cut_off) {
            PromiseState::Kept(day) => at(day, format!("The promise of {} was kept.", promise.made_on)),
            PromiseState::Broken(day) => at(day, format!("The promise of {} was broken.", promise.made_on)),
            PromiseState::Canceled(day) => at(day, format!("The promise of {} was canceled.", promise.made_on)),
            PromiseState::Open => {}
        }
    }
    for record in &input.arrangements {
        let plan = &record.arrangement;
        at(
            plan.made_on,
            format!("Arrangement made: {} installments, {} in all.", plan.installments.len(), plan.total()),
        );
        match plan.standing(&input.books.applications, input.cut_off).state {
            ArrangementState::Missed(day) => {
                at(plus_days(day, i64::from(plan.grace_days) + 1), format!("The installment due {day} was missed."));
            }
            ArrangementState::Canceled(day) => at(day, format!("The arrangement of {} was canceled.", plan.made_on)),
            ArrangementState::Performing | ArrangementState::Completed => {}
        }
    }
    for record in &input.holds {
        let hold = &record.hold;
        at(hold.from, format!("Hold placed ({}): {}.", hold.kind, hold.reason.trim_end_matches('.')));
        if let Some(ended) = hold.ended_on {
            at(ended, format!("Hold ended ({}).", hold.kind));
        }
    }
    for order in input.field_orders.iter().filter(|order| order.state == OrderState::Done) {
        let what = match order.kind {
            OrderKind::ShutOff => "shut off",
            OrderKind::Limit => "limited",
            OrderKind::Restore => "restored",
            OrderKind::Tag | OrderKind::Visit => continue,
        };
        if let Some(done) = order.done_on {
            at(done, format!("Service {what} ({}).", order.service));
        }
    }
    let referral = &input.referral;
    at(referral.proposed_on, format!("Referral proposed ({}).", words(referral.to.word())));
    if let (Some(by), Some(on)) = (&referral.approved_by, referral.approved_on) {
        at(on, format!("Referral approved by {by}."));
    }
    // Stable: moments of one day keep the order above.
    moments.sort_by_key(|moment| moment.on);
    moments
}

/// A word of the files as people read it: `left_message` is `left message`.
#[must_use]
pub fn words(word: &str) -> String {
    word.replace('_', " ")
}

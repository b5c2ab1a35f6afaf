//! What happened, in a few dated sentences: the story that counsel reads first.
//!
//! Only facts that are recorded; a conversation is told, an attempt without one is counted.

use super::face::us;
use super::input::PacketInput;
use super::sent;
use super::statement::Statement;
use crate::domain::arrangement::{Arrangement, ArrangementState};
use crate::domain::day::plus_days;
use crate::domain::field_order::{OrderKind, OrderState};
use crate::domain::promise::PromiseState;
use crate::domain::{Day, EntryKind, EventKind, Recipient};

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
        let what = format!("{} {} of {}", item.service, words(item.kind.word()), item.amount);
        let due = us(item.due_on);
        at(plus_days(item.due_on, 1), format!("The oldest debt still open, a {what} due {due}, became delinquent."));
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
        let to = match notice.recipient {
            Recipient::Customer => "the customer",
            Recipient::Occupant => "the occupant",
            Recipient::Owner => "the owner",
            Recipient::ThirdParty => "the third party",
        };
        let name = words(notice.template.as_str());
        let (amount, by) = (notice.facts.amount, notice.channel.word());
        at(piece.on, format!("Notice no. {}, {name}, sent to {to} by {by}: {amount}.", piece.number));
        if let Some(returned) = notice.returned_on {
            at(returned, format!("Notice no. {} came back.", piece.number));
        }
    }
    for call in input.calls.iter().filter(|call| call.outcome.is_contact()) {
        at(call.made_on, format!("Spoke with the household by telephone: {}.", words(call.outcome.word())));
    }
    for promise in &input.promises {
        at(promise.made_on, format!("Promise to pay {} by {}.", promise.amount, us(promise.pay_by)));
        match promise.state(&input.entries, input.cut_off) {
            PromiseState::Kept(day) => at(day, format!("The promise of {} was kept.", us(promise.made_on))),
            PromiseState::Broken(day) => at(day, format!("The promise of {} was broken.", us(promise.made_on))),
            PromiseState::Canceled(day) => at(day, format!("The promise of {} was canceled.", us(promise.made_on))),
            PromiseState::Open => {}
        }
    }
    for record in &input.arrangements {
        tell_plan(&record.arrangement, input, &mut at);
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
    for event in &input.events {
        if let Some(text) = event_text(event.kind) {
            at(event.on, text.to_owned());
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

/// An arrangement: made, and missed or canceled where it was.
fn tell_plan(plan: &Arrangement, input: &PacketInput, at: &mut impl FnMut(Day, String)) {
    at(plan.made_on, format!("Arrangement made: {} installments, {} in all.", plan.installments.len(), plan.total()));
    if let Some(overridden) = &plan.overridden {
        let approval = &overridden.approval;
        let text = format!(
            "It was made against limits of the policy ({}); {} approved it: {}.",
            overridden.limits.join("; "),
            approval.by,
            approval.reason.trim_end_matches('.')
        );
        at(plan.made_on, text);
    }
    for again in plan.reinstated.iter().filter(|again| again.on <= input.cut_off) {
        let text = format!("An installment had been missed; it was agreed that it is paid by {}.", us(again.pay_by));
        at(again.on, text);
    }
    match plan.standing(&input.books.applications, &input.owed(), input.cut_off).state {
        ArrangementState::Missed(day) => {
            let is_anew = plan.reinstated.iter().any(|again| again.pay_by == day);
            let grace_days = if is_anew { 0 } else { i64::from(plan.grace_days) };
            at(plus_days(day, grace_days + 1), format!("The installment due {} was missed.", us(day)));
        }
        ArrangementState::Canceled(day) => at(day, format!("The arrangement of {} was canceled.", us(plan.made_on))),
        ArrangementState::Performing | ArrangementState::Completed => {}
    }
}

/// What an event adds to the records that are told above; `None` for what they say already.
const fn event_text(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::NoticePosted => Some("A notice was left at the premises."),
        EventKind::CallImpossible => {
            Some("The customer could not be telephoned; a visit was ordered, or a person told.")
        }
        EventKind::ContactFailed => Some("The attempts to reach the customer ended without a conversation."),
        EventKind::EmailBounced => Some("An email could not be delivered."),
        EventKind::PaymentRedeemed => Some("The returned payment was made good."),
        EventKind::Placed => Some("The debt was placed."),
        EventKind::Recalled => Some("The debt was recalled."),
        EventKind::DebtReturned => Some("The destination gave the debt back."),
        EventKind::Rerouted => Some("The referral was withdrawn: the debt goes elsewhere by the policy."),
        EventKind::CustomerFollows => {
            Some("What had been served before was served anew, for whoever is the customer since.")
        }
        EventKind::Overridden => Some("A person changed a stage by hand; the history gives the reason."),
        EventKind::NoticeReleased
        | EventKind::NoticeMailed
        | EventKind::NoticeServed
        | EventKind::NoticeReturned
        | EventKind::NoticeVoided
        | EventKind::ContactMade
        | EventKind::CallAttempted
        | EventKind::PaymentReturned
        | EventKind::InstallmentMissed
        | EventKind::PromiseBroken
        | EventKind::ShutOff
        | EventKind::ShutOffWithoutLeave
        | EventKind::Restored
        | EventKind::OrderCanceled => None,
    }
}

/// A word of the files as people read it: `left_message` is `left message`.
#[must_use]
pub fn words(word: &str) -> String {
    crate::domain::spoken::spoken(word)
}

//! What the city's people do when the division calls or writes.

use super::city::{Persona, PhoneManner, Reply};
use crate::domain::Cents;
use crate::domain::Day;
use crate::domain::call::{Call, CallOutcome};
use crate::domain::day::plus_days;
use crate::office::CallReport;

/// Days within which people promise to pay.
const PROMISE_DAYS: i64 = 7;

/// What comes of a call to a person.
pub fn answer(persona: &Persona, call: &Call, phone: &str, today: Day, at: String) -> CallReport {
    let reached = match persona.phone {
        PhoneManner::Answers => true,
        PhoneManner::Sometimes => call.attempts_made % 2 == 1,
        PhoneManner::Voicemail | PhoneManner::WrongNumber => false,
    };
    let (outcome, note) = match (reached, persona.phone, persona.reply) {
        (false, PhoneManner::Voicemail, _) => (CallOutcome::LeftMessage, "Left the callback number."),
        (false, PhoneManner::WrongNumber, _) => (CallOutcome::WrongNumber, "Number belongs to someone else."),
        (false, _, _) => (CallOutcome::NoAnswer, ""),
        (true, _, Reply::PaysNow) => (CallOutcome::Paid, "Says it is paid today."),
        (true, _, Reply::Promises) => (CallOutcome::Promise, "Gets paid this week."),
        (true, _, Reply::AsksForArrangement) => {
            (CallOutcome::Reached, "Asked about installments; explained the options.")
        }
        (true, _, Reply::Disputes) => (CallOutcome::Dispute, "Disputes the reading; says there was a leak."),
        (true, _, Reply::ClaimsHardship) => (CallOutcome::Hardship, "Lost work; sent the assistance list."),
        (true, _, Reply::Refuses) => (CallOutcome::Refused, "Would not discuss the bill."),
        (true, _, Reply::NeedsLanguageLine) => {
            (CallOutcome::LanguageLine, "Interpreter needed; call again with the line.")
        }
        (true, _, Reply::OptsOut) => (CallOutcome::OptOut, "Asked not to be called."),
    };
    let promise = (outcome == CallOutcome::Promise && call.amount > Cents::ZERO)
        .then(|| (call.amount, plus_days(today, PROMISE_DAYS)));
    let outcome = if outcome == CallOutcome::Promise && promise.is_none() { CallOutcome::Reached } else { outcome };
    CallReport { outcome, phone: phone.to_owned(), at, note: note.to_owned(), promise, again_on: None }
}
